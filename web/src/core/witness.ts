import { concat, equalBytes, fromBase64, hex, utf8 } from './bytes';
import { Fault } from './fault';
import type { LogHead } from './line';
import { parseTime } from './name';
import { sha256 } from './sha256';

const CHECKPOINT_BYTES_MAX = 2 << 10;
const HANDOVERS_MAX = 16;
const EPOCHS_MAX = 64;

/** What a tablet remembers of the hub's audit log: nothing secret and nothing personal. */
export interface Witness {
  /** Public key of the log. */
  key: string;
  /** The last checkpoint as it was signed; "" before the first. */
  signed: string;
  /** Epochs that ended: the hub was restored. */
  over: string[];
}

interface Checkpoint {
  size: number;
  root: Uint8Array;
  epoch: string;
  /** How many lines the hub's list of what ended had. */
  ended: number;
  /** The key that signs the log after this head; "" in every other. */
  next: string;
}

/** The codes of what is an alarm. */
export const ALARMS = [
  'checkpoint_signature', 'checkpoint_malformed', 'audit_key_malformed', 'audit_rolled_back', 'audit_rewritten', 'audit_reopened', 'audit_withheld',
];

interface Verifier {
  name: string;
  id: Uint8Array;
  key: CryptoKey;
}

async function verifierOf(text: string): Promise<Verifier> {
  const [, name, id, base] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = fromBase64(base ?? '');
  if (name === undefined || bytes === undefined || bytes.length !== 33 || bytes[0] !== 1 || text.length > 512) throw new Fault('audit_key_malformed');
  const sum = sha256(concat(utf8(name + '\n'), bytes)).subarray(0, 4);
  if (hex(sum) !== id) throw new Fault('audit_key_malformed');
  return { name, id: sum, key: await crypto.subtle.importKey('raw', bytes.slice(1), 'Ed25519', false, ['verify']) };
}

/** Checks a signed note and reads its checkpoint. */
async function open(v: Verifier, signed: string): Promise<Checkpoint> {
  if (utf8(signed).length > CHECKPOINT_BYTES_MAX) throw new Fault('checkpoint_malformed');
  const at = signed.lastIndexOf('\n\n') + 1;
  const [body, signatures] = [signed.slice(0, at), signed.slice(at + 1)];
  if (at === 0 || !signatures.endsWith('\n')) throw new Fault('checkpoint_signature');
  let good = false;
  for (const line of signatures.slice(0, -1).split('\n')) {
    const [, name, base] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const sig = fromBase64(base ?? '');
    if (name === undefined || sig === undefined || sig.length < 5) throw new Fault('checkpoint_signature');
    if (name !== v.name || !equalBytes(sig.subarray(0, 4), v.id)) continue;
    if (!(await crypto.subtle.verify('Ed25519', v.key, sig.slice(4), utf8(body)))) throw new Fault('checkpoint_signature');
    good = true;
  }
  if (!good) throw new Fault('checkpoint_signature');
  return parse(v.name, body);
}

/** Reads the text of a checkpoint, in its one form alone. */
function parse(name: string, body: string): Checkpoint {
  const m = /^([^\n]*)\n(0|[1-9][0-9]{0,15})\n([^\n]*)\nepoch ([^\n]*)\nat ([^\n]*)\n(?:ended ([1-9][0-9]{0,15})\n)?(?:next ([^\n]+)\n)?$/.exec(body);
  const root = fromBase64(m?.[3] ?? '');
  const size = Number(m?.[2]);
  if (m === null || root?.length !== 32 || !Number.isSafeInteger(size) || parseTime(m[5]!) === undefined) throw new Fault('checkpoint_malformed');
  if (m[1] !== name) throw new Fault('checkpoint_signature');
  return { size, root, epoch: m[4]!, ended: Number(m[6] ?? 0), next: m[7] ?? '' };
}

/** The key that signs the log after the heads in which each key named the next. */
async function follow(key: string, handovers: readonly string[]): Promise<string> {
  if (handovers.length > HANDOVERS_MAX) throw new Fault('checkpoint_signature');
  for (const signed of handovers) {
    const v = await verifierOf(key);
    const next = await open(v, signed).then(
      (c) => c.next,
      () => '', // of another key: whoever asks may have followed it already
    );
    if (next === '') continue;
    const named = await verifierOf(next).catch(() => undefined);
    if (named?.name !== v.name) throw new Fault('checkpoint_signature');
    key = next;
  }
  return key;
}

/** Checks the consistency of two heads (RFC 9162 §2.1.4.2; the tree of RFC 6962). */
export function isGrowth(proof: readonly Uint8Array[], size: number, root: Uint8Array, old: number, oldRoot: Uint8Array): boolean {
  if (old > size) return false;
  if (old === 0) return proof.length === 0;
  if (old === size) return proof.length === 0 && equalBytes(root, oldRoot);
  let [fn, sn] = [BigInt(old) - 1n, BigInt(size) - 1n];
  const path = [...proof];
  if ((BigInt(old) & fn) === 0n) path.unshift(oldRoot);
  for (; fn & 1n; fn >>= 1n) sn >>= 1n;
  const first = path.shift();
  if (first === undefined) return false;
  const node = (l: Uint8Array, r: Uint8Array): Uint8Array => sha256(concat(Uint8Array.of(1), l, r));
  let [fr, sr]: Uint8Array[] = [first, first];
  for (const c of path) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      [fr, sr] = [node(c, fr!), node(c, sr!)];
      for (; fn !== 0n && !(fn & 1n); fn >>= 1n) sn >>= 1n;
    } else sr = node(sr!, c);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equalBytes(fr!, oldRoot) && equalBytes(sr!, root);
}

/** How many leaves the log had at the last checkpoint; 0 before the first. */
export function sizeOf(w: Witness): number {
  return w.signed === '' ? 0 : Number(w.signed.split('\n')[1]);
}

/**
 * Checks a head that the hub shows, and returns what is to be remembered.
 * restored says that the hub was put back from a copy. What it throws is an alarm.
 */
export async function take(w: Witness, shown: LogHead): Promise<{ witness: Witness; restored: boolean }> {
  const key = await follow(w.key, shown.keys);
  const next = await open(await verifierOf(key), shown.signed);
  const witness = { key, signed: shown.signed, over: w.over };
  if (w.signed === '') return { witness, restored: false };
  const last = await open(await verifierOf(w.key), w.signed);
  if (w.over.includes(next.epoch)) throw new Fault('audit_rolled_back', 'two hubs answer under one name');
  if (next.ended < last.ended) throw new Fault('audit_reopened', 'what was closed may be open again');
  if (next.epoch !== last.epoch) {
    if (w.over.length >= EPOCHS_MAX) throw new Fault('audit_rolled_back');
    return { witness: { ...witness, over: [...w.over, last.epoch] }, restored: true };
  }
  if (next.size < last.size) throw new Fault('audit_rolled_back');
  const proof = shown.proof.map((h) => fromBase64(h));
  if (!proof.every((h) => h?.length === 32) || (last.size > 0 && !isGrowth(proof as Uint8Array[], next.size, next.root, last.size, last.root))) {
    throw new Fault('audit_rewritten');
  }
  return { witness, restored: false };
}

