import { Box, newKey } from './box';
import { type Bytes, equalBytes, fromBase64url, text, utf8 } from './bytes';
import { BLOB, type Disk } from './disk';
import { Fault, isFault } from './fault';
import type { Scope } from './name';
import { hkdf } from './sha256';

/** One thing that is kept: what is in clear, and what is sealed under the key of each scope, one inside the other. */
export interface Item {
  key: string;
  clear: unknown;
  scopes: readonly Scope[];
  /** undefined where there is none, or where one of its keys is destroyed. */
  secret?: string | undefined;
}

interface Stored {
  clear: unknown;
  scopes: readonly Scope[];
  sealed?: Bytes;
}

export interface Lease {
  /** base64url, 32 bytes. */
  key: string;
  until: string;
}

/** What one transaction writes. */
export interface Batch {
  /** Whose keys are destroyed before anything else. */
  evict: readonly Scope[];
  puts: readonly Item[];
  deletes: readonly string[];
  lease?: Lease | undefined;
  /** The lease is another replica's: the store goes on under it. */
  releases?: boolean;
}

const LEASE = 'key lease';
const STORE = 'key store';
const SCOPE = 'key scope ';
const ITEM = 'item ';

/**
 * A tablet's store on a disk. What it keeps of people is sealed: under a key
 * for each scope, these under the key of the store, and that one under the
 * device's root and the hub's lease together.
 */
export class Vault {
  private values = new Map<string, unknown>();
  private readonly boxes = new Map<Scope, Box>();
  private store: Box | undefined;
  private lease: { key: Bytes; until: string } | undefined;

  private constructor(
    private readonly disk: Disk,
    private readonly root: Uint8Array,
  ) {}

  /** Opens what is there with the device's root. Without a lease it stays locked. */
  static async open(disk: Disk, root: Uint8Array): Promise<Vault> {
    const v = new Vault(disk, root);
    v.values = new Map(await disk.load());
    await v.unlock();
    return v;
  }

  /** Until when what is sealed can be opened, "" where it cannot. */
  get until(): string {
    return this.store === undefined ? '' : this.lease!.until;
  }

  close(): void {
    this.store = undefined;
    this.boxes.clear();
    this.disk.close();
  }

  private rootBox(): Promise<Box> {
    return Box.of(hkdf(this.root, new Uint8Array(0), 'portolan web store root 1'));
  }

  private unlocking(): Promise<Box> {
    return Box.of(hkdf(this.root, this.lease!.key, 'portolan tablet store 1'));
  }

  private async unlock(): Promise<void> {
    const lease = this.values.get(LEASE) as { until: string; sealed: Bytes } | undefined;
    const store = this.values.get(STORE) as Bytes | undefined;
    if (lease === undefined || store === undefined) return;
    try {
      // Bound to its end: a lease whose end was altered does not open.
      this.lease = { until: lease.until, key: await (await this.rootBox()).open([LEASE, lease.until], lease.sealed) };
      this.store = await Box.of(await (await this.unlocking()).open([STORE], store));
    } catch (e) {
      if (!isFault(e, 'store_damaged')) throw e;
      this.lease = undefined; // one that was altered is none: the hub gives it again
      this.store = undefined;
    }
  }

  /** Destroys the lease: nothing that is sealed opens until the hub gives another. */
  async lock(): Promise<void> {
    this.store = undefined;
    this.lease = undefined;
    this.boxes.clear();
    await this.write([], [LEASE]);
  }

  private async write(puts: [string, unknown][], deletes: string[]): Promise<void> {
    await this.disk.write(puts, deletes);
    for (const key of deletes) this.values.delete(key);
    for (const [key, value] of puts) this.values.set(key, value);
  }

  /** Reads everything. Of what does not open the secret is missing. */
  async items(): Promise<Item[]> {
    return Promise.all(
      [...this.values].filter(([key]) => key.startsWith(ITEM)).map(async ([key, value]) => {
        const { clear, scopes, sealed } = value as Stored;
        return { key: key.slice(ITEM.length), clear, scopes, secret: await this.opened(key, scopes, sealed) };
      }),
    );
  }

  private async opened(key: string, scopes: readonly Scope[], sealed: Bytes | undefined): Promise<string | undefined> {
    if (sealed === undefined || this.store === undefined) return undefined;
    try {
      let plain: Bytes = sealed;
      for (const scope of [...scopes].reverse()) {
        const box = await this.boxOf(scope);
        if (box === undefined) return undefined;
        plain = await box.open([key], plain);
      }
      return text(plain);
    } catch (e) {
      if (isFault(e, 'store_damaged')) return undefined;
      throw e;
    }
  }

  private async boxOf(scope: Scope): Promise<Box | undefined> {
    const known = this.boxes.get(scope);
    if (known !== undefined) return known;
    const wrapped = this.values.get(SCOPE + scope) as Bytes | undefined;
    if (wrapped === undefined || this.store === undefined) return undefined;
    const box = await Box.of(await this.store.open([SCOPE, scope], wrapped));
    this.boxes.set(scope, box);
    return box;
  }

