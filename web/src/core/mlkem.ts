import { concat } from './bytes';
import { Fault } from './fault';
import { sha3x256, sha3x512, shake128, shake256x128 } from './keccak';

// ML-KEM-768 (FIPS 203), the half that a tablet needs: it makes a secret for
// the hub's public key. Nothing here reads a private key.

export const PUBLIC_BYTES = 1184;
export const CIPHERTEXT_BYTES = 1088;

const K = 3;
const Q = 3329;
const N = 256;
type Poly = Int32Array;

const ZETAS: number[] = []; // powers of 17 in the order of the transform
const GAMMAS: number[] = [];
for (let i = 0; i < 128; i++) {
  const bits = Number.parseInt(i.toString(2).padStart(7, '0').split('').reverse().join(''), 2);
  const power = (e: number) => Array.from({ length: e }).reduce<number>((x) => (x * 17) % Q, 1);
  ZETAS.push(power(bits));
  GAMMAS.push(power(2 * bits + 1));
}

const mod = (x: number) => ((x % Q) + Q) % Q;

function transform(f: Poly): Poly {
  let i = 1;
  for (let len = 128; len >= 2; len /= 2) {
    for (let start = 0; start < N; start += 2 * len) {
      const z = ZETAS[i++]!;
      for (let j = start; j < start + len; j++) {
        const t = (z * f[j + len]!) % Q;
        f[j + len] = mod(f[j]! - t);
        f[j] = (f[j]! + t) % Q;
      }
    }
  }
  return f;
}

function inverse(f: Poly): Poly {
  let i = 127;
  for (let len = 2; len <= 128; len *= 2) {
    for (let start = 0; start < N; start += 2 * len) {
      const z = ZETAS[i--]!;
      for (let j = start; j < start + len; j++) {
        const t = f[j]!;
        f[j] = (t + f[j + len]!) % Q;
        f[j + len] = mod(z * (f[j + len]! - t));
      }
    }
  }
  return f.map((x) => (x * 3303) % Q);
}

/** Adds a times b to the sum, all of them transformed. */
function multiplyInto(sum: Poly, a: Poly, b: Poly): void {
  for (let i = 0; i < 128; i++) {
    const [a0, a1, b0, b1] = [a[2 * i]!, a[2 * i + 1]!, b[2 * i]!, b[2 * i + 1]!];
    sum[2 * i] = (sum[2 * i]! + a0 * b0 + ((a1 * b1) % Q) * GAMMAS[i]!) % Q;
    sum[2 * i + 1] = (sum[2 * i + 1]! + a0 * b1 + a1 * b0) % Q;
  }
}

/** SampleNTT: a polynomial drawn evenly, transformed. */
function drawn(rho: Uint8Array, i: number, j: number): Poly {
  const f = new Int32Array(N);
  let n = 0;
  for (const block of shake128(concat(rho, Uint8Array.of(i, j)))) {
    for (let at = 0; at < block.length && n < N; at += 3) {
      const [a, b, c] = [block[at]!, block[at + 1]!, block[at + 2]!];
      for (const d of [a | ((b & 15) << 8), (b >> 4) | (c << 4)]) if (d < Q && n < N) f[n++] = d;
    }
    if (n === N) break;
  }
  return f;
}

/** SamplePolyCBD with two bits for each side. */
function small(seed: Uint8Array, n: number): Poly {
  const b = shake256x128(concat(seed, Uint8Array.of(n)));
  return Int32Array.from({ length: N }, (_, i) => {
    const x = b[i >> 1]! >> (4 * (i & 1));
    return mod((x & 1) + ((x >> 1) & 1) - ((x >> 2) & 1) - ((x >> 3) & 1));
  });
}

/** Reads numbers of d bits each, the lowest bit first. */
function unpack(b: Uint8Array, d: number): Poly {
  return Int32Array.from({ length: N }, (_, i) => {
    let x = 0;
    for (let k = 0; k < d; k++) x |= ((b[(i * d + k) >> 3]! >> ((i * d + k) & 7)) & 1) << k;
    return x;
  });
}

/** Rounds each number to d bits, and writes them. */
function packCompressed(f: Poly, d: number): Uint8Array {
  const out = new Uint8Array((N * d) / 8);
  f.forEach((v, i) => {
    const x = Math.floor((v * 2 ** d + (Q - 1) / 2) / Q) % 2 ** d;
    for (let k = 0; k < d; k++) out[(i * d + k) >> 3]! |= ((x >> k) & 1) << ((i * d + k) & 7);
  });
  return out;
}

/** Makes a shared secret for a public key from 32 random bytes (ML-KEM.Encaps_internal). */
export function encapsulate(publicKey: Uint8Array, m: Uint8Array): { secret: Uint8Array; ciphertext: Uint8Array } {
  if (publicKey.length !== PUBLIC_BYTES) throw new Fault('answer_unknown', 'this is no key of a hub');
  const g = sha3x512(concat(m, sha3x256(publicKey)));
  const [secret, r] = [g.subarray(0, 32), g.subarray(32)];
  const rho = publicKey.subarray(384 * K);
  const y: Poly[] = [];
  for (let i = 0; i < K; i++) y.push(transform(small(r, i)));
  const parts: Uint8Array[] = [];
  for (let i = 0; i < K; i++) {
    const u = new Int32Array(N);
    for (let j = 0; j < K; j++) multiplyInto(u, drawn(rho, i, j), y[j]!);
    const e = small(r, K + i);
    parts.push(packCompressed(inverse(u).map((x, n) => (x + e[n]!) % Q), 10));
  }
  const v = new Int32Array(N);
  for (let j = 0; j < K; j++) {
    const t = unpack(publicKey.subarray(384 * j, 384 * (j + 1)), 12);
    if (t.some((x) => x >= Q)) throw new Fault('answer_unknown', 'this is no key of a hub');
    multiplyInto(v, t, y[j]!);
  }
  const e = small(r, 2 * K);
  const bits = unpack(m, 1);
  parts.push(packCompressed(inverse(v).map((x, n) => (x + e[n]! + bits[n]! * ((Q + 1) / 2)) % Q), 4));
  return { secret, ciphertext: concat(...parts) };
}
