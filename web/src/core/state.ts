import { add, digestOf, type Digest, formatDigest, parseDigest, subtract } from './digest';
import { decodeChange, type Change, versionsOf, fieldsOf } from './change';
import type { Bytes } from './bytes';
import type { Scope } from './name';
import { apply, dotsOf, type Register } from './register';
import type { Schema } from './schema';
import type { Item, Lease, Vault } from './vault';

/** One field as the hub sent it. */
export interface StoredField {
  heads: Register;
  digest: Digest;
  /** In which sending of its scope it came. */
  sending: number;
}

/** The fields of one record in one scope, as the hub sent them. */
export interface StoredRow {
  scope: Scope;
  record: string;
  collection: string;
  org: string;
  caseId: string;
  createdBy: string;
  madeAt: string;
  fields: ReadonlyMap<string, StoredField>;
}

export interface StoredScope {
  digest: Digest;
  /** Counts how often the hub sent the whole of it. */
  sending: number;
}

/** One change of this tablet, what the hub answered and, until it did, what is sealed to the hub. */
export interface Parcel {
  n: number;
  record: string;
  group: string;
  scopes: readonly Scope[];
  /** SHA-256 of its bytes, base64url, and the chain after it. */
  sum: string;
  link: string;
  /** Sealed to the hub, base64url, and to which of its keys; "" once it is answered. */
  box: string;
  boxKey: string;
  /** The change as it was sealed, where this store was enrolled again since. */
  of?: string;
  receipt: string;
  /** What became of it is in what the hub has sent. */
  settled: boolean;
  /** Its bytes; undefined where this tablet cannot read them any more. */
  raw?: string | undefined;
}

/**
 * Something beside the records: a half-filled form ("draft …"), a file on its
 * way up ("up …") or down ("down …").
 */
export interface Thing {
  scope: Scope;
  /** In clear. box is what is sealed to the hub, base64url; "" where it has it: then an eviction takes all of it. */
  clear: { box: string };
  /** undefined where this tablet cannot read it any more. */
  secret?: string | undefined;
}

/** A table with what a transaction would write on top of it. */
class Draft<K, V> {
  readonly changed = new Map<K, V | undefined>();
  constructor(private readonly table: ReadonlyMap<K, V>) {}

  get(key: K): V | undefined {
    return this.changed.has(key) ? this.changed.get(key) : this.table.get(key);
  }

  put(key: K, value: V): void {
    this.changed.set(key, value);
  }

  delete(key: K): void {
    this.changed.set(key, undefined);
  }

  *entries(): Iterable<[K, V]> {
    for (const [k, v] of this.table) if (!this.changed.has(k)) yield [k, v];
    for (const [k, v] of this.changed) if (v !== undefined) yield [k, v];
  }
}

/** One transaction on the state: all of it stands, or nothing. */
export class Tx {
  readonly meta: Draft<string, string>;
  readonly scopes: Draft<Scope, StoredScope>;
  readonly rows: Draft<string, StoredRow>;
  readonly outbox: Draft<number, Parcel>;
  readonly things: Draft<string, Thing>;
  readonly evicted = new Set<Scope>();
  lease: Lease | undefined;
  /** The lease is that of a new replica: the hub's part of the key is another one. */
  releases = false;

  constructor(private readonly of: Tables) {
    this.meta = new Draft(of.meta);
    this.scopes = new Draft(of.scopes);
    this.rows = new Draft(of.rows);
    this.outbox = new Draft(of.outbox);
    this.things = new Draft(of.things);
  }

  /** The things whose names begin so. */
  thingsIn<C extends Thing['clear']>(prefix: string): [string, Thing & { clear: C }][] {
    return [...this.things.entries()].filter(([key]) => key.startsWith(prefix)) as [string, Thing & { clear: C }][];
  }

  text(key: string): string {
    return this.meta.get(key) ?? '';
  }

  number(key: string): number {
    return Number(this.text(key));
  }

  set(key: string, value: string | number): void {
    this.meta.put(key, String(value));
  }

  /** The rows of one record, or of one scope. */
  rowsOf(record: string): StoredRow[] {
    const keys = new Set(this.of.byRecord.get(record) ?? []);
    for (const [key, row] of this.rows.changed) if (row?.record === record) keys.add(key);
    return [...keys].map((k) => this.rows.get(k)).filter((r) => r !== undefined);
  }

