import { concat, equalBytes } from './bytes';

// ChaCha20-Poly1305 (RFC 8439), sealing only, which WebCrypto does not have.

function words(b: Uint8Array): number[] {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  return Array.from({ length: b.length / 4 }, (_, i) => v.getUint32(4 * i, true));
}

function block(key: Uint8Array, counter: number, nonce: Uint8Array): Uint8Array {
  const start = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...words(key), counter, ...words(nonce));
  const s = start.slice();
  const turn = (x: number, n: number) => (x << n) | (x >>> (32 - n));
  const quarter = (a: number, b: number, c: number, d: number) => {
    s[a]! += s[b]!;
    s[d] = turn(s[d]! ^ s[a]!, 16);
    s[c]! += s[d]!;
    s[b] = turn(s[b]! ^ s[c]!, 12);
    s[a]! += s[b]!;
    s[d] = turn(s[d]! ^ s[a]!, 8);
    s[c]! += s[d]!;
    s[b] = turn(s[b]! ^ s[c]!, 7);
  };
  for (let i = 0; i < 10; i++) {
    for (let c = 0; c < 4; c++) quarter(c, 4 + c, 8 + c, 12 + c);
    for (let c = 0; c < 4; c++) quarter(c, 4 + ((c + 1) % 4), 8 + ((c + 2) % 4), 12 + ((c + 3) % 4));
  }
  const out = new Uint8Array(64);
  const view = new DataView(out.buffer);
  s.forEach((x, i) => view.setUint32(4 * i, x + start[i]!, true));
  return out;
}

function number(b: Uint8Array): bigint {
  let n = 0n;
  for (let i = b.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(b[i]!);
  return n;
}

function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const r = number(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  const p = (1n << 130n) - 5n;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    sum = ((sum + number(concat(message.subarray(at, at + 16), Uint8Array.of(1)))) * r) % p;
  }
  sum += number(key.subarray(16));
  return Uint8Array.from({ length: 16 }, (_, i) => Number((sum >> BigInt(8 * i)) & 0xffn));
}

/** The text under the key stream. */
function mixed(key: Uint8Array, nonce: Uint8Array, text: Uint8Array): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let at = 0, counter = 1; at < text.length; at += 64, counter++) {
    const stream = block(key, counter, nonce);
    const end = Math.min(at + 64, text.length);
    for (let i = at; i < end; i++) out[i] = text[i]! ^ stream[i - at]!;
  }
  return out;
}

function tagOf(key: Uint8Array, nonce: Uint8Array, beside: Uint8Array, sealed: Uint8Array): Uint8Array {
  const lengths = new Uint8Array(16);
  const view = new DataView(lengths.buffer);
  view.setUint32(0, beside.length, true);
  view.setUint32(8, sealed.length, true);
  const filled = (b: Uint8Array) => concat(b, new Uint8Array((16 - (b.length % 16)) % 16));
  return poly1305(block(key, 0, nonce).subarray(0, 32), concat(filled(beside), filled(sealed), lengths));
}

const NOTHING = new Uint8Array(0);

/** Seals: the ciphertext, and the tag behind it, over what stands beside it too. */
export function sealChaCha(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, beside: Uint8Array = NOTHING): Uint8Array {
  const out = mixed(key, nonce, plain);
  return concat(out, tagOf(key, nonce, beside, out));
}

/** Opens what was sealed so; undefined where it was not. */
export function openChaCha(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, beside: Uint8Array = NOTHING): Uint8Array | undefined {
  const text = sealed.subarray(0, Math.max(0, sealed.length - TAG_BYTES));
  if (sealed.length < TAG_BYTES || !equalBytes(tagOf(key, nonce, beside, text), sealed.subarray(text.length))) return undefined;
  return mixed(key, nonce, text);
}

export const TAG_BYTES = 16;

/** The key and nonce under which XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) seals as ChaCha20-Poly1305. */
export function extended(key: Uint8Array, nonce: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  // HChaCha20: the block before its beginning is added, which takes it away again here.
  const head = nonce.subarray(0, 16);
  const counter = new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true);
  const mixedUp = words(block(key, counter, head.subarray(4)));
  const start = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...words(key), counter, ...words(head.subarray(4))];
  const out = new Uint8Array(32);
  const view = new DataView(out.buffer);
  [0, 1, 2, 3, 12, 13, 14, 15].forEach((from, i) => view.setUint32(4 * i, mixedUp[from]! - start[from]!, true));
  return { key: out, nonce: concat(new Uint8Array(4), nonce.subarray(16)) };
}
