import { hex, utf8Length } from './bytes';
import { Fault } from './fault';

/** "<replica>/<n>": names one change, and each value that it wrote, for ever. */
export type Dot = string;
/** What a device may see or not see as one (docs/protocol.md, Scopes). */
export type Scope = string;

/** The largest number on the wire: what JavaScript counts exactly. */
export const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
const NAME_BYTES_MAX = 64;

const COMPARTMENTS = ['general', 'identity', 'location', 'health', 'legal', 'finance', 'evidence'];
const TOPICS = ['people', 'directory', 'facilities', 'codes'];

/** Says whether s is a UUIDv7 in lower case, the only form of an id. */
export function isId(s: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(s);
}

/** Mints a UUIDv7 (RFC 9562 §5.7) from milliseconds and ten random bytes. */
export function newId(ms: number, random: Uint8Array): string {
  const b = new Uint8Array(16);
  new DataView(b.buffer).setBigUint64(0, BigInt(Math.max(0, ms)) << 16n);
  b.set(random.subarray(0, 10), 6);
  b[6] = (b[6]! & 0x0f) | 0x70;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const s = hex(b);
  return `${s.slice(0, 8)}-${s.slice(8, 12)}-${s.slice(12, 16)}-${s.slice(16, 20)}-${s.slice(20)}`;
}

/** Checks that s is what a snapshot of a half-filled form is called: form/part/replica/clock. */
export function parseDraftName(s: string): { draft: string; part: string; replica: string; clock: string } {
  const [draft, part, replica, clock, more] = s.split('/');
  if (!isId(draft ?? '') || !isId(replica ?? '') || !COMPARTMENTS.includes(part ?? '') || !/^[0-9a-f]{16}$/.test(clock ?? '') || more !== undefined) {
    throw new Fault('name_malformed', 'a snapshot is called form/part/replica/clock');
  }
  return { draft: draft!, part: part!, replica: replica!, clock: clock! };
}

/** Says whether s is a name as collections and fields have them. */
export function isName(s: string): boolean {
  return s.length <= NAME_BYTES_MAX && /^[a-z][a-z0-9_]*$/.test(s);
}

/** Says whether s is a group, or none. */
export function isGroup(s: string): boolean {
  return /^[A-Za-z0-9_-]{0,64}$/.test(s);
}

/** Writes a moment as the wire has it. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Reads 2006-01-02T15:04:05.000Z; undefined for any other spelling. */
export function parseTime(s: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(s)) return undefined;
  const ms = Date.parse(s);
  return Number.isNaN(ms) || formatTime(ms) !== s ? undefined : ms;
}

export function dotOf(replica: string, n: number): Dot {
  return `${replica}/${n}`;
}

/** Checks that s is "<UUIDv7>/<n>" with n from 1, without leading zeros. */
export function parseDot(s: string): Dot {
  const m = /^([^/]*)\/([1-9][0-9]{0,15})$/.exec(s);
  if (m === null || !isId(m[1]!) || Number(m[2]) > NUMBER_MAX) {
    throw new Fault('version_malformed', 'a version is named <replica>/<n>');
  }
  return s;
}

/** Orders dots by replica and then by number: 9 before 10. */
export function compareDots(a: Dot, b: Dot): number {
  const i = a.indexOf('/');
  const j = b.indexOf('/');
  const [r, s] = [a.slice(0, i), b.slice(0, j)];
  if (r !== s) return r < s ? -1 : 1;
  const [n, m] = [a.slice(i + 1), b.slice(j + 1)];
  return n.length - m.length || (n < m ? -1 : n > m ? 1 : 0);
}

/** The scope of a field's compartment, in a case or a topic of an organisation. */
export function scopeOf(topic: string, compartment: string, org: string, caseId: string): Scope {
  if (topic === '') return `case:${caseId}/${compartment}`;
  return `org:${org}/${topic}` + (compartment === 'general' ? '' : `/${compartment}`);
}

/** Refuses anything that is not exactly a scope. */
export function parseScope(s: string): Scope {
  const [, kind, id, one, two] = /^(case|org):([^/]*)\/([^/]*)(?:\/([^/]*))?$/.exec(s) ?? [];
  const good =
    id !== undefined &&
    isId(id) &&
    (kind === 'case'
      ? two === undefined && COMPARTMENTS.includes(one!)
      : TOPICS.includes(one!) && (two === undefined || (two !== 'general' && COMPARTMENTS.includes(two))));
  if (!good) throw new Fault('scope_malformed', 'a scope is case:<id>/<compartment> or org:<id>/<topic>[/<compartment>]');
  return s;
}

/** The case of a case's scope, "" of another. */
export function caseOf(s: Scope): string {
  return s.startsWith('case:') ? s.slice(5, s.indexOf('/')) : '';
}

/** Says whether a text is over so many bytes. */
export function isOver(s: string, bytes: number): boolean {
  return s.length > bytes || (s.length * 3 > bytes && utf8Length(s) > bytes);
}
