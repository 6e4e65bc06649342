import { alone, decodeChange, fieldsOf } from './change';
import type { Clock } from './clock';
import { formatDigest, parseDigest, recordDigest, rootDigest } from './digest';
import { draftsSaid, keepDraft } from './drafts';
import { Fault, isFault } from './fault';
import { decodeLine, decodeReceipt, type Line, type LogHead, type Receipt, type Row, type Stood } from './line';
import { alarmOf, meta, witnessOf } from './meta';
import { OFFERS_LAST } from './outbox';
import { formatTime, parseTime, type Scope } from './name';
import { type State, type Tx, rowKey } from './state';
import { ALARMS, take, type Witness } from './witness';
import type { Walk } from './walk';

// Size of what is taken into the store at once. The network is never waited
// for inside a transaction, so that typing goes on while a sync runs.
const INTAKE_LINES = 200;
const INTAKE_CHARACTERS = 512 << 10;
/** Milliseconds: over a line that is slower than that, what is whole is taken at each mark, and seen. */
const INTAKE_PAUSE = 1000;

/** What a sync did. */
export interface Report {
  /** Changes that the hub answered; of them, beside which another value is kept; of them, kept aside. */
  sent: number;
  conflicts: number;
  held: number;
  rows: number;
  entered: Scope[];
  evicted: Scope[];
  rounds: number;
  /** The digest is not the hub's, also after a walk. */
  differs: boolean;
  /** The difference was looked for, and so many records were sent anew. */
  repaired: boolean;
  mended: number;
  /** The hub says that it was put back from a copy. */
  restored: boolean;
  /** The hub takes what is brought, and gives a program of this age nothing that is new. */
  upgrade: boolean;
  /** The hub ended this replica: all that was here is destroyed. */
  ended: boolean;
  /** Files that the hub has whole now, that it has not, of those that it has about which somebody there decides. */
  files: number;
  filesWaiting: number;
  filesAside: number;
  /** Of those that wait, which it refused; and documents of what was erased, whose files are destroyed here. */
  fileFaults: { document: string; code: string }[];
  filesErased: string[];
}

export function newReport(): Report {
  return { sent: 0, conflicts: 0, held: 0, rows: 0, entered: [], evicted: [], rounds: 0, differs: false, repaired: false, mended: 0, restored: false, upgrade: false, ended: false,
    files: 0, filesWaiting: 0, filesAside: 0, fileFaults: [], filesErased: [] };
}

export function addReport(to: Report, o: Report): void {
  to.sent += o.sent;
  to.conflicts += o.conflicts;
  to.held += o.held;
  to.rows += o.rows;
  to.entered.push(...o.entered);
  to.evicted.push(...o.evicted);
  to.rounds += o.rounds;
  to.differs = o.differs;
  to.restored ||= o.restored;
  to.ended ||= o.ended;
  to.upgrade ||= o.upgrade;
}

export function isAlarm(thrown: unknown): boolean {
  return isFault(thrown, ...ALARMS);
}

/** Takes the answer of one round trip into the store while it streams. */
export class Intake {
  report = newReport();
  /** What was wrong with the hub's log: nothing that it discloses is taken. */
  alarm: Fault | undefined;
  private lines: Line[] = [];
  private size = 0;
  private since = 0;
  private shown = false;

  constructor(
    private readonly state: State,
    private readonly clock: Clock,
    private readonly now: () => number,
    /** The hub was asked for everything: what it does not name is not ours to see. */
    private readonly whole: boolean,
    private readonly walk: Walk | undefined,
  ) {}

  /** Takes lines until the answer ends; one without its last line was cut. */
  async read(lines: AsyncIterable<string>): Promise<void> {
    try {
      for await (const raw of lines) {
        const l = decodeLine(raw);
        this.lines.push(l);
        this.size += raw.length;
        const now = l.receipts ?? l.drafts ?? l.evict ?? l.wipe ?? l.lease ?? l.log;
        const seen = l.mark !== undefined && Math.abs(this.now() - this.since) >= INTAKE_PAUSE;
        if (l.end !== undefined || (!l.row?.more && (seen || now !== undefined || this.lines.length >= INTAKE_LINES || this.size >= INTAKE_CHARACTERS))) {
          await this.flush();
        }
        if (l.end !== undefined) return;
      }
    } catch (e) {
      await this.flushBroken();
      throw e;
    }
    await this.flushBroken();
    throw new Fault('answer_broken_off', 'The line broke during the answer. What came is kept; sync again.');
  }

