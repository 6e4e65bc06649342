import { type Bytes, concat, utf8 } from './bytes';

// Argon2id (RFC 9106) with one lane, and BLAKE2b (RFC 7693) for it, which
// WebCrypto does not have. Words of 64 bits lie as two of 32, the lower first.

const MASK = (1n << 64n) - 1n;
const START = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const SIGMA = [
  '0123456789abcdef', 'ea489fd61c02b753', 'b8c052fdae367194', '7931dcbe265a40f8', '905724afe1bc683d',
  '2c6a0b834d75fe19', 'c51fed4a0763928b', 'db7ec13950f4862a', '6fe9b308c2d714a5', 'a2847615fb9e3cd0',
].map((line) => Array.from(line, (c) => parseInt(c, 16)));

/** BLAKE2b of a message, of up to 64 bytes. */
export function blake2b(message: Uint8Array, length: number): Bytes {
  const h = START.slice();
  h[0]! ^= 0x01010000n ^ BigInt(length);
  const blocks = Math.max(1, Math.ceil(message.length / 128));
  for (let n = 0; n < blocks; n++) {
    const part = new Uint8Array(128);
    part.set(message.subarray(128 * n, 128 * (n + 1)));
    const view = new DataView(part.buffer);
    const m = Array.from({ length: 16 }, (_, i) => view.getBigUint64(8 * i, true));
    const v = [...h, ...START];
    const last = n === blocks - 1;
    v[12]! ^= BigInt(last ? message.length : 128 * (n + 1));
    if (last) v[14]! ^= MASK;
    const turn = (x: bigint, by: bigint) => ((x >> by) | (x << (64n - by))) & MASK;
    const mix = (a: number, b: number, c: number, d: number, x: bigint, y: bigint) => {
      v[a] = (v[a]! + v[b]! + x) & MASK;
      v[d] = turn(v[d]! ^ v[a]!, 32n);
      v[c] = (v[c]! + v[d]!) & MASK;
      v[b] = turn(v[b]! ^ v[c]!, 24n);
      v[a] = (v[a]! + v[b]! + y) & MASK;
      v[d] = turn(v[d]! ^ v[a]!, 16n);
      v[c] = (v[c]! + v[d]!) & MASK;
      v[b] = turn(v[b]! ^ v[c]!, 63n);
    };
    for (let round = 0; round < 12; round++) {
      const s = SIGMA[round % 10]!;
      for (let i = 0; i < 4; i++) mix(i, 4 + i, 8 + i, 12 + i, m[s[2 * i]!]!, m[s[2 * i + 1]!]!);
      for (let i = 0; i < 4; i++) mix(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4), m[s[8 + 2 * i]!]!, m[s[9 + 2 * i]!]!);
    }
    for (let i = 0; i < 8; i++) h[i]! ^= v[i]! ^ v[i + 8]!;
  }
  const out = new Uint8Array(64);
  const view = new DataView(out.buffer);
  h.forEach((x, i) => view.setBigUint64(8 * i, x, true));
  return out.slice(0, length);
}

function le32(...numbers: number[]): Bytes {
  const out = new Uint8Array(4 * numbers.length);
  const view = new DataView(out.buffer);
  numbers.forEach((n, i) => view.setUint32(4 * i, n, true));
  return out;
}

/** The hash of variable length of RFC 9106 §3.3. */
function long(message: Uint8Array, length: number): Bytes {
  const first = concat(le32(length), message);
  if (length <= 64) return blake2b(first, length);
  const parts: Uint8Array[] = [];
  let v = blake2b(first, 64);
  let left = length;
  for (; left > 64; left -= 32) {
    parts.push(v.subarray(0, 32));
    v = blake2b(v, left - 32 > 64 ? 64 : left - 32);
  }
  parts.push(v);
  return concat(...parts);
}

const WORDS = 256; // of 32 bits in a block of a kilobyte

/** The upper half of the product of two numbers of 32 bits. */
function upper(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = (middle & 0xffff) + a0 * b1;
  return (a1 * b1 + (middle >>> 16) + (other >>> 16)) >>> 0;
}

