import { base64, base64url, type Bytes, concat, fromBase64url, hex, part, utf8 } from './bytes';
import { extended, openChaCha, sealChaCha, TAG_BYTES } from './chacha';
import { Fault } from './fault';
import { HubFault, isUnreachable, type Line } from './hub';
import { quote } from './json';
import { hubKeyOf, meta } from './meta';
import type { Scope } from './name';
import { sha256 } from './sha256';
import type { State, Thing, Tx } from './state';
import { sealToHub } from './unsent';

// Files of documents on their way up, from when they are attached until the hub
// has them whole, and on their way down, until they are given out (docs/protocol.md,
// "Files"). What goes up lies sealed under a key of its own, which stands twice:
// under the key of its scope, and sealed to the hub. What comes down lies in
// pieces under the key of its scope.

const UPLOADS = '/api/portolan/uploads';
const PIECE = 64 << 10;
export const FILE_MOST = 16 << 20;
/** Of a tablet that has ended: what is signed counts whole or not at all. */
const SIGNED_MOST = 1 << 20;
/** A piece of which nothing came is given a quarter next time. */
const BRING_LEAST = 4 << 10;
const VAIN_MOST = 8;
const TUS = { 'Tus-Resumable': '1.0.0' };

interface UpClear {
  box: string;
  boxKey: string;
  document: string;
  /** Under which replica it was sealed. */
  of: string;
  /** As it lies, and what its pieces are called. */
  length: number;
  pieces: string;
  /** What the hub calls it, as it lies. */
  place: string;
}

interface UpSecret {
  sha256: string;
  type: string;
  size: number;
  /** base64url */
  key: string;
  /** What the hub calls it, as it was attached. */
  place: string;
}

interface DownClear {
  box: '';
  document: string;
  tag: string;
  /** SHA-256 of the whole, as the hub tells it, base64. */
  sum: string;
  size: number;
  have: number;
}

/** What became of the files of a sync. */
export interface Brought {
  files: number;
  filesWaiting: number;
  /** About which somebody at the hub decides. */
  filesAside: number;
  fileFaults: { document: string; code: string }[];
  /** Documents of what was erased, whose files are destroyed here. */
  filesErased: string[];
}

const HEADER = Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0, 0, 0);
const PREFIX_BYTES = 19;

function bound(replica: string, document: string): Bytes {
  return concat(HEADER, utf8('portolan file 1'), part('unsent_files'), part(replica), part(document));
}

function chunkNonce(prefix: Uint8Array, i: number, last: boolean): Bytes {
  const n = concat(prefix, new Uint8Array(5));
  new DataView(n.buffer).setUint32(PREFIX_BYTES, i);
  n[PREFIX_BYTES + 4] = last ? 1 : 0;
  return n;
}

/** Seals a file in chunks, as it lies until the hub has it. */
export function sealFile(key: Uint8Array, replica: string, document: string, plain: Uint8Array): Bytes {
  const prefix = crypto.getRandomValues(new Uint8Array(PREFIX_BYTES));
  const beside = bound(replica, document);
  const parts: Uint8Array[] = [HEADER, prefix];
  const chunks = Math.max(1, Math.ceil(plain.length / PIECE));
  for (let i = 0; i < chunks; i++) {
    const x = extended(key, chunkNonce(prefix, i, i === chunks - 1));
    parts.push(sealChaCha(x.key, x.nonce, plain.subarray(i * PIECE, (i + 1) * PIECE), beside));
  }
  return concat(...parts);
}

/** Opens what sealFile sealed; store_damaged where it did not. */
export function openFile(key: Uint8Array, replica: string, document: string, lies: Uint8Array): Bytes {
  const prefix = lies.subarray(HEADER.length, HEADER.length + PREFIX_BYTES);
  const body = lies.subarray(HEADER.length + PREFIX_BYTES);
  const beside = bound(replica, document);
  const parts: Uint8Array[] = [];
  const chunks = Math.max(1, Math.ceil(body.length / (PIECE + TAG_BYTES)));
  for (let i = 0; i < chunks; i++) {
    const x = extended(key, chunkNonce(prefix, i, i === chunks - 1));
    const plain = openChaCha(x.key, x.nonce, body.subarray(i * (PIECE + TAG_BYTES), (i + 1) * (PIECE + TAG_BYTES)), beside);
    if (plain === undefined) throw new Fault('store_damaged', 'A file in the store does not open: it was altered.');
    parts.push(plain);
  }
  return concat(...parts);
}

