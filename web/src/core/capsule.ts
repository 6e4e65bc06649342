import { argon2id } from './argon2';
import { type Bytes, concat, equalBytes, utf8 } from './bytes';
import { type Cbor, malformed, readCbor } from './cbor';
import { Fault } from './fault';
import { sha256 } from './sha256';

// Opens the code on a paper without a network: docs/capsule.md. The hub's own
// reader is the Go package capsule; both play capsule/testdata/vectors.json.

/** What a record says: values as the schema has them, by field and collection. */
export interface CapsuleRecord {
  paper: string;
  day: string;
  languages: string[];
  country?: string;
  agreed?: Record<string, string>;
  entries: Record<string, Record<string, unknown>[]>;
  left_out?: string[];
}

/** Whether something can be trusted, and nothing more. */
export type Verdict = 'valid' | 'changed' | 'unknown';

/** A capsule that its words opened. Until judge has said so, nobody knows who made it. */
export interface Opened {
  record: CapsuleRecord;
  keyID: Bytes;
  protectedHeader: Bytes;
  payload: Bytes;
  signature: Bytes;
}

const VERSION = 1;
const SIZES = [400, 544];
const SALT = 16;
const HEADER = 1 + SALT;
const TAG = 16;
const MEMORY = 32 << 10;
const PASSES = 3;
const RECORD_MAX = 16 << 10;
const ENTRIES_MAX = 256;
const TEXT_MAX = 4 << 10;
const LIST_MAX = 64;
const SECONDS_OF_DAY = 86_400;
const DAYS_MAX = 200 * 366;

// Numbers, collections and fields; what follows a colon is the type, text where
// none does. The order is that of Kinds in capsule/record.go.
const KINDS = (
  [
    [3, 'allergies', 'substance code_system code criticality reaction:list severity last_reaction_on:date'],
    [4, 'medicines', 'substance code_system code strength form dose route frequency as_needed:bool instructions days_left:int counted_on:date must_not_stop:bool kept_cold:bool status'],
    [5, 'conditions', 'label code_system code severity onset_on:date needs_when_travelling'],
    [1, 'survivors', 'birth_year:int primary_language languages:list interpreter_needed:bool interpreter_language interpreter_gender access_needs:list do_not_contact:bool safe_channel safe_hours'],
    [7, 'pregnancies', 'status due_on:date'],
    [9, 'deadlines', 'kind due_on:date'],
    [10, 'hearings', 'starts_at:time'],
    [8, 'legal_matters', 'kind permit_until:date'],
    [2, 'identities', 'aliases:list safe_phone'],
    [11, 'cases', 'needs:list'],
    [13, 'transfers', 'receiving_contact first_appointment_at:time'],
    [12, 'dependents', 'relation age_band schooling needs:list'],
    [6, 'immunisations', 'vaccine code_system code given_on:date dose_number:int next_dose_on:date'],
    [14, 'follow_ups', 'due_on:date'],
  ] as const
).map(([number, collection, fields]) => ({ number: number as number, collection: collection as string, fields: fields.split(' ').map((f) => f.split(':') as [string, string?]) }));

const CATEGORIES = 'identity contact location family health mental_health sexual_reproductive hiv legal trafficking_history financial evidence shelter'.split(' ');

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

/** Base45 (RFC 9285) of an even number of bytes. */
function fromBase45(s: string): Bytes {
  if (s.length % 3 !== 0) throw malformed();
  const out = new Uint8Array((s.length / 3) * 2);
  for (let i = 0, at = 0; i < s.length; i += 3, at += 2) {
    const [a, b, c] = [0, 1, 2].map((k) => ALPHABET.indexOf(s[i + k]!)) as [number, number, number];
    const n = a + 45 * b + 2025 * c;
    if (a < 0 || b < 0 || c < 0 || n > 0xffff) throw malformed();
    out[at] = n >>> 8;
    out[at + 1] = n & 0xff;
  }
  return out;
}

function envelopeOf(scanned: string): Bytes {
  const s = scanned.replace(/^[\r\n\t]+|[\r\n\t]+$/g, '');
  if (s.length > 816) throw malformed();
  const b = fromBase45(s);
  if (!SIZES.includes(b.length) || b[0] !== VERSION) throw malformed();
  return b;
}

/** Says whether what was scanned has the form of a capsule. It costs nothing. */
export function isCapsule(scanned: string): boolean {
  try {
    envelopeOf(scanned);
    return true;
  } catch {
    return false;
  }
}

/**
 * Opens what was scanned with the words that the person says. It takes a few
 * seconds and 32 MiB: call it in a worker. capsule_malformed where it is no
 * capsule; capsule_closed where the words are others, or it was changed.
 */
export async function openCapsule(scanned: string, words: string): Promise<Opened> {
  const envelope = envelopeOf(scanned);
  const said = words.toLowerCase().split(/\s+/).filter((w) => w !== '').join(' ');
  const key = argon2id(said, envelope.subarray(1, HEADER), MEMORY, PASSES, 32);
  let plain: Uint8Array;
  try {
    const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
    const how = { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: envelope.slice(0, HEADER), tagLength: 8 * TAG };
    plain = new Uint8Array(await crypto.subtle.decrypt(how, aes, envelope.slice(HEADER)));
  } catch {
    throw new Fault('capsule_closed', 'other words, or the code was changed');
  }
  const n = (plain[0]! << 8) | plain[1]!;
  if (n > plain.length - 2 || plain.subarray(2 + n).some((b) => b !== 0)) throw malformed();
  return readSigned(plain.subarray(2, 2 + n));
}

