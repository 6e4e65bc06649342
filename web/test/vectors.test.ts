// Plays the vectors that the Go tests play too (sync/testdata/vectors).
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromBase64, fromBase64url, fromHex, hex, utf8 } from '../src/core/bytes';
import { authorization, commitment, FIRST_LINK, nextLink, pushMessage, requestMessage, SigningKey } from '../src/core/chain';
import { decodeChange, encodeChange } from '../src/core/change';
import { clamp, Clock } from '../src/core/clock';
import { add, digestOf, formatDigest, rootDigest } from '../src/core/digest';
import { Fault } from '../src/core/fault';
import { openFile, sealFile } from '../src/core/files';
import { decodeLine, type Receipt } from '../src/core/line';
import { parseDraftName } from '../src/core/name';
import { apply, dotsOf, inForce, isConflict, type Register, type Version } from '../src/core/register';
import type { CodeList, Field, Policy } from '../src/core/schema';
import { sha256 } from '../src/core/sha256';
import { canonical, type Entered } from '../src/core/value';

function vectors<T extends { name: string }>(file: string): [string, T][] {
  const path = new URL(`../../sync/testdata/vectors/${file}`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as T[]).map((v) => [v.name, v]);
}

/** The code for which something is refused, "" where it is not. */
function refusal(run: () => void): string {
  try {
    run();
    return '';
  } catch (e) {
    if (e instanceof Fault) return e.code;
    throw e;
  }
}

const plain: Field = {
  name: 'f', type: 'text', compartment: 'general', merge: 'latest', safer: { order: [], dates: '' }, removalWins: false, required: false, max: 0, list: '', ref: '', personal: false,
};

interface WireVersion { d: string; t?: string; at?: string; by?: string; q?: number; o?: number; v?: unknown; e?: string; x?: boolean }

const version = (w: WireVersion): Version => ({
  dot: w.d, clock: w.t ?? '', at: w.at ?? '', author: w.by ?? '', seq: w.q ?? 0, stands: w.o ?? 0, elem: w.e ?? '', removed: w.x ?? false,
  ...(w.v === undefined ? {} : { value: JSON.stringify(w.v) }),
});

interface Merge {
  name: string;
  merge: Policy;
  order?: string[];
  dates?: string;
  removal_wins?: boolean;
  writes: { v: WireVersion; base?: string[] }[];
  expect: { kept: string[]; in_force: unknown; conflict: boolean; held: string[] };
}

test.each(vectors<Merge>('merge.json'))('merge: %s', (_, v) => {
  const f = { ...plain, merge: v.merge, safer: { order: v.order ?? [], dates: v.dates ?? '' }, removalWins: v.removal_wins ?? false };
  let heads: Register = [];
  const held = v.writes.map((w) => {
    const done = apply(f, heads, version(w.v), w.base ?? []);
    heads = done.heads;
    return done.held;
  });
  expect(held).toEqual(v.expect.held);
  expect(heads.map((h) => (h.elem === '' ? h.dot : `${h.dot} ${h.elem}`))).toEqual(v.expect.kept);
  expect(JSON.parse(inForce(f, heads) ?? 'null')).toEqual(v.expect.in_force);
  expect(isConflict(f, heads)).toBe(v.expect.conflict);
});

interface Clocks { name: string; steps?: { now: number; observe?: string; tick: string }[]; hub_now?: number; clamp?: string[]; clamped?: string[] }

test.each(vectors<Clocks>('clocks.json'))('clock: %s', (_, v) => {
  let now = 0;
  const c = new Clock(() => now);
  for (const s of v.steps ?? []) {
    now = s.now;
    c.observe(s.observe ?? '');
    expect(c.tick()).toBe(s.tick);
  }
  expect((v.clamp ?? []).map((h) => clamp(h, v.hub_now!))).toEqual(v.clamped ?? []);
});

interface Digests { name: string; fields: { s: string; r: string; f: string; d: string[]; digest: string }[]; scopes: Record<string, string>; root: string }

test.each(vectors<Digests>('digests.json'))('digest: %s', (_, v) => {
  const sums = new Map<string, bigint>();
  for (const f of v.fields) {
    const d = digestOf(f.s, f.r, f.f, f.d);
    expect(formatDigest(d)).toBe(f.digest);
    sums.set(f.s, add(sums.get(f.s) ?? 0n, d));
  }
  expect(Object.fromEntries([...sums].map(([s, d]) => [s, formatDigest(d)]))).toEqual(v.scopes);
  expect(rootDigest(sums)).toBe(v.root);
});

const seedOf = (s: string) => Uint8Array.from(s.match(/../g)!, (b) => Number.parseInt(b, 16));

interface Chain { name: string; replica: string; seed: string; changes: string[]; links: string[]; message: string; sig: string }

