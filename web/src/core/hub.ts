import { authorization, type SigningKey } from './chain';
import { type Bytes, text, utf8 } from './bytes';
import { Fault } from './fault';
import { LINE_BYTES_MAX } from './line';

const GZIP_FROM = 512;
const PROBLEM_BYTES_MAX = 64 << 10;
const HEADER_TIMEOUT = 2 * 60_000;
const STALL_TIMEOUT = 60_000;
const SIGN_TRIES = 3;

/** The hub's answer when it is no success. */
export class HubFault extends Fault {
  constructor(
    code: string,
    hint: string,
    readonly status: number,
    /** For how many milliseconds the hub asks to be left alone. */
    readonly wait: number,
    /** Its time in milliseconds, where the request's was wrong; 0 where it does not say. */
    readonly now: number,
    readonly after: number,
    /** From which number it wants changes again, 0 where it does not say. */
    readonly expected: number,
  ) {
    super(code, hint);
  }
}

/** Says whether a fault means no more than that there is no line to the hub now. */
export function isUnreachable(thrown: unknown): boolean {
  return thrown instanceof Fault && ['hub_unreachable', 'answer_broken_off'].includes(thrown.code);
}

/** Gives each request a time that rises, and takes over the hub's where that is what it asks for. */
export interface Times {
  next(): Promise<number>;
  correct(now: number, after: number): Promise<void>;
}

/** A line to one hub, over which requests are signed. */
export class Line {
  constructor(
    private readonly url: string,
    private readonly fetch: typeof globalThis.fetch,
    private readonly signer?: { key: SigningKey; replica: string; times: Times },
  ) {}

  /** Sends a request and returns the answer to a success; all else is thrown. */
  async ask(method: string, path: string, body: string | Bytes = '', headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.askOnce(method, path, body, headers, signal);
      } catch (e) {
        const again = e instanceof HubFault && e.now > 0 && ['clock_off', 'request_replayed'].includes(e.code);
        if (!again || this.signer === undefined || tried === SIGN_TRIES) throw e;
        await this.signer.times.correct(e.now, e.after);
      }
    }
  }

  private async askOnce(method: string, path: string, body: string | Bytes, more: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { ...more };
    let sent = typeof body === 'string' ? utf8(body) : body;
    if (typeof body === 'string' && body !== '') headers['Content-Type'] = 'application/json';
    if (typeof body === 'string' && sent.length >= GZIP_FROM) {
      sent = await packed(sent);
      headers['Content-Encoding'] = 'gzip';
    }
    const s = this.signer;
    if (s !== undefined && headers['Authorization'] === undefined) {
      headers['Authorization'] = await authorization(s.key, s.replica, method, path, await s.times.next(), sent);
    }
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), HEADER_TIMEOUT);
    const stop = () => patience.abort();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    let answer: Response;
    try {
      answer = await this.fetch(this.url + path, {
        method,
        headers,
        ...(sent.length === 0 ? {} : { body: sent }),
        redirect: 'error', // what was signed is for one hub
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
        signal: patience.signal,
      });
    } catch {
      throw new Fault('hub_unreachable', 'The hub cannot be reached now. Everything is kept; sync again when there is a network.');
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop); // whoever reads the body looks at the signal
    }
    if (answer.ok) return answer;
    throw await problemOf(answer);
  }
}

/** Reads an error's body. What is not in the hub's form does not come from a hub. */
async function problemOf(answer: Response): Promise<Fault> {
  const unknown = new Fault('answer_unknown', `What answers at this address is no hub (status ${answer.status}). Nothing was lost.`);
  let p: Record<string, unknown>;
  try {
    p = JSON.parse((await answer.text()).slice(0, PROBLEM_BYTES_MAX)) as Record<string, unknown>;
  } catch {
    return unknown;
  }
  const number = (v: unknown) => (typeof v === 'number' && Number.isSafeInteger(v) ? v : 0);
  const words = (v: unknown) => (typeof v === 'string' ? v : '');
  const code = words(p['code']);
  if (code === '') return unknown;
  const wait = Number(answer.headers.get('Retry-After'));
  return new HubFault(code, words(p['hint']) || words(p['message']), answer.status, wait > 0 ? wait * 1000 : 0, number(p['now']), number(p['after']), number(p['expected']));
}

async function packed(body: Bytes): Promise<Bytes> {
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The bytes of an answer as they come. A line on which nothing comes for so many milliseconds is cut. */
export async function* chunksOf(answer: Response, signal?: AbortSignal, stall = STALL_TIMEOUT): AsyncGenerator<Uint8Array> {
  if (answer.body === null) return;
  const broken = () => new Fault('answer_broken_off', 'The line broke during the answer. What came is kept; sync again.');
  const reader = answer.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let cut = () => {};
  const stop = () => cut();
  signal?.addEventListener('abort', stop);
  try {
    for (;;) {
      const stalled = new Promise<never>((_, reject) => {
        cut = () => reject(broken());
        timer = setTimeout(cut, stall);
        if (signal?.aborted) cut();
      });
      let got;
      try {
        got = await Promise.race([reader.read(), stalled]);
      } catch {
        throw broken();
      } finally {
        clearTimeout(timer);
      }
      if (got.done) return;
      yield got.value;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await reader.cancel().catch(() => {});
  }
}

/** The lines of an answer. What stands behind the last line break is no line: the answer was cut. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, at));
      yield joined(parts);
      parts = [];
      size = 0;
      from = at + 1;
    }
    parts.push(chunk.slice(from));
    size += chunk.length - from;
    if (size > LINE_BYTES_MAX) throw new Fault('line_too_large', `a line is over ${LINE_BYTES_MAX} bytes`);
  }
}

function joined(parts: Uint8Array[]): string {
  if (parts.length === 1) return text(parts[0]!);
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return text(all);
}
