// A text as a QR code (ISO/IEC 18004): bytes, level M, versions 1 to 10, which
// hold up to 213 bytes. For codes that another device reads off this screen.
import { utf8 } from '../../core/bytes';
import { Fault } from '../../core/fault';

const TOTAL = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346];
const CHECK = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26]; // codewords of correction in each block
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5];
const LAST_MARK = [0, 18, 22, 26, 30, 34, 38, 42, 46, 50];
const PRIMITIVE = 0x11d;
const FORMAT_GENERATOR = 0x537;
const FORMAT_MASK = 0x5412;
const VERSION_GENERATOR = 0x1f25;
const PAD = [0xec, 0x11];

type Grid = (boolean | undefined)[][];

function times(a: number, b: number): number {
  let z = 0;
  for (let i = 7; i >= 0; i--) {
    z = (z << 1) ^ ((z >>> 7) * PRIMITIVE);
    if ((b >>> i) & 1) z ^= a;
  }
  return z & 0xff;
}

/** The codewords of correction of a block (Reed–Solomon). */
function correction(data: readonly number[], n: number): number[] {
  const divisor = new Array<number>(n).fill(0);
  divisor[n - 1] = 1;
  let root = 1;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) divisor[j] = times(divisor[j]!, root) ^ (divisor[j + 1] ?? 0);
    root = times(root, 2);
  }
  const rest = new Array<number>(n).fill(0);
  for (const b of data) {
    const factor = b ^ rest.shift()!;
    rest.push(0);
    for (let i = 0; i < n; i++) rest[i]! ^= times(divisor[i]!, factor);
  }
  return rest;
}

/** The codewords as they are laid out: blocks woven, then their corrections. */
function codewords(bytes: Uint8Array, version: number): number[] {
  const [total, check, blocks] = [TOTAL[version - 1]!, CHECK[version - 1]!, BLOCKS[version - 1]!];
  const room = total - check * blocks;
  const bits: number[] = [];
  const put = (value: number, n: number) => {
    for (let i = n - 1; i >= 0; i--) bits.push((value >>> i) & 1);
  };
  put(4, 4); // bytes
  put(bytes.length, version < 10 ? 8 : 16);
  for (const b of bytes) put(b, 8);
  put(0, Math.min(4, room * 8 - bits.length));
  while (bits.length % 8 !== 0) bits.push(0);
  const data: number[] = [];
  for (let i = 0; i < bits.length; i += 8) data.push(parseInt(bits.slice(i, i + 8).join(''), 2));
  for (let i = 0; data.length < room; i++) data.push(PAD[i % 2]!);
  const short = Math.floor(room / blocks);
  const parts: number[][] = [];
  for (let i = 0, at = 0; i < blocks; i++) {
    const n = short + (i >= blocks - (room % blocks) ? 1 : 0);
    parts.push(data.slice(at, at + n));
    at += n;
  }
  const woven = (of: number[][]) => Array.from({ length: Math.max(...of.map((p) => p.length)) }, (_, i) => of.map((p) => p[i])).flat().filter((b) => b !== undefined);
  return [...woven(parts), ...woven(parts.map((p) => correction(p, check)))];
}

function remainder(value: number, generator: number, bits: number): number {
  let r = value;
  for (let i = 0; i < bits; i++) r = (r << 1) ^ ((r >>> (bits - 1)) * generator);
  return (value << bits) | r;
}

/** What is in each code of a version, but for the format. */
function frame(version: number): Grid {
  const size = 17 + 4 * version;
  const grid: Grid = Array.from({ length: size }, () => new Array<boolean | undefined>(size).fill(undefined));
  for (let i = 0; i < size; i++) grid[6]![i] = grid[i]![6] = i % 2 === 0;
  for (const [y, x] of [[3, 3], [3, size - 4], [size - 4, 3]] as const) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        if (grid[y + dy]?.[x + dx] === undefined && (y + dy < 0 || x + dx < 0 || y + dy >= size || x + dx >= size)) continue;
        const away = Math.max(Math.abs(dy), Math.abs(dx));
        grid[y + dy]![x + dx] = away !== 2 && away !== 4;
      }
    }
  }
  const last = LAST_MARK[version - 1]!;
  const marks = version === 1 ? [] : version < 7 ? [6, last] : [6, (last + 6) / 2, last];
  for (const y of marks) {
    for (const x of marks) {
      if ((y === 6 && x === 6) || (y === 6 && x === last) || (y === last && x === 6)) continue;
      for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) grid[y + dy]![x + dx] = Math.max(Math.abs(dy), Math.abs(dx)) !== 1;
    }
  }
  if (version >= 7) {
    const word = remainder(version, VERSION_GENERATOR, 12);
    for (let i = 0; i < 18; i++) {
      const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
      grid[b]![a] = grid[a]![b] = ((word >>> i) & 1) === 1;
    }
  }
  putFormat(grid, 0); // its places are taken
  return grid;
}

