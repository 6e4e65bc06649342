// A coordinator's way through the desk, as it is committed: what others send
// appears by itself, and what waits is decided.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newKey } from '../src/core/box';
import { MemoryDisk } from '../src/core/disk';
import { textOf } from '../src/core/schema';
import { type ShownRecord, Tablet } from '../src/core/tablet';
import { type Demo, demoIn, deskOf, enrolmentOf, totp } from '../test/demo';
import { begins, heading, openBrowser, PASSPHRASE, PIN, press, violations, words } from './app';

let demo: Demo;
let browser: Browser;
let page: Page;
const faults: string[] = [];
const tablets: Record<string, Tablet> = {};

beforeAll(async () => {
  demo = demoIn(inject('folder'));
  browser = await openBrowser();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' })).newPage();
  page.on('pageerror', (e) => faults.push(e.message));
  for (const login of ['outreach', 'outreach2']) {
    tablets[login] = await Tablet.enrol(new MemoryDisk(), newKey(), enrolmentOf(demo, login));
    await tablets[login].sync();
  }
});

afterAll(async () => {
  await browser?.close();
});

/** What the desk says under a key. */
function said(key: string, language = 'en'): string {
  const at = join(import.meta.dirname, '..', '..', 'locales', language, 'desk.json');
  return (JSON.parse(readFileSync(at, 'utf8')) as Record<string, string>)[`desk.${key}`]!;
}
const button = (key: string) => page.getByRole('button', { name: said(key), exact: true });
const screen = (name: string, language = 'en') => page.locator('nav .entry', { hasText: said(`nav.${name}`, language) }).click();
const text = (r: ShownRecord, field: string) => textOf(r.fields.get(field)?.value);
async function bedIn(state: string): Promise<{ id: string; label: string }> {
  const t = tablets['outreach']!;
  const bed = (await t.list('beds')).find((b) => text(b, 'state') === state)!;
  return { id: bed.id, label: `${text(await t.show(text(bed, 'unit')), 'name')} · ${text(bed, 'label')}` };
}
const tiles = (label: string) => page.locator('.bed', { hasText: label });

test('a coordinator signs in with a second factor and sees the beds', async () => {
  const account = demo.accounts.find((a) => a.login === 'coordinator')!;
  const of = (key: string) => page.getByLabel(words(key), { exact: true });
  await page.goto(demo.url);
  await heading(page, 'app.enrol.title');
  await of('app.enrol.code').fill(enrolmentOf(demo, 'coordinator').code);
  await of('app.enrol.password').fill(account.password);
  await page.locator('summary', { hasText: words('app.enrol.has_second') }).click();
  await of('app.enrol.second').fill(totp(account.totp_secret!, Date.now() + 30_000)); // a code is good once: other tests use this moment's
  await press(page, 'app.next');
  await of('app.enrol.name').fill('Noor');
  await of('app.enrol.passphrase').fill(PASSPHRASE);
  await of('app.enrol.again').fill(PASSPHRASE);
  await of('app.enrol.pin').fill(PIN);
  await press(page, 'app.enrol.done');
  await page.getByRole('heading', { level: 1, name: said('beds.title') }).waitFor();
  await expect.poll(() => page.locator('.bed').count()).toBeGreaterThan(5);
});

test('somebody is admitted to a bed, and the hub has it', async () => {
  await page.locator('.bed.available').first().click();
  await button('beds.admit').click();
  await page.getByLabel(said('beds.who'), { exact: true }).selectOption({ index: 1 });
  await button('beds.admit_now').click();
  await expect.poll(() => page.locator('.bed.occupied .who', { hasText: /Kestrel|Marisol|nine/ }).count()).toBe(1);
  await expect.poll(() => page.locator('header .chip').innerText()).toMatch(begins('app.sync.all_sent'));
  await tablets['outreach']!.sync();
  const here = (await tablets['outreach']!.list('stays')).filter((s) => text(s, 'status') === 'checked_in');
  expect(here.length).toBeGreaterThan(0);
});

test('what a tablet sends appears without a reload', async () => {
  const t = tablets['outreach']!;
  const caseId = await t.make('cases', '', { set: { status: 'Active', owner: t.identity.staff } });
  await t.make('survivors', caseId, { set: { alias: 'Zorzal' } });
  await t.sync();
  const bed = await bedIn('available');
  expect(await tiles(bed.label).first().getAttribute('class')).toContain('bed');
  const before = await page.locator('.bed.occupied').count();
  await t.make('stays', caseId, { set: { bed: bed.id, status: 'checked_in', check_in: new Date().toISOString() } });
  await t.sync();
  await expect.poll(() => page.locator('.bed.occupied').count()).toBe(before + 1);
});

test('two values that two tablets wrote are looked at, and one is kept', async () => {
  const [a, b] = [tablets['outreach']!, tablets['outreach2']!];
  await b.sync();
  const shared = (await b.list('survivors'))[0]!;
  await a.set(shared.id, { set: { contact_notes: 'at the market' } });
  await b.set(shared.id, { set: { contact_notes: 'by the river' } });
  await a.sync();
  await b.sync();
  await screen('waits');
  await page.locator('main .item', { hasText: /contact/i }).first().click();
  await page.locator('.side', { hasText: 'by the river' }).getByRole('button', { name: words('app.conflicts.keep') }).click();
  await expect.poll(async () => {
    await a.sync();
    return (await a.show(shared.id)).fields.get('contact_notes')?.kept.map((k) => k.value);
  }).toEqual(['"by the river"']);
});

