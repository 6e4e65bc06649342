import { utf8Length } from './bytes';
import { Fault } from './fault';
import { DEPTH_MAX, type Value, Scanner } from './json';
import { type Scope, caseOf, NUMBER_MAX, parseDraftName, parseScope } from './name';
import { HEADS_MAX, type Register, type Version, compareHeads } from './register';

export const LINE_BYTES_MAX = 8 << 20;
const AROUND = 5; // line, row, writes, write and fields stand around each value
const LOG_KEYS_MAX = 16;
const PROOF_HASHES_MAX = 106;
const PUSH_CHANGES_MAX = 500;
const RECORDS_MAX = 50_000;

/** The changed fields of one record in one scope. */
export interface Row {
  scope: Scope;
  collection: string;
  record: string;
  org: string;
  caseId: string;
  createdBy: string;
  madeAt: string;
  /** Stands or falls with the row that follows. */
  more: boolean;
  fields: Map<string, Register>;
}

/** The hub's answer to one change. */
export interface Receipt {
  n: number;
  seq: number;
  status: string;
  conflicts: string[];
  held: { field: string; why: string }[];
  /** As it came. */
  raw: string;
}

export interface LogHead {
  signed: string;
  proof: string[];
  keys: string[];
}

/** A change of this tablet in whose fields stands what it wrote, and nothing else. */
export interface Stood {
  n: number;
  /** Of a field under ask: since when its line of values has stood. */
  stands: Map<string, number>;
}

/** One line of an answer; one of a newer hub has none of the members. */
export interface Line {
  evict?: Scope[];
  receipts?: Receipt[];
  wipe?: { why: string };
  lease?: { key: string; until: string };
  hubKey?: { id: string; public: string };
  log?: LogHead;
  enter?: Scope[];
  own?: Stood[];
  /** The hub takes what is brought, and gives a program of this age nothing that is new. */
  upgrade?: true;
  /** What the hub says of half-filled forms, and one of another tablet of this person. */
  drafts?: { taken: string[]; gone: string[]; refused: Map<string, string> };
  draft?: { name: string; until: string; snapshot: string };
  row?: Row;
  mark?: string;
  digests?: Map<Scope, string>;
  records?: { scope: Scope; digests: Map<string, string> };
  gone?: { scope: Scope; records: string[] };
  end?: { cursor: string; digest: string; now: string };
}

/** Reads one line of an answer. Members that this version does not know are passed over. */
export function decodeLine(raw: string): Line {
  if (raw.length * 3 > LINE_BYTES_MAX && utf8Length(raw) > LINE_BYTES_MAX) {
    throw new Fault('line_too_large', `a line is over ${LINE_BYTES_MAX} bytes`);
  }
  const s = new Scanner(raw, DEPTH_MAX + AROUND);
  const l: Line = {};
  s.object((name) => readMember(l, s, name));
  s.end();
  return l;
}

function readMember(l: Line, s: Scanner, name: string): void {
  switch (name) {
    case 'evict':
      l.evict = s.list(1 << 20, parseScope);
      break;
    case 'receipts': {
      const receipts: Receipt[] = [];
      s.array(() => receipts.push(decodeReceipt(s.raw())));
      l.receipts = receipts;
      break;
    }
    case 'wipe':
      l.wipe = s.texts('why');
      break;
    case 'lease':
      l.lease = s.texts('key', 'until');
      break;
    case 'hub_key':
      l.hubKey = s.texts('id', 'public');
      break;
    case 'log':
      l.log = readLog(s);
      break;
    case 'enter':
      l.enter = s.list(1 << 20, parseScope);
      break;
    case 'own': {
      const own: Stood[] = [];
      s.array(() => {
        if (own.length === PUSH_CHANGES_MAX) throw new Fault('change_too_large', 'a line names more changes than a push has');
        own.push(readStood(s));
      });
      l.own = own;
      break;
    }
    case 'upgrade':
      s.skip();
      l.upgrade = true;
      break;
    case 'drafts':
      l.drafts = readDrafts(s);
      break;
    case 'draft':
      l.draft = readDraft(s);
      break;
    case 'row':
      l.row = readRow(s);
      break;
    case 'mark':
      l.mark = s.string();
      break;
    case 'digests':
      l.digests = readTexts(s);
      break;
    case 'records':
      l.records = readRecords(s);
      break;
    case 'gone':
      l.gone = readGone(s);
      break;
    case 'end':
      l.end = s.texts('cursor', 'digest', 'now');
      break;
    default:
      s.skip();
  }
}

const DRAFTS_NAMED_MAX = 1024;

function readDrafts(s: Scanner): NonNullable<Line['drafts']> {
  const said: NonNullable<Line['drafts']> = { taken: [], gone: [], refused: new Map() };
  s.object((name) => {
    if (name === 'taken') said.taken = s.list(DRAFTS_NAMED_MAX, parseDraftName);
    else if (name === 'gone') said.gone = s.list(DRAFTS_NAMED_MAX, parseDraftName);
    else if (name === 'refused') said.refused = readTexts(s);
    else s.skip();
  });
  return said;
}

