import { add, type Digest, formatDigest } from './digest';
import { evict, type Report } from './intake';
import type { Line } from './line';
import type { Scope } from './name';
import type { Tx } from './state';

/**
 * Finds what makes this store differ from what the hub says that it holds, and
 * has the hub send that anew and nothing else: the digests of all scopes, then
 * those of the records of scopes that differ, then these records.
 */
export class Walk {
  check: string[] = ['*'];
  again = new Map<Scope, string[]>();
  /** Records that were asked for anew. */
  mended = 0;
  private scopes: Map<Scope, string> | undefined;
  private records: { scope: Scope; digests: Map<string, string> }[] = [];

  note(l: Line): void {
    if (l.digests !== undefined) this.scopes = l.digests;
    if (l.records !== undefined) this.records.push(l.records);
  }

  /** Works out what to ask for after an answer; false where nothing is left. */
  next(tx: Tx, report: Report): boolean {
    this.check = [];
    this.again = new Map();
    if (this.scopes !== undefined) return this.compareScopes(tx, report);
    return this.compareRecords(tx);
  }

  private compareScopes(tx: Tx, report: Report): boolean {
    for (const [s] of [...tx.scopes.entries()]) if (!this.scopes!.has(s)) evict(tx, s, report);
    for (const [s, digest] of this.scopes!) {
      if (formatDigest(tx.scopes.get(s)?.digest ?? 0n) !== digest) this.check.push(s);
    }
    this.scopes = undefined;
    this.check.sort();
    return this.check.length > 0;
  }

  private compareRecords(tx: Tx): boolean {
    for (const said of this.records) {
      const ours = new Map<string, Digest>();
      for (const [, row] of tx.rowsIn(said.scope)) {
        ours.set(row.record, [...row.fields.values()].reduce((sum, f) => add(sum, f.digest), 0n));
      }
      const differ = [...said.digests].filter(([id, d]) => formatDigest(ours.get(id) ?? 0n) !== d).map(([id]) => id);
      for (const id of ours.keys()) if (!said.digests.has(id)) differ.push(id);
      if (differ.length === 0) continue;
      this.again.set(said.scope, differ.sort());
      this.mended += differ.length;
    }
    this.records = [];
    return this.again.size > 0;
  }
}
