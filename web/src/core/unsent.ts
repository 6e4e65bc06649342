import { type Bytes, concat, fromBase64url, hex, part, utf8 } from './bytes';
import { sealChaCha } from './chacha';
import { Fault } from './fault';
import { quote } from './json';
import { encapsulate, PUBLIC_BYTES } from './mlkem';
import { sha3x256 } from './keccak';
import { expand, extract } from './sha256';

const X25519_BYTES = 32;
const NOTHING = new Uint8Array(0);
const SUITE = concat(utf8('HPKE'), Uint8Array.of(0x64, 0x7a, 0x00, 0x01, 0x00, 0x03));
const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c); // of X-Wing

/** A key of the hub to which tablets seal what is unsent. */
export interface HubKey {
  id: string;
  /** base64url */
  public: string;
}

/** X-Wing: ML-KEM-768 and X25519 together. */
async function xwing(publicKey: Bytes): Promise<{ secret: Uint8Array; enc: Bytes }> {
  const theirs = publicKey.slice(PUBLIC_BYTES);
  const m = encapsulate(publicKey.subarray(0, PUBLIC_BYTES), crypto.getRandomValues(new Uint8Array(32)));
  const pair = (await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits'])) as CryptoKeyPair;
  const ours = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const peer = await crypto.subtle.importKey('raw', theirs, { name: 'X25519' }, false, []);
  const x = new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: peer }, pair.privateKey, 256));
  return { secret: sha3x256(concat(m.secret, x, ours, theirs, LABEL)), enc: concat(m.ciphertext, ours) };
}

function labeledExtract(salt: Uint8Array, label: string, secret: Uint8Array): Uint8Array {
  return extract(salt, concat(utf8('HPKE-v1'), SUITE, utf8(label), secret));
}

function labeledExpand(key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  return expand(key, concat(Uint8Array.of(0, length), utf8('HPKE-v1'), SUITE, utf8(label), info), length);
}

/** Seals change n of a replica to the hub. */
export function sealUnsent(to: HubKey, replica: string, n: number, raw: string): Promise<Bytes> {
  return sealToHub(to, ['unsent', replica, String(n)], raw);
}

/** Seals a text to the hub, for one place (HPKE, RFC 9180, single-shot, base mode). Only the hub opens it. */
export async function sealToHub(to: HubKey, place: readonly [string, string, string], raw: string): Promise<Bytes> {
  const publicKey = fromBase64url(to.public);
  if (publicKey?.length !== PUBLIC_BYTES + X25519_BYTES) throw new Fault('answer_unknown', 'this is no key of a hub');
  const info = concat(utf8('portolan intake 1'), ...place.map(part));
  const { secret, enc } = await xwing(publicKey);
  const context = concat(Uint8Array.of(0), labeledExtract(NOTHING, 'psk_id_hash', NOTHING), labeledExtract(NOTHING, 'info_hash', info));
  const key = labeledExtract(secret, 'secret', NOTHING);
  return concat(enc, sealChaCha(labeledExpand(key, 'key', context, 32), labeledExpand(key, 'base_nonce', context, 12), utf8(raw)));
}

/** What stands in a push in the place of a change that its tablet cannot read any more. */
export function encodeSealed(n: number, of: string, key: string, sum: string, box: string): string {
  const hexed = hex(fromBase64url(sum)!);
  return `{"n":${n},"of":"${of}","key":${quote(key)},"sum":"${hexed}","sealed":"${box}"}`;
}