/** What is attached to a document. */
export interface Attached {
  document: string;
  caseId: string;
  compartment: string;
  staff: string;
  replica: string;
  clock: string;
  type: string;
  bytes: Bytes;
}

/** Keeps the file of a document, sealed, until the hub has it; one that was attached before and has not gone up is replaced. */
export async function attachFile(state: State, tx: Tx, a: Attached): Promise<void> {
  if (a.bytes.length === 0 || a.bytes.length > FILE_MOST) throw new Fault('document_too_large', 'A file has from one byte to 16 MB.');
  const to = hubKeyOf(tx);
  if (to === undefined) throw new Fault('store_locked', 'nothing is kept in clear');
  const key = crypto.getRandomValues(new Uint8Array(32));
  const sum = hex(sha256(a.bytes));
  const before = tx.things.get(`up ${a.document}`);
  if (before?.secret !== undefined && (JSON.parse(before.secret) as UpSecret).sha256 === sum) return; // the same once more
  const said =
    `{"document":${quote(a.document)},"case":${quote(a.caseId)},"compartment":${quote(a.compartment)},"sha256":${quote(sum)},` +
    `"filetype":${quote(a.type)},"size":${a.bytes.length},"by":${quote(a.staff)},"t":${quote(a.clock)},"key":${quote(base64url(key))}}`;
  const box = base64url(await sealToHub(to, ['unsent_files', a.replica, a.document], said));
  const lies = sealFile(key, a.replica, a.document, a.bytes);
  const pieces = hex(crypto.getRandomValues(new Uint8Array(8)));
  for (let at = 0; at < lies.length; at += PIECE) await state.putBlob(`up ${a.document} ${pieces}-${at}`, lies.slice(at, at + PIECE));
  const clear: UpClear = { box, boxKey: to.id, document: a.document, of: a.replica, length: lies.length, pieces, place: '' };
  const secret: UpSecret = { sha256: sum, type: a.type, size: a.bytes.length, key: base64url(key), place: '' };
  tx.things.put(`up ${a.document}`, { scope: scopeOfFile(a.caseId, a.compartment), clear, secret: JSON.stringify(secret) });
  tx.set(meta.clock, a.clock);
}

export const scopeOfFile = (caseId: string, compartment: string): Scope => `case:${caseId}/${compartment}`;

export function filesWaiting(things: Iterable<[string, Thing]>): number {
  return [...things].filter(([key]) => key.startsWith('up ')).length;
}

/** Reads a file that goes up as it lies. */
async function lying(state: State, c: UpClear): Promise<Bytes> {
  const parts: Bytes[] = [];
  for (let at = 0; at < c.length; at += PIECE) parts.push(await state.blob(`up ${c.document} ${c.pieces}-${at}`));
  const all = concat(...parts);
  if (all.length !== c.length) throw new Fault('store_damaged', 'A piece of a file is gone.');
  return all;
}

/** The file of a document that was attached here and has not gone up; undefined where there is none. */
export async function attachedFile(state: State, document: string): Promise<Bytes | undefined> {
  const t = state.things.get(`up ${document}`);
  if (t?.secret === undefined) return undefined;
  const c = t.clear as UpClear;
  return openFile(fromBase64url((JSON.parse(t.secret) as UpSecret).key)!, c.of, document, await lying(state, c));
}

/** Brings files to a hub, and fetches them. */
export class Freight {
  private bearer = '';

  constructor(
    private readonly state: State,
    private readonly line: Line,
    private readonly token: () => Promise<string>,
  ) {}

  /** Asks about a file: with a token, so that every byte counts, or, of a tablet that has ended, signed. */
  private async ask(signed: boolean, method: string, path: string, body: Bytes | '' = '', more: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const headers = { ...TUS, ...more };
    if (signed) return this.line.ask(method, path, body, headers, signal);
    for (let fresh = false; ; fresh = true) {
      if (this.bearer === '' || fresh) this.bearer = await this.token();
      try {
        return await this.line.ask(method, path, body, { ...headers, Authorization: `Bearer ${this.bearer}` }, signal);
      } catch (e) {
        if (fresh || !(e instanceof HubFault) || e.status !== 401) throw e;
      }
    }
  }