test.each(vectors<Chain>('chain.json'))('chain: %s', async (_, v) => {
  let link = FIRST_LINK;
  expect(v.changes.map((raw) => (link = nextLink(link, commitment(raw))))).toEqual(v.links);
  for (const raw of v.changes) expect(encodeChange(decodeChange(raw))).toBe(raw);
  const message = pushMessage(v.replica, v.changes.length, link);
  expect(message).toBe(v.message);
  expect(await (await SigningKey.fromSeed(seedOf(v.seed))).sign(message)).toBe(v.sig);
});

interface Request { name: string; seed: string; replica: string; method: string; path: string; at: number; body: string; message: string; authorization: string }

test.each(vectors<Request>('requests.json'))('request: %s', async (_, v) => {
  const body = fromBase64(v.body)!;
  expect(requestMessage(v.method, v.path, v.replica, v.at, hex(sha256(body)))).toBe(v.message);
  expect(await authorization(await SigningKey.fromSeed(seedOf(v.seed)), v.replica, v.method, v.path, v.at, body)).toBe(v.authorization);
});

test.each(vectors<{ name: string; change: string; code?: string; again?: string }>('changes.json'))('change: %s', (_, v) => {
  let again = '';
  expect(refusal(() => (again = encodeChange(decodeChange(v.change))))).toBe(v.code ?? '');
  expect(again).toBe(v.again ?? '');
});

interface LineVector { name: string; line: string; code?: string; reads?: string; fields?: Record<string, { h: WireVersion[]; digest: string }> }

test.each(vectors<LineVector>('lines.json'))('line: %s', (_, v) => {
  expect(refusal(() => decodeLine(v.line))).toBe(v.code ?? '');
  if (v.code) return;
  const l = decodeLine(v.line);
  const written = decodeLine(v.reads!);
  if (l.row) {
    expect(l.row.fields.size).toBe(Object.keys(v.fields!).length);
    for (const [name, heads] of l.row.fields) {
      // What JavaScript makes of a value is enough here; its bytes are in the line.
      const seen = (r: readonly Version[]) => r.map((h) => ({ ...h, value: h.value === undefined ? undefined : (JSON.parse(h.value) as unknown) }));
      expect(seen(heads)).toEqual(seen(v.fields![name]!.h.map(version)));
      for (const h of heads) if (h.value) expect(v.line).toContain(h.value);
      expect(formatDigest(digestOf(l.row.scope, l.row.record, name, dotsOf(heads)))).toBe(v.fields![name]!.digest);
    }
    l.row.fields = new Map();
  }
  expect(l).toEqual(written);
  for (const r of l.receipts ?? ([] as Receipt[])) expect(v.reads).toContain(r.raw);
});

interface ValueVector {
  name: string;
  field: { type: string; codes?: string; max?: number; required?: boolean };
  list?: { Codes: string[]; Open: boolean; Pattern: string };
  typed: Entered;
  value?: string;
  code?: string;
}

test.each(vectors<ValueVector>('values.json'))('value: %s', (_, v) => {
  const codes: CodeList | undefined = v.list && { codes: v.list.Codes, open: v.list.Open, pattern: v.list.Pattern };
  const f: Field = { ...plain, type: v.field.type, max: v.field.max ?? 0, required: v.field.required ?? false, ...(codes && { codes }) };
  let value = '';
  expect(refusal(() => (value = canonical(f, v.typed)))).toBe(v.code ?? '');
  expect(value).toBe(v.value ?? '');
});

test('SHA-256 is that of the platform, whatever the length', async () => {
  for (let n = 0; n < 200; n++) {
    const b = utf8('é'.repeat(n)).subarray(0, n);
    expect(hex(sha256(b))).toBe(hex(new Uint8Array(await crypto.subtle.digest('SHA-256', b))));
  }
});

interface FileVector { name: string; file: string; lies: string; said: string; of: string; key?: string }

test.each(vectors<FileVector>('unsent_file.json'))('file: %s', (_, v) => {
  const said = JSON.parse(v.said) as { document: string; key: string };
  const replica = v.of.split('/')[0]!;
  const [key, plain] = [fromBase64url(said.key)!, fromHex(v.file)!];
  expect(hex(openFile(key, replica, said.document, fromHex(v.lies)!))).toBe(v.file);
  const again = sealFile(key, replica, said.document, plain);
  expect(again.length).toBe(v.lies.length / 2);
  expect(hex(openFile(key, replica, said.document, again))).toBe(v.file);
  again[40]! ^= 1;
  expect(refusal(() => openFile(key, replica, said.document, again))).toBe('store_damaged');
});

interface DraftVector { name: string; snapshot: string; called: string; line: string }

test.each(vectors<DraftVector>('draft.json'))('half-filled form: %s', (_, v) => {
  const { draft } = decodeLine(v.line);
  expect(draft).toMatchObject({ name: v.called, snapshot: v.snapshot });
  expect(parseDraftName(v.called)).toMatchObject({ part: 'health' });
  expect(refusal(() => parseDraftName(`${v.called}/`))).toBe('name_malformed');
});