/** Half of the mixing of BlaMka: a := a + b + 2·a·b, d := (d ⊕ a) ⋙ by; of c and b the same. */
function mix(w: Uint32Array, a: number, b: number, c: number, d: number): void {
  let al = w[a]!, ah = w[a + 1]!, bl = w[b]!, bh = w[b + 1]!;
  let cl = w[c]!, ch = w[c + 1]!, dl = w[d]!, dh = w[d + 1]!;
  let pl = 0, ph = 0, sum = 0, t = 0;
  pl = Math.imul(al, bl); ph = (upper(al, bl) << 1) | (pl >>> 31); pl <<= 1;
  sum = al + bl + (pl >>> 0); ah = (ah + bh + ph + Math.floor(sum / 0x100000000)) >>> 0; al = sum >>> 0;
  t = dl ^ al; dl = (dh ^ ah) >>> 0; dh = t >>> 0; // by 32
  pl = Math.imul(cl, dl); ph = (upper(cl, dl) << 1) | (pl >>> 31); pl <<= 1;
  sum = cl + dl + (pl >>> 0); ch = (ch + dh + ph + Math.floor(sum / 0x100000000)) >>> 0; cl = sum >>> 0;
  bl ^= cl; bh ^= ch; t = ((bl >>> 24) | (bh << 8)) >>> 0; bh = ((bh >>> 24) | (bl << 8)) >>> 0; bl = t;
  pl = Math.imul(al, bl); ph = (upper(al, bl) << 1) | (pl >>> 31); pl <<= 1;
  sum = al + bl + (pl >>> 0); ah = (ah + bh + ph + Math.floor(sum / 0x100000000)) >>> 0; al = sum >>> 0;
  dl ^= al; dh ^= ah; t = ((dl >>> 16) | (dh << 16)) >>> 0; dh = ((dh >>> 16) | (dl << 16)) >>> 0; dl = t;
  pl = Math.imul(cl, dl); ph = (upper(cl, dl) << 1) | (pl >>> 31); pl <<= 1;
  sum = cl + dl + (pl >>> 0); ch = (ch + dh + ph + Math.floor(sum / 0x100000000)) >>> 0; cl = sum >>> 0;
  bl ^= cl; bh ^= ch; t = ((bl << 1) | (bh >>> 31)) >>> 0; bh = ((bh << 1) | (bl >>> 31)) >>> 0; bl = t;
  w[a] = al; w[a + 1] = ah; w[b] = bl; w[b + 1] = bh;
  w[c] = cl; w[c + 1] = ch; w[d] = dl; w[d + 1] = dh;
}

/** The permutation over sixteen words of 64 bits, at a start and with steps between pairs of them. */
function permute(w: Uint32Array, at: number, step: number): void {
  const i = (n: number) => at + (n >>> 1) * step + 2 * (n & 1);
  for (let n = 0; n < 4; n++) mix(w, i(n), i(4 + n), i(8 + n), i(12 + n));
  for (let n = 0; n < 4; n++) mix(w, i(n), i(4 + ((n + 1) & 3)), i(8 + ((n + 2) & 3)), i(12 + ((n + 3) & 3)));
}

const mixed = new Uint32Array(WORDS);

/** The compression of two blocks (RFC 9106 §3.5), into a third: in place of it, or over it. */
function compress(memory: Uint32Array, x: number, y: number, into: number, over: boolean): void {
  for (let i = 0; i < WORDS; i++) mixed[i] = memory[x + i]! ^ memory[y + i]!;
  for (let i = 0; i < WORDS; i++) memory[into + i] = mixed[i]! ^ (over ? memory[into + i]! : 0);
  for (let row = 0; row < 8; row++) permute(mixed, 32 * row, 4);
  for (let column = 0; column < 8; column++) permute(mixed, 4 * column, 32);
  for (let i = 0; i < WORDS; i++) memory[into + i]! ^= mixed[i]!;
}

const SLICES = 4;
const ADDRESSES = 128; // in a block

/** Argon2id with one lane: so many KiB of memory, so many passes over it. */
export function argon2id(password: string, salt: Uint8Array, kib: number, passes: number, length: number): Bytes {
  const secret = utf8(password);
  const seed = blake2b(concat(le32(1, length, kib, passes, 0x13, 2, secret.length), secret, le32(salt.length), salt, le32(0, 0)), 64);
  const segment = Math.floor(kib / SLICES);
  const blocks = SLICES * segment;
  const memory = new Uint32Array((blocks + 3) * WORDS); // three more: zeros, what addresses are made from, addresses
  const zeros = blocks * WORDS, input = zeros + WORDS, addresses = input + WORDS;
  for (let n = 0; n < 2; n++) {
    const b = long(concat(seed, le32(n, 0)), 4 * WORDS);
    const view = new DataView(b.buffer);
    for (let i = 0; i < WORDS; i++) memory[n * WORDS + i] = view.getUint32(4 * i, true);
  }
  for (let pass = 0; pass < passes; pass++) {
    for (let slice = 0; slice < SLICES; slice++) {
      const blind = pass === 0 && slice < 2;
      if (blind) {
        memory.fill(0, zeros);
        memory.set([pass, 0, 0, 0, slice, 0, blocks, 0, passes, 0, 2, 0, 0, 0], input);
      }
      for (let i = pass === 0 && slice === 0 ? 2 : 0; i < segment; i++) {
        const at = slice * segment + i;
        const before = (at === 0 ? blocks : at) - 1;
        let lot = memory[before * WORDS]!;
        if (blind) {
          if (i % ADDRESSES === 0 || (i === 2 && slice === 0)) {
            memory[input + 12]! += 1;
            compress(memory, zeros, input, addresses, false);
            compress(memory, zeros, addresses, addresses, false);
          }
          lot = memory[addresses + 2 * (i % ADDRESSES)]!;
        }
        const area = (pass === 0 ? slice * segment : blocks - segment) + i - 1;
        const back = area - 1 - upper(area, upper(lot, lot));
        const from = ((pass === 0 || slice === SLICES - 1 ? 0 : (slice + 1) * segment) + back) % blocks;
        compress(memory, before * WORDS, from * WORDS, at * WORDS, pass > 0);
      }
    }
  }
  const last = new Uint8Array(4 * WORDS);
  const view = new DataView(last.buffer);
  for (let i = 0; i < WORDS; i++) view.setUint32(4 * i, memory[(blocks - 1) * WORDS + i]!, true);
  memory.fill(0);
  mixed.fill(0);
  return long(last, length);
}
