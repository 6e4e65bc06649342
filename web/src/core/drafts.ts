import { base64url } from './bytes';
import { Fault } from './fault';
import { quote } from './json';
import { hubKeyOf, meta } from './meta';
import { isId, parseDraftName, parseTime, type Scope } from './name';
import type { Thing, Tx } from './state';
import { sealToHub } from './unsent';

// Half-filled forms (docs/protocol.md): one snapshot for each part of the case,
// sealed under the key of that part and, until the hub has it, to the hub.

const PUT_MAX = 32;
const NAMED_MAX = 1024;
const FORM_BYTES_MAX = 64 << 10;
const KEY = 'draft ';

/** A form that nobody has saved yet. What stands in its fields need be no value. */
export interface Form {
  id: string;
  collection: string;
  /** The record that it becomes, or is about; and its case, there already or not. */
  record: string;
  caseId: string;
  /** When it was kept last. */
  at: string;
  fields: Record<string, unknown>;
  /** What stands beside them: entered on two tablets, neither of which knew of the other. */
  others: Record<string, unknown[]>;
  /** When the hub destroys it; "" while it knows nothing of it. */
  until: string;
  unsent: boolean;
  /** Why the hub does not take it; "" where it does. */
  refused: string;
}

interface Clear {
  box: string;
  boxKey: string;
  over: readonly string[];
  until: string;
  refused: string;
}

interface Snapshot {
  draft: string;
  c: string;
  r: string;
  case: string;
  part: string;
  by: string;
  t: string;
  at: string;
  form: Record<string, unknown>;
}

const snapshotsOf = (tx: Tx, draft = '') => tx.thingsIn<Clear>(KEY + draft);

function put(tx: Tx, name: string, scope: Scope, clear: Clear, secret: string | undefined): void {
  tx.things.put(KEY + name, { scope, clear, secret } satisfies Thing);
}

async function boxOf(tx: Tx, name: string, text: string): Promise<{ box: string; boxKey: string }> {
  const to = hubKeyOf(tx);
  if (to === undefined) throw new Fault('store_locked', 'nothing is kept in clear');
  const box = base64url(await sealToHub(to, ['unsent_drafts', parseDraftName(name).replica, name], text));
  return { box, boxKey: to.id };
}

/** Keeps one part of a form, in the place of what was kept of it and its author has seen. */
export async function savePart(tx: Tx, replica: string, s: Snapshot): Promise<void> {
  const text = JSON.stringify(s);
  readSnapshot(text);
  const name = `${s.draft}/${s.part}/${replica}/${s.t}`;
  const over: string[] = [];
  for (const [key, was] of snapshotsOf(tx, `${s.draft}/${s.part}/`)) {
    over.push(...was.clear.over, key.slice(KEY.length));
    tx.things.delete(key);
  }
  put(tx, name, `case:${s.case}/${s.part}`, { ...(await boxOf(tx, name, text)), over, until: '', refused: '' }, text);
  tx.set(meta.clock, s.t);
}

/** Forgets a form here, and has the hub forget what this tablet knew of it; of all parts but those to keep. */
export function dropDraft(tx: Tx, draft: string, keep: readonly string[] = []): void {
  const drops = dropsOf(tx);
  for (const [key, d] of snapshotsOf(tx, `${draft}/`)) {
    const name = key.slice(KEY.length);
    if (keep.includes(parseDraftName(name).part)) continue;
    drops.push(name, ...d.clear.over);
    tx.things.delete(key);
  }
  tx.set(meta.drops, JSON.stringify([...new Set(drops)]));
  for (const [key, d] of snapshotsOf(tx)) if (d.clear.refused !== '') put(tx, key.slice(KEY.length), d.scope, { ...d.clear, refused: '' }, d.secret); // there may be room now
}

function dropsOf(tx: Tx): string[] {
  const text = tx.text(meta.drops);
  return text === '' ? [] : (JSON.parse(text) as string[]);
}

