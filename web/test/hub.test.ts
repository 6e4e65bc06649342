// The session against a real hub, both ways with the Go tablet.
import { expect, inject, test } from 'vitest';
import { base64url } from '../src/core/bytes';
import { MemoryDisk } from '../src/core/disk';
import { isFault } from '../src/core/fault';
import { isUnreachable } from '../src/core/hub';
import { newKey } from '../src/core/box';
import { real, Tablet, type Outside } from '../src/core/tablet';
import { demoIn, enrolmentOf, goTablet } from './demo';

const folder = inject('folder');
const demo = demoIn(folder);

/** A line that is cut after so many bytes of an answer; null for one that holds. */
function cutLine(): Outside & { after: number | null; shift: number; cuts: number } {
  const outside = {
    ...real,
    after: null as number | null,
    shift: 0,
    cuts: 0,
    now: () => Date.now() + outside.shift,
    fetch: async (...args: Parameters<typeof fetch>) => {
      const answer = await fetch(...args);
      if (outside.after === null || answer.body === null || !answer.ok || !String(args[0]).endsWith('/sync')) return answer;
      let left = outside.after;
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, to) {
          if (chunk.length < left) {
            left -= chunk.length;
            to.enqueue(chunk);
            return;
          }
          to.enqueue(chunk.subarray(0, left));
          outside.cuts++;
          to.error(new Error('cut'));
        },
      });
      return new Response(answer.body.pipeThrough(cut), answer);
    },
  };
  return outside;
}

const line = cutLine();
const disk = new MemoryDisk();
const root = newKey();
let tablet: Tablet;

async function whole(t: Tablet): Promise<void> {
  const r = await t.sync();
  expect(r.differs).toBe(false);
}

test('a first sync over a line that is cut at ever more bytes brings everything once', async () => {
  tablet = await Tablet.enrol(disk, root, enrolmentOf(demo, 'outreach'), line);
  let rows = 0;
  for (line.after = 40_001; ; line.after += 1_777) {
    try {
      const r = await tablet.sync();
      rows += r.rows;
      expect(r.differs).toBe(false);
      break;
    } catch (e) {
      expect(isUnreachable(e)).toBe(true);
    }
  }
  expect(line.cuts).toBeGreaterThan(0);
  line.after = null;
  expect((await tablet.list('cases')).length).toBeGreaterThan(0);
  expect(rows).toBeGreaterThan(0);
});

test('what is entered here the Go tablet sees, and the reverse', async () => {
  const id = await tablet.make('notes', demo.case_moving, noteOf('from here: ليلى 😀'));
  expect(tablet.unsent()).toBe(1);
  await whole(tablet);
  expect(tablet.unsent()).toBe(0);
  expect(tablet.held()).toEqual([]);
  await goTablet(folder, 'outreach', 'sync');
  expect(await goTablet(folder, 'outreach', 'show', id)).toContain('from here: ليلى 😀');
  const theirs = (await goTablet(folder, 'outreach', 'new', 'notes', '--case', demo.case_moving, ...Object.entries(noteOf('from there').set).map(([k, v]) => `${k}=${v}`))).trim();
  await goTablet(folder, 'outreach', 'sync');
  await whole(tablet);
  expect([...(await tablet.show(theirs)).fields.values()].map((f) => f.value)).toContain('"from there"');
});

test('what was edited here is not sent back, and stands', async () => {
  for (const priority of ['low', 'high']) {
    await tablet.set(demo.case_moving, { set: { priority } });
    expect(await tablet.sync()).toMatchObject({ sent: 1, conflicts: 0, rows: 0, differs: false });
    expect((await tablet.show(demo.case_moving)).fields.get('priority')).toMatchObject({ value: `"${priority}"` });
  }
});

test('two rows that were lost from the disk are found by their digests and sent anew, and nothing else', async () => {
  const values = await disk.load();
  const lost = values.filter(([k]) => k.startsWith('item row ')).slice(0, 2).map(([k]) => k);
  await disk.write([], lost);
  line.shift = 25 * 3_600_000; // the sums are worked out anew once a day
  const hurt = await Tablet.open(disk, root, line);
  const r = await hurt.sync();
  line.shift = 0;
  expect(r).toMatchObject({ repaired: true, mended: 2, differs: false });
  tablet = await Tablet.open(disk, root, line);
  await whole(tablet);
});

