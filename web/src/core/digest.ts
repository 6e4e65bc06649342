import { concat, hex, part } from './bytes';
import { Fault } from './fault';
import { type Dot, type Scope, compareDots } from './name';
import { dotsOf, type Register } from './register';
import { sha256 } from './sha256';

/** A sum of the digests of fields, modulo 2^128. */
export type Digest = bigint;

const MASK = (1n << 128n) - 1n;

export function add(a: Digest, b: Digest): Digest {
  return (a + b) & MASK;
}

export function subtract(a: Digest, b: Digest): Digest {
  return (a - b) & MASK;
}

export function formatDigest(d: Digest): string {
  return d.toString(16).padStart(32, '0');
}

export function parseDigest(s: string): Digest {
  if (!/^[0-9a-f]{32}$/.test(s)) throw new Fault('digest_malformed', 'a digest is 32 lower-case hex digits');
  return BigInt('0x' + s);
}

/** The digest of one field of one record; zero where nothing stands in it. */
export function digestOf(scope: Scope, record: string, field: string, dots: readonly Dot[]): Digest {
  if (dots.length === 0) return 0n;
  const sum = sha256(concat(part(scope), part(record), part(field), ...[...dots].sort(compareDots).map(part)));
  return BigInt('0x' + hex(sum.subarray(0, 16)));
}

/** The digest of a record in a scope. */
export function recordDigest(scope: Scope, record: string, fields: Iterable<[string, Register]>): Digest {
  let sum = 0n;
  for (const [name, heads] of fields) sum = add(sum, digestOf(scope, record, name, dotsOf(heads)));
  return sum;
}

/** The one digest over all scopes that a device sees. */
export function rootDigest(scopes: ReadonlyMap<Scope, Digest>): string {
  const parts: Uint8Array[] = [];
  for (const s of [...scopes.keys()].sort()) {
    const d = scopes.get(s)!;
    if (d === 0n) continue; // a scope in which nothing stands does not count
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, d >> 64n);
    view.setBigUint64(8, d & 0xffffffffffffffffn);
    parts.push(part(s), bytes);
  }
  return hex(sha256(concat(...parts)).subarray(0, 16));
}
