// Half-filled forms and files, between two tablets of one person and a real hub.
import { expect, inject, test } from 'vitest';
import { newKey } from '../src/core/box';
import { BLOB, MemoryDisk } from '../src/core/disk';
import { type Enrolment, real, Tablet, type Outside } from '../src/core/tablet';
import { demoIn, deskOf } from './demo';

const demo = demoIn(inject('folder'));
const LOGIN = 'outreach2';
let desk: Awaited<ReturnType<typeof deskOf>>;

async function fresh(): Promise<Enrolment> {
  desk ??= await deskOf(demo, 'coordinator', inject('coordinator'));
  const { staff } = await (await deskOf(demo, LOGIN))('/api/portolan/me');
  const { code } = await desk('/api/portolan/enrolments', { staff });
  return { url: demo.url, code: code!, password: demo.accounts.find((a) => a.login === LOGIN)!.password, label: 'web' };
}

/** A line over which so many bytes of a file go at a time, either way; 0 for one that holds. */
const line: Outside & { piece: number; cuts: number; down: boolean } = {
  ...real,
  piece: 0,
  cuts: 0,
  down: false,
  fetch: async (to, init) => {
    if (line.down) throw new Error('no network');
    const file = /\/(uploads|file)/.test(String(to));
    const body = init?.body as Uint8Array<ArrayBuffer> | undefined;
    if (line.piece === 0 || !file) return real.fetch(to, init);
    if (init?.method === 'PATCH' && body !== undefined && body.length > line.piece) {
      // What came of it counts, and the answer is lost.
      await real.fetch(to, { ...init, body: body.slice(0, line.piece) });
      line.cuts++;
      throw new Error('cut');
    }
    const answer = await real.fetch(to, init);
    if (init?.method !== 'GET' || answer.body === null || !answer.ok) return answer;
    let left = line.piece;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, on) {
        if (chunk.length <= left) {
          left -= chunk.length;
          on.enqueue(chunk);
          return;
        }
        on.enqueue(chunk.subarray(0, left));
        line.cuts++;
        on.error(new Error('cut'));
      },
    });
    return new Response(answer.body.pipeThrough(cut), answer);
  },
};

const [disk, root] = [new MemoryDisk(), newKey()];
let one: Tablet;
let two: Tablet;
let caseId = '';

async function synced(t: Tablet): Promise<Awaited<ReturnType<Tablet['sync']>>> {
  const r = await t.sync();
  expect(r.differs).toBe(false);
  return r;
}

/** Everything that lies on the disk, as text. */
async function lies(): Promise<string> {
  const blobs = await Promise.all((await disk.blobs()).map((key) => disk.read(key)));
  return JSON.stringify(await disk.load()) + blobs.map((b) => Buffer.from(b as Uint8Array).toString('latin1')).join('');
}

test('a half-filled form is finished on another tablet of its author', async () => {
  one = await Tablet.enrol(disk, root, await fresh(), line);
  two = await Tablet.enrol(new MemoryDisk(), newKey(), await fresh());
  await synced(one);
  await synced(two);
  caseId = (await one.list('cases'))[0]!.id;
  const id = await one.saveDraft({ collection: 'notes', caseId, fields: { text: 'Ocelot ha', occurred_at: '2026-' } });
  await one.saveDraft({ id, collection: 'notes', caseId, fields: { text: 'Ocelot half a sentence', occurred_at: '2026-' } });
  expect(await one.drafts()).toMatchObject([{ id, fields: { text: 'Ocelot half a sentence' }, unsent: true }]);
  expect(await lies()).not.toContain('Ocelot');
  one = await Tablet.open(disk, root, line);
  await synced(one);
  expect(one.draftsUnsent()).toBe(0);
  await synced(two);
  const [form] = await two.drafts();
  expect(form).toMatchObject({ id, caseId, fields: { text: 'Ocelot half a sentence', occurred_at: '2026-' }, others: {}, unsent: false });
  expect(form!.until).not.toBe('');
  const note = await two.make('notes', caseId, { set: { text: 'Ocelot, saved', kind: 'visit' }, draft: id });
  expect(note).toBe(form!.record);
  await synced(two);
  await synced(one);
  expect(await one.drafts()).toEqual([]);
  expect((await one.show(note)).fields.get('text')?.value).toBe('"Ocelot, saved"');
});

