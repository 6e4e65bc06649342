import { Fault } from './fault';
import { chunksOf, HubFault, type Line, linesOf } from './hub';
import type { Report } from './intake';

export const PAUSE_LEAST = 15_000;
export const PAUSE_MOST = 5 * 60_000;
const WAKE_STALL = 7 * 60_000; // PocketBase ends an idle stream after five minutes
const REALTIME = '/api/realtime';

/** What a watch does at each wake-up, and how it waits. */
export interface Watched {
  line: Line;
  token: () => Promise<string>;
  sync: () => Promise<Report>;
  /** Is told each sync's report, or its fault. */
  done: (report: Report | undefined, fault: unknown) => void;
  /** Waits, or ends early with the signal. */
  pause: (ms: number) => Promise<void>;
  /** Between 0 and 1. */
  random: () => number;
  signal: AbortSignal;
}

/** Whether the hub will not have this tablet, however often it asks. */
export function isRefused(thrown: unknown): boolean {
  return (thrown instanceof HubFault && thrown.status === 401) || (thrown instanceof Fault && thrown.code === 'store_ended');
}

/**
 * Syncs whenever the hub says that there is something new, and by polling where
 * it cannot be listened to, until the signal; a hub that refuses this tablet is
 * thrown. Tablets that were cut off together do not come back together.
 */
export async function watch(w: Watched): Promise<void> {
  let wait = PAUSE_LEAST;
  while (!w.signal.aborted) {
    let fault: unknown;
    let heard = false;
    try {
      await listen(w, () => (heard = true));
    } catch (e) {
      fault = e;
    }
    if (w.signal.aborted) return;
    if (isRefused(fault)) throw fault;
    if (heard) wait = PAUSE_LEAST;
    else fault = (await told(w)) ?? fault; // there was no stream: this is the poll
    const next = Math.max(wait, fault instanceof HubFault ? fault.wait : 0);
    await w.pause(next / 2 + next * w.random());
    wait = Math.min(2 * wait, PAUSE_MOST);
  }
}

/** One sync, and its fault; one that no other try can mend is thrown. */
async function told(w: Watched): Promise<unknown> {
  try {
    w.done(await w.sync(), undefined);
    return undefined;
  } catch (fault) {
    if (w.signal.aborted) return fault;
    w.done(undefined, fault);
    if (isRefused(fault)) throw fault;
    return fault;
  }
}

/** Listens to PocketBase's stream until it ends, and syncs as it opens and at each wake-up. */
async function listen(w: Watched, opened: () => void): Promise<void> {
  // EventSource sends no headers, and a token in an address would be logged.
  const headers = { Authorization: await w.token() };
  const answer = await w.line.ask('GET', REALTIME, '', headers, w.signal);
  let due = false;
  let ended: { fault: unknown } | undefined;
  let stir = () => {};
  const stirred = () => {
    due = true; // what comes while a sync runs becomes one more
    stir();
  };
  const subscribe = async (data: string) => {
    const { clientId } = JSON.parse(data) as { clientId?: unknown };
    if (typeof clientId !== 'string') throw new Fault('answer_unknown', 'this is no stream of a hub');
    await w.line.ask('POST', REALTIME, JSON.stringify({ clientId, subscriptions: ['wake'] }), headers, w.signal);
    opened();
    stirred();
  };
  void readEvents(linesOf(chunksOf(answer, w.signal, WAKE_STALL)), (name, data) => {
    if (name === 'PB_CONNECT') return subscribe(data);
    if (name === 'wake') stirred();
    return Promise.resolve();
  }).then(
    () => (ended = { fault: undefined }),
    (fault: unknown) => (ended = { fault }),
  ).then(() => stir());
  for (;;) {
    if (due) {
      due = false;
      await told(w);
    } else if (ended !== undefined) throw ended.fault ?? new Fault('answer_broken_off', 'The stream ended.');
    else await new Promise<void>((resolve) => (stir = resolve));
  }
}

/** Reads events until the stream ends (WHATWG HTML, server-sent events). */
async function readEvents(lines: AsyncIterable<string>, take: (name: string, data: string) => Promise<void>): Promise<void> {
  let [name, data] = ['', ''];
  for await (const line of lines) {
    const value = line.slice(line.indexOf(':') + 1).replace(/^ /, '');
    if (line.startsWith('event:')) name = value;
    else if (line.startsWith('data:')) data = value;
    else if (line === '') {
      if (name !== '') await take(name, data);
      [name, data] = ['', ''];
    }
  }
}
