import { type Bytes, concat, utf8 } from './bytes';

// SHA-256 (FIPS 180-4) at once and not as a promise: a digest is worked out
// for each field that comes, in the middle of a transaction of the store.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
(function constants() {
  // The first 32 bits of the fractions of the cube and square roots of primes.
  const fraction = (x: number) => ((x - Math.floor(x)) * 0x100000000) >>> 0;
  let found = 0;
  for (let n = 2; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found++] = fraction(Math.cbrt(n));
  }
})();

const W = new Uint32Array(64);

function block(h: Uint32Array, b: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4) W[i] = (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15]!;
    const y = W[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = W[i - 16]! + s0 + W[i - 7]! + s1;
  }
  let [a, c, d, e, f, g, k, l] = h as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const s1 = ((f >>> 6) | (f << 26)) ^ ((f >>> 11) | (f << 21)) ^ ((f >>> 25) | (f << 7));
    const t1 = (l + s1 + ((f & g) ^ (~f & k)) + K[i]! + W[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & c) ^ (a & d) ^ (c & d))) | 0;
    l = k;
    k = g;
    g = f;
    f = (e + t1) | 0;
    e = d;
    d = c;
    c = a;
    a = (t1 + t2) | 0;
  }
  h[0]! += a;
  h[1]! += c;
  h[2]! += d;
  h[3]! += e;
  h[4]! += f;
  h[5]! += g;
  h[6]! += k;
  h[7]! += l;
}

export function sha256(message: Uint8Array): Bytes {
  const h = START.slice();
  const whole = message.length & ~63;
  for (let at = 0; at < whole; at += 64) block(h, message, at);
  const rest = message.length - whole;
  const last = new Uint8Array(rest < 56 ? 64 : 128);
  last.set(message.subarray(whole));
  last[rest] = 0x80;
  const view = new DataView(last.buffer);
  view.setUint32(last.length - 8, Math.floor(message.length / 0x20000000));
  view.setUint32(last.length - 4, message.length << 3);
  for (let at = 0; at < last.length; at += 64) block(h, last, at);
  const out = new Uint8Array(32);
  const to = new DataView(out.buffer);
  h.forEach((v, i) => to.setUint32(4 * i, v));
  return out;
}

/** HMAC-SHA256 (RFC 2104). */
export function hmac(key: Uint8Array, message: Uint8Array): Bytes {
  const k = new Uint8Array(64);
  k.set(key.length > 64 ? sha256(key) : key);
  const inner = sha256(concat(k.map((b) => b ^ 0x36), message));
  return sha256(concat(k.map((b) => b ^ 0x5c), inner));
}

/** HKDF's first half (RFC 5869 §2.2). */
export function extract(salt: Uint8Array, secret: Uint8Array): Bytes {
  return hmac(salt, secret);
}

/** HKDF's second half (RFC 5869 §2.3). */
export function expand(key: Uint8Array, info: Uint8Array, length: number): Bytes {
  const out: Uint8Array[] = [];
  let last = new Uint8Array(0);
  for (let i = 1; out.length * 32 < length; i++) {
    last = hmac(key, concat(last, info, Uint8Array.of(i)));
    out.push(last);
  }
  return concat(...out).slice(0, length);
}

/** HKDF-SHA256. */
export function hkdf(secret: Uint8Array, salt: Uint8Array, info: string, length = 32): Bytes {
  return expand(extract(salt, secret), utf8(info), length);
}