test('what was typed on two tablets that did not know of each other is kept twice, until somebody saw both', async () => {
  const id = await one.saveDraft({ collection: 'notes', caseId, fields: { text: 'both' } });
  await synced(one);
  await synced(two);
  const { record } = (await two.drafts())[0]!;
  await one.saveDraft({ id, collection: 'notes', record, caseId, fields: { text: 'left' } });
  await two.saveDraft({ id, collection: 'notes', record, caseId, fields: { text: 'right' } });
  for (const t of [one, two, one]) await synced(t);
  for (const t of [one, two]) {
    const [f] = await t.drafts();
    expect([f!.fields['text'], ...f!.others['text']!].sort()).toEqual(['left', 'right']);
  }
  await one.saveDraft({ id, collection: 'notes', record, caseId, fields: { text: 'left and right' } });
  await synced(one);
  await synced(two);
  expect(await two.drafts()).toMatchObject([{ fields: { text: 'left and right' }, others: {} }]);
  await two.dropDraft(id);
  await synced(two);
  await synced(one);
  expect(await one.drafts()).toEqual([]);
});

const words = Array.from({ length: 150 }, (_, i) => `line ${i}: Axolotl ${(i * 7919) % 10007}`).join('\n');
const file = new TextEncoder().encode(words.repeat(40)); // 200 KB
let document = '';

test('a file goes up after the text over a line that breaks, once, and comes down elsewhere', async () => {
  document = await one.make('documents', caseId, { set: { kind: 'letter', status: 'kept' } });
  await one.attach(document, 'text/plain', file);
  await one.attach(document, 'text/plain', file);
  expect(one.filesWaiting()).toBe(1);
  expect(await lies()).not.toContain('Axolotl');
  expect(Buffer.from(await one.fetchFile(document)).equals(Buffer.from(file))).toBe(true);
  one = await Tablet.open(disk, root, line); // another page
  line.piece = 30_000;
  const r = await synced(one);
  expect(r).toMatchObject({ sent: 1, files: 1, filesWaiting: 0, filesAside: 0, fileFaults: [] });
  expect(line.cuts).toBeGreaterThan(3);
  line.piece = 0;
  expect(await disk.blobs()).toEqual([]);
  await synced(one);
  await synced(two);
  expect((await two.show(document)).fields.get('filed_at')?.value).toBeDefined();
  expect(Buffer.from(await two.fetchFile(document)).equals(Buffer.from(file))).toBe(true);
  line.cuts = 0;
  line.piece = 70_000;
  expect(Buffer.from(await one.fetchFile(document)).equals(Buffer.from(file))).toBe(true);
  expect(line.cuts).toBeGreaterThan(0);
  line.piece = 0;
  expect(await disk.blobs()).toEqual([]);
});

test('what came of a file before the line broke for long is kept, sealed, and not asked for again', async () => {
  let asked = 0;
  const half: Outside = {
    ...line,
    fetch: async (to, init) => {
      if (!/\/file/.test(String(to))) return real.fetch(to, init);
      if (++asked > 1) throw new Error('no network');
      const answer = await real.fetch(to, init);
      const bytes = new Uint8Array(await answer.arrayBuffer()).slice(0, 100_000);
      let sent = false;
      return new Response(new ReadableStream({ pull: (c) => (sent ? c.error(new Error('cut')) : ((sent = true), c.enqueue(bytes))) }), answer);
    },
  };
  const broken = await Tablet.open(disk, root, half);
  await expect(broken.fetchFile(document)).rejects.toMatchObject({ code: 'hub_unreachable' });
  expect((await disk.blobs()).every((key) => key.startsWith(BLOB))).toBe(true);
  expect(await lies()).not.toContain('Axolotl');
  const ranges: (string | null)[] = [];
  one = await Tablet.open(disk, root, { ...line, fetch: (to, init) => {
    if (/\/file/.test(String(to))) ranges.push(new Headers(init?.headers).get('Range'));
    return line.fetch(to, init);
  } });
  expect(Buffer.from(await one.fetchFile(document)).equals(Buffer.from(file))).toBe(true);
  expect(ranges).toEqual(['bytes=100000-']);
});

test('a store that is wiped still delivers its file and its form, sealed, for a person to decide', async () => {
  const doc = await one.make('documents', caseId, { set: { kind: 'letter', status: 'kept' } });
  await synced(one);
  await one.attach(doc, 'text/plain', new TextEncoder().encode('Pangolin'));
  const form = await one.saveDraft({ collection: 'notes', caseId, fields: { text: 'before the wipe' } });
  line.down = true;
  await one.wipe();
  line.down = false;
  expect((await lies()).includes('Pangolin')).toBe(false);
  expect([one.filesWaiting(), one.draftsUnsent()]).toEqual([1, 1]);
  const left = await Tablet.open(disk, root, line);
  expect(await left.sync()).toMatchObject({ ended: true, files: 1, filesAside: 1, filesWaiting: 0 });
  expect([await disk.load(), await disk.blobs()]).toEqual([[], []]);
  const list = (await desk('/api/portolan/worklist')) as unknown as { held: { record: string; reason: string }[] };
  expect(list.held).toEqual(expect.arrayContaining([expect.objectContaining({ record: doc, reason: 'file_sealed' })]));
  await synced(two);
  expect(await two.drafts()).toMatchObject([{ id: form, fields: { text: 'before the wipe' } }]);
});
