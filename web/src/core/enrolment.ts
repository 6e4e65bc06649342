import { fromBase64url } from './bytes';
import { FIRST_LINK, nextLink } from './chain';
import { type Change, decodeChange } from './change';
import { Fault } from './fault';
import { decodeReceipt } from './line';
import { alarmOf, meta, witnessOf } from './meta';
import { type Dot, dotOf, isId } from './name';
import { post } from './outbox';
import type { Parcel, Tx } from './state';
import type { HubKey } from './unsent';
import type { Lease } from './vault';
import type { Witness } from './witness';

/** What the hub has of an earlier replica of a store. */
export interface Known {
  n: number;
  link?: string;
  receipts?: unknown[];
}

/** The hub's answer to an enrolment. */
export interface Enrolled {
  device: string;
  replica: string;
  staff: string;
  org: string;
  lease: Lease;
  known?: Record<string, Known>;
  hub_key: HubKey;
  log_key: string;
}

/** Throws where what answered is no hub. */
export function checkEnrolled(e: Enrolled): void {
  if (![e.replica, e.staff, e.org, e.device].every((id) => typeof id === 'string' && isId(id)) || typeof e.hub_key?.public !== 'string') {
    throw new Fault('answer_unknown', 'What answers at this address is no hub.');
  }
}

/** The earlier replica of a store, and up to which number the hub has answered it. */
export function earlierOf(tx: Tx): { id: string; answered: number }[] {
  const id = tx.text(meta.replica);
  let answered = 0;
  for (const [n, p] of tx.outbox.entries()) if (p.receipt !== '') answered = Math.max(answered, n);
  return id === '' ? [] : [{ id, answered }];
}

/**
 * Writes who a store is now. What the hub does not hold goes on under the new
 * replica; of a store that was enrolled before, the person and the organisation
 * must be the same.
 */
export async function adopt(tx: Tx, e: Enrolled, url: string, generation: number): Promise<void> {
  const before = tx.text(meta.replica);
  if (before !== '' && tx.text(meta.staff) !== e.staff) throw new Fault('other_person', 'This store is another person’s. Take an empty one.');
  if (before !== '' && tx.text(meta.org) !== e.org) throw new Fault('other_hub', 'This store belongs to another organisation. Take an empty one.');
  // A hub that shows another history is another hub; an alarm was looked into.
  const anew = before === '' || alarmOf(tx) !== undefined || witnessOf(tx).key !== e.log_key;
  tx.lease = e.lease;
  tx.releases = before !== '';
  tx.set(meta.hubKey, JSON.stringify(e.hub_key));
  if (before !== '') await renumber(tx, before, e);
  for (const k of ['device', 'replica', 'staff', 'org'] as const) tx.set(meta[k], e[k]);
  tx.set(meta.url, url);
  tx.set(meta.generation, generation);
  for (const k of [meta.ended, meta.signed, meta.alarm] as const) tx.meta.delete(k);
  if (anew) tx.set(meta.witness, JSON.stringify({ key: e.log_key, signed: '', over: [] } satisfies Witness));
}

/**
 * Moves what the hub does not hold to a new replica: new numbers, a new chain,
 * and in their bases the new names of the versions that they were. What this
 * tablet cannot read goes on as it was sealed.
 */
async function renumber(tx: Tx, from: string, e: Enrolled): Promise<void> {
  const known = e.known?.[from];
  if (known !== undefined) missed(tx, known);
  const held = known === undefined ? Infinity : known.n;
  const all = [...tx.outbox.entries()].sort(([a], [b]) => a - b);
  for (const [n] of all) tx.outbox.delete(n);
  tx.meta.delete(meta.n);
  tx.meta.delete(meta.link);
  const names = new Map<Dot, Dot>();
  for (const [n, p] of all) {
    if ((p.receipt !== '' && n <= held) || (p.raw === undefined && p.box === '')) continue;
    names.set(dotOf(from, n), dotOf(e.replica, tx.number(meta.n) + 1));
    if (p.raw === undefined) passOn(tx, from, n, p);
    else await post(tx, e.replica, p.scopes, renamed(decodeChange(p.raw), names));
  }
}

function renamed(c: Change, names: ReadonlyMap<Dot, Dot>): Change {
  return { ...c, base: new Map([...c.base].map(([f, dots]) => [f, dots.map((d) => names.get(d) ?? d)])) };
}

/** Puts what stays sealed under its next number. */
function passOn(tx: Tx, from: string, earlier: number, p: Parcel): void {
  const n = tx.number(meta.n) + 1;
  const link = nextLink(tx.text(meta.link) || FIRST_LINK, fromBase64url(p.sum)!);
  tx.outbox.put(n, { ...p, n, link, of: p.of ?? dotOf(from, earlier) });
  tx.set(meta.n, n);
  tx.set(meta.link, link);
}

/**
 * Takes the receipts that the hub gave and that never came. A hub that holds
 * other changes under these numbers knows a copy of this store.
 */
function missed(tx: Tx, known: Known): void {
  if (tx.outbox.get(known.n)?.link !== known.link) return;
  for (const raw of known.receipts ?? []) {
    const r = decodeReceipt(JSON.stringify(raw));
    const p = tx.outbox.get(r.n);
    if (p !== undefined && p.receipt === '') tx.outbox.put(r.n, { ...p, receipt: r.raw, box: '', boxKey: '' });
  }
}
