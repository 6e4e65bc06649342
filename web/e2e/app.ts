// The committed app in Chromium, against a hub of this program that can be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Demo } from '../test/demo';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const locales = join(import.meta.dirname, '..', '..', 'locales');

export const PASSPHRASE = 'lamp river seven tulip';
export const PIN = '4711';

/** What the app says under a key, in a language. */
export function words(key: string, language = 'en'): string {
  const said = (JSON.parse(readFileSync(join(locales, language, 'app.json'), 'utf8')) as Record<string, string>)[key];
  if (said === undefined) throw new Error(`${language} has no ${key}`);
  return said;
}

/** What begins like the words of a key, before anything is put in. */
export function begins(key: string, language = 'en'): RegExp {
  return new RegExp('^\\s*' + words(key, language).split('{')[0]!.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A demo of its own, always at one address. */
export class Hub {
  private process: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    readonly url: string,
  ) {}

  static async start(program: string): Promise<Hub> {
    const hub = new Hub(program, mkdtempSync(join(tmpdir(), 'portolan-e2e-')), `http://127.0.0.1:${await freePort()}`);
    await hub.up();
    return hub;
  }

  /** Starts it, or starts it again, and waits until it answers. */
  async up(): Promise<void> {
    const listen = this.url.slice('http://'.length);
    const hub = spawn(this.program, ['demo', '--people', '6', '--listen', listen, '--dir', join(this.folder, 'demo')], { stdio: 'ignore' });
    this.process = hub;
    this.ended = new Promise((resolve) => hub.on('exit', () => resolve()));
    for (;;) {
      if (hub.exitCode !== null) throw new Error('the demo ended by itself');
      const there = existsSync(join(this.folder, 'demo', 'demo.json')) && (await fetch(`${this.url}/api/portolan/health`).then((a) => a.ok, () => false));
      if (there) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends it at once, as a power cut does. */
  async kill(): Promise<void> {
    this.process?.kill('SIGKILL');
    await this.ended;
  }

  async end(): Promise<void> {
    this.process?.kill('SIGTERM');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  get demo(): Demo {
    return JSON.parse(readFileSync(join(this.folder, 'demo', 'demo.json'), 'utf8')) as Demo;
  }
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/** A tablet with an empty browser. What its console or a page complains of fails the test that reads faults. */
export async function openTablet(browser: Browser): Promise<{ context: BrowserContext; page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 800, height: 1280 }, locale: 'en-GB' });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (e) => faults.push(e.message));
  // A hub that ends a tablet asks the browser to forget everything; the app does that itself, and keeps what is not delivered.
  page.on('console', (m) => {
    if (m.type() === 'error' && !/ERR_(INTERNET_DISCONNECTED|CONNECTION|EMPTY_RESPONSE|INCOMPLETE)|status of (401|409|503)|Clear-Site-Data/.test(m.text())) faults.push(m.text());
  });
  return { context, page, faults };
}

/** Signs somebody of the demo in on a tablet, through the screens. */
export async function enrol(page: Page, demo: Demo, login: string, name: string, fresh?: string): Promise<void> {
  const of = (key: string) => page.getByLabel(words(key), { exact: true });
  await of('app.enrol.code').fill(fresh ?? demo.enrolment_codes.find((c) => c.login === login)!.code); // each is good once
  await of('app.enrol.password').fill(demo.accounts.find((a) => a.login === login)!.password);
  await press(page, 'app.next');
  await of('app.enrol.name').fill(name);
  await of('app.enrol.passphrase').fill(PASSPHRASE);
  await of('app.enrol.again').fill(PASSPHRASE);
  await of('app.enrol.pin').fill(PIN);
  await press(page, 'app.enrol.done');
  await heading(page, 'app.tab.today');
}

export async function press(page: Page, key: string, language = 'en'): Promise<void> {
  await page.getByRole('button', { name: words(key, language), exact: true }).first().click();
}

export async function heading(page: Page, key: string, language = 'en'): Promise<void> {
  await page.getByRole('heading', { level: 1, name: begins(key, language) }).waitFor();
}

export interface Violation {
  rule: string;
  where: string;
}

/** What axe finds against WCAG 2.2 AA, and targets of less than 48 pixels, and what does not fit. */
export async function violations(page: Page): Promise<Violation[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(of: Document, o: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }> } };
    const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    const found = violations.flatMap((v) => v.nodes.map((n) => ({ rule: v.id, where: `${n.html.slice(0, 160)} ${(n.failureSummary ?? '').slice(0, 200)}` })));
    for (const e of document.querySelectorAll<HTMLElement>('button, a, select, input, textarea, summary')) {
      const box = (e.closest('label') ?? e).getBoundingClientRect();
      if (box.width > 0 && (box.height < 47.5 || box.width < 47.5)) found.push({ rule: 'target-48', where: e.outerHTML.slice(0, 120) });
    }
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide > 1) found.push({ rule: 'sideways', where: `${wide} pixels` });
    return found;
  });
}

/** Everything that a thief of the tablet reads without its keys: stores, caches, addresses, titles. */
export function readOut(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const out: unknown[] = [location.href, document.title, { ...localStorage }, { ...sessionStorage }, document.cookie, history.state];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const r = indexedDB.open(name!);
        r.onsuccess = () => resolve(r.result);
        r.onerror = () => reject(r.error!);
      });
      for (const store of db.objectStoreNames) {
        const all = await new Promise<unknown[]>((resolve, reject) => {
          const r = db.transaction(store).objectStore(store).getAll();
          r.onsuccess = () => resolve(r.result as unknown[]);
          r.onerror = () => reject(r.error!);
        });
        const text = new TextDecoder();
        const plain = (v: unknown): unknown =>
          v instanceof Uint8Array ? text.decode(v) : Array.isArray(v) ? v.map(plain) : v !== null && typeof v === 'object' ? Object.entries(v).map(([k, w]) => [k, plain(w)]) : v;
        out.push(all.map(plain));
      }
      db.close();
    }
    for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) out.push(r.url);
    return JSON.stringify(out);
  });
}

/** The clock of what somebody was typing and was kept last, "" where nothing is. */
export function typedAt(page: Page): Promise<string> {
  return page.evaluate(async () => {
    let last = '';
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve) => {
        const r = indexedDB.open(name!);
        r.onsuccess = () => resolve(r.result);
      });
      const values = db.transaction('values').objectStore('values');
      const range = IDBKeyRange.bound('item draft ', 'item draft ~');
      const all = await new Promise<string[]>((resolve) => {
        const r = values.getAllKeys(range);
        r.onsuccess = () => resolve(r.result as string[]);
      });
      db.close();
      for (const key of all) if (key.split('/').at(-1)! > last) last = key.split('/').at(-1)!;
    }
    return last;
  });
}

/** The names of all keys that lie in the stores of this tablet. */
export function keysOf(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const keys: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve) => {
        const r = indexedDB.open(name!);
        r.onsuccess = () => resolve(r.result);
      });
      const all = await new Promise<string[]>((resolve) => {
        const r = db.transaction('values').objectStore('values').getAllKeys(IDBKeyRange.bound('key ', 'key ~'));
        r.onsuccess = () => resolve(r.result as string[]);
      });
      db.close();
      keys.push(...all);
    }
    return keys;
  });
}

/** Every text in the memory of the page, after what nobody holds is swept. */
export async function memory(page: Page): Promise<string> {
  const cdp = await page.context().newCDPSession(page);
  const chunks: string[] = [];
  cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await cdp.detach();
  return chunks.join('');
}