/** Lists the forms that can be read here, as far as they can. */
export function formsOf(things: Iterable<[string, Thing]>): Form[] {
  const newest = [...things]
    .filter(([key, t]) => key.startsWith(KEY) && t.secret !== undefined)
    .map(([key, t]) => ({ clock: parseDraftName(key.slice(KEY.length)).clock, s: readSnapshot(t.secret!), clear: t.clear as Clear }))
    .sort((a, b) => (a.clock < b.clock ? 1 : -1));
  const forms = new Map<string, Form>();
  for (const { s, clear } of newest) {
    const f = forms.get(s.draft) ?? { id: s.draft, collection: s.c, record: s.r, caseId: s.case, at: s.at, fields: {}, others: {}, until: '', unsent: false, refused: '' };
    forms.set(s.draft, f);
    for (const [name, v] of Object.entries(s.form)) {
      if (!(name in f.fields)) f.fields[name] = v;
      else if (JSON.stringify(f.fields[name]) !== JSON.stringify(v)) (f.others[name] ??= []).push(v);
    }
    f.until ||= clear.until;
    f.unsent ||= clear.box !== '';
    f.refused ||= clear.refused;
  }
  return [...forms.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** How many snapshots the hub does not have yet. */
export function draftsUnsent(things: Iterable<[string, Thing]>): number {
  return [...things].filter(([key, t]) => key.startsWith(KEY) && t.clear.box !== '').length;
}

/** What a push says of forms, and whether more waits behind. bare brings none of them. */
export async function draftsOut(tx: Tx, readable: boolean, bare: boolean, bytes: number): Promise<{ text: string; more: boolean }> {
  if (readable) await reseal(tx);
  const all = snapshotsOf(tx).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = (l: readonly string[]) => `[${l.map(quote).join(',')}]`;
  const have = all.filter(([, d]) => d.clear.box === '').slice(0, NAMED_MAX).map(([key]) => key.slice(KEY.length));
  const waiting = all.filter(([, d]) => d.clear.box !== '' && d.clear.refused === '');
  const puts: string[] = [];
  let size = 0;
  for (const [key, { clear }] of bare ? [] : waiting) {
    size += clear.box.length;
    if (puts.length === PUT_MAX || (puts.length > 0 && size > bytes)) break;
    const over = clear.over.length === 0 ? '' : `,"over":${names(clear.over)}`;
    puts.push(`{"name":${quote(key.slice(KEY.length))}${over},"key":${quote(clear.boxKey)},"sealed":"${clear.box}"}`);
  }
  const drops = dropsOf(tx).slice(0, NAMED_MAX);
  const left = all.filter(([, d]) => d.clear.box !== '').length - puts.length;
  return {
    text:
      `{"have":${names(have)}` +
      (puts.length === 0 ? '' : `,"put":[${puts.join(',')}]`) +
      (drops.length === 0 ? '' : `,"drop":${names(drops)}`) +
      (left === 0 ? '' : `,"wait":${left}`) +
      '}',
    more: !bare && puts.length < waiting.length,
  };
}

/** Has the hub sent anew what it may have lost, or cannot open for want of its key. */
async function reseal(tx: Tx): Promise<void> {
  const again = tx.text(meta.draftsAgain) !== '';
  const to = hubKeyOf(tx);
  for (const [key, d] of snapshotsOf(tx)) {
    const keyGone = d.clear.refused === 'unsent_key_gone' && d.clear.boxKey !== to?.id;
    if (d.secret === undefined || !(keyGone || (again && d.clear.box === ''))) continue;
    const name = key.slice(KEY.length);
    put(tx, name, d.scope, { ...d.clear, ...(await boxOf(tx, name, d.secret)), refused: '' }, d.secret);
  }
  if (again) tx.meta.delete(meta.draftsAgain);
}

/** Takes what the hub says of snapshots: what it took, also in an alarm, and which it has no more. */
export function draftsSaid(tx: Tx, said: { taken: readonly string[]; gone: readonly string[]; refused: ReadonlyMap<string, string> }, alarm: boolean): void {
  for (const name of said.taken) {
    const d = tx.things.get(KEY + name) as (Thing & { clear: Clear }) | undefined;
    if (d === undefined) continue;
    if (d.secret === undefined) tx.things.delete(KEY + name);
    else put(tx, name, d.scope, { ...d.clear, box: '', boxKey: '', over: [] }, d.secret);
  }
  const drops = dropsOf(tx);
  if (drops.length > 0) tx.set(meta.drops, JSON.stringify(drops.filter((name) => !said.taken.includes(name))));
  for (const [name, code] of said.refused) {
    const d = tx.things.get(KEY + name) as (Thing & { clear: Clear }) | undefined;
    if (d === undefined) continue;
    if (code === 'erased') tx.things.delete(KEY + name);
    else put(tx, name, d.scope, { ...d.clear, refused: code }, d.secret);
  }
  if (alarm || tx.text(meta.draftsAgain) !== '') return;
  for (const name of said.gone) if (tx.things.get(KEY + name)?.clear.box === '') tx.things.delete(KEY + name);
}

/** Takes a snapshot that another tablet of the same person made. */
export function keepDraft(tx: Tx, readable: boolean, d: { name: string; until: string; snapshot: string }): void {
  const n = parseDraftName(d.name);
  const s = readSnapshot(d.snapshot);
  if (s.draft !== n.draft || s.part !== n.part || s.t !== n.clock) throw new Fault('answer_unknown', 'a form is not what it is called');
  if (!readable) return; // it comes again
  put(tx, d.name, `case:${s.case}/${s.part}`, { box: '', boxKey: '', over: [], until: d.until, refused: '' }, d.snapshot);
}

function readSnapshot(text: string): Snapshot {
  const s = JSON.parse(text) as Snapshot;
  const strings = [s.draft, s.c, s.r, s.case, s.part, s.by, s.t, s.at].every((v) => typeof v === 'string');
  if (!strings || ![s.draft, s.r, s.case, s.by].every(isId) || parseTime(s.at) === undefined || typeof s.form !== 'object' || s.form === null) {
    throw new Fault('answer_unknown', 'this is no half-filled form');
  }
  if (text.length * 3 > FORM_BYTES_MAX && new TextEncoder().encode(text).length > FORM_BYTES_MAX) {
    throw new Fault('change_too_large', `one part of a form is over ${FORM_BYTES_MAX} bytes`);
  }
  return s;
}