  /** Writes a batch: the keys of what is evicted go first, then all the rest in one step. */
  async commit(b: Batch): Promise<void> {
    if (b.evict.length > 0) {
      for (const scope of b.evict) this.boxes.delete(scope);
      await this.write([], b.evict.map((scope) => SCOPE + scope));
    }
    const puts: [string, unknown][] = [];
    try {
      if (b.lease !== undefined) puts.push(...(await this.renewed(b.lease, b.releases === true)));
      for (const item of b.puts) puts.push([ITEM + item.key, await this.sealed(item, puts)]);
      await this.write(puts, b.deletes.map((key) => ITEM + key));
    } catch (e) {
      this.boxes.clear(); // a key that was just made may not be on the disk
      throw e;
    }
    if (b.lease !== undefined && this.store === undefined) await this.unlock();
  }

  private async sealed(item: Item, puts: [string, unknown][]): Promise<Stored> {
    const key = ITEM + item.key;
    const { clear, scopes } = item;
    if (item.secret === undefined) {
      // Of a locked store what is sealed stays as it is.
      const before = this.values.get(key) as Stored | undefined;
      const keep = before?.sealed !== undefined && scopes.length > 0 && scopes.every((s) => this.values.has(SCOPE + s));
      return keep ? { clear, scopes, sealed: before.sealed! } : { clear, scopes };
    }
    if (scopes.length === 0) throw new Fault('store_locked', 'nothing is kept in clear');
    let sealed: Bytes = utf8(item.secret);
    for (const scope of scopes) sealed = await ((await this.boxOf(scope)) ?? (await this.newBox(scope, puts))).seal([key], sealed);
    return { clear, scopes, sealed };
  }

  private async newBox(scope: Scope, puts: [string, unknown][]): Promise<Box> {
    if (this.store === undefined) throw new Fault('store_locked', 'The lease is over. Meet the hub first.');
    const key = newKey();
    puts.push([SCOPE + scope, await this.store.seal([SCOPE, scope], key)]);
    const box = await Box.of(key);
    this.boxes.set(scope, box);
    return box;
  }

  /** A new lease, and the key of the store under it; that is made with the first one. */
  private async renewed(l: Lease, another: boolean): Promise<[string, unknown][]> {
    const key = fromBase64url(l.key);
    if (key?.length !== 32) throw new Fault('answer_unknown', 'this is no lease');
    const sealed = await (await this.rootBox()).seal([LEASE, l.until], key);
    const puts: [string, unknown][] = [[LEASE, { until: l.until, sealed }]];
    if (!this.values.has(STORE)) {
      this.lease = { key, until: l.until };
      const store = newKey();
      puts.push([STORE, await (await this.unlocking()).seal([STORE], store)]);
      this.store = await Box.of(store);
    } else if (another) {
      const store = await (await this.unlocking()).open([STORE], this.values.get(STORE) as Bytes);
      this.lease = { key, until: l.until };
      puts.push([STORE, await (await this.unlocking()).seal([STORE], store)]);
    } else if (this.lease !== undefined && !equalBytes(this.lease.key, key)) {
      throw new Fault('answer_unknown', "the hub's part of the key is another one");
    } else if (this.lease !== undefined) this.lease = { key, until: l.until };
    return puts;
  }

  /** What the blobs are called, as putBlob was told. */
  async blobs(): Promise<string[]> {
    return (await this.disk.blobs()).map((key) => key.slice(BLOB.length));
  }

  /** Keeps bytes: sealed under the key of a scope, or, without one, as they are. */
  async putBlob(name: string, bytes: Bytes, scope?: Scope): Promise<void> {
    const puts: [string, unknown][] = [];
    let kept = bytes;
    if (scope !== undefined) kept = await ((await this.boxOf(scope)) ?? (await this.newBox(scope, puts))).seal([BLOB + name], bytes);
    for (const [key, value] of puts) this.values.set(key, value);
    await this.disk.write([...puts, [BLOB + name, kept]], []);
  }

  /** Bytes that were kept so; store_damaged where they are gone, or do not open. */
  async blob(name: string, scope?: Scope): Promise<Bytes> {
    const kept = (await this.disk.read(BLOB + name)) as Bytes | undefined;
    const box = scope === undefined ? undefined : await this.boxOf(scope);
    if (kept === undefined || (scope !== undefined && box === undefined)) throw new Fault('store_damaged', 'A piece of a file is gone.');
    return box === undefined ? kept : box.open([BLOB + name], kept);
  }

  async dropBlobs(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.disk.write([], names.map((name) => BLOB + name));
  }

  /** Destroys the keys of everything, and then everything but the named items. */
  async empty(keep: readonly Item[]): Promise<void> {
    this.store = undefined;
    this.lease = undefined;
    this.boxes.clear();
    const keys = [...this.values.keys()];
    await this.write([], keys.filter((k) => !k.startsWith(ITEM)));
    const kept = new Set(keep.map((i) => ITEM + i.key));
    const puts = keep.map((i): [string, Stored] => [ITEM + i.key, { clear: i.clear, scopes: [] }]);
    await this.write(puts, keys.filter((k) => k.startsWith(ITEM) && !kept.has(k)));
  }
}
