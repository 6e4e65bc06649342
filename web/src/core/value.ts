import { compareText } from './bytes';
import { Fault } from './fault';
import { type Value, quote } from './json';
import { isId, isOver } from './name';
import { absentOf } from './register';
import type { Field } from './schema';

const TEXT_BYTES_MAX = 1 << 10;
const LONG_TEXT_BYTES_MAX = 32 << 10;
const LIST_MAX = 256;
const OBJECT_MAX = 32;
const OBJECT_KEY_BYTES = 64;
const CODE_BYTES_MAX = 128;
const DECIMAL_MAX = 34;
const REASONS = ['unknown', 'asked_declined', 'not_asked', 'not_recorded'];
const LISTS = ['codes', 'texts', 'refs'];

/** Why there is no value, in the place of one. */
export interface Absent {
  absent: string;
}

/** What a person enters into a field. */
export type Entered = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | Absent;

/**
 * Writes what was entered in the one way in which a field's value is written:
 * two people who mean the same write the same bytes. Text stays as it was typed.
 */
export function canonical(f: Field, v: Entered): Value {
  if (typeof v === 'object' && !Array.isArray(v) && 'absent' in v) {
    const reason = v.absent;
    if (Object.keys(v).length !== 1 || typeof reason !== 'string' || !REASONS.includes(reason)) throw wrong('value_bad_absent');
    if (f.required) throw wrong('value_required');
    return `{"absent":"${reason}"}`;
  }
  if (LISTS.includes(f.type)) return canonicalList(f, v);
  switch (f.type) {
    case 'int':
      if (typeof v !== 'number' || !Number.isSafeInteger(v)) throw wrong('value_wrong_type');
      return String(v + 0); // -0 is written as 0
    case 'bool':
      if (typeof v !== 'boolean') throw wrong('value_wrong_type');
      return String(v);
    case 'object':
      return canonicalObject(f, v);
  }
  if (typeof v !== 'string') throw wrong('value_wrong_type');
  return quote(canonicalElement(f, v));
}

/** Says whether a value is an absent one. */
export function isAbsent(v: Value): boolean {
  return absentOf(v) !== '';
}

function wrong(code: string): Fault {
  return new Fault(code);
}

function canonicalList(f: Field, v: Entered): Value {
  if (!Array.isArray(v)) throw wrong('value_wrong_type');
  if (v.length > LIST_MAX) throw wrong('value_too_long');
  if (v.length === 0 && f.required) throw wrong('value_required');
  const l = (v as unknown[]).map((e) => {
    if (typeof e !== 'string') throw wrong('value_wrong_type');
    return canonicalElement(f, e);
  });
  return `[${[...new Set(l)].sort(compareText).map(quote).join(',')}]`;
}

function canonicalObject(f: Field, v: Entered): Value {
  if (typeof v !== 'object' || Array.isArray(v)) throw wrong('value_wrong_type');
  const members = Object.entries(v as Record<string, unknown>);
  if (members.length === 0) throw wrong('value_empty');
  if (members.length > OBJECT_MAX) throw wrong('value_too_long');
  for (const [k, s] of members) {
    if (typeof s !== 'string') throw wrong('value_wrong_type');
    checkText(k, OBJECT_KEY_BYTES, false);
    checkText(s, f.max || TEXT_BYTES_MAX, true);
  }
  return `{${members.sort((a, b) => compareText(a[0], b[0])).map(([k, s]) => `${quote(k)}:${quote(s as string)}`).join(',')}}`;
}

/** Checks one string of a scalar type, or one element of a list type. */
export function canonicalElement(f: Field, s: string): string {
  if (!s.isWellFormed()) throw wrong('value_bad_utf8');
  switch (f.type) {
    case 'text':
    case 'texts':
      return checkText(s, f.max || TEXT_BYTES_MAX, false);
    case 'longtext':
      return checkText(s, f.max || LONG_TEXT_BYTES_MAX, true);
    case 'code':
    case 'codes':
      return checkCode(f, s);
    case 'date':
      return checkDate(s);
    case 'time':
      return canonicalTime(s);
    case 'decimal':
      return canonicalDecimal(s);
    case 'ref':
    case 'refs':
      if (!isId(s) || !'89ab'.includes(s[19]!)) throw wrong('value_bad_id');
      return s;
  }
  throw wrong('value_wrong_type');
}

function checkText(s: string, limit: number, lines: boolean): string {
  if (s === '') throw wrong('value_empty');
  if (isOver(s, limit)) throw wrong('value_too_long');
  if ((lines ? /[\0-\x08\x0b-\x1f\x7f-\x9f]/ : /[\0-\x1f\x7f-\x9f\u2028\u2029]/).test(s)) throw wrong('value_control_character');
  return s;
}

function checkCode(f: Field, s: string): string {
  if (s === '') throw wrong('value_empty');
  if (isOver(s, CODE_BYTES_MAX)) throw wrong('value_too_long');
  const l = f.codes;
  const more = l?.open && (l.pattern === '' || new RegExp(`^(?:${l.pattern})$`, 'u').test(s));
  if (!l || !(l.codes.includes(s) || more)) throw wrong('value_not_in_list');
  return checkText(s, CODE_BYTES_MAX, false);
}

function checkDate(s: string): string {
  const [, year, month, day] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(s) ?? [];
  if (year === undefined || year === '0000' || !isDay(Number(year), Number(month ?? 1), Number(day ?? 1))) throw wrong('value_bad_date');
  return s;
}

function isDay(year: number, month: number, day: number): boolean {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month >= 1 && month <= 12 && day >= 1 && day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

/** Writes a time of RFC 3339 in UTC, with three digits of milliseconds. */
function canonicalTime(s: string): string {
  const m = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-](\d\d):(\d\d))$/.exec(s);
  if (m === null || s.length > 40) throw wrong('value_bad_time');
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const zone = m[8] === 'Z' ? 0 : (Number(m[9]) * 60 + Number(m[10])) * (m[8]!.startsWith('-') ? -1 : 1);
  if (!isDay(year, month, day) || hour > 23 || minute > 59 || second > 59 || Number(m[9] ?? 0) > 23 || Number(m[10] ?? 0) > 59) {
    throw wrong('value_bad_time');
  }
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute - zone, second, Number((m[7] ?? '').slice(0, 3).padEnd(3, '0')));
  if (at.getUTCFullYear() < 1 || at.getUTCFullYear() > 9999) throw wrong('value_bad_time');
  return at.toISOString();
}

/** No trailing zero after the point and always a digit before it: 1.0 is never read as 10. */
function canonicalDecimal(s: string): string {
  const m = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(s);
  if (m === null || m[2]!.length + (m[3] ?? '').length > DECIMAL_MAX) throw wrong('value_bad_decimal');
  const whole = m[2]!.replace(/^0+/, '') || '0';
  const fraction = (m[3] ?? '').replace(/0+$/, '');
  const out = fraction === '' ? whole : `${whole}.${fraction}`;
  return out === '0' ? out : m[1] + out;
}
