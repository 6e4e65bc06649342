// A hub of this program with invented people, and its Go tablets.
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import type { Enrolment } from '../src/core/tablet';

export interface Demo {
  url: string;
  accounts: { login: string; password: string; totp_secret?: string }[];
  enrolment_codes: { login: string; code: string }[];
  case_moving: string;
  tablet_passphrase: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    folder: string;
    /** The sign-in of the coordinator: a code of an authenticator app is good once, and several files need it. */
    coordinator: string;
  }
}

const run = promisify(execFile);

/** Builds the program and starts a demo; the tests read it from its folder. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-web-'));
  const program = join(folder, 'portolan');
  await run('go', ['build', '-o', program, '.'], { cwd: join(import.meta.dirname, '..', '..') });
  const hub = spawn(program, ['demo', '--people', '1', '--listen', '127.0.0.1:0', '--dir', join(folder, 'demo')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  hub.stderr.on('data', (b: Buffer) => (told += b.toString()));
  const ended = new Promise<void>((resolve) => hub.on('exit', () => resolve()));
  while (!existsSync(join(folder, 'demo', 'demo.json'))) {
    if (hub.exitCode !== null) throw new Error(`the demo ended by itself: ${told}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  project.provide('folder', folder);
  project.provide('coordinator', await signIn(demoIn(folder), 'coordinator'));
  return async () => {
    hub.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}

export function demoIn(folder: string): Demo {
  return JSON.parse(readFileSync(join(folder, 'demo', 'demo.json'), 'utf8')) as Demo;
}

/** What somebody of the demo shows as a store becomes theirs. Each code is good once. */
export function enrolmentOf(demo: Demo, login: string): Enrolment {
  const account = demo.accounts.find((a) => a.login === login)!;
  const { code } = demo.enrolment_codes.find((c) => c.login === login)!;
  return { url: demo.url, code, password: account.password, label: 'web' };
}

/** Runs the Go tablet of somebody of the demo; what waits for a decision is no fault. */
export async function goTablet(folder: string, login: string, ...args: string[]): Promise<string> {
  const demo = demoIn(folder);
  const env = { ...process.env, PORTOLAN_TABLET_PASSPHRASE: demo.tablet_passphrase };
  try {
    return (await run(join(folder, 'portolan'), ['tablet', '--dir', join(folder, 'demo', 'tablets', login), ...args], { env })).stdout;
  } catch (e) {
    const { code, stdout } = e as { code?: number; stdout?: string };
    if (code === 4) return stdout!;
    throw e;
  }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The six digits of an authenticator app (RFC 6238). */
export function totp(secret: string, at: number): string {
  const bits = [...secret.replace(/=+$/, '')].map((c) => BASE32.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g)!.map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

async function ask(demo: Demo, path: string, token: string, body?: unknown): Promise<Record<string, string>> {
  const headers = token === '' ? {} : { Authorization: token };
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(demo.url + path, { ...sent, headers: { 'Content-Type': 'application/json', ...headers } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, string>;
}

/** The desk of somebody of the demo: what asks the hub in their name. */
export async function deskOf(demo: Demo, login: string, token?: string): Promise<(path: string, body?: unknown) => Promise<Record<string, string>>> {
  const signedIn = token ?? (await signIn(demo, login));
  return (path, body) => ask(demo, path, signedIn, body);
}

async function signIn(demo: Demo, login: string): Promise<string> {
  const account = demo.accounts.find((a) => a.login === login)!;
  const code = account.totp_secret === undefined ? {} : { code: totp(account.totp_secret, Date.now()) };
  const { token } = await ask(demo, '/api/collections/accounts/auth-with-password', '', { identity: login, password: account.password, ...code });
  return token!;
}