  /** Sends the files that wait, one after the other. What the hub refuses keeps no other from going. */
  async bringAll(ended: boolean, signal?: AbortSignal): Promise<Brought> {
    const done: Brought = { files: 0, filesWaiting: 0, filesAside: 0, fileFaults: [], filesErased: [] };
    const waiting = await this.state.inTx((tx) => tx.thingsIn<UpClear>('up '));
    for (const [key, t] of waiting) {
      let sealed = t.secret === undefined || t.clear.place !== '';
      try {
        try {
          await this.bring(key, t, sealed, ended, signal);
        } catch (e) {
          if (sealed || !isMissing(e)) throw e;
          sealed = true; // the hub keeps its document aside too, or access ended a moment ago
          await this.bring(key, t, sealed, ended, signal);
        }
        done.files++;
        if (sealed) done.filesAside++;
      } catch (e) {
        if (e instanceof HubFault && e.code === 'erased') done.filesErased.push(t.clear.document);
        else {
          done.filesWaiting++;
          if (e instanceof HubFault && e.wait === 0 && e.status !== 401 && e.status < 500) done.fileFaults.push({ document: t.clear.document, code: e.code });
          else if (!isUnreachable(e) && !(e instanceof HubFault)) throw e;
          continue;
        }
      }
      // Unless another one was attached in its place meanwhile.
      await this.state.inTx((tx) => {
        if (tx.things.get(key)?.clear.box === t.clear.box) tx.things.delete(key);
      });
    }
    return done;
  }