  *rowsIn(scope: Scope): Iterable<[string, StoredRow]> {
    for (const [key, row] of this.rows.entries()) if (row.scope === scope) yield [key, row];
  }

  /** Takes the digest of a field out of its scope's sum, and puts another one in. */
  sum(scope: Scope, out: Digest, into: Digest): void {
    const s = this.scopes.get(scope) ?? { digest: 0n, sending: 0 };
    this.scopes.put(scope, { ...s, digest: add(subtract(s.digest, out), into) });
  }

  /** Destroys what the store has of a scope. What is unsent stays as it was sealed to the hub. */
  evict(scope: Scope): void {
    this.evicted.add(scope);
    for (const [key] of [...this.rowsIn(scope)]) this.rows.delete(key);
    this.scopes.delete(scope);
    for (const [key, t] of [...this.things.entries()]) {
      if (t.scope !== scope) continue;
      if (t.clear.box === '') this.things.delete(key);
      else this.things.put(key, { ...t, secret: undefined });
    }
    for (const [n, p] of [...this.outbox.entries()]) {
      if (p.raw !== undefined && p.scopes.includes(scope)) this.outbox.put(n, { ...p, raw: undefined });
    }
  }

  /** Puts the fields of a row in the place of those that are there. */
  putRow(r: Omit<StoredRow, 'fields'>, fields: ReadonlyMap<string, Register>): void {
    const key = rowKey(r.scope, r.record);
    const now = new Map(this.rows.get(key)?.fields);
    const sending = this.scopes.get(r.scope)?.sending ?? 0;
    for (const [name, heads] of fields) {
      const digest = digestOf(r.scope, r.record, name, dotsOf(heads));
      this.sum(r.scope, now.get(name)?.digest ?? 0n, digest);
      now.set(name, { heads, digest, sending });
    }
    this.rows.put(key, { ...r, fields: now });
  }

  /** Removes fields of a row for which gone says so. */
  drop(key: string, row: StoredRow, gone: (f: StoredField) => boolean): void {
    const left = new Map(row.fields);
    for (const [name, f] of row.fields) {
      if (!gone(f)) continue;
      this.sum(row.scope, f.digest, 0n);
      left.delete(name);
    }
    if (left.size === 0) this.rows.delete(key);
    else if (left.size < row.fields.size) this.rows.put(key, { ...row, fields: left });
  }
}

export function rowKey(scope: Scope, record: string): string {
  return `${scope} ${record}`;
}

/** What a store holds, opened. */
interface Tables {
  readonly meta: Map<string, string>;
  readonly scopes: Map<Scope, StoredScope>;
  readonly rows: Map<string, StoredRow>;
  readonly outbox: Map<number, Parcel>;
  readonly things: Map<string, Thing>;
  /** record → keys of its rows */
  readonly byRecord: Map<string, Set<string>>;
  /** record → numbers of its changes that are not settled */
  readonly open: Map<string, number[]>;
}

/** What a tablet knows: in memory while it is unlocked, and sealed in its vault. */
export class State implements Tables {
  readonly meta = new Map<string, string>();
  readonly scopes = new Map<Scope, StoredScope>();
  readonly rows = new Map<string, StoredRow>();
  readonly outbox = new Map<number, Parcel>();
  readonly things = new Map<string, Thing>();
  readonly byRecord = new Map<string, Set<string>>();
  readonly open = new Map<string, number[]>();
  private queue: Promise<unknown> = Promise.resolve();
  /** Some of it did not open: what it sums up to is to be worked out anew. */
  damaged = false;

  private constructor(private readonly vault: Vault) {}

  static async load(vault: Vault): Promise<State> {
    const s = new State(vault);
    await s.reload();
    return s;
  }

  get until(): string {
    return this.vault.until;
  }