async function readSigned(b: Uint8Array): Promise<Opened> {
  const parts = readCbor(b);
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed();
  const [protectedHeader, open, payload, signature] = parts;
  if (!isBytes(protectedHeader) || !(open instanceof Map) || open.size > 0 || !isBytes(payload) || !isBytes(signature, 64)) throw malformed();
  const header = readCbor(protectedHeader);
  if (!(header instanceof Map) || header.size !== 2 || header.get(1) !== -8) throw malformed();
  const keyID = header.get(4);
  if (!isBytes(keyID, 8)) throw malformed();
  return { record: recordOf(readCbor(await unpack(payload))), keyID, protectedHeader, payload, signature };
}

function isBytes(v: unknown, length?: number): v is Bytes {
  return v instanceof Uint8Array && (length === undefined || v.length === length);
}

async function unpack(packed: Bytes): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return concat(...parts);
      size += value.length;
      if (size > RECORD_MAX) {
        await reader.cancel();
        break;
      }
      parts.push(value);
    }
  } catch {
    // Not packed, or more behind it.
  }
  throw malformed();
}

/** Says whether one of the trusted hubs' keys (43 characters each) signed it, and which. */
export async function judge(opened: Opened, trusted: string[]): Promise<{ verdict: Verdict; key?: string }> {
  let verdict: Verdict = 'unknown';
  for (const key of trusted) {
    const raw = Uint8Array.from(atob(key.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    if (raw.length !== 32 || !equalBytes(sha256(raw).subarray(0, 8), opened.keyID)) continue;
    const input = concat(
      Uint8Array.of(0x84, 0x6a), utf8('Signature1'), head(2, opened.protectedHeader.length), opened.protectedHeader,
      Uint8Array.of(0x40), head(2, opened.payload.length), opened.payload,
    );
    const ed = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    if (await crypto.subtle.verify('Ed25519', ed, opened.signature, input)) return { verdict: 'valid', key };
    verdict = 'changed';
  }
  return { verdict };
}

/** The head of a CBOR value of up to 65,535. */
function head(kind: number, n: number): Bytes {
  if (n < 24) return Uint8Array.of((kind << 5) | n);
  return n < 256 ? Uint8Array.of((kind << 5) | 24, n) : Uint8Array.of((kind << 5) | 25, n >>> 8, n & 0xff);
}

function recordOf(v: Cbor): CapsuleRecord {
  const m = mapOf(v);
  const [paper, languages, left] = [m.get(1), m.get(3), m.get(7)];
  if (!isBytes(paper, 8) || [...m.keys()].some((k) => typeof k !== 'number' || k < 1 || k > 7)) throw malformed();
  const out: CapsuleRecord = {
    paper: Array.from(paper, (b) => b.toString(16).padStart(2, '0')).join(''),
    day: dayOf(m.get(2)),
    languages: listOf(languages).map(wordOf),
    entries: {},
  };
  if (out.languages.length > 2) throw malformed();
  if (m.has(4)) out.country = wordOf(m.get(4));
  if (m.has(5)) {
    out.agreed = {};
    for (const [category, until] of mapOf(m.get(5))) {
      if (!CATEGORIES.includes(category as string)) throw malformed();
      out.agreed[category as string] = dayOf(until);
    }
  }
  let count = 0;
  for (const [number, list] of mapOf(m.get(6))) {
    const kind = kindOf(number);
    if (!Array.isArray(list) || (count += list.length) > ENTRIES_MAX) throw malformed();
    out.entries[kind.collection] = list.map((entry) => {
      const set: Record<string, unknown> = {};
      for (const [n, value] of mapOf(entry)) {
        const field = typeof n === 'number' ? kind.fields[n - 1] : undefined;
        if (field === undefined) throw malformed();
        set[field[0]] = valueOf(field[1], value);
      }
      return set;
    });
  }
  if (left !== undefined) out.left_out = (Array.isArray(left) ? left : [left]).map((n) => kindOf(n).collection);
  return out;
}

function kindOf(number: unknown): (typeof KINDS)[number] {
  const kind = KINDS.find((k) => k.number === number);
  if (kind === undefined) throw malformed();
  return kind;
}

function mapOf(v: Cbor | undefined): Map<number | string, Cbor> {
  if (!(v instanceof Map)) throw malformed();
  return v;
}

function listOf(v: Cbor | undefined): Cbor[] {
  if (!Array.isArray(v) || v.length === 0 || v.length > LIST_MAX) throw malformed();
  return v;
}

function wordOf(v: Cbor | undefined): string {
  if (typeof v !== 'string' || !/^[ -~]{0,10}$/.test(v)) throw malformed();
  return v;
}

function numberOf(v: Cbor | undefined, most: number): number {
  if (typeof v !== 'number' || Math.abs(v) > most) throw malformed();
  return v;
}

function dayOf(v: Cbor | undefined): string {
  return new Date(numberOf(v, DAYS_MAX) * SECONDS_OF_DAY * 1000).toISOString().slice(0, 10);
}

function textOf(v: Cbor): string {
  // No control character but the end of a line.
  if (typeof v !== 'string' || v === '' || utf8(v).length > TEXT_MAX || /[\u0000-\u0009\u000b-\u001f\u007f]/.test(v)) throw malformed();
  return v;
}

function valueOf(type: string | undefined, v: Cbor): unknown {
  switch (type) {
    case 'bool':
      if (typeof v !== 'boolean') throw malformed();
      return v;
    case 'int':
      return numberOf(v, 0x7fffffff);
    case 'list':
      return listOf(v).map(textOf);
    case 'time':
      return new Date(numberOf(v, DAYS_MAX * SECONDS_OF_DAY) * 1000).toISOString();
    case 'date':
      if (typeof v === 'number') return dayOf(v);
      if (typeof v !== 'string' || !/^\d{4}(-(0[1-9]|1[0-2]))?$/.test(v)) throw malformed();
      return v;
  }
  return textOf(v);
}
