import { compareText } from './bytes';
import type { HLC } from './clock';
import { type Value, quote } from './json';
import { type Dot, compareDots } from './name';
import { type Field, protects } from './schema';

/** The most versions that one field keeps beside each other. */
export const HEADS_MAX = 1024;

/** One value that one change wrote to one field. */
export interface Version {
  dot: Dot;
  clock: HLC;
  at: string;
  author: string;
  /** The hub's number; 0 while only the tablet knows it. */
  seq: number;
  /** Under ask: since which number this line of values has stood; 0 where that is seq. */
  stands: number;
  value?: Value;
  /** In sets: the element, "" for a whole value. */
  elem: string;
  removed: boolean;
}

/** One field: every version that no later one has superseded, in the order of their dots. */
export type Register = readonly Version[];

/** The code of the reason why a version was kept aside, "" where it was not. */
export type HeldReason = '' | 'written_once' | 'not_a_set' | 'is_a_set' | 'too_many_versions';

/** Why there is no value; "" where there is one. */
export function absentOf(v: Value | undefined): string {
  return /^\{\s*"absent"\s*:\s*"([a-z_]*)"\s*\}$/.exec(v ?? '')?.[1] ?? '';
}

export function compareHeads(a: Version, b: Version): number {
  return compareDots(a.dot, b.dot) || compareText(a.elem, b.elem);
}

/**
 * Merges one version into a register. base names the versions that its author
 * had seen: those among the heads are superseded, all others stay beside it.
 */
export function apply(f: Field, heads: Register, v: Version, base: readonly Dot[]): { heads: Register; held: HeldReason } {
  const set = f.merge === 'union';
  if (!set && (v.elem !== '' || v.removed)) return { heads, held: 'not_a_set' };
  if (set && v.elem === '' && absentOf(v.value) === '') return { heads, held: 'is_a_set' };
  if (heads.some((h) => h.dot === v.dot && h.elem === v.elem)) return { heads, held: '' };
  if (f.merge === 'once' && heads.length > 0) return { heads, held: heads[0]!.value === v.value ? '' : 'written_once' };
  const next: Version[] = [];
  let stands = v.stands;
  for (const h of heads) {
    const aboutIt = !set || h.elem === v.elem || h.elem === '';
    if (!aboutIt || !base.includes(h.dot)) next.push(h);
    else if (f.merge === 'ask') {
      // Whoever saw the value in force and changed it has changed what is in force.
      const since = standsSince(h);
      const now = stands || v.seq;
      if (since !== 0 && (now === 0 || since < now)) stands = since;
    }
  }
  if (next.length >= HEADS_MAX) return { heads, held: 'too_many_versions' };
  next.push(stands === v.stands ? v : { ...v, stands });
  return { heads: next.sort(compareHeads), held: '' };
}

function standsSince(v: Version): number {
  return v.stands || v.seq;
}

function byClock(a: Version, b: Version): number {
  return a.clock < b.clock ? -1 : a.clock > b.clock ? 1 : compareDots(a.dot, b.dot);
}

/** How long a line of values has stood at the hub; what has no number comes last. */
function byStanding(a: Version, b: Version): number {
  return (standsSince(a) || Infinity) === (standsSince(b) || Infinity)
    ? byClock(a, b)
    : (standsSince(a) || Infinity) - (standsSince(b) || Infinity);
}

/**
 * The value that stands now: undefined where nothing was written, or where a
 * safer field has values without order between them and waits for a person.
 */
export function inForce(f: Field, heads: Register): Value | undefined {
  if (heads.length === 0) return undefined;
  if (f.merge === 'union') return elementsInForce(f, heads);
  if (heads.length === 1) return heads[0]!.value;
  if (f.merge === 'safer') return safest(f, heads);
  if (f.merge === 'ask') return [...heads].sort(byStanding)[0]!.value;
  return [...heads].sort(byClock).at(-1)!.value;
}

function safest(f: Field, heads: Register): Value | undefined {
  let best = heads[0]!.value!;
  for (const h of heads) if ((protects(f.safer, h.value!, best) ?? 0) > 0) best = h.value!;
  return heads.every((h) => (protects(f.safer, best, h.value!) ?? -1) >= 0) ? best : undefined;
}

/** The set in force, sorted: an absent value only where no element was ever added beside it. */
function elementsInForce(f: Field, heads: Register): Value | undefined {
  const added = new Set<string>();
  const removed = new Set<string>();
  let absent: Version | undefined;
  for (const h of heads) {
    if (h.elem !== '') (h.removed ? removed : added).add(h.elem);
    else if (absent === undefined || byClock(absent, h) < 0) absent = h;
  }
  const present = [...added].filter((e) => !f.removalWins || !removed.has(e)).sort(compareText);
  if (present.length === 0 && absent !== undefined) return absent.value;
  return `[${present.map(quote).join(',')}]`;
}

/** Says whether more than one distinct value is kept: a question for a person. */
export function isConflict(f: Field, heads: Register): boolean {
  return f.merge !== 'union' && heads.some((h) => h.value !== heads[0]!.value);
}

/** The versions that are kept, each once and in order: what goes into base and into the digest. */
export function dotsOf(heads: Register): Dot[] {
  return [...new Set(heads.map((h) => h.dot))].sort(compareDots);
}