test('a change that the hub kept aside is decided with a reason', async () => {
  const t = tablets['outreach']!;
  const blocked = await bedIn('blocked');
  const caseId = await t.make('cases', '', { set: { status: 'Active', owner: t.identity.staff } });
  await t.make('survivors', caseId, { set: { alias: 'Chorlito' } });
  await t.make('stays', caseId, { set: { bed: blocked.id, status: 'checked_in', check_in: new Date().toISOString() } });
  await t.sync();
  expect(t.held().some((h) => h.held.some((one) => one.why === 'bed_blocked'))).toBe(true);
  await screen('waits');
  await page.locator('main .item', { hasText: 'Chorlito' }).first().click();
  await button('held.decline').click();
  await page.getByLabel(said('held.why'), { exact: true }).selectOption('wrong');
  await button('held.decline').click();
  await expect.poll(() => page.locator('main .item', { hasText: 'Chorlito' }).count()).toBe(0);
});

test('what another person asked is agreed to', async () => {
  const operator = await deskOf(demo, 'operator');
  const record = tablets['outreach2']!.identity.staff;
  const { id } = await operator('/api/portolan/approvals', { act: 'role_change', collection: 'staff', record, terms: 'roles=coordinator+outreach', reason: 'new_duties' });
  await screen('waits');
  await page.locator('main .item', { hasText: said('act.role_change').split('{')[1]!.split('}')[1]!.trim() }).first().click();
  await button('answer.yes').click();
  await expect.poll(async () => {
    const { approvals } = (await operator('/api/portolan/approvals')) as unknown as { approvals: { id: string; agreed: boolean }[] };
    return approvals.find((a) => a.id === id)?.agreed;
  }).toBe(true);
});

test('a tablet is enrolled by the code that the desk shows, and one is revoked', async () => {
  await screen('tablets');
  await button('tablets.enrol').click();
  const option = await page.locator('dialog option', { hasText: 'Health worker' }).first().getAttribute('value');
  await page.getByLabel(said('enrol.who'), { exact: true }).selectOption(option!);
  await button('enrol.make').click();
  await page.locator('dialog svg[role="img"]').waitFor();
  const code = (await page.locator('dialog .code').innerText()).trim();
  const theirs = await Tablet.enrol(new MemoryDisk(), newKey(), { url: demo.url, code, password: demo.accounts.find((a) => a.login === 'health')!.password, label: 'from the desk' });
  await theirs.sync();
  await button('done').click();
  const row = page.locator('tbody tr', { hasText: 'from the desk' });
  await row.waitFor();
  await row.getByRole('button').click();
  await page.getByRole('dialog').getByRole('combobox').selectOption('lost');
  await page.getByRole('dialog').getByRole('button', { name: said('tablets.revoke'), exact: true }).click();
  await expect.poll(async () => (await theirs.sync()).ended).toBe(true);
  await row.waitFor({ state: 'detached' });
});

test('access that is ended at the desk is gone from the tablet', async () => {
  const t = tablets['outreach2']!;
  const kestrel = (await t.list('survivors')).find((s) => text(s, 'alias').includes('Kestrel'))!;
  await screen('access');
  const option = await page.locator('main option', { hasText: 'Kestrel' }).first().getAttribute('value');
  await page.getByLabel(said('access.case'), { exact: true }).selectOption(option!);
  const rows = page.locator('tbody tr', { hasText: 'Outreach worker two' });
  await rows.first().waitFor();
  for (let n = await rows.count(); n > 0; n--) {
    await rows.first().getByRole('button').click();
    await expect.poll(() => rows.count()).toBe(n - 1);
  }
  await expect.poll(async () => {
    await t.sync();
    return (await t.list('survivors')).some((s) => s.id === kestrel.id);
  }).toBe(false);
});

test('a role that carries powers is asked for, and who has looked at a case is shown', async () => {
  await screen('staff');
  await page.locator('tbody tr', { hasText: 'Legal worker (demo)' }).getByRole('button').click();
  await page.getByRole('dialog').getByText('Auditor', { exact: true }).click();
  await button('staff.ask').click();
  await page.getByText(said('staff.asked'), { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await screen('waits');
  await page.locator('main li', { hasText: 'Legal worker (demo)' }).filter({ hasText: 'Auditor' }).waitFor();
  await screen('trail');
  await page.getByLabel(said('access.case'), { exact: true }).selectOption({ index: 1 });
  await page.locator('tbody tr').first().waitFor();
});

test('no screen of the desk has a fault of WCAG 2.2 AA, in both directions, light and dark', async () => {
  const shots = process.env['SHOTS'] ?? '';
  if (shots !== '') mkdirSync(shots, { recursive: true });
  const found: unknown[] = [];
  // Pictures are taken of all four; two of them have both directions and both grounds.
  const looks = shots === '' ? ([['en', false], ['ar', true]] as const) : ([['en', false], ['en', true], ['ar', false], ['ar', true]] as const);
  for (const [language, dark] of looks) {
    await page.locator('nav .entry').last().click();
    await page.locator('main select').first().selectOption(language);
    await page.waitForFunction((l) => document.documentElement.lang === l, language);
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    for (let i = 0; i < (await page.locator('nav .entry').count()); i++) {
      await page.locator('nav .entry').nth(i).click();
      await page.locator('main h1').waitFor();
      for (const v of await violations(page)) found.push({ language, dark, i, ...v });
      if (shots !== '') await page.screenshot({ path: join(shots, `desk-${i}-${language}${dark ? '-dark' : ''}.png`) });
    }
  }
  expect(found).toEqual([]);
  expect(faults).toEqual([]);
});