  /** Of a broken answer the last group is left out if it is not whole. */
  private async flushBroken(): Promise<void> {
    while (this.lines.at(-1)?.row?.more) this.lines.pop();
    await this.flush();
  }

  private async flush(): Promise<void> {
    const lines = this.lines;
    this.lines = [];
    this.size = 0;
    this.since = this.now();
    if (lines.length === 0) return;
    const report = { ...this.report, entered: [...this.report.entered], evicted: [...this.report.evicted] };
    let emptied = false;
    await this.state.inTx(async (tx) => {
      for (const l of lines) {
        await this.take(tx, l, report);
        emptied ||= l.wipe !== undefined && this.alarm === undefined;
      }
    });
    if (emptied) await this.state.empty();
    this.report = report;
  }

  private async take(tx: Tx, l: Line, report: Report): Promise<void> {
    if (l.evict !== undefined) {
      for (const s of l.evict) evict(tx, s, report);
      return;
    }
    if (l.receipts !== undefined) return receive(tx, l.receipts, report);
    if (l.drafts !== undefined) return draftsSaid(tx, l.drafts, this.alarm !== undefined);
    if (l.log !== undefined) return this.log(tx, l.log, report);
    const discloses = l.enter ?? l.row ?? l.draft ?? (report.sent > 0 || report.evicted.length > 0 ? l.end : undefined);
    if (!this.shown && this.alarm === undefined && discloses !== undefined) {
      this.raise(tx, new Fault('audit_withheld', 'The hub did not show its audit log with what it sent.'), '', witnessOf(tx).signed);
    }
    if (this.alarm !== undefined) return;
    if (l.wipe !== undefined) {
      tx.set(meta.ended, l.wipe.why || 'revoked');
      for (const [s] of [...tx.scopes.entries()]) evict(tx, s, report);
      report.ended = true;
    } else if (l.lease !== undefined) tx.lease = l.lease;
    else if (l.hubKey !== undefined) tx.set(meta.hubKey, JSON.stringify(l.hubKey));
    else if (l.enter !== undefined) this.enter(tx, l.enter, report);
    else if (l.upgrade !== undefined) report.upgrade = true;
    else if (l.draft !== undefined) keepDraft(tx, this.state.until !== '' || tx.lease !== undefined, l.draft);
    else if (l.own !== undefined) this.own(tx, l.own);
    else if (l.row !== undefined) this.row(tx, l.row, report);
    else if (l.mark !== undefined) tx.set(meta.cursor, l.mark);
    else if (l.digests !== undefined || l.records !== undefined) this.walk?.note(l);
    else if (l.gone !== undefined && this.walk !== undefined) {
      for (const record of l.gone.records) {
        const key = rowKey(l.gone.scope, record);
        const row = tx.rows.get(key);
        if (row !== undefined) tx.drop(key, row, () => true);
      }
    } else if (l.end !== undefined) this.end(tx, l.end, report);
  }

  /** Checks the head of the audit log that comes before what is disclosed. */
  private async log(tx: Tx, l: LogHead, report: Report): Promise<void> {
    if (this.alarm !== undefined) return; // the first one is what shows what happened
    const before = witnessOf(tx);
    try {
      const { witness, restored } = await take(before, l);
      this.shown = true;
      report.restored ||= restored;
      if (restored) {
        // What it is being given back goes on from where it asked: from the last change alone it would not hear which
        // receipts were lost on the way.
        if (tx.text(meta.offers) === '') tx.set(meta.offers, OFFERS_LAST);
        tx.set(meta.draftsAgain, 'restored');
      }
      tx.set(meta.witness, JSON.stringify(witness satisfies Witness));
    } catch (e) {
      if (!isAlarm(e)) throw e;
      this.raise(tx, e as Fault, l.signed, before.signed);
    }
  }

  private raise(tx: Tx, why: Fault, shown: string, remembered: string): void {
    this.alarm = why;
    if (alarmOf(tx) === undefined) tx.set(meta.alarm, JSON.stringify({ code: why.code, at: formatTime(this.now()), shown, remembered }));
  }

  /** Begins scopes. What is there already of one stays readable until all of it came. */
  private enter(tx: Tx, scopes: readonly Scope[], report: Report): void {
    for (const scope of scopes) {
      const s = tx.scopes.get(scope) ?? { digest: 0n, sending: 0 };
      tx.scopes.put(scope, { ...s, sending: s.sending + 1 });
      report.entered.push(scope);
    }
    if (this.whole) dropUnnamed(tx, report);
  }

