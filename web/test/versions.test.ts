// An app whose schema is a year older than the hub's, and one whose is a year newer.
import { expect, inject, test } from 'vitest';
import { newKey } from '../src/core/box';
import { MemoryDisk } from '../src/core/disk';
import { type Enrolment, real, Tablet, type Outside } from '../src/core/tablet';
import { demoIn, deskOf } from './demo';

const demo = demoIn(inject('folder'));
const LOGIN = 'outreach2';
let desk: Awaited<ReturnType<typeof deskOf>>;

interface WireField { Name: string; Merge: string }
interface Wire {
  schema: { Name: string; Fields: WireField[] }[];
  codes: Record<string, { Codes: string[] }>;
}

async function fresh(): Promise<Enrolment> {
  desk ??= await deskOf(demo, 'coordinator', inject('coordinator'));
  const { staff } = await (await deskOf(demo, LOGIN))('/api/portolan/me');
  const { code } = await desk('/api/portolan/enrolments', { staff });
  return { url: demo.url, code: code!, password: demo.accounts.find((a) => a.login === LOGIN)!.password, label: 'web' };
}

/** A tablet that is told of another schema than the hub's. */
async function tabletOf(alter: (s: Wire) => void): Promise<Tablet> {
  const outside: Outside = {
    ...real,
    fetch: async (to, init) => {
      const answer = await real.fetch(to, init);
      if (!String(to).endsWith('/api/portolan/schema')) return answer;
      const schema = (await answer.json()) as Wire;
      alter(schema);
      return new Response(JSON.stringify(schema), answer);
    },
  };
  const t = await Tablet.enrol(new MemoryDisk(), newKey(), await fresh(), outside);
  await synced(t);
  return t;
}

async function synced(t: Tablet): Promise<Awaited<ReturnType<Tablet['sync']>>> {
  const r = await t.sync();
  expect(r.differs).toBe(false);
  return r;
}

const fieldsOf = (s: Wire, name: string) => s.schema.find((c) => c.Name === name)!;

test('what an older app does not know it keeps, and what it brings is taken', async () => {
  const now = await tabletOf(() => {});
  const old = await tabletOf((s) => {
    const survivors = fieldsOf(s, 'survivors');
    survivors.Fields = survivors.Fields.filter((f) => f.Name !== 'religion');
    s.schema = s.schema.filter((c) => c.Name !== 'tasks');
    fieldsOf(s, 'cases').Fields.find((f) => f.Name === 'priority')!.Merge = 'latest';
    s.codes['languages']!.Codes = s.codes['languages']!.Codes.filter((c) => c !== 'ln');
  });
  const [person] = await now.list('survivors');
  const { id, caseId } = person!;
  await now.set(id, { set: { religion: 'Bahá’í' }, add: { languages: ['ln'] } });
  const task = await now.make('tasks', caseId, { set: { title_key: 'call', status: 'open' } });
  await synced(now);
  await synced(old); // its digest counts what it does not know
  expect([...(await old.show(id)).fields.keys()]).not.toContain('religion');
  expect((await old.show(id)).fields.get('languages')?.value).toContain('"ln"');
  await old.set(id, { set: { alias: 'of an old app' }, add: { languages: ['am'] } });
  await old.set(caseId, { set: { priority: 'low' } });
  expect(await synced(old)).toMatchObject({ sent: 2, held: 0 });
  await synced(now);
  const shown = (await now.show(id)).fields;
  expect(shown.get('religion')?.value).toBe('"Bahá’í"');
  expect(shown.get('alias')?.value).toBe('"of an old app"');
  expect(shown.get('languages')?.value).toMatch(/"am".*"ln"/);
  expect((await now.show(task)).fields.get('status')?.value).toBe('"open"');
});

test('what an older hub does not know it holds, and the rest of the work goes on', async () => {
  const next = await tabletOf((s) => {
    const survivors = fieldsOf(s, 'survivors');
    survivors.Fields.push({ ...survivors.Fields.find((f) => f.Name === 'pronouns')!, Name: 'in_a_year' });
    s.schema.push({ ...fieldsOf(s, 'notes'), Name: 'in_a_year' });
  });
  const [person] = await next.list('survivors');
  const { id, caseId } = person!;
  await next.set(id, { set: { in_a_year: 'kept', pronouns: 'they' } });
  await next.make('in_a_year', caseId, { set: { text: 'of a newer app', kind: 'visit' } });
  await next.set(id, { set: { alias: 'of a newer app' } });
  expect(await synced(next)).toMatchObject({ sent: 3, held: 2 });
  expect(next.held().map((h) => h.held[0]!.field)).toEqual(['in_a_year', '']);
  const shown = (await next.show(id)).fields;
  expect([shown.get('alias')?.value, shown.get('pronouns')?.value]).toEqual(['"of a newer app"', '"they"']);
  await synced(next);
});
