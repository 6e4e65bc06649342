// SHA-3 and SHAKE (FIPS 202), which WebCrypto does not have.

const PLACES = [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1];
const TURNS = [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44];
const ROUNDS = roundConstants();

/** The low and high half of the constant of each round (§3.2.5). */
function roundConstants(): [number, number][] {
  const out: [number, number][] = [];
  let r = 1;
  for (let round = 0; round < 24; round++) {
    let c = 0n;
    for (let j = 0; j < 7; j++) {
      r = ((r << 1) ^ ((r >> 7) * 0x71)) & 0xff;
      if (r & 2) c ^= 1n << ((1n << BigInt(j)) - 1n);
    }
    out.push([Number(c & 0xffffffffn), Number(c >> 32n)]);
  }
  return out;
}

/** Keccak-f[1600] over 25 lanes, each as its low and high half. */
function permute(s: Uint32Array): void {
  const b = new Uint32Array(10);
  for (const [low, high] of ROUNDS) {
    for (let x = 0; x < 10; x++) b[x] = s[x]! ^ s[x + 10]! ^ s[x + 20]! ^ s[x + 30]! ^ s[x + 40]!;
    for (let x = 0; x < 10; x += 2) {
      const [one, two] = [(x + 8) % 10, (x + 2) % 10];
      const l = b[one]! ^ ((b[two]! << 1) | (b[two + 1]! >>> 31));
      const h = b[one + 1]! ^ ((b[two + 1]! << 1) | (b[two]! >>> 31));
      for (let y = 0; y < 50; y += 10) {
        s[x + y]! ^= l;
        s[x + y + 1]! ^= h;
      }
    }
    let [l, h] = [s[2]!, s[3]!];
    for (let t = 0; t < 24; t++) {
      const at = 2 * PLACES[t]!;
      const turn = TURNS[t]!;
      if (turn > 32) [l, h] = [h, l];
      const n = turn % 32;
      const [turnedL, turnedH] = [(l << n) | (h >>> (32 - n)), (h << n) | (l >>> (32 - n))];
      [l, h] = [s[at]!, s[at + 1]!];
      s[at] = turnedL;
      s[at + 1] = turnedH;
    }
    for (let y = 0; y < 50; y += 10) {
      for (let x = 0; x < 10; x++) b[x] = s[y + x]!;
      for (let x = 0; x < 10; x++) s[y + x]! ^= ~b[(x + 2) % 10]! & b[(x + 4) % 10]!;
    }
    s[0]! ^= low;
    s[1]! ^= high;
  }
}

/** Reads as many bytes as are asked for, in blocks. */
function* sponge(rate: number, suffix: number, message: Uint8Array): Generator<Uint8Array, never> {
  const s = new Uint32Array(50);
  const padded = new Uint8Array(Math.ceil((message.length + 1) / rate) * rate);
  padded.set(message);
  padded[message.length]! ^= suffix;
  padded[padded.length - 1]! ^= 0x80;
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate; i++) s[i >> 2]! ^= padded[at + i]! << (8 * (i & 3));
    permute(s);
  }
  for (;;) {
    const out = new Uint8Array(rate);
    for (let i = 0; i < rate; i++) out[i] = s[i >> 2]! >>> (8 * (i & 3));
    yield out;
    permute(s);
  }
}

export function sha3x256(message: Uint8Array): Uint8Array {
  return sponge(136, 0x06, message).next().value.slice(0, 32);
}

export function sha3x512(message: Uint8Array): Uint8Array {
  return sponge(72, 0x06, message).next().value.slice(0, 64);
}

/** The first 128 bytes of SHAKE256. */
export function shake256x128(message: Uint8Array): Uint8Array {
  return sponge(136, 0x1f, message).next().value.slice(0, 128);
}

/** SHAKE128, in blocks of 168 bytes. */
export function shake128(message: Uint8Array): Generator<Uint8Array, never> {
  return sponge(168, 0x1f, message);
}
