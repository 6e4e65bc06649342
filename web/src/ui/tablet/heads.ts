// One line for each case, and what finds it: derived from the records each time that something came.
import { Index } from '../../core/search';
import type { ShownRecord } from '../../core/tablet';
import { list, text, yes } from './records';
import { store } from './store.svelte';

/** A case as lists show it. */
export interface Head {
  id: string;
  record: ShownRecord;
  survivor: ShownRecord | undefined;
  identity: ShownRecord | undefined;
  /** What the person is called here: the alias, or else the name, or the number. */
  title: string;
  number: string;
  open: boolean;
  urgent: boolean;
}

export interface Heads {
  byCase: ReadonlyMap<string, Head>;
  /** The open ones first, those that were worked on last first. */
  all: readonly Head[];
  index: Index;
}

let made: { version: number; heads: Promise<Heads> } | undefined;

/** The heads of all cases that this tablet holds. */
export function heads(): Promise<Heads> {
  if (made?.version !== store.version) made = { version: store.version, heads: work() };
  return made.heads;
}

store.onLock(() => (made = undefined));

async function work(): Promise<Heads> {
  const [cases, survivors, identities] = await Promise.all([store.list('cases'), store.list('survivors'), store.list('identities')]);
  const of = (all: readonly ShownRecord[]) => new Map(all.map((r) => [r.caseId, r]));
  const [survivorOf, identityOf] = [of(survivors), of(identities)];
  const index = new Index();
  const all = cases.map((record): Head => {
    const survivor = survivorOf.get(record.id);
    const identity = identityOf.get(record.id);
    const name = [text(identity, 'given_name'), text(identity, 'family_name')].filter(Boolean).join(' ');
    const number = text(record, 'number');
    index.add(record.id, [
      text(survivor, 'alias'), number, name, text(identity, 'middle_name'), text(identity, 'romanised_name'), ...list(identity, 'aliases'), ...list(identity, 'former_names'),
      text(identity, 'identity_number'), text(identity, 'mobile_phone'), text(identity, 'safe_phone'),
    ]);
    const urgent = yes(survivor, 'immediate_danger') || ['high', 'imminent'].includes(text(record, 'risk_level')) || text(record, 'priority') === 'urgent';
    return { id: record.id, record, survivor, identity, title: text(survivor, 'alias') || name || number, number, open: !['Closed', 'ClosedReferred'].includes(text(record, 'status')), urgent };
  });
  all.sort((a, b) => Number(b.open) - Number(a.open) || (a.id < b.id ? 1 : -1));
  return { byCase: new Map(all.map((h) => [h.id, h])), all, index };
}
