import type { SigningKey } from './chain';
import type { Clock } from './clock';
import { Fault } from './fault';
import { filesWaiting, Freight } from './files';
import { chunksOf, HubFault, isUnreachable, Line, linesOf } from './hub';
import { addReport, Intake, isAlarm, newReport, recount, type Report } from './intake';
import { alarmOf, ENDED_BORDER, ENDED_WIPE, type Identity, meta } from './meta';
import { formatTime } from './name';
import { nextPush, offered, PACE_LEAST, PACE_MOST, paceOf, setPace } from './outbox';
import { encodePush, type Push } from './push';
import { readSchema } from './schema';
import type { State, Tx } from './state';
import { Walk } from './walk';
import { watch, type Watched } from './watch';
import type { Outside } from './tablet';

const ROUNDS_MAX = 1000;
const RECOUNT_PAUSE = 24 * 3_600_000;
const SCHEMA_PAUSE = 24 * 3_600_000;
const REPAIR_PAUSE = 3_600_000;

/** The round trips of one store with its hub, one sync at a time. */
export class Session {
  private running = false;
  private readonly line: Line;
  readonly freight: Freight;

  constructor(
    private readonly state: State,
    private readonly key: SigningKey,
    identity: Identity,
    private readonly clock: Clock,
    private readonly outside: Outside,
  ) {
    const times = { next: () => this.nextTime(), correct: (now: number, after: number) => this.correct(now, after) };
    this.line = new Line(identity.url, outside.fetch, { key, replica: identity.replica, times });
    this.freight = new Freight(state, this.line, () => this.token());
  }

  /** A time for a request, above that of every request before, over restarts too. */
  private nextTime(): Promise<number> {
    return this.state.inTx((tx) => {
      const at = Math.max(tx.number(meta.signed) + 1, Math.floor(this.outside.now()) + tx.number(meta.shift), 1);
      tx.set(meta.signed, at);
      return at;
    });
  }

  private correct(now: number, after: number): Promise<void> {
    return this.state.inTx((tx) => {
      tx.set(meta.shift, Math.round(now - this.outside.now()));
      tx.set(meta.signed, after);
    });
  }

  /** Takes over once a day what the hub says that its records are. */
  async refreshSchema(): Promise<void> {
    if (await this.state.inTx((tx) => this.within(tx, meta.schemaAt, SCHEMA_PAUSE))) return;
    try {
      const text = await (await this.line.ask('GET', '/api/portolan/schema')).text();
      readSchema(text); // what is none is not kept
      await this.state.inTx((tx) => {
        tx.set(meta.schema, text);
        tx.set(meta.schemaAt, formatTime(this.outside.now()));
      });
    } catch (e) {
      if (!isUnreachable(e)) throw e; // the next sync asks again
    }
  }

  /** A token of ten minutes, for realtime and files. */
  async token(): Promise<string> {
    const { token } = (await (await this.line.ask('POST', '/api/portolan/token')).json()) as { token?: unknown };
    if (typeof token !== 'string' || token === '') throw new Fault('answer_unknown', 'this is no token');
    return token;
  }

  /** Asks one of the hub's own routes in this person's name. */
  ask(method: string, path: string, body?: object): Promise<Response> {
    return this.line.ask(method, path, body === undefined ? '' : JSON.stringify(body));
  }

  /** Syncs at each wake-up, and by polling, until the signal. */
  async watch(sync: () => Promise<Report>, done: Watched['done'], signal: AbortSignal): Promise<void> {
    const pause = (ms: number) => this.outside.pause(ms, signal);
    await watch({ line: this.line, token: () => this.token(), sync, done, pause, random: () => Math.random(), signal });
  }

  /** Tells the hub in what state this store is; changes_owed where it lacks something. */
  async tell(state: 'border' | 'wiped'): Promise<void> {
    const [last, files] = await this.state.inTx((tx) => [tx.number(meta.n), filesWaiting(tx.things.entries())]);
    await (await this.line.ask('POST', '/api/portolan/report', JSON.stringify({ state, last, files }))).json();
  }

  /** Sends what is unsent and takes what is new. */
  async sync(signal?: AbortSignal): Promise<Report> {
    if (this.running) throw new Fault('sync_running', 'Another sync of this store is running.');
    if (!this.state.meta.has(meta.replica)) throw new Fault('store_ended', 'This store is over. Enrol it again.');
    this.running = true;
    try {
      // Before anything else, so that the hub gives an emptied store nothing more.
      if ([ENDED_BORDER, ENDED_WIPE].includes(this.state.meta.get(meta.ended) ?? '')) await this.tell('wiped');
      const total = await this.rounds(signal);
      Object.assign(total, await this.freight.bringAll(total.ended, signal)); // text never waits for a file
      if (total.ended) await this.finish();
      return total;
    } finally {
      this.running = false;
    }
  }

  /** Closes a store that has ended; once all is delivered nothing of it stays. */
  private async finish(): Promise<void> {
    await this.tell('wiped');
    const owed = [...this.state.outbox.values()].some((p) => p.receipt === '') || [...this.state.things.values()].some((t) => t.clear.box !== '');
    if (!owed) await this.state.forget();
  }