  private row(tx: Tx, r: Row, report: Report): void {
    for (const heads of r.fields.values()) {
      for (const h of heads) if (h.clock > tx.text(meta.clock)) tx.set(meta.clock, h.clock);
    }
    this.clock.observe(tx.text(meta.clock));
    const { scope, record, collection, org, caseId, createdBy, madeAt } = r;
    tx.putRow({ scope, record, collection, org, caseId, createdBy, madeAt }, r.fields);
    report.rows++;
  }

  /**
   * Takes changes of this tablet that stand at the hub as they were sent, in
   * place of rows. One that it cannot read any more the digest tells of.
   */
  private own(tx: Tx, stood: readonly Stood[]): void {
    for (const { n, stands } of stood) {
      const p = tx.outbox.get(n);
      if (p?.raw === undefined || p.receipt === '' || p.scopes.length !== 1) continue;
      const row = tx.rowsOf(p.record)[0];
      if (row === undefined) continue;
      const change = decodeChange(p.raw);
      const { seq } = decodeReceipt(p.receipt);
      const fields = new Map(fieldsOf(change).map((f) => [f, alone(change, f, tx.text(meta.replica), seq, stands.get(f) ?? 0)]));
      tx.putRow({ ...row, scope: p.scopes[0]! }, fields);
    }
  }

  /** Closes the answer: the cursor goes in with the last rows before it. */
  private end(tx: Tx, e: { cursor: string; digest: string; now: string }, report: Report): void {
    const hub = parseTime(e.now);
    if (hub !== undefined) {
      tx.set(meta.shift, hub - this.now());
      tx.set(meta.met, hub);
    }
    if (report.ended) {
      tx.set(meta.cursor, '');
      return;
    }
    if (report.upgrade) return; // what is here stands as it stood
    if (this.whole && report.entered.length === 0) dropUnnamed(tx, report);
    // What the hub did not send again of a scope that it sent anew is not there any more.
    for (const [key, row] of [...tx.rows.entries()]) {
      const { sending } = tx.scopes.get(row.scope)!;
      tx.drop(key, row, (f) => f.sending !== sending);
    }
    settle(tx);
    report.differs = rootDigest(new Map([...tx.scopes.entries()].map(([s, v]) => [s, v.digest]))) !== e.digest;
    tx.set(meta.synced, formatTime(this.now()));
    tx.set(meta.cursor, e.cursor);
  }
}

export function evict(tx: Tx, scope: Scope, report: Report): void {
  tx.evict(scope);
  report.evicted.push(scope);
}

function dropUnnamed(tx: Tx, report: Report): void {
  for (const [s] of [...tx.scopes.entries()]) if (!report.entered.includes(s)) evict(tx, s, report);
}

function receive(tx: Tx, receipts: readonly Receipt[], report: Report): void {
  for (const r of receipts) {
    const p = tx.outbox.get(r.n);
    if (p === undefined) throw new Fault('answer_unknown', 'a receipt for a change that was never made');
    tx.outbox.put(r.n, { ...p, receipt: r.raw, box: '', boxKey: '' });
    report.sent++;
    if (r.status === 'conflict') report.conflicts++;
    if (r.status === 'held') report.held++;
  }
}

/**
 * Closes the changes that have a receipt: what became of them is in what the
 * hub has sent. The bytes of those that touch a scope which this tablet does
 * not hold are destroyed; the hub has them.
 */
function settle(tx: Tx): void {
  for (const [n, p] of [...tx.outbox.entries()]) {
    if (p.receipt === '') continue;
    const keep = p.scopes.every((s) => tx.scopes.get(s) !== undefined);
    if (!p.settled || (p.raw !== undefined && !keep)) tx.outbox.put(n, { ...p, settled: true, raw: keep ? p.raw : undefined });
  }
}

/** Works out the sums anew from what is really there. */
export function recount(tx: Tx): void {
  const sums = new Map<Scope, bigint>();
  for (const row of [...tx.rows.entries()].map(([, r]) => r)) {
    const d = recordDigest(row.scope, row.record, [...row.fields].map(([name, f]) => [name, f.heads]));
    sums.set(row.scope, (sums.get(row.scope) ?? 0n) + d);
  }
  for (const [s, v] of [...tx.scopes.entries()]) {
    const digest = parseDigest(formatDigest((sums.get(s) ?? 0n) & ((1n << 128n) - 1n)));
    if (digest !== v.digest) tx.scopes.put(s, { ...v, digest });
  }
}