  /** Sends one file until the hub has it whole; gives up where the line carried nothing several times. */
  private async bring(key: string, t: Thing & { clear: UpClear }, sealed: boolean, signed: boolean, signal?: AbortSignal): Promise<void> {
    const lies = await lying(this.state, t.clear);
    const secret = t.secret === undefined ? undefined : (JSON.parse(t.secret) as UpSecret);
    const bytes = sealed ? lies : openFile(fromBase64url(secret!.key)!, t.clear.of, t.clear.document, lies);
    const code = (b: string | Uint8Array) => base64(typeof b === 'string' ? utf8(b) : b);
    const said = sealed
      ? `of ${code(`${t.clear.of}/${t.clear.document}`)},key ${code(t.clear.boxKey)},sealed ${code(fromBase64url(t.clear.box)!)}`
      : `document ${code(t.clear.document)},sha256 ${code(secret!.sha256)},filetype ${code(secret!.type)}`;
    let place = sealed ? t.clear.place : secret!.place;
    let [piece, reached, vain] = [bytes.length, -1, 0];
    const begin = async () => {
      const answer = await this.ask(signed, 'POST', UPLOADS, '', { 'Upload-Length': String(bytes.length), 'Upload-Metadata': said }, signal);
      place = answer.headers.get('Location') ?? '';
      if (!place.startsWith(`${UPLOADS}/`)) throw new Fault('answer_unknown', 'this is no place of a file');
      await this.state.inTx((tx) => {
        const now = tx.things.get(key) as (Thing & { clear: UpClear }) | undefined;
        if (now?.clear.box !== t.clear.box) return;
        if (sealed) tx.things.put(key, { ...now, clear: { ...now.clear, place } as UpClear });
        else if (now.secret !== undefined) tx.things.put(key, { ...now, secret: JSON.stringify({ ...secret!, place }) });
      });
    };
    for (;;) {
      let offset = -1;
      try {
        if (place === '') await begin();
        try {
          offset = offsetIn(await this.ask(signed, 'HEAD', place, '', {}, signal));
        } catch (e) {
          if (!isMissing(e)) throw e;
          await begin(); // it has ended: the hub was restored, or two weeks went by
          offset = 0;
        }
        if (offset < bytes.length) {
          const n = Math.min(piece, bytes.length - offset, signed ? SIGNED_MOST : Infinity);
          const headers = { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) };
          offset = offsetIn(await this.ask(signed, 'PATCH', place, bytes.slice(offset, offset + n), headers, signal));
          piece *= 2;
        }
        if (offset >= bytes.length) return;
      } catch (e) {
        const elsewhere = e instanceof HubFault && ['upload_offset', 'upload_taken'].includes(e.code);
        if (!elsewhere && (!isUnreachable(e) || signal?.aborted)) throw e;
        if (offset <= reached && vain + 1 >= VAIN_MOST) throw e;
      }
      if (offset > reached) [reached, vain] = [offset, 0];
      else {
        vain++;
        if (vain >= VAIN_MOST) throw new Fault('hub_unreachable', 'The line carries nothing. The file is kept.');
        piece = Math.max(BRING_LEAST, Math.floor(Math.min(piece, bytes.length) / 4));
      }
    }
  }

  /** Has the file of a document come down, from where it broke off, and gives it out. */
  async fetch(document: string, scope: Scope, signal?: AbortSignal): Promise<Bytes> {
    const key = `down ${document}`;
    for (let vain = 0; ; ) {
      const before = this.state.things.get(key)?.clear as DownClear | undefined;
      try {
        if (await this.takeOnce(key, document, scope, before, signal)) break;
      } catch (e) {
        if (!isUnreachable(e) || signal?.aborted) throw e;
        const now = this.state.things.get(key)?.clear as DownClear | undefined;
        vain = (now?.have ?? 0) > (before?.have ?? 0) ? 0 : vain + 1;
        if (vain >= VAIN_MOST) throw e;
      }
    }
    const { have, sum } = this.state.things.get(key)!.clear as DownClear;
    const parts: Bytes[] = [];
    for (let at = 0; at < have; ) {
      const p = await this.state.blob(`${key} ${at}`, scope);
      parts.push(p);
      at += p.length;
    }
    const bytes = concat(...parts);
    await this.state.inTx((tx) => tx.things.delete(key));
    if (base64(sha256(bytes)) !== sum) throw new Fault('file_differs', 'What came is not the file that the record names. Ask for it again.');
    return bytes;
  }

  /** Asks for what is missing of a file, and keeps what comes; true once it is whole. */
  private async takeOnce(key: string, document: string, scope: Scope, before: DownClear | undefined, signal?: AbortSignal): Promise<boolean> {
    if (before !== undefined && before.have === before.size) return true;
    const range = before === undefined ? {} : { Range: `bytes=${before.have}-`, 'If-Range': before.tag };
    const answer = await this.ask(false, 'GET', `/api/portolan/documents/${document}/file`, '', range, signal);
    let d = before;
    if (answer.status !== 206 || d === undefined) {
      const sum = /^sha-256=:([^:]*):$/.exec(answer.headers.get('Repr-Digest') ?? '')?.[1] ?? '';
      d = { box: '', document, tag: answer.headers.get('ETag') ?? '', sum, size: Number(answer.headers.get('Content-Length')), have: 0 };
      if (d.tag === '' || sum === '' || !(d.size > 0) || d.size > FILE_MOST) throw new Fault('answer_unknown', 'this is no file of a hub');
    }
    const reader = answer.body?.getReader();
    let held: Uint8Array[] = [];
    let size = 0;
    const keep = async () => {
      if (size === 0) return;
      const bytes = concat(...held);
      const at = d!.have;
      d = { ...d!, have: at + bytes.length };
      await this.state.inTx(async (tx) => {
        await this.state.putBlob(`${key} ${at}`, bytes, scope);
        tx.things.put(key, { scope, clear: d!, secret: document });
      });
      held = [];
      size = 0;
    };
    for (;;) {
      let got;
      try {
        got = await reader?.read();
      } catch {
        await keep();
        throw new Fault('answer_broken_off', 'The line broke during the answer. What came is kept; ask again.');
      }
      if (got?.value !== undefined) {
        held.push(got.value);
        size += got.value.length;
      }
      if (got === undefined || got.done) break;
      if (size >= PIECE) await keep();
    }
    await keep();
    return d.have === d.size;
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof HubFault && thrown.status === 404;
}

/** How far the hub has a file. */
function offsetIn(answer: Response): number {
  const n = Number(answer.headers.get('Upload-Offset') ?? 'x');
  if (!Number.isSafeInteger(n) || n < 0) throw new Fault('answer_unknown', 'this is no answer about a file');
  return n;
}
