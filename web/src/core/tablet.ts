import { base64url, concat, utf8 } from './bytes';
import { SigningKey } from './chain';
import { type Change, decodeChange, emptyChange, fieldsOf } from './change';
import { Clock } from './clock';
import type { Disk } from './disk';
import { draftsUnsent, dropDraft, type Form, formsOf, savePart } from './drafts';
import { Fault } from './fault';
import { attachedFile, attachFile, filesWaiting, scopeOfFile } from './files';
import { Line } from './hub';
import { decodeReceipt } from './line';
import { adopt, checkEnrolled, earlierOf, type Enrolled } from './enrolment';
import { type Alarm, alarmOf, ENDED_BORDER, ENDED_WIPE, type Identity, meta, witnessOf } from './meta';
import { caseOf, formatTime, isId, newId, scopeOf } from './name';
import { post } from './outbox';
import type { Report } from './intake';
import { dotsOf, inForce, isConflict, type Register } from './register';
import { type Entity, type Field, listOf, readSchema, type Schema, textOf } from './schema';
import { hkdf } from './sha256';
import { Session } from './session';
import { State, type Tx } from './state';
import { canonical, canonicalElement, type Entered, isAbsent } from './value';
import { Vault } from './vault';
import { isRefused } from './watch';
import type { Witness } from './witness';
import type { Value } from './json';

/** What the outside gives a tablet. */
export interface Outside {
  /** Milliseconds since 1970, by the device's clock. */
  now: () => number;
  fetch: typeof globalThis.fetch;
  /** Waits so many milliseconds, or ends early with the signal. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const real: Outside = {
  now: () => Date.now(),
  fetch: (...a) => globalThis.fetch(...a),
  pause: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    }),
};

/** What a person shows as a store becomes theirs. */
export interface Enrolment {
  url: string;
  code: string;
  password: string;
  secondFactor?: string;
  label: string;
}

/** One value that is kept in a field. */
export interface Kept {
  value: Value | undefined;
  author: string;
  at: string;
  dot: string;
  unsent: boolean;
}

/** One field as a person sees it. */
export interface Shown {
  /** In force; undefined where nothing is, or where a person must decide. */
  value: Value | undefined;
  unsent: boolean;
  conflict: boolean;
  /** Every value that is kept, with its author. */
  kept: Kept[];
}

export interface Shape {
  collection: string;
  id: string;
  org: string;
  caseId: string;
  createdBy: string;
  madeAt: string;
}

export interface ShownRecord extends Shape {
  fields: Map<string, Shown>;
}

/** One change that the hub has not answered. */
export interface Waiting {
  n: number;
  record: string;
  collection?: string;
  at?: string;
  fields?: string[];
}

/** What a person enters into a record: whole values, and elements of sets. */
export interface Edit {
  set?: Record<string, Entered>;
  add?: Record<string, readonly string[]>;
  remove?: Record<string, readonly string[]>;
  /** Changes of one group that follow one another stand or fall together. */
  group?: string;
  /** The half-filled form that this saves; it ends with it. */
  draft?: string;
}

const LATE = 10 * 60_000;

/** One person's store on one device, which works for weeks without a network. */
export class Tablet {
  private constructor(
    private readonly vault: Vault,
    private readonly state: State,
    private readonly outside: Outside,
    private readonly clock: Clock,
    readonly identity: Identity,
    private readonly session: Session,
  ) {}

