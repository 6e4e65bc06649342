import { compareText, fromBase64url, utf8Length } from './bytes';
import { isClock } from './clock';
import { Fault } from './fault';
import { type Value, quote, Scanner } from './json';
import { type Dot, dotOf, isGroup, isId, isName, isOver, NUMBER_MAX, parseDot, parseTime } from './name';
import { compareHeads, type Register, type Version } from './register';

const CHANGE_BYTES_MAX = 256 << 10;
const FIELDS_MAX = 256;
const ELEMENTS_MAX = 256;
const ELEMENT_BYTES_MAX = 1 << 10;
const BASE_DOTS_MAX = 1024;
const SCHEMA_VERSION_MAX = 1 << 20;
const SALT_BYTES = 16;

/**
 * One act of one person on one record. Its bytes, as encodeChange wrote them
 * once, are what is hashed, signed, stored and sent.
 */
export interface Change {
  n: number;
  collection: string;
  record: string;
  caseId: string;
  org: string;
  set: Map<string, Value>;
  add: Map<string, string[]>;
  remove: Map<string, string[]>;
  base: Map<string, Dot[]>;
  clock: string;
  at: string;
  author: string;
  group: string;
  schema: number;
  salt: string;
}

export function emptyChange(): Change {
  return {
    n: 0,
    collection: '',
    record: '',
    caseId: '',
    org: '',
    set: new Map(),
    add: new Map(),
    remove: new Map(),
    base: new Map(),
    clock: '',
    at: '',
    author: '',
    group: '',
    schema: 0,
    salt: '',
  };
}

/** Every field that the change writes, in order. */
export function fieldsOf(c: Change): string[] {
  return [...new Set([...c.set.keys(), ...c.add.keys(), ...c.remove.keys()])].sort();
}

/** What the change writes to one field, to be applied in order. */
export function versionsOf(c: Change, field: string, replica: string): Version[] {
  const v = { dot: dotOf(replica, c.n), clock: c.clock, at: c.at, author: c.author, seq: 0, stands: 0, elem: '', removed: false };
  const value = c.set.get(field);
  return [
    ...(value === undefined ? [] : [{ ...v, value }]),
    ...(c.add.get(field) ?? []).map((elem) => ({ ...v, elem })),
    ...(c.remove.get(field) ?? []).map((elem) => ({ ...v, elem, removed: true })),
  ];
}

/** The register of a field in which nothing stands but what the change wrote, under the hub's number. */
export function alone(c: Change, field: string, replica: string, seq: number, stands: number): Register {
  return versionsOf(c, field, replica)
    .map((v) => ({ ...v, seq, stands }))
    .sort(compareHeads);
}

function member(name: string, value: string): string {
  return value === '' ? '' : `,"${name}":${quote(value)}`;
}

function fields<T>(name: string, m: Map<string, T>, write: (v: T) => string): string {
  if (m.size === 0) return '';
  const inner = [...m.keys()].sort(compareText).map((f) => `${quote(f)}:${write(m.get(f)!)}`);
  return `,"${name}":{${inner.join(',')}}`;
}

const list = (l: string[]) => `[${l.map(quote).join(',')}]`;

/** Writes the change, its members and fields in a fixed order. */
export function encodeChange(c: Change): string {
  return (
    `{"n":${c.n}` +
    member('c', c.collection) +
    member('r', c.record) +
    member('case', c.caseId) +
    member('org', c.org) +
    fields('set', c.set, (v) => v) +
    fields('add', c.add, list) +
    fields('rm', c.remove, list) +
    fields('base', c.base, list) +
    member('t', c.clock) +
    member('at', c.at) +
    member('by', c.author) +
    member('g', c.group) +
    `,"sv":${c.schema}` +
    member('salt', c.salt) +
    '}'
  );
}

/** Reads one change, strictly: what the hub would hold is refused here, by its code. */
export function decodeChange(raw: string): Change {
  if (utf8Length(raw) > CHANGE_BYTES_MAX) throw new Fault('change_too_large', `a change is over ${CHANGE_BYTES_MAX} bytes`);
  const c = emptyChange();
  const s = new Scanner(raw);
  s.object((name) => readMember(c, s, name));
  s.end();
  check(c);
  return c;
}

