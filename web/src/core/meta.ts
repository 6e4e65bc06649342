import type { Tx } from './state';
import type { HubKey } from './unsent';
import type { Witness } from './witness';

/** Names of what a tablet knows of itself. */
export const meta = {
  url: 'url',
  device: 'device',
  replica: 'replica',
  staff: 'staff',
  org: 'org',
  cursor: 'cursor',
  /** The last clock value written or seen. */
  clock: 'clock',
  /** The hub's clock before ours, in milliseconds. */
  shift: 'shift_ms',
  /** Time of the last signed request. */
  signed: 'signed_at',
  /** The last time that is known from the hub. */
  met: 'met',
  hubKey: 'hub_key',
  /** How often this store was enrolled: its signing key is another one each time. */
  generation: 'generation',
  /** Why this replica is over: ENDED_BORDER or ENDED_WIPE, where it ended here, or the hub's reason. */
  ended: 'ended',
  n: 'n',
  link: 'link',
  synced: 'synced_at',
  recounted: 'recounted_at',
  repaired: 'repaired_at',
  /** Bytes that the line carries in one push. */
  pace: 'pace',
  /** From which number a restored hub is given back what it lacks. */
  offers: 'offers',
  /** Names of half-filled forms that were saved or discarded, for the hub. */
  drops: 'draft_drops',
  /** The hub was restored: it may lack what it had of the forms. */
  draftsAgain: 'drafts_again',
  witness: 'log_witness',
  alarm: 'log_alarm',
  schema: 'schema',
  schemaAt: 'schema_at',
} as const;

export const ENDED_BORDER = 'border';
export const ENDED_WIPE = 'wipe';

/** Who and what a store is. */
export interface Identity {
  device: string;
  replica: string;
  staff: string;
  org: string;
  url: string;
}

/** What was wrong with the hub's audit log, and what shows it. */
export interface Alarm {
  code: string;
  at: string;
  shown: string;
  remembered: string;
}

function json<T>(tx: Tx, key: string): T | undefined {
  const text = tx.text(key);
  return text === '' ? undefined : (JSON.parse(text) as T);
}

export const hubKeyOf = (tx: Tx) => json<HubKey>(tx, meta.hubKey);
export const witnessOf = (tx: Tx) => json<Witness>(tx, meta.witness)!;
export const alarmOf = (tx: Tx) => json<Alarm>(tx, meta.alarm);
