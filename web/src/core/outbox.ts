import { base64url } from './bytes';
import { commitment, FIRST_LINK, nextLink, pushMessage, type SigningKey } from './chain';
import { type Change, decodeChange, encodeChange } from './change';
import { draftsOut } from './drafts';
import { filesWaiting } from './files';
import { Fault } from './fault';
import { alarmOf, hubKeyOf, meta, witnessOf } from './meta';
import { dotOf, type Scope } from './name';
import type { Push } from './push';
import type { Tx } from './state';
import { encodeSealed, sealUnsent } from './unsent';
import { sizeOf } from './witness';
import { utf8Length } from './bytes';

const PUSH_CHANGES = 200;
// A line that broke before the hub answered is given a quarter next time, one
// that held twice as much.
export const PACE_MOST = 256 << 10;
export const PACE_LEAST = 2 << 10;

/**
 * Numbers, chains, and seals a change to the hub, and puts it into the outbox.
 * What the hub would hold is refused here, while its author can mend it.
 */
export async function post(tx: Tx, replica: string, scopes: readonly Scope[], c: Change): Promise<void> {
  const n = tx.number(meta.n) + 1;
  const raw = encodeChange({ ...c, n });
  decodeChange(raw);
  const to = hubKeyOf(tx);
  if (to === undefined || scopes.length === 0) throw new Fault('store_locked', 'nothing is kept in clear');
  const sum = commitment(raw);
  const link = nextLink(tx.text(meta.link) || FIRST_LINK, sum);
  const box = base64url(await sealUnsent(to, replica, n, raw));
  tx.outbox.put(n, { n, record: c.record, group: c.group, scopes, sum: base64url(sum), link, box, boxKey: to.id, receipt: '', settled: false, raw });
  tx.set(meta.n, n);
  tx.set(meta.link, link);
  tx.set(meta.clock, c.clock);
}

export function paceOf(tx: Tx): number {
  const n = tx.number(meta.pace);
  return n < PACE_LEAST ? PACE_MOST : Math.min(n, PACE_MOST);
}

export function setPace(tx: Tx, bytes: number): void {
  tx.set(meta.pace, Math.max(PACE_LEAST, Math.min(Math.floor(bytes), PACE_MOST)));
}

/**
 * Takes the first changes without a receipt, or those from a number that the
 * hub asks for, as one signed push: each as its author wrote it or, where this
 * tablet cannot read it any more, as it was sealed. A group is never cut. rest
 * says that more wait behind; bare leaves all of them out.
 */
export async function nextPush(tx: Tx, key: SigningKey, until: string, from: number, bare: boolean): Promise<{ push: Push; rest: boolean; first: number }> {
  const replica = tx.text(meta.replica);
  const push: Push = {
    replica,
    changes: [],
    link: '',
    signature: '',
    cursor: tx.text(meta.cursor),
    last: tx.number(meta.n),
    lease: until,
    hubKey: hubKeyOf(tx)?.id ?? '',
    seen: alarmOf(tx) === undefined ? sizeOf(witnessOf(tx)) : 0,
    own: true,
    files: filesWaiting(tx.things.entries()),
    drafts: '',
    check: [],
    again: new Map(),
  };
  if (bare) {
    push.drafts = (await draftsOut(tx, until !== '', true, 0)).text;
    return { push, rest: true, first: 0 };
  }
  let first = from;
  for (let n = 1; first === 0 && n <= push.last; n++) if (tx.outbox.get(n)?.receipt === '') first = n; // an emptied store keeps what is unsent alone
  const pace = paceOf(tx);
  let size = 0;
  let group = '';
  let rest = false;
  let last = 0;
  for (let n = first; first > 0 && n <= push.last; n++) {
    const p = tx.outbox.get(n);
    if (p === undefined || (p.raw === undefined && p.box === '')) continue; // delivered, and evicted since
    const raw = p.raw ?? encodeSealed(n, p.of ?? dotOf(replica, n), p.boxKey, p.sum, p.box);
    const bytes = utf8Length(raw);
    const full = push.changes.length >= PUSH_CHANGES || size + bytes > pace;
    if (push.changes.length > 0 && full && (p.group === '' || p.group !== group)) {
      rest = true;
      break;
    }
    if (last > 0 && n !== last + 1) {
      rest = true; // numbers of a push follow one another
      break;
    }
    push.changes.push(raw);
    size += bytes;
    group = p.group;
    last = n;
    push.link = p.link;
  }
  const forms = await draftsOut(tx, until !== '', rest, pace - size); // they go after what was saved
  push.drafts = forms.text;
  rest ||= forms.more;
  if (last > 0) push.signature = await key.sign(pushMessage(replica, last, push.link));
  return { push, rest, first: last - push.changes.length + 1 };
}

/** In the place of a number that the hub has not named yet. */
export const OFFERS_LAST = 'last';

/**
 * From which number on changes are sent again to a hub that was restored: from where it asked, until all of it was
 * answered; or the last one that can still be sent, so that the hub says what it lacks. A tablet with nothing unsent
 * would not hear of it. 0 where nothing is to be given back.
 */
export function offered(tx: Tx): number {
  const from = tx.text(meta.offers);
  if (from !== OFFERS_LAST) return Number(from);
  for (let n = tx.number(meta.n); n > 0; n--) {
    const p = tx.outbox.get(n);
    if (p !== undefined && (p.raw !== undefined || p.box !== '')) return n;
  }
  return 0;
}