  /**
   * Makes a disk a person's store at a hub. root is 32 random bytes, which the
   * caller keeps behind the person's lock. A store that was enrolled before, by
   * the same person and with the same root, is enrolled again under a new
   * replica: what the hub does not hold goes with it.
   */
  static async enrol(disk: Disk, root: Uint8Array, e: Enrolment, outside: Outside = real): Promise<Tablet> {
    const vault = await Vault.open(disk, root);
    const state = await State.load(vault);
    if (state.meta.has(meta.replica)) await openBefore(vault, state, root, outside);
    else if ((await vault.items()).length > 0) throw new Fault('store_not_empty', 'This store was enrolled before. Take an empty one.');
    const generation = state.meta.has(meta.replica) ? Number(state.meta.get(meta.generation) ?? 0) + 1 : 0;
    const key = await keyOf(root, generation);
    const url = e.url.replace(/[/]*(#.*)?$/, '');
    const replicas = await state.inTx((tx) => earlierOf(tx));
    const body = JSON.stringify({
      code: e.code, key: key.publicKey, label: e.label, password: e.password,
      ...(e.secondFactor ? { second_factor: e.secondFactor } : {}), ...(replicas.length > 0 ? { replicas } : {}),
    });
    const answer = (await (await new Line(url, outside.fetch).ask('POST', '/api/portolan/enrol', body)).json()) as Enrolled;
    checkEnrolled(answer);
    if (state.until === '' && generation > 0) await state.empty(); // what does not open goes on sealed
    await state.inTx((tx) => adopt(tx, answer, url, generation));
    return Tablet.over(vault, state, key, outside);
  }

  /** Opens a store that is a person's already. */
  static async open(disk: Disk, root: Uint8Array, outside: Outside = real): Promise<Tablet> {
    const vault = await Vault.open(disk, root);
    const state = await State.load(vault);
    return Tablet.over(vault, state, await keyOf(root, Number(state.meta.get(meta.generation) ?? 0)), outside);
  }

  /** @internal */
  static over(vault: Vault, state: State, key: SigningKey, outside: Outside): Tablet {
    const word = (k: string) => state.meta.get(k) ?? '';
    if (word(meta.replica) === '') throw new Fault('not_enrolled', 'This store is nobody’s yet.');
    const identity = { device: word(meta.device), replica: word(meta.replica), staff: word(meta.staff), org: word(meta.org), url: word(meta.url) };
    const clock = new Clock(() => outside.now() + Number(word(meta.shift)));
    clock.observe(word(meta.clock));
    return new Tablet(vault, state, outside, clock, identity, new Session(state, key, identity, clock, outside));
  }

  close(): void {
    this.vault.close();
  }

  /** Sends what is unsent and takes what is new. What came before a fault is kept. */
  async sync(signal?: AbortSignal): Promise<Report> {
    await this.endLease();
    const report = await this.session.sync(signal);
    if (!report.ended) await this.session.refreshSchema();
    return report;
  }

  /**
   * Syncs whenever the hub says that there is something new, and by polling
   * where it cannot be listened to, until the signal. Each sync is told to done.
   * A hub that will not have this tablet any more is thrown.
   */
  watch(done: (report: Report | undefined, fault: unknown) => void, signal: AbortSignal): Promise<void> {
    return this.session.watch(() => this.sync(signal), done, signal);
  }

  /**
   * Empties this store before a border: everything is delivered, the hub says
   * that it holds all of it, and only then what is here is destroyed. Where
   * anything is owed, changes_unsent or changes_owed is thrown and nothing is.
   */
  async border(): Promise<void> {
    await this.sync();
    await this.session.tell('border');
    await this.state.inTx((tx) => {
      if (this.unsent() + this.draftsUnsent() + this.filesWaiting() > 0) throw new Fault('changes_unsent', 'Something is not sent yet. Sync again; nothing was destroyed.');
      tx.set(meta.ended, ENDED_BORDER);
    });
    await this.state.empty();
    await this.sync();
  }

  /**
   * Destroys what is here at once, without a network; it needs no unlocking.
   * What was not sent stays as it was sealed to the hub: the next sync
   * delivers it and tells the hub.
   */
  async wipe(): Promise<void> {
    await this.state.inTx((tx) => tx.set(meta.ended, ENDED_WIPE));
    await this.state.empty();
  }

  /** A token of ten minutes, for realtime and files. */
  token(): Promise<string> {
    return this.session.token();
  }

  /** What one of the hub's own routes answers to this person: docs/http.md says which they may ask. All but a success is thrown. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Response> {
    return this.session.ask(method, path, body);
  }

  /** A lease that is over is destroyed, and so is one where the clock was set back. */
  private async endLease(): Promise<void> {
    const until = this.state.until;
    if (until === '') return;
    const now = this.outside.now() + Number(this.state.meta.get(meta.shift) ?? 0);
    if (now >= Date.parse(until) || now < Number(this.state.meta.get(meta.met) ?? 0) - LATE) await this.state.lock();
  }

  private schemaText(): string {
    return this.state.meta.get(meta.schema) ?? '';
  }

  private parsed: { text: string; schema: Schema } | undefined;

  /** What the hub said that its records are; schema_missing before the first sync. */
  get schema(): Schema {
    const text = this.schemaText();
    if (text === '') throw new Fault('schema_missing', 'Sync once first.');
    if (this.parsed?.text !== text) this.parsed = { text, schema: readSchema(text) };
    return this.parsed.schema;
  }

  private async readable(): Promise<void> {
    await this.endLease();
    if (this.state.until === '') throw new Fault('store_locked', 'The lease is over. Meet the hub first; nothing is lost.');
  }

  /** How many changes the hub has not answered. */
  unsent(): number {
    return [...this.state.outbox.values()].filter((p) => p.receipt === '').length;
  }

  /** What the hub has not answered, the oldest first; at is undefined where this tablet cannot read it any more. */
  waiting(): Waiting[] {
    return [...this.state.outbox.values()]
      .filter((p) => p.receipt === '')
      .sort((a, b) => a.n - b.n)
      .map(({ n, record, raw }) => {
        const c = raw === undefined ? undefined : decodeChange(raw);
        return { n, record, ...(c && { collection: c.collection, at: c.at, fields: fieldsOf(c) }) };
      });
  }

  /** When this store was whole with its hub last, "" before the first time. */
  get synced(): string {
    return this.state.meta.get(meta.synced) ?? '';
  }

  /** Until when it opens without meeting the hub, "" where it does not. */
  get leaseUntil(): string {
    return this.state.until;
  }

  /** How many records it holds: what shows that a first sync goes on. */
  get size(): number {
    return this.state.byRecord.size;
  }

  /** Which parts of a case this tablet holds. */
  compartments(caseId: string): string[] {
    const begin = `case:${caseId}/`;
    return [...this.state.scopes.keys()].filter((s) => s.startsWith(begin)).map((s) => s.slice(begin.length));
  }

  /** How many parts of half-filled forms, and how many files, the hub does not have yet. */
  draftsUnsent(): number {
    return draftsUnsent(this.state.things);
  }

  filesWaiting(): number {
    return filesWaiting(this.state.things);
  }

  /** The half-filled forms of this person, from whatever tablet. */
  async drafts(): Promise<Form[]> {
    await this.readable();
    return formsOf(this.state.things);
  }

  /**
   * Keeps a form as it stands, in the place of what was kept of it, and returns its id. record and caseId may be left
   * out where nobody saved them yet.
   */
  async saveDraft(f: { id?: string; collection: string; record?: string; caseId?: string; fields: Record<string, unknown> }): Promise<string> {
    await this.readable();
    const entity = this.entity(f.collection);
    if (entity.topic !== '') throw new Fault('form_unknown', 'A half-filled form is of a record of a case.');
    const [id, record] = [f.id ?? this.mint(), f.record ?? this.mint()];
    const caseId = f.caseId ?? (f.collection === 'cases' ? record : '');
    const parts = new Map<string, Record<string, unknown>>();
    for (const [name, v] of Object.entries(f.fields)) {
      const field = entity.fields.get(name);
      if (field === undefined) throw new Fault('form_unknown', `There is no field ${name}.`);
      parts.set(field.compartment, { ...parts.get(field.compartment), [name]: v });
    }
    await this.state.inTx(async (tx) => {
      dropDraft(tx, id, [...parts.keys()]);
      for (const [part, form] of parts) {
        this.clock.observe(tx.text(meta.clock));
        const head = { draft: id, c: f.collection, r: record, case: caseId, part, by: this.identity.staff };
        await savePart(tx, this.identity.replica, { ...head, t: this.clock.tick(), at: formatTime(this.outside.now()), form });
      }
    });
    return id;
  }

  /** Discards a form, here and on this person's other tablets. What was entered there meanwhile stays there. */
  async dropDraft(id: string): Promise<void> {
    await this.readable();
    await this.state.inTx((tx) => dropDraft(tx, id));
  }

  /** Where the file of a document belongs. */
  private async homeOf(document: string): Promise<{ caseId: string; compartment: string }> {
    const r = await this.show(document);
    if (r.collection !== 'documents') throw new Fault('document_unknown', 'A file belongs to a document that is here.');
    return { caseId: r.caseId, compartment: textOf(r.fields.get('compartment')?.value) || 'general' };
  }

  /** Keeps the file of a document that is here, sealed, until the hub has it: it goes up with the next sync, after what was written. */
  async attach(document: string, type: string, bytes: Uint8Array): Promise<void> {
    const { caseId, compartment } = await this.homeOf(document);
    await this.state.inTx((tx) => {
      this.clock.observe(tx.text(meta.clock));
      const { staff, replica } = this.identity;
      return attachFile(this.state, tx, { document, caseId, compartment, staff, replica, clock: this.clock.tick(), type, bytes: concat(bytes) });
    });
  }

  /** The file of a document: the attached one, or the hub's. What of it came before the line broke is not asked for again. */
  async fetchFile(document: string, signal?: AbortSignal): Promise<Uint8Array> {
    const { caseId, compartment } = await this.homeOf(document);
    const here = await attachedFile(this.state, document);
    return here ?? this.session.freight.fetch(document, scopeOfFile(caseId, compartment), signal);
  }

  /** What the hub keeps aside of what was entered here. */
  held(): { dot: string; record: string; held: { field: string; why: string }[] }[] {
    return [...this.state.outbox.values()].flatMap((p) => {
      const held = p.receipt === '' ? [] : decodeReceipt(p.receipt).held;
      return held.length === 0 ? [] : [{ dot: `${this.identity.replica}/${p.n}`, record: p.record, held }];
    });
  }

  /** What is remembered of the hub's audit log, and what was wrong with it. */
  witness(): Promise<{ witness: Witness; alarm: Alarm | undefined }> {
    return this.state.inTx((tx) => ({ witness: witnessOf(tx), alarm: alarmOf(tx) }));
  }

  /** The ids of all records of a collection, of one case or of all, the oldest first. */
  async list(collection: string, caseId = ''): Promise<ShownRecord[]> {
    await this.readable();
    const ids = new Set([...this.state.byRecord.keys(), ...this.state.open.keys()]);
    const shapes = [...ids].map((id) => this.shapeOf(id)).filter((s) => s !== undefined);
    return shapes
      .filter((s) => s.collection === collection && (caseId === '' || s.caseId === caseId))
      .sort((a, b) => (a.madeAt + a.id < b.madeAt + b.id ? -1 : 1))
      .map((s) => this.shown(s));
  }

  /** One record, record_missing where this tablet has none. */
  async show(id: string): Promise<ShownRecord> {
    await this.readable();
    const shape = this.shapeOf(id);
    if (shape === undefined) throw new Fault('record_missing', 'This tablet has no such record.');
    return this.shown(shape);
  }

  private shapeOf(id: string): Shape | undefined {
    for (const key of this.state.byRecord.get(id) ?? []) {
      const { collection, org, caseId, createdBy, madeAt } = this.state.rows.get(key)!;
      return { id, collection, org, caseId, createdBy, madeAt };
    }
    const made = this.state.changesOf(id)[0];
    if (made === undefined) return undefined;
    const caseId = made.collection === 'cases' ? id : made.caseId || caseOf(this.state.outbox.get(made.n)!.scopes[0]!);
    return { id, collection: made.collection, org: this.identity.org, caseId, createdBy: made.author, madeAt: made.at };
  }

  private shown(s: Shape): ShownRecord {
    const fields = new Map<string, Shown>();
    const entity = this.schema.entities.get(s.collection);
    for (const [name, heads] of this.state.registersOf(s.id, this.schema, this.identity.replica)) {
      const f = entity?.fields.get(name);
      if (f !== undefined) fields.set(name, shownField(f, heads));
    }
    return { ...s, fields };
  }

  /** Makes a record and returns its id. It is there at once, and goes to the hub with the next sync. */
  async make(collection: string, caseId: string, edit: Edit, minted?: string): Promise<string> {
    await this.readable();
    const entity = this.entity(collection);
    const ofCase = entity.topic === '';
    const form = formsOf(this.state.things).find((f) => f.id === edit.draft);
    const free = form !== undefined && this.shapeOf(form.record) === undefined;
    const id = minted ?? (free ? form.record : this.mint());
    if (collection === 'cases' ? caseId !== '' : ofCase !== isId(caseId)) throw new Fault(ofCase ? 'case_missing' : 'case_needless');
    await this.state.inTx(async (tx) => {
      const c = { ...emptyChange(), collection, record: id, group: edit.group ?? '' };
      compose(entity, edit, new Map(), c);
      for (const f of entity.fields.values()) {
        if (f.required && !c.set.has(f.name) && !c.add.has(f.name)) throw new Fault('value_required', `A new record must have ${f.name}.`);
      }
      if (!ofCase || collection === 'cases') c.org = this.identity.org;
      else c.caseId = caseId;
      await this.write(tx, entity, this.identity.org, collection === 'cases' ? id : caseId, c);
      if (edit.draft !== undefined) dropDraft(tx, edit.draft);
    });
    return id;
  }

  /**
   * Enters values into a record; false where everything stood there already. A
   * field with more than one value is not overwritten in passing: name it in decided.
   */
  async set(id: string, edit: Edit, decided: readonly string[] = []): Promise<boolean> {
    await this.readable();
    return this.state.inTx(async (tx) => {
      const shape = this.shapeOf(id);
      if (shape === undefined) throw new Fault('record_missing', 'This tablet has no such record.');
      const entity = this.entity(shape.collection);
      const registers = this.state.registersOf(id, this.schema, this.identity.replica);
      const c = { ...emptyChange(), collection: shape.collection, record: id, group: edit.group ?? '' };
      compose(entity, edit, registers, c);
      for (const name of fieldsOf(c)) {
        const heads = registers.get(name) ?? [];
        if (isConflict(entity.fields.get(name)!, heads) !== decided.includes(name)) {
          throw new Fault(decided.includes(name) ? 'nothing_to_decide' : 'undecided', `Look at every value of ${name}.`);
        }
        if (heads.length > 0) c.base.set(name, dotsOf(heads));
      }
      if (edit.draft !== undefined) dropDraft(tx, edit.draft);
      if (fieldsOf(c).length === 0) return false;
      await this.write(tx, entity, shape.org, shape.caseId, c);
      return true;
    });
  }

  /** Whether there is such a record here. */
  has(id: string): boolean {
    return this.shapeOf(id) !== undefined;
  }

  /** An id for a record, or a case, that is yet to be made. */
  mint(): string {
    return newId(this.outside.now(), crypto.getRandomValues(new Uint8Array(10)));
  }

  private entity(collection: string): Entity {
    const e = this.schema.entities.get(collection);
    if (e === undefined) throw new Fault('collection_unknown', 'There is no such collection.');
    return e;
  }

  private async write(tx: Tx, entity: Entity, org: string, caseId: string, c: Change): Promise<void> {
    this.clock.observe(tx.text(meta.clock));
    c.author = this.identity.staff;
    c.clock = this.clock.tick();
    c.at = formatTime(this.outside.now());
    c.schema = this.schema.version;
    c.salt = base64url(crypto.getRandomValues(new Uint8Array(16)));
    const scopes = fieldsOf(c).map((f) => scopeOf(entity.topic, entity.fields.get(f)!.compartment, org, caseId));
    await post(tx, this.identity.replica, [...new Set(scopes)].sort(), c);
  }
}

/** A replica's signing key: another one each time that a store is enrolled. */
async function keyOf(root: Uint8Array, generation: number): Promise<SigningKey> {
  return SigningKey.fromSeed(hkdf(root, utf8(generation === 0 ? '' : String(generation)), 'portolan tablet signing key 1'));
}

/**
 * Has a store that is enrolled again open, so that what is in it can go on.
 * Where its lease is over the hub is met first, if it still knows this replica.
 */
async function openBefore(vault: Vault, state: State, root: Uint8Array, outside: Outside): Promise<void> {
  if (state.until !== '' || state.meta.has(meta.ended)) return;
  const before = Tablet.over(vault, state, await keyOf(root, Number(state.meta.get(meta.generation) ?? 0)), outside);
  await before.sync().catch((fault: unknown) => {
    if (!isRefused(fault)) throw fault;
  });
}

function shownField(f: Field, heads: Register): Shown {
  const kept = heads.map((h) => ({ value: h.value, author: h.author, at: h.at, dot: h.dot, unsent: h.seq === 0 }));
  return { value: inForce(f, heads), unsent: kept.some((k) => k.unsent), conflict: isConflict(f, heads), kept };
}

/** Turns an edit into what a change writes, without what stands there already. */
function compose(entity: Entity, edit: Edit, registers: ReadonlyMap<string, Register>, c: Change): void {
  const field = (name: string) => {
    const f = entity.fields.get(name);
    if (f === undefined) throw new Fault('field_unknown', `The collection has no field ${name}.`);
    return f;
  };
  for (const [name, entered] of Object.entries(edit.set ?? {})) {
    const f = field(name);
    composeValue(f, canonical(f, entered), registers.get(name) ?? [], c);
  }
  for (const [to, elements] of [[c.add, edit.add ?? {}], [c.remove, edit.remove ?? {}]] as const) {
    for (const [name, list] of Object.entries(elements)) {
      const f = field(name);
      if (f.merge !== 'union') throw new Fault('field_unknown', `${name} is no set.`);
      to.set(name, [...new Set(list.map((e) => canonicalElement(f, e)))]);
    }
  }
}

/** Of a set what is to be added and removed is written, so that others' elements stay. */
function composeValue(f: Field, v: Value, heads: Register, c: Change): void {
  const now = inForce(f, heads);
  if (f.merge === 'union' && !isAbsent(v)) {
    const [want, have] = [listOf(v), listOf(now)];
    const [add, remove] = [want.filter((e) => !have.includes(e)), have.filter((e) => !want.includes(e))];
    if (add.length > 0) c.add.set(f.name, add);
    if (remove.length > 0) c.remove.set(f.name, remove);
    return;
  }
  if (f.merge === 'once' && now !== undefined && now !== v) throw new Fault('written_once', `${f.name} is written once. Make a new record with the correction.`);
  if (now !== v || isConflict(f, heads)) c.set.set(f.name, v);
}