  private async rounds(signal?: AbortSignal): Promise<Report> {
    const total = newReport();
    await this.state.inTx((tx) => this.recountDaily(tx));
    let from = await this.state.inTx(offered);
    let bare = false;
    let [askedAgain, triedBare] = [false, false];
    let walk: Walk | undefined;
    while (total.rounds < ROUNDS_MAX) {
      const { push, rest, first } = await this.state.inTx((tx) => nextPush(tx, this.key, this.state.until, from, bare));
      if (askedAgain && !bare && from > 0 && push.changes.length > 0 && first > from) {
        await this.round({ ...push, changes: [], link: '', signature: '' }, undefined, signal); // what is new comes all the same
        throw new Fault('changes_missing', 'The hub was restored and lacks changes that this tablet does not have any more. Enrol it again.');
      }
      bare = false;
      const { report, fault } = await this.round(push, walk, signal);
      addReport(total, report);
      if (fault !== undefined) {
        if (!triedBare && this.bringsNothing(fault)) {
          bare = triedBare = true;
          continue;
        }
        if (fault instanceof HubFault && fault.code === 'sequence_gap' && !askedAgain) {
          from = Math.max(1, fault.expected); // the hub was restored: it is given back what it lost
          askedAgain = true;
          await this.state.inTx((tx) => tx.set(meta.offers, String(from)));
          continue;
        }
        if (await this.goesOn(push, report, fault, signal)) continue;
        if (!(rest && isAlarm(fault))) throw fault; // in an alarm what is unsent goes to the hub all the same
      }
      await this.quicken(push);
      if (from > 0) from += push.changes.length;
      if (rest) continue;
      if (total.ended) return total;
      if (report.restored && from === 0) {
        from = await this.state.inTx(offered);
        continue;
      }
      if (from > 0) await this.state.inTx((tx) => tx.set(meta.offers, ''));
      from = 0;
      walk = await this.walkOn(walk, total);
      if (walk === undefined) return total;
    }
    return total;
  }

  /** One round trip: changes up, what is new down. */
  private async round(push: Push, walk: Walk | undefined, signal?: AbortSignal): Promise<{ report: Report; fault?: unknown }> {
    if (walk !== undefined) Object.assign(push, { check: walk.check, again: walk.again });
    const cut = new AbortController();
    const stop = () => cut.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const intake = new Intake(this.state, this.clock, this.outside.now, push.cursor === '', walk);
    intake.alarm = await this.state.inTx((tx) => {
      const alarm = alarmOf(tx);
      return alarm && new Fault(alarm.code, 'The audit log of the hub did not fit. Tell the protection officer.');
    });
    try {
      const answer = await this.line.ask('POST', '/api/portolan/sync', encodePush(push), {}, cut.signal);
      await intake.read(linesOf(chunksOf(answer, cut.signal)));
    } catch (fault) {
      return { report: { ...intake.report, rounds: 1 }, fault };
    } finally {
      cut.abort();
      signal?.removeEventListener('abort', stop);
    }
    return { report: { ...intake.report, rounds: 1 }, ...(intake.alarm && { fault: intake.alarm }) };
  }

  /** Whether the hub is to be met without anything first: a lease may have this tablet read more. */
  private bringsNothing(fault: unknown): boolean {
    if (!(fault instanceof HubFault)) return false;
    return fault.code === 'unsent_key_gone' || (fault.code === 'sequence_gap' && this.state.until === '');
  }

  /** Whether it is worth trying again at once after the line broke. */
  private goesOn(push: Push, done: Report, fault: unknown, signal?: AbortSignal): Promise<boolean> {
    if (!isUnreachable(fault) || signal?.aborted) return Promise.resolve(false);
    return this.state.inTx((tx) => {
      if (done.sent > 0 || tx.text(meta.cursor) !== push.cursor) return true;
      const pace = paceOf(tx);
      if (push.changes.length < 2 || pace === PACE_LEAST) return false;
      setPace(tx, pace / 4);
      return true;
    });
  }

  private quicken(push: Push): Promise<void> {
    return this.state.inTx((tx) => {
      const pace = paceOf(tx);
      if (push.changes.length > 0 && pace < PACE_MOST) setPace(tx, 2 * pace);
    });
  }

  private within(tx: Tx, key: string, pause: number): boolean {
    return tx.text(key) !== '' && Math.abs(this.outside.now() - Date.parse(tx.text(key))) < pause;
  }

  private recountDaily(tx: Tx): void {
    if (this.state.until === '' || (!this.state.damaged && this.within(tx, meta.recounted, RECOUNT_PAUSE))) return;
    recount(tx);
    this.state.damaged = false;
    tx.set(meta.recounted, formatTime(this.outside.now()));
  }

  /** Begins or continues a walk after a whole answer; undefined where there is nothing more to ask. */
  private walkOn(walk: Walk | undefined, total: Report): Promise<Walk | undefined> {
    return this.state.inTx((tx) => {
      if (walk === undefined) {
        if (!total.differs || this.within(tx, meta.repaired, REPAIR_PAUSE)) return undefined;
        recount(tx);
        tx.set(meta.repaired, formatTime(this.outside.now()));
        total.repaired = true;
        return new Walk();
      }
      const on = walk.next(tx, total);
      if (!on && !total.differs) tx.set(meta.repaired, ''); // it mended all: another difference is another one
      total.mended = walk.mended;
      return on ? walk : undefined;
    });
  }
}