function putFormat(grid: Grid, mask: number): void {
  const size = grid.length;
  const word = remainder(mask, FORMAT_GENERATOR, 10) ^ FORMAT_MASK; // level M is 00
  const bit = (i: number) => ((word >>> i) & 1) === 1;
  for (let i = 0; i <= 5; i++) grid[i]![8] = bit(i);
  [grid[7]![8], grid[8]![8], grid[8]![7]] = [bit(6), bit(7), bit(8)];
  for (let i = 9; i < 15; i++) grid[8]![14 - i] = bit(i);
  for (let i = 0; i < 8; i++) grid[8]![size - 1 - i] = bit(i);
  for (let i = 8; i < 15; i++) grid[size - 15 + i]![8] = bit(i);
  grid[size - 8]![8] = true;
}

const masks: readonly ((y: number, x: number) => boolean)[] = [
  (y, x) => (x + y) % 2 === 0,
  (y) => y % 2 === 0,
  (_, x) => x % 3 === 0,
  (y, x) => (x + y) % 3 === 0,
  (y, x) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (y, x) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (y, x) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (y, x) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** How hard a code is to read: long runs and blocks of one colour. */
function hardness(grid: Grid): number {
  const size = grid.length;
  let sum = 0;
  const run = (at: (i: number, j: number) => boolean | undefined) => {
    for (let i = 0; i < size; i++) {
      for (let j = 0, n = 0; j < size; j++) {
        n = j > 0 && at(i, j) === at(i, j - 1) ? n + 1 : 1;
        sum += n === 5 ? 3 : n > 5 ? 1 : 0;
      }
    }
  };
  run((i, j) => grid[i]![j]);
  run((i, j) => grid[j]![i]);
  for (let y = 1; y < size; y++) {
    for (let x = 1; x < size; x++) if (grid[y]![x] === grid[y]![x - 1] && grid[y]![x] === grid[y - 1]![x] && grid[y]![x] === grid[y - 1]![x - 1]) sum += 3;
  }
  return sum;
}

function filled(empty: Grid, words: readonly number[], mask: number): Grid {
  const size = empty.length;
  const grid = empty.map((row) => [...row]);
  let i = 0;
  for (let column = size - 1; column >= 1; column -= 2) {
    if (column === 6) column = 5;
    for (let step = 0; step < size; step++) {
      const y = ((column + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [column, column - 1]) {
        if (empty[y]![x] !== undefined) continue;
        const bit = i < words.length * 8 && ((words[i >>> 3]! >>> (7 - (i & 7))) & 1) === 1;
        grid[y]![x] = bit !== masks[mask]!(y, x);
        i++;
      }
    }
  }
  putFormat(grid, mask);
  return grid;
}

/** The modules of the code of a text, row by row, true for dark; qr_too_long over 213 bytes. */
export function qr(text: string): boolean[][] {
  const bytes = utf8(text);
  const version = TOTAL.findIndex((total, i) => bytes.length + (i < 9 ? 2 : 3) <= total - CHECK[i]! * BLOCKS[i]!) + 1;
  if (version === 0) throw new Fault('qr_too_long', 'This text is too long for a code.');
  const [empty, words] = [frame(version), codewords(bytes, version)];
  const made = masks.map((_, mask) => filled(empty, words, mask));
  const best = made.reduce((a, b) => (hardness(b) < hardness(a) ? b : a));
  return best.map((row) => row.map((m) => m === true));
}
