import { type Bytes, base64url, concat, fromHex, hex, utf8 } from './bytes';
import { Fault } from './fault';
import { sha256 } from './sha256';

/** The head of a replica's hash chain after one change, in hex. */
export type Link = string;

/** The head before the first change. */
export const FIRST_LINK: Link = '0'.repeat(64);

/** What the chain holds of a change: the hash of its bytes. */
export function commitment(raw: string): Bytes {
  return sha256(utf8(raw));
}

export function nextLink(last: Link, sum: Uint8Array): Link {
  return hex(sha256(concat(fromHex(parseLink(last))!, sum)));
}

export function parseLink(s: string): Link {
  if (s.length !== 64 || fromHex(s) === undefined) throw new Fault('link_malformed', 'a link is 64 lower-case hex digits');
  return s;
}

/** What a device signs of a push: that its chain ends in this link after change n. */
export function pushMessage(replica: string, n: number, link: Link): string {
  return `portolan push 1\n${replica}\n${n}\n${link}\n`;
}

/** What a device signs of a request; body is the SHA-256 of its bytes as they are sent. */
export function requestMessage(method: string, path: string, replica: string, at: number, body: string): string {
  return `portolan request 1\n${method}\n${path}\n${replica}\n${at}\n${body}\n`;
}

/** The Authorization of a request. */
export async function authorization(key: SigningKey, replica: string, method: string, path: string, at: number, sent: Uint8Array): Promise<string> {
  const body = hex(sha256(sent));
  return `Replica ${replica}:${at}:${body}:${await key.sign(requestMessage(method, path, replica, at, body))}`;
}

const PKCS8 = fromHex('302e020100300506032b657004220420')!; // RFC 8410 §7, before the 32 bytes of the seed

/** A replica's Ed25519 key. Once imported its private part cannot be read. */
export class SigningKey {
  private constructor(
    private readonly key: CryptoKey,
    /** base64url */
    readonly publicKey: string,
  ) {}

  static async fromSeed(seed: Uint8Array): Promise<SigningKey> {
    const pkcs8 = concat(PKCS8, seed);
    const readable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
    const jwk = await crypto.subtle.exportKey('jwk', readable);
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
    return new SigningKey(key, jwk.x!);
  }

  /** Signs a text, as base64url. */
  async sign(message: string): Promise<string> {
    return base64url(new Uint8Array(await crypto.subtle.sign('Ed25519', this.key, utf8(message))));
  }
}
