import { Box, newKey } from './box';
import { base64url, type Bytes, concat, fromBase64url, utf8 } from './bytes';
import { Fault, isFault } from './fault';

/** OWASP's count for PBKDF2 with HMAC-SHA-256; a passphrase is asked for when the app is opened anew. */
export const PASSPHRASE_ROUNDS = 600_000;
/** A PIN counts only while the key that never leaves this page's memory is there. */
const PIN_ROUNDS = 20_000;
export const PIN_TRIES = 5;
export const PASSPHRASE_LEAST = 12;
export const PIN_LEAST = 4;

/** What lies on the disk of a person's lock: their root, under their passphrase, and their PIN's key, under the root. */
export interface Lock {
  rounds: number;
  salt: string;
  root: string;
  pinSalt: string;
  pin: string;
}

async function derive(secret: string, salt: Bytes, rounds: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', utf8(secret.normalize('NFKC')), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds }, key, 256));
}

function bytesOf(s: string): Bytes {
  const b = fromBase64url(s);
  if (b === undefined) throw new Fault('store_damaged', 'The lock was altered.');
  return b;
}

/** Puts a root behind a passphrase and a PIN. */
export async function makeLock(root: Uint8Array, passphrase: string, pin: string, rounds = PASSPHRASE_ROUNDS): Promise<Lock> {
  const [salt, pinSalt] = [newKey(), newKey()];
  const behind = await Box.of(await derive(passphrase, salt, rounds));
  const inside = await Box.of(concat(root));
  return {
    rounds,
    salt: base64url(salt),
    root: base64url(await behind.seal(['lock root'], root)),
    pinSalt: base64url(pinSalt),
    pin: base64url(await inside.seal(['lock pin'], await derive(pin, pinSalt, PIN_ROUNDS))),
  };
}

/** The root behind a lock; passphrase_wrong for any other passphrase. */
export async function openLock(l: Lock, passphrase: string): Promise<Bytes> {
  try {
    return await (await Box.of(await derive(passphrase, bytesOf(l.salt), l.rounds))).open(['lock root'], bytesOf(l.root));
  } catch (e) {
    if (isFault(e, 'store_damaged')) throw new Fault('passphrase_wrong', 'That is not the passphrase.');
    throw e;
  }
}

/**
 * A root that waits in memory for its PIN: sealed under the PIN's key and under
 * one that the browser does not give out. Whoever reads the memory of the page
 * finds neither the root nor anything to try PINs on.
 */
export class Warm {
  private tries = 0;

  private constructor(
    private readonly key: CryptoKey,
    private readonly iv: Bytes,
    private readonly sealed: Bytes,
    private readonly salt: Bytes,
  ) {}

  static async of(l: Lock, root: Uint8Array): Promise<Warm> {
    const pin = await (await Box.of(concat(root))).open(['lock pin'], bytesOf(l.pin));
    const inner = await (await Box.of(pin)).seal(['lock warm'], root);
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return new Warm(key, iv, new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, inner)), bytesOf(l.pinSalt));
  }

  /** How many more PINs may be tried before it takes the passphrase. */
  get left(): number {
    return PIN_TRIES - this.tries;
  }

  /** The root; pin_wrong for any other PIN, pin_over once too many were tried. */
  async open(pin: string): Promise<Bytes> {
    if (this.left <= 0) throw new Fault('pin_over', 'Too many wrong PINs: give the passphrase.');
    this.tries++; // before it is looked at, so that no try is free
    const inner = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: this.iv }, this.key, this.sealed));
    try {
      const root = await (await Box.of(await derive(pin, this.salt, PIN_ROUNDS))).open(['lock warm'], inner);
      this.tries = 0;
      return root;
    } catch (e) {
      if (isFault(e, 'store_damaged')) throw new Fault(this.left > 0 ? 'pin_wrong' : 'pin_over', 'That is not the PIN.');
      throw e;
    }
  }
}