function readDraft(s: Scanner): NonNullable<Line['draft']> {
  const d = { name: '', until: '', snapshot: '' };
  s.object((name) => {
    if (name === 'name' || name === 'until') d[name] = s.string();
    else if (name === 'snapshot') d.snapshot = s.raw();
    else s.skip();
  });
  return d;
}

/** Reads a receipt as it came, or was stored. */
export function decodeReceipt(raw: string): Receipt {
  const r: Receipt = { n: 0, seq: 0, status: '', conflicts: [], held: [], raw };
  const s = new Scanner(raw);
  s.object((name) => {
    if (name === 'n') r.n = s.uint(NUMBER_MAX);
    else if (name === 'q') r.seq = s.uint(NUMBER_MAX);
    else if (name === 's') r.status = s.string();
    else if (name === 'conflict') r.conflicts = s.list(1 << 20);
    else if (name === 'held') {
      s.array(() => {
        const h = s.texts('f', 'why');
        r.held.push({ field: h.f, why: h.why });
      });
    } else s.skip();
  });
  s.end();
  return r;
}

function readLog(s: Scanner): LogHead {
  const h: LogHead = { signed: '', proof: [], keys: [] };
  s.object((name) => {
    if (name === 'signed') h.signed = s.string();
    else if (name === 'proof') h.proof = s.list(PROOF_HASHES_MAX);
    else if (name === 'keys') h.keys = s.list(LOG_KEYS_MAX);
    else s.skip();
  });
  return h;
}

function readStood(s: Scanner): Stood {
  const o: Stood = { n: 0, stands: new Map() };
  s.object((name) => {
    if (name === 'n') o.n = s.uint(NUMBER_MAX);
    else if (name === 'o') s.object((f) => o.stands.set(f, s.uint(NUMBER_MAX)));
    else s.skip();
  });
  return o;
}

function readTexts(s: Scanner): Map<string, string> {
  const m = new Map<string, string>();
  s.object((name) => m.set(name, s.string()));
  return m;
}

function readRecords(s: Scanner): { scope: Scope; digests: Map<string, string> } {
  const r = { scope: '', digests: new Map<string, string>() };
  s.object((name) => {
    if (name === 's') r.scope = s.string();
    else if (name === 'd') r.digests = readTexts(s);
    else s.skip();
  });
  return r;
}

function readGone(s: Scanner): { scope: Scope; records: string[] } {
  const g = { scope: '', records: [] as string[] };
  s.object((name) => {
    if (name === 's') g.scope = s.string();
    else if (name === 'r') g.records = s.list(RECORDS_MAX);
    else s.skip();
  });
  return g;
}

function readRow(s: Scanner): Row {
  const r: Row = { scope: '', collection: '', record: '', org: '', caseId: '', createdBy: '', madeAt: '', more: false, fields: new Map() };
  const registers = new Map<string, Version[]>();
  let named = false;
  s.object((name) => {
    if (name === 's') r.scope = s.string();
    else if (name === 'c') r.collection = s.string();
    else if (name === 'r') r.record = s.string();
    else if (name === 'org') r.org = s.string();
    else if (name === 'case') {
      r.caseId = s.string();
      named = true;
    } else if (name === 'by') r.createdBy = s.string();
    else if (name === 'at') r.madeAt = s.string();
    else if (name === 'more') r.more = s.truth();
    else if (name === 'w') s.array(() => readWrite(s, registers));
    else s.skip();
  });
  if (!named) r.caseId = caseOf(r.scope);
  for (const [f, heads] of registers) r.fields.set(f, heads.sort(compareHeads));
  return r;
}

/** Reads what one change wrote, and puts it into the registers. */
function readWrite(s: Scanner, into: Map<string, Version[]>): void {
  const by = { dot: '', clock: '', at: '', author: '', seq: 0 };
  const values: [string, Value][] = [];
  const elements: [string, string, boolean][] = [];
  const stands = new Map<string, number>();
  s.object((name) => {
    if (name === 'd') by.dot = s.string();
    else if (name === 't') by.clock = s.string();
    else if (name === 'at') by.at = s.string();
    else if (name === 'by') by.author = s.string();
    else if (name === 'q') by.seq = s.uint(NUMBER_MAX);
    else if (name === 'f') s.object((f) => values.push([f, s.value()]));
    else if (name === 'o') s.object((f) => stands.set(f, s.uint(NUMBER_MAX)));
    else if (name === 'e' || name === 'x') {
      s.object((f) => {
        s.list(HEADS_MAX, (e) => {
          if (e === '') throw new Fault('member_type', 'an element of a set is empty');
          elements.push([f, e, name === 'x']);
        });
      });
    } else s.skip();
  });
  const put = (f: string, v: Version) => {
    const heads = into.get(f);
    if (heads === undefined) into.set(f, [v]);
    else heads.push(v);
  };
  for (const [f, value] of values) put(f, { ...by, stands: stands.get(f) ?? 0, value, elem: '', removed: false });
  for (const [f, elem, removed] of elements) put(f, { ...by, stands: 0, elem, removed });
}
