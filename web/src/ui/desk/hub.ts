// What the desk asks the hub for besides syncing: signed as every request of
// this store, by whoever has it open (docs/http.md).
import { Fault } from '../../core/fault';
import { store } from '../tablet/store.svelte';

function line() {
  if (store.tablet === undefined) throw new Fault('store_locked', 'Nobody has this store open.');
  return store.tablet;
}

// One after the other: a request's time must rise, and two at once may overtake each other.
let last: Promise<unknown> = Promise.resolve();

function inTurn(ask: () => Promise<Response>): Promise<Response> {
  const answer = last.then(ask, ask);
  last = answer.catch(() => undefined);
  return answer;
}

export async function get<T>(path: string): Promise<T> {
  return (await (await inTurn(() => line().ask('GET', `/api/portolan/${path}`))).json()) as T;
}

export async function post<T>(path: string, body: object = {}): Promise<T> {
  return (await (await inTurn(() => line().ask('POST', `/api/portolan/${path}`, body))).json()) as T;
}

export interface WorkItem {
  collection: string;
  record: string;
  case?: string;
  field?: string;
  reason?: string;
  compartment: string;
  seq: number;
  author?: string;
}

export interface Worklist {
  conflicts: WorkItem[];
  held: WorkItem[];
  more: boolean;
}

export interface HeldChange {
  seq: number;
  collection: string;
  record: string;
  case?: string;
  author: string;
  made_at: string;
  arrived_at: string;
  held: { field: string; why: string }[];
  set?: Record<string, unknown>;
  add?: Record<string, string[]>;
  rm?: Record<string, string[]>;
  hidden?: number;
  awaits?: string;
  decided?: { decision: string; by: string; at: string };
}

export interface Approval {
  id: string;
  act: string;
  collection?: string;
  record?: string;
  terms?: string;
  reason: string;
  asked_by: string;
  asked_at: string;
  expires_at: string;
  decided_by?: string;
  decided_at?: string;
  agreed: boolean;
}

export interface Emergency {
  grant: string;
  case: string;
  compartment: string;
  staff: string;
  opened_at: string;
  until: string;
  reviewed_by?: string;
  reviewed_at?: string;
  overdue: boolean;
  nth: number;
}

export interface DeviceState {
  device: string;
  staff: string;
  state: string;
  enrolled_at: string;
  seen_at?: string;
  lease_until?: string;
  revoked_at?: string;
  received: number;
  owed: number;
}