test('a line that breaks before the hub answers carries less at a time, and everything gets there once', async () => {
  for (let i = 0; i < 12; i++) await tablet.make('notes', demo.case_moving, noteOf(`narrow ${i} ${base64url(crypto.getRandomValues(new Uint8Array(600)))}`));
  const sizes: number[] = [];
  const narrow: Outside = {
    ...real,
    now: line.now,
    fetch: (to, init) => {
      const body = init?.body as Uint8Array | undefined;
      if (!String(to).endsWith('/sync')) return fetch(to, init);
      sizes.push(body?.length ?? 0);
      return (body?.length ?? 0) > 3_000 ? Promise.reject(new Error('too much for this line')) : fetch(to, init);
    },
  };
  const t = await Tablet.open(disk, root, narrow);
  expect(t.unsent()).toBe(12);
  for (let tries = 0; t.unsent() > 0 && tries < 20; tries++) await t.sync().catch((e: unknown) => expect(isUnreachable(e)).toBe(true));
  expect(t.unsent()).toBe(0);
  expect(t.held()).toEqual([]);
  expect(sizes[0]).toBeGreaterThan(3_000);
  tablet = await Tablet.open(disk, root, line);
  await whole(tablet);
  expect((await tablet.list('notes')).filter((n) => n.fields.get('text')?.value?.startsWith('"narrow ')).length).toBe(12);
});

test('a hub that is full says for how long, and nothing is lost', async () => {
  await tablet.make('notes', demo.case_moving, noteOf('waits'));
  const full: Outside = { ...real, now: line.now, fetch: () => Promise.resolve(new Response('{"code":"hub_busy","hint":"later"}', { status: 503, headers: { 'Retry-After': '7' } })) };
  const t = await Tablet.open(disk, root, full);
  await expect(t.sync()).rejects.toMatchObject({ code: 'hub_busy', wait: 7000, status: 503 });
  expect(t.unsent()).toBe(1);
  tablet = await Tablet.open(disk, root, line);
  await whole(tablet);
  expect(tablet.unsent()).toBe(0);
});

function noteOf(text: string): { set: Record<string, string> } {
  return { set: { text, kind: 'general' } };
}

test('a store that is opened again knows everything, and one without its root nothing', async () => {
  const before = (await tablet.list('cases')).map((c) => c.id);
  const again = await Tablet.open(disk, root, line);
  expect((await again.list('cases')).map((c) => c.id)).toEqual(before);
  tablet = again;
  await whole(tablet);
  const other = await Tablet.open(disk, newKey(), line).catch((e: unknown) => e);
  if (other instanceof Tablet) await expect(other.list('cases')).rejects.toMatchObject({ code: 'store_locked' });
  expect(JSON.stringify(await disk.load())).not.toContain('ليلى');
});

test('a clock that is hours wrong is put right, and nothing entered is lost', async () => {
  line.shift = 9 * 3_600_000;
  const wrong = await Tablet.open(disk, root, line);
  const [first] = await wrong.list('survivors');
  expect(await wrong.set(first!.id, { set: { alias: 'nine hours late' } })).toBe(true);
  const r = await wrong.sync();
  expect(r).toMatchObject({ sent: 1, differs: false });
  line.shift = 0;
  tablet = await Tablet.open(disk, root, line);
  await whole(tablet);
  expect((await tablet.show(first!.id)).fields.get('alias')?.value).toBe('"nine hours late"');
});

test('without a lease nothing opens, and what was entered is delivered as it was sealed to the hub', async () => {
  const id = await tablet.make('notes', demo.case_moving, noteOf('sealed to the hub'));
  line.shift = 40 * 24 * 3_600_000; // the lease is over
  await expect(tablet.list('notes')).rejects.toSatisfy((e) => isFault(e, 'store_locked'));
  line.shift = 0;
  expect(tablet.unsent()).toBe(1);
  await whole(tablet);
  expect(tablet.unsent()).toBe(0);
  expect(tablet.held()).toEqual([]);
  expect([...(await tablet.show(id)).fields.values()].map((f) => f.value)).toContain('"sealed to the hub"');
});
