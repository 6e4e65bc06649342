import { type Bytes, concat, part, utf8 } from './bytes';
import { Fault } from './fault';

const NONCE_BYTES = 12;

/** Seals with AES-256-GCM, each thing bound to its place. */
export class Box {
  private constructor(private readonly key: CryptoKey) {}

  static async of(key: Uint8Array): Promise<Box> {
    return new Box(await crypto.subtle.importKey('raw', concat(key), 'AES-GCM', false, ['encrypt', 'decrypt']));
  }

  async seal(place: readonly string[], plain: Uint8Array): Promise<Bytes> {
    const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: bound(place) }, this.key, concat(plain));
    return concat(iv, new Uint8Array(sealed));
  }

  /** store_damaged where it was not sealed so, under this key and for this place. */
  async open(place: readonly string[], sealed: Uint8Array): Promise<Bytes> {
    try {
      const iv = concat(sealed.subarray(0, NONCE_BYTES));
      const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: bound(place) }, this.key, concat(sealed.subarray(NONCE_BYTES)));
      return new Uint8Array(plain);
    } catch {
      throw new Fault('store_damaged', 'Something in the store does not open: it was altered.');
    }
  }
}

function bound(place: readonly string[]): Bytes {
  return concat(utf8('portolan web store 1'), ...place.map(part));
}

/** A new key of 32 random bytes. */
export function newKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(32));
}
