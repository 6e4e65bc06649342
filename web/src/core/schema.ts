import { Fault } from './fault';
import type { Value } from './json';
import { parseTime } from './name';
import { absentOf } from './register';

export type Policy = 'latest' | 'safer' | 'ask' | 'union' | 'once';

/** Which of two values protects more. */
export interface Comparator {
  /** Values as text, from the least to the most protective. */
  order: readonly string[];
  /** "earliest" or "latest": which of two dates protects; "" for no dates. */
  dates: string;
}

/** A list of codes. */
export interface CodeList {
  codes: readonly string[];
  /** Other codes are taken too, where the pattern allows them. */
  open: boolean;
  pattern: string;
}

/** One field, as GET /api/portolan/schema describes it. */
export interface Field {
  name: string;
  type: string;
  compartment: string;
  merge: Policy;
  safer: Comparator;
  removalWins: boolean;
  required: boolean;
  /** Bytes; 0 for what its type gives. */
  max: number;
  codes?: CodeList;
  /** The name of its code list, "" where it has none. */
  list: string;
  /** The collection that it names records of, "" where it does not. */
  ref: string;
  /** Very personal: forms say so, and lists do not show it. */
  personal: boolean;
}

/** One collection. */
export interface Entity {
  name: string;
  /** "" where each record belongs to a case. */
  topic: string;
  fields: ReadonlyMap<string, Field>;
  /** From which state of its status which others follow; the states in which a record may begin under "". */
  states: ReadonlyMap<string, readonly string[]>;
}

/** What a hub says that its records are. */
export interface Schema {
  version: number;
  entities: ReadonlyMap<string, Entity>;
}

interface WireList {
  Codes: string[] | null;
  Open: boolean;
  Pattern: string;
}

interface WireField {
  Name: string;
  Type: string;
  Compartment: string;
  Merge: Policy;
  Safer: { Order: string[] | null; Dates: string };
  RemovalWins: boolean;
  Required: boolean;
  Max: number;
  Codes: string;
  Ref: string;
  Sensitivity: string;
}

interface WireMachine {
  Field: string;
  Initial: string[];
  Steps: Record<string, string[]>;
}

interface WireSchema {
  version: number;
  schema: { Name: string; Topic: string; Fields: WireField[]; Machine: WireMachine | null }[];
  codes: Record<string, WireList>;
}

/** Reads the answer of GET /api/portolan/schema. What a newer hub says besides is passed over. */
export function readSchema(json: string): Schema {
  const wire = JSON.parse(json) as WireSchema;
  if (!Number.isSafeInteger(wire.version) || !Array.isArray(wire.schema)) throw new Fault('answer_unknown', 'this is no schema of a hub');
  const lists = new Map(
    Object.entries(wire.codes).map(([name, l]) => [name, { codes: l.Codes ?? [], open: l.Open, pattern: l.Pattern }]),
  );
  const field = (f: WireField): Field => {
    const codes = lists.get(f.Codes);
    return {
      name: f.Name,
      type: f.Type,
      compartment: f.Compartment,
      merge: f.Merge,
      safer: { order: f.Safer.Order ?? [], dates: f.Safer.Dates },
      removalWins: f.RemovalWins,
      required: f.Required,
      max: f.Max,
      ...(codes && { codes }),
      list: f.Codes ?? '',
      ref: f.Ref ?? '',
      personal: f.Sensitivity === 'V',
    };
  };
  const entities = wire.schema.map((e): [string, Entity] => [
    e.Name,
    {
      name: e.Name,
      topic: e.Topic,
      fields: new Map(e.Fields.map((f) => [f.Name, field(f)])),
      states: new Map(e.Machine ? [['', e.Machine.Initial], ...Object.entries(e.Machine.Steps)] : []),
    },
  ]);
  return { version: wire.version, entities: new Map(entities) };
}

/**
 * Which of a and b protects more: positive for a, negative for b, 0 for equal;
 * undefined where there is no order between them.
 */
export function protects(c: Comparator, a: Value, b: Value): number | undefined {
  if (a === b) return 0;
  if (c.dates !== '') {
    const [s, t] = [momentOf(a), momentOf(b)];
    if (s === undefined || t === undefined) return undefined;
    return c.dates === 'earliest' ? t - s : s - t;
  }
  const [i, j] = [c.order.indexOf(orderText(a)), c.order.indexOf(orderText(b))];
  return i < 0 || j < 0 ? undefined : i - j;
}

/** The string of a value, "" for anything else. */
export function textOf(v: Value | undefined): string {
  return v?.startsWith('"') ? (JSON.parse(v) as string) : '';
}

/** The strings of a list, none for anything else. */
export function listOf(v: Value | undefined): string[] {
  return v?.startsWith('[') ? (JSON.parse(v) as string[]) : [];
}

function orderText(v: Value): string {
  return textOf(v) || absentOf(v) || v;
}

/** The moment of a canonical time, or the first one of a date's day, month or year. */
function momentOf(v: Value): number | undefined {
  const s = textOf(v);
  if (!/^\d{4}(-\d\d(-\d\d)?)?$/.test(s)) return parseTime(s);
  return parseTime(`${s}${'-01-01'.slice(s.length - 4)}T00:00:00.000Z`);
}
