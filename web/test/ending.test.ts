// How a store ends, goes on under another replica, and hears of what is new.
import { expect, inject, test } from 'vitest';
import { newKey } from '../src/core/box';
import { MemoryDisk } from '../src/core/disk';
import { type Enrolment, real, Tablet, type Outside } from '../src/core/tablet';
import { demoIn, deskOf } from './demo';

const demo = demoIn(inject('folder'));
const LOGIN = 'outreach2';

const root = newKey();
const disk = new MemoryDisk();
const line: Outside & { down: boolean } = {
  ...real,
  down: false,
  fetch: (...a) => (line.down ? Promise.reject(new Error('no network')) : real.fetch(...a)),
};
let tablet: Tablet;
/** Another tablet of the same person. */
let other: Tablet;
let desk: Awaited<ReturnType<typeof deskOf>>;

/** What somebody shows as a store becomes theirs, with a fresh code. */
async function fresh(login = LOGIN): Promise<Enrolment> {
  desk ??= await deskOf(demo, 'coordinator', inject('coordinator'));
  const { staff } = await (await deskOf(demo, login))('/api/portolan/me');
  const { code } = await desk('/api/portolan/enrolments', { staff });
  return { url: demo.url, code: code!, password: demo.accounts.find((a) => a.login === login)!.password, label: 'web' };
}

async function caseHere(): Promise<string> {
  const [first] = await tablet.list('cases');
  return first!.id;
}

function note(text: string): { set: Record<string, string> } {
  return { set: { text, kind: 'general' } };
}

async function texts(t: Tablet): Promise<unknown[]> {
  return (await t.list('notes')).map((n) => n.fields.get('text')?.value);
}

test('a store that is enrolled again goes on under another replica, with what was not sent', async () => {
  tablet = await Tablet.enrol(disk, root, await fresh(), line);
  await tablet.sync();
  const before = tablet.identity.replica;
  const id = await tablet.make('notes', await caseHere(), note('before'));
  await tablet.sync();
  await tablet.make('notes', await caseHere(), note('unsent'));
  const edited = await caseHere();
  for (const priority of ['low', 'urgent']) await tablet.set(edited, { set: { priority } }); // the second names the first
  tablet = await Tablet.enrol(disk, root, await fresh(), line);
  expect(tablet.identity.replica).not.toBe(before);
  expect(tablet.unsent()).toBe(3);
  expect(await texts(tablet)).toContain('"unsent"');
  expect(await tablet.sync()).toMatchObject({ sent: 3, held: 0, conflicts: 0, differs: false });
  expect((await tablet.show(edited)).fields.get('priority')).toMatchObject({ value: '"urgent"', conflict: false });
  expect((await tablet.show(id)).id).toBe(id);
  const opened = await Tablet.open(disk, root, line);
  expect((await opened.sync()).differs).toBe(false);
  expect(await texts(opened)).toEqual(expect.arrayContaining(['"before"', '"unsent"']));
  tablet = opened;
});

test('somebody else does not take a store over', async () => {
  await expect(Tablet.enrol(disk, root, await fresh('outreach'), line)).rejects.toMatchObject({ code: 'other_person' });
  expect((await (await Tablet.open(disk, root, line)).sync()).differs).toBe(false);
});

test('a tablet that listens is woken by what somebody else brings, and stops when it is told to', async () => {
  const stop = new AbortController();
  const syncs: number[] = [];
  let heard: () => void;
  const next = () => new Promise<void>((resolve) => (heard = resolve));
  const first = next();
  const ended = tablet.watch((report, fault) => {
    expect(fault).toBeUndefined();
    syncs.push(report!.rows);
    heard();
  }, stop.signal);
  await first; // it listens, and has synced once
  other = await Tablet.enrol(new MemoryDisk(), newKey(), await fresh());
  await other.sync();
  await other.make('notes', await caseHere(), note('from another tablet'));
  await other.sync();
  while (!(await texts(tablet)).includes('"from another tablet"')) await next();
  stop.abort();
  await ended;
  expect(syncs.length).toBeGreaterThan(1);
});

test('where nothing can be heard it polls, later each time and never all together, as long as the hub asks', async () => {
  const pauses: number[] = [];
  const stop = new AbortController();
  const asked: string[] = [];
  const deaf: Outside = {
    now: line.now,
    pause: (ms) => {
      if (pauses.push(ms) === 6) stop.abort();
      return Promise.resolve();
    },
    fetch: (to, init) => {
      asked.push(String(to));
      if (String(to).endsWith('/sync') && pauses.length === 5) {
        return Promise.resolve(new Response('{"code":"hub_busy","hint":"later"}', { status: 503, headers: { 'Retry-After': '3600' } }));
      }
      return String(to).endsWith('/realtime') ? Promise.reject(new Error('deaf')) : real.fetch(to, init);
    },
  };
  const t = await Tablet.open(disk, root, deaf);
  const faults: unknown[] = [];
  await t.watch((_, fault) => faults.push(fault), stop.signal);
  expect(faults.slice(0, 5)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  for (const [i, least] of [15_000, 30_000, 60_000, 120_000, 240_000, 3_600_000].entries()) {
    expect(pauses[i]).toBeGreaterThanOrEqual(least / 2);
    expect(pauses[i]).toBeLessThanOrEqual(least * 1.5);
  }
  expect(asked.filter((a) => a.endsWith('/sync')).length).toBe(6);
});

test('before a border everything is delivered first, and then nothing is here', async () => {
  await tablet.make('notes', await caseHere(), note('at the border'));
  line.down = true;
  await expect(tablet.border()).rejects.toMatchObject({ code: 'hub_unreachable' });
  expect(await texts(tablet)).toContain('"at the border"');
  line.down = false;
  await tablet.border();
  expect(await disk.load()).toEqual([]);
  await expect(tablet.sync()).rejects.toMatchObject({ code: 'store_ended' });
  await other.sync();
  expect(await texts(other)).toContain('"at the border"');
});

test('a store that is wiped opens nothing, and still delivers for a person to decide', async () => {
  tablet = await Tablet.enrol(disk, root, await fresh(), line);
  await tablet.sync();
  const id = await tablet.make('notes', await caseHere(), note('before the wipe'));
  line.down = true;
  await tablet.wipe();
  await expect(tablet.list('notes')).rejects.toMatchObject({ code: 'store_locked' });
  expect(JSON.stringify(await disk.load())).not.toContain('before the wipe');
  expect((await disk.load()).filter(([k]) => k.startsWith('key ')).length).toBe(0);
  expect(tablet.unsent()).toBe(1);
  line.down = false;
  const left = await Tablet.open(disk, root, line);
  expect(await left.sync()).toMatchObject({ sent: 1, held: 1, ended: true });
  expect(await disk.load()).toEqual([]);
  const list = (await desk('/api/portolan/worklist')) as unknown as { held: { record: string; reason: string }[] };
  expect(list.held).toEqual(expect.arrayContaining([expect.objectContaining({ record: id, reason: 'device_revoked' })]));
});