function readMember(c: Change, s: Scanner, name: string): void {
  switch (name) {
    case 'n':
      c.n = s.uint(NUMBER_MAX);
      break;
    case 'c':
      c.collection = s.string();
      break;
    case 'r':
      c.record = s.string();
      break;
    case 'case':
      c.caseId = s.string();
      break;
    case 'org':
      c.org = s.string();
      break;
    case 'set':
      c.set = readFields(s, () => s.value());
      break;
    case 'add':
      c.add = readFields(s, () => elements(s));
      break;
    case 'rm':
      c.remove = readFields(s, () => elements(s));
      break;
    case 'base':
      c.base = readFields(s, () => s.list(BASE_DOTS_MAX, parseDot));
      break;
    case 't':
      c.clock = s.string();
      break;
    case 'at':
      c.at = s.string();
      break;
    case 'by':
      c.author = s.string();
      break;
    case 'g':
      c.group = s.string();
      break;
    case 'sv':
      c.schema = s.uint(SCHEMA_VERSION_MAX);
      break;
    case 'salt':
      c.salt = s.string();
      break;
    default:
      throw new Fault('member_unknown', 'a member of the change is unknown to this version');
  }
}

function readFields<T>(s: Scanner, read: () => T): Map<string, T> {
  const m = new Map<string, T>();
  s.object((name) => {
    if (!isName(name)) throw new Fault('name_malformed', 'the name of a field is snake_case');
    if (m.size === FIELDS_MAX) throw new Fault('change_too_large', `a change has more than ${FIELDS_MAX} fields`);
    m.set(name, read());
  });
  return m;
}

function elements(s: Scanner): string[] {
  const l = s.list(ELEMENTS_MAX, (e) => {
    if (e === '') throw new Fault('member_type', 'an element of a set is not empty');
    if (isOver(e, ELEMENT_BYTES_MAX)) throw new Fault('change_too_large', `an element is over ${ELEMENT_BYTES_MAX} bytes`);
  });
  if (new Set(l).size !== l.length) throw new Fault('member_twice', 'an element is named twice');
  return l;
}

/** Holds the members against each other and against their alphabets. */
function check(c: Change): void {
  if (c.n === 0) throw new Fault('member_missing', 'a change has a number from 1');
  if ([c.collection, c.record, c.author, c.clock, c.at, c.salt].includes('')) {
    throw new Fault('member_missing', 'a change names c, r, by, t, at and salt');
  }
  if (!isName(c.collection)) throw new Fault('name_malformed', 'the name of a collection is snake_case');
  if (![c.record, c.author].every(isId) || ![c.caseId, c.org].every((id) => id === '' || isId(id))) {
    throw new Fault('id_malformed', 'an id is a UUIDv7 in lower case');
  }
  if (!isClock(c.clock)) throw new Fault('clock_malformed', 'a clock is 16 lower-case hex digits');
  if (parseTime(c.at) === undefined) throw new Fault('time_malformed', 'a time is written 2006-01-02T15:04:05.000Z');
  if (fromBase64url(c.salt)?.length !== SALT_BYTES) throw new Fault('salt_malformed', 'a salt is 16 bytes as base64url without padding');
  if (!isGroup(c.group)) throw new Fault('name_malformed', 'the name of a group is letters, digits, - and _');
  for (const f of c.set.keys()) {
    if (c.add.get(f)?.length || c.remove.get(f)?.length) throw new Fault('member_twice', 'a field is both set and changed by elements');
  }
  for (const [f, add] of c.add) {
    if (c.remove.get(f)?.some((e) => add.includes(e))) throw new Fault('member_twice', 'an element is both added and removed');
  }
  for (const f of c.base.keys()) {
    if (!c.set.has(f) && !c.add.get(f)?.length && !c.remove.get(f)?.length) {
      throw new Fault('member_unknown', 'a base for a field that the change does not write');
    }
  }
}
