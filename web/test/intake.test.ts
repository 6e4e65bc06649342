// What a store takes of an answer, with lines as a hub writes them and a disk that fails.
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { newKey } from '../src/core/box';
import { base64url, fromBase64 } from '../src/core/bytes';
import { Clock } from '../src/core/clock';
import { rootDigest } from '../src/core/digest';
import { MemoryDisk } from '../src/core/disk';
import { Fault } from '../src/core/fault';
import { linesOf } from '../src/core/hub';
import { Intake, recount } from '../src/core/intake';
import { meta } from '../src/core/meta';
import { State } from '../src/core/state';
import { Vault } from '../src/core/vault';
import { isGrowth, take } from '../src/core/witness';

const id = (n: number) => `01960000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const general = `case:${id(0xca)}/general`;
const health = `case:${id(0xca)}/health`;
const log = JSON.parse(readFileSync(new URL('../../audit/testdata/vectors.json', import.meta.url), 'utf8')) as {
  key: string; heads: string[]; growth: string[][]; root: string;
};

/** A disk that fails once a budget of writes is used up. */
class FailingDisk extends MemoryDisk {
  budget = Infinity;
  override write(puts: readonly [string, unknown][], deletes: readonly string[]): Promise<void> {
    if (this.budget-- <= 0) return Promise.reject(new Error('power cut'));
    return super.write(puts, deletes);
  }
}

let disk: FailingDisk;
const root = newKey();

async function opened(): Promise<State> {
  return State.load(await Vault.open(disk, root));
}

beforeEach(async () => {
  disk = new FailingDisk();
  await (await opened()).inTx((tx) => {
    tx.lease = { key: base64url(newKey()), until: '2099-01-01T00:00:00.000Z' };
    tx.set(meta.replica, id(0xd1));
    tx.set(meta.witness, JSON.stringify({ key: log.key, signed: '', over: [] }));
  });
});

const row = (scope: string, record: number, n: number, alias: string, more = false) =>
  JSON.stringify({ row: { s: scope, c: 'survivors', r: id(record), org: id(0xaa), by: id(0xa1), at: '2025-03-26T20:34:21.252Z', ...(more && { more }), w: [{ d: `${id(0xd2)}/${n}`, t: '0195d4a2b3c40001', at: '2025-03-26T20:34:21.252Z', by: id(0xa1), q: n, f: { alias } }] } });
const head = JSON.stringify({ log: { signed: log.heads[0] } });

async function* bytes(text: string, size: number): AsyncGenerator<Uint8Array> {
  const b = new TextEncoder().encode(text);
  for (let at = 0; at < b.length; at += size) yield b.slice(at, at + size);
}

/** Takes an answer, or what came of it. */
async function taken(state: State, answer: string, size = 7, whole = true): Promise<Intake> {
  const intake = new Intake(state, new Clock(() => 0), () => 0, whole, undefined);
  await intake.read(linesOf(bytes(answer, size))).catch((e: unknown) => {
    if (!(e instanceof Fault)) throw e;
  });
  return intake;
}

const sums = (s: State) => rootDigest(new Map([...s.scopes].map(([scope, v]) => [scope, v.digest])));
const answer = [head, JSON.stringify({ enter: [general, health] }), row(general, 1, 1, 'a'), '{"mark":"one"}', row(general, 2, 2, 'ب😀', true), row(general, 3, 2, 'c'), row(health, 1, 3, 'd'), '{"mark":"two"}', '{"end":{"cursor":"all","digest":"0","now":"2026-11-20T08:00:00.000Z"}}'].map((l) => l + '\n').join('');

test('cut at any byte: groups are there whole or not at all, and the mark stands with what it covers', async () => {
  const all = new TextEncoder().encode(answer);
  for (let cut = 0; cut <= all.length; cut += 13) {
    const before = disk;
    disk = new FailingDisk();
    await disk.write(await before.load(), []);
    const state = await opened();
    await taken(state, new TextDecoder().decode(all.slice(0, cut)).replaceAll('\ufffd', ''), 11);
    const has = (n: number) => state.byRecord.has(id(n));
    expect(has(2)).toBe(has(3));
    const mark = state.meta.get(meta.cursor) ?? '';
    if (mark !== '') expect(has(1)).toBe(true);
    if (mark === 'two') expect(has(2)).toBe(true);
    if (cut === all.length) expect(mark).toBe('all');
    const again = await opened();
    expect(sums(again)).toBe(sums(state)); // what is on the disk is what was in memory
    await again.inTx(recount);
    expect(sums(again)).toBe(sums(state)); // and the sums are those of what is there
    disk = before;
  }
});

test('an eviction destroys the key first: after a crash at any write nothing of the scope opens', async () => {
  for (let budget = 0; ; budget++) {
    const state = await opened();
    await taken(state, answer);
    const kept = sums(state);
    disk.budget = budget;
    const gone = await taken(state, `{"evict":["${health}"]}\n`, 9, false).then(() => true, () => false);
    disk.budget = Infinity;
    const again = await opened();
    const left = [...again.rows.values()].filter((r) => r.scope === health);
    expect(left.length).toBe(budget === 0 ? 1 : 0); // before the first write nothing has happened
    expect([...again.rows.values()].filter((r) => r.scope === general).length).toBe(3);
    if (gone) {
      expect(sums(again)).not.toBe(kept);
      return;
    }
  }
});

test('what the hub does not send again of a scope that it sends anew is dropped at the end, not before', async () => {
  const state = await opened();
  await taken(state, answer);
  const anew = [JSON.stringify({ log: { signed: log.heads[1] } }), JSON.stringify({ enter: [general] }), row(general, 1, 4, 'new'), '{"mark":"m"}'];
  // As if no head had been shown yet: this one needs no proof.
  await state.inTx((tx) => tx.set(meta.witness, JSON.stringify({ key: log.key, signed: '', over: [] })));
  await taken(state, anew.map((l) => l + '\n').join(''), 50, false);
  expect(state.byRecord.has(id(2))).toBe(true);
  await taken(state, '{"end":{"cursor":"c","digest":"0","now":"2026-11-20T08:00:00.000Z"}}\n', 50, false);
  expect(state.byRecord.has(id(1))).toBe(true);
  expect(state.byRecord.has(id(2))).toBe(false);
});

test('rows without the audit log before them are an alarm, and are not taken', async () => {
  const state = await opened();
  const intake = await taken(state, answer.slice(head.length + 1));
  expect(intake.alarm?.code).toBe('audit_withheld');
  expect(state.rows.size).toBe(0);
  expect(JSON.parse(state.meta.get(meta.alarm)!)).toMatchObject({ code: 'audit_withheld' });
  expect(state.meta.get(meta.cursor)).toBeUndefined();
});

test('the growth of the log is proved by the vectors of package audit; any other head is an alarm', async () => {
  const last = log.heads.length;
  const rootOf = (signed: string) => fromBase64(signed.split('\n')[2]!)!;
  for (let i = 0; i < last; i++) {
    const proof = (log.growth[i] ?? []).map((h) => fromBase64(h)!);
    const old = rootOf(log.heads[i]!);
    expect(isGrowth(proof, last, fromBase64(log.root)!, i + 1, old)).toBe(true);
    expect(isGrowth(proof, last, fromBase64(log.root)!, i + 1, old.map((b, n) => (n === 0 ? b ^ 1 : b)))).toBe(false);
    const known = { key: log.key, signed: log.heads[i]!, over: [] };
    const shown = { signed: log.heads[last - 1]!, proof: log.growth[i] ?? [], keys: [] };
    expect((await take(known, shown)).witness.signed).toBe(shown.signed);
    if (i > 0) await expect(take(known, { signed: log.heads[0]!, proof: [], keys: [] })).rejects.toMatchObject({ code: 'audit_rolled_back' });
    const altered = shown.signed.replace('epoch one', 'epoch two');
    await expect(take(known, { ...shown, signed: altered })).rejects.toMatchObject({ code: 'checkpoint_signature' });
    if (i < last - 1) await expect(take(known, { ...shown, proof: [] })).rejects.toMatchObject({ code: 'audit_rewritten' });
  }
});