  /** Reads everything from the vault anew. */
  private async reload(): Promise<void> {
    for (const t of [this.meta, this.scopes, this.rows, this.outbox, this.things, this.byRecord, this.open]) t.clear();
    const unopened: string[] = [];
    for (const item of await this.vault.items()) {
      const [kind, rest] = [item.key.slice(0, item.key.indexOf(' ')), item.key.slice(item.key.indexOf(' ') + 1)];
      if (kind === 'meta') this.meta.set(rest, item.clear as string);
      else if (kind === 'scope') {
        const { digest, sending } = item.clear as { digest: string; sending: number };
        this.scopes.set(rest, { digest: parseDigest(digest), sending });
      } else if (kind === 'out') {
        const p = item.clear as Omit<Parcel, 'raw'>;
        this.keep('outbox', p.n, { ...p, raw: item.secret });
      } else if (THINGS.includes(kind)) {
        const { box, scope } = item.clear as { box: string; scope: Scope };
        if (item.secret !== undefined || box !== '' || this.vault.until === '') this.things.set(item.key, { scope, clear: item.clear as { box: string }, secret: item.secret });
        else unopened.push(item.key);
      } else if (item.secret !== undefined) this.keep('rows', rest, rowFrom(item.secret));
      else if (this.vault.until !== '') unopened.push(item.key);
    }
    if (unopened.length > 0) {
      // Left behind by a crash in the middle of an eviction, or altered.
      await this.vault.commit({ evict: [], puts: [], deletes: unopened });
      this.damaged = true;
    }
    await this.sweep();
  }

  /** Removes the pieces of files that are not here any more, or were never whole. */
  private async sweep(): Promise<void> {
    const names = await this.vault.blobs();
    await this.vault.dropBlobs(names.filter((name) => !this.things.has(name.slice(0, name.lastIndexOf(' ')))));
  }

  putBlob(name: string, bytes: Bytes, scope?: Scope): Promise<void> {
    return this.vault.putBlob(name, bytes, scope);
  }

  blob(name: string, scope?: Scope): Promise<Bytes> {
    return this.vault.blob(name, scope);
  }

  private keep(table: 'rows', key: string, value: StoredRow | undefined): void;
  private keep(table: 'outbox', key: number, value: Parcel | undefined): void;
  private keep(table: 'rows' | 'outbox', key: string | number, value: StoredRow | Parcel | undefined): void {
    if (table === 'rows') {
      const before = this.rows.get(key as string);
      if (before !== undefined && value === undefined) {
        const of = this.byRecord.get(before.record)!;
        of.delete(key as string);
        if (of.size === 0) this.byRecord.delete(before.record);
      }
      if (value === undefined) this.rows.delete(key as string);
      else {
        this.rows.set(key as string, value as StoredRow);
        const of = this.byRecord.get(value.record);
        if (of === undefined) this.byRecord.set(value.record, new Set([key as string]));
        else of.add(key as string);
      }
      return;
    }
    const p = value as Parcel;
    this.outbox.set(key as number, p);
    const open = (this.open.get(p.record) ?? []).filter((n) => n !== p.n);
    if (!p.settled) open.push(p.n);
    if (open.length === 0) this.open.delete(p.record);
    else this.open.set(p.record, open.sort((a, b) => a - b));
  }

  /** Runs one transaction; one at a time, in the order in which they are asked for. */
  inTx<T>(run: (tx: Tx) => T | Promise<T>): Promise<T> {
    const done = this.queue.then(async () => {
      const tx = new Tx(this);
      const out = await run(tx);
      await this.commit(tx);
      return out;
    });
    this.queue = done.catch(() => {});
    return done;
  }

  private async commit(tx: Tx): Promise<void> {
    const puts: Item[] = [];
    const deletes: string[] = [];
    const write = (key: string, item: Omit<Item, 'key'> | undefined) => {
      if (item === undefined) deletes.push(key);
      else puts.push({ key, ...item });
    };
    for (const [k, v] of tx.meta.changed) write(`meta ${k}`, v === undefined ? v : { clear: v, scopes: [] });
    for (const [k, v] of tx.scopes.changed) {
      write(`scope ${k}`, v && { clear: { digest: formatDigest(v.digest), sending: v.sending }, scopes: [] });
    }
    for (const [k, v] of tx.rows.changed) write(`row ${k}`, v && { clear: null, scopes: [v.scope], secret: rowText(v) });
    for (const [k, v] of tx.outbox.changed) {
      if (v === undefined) {
        write(`out ${k}`, undefined); // under a new replica, or delivered by an emptied store
        continue;
      }
      const { raw, ...clear } = v;
      write(`out ${k}`, { clear, scopes: v.scopes, secret: raw });
    }
    for (const [k, v] of tx.things.changed) write(k, v && { clear: { ...v.clear, scope: v.scope }, scopes: [v.scope], secret: v.secret });
    if (puts.length + deletes.length + tx.evicted.size === 0 && tx.lease === undefined) return;
    const locked = this.vault.until === '';
    await this.vault.commit({ evict: [...tx.evicted], puts, deletes, lease: tx.lease, releases: tx.releases });
    if (tx.releases || (locked && this.vault.until !== '')) return this.reload();
    for (const [k, v] of tx.things.changed) v === undefined ? this.things.delete(k) : this.things.set(k, v);
    if ([...tx.things.changed].some(([k, v]) => v === undefined && !k.startsWith('draft '))) await this.sweep();
    for (const [k, v] of tx.meta.changed) v === undefined ? this.meta.delete(k) : this.meta.set(k, v);
    for (const [k, v] of tx.scopes.changed) v === undefined ? this.scopes.delete(k) : this.scopes.set(k, v);
    for (const [k, v] of tx.rows.changed) this.keep('rows', k, v);
    for (const [k, v] of tx.outbox.changed) if (v !== undefined) this.keep('outbox', k, v); // they are removed by a new replica alone, which reloads
  }

  /** Forgets what is opened, and destroys what opens it. */
  async lock(): Promise<void> {
    await this.vault.lock();
    await this.reload();
  }

  /** Destroys everything but what is known of the replica, and what is not delivered. */
  async empty(): Promise<void> {
    const keep: Item[] = [...this.meta].map(([k, v]) => ({ key: `meta ${k}`, clear: v, scopes: [] }));
    for (const p of this.outbox.values()) {
      if (p.receipt === '') keep.push({ key: `out ${p.n}`, clear: { ...p, raw: undefined }, scopes: [] });
    }
    for (const [key, t] of this.things) if (t.clear.box !== '') keep.push({ key, clear: { ...t.clear, scope: t.scope }, scopes: [] });
    await this.vault.empty(keep);
    await this.reload();
  }

  /** Forgets this store: nobody can tell any more whose it was. */
  async forget(): Promise<void> {
    await this.vault.empty([]);
    await this.reload();
  }

  /** The changes of a record that are not settled, in order; those that this tablet can read. */
  changesOf(record: string): Change[] {
    return (this.open.get(record) ?? []).flatMap((n) => {
      const raw = this.outbox.get(n)!.raw;
      return raw === undefined ? [] : [decodeChange(raw)];
    });
  }

  /** The registers of a record as a person sees them: the hub's, with what is unsent on top. */
  registersOf(record: string, schema: Schema, replica: string): Map<string, Register> {
    const shown = new Map<string, Register>();
    for (const key of this.byRecord.get(record) ?? []) for (const [name, f] of this.rows.get(key)!.fields) shown.set(name, f.heads);
    for (const c of this.changesOf(record)) {
      const fields = schema.entities.get(c.collection)?.fields;
      for (const name of fieldsOf(c)) {
        const field = fields?.get(name);
        if (field === undefined) continue; // of a newer schema than this one
        for (const v of versionsOf(c, name, replica)) shown.set(name, apply(field, shown.get(name) ?? [], v, c.base.get(name) ?? []).heads);
      }
    }
    return shown;
  }
}

/** What the names of things begin with. */
const THINGS = ['draft', 'up', 'down'];

function rowText(r: StoredRow): string {
  return JSON.stringify({ ...r, fields: [...r.fields].map(([name, f]) => [name, { ...f, digest: formatDigest(f.digest) }]) });
}

function rowFrom(text: string): StoredRow {
  const r = JSON.parse(text) as Omit<StoredRow, 'fields'> & { fields: [string, Omit<StoredField, 'digest'> & { digest: string }][] };
  return { ...r, fields: new Map(r.fields.map(([name, f]) => [name, { ...f, digest: parseDigest(f.digest) }])) };
}
