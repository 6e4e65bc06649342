// A worker's way through the app, as it is committed: with a network, without
// one, and with the hub gone.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deskOf } from '../test/demo';
import { begins, enrol, heading, Hub, openBrowser, openTablet, PASSPHRASE, PIN, keysOf, memory, press, readOut, typedAt, violations, words } from './app';

let hub: Hub;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];

beforeAll(async () => {
  [hub, browser] = await Promise.all([Hub.start(join(inject('folder'), 'portolan')), openBrowser()]);
  ({ context, page, faults } = await openTablet(browser));
});

afterAll(async () => {
  await browser?.close();
  await hub?.end();
});

/** Each of these is somebody's own: none of it may lie anywhere in clear. */
const canaries = ['Lucerito', 'Zaranda', 'behind the bakery'];
const chip = () => page.locator('header .chip');

async function unlock(): Promise<void> {
  await page.getByLabel(words('app.unlock.passphrase'), { exact: true }).fill(PASSPHRASE);
  await press(page, 'app.unlock.open');
  await heading(page, 'app.tab.today');
}

test('somebody signs in by a code, and has their work', async () => {
  await page.goto(hub.url);
  await heading(page, 'app.enrol.title');
  await enrol(page, hub.demo, 'outreach', 'Amina');
  await expect.poll(() => page.locator('main .item').count()).toBeGreaterThan(2);
  await expect.poll(() => chip().innerText()).toMatch(begins('app.sync.all_sent'));
  await page.evaluate(() => navigator.serviceWorker.ready);
  const kept = () => page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (c) => (await (await caches.open(c)).keys()).length))).reduce((a, b) => a + b, 0));
  await expect.poll(kept).toBeGreaterThan(30);
});

test('with the hub gone the app opens, and somebody new is taken in; what was typed outlives a lock and a reload', async () => {
  await hub.kill();
  await press(page, 'app.intake.begin');
  await page.getByRole('textbox').fill('Lucerito');
  await press(page, 'app.next');
  await page.getByText(words('app.no'), { exact: true }).click();
  await press(page, 'app.next');
  await expect.poll(() => typedAt(page)).not.toBe('');
  const answered = await typedAt(page);
  await press(page, 'app.absent.asked_declined');
  await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toBe(words('app.intake.ask.interpreter_needed'));
  await expect.poll(async () => (await typedAt(page)) > answered).toBe(true);
  await page.reload();
  await unlock();
  await page.locator('main .item', { hasText: words('app.intake.begin') }).click();
  expect(await page.getByRole('textbox').inputValue()).toBe('Lucerito');
  await press(page, 'app.intake.enough');
  await heading(page, 'app.intake.read_back');
  expect(await page.locator('main').innerText()).toContain(words('app.absent.asked_declined'));
  await press(page, 'app.form.save');
  await page.getByRole('heading', { level: 1, name: 'Lucerito' }).waitFor();
  await press(page, 'app.case.note');
  await page.getByRole('textbox').first().fill('Sleeps behind the bakery of Zaranda.');
  await press(page, 'app.form.save');
  await page.getByRole('heading', { level: 1, name: 'Lucerito' }).waitFor();
  await page.locator('main', { hasText: 'behind the bakery' }).waitFor();
  await expect.poll(() => chip().innerText()).toMatch(begins('app.sync.unsent'));
});

test('what lies on the tablet says nothing to who takes it', async () => {
  const lies = await readOut(page);
  for (const canary of canaries) expect(lies).not.toContain(canary);
  expect(lies).toContain('Amina'); // how they call themselves here stands in clear, so the reading reads
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/');
  expect(await page.title()).toBe('Portolan');
});

test('it is found by how it sounds, in other letters', async () => {
  await page.getByRole('button', { name: words('app.tab.cases'), exact: true }).click();
  for (const sought of ['lucerit', 'Luzerito', 'لوسريتو', 'Лусерито']) {
    await page.getByRole('searchbox').fill(sought);
    await expect.poll(() => page.locator('main .item').first().innerText()).toContain('Lucerito');
  }
});

test('the hub is back, and everything goes by itself', async () => {
  await hub.up();
  await press(page, 'app.tab.sync');
  await press(page, 'app.sync.send');
  await expect.poll(() => chip().innerText(), { timeout: 20_000 }).toMatch(begins('app.sync.all_sent'));
  await page.getByRole('button', { name: words('app.tab.cases'), exact: true }).click();
  await page.getByRole('searchbox').fill('Lucerito');
  await page.locator('main .item').first().click();
  await page.getByText(begins('app.case.parts')).waitFor(); // the hub granted what the author may see
});

test('an agreement is given scope by scope, and taken back as easily', async () => {
  await press(page, 'app.consent.title');
  await press(page, 'app.consent.ask');
  await heading(page, 'app.consent.ask');
  expect(await page.locator('input:checked').count()).toBe(1); // for how long; nothing else is chosen beforehand
  await page.getByRole('combobox').first().selectOption('referral');
  for (const choice of ['One organisation', 'Health', 'Share', 'Why we ask', 'How the data are used', 'How to take it back', 'In writing']) {
    await page.locator('label', { has: page.getByText(choice, { exact: true }) }).first().click();
  }
  await page.getByRole('combobox').nth(1).selectOption({ index: 1 });
  await press(page, 'app.consent.yes');
  await page.getByText(words('app.consent.agreed')).waitFor();
  await press(page, 'app.consent.take_back');
  await press(page, 'app.consent.take_back_do');
  await expect.poll(() => page.getByText(words('app.consent.agreed')).count()).toBe(0);
  await expect.poll(() => chip().innerText(), { timeout: 20_000 }).toMatch(begins('app.sync.all_sent'));
  await press(page, 'app.tab.sync');
  expect(await page.getByText(words('app.sync.held')).count()).toBe(0);
});

test('two that wrote differently stand side by side, and one is kept', async () => {
  await press(page, 'app.tab.today');
  await page.getByRole('button', { name: begins('app.conflicts.waiting') }).click();
  await expect.poll(() => page.locator('.side').count()).toBe(2);
  await page.locator('.side').nth(1).getByRole('button', { name: words('app.conflicts.keep') }).click();
  await page.getByText(words('app.conflicts.none')).waitFor();
});

test('of a locked app nothing can be read in memory', async () => {
  await press(page, 'app.tab.cases');
  await page.locator('main .item .what').nth(1).waitFor();
  const titles = (await page.locator('main .item .what').allInnerTexts()).filter((title) => title !== 'Lucerito');
  expect(await memory(page)).toContain(titles[0]); // so the reading reads
  await press(page, 'app.lock');
  await heading(page, 'app.unlock.title');
  const read = async () => {
    const all = await memory(page);
    return [...titles, 'Zaranda', 'behind the bakery'].filter((c) => all.includes(c)); // the driver of this test holds what it sought itself
  };
  await expect.poll(read, { timeout: 20_000, interval: 500 }).toEqual([]);
  await page.getByLabel(words('app.unlock.pin'), { exact: true }).fill(PIN);
  await press(page, 'app.unlock.open');
  await heading(page, 'app.tab.today');
});

test('it locks, a wrong PIN opens nothing, the right one does', async () => {
  await press(page, 'app.lock');
  await heading(page, 'app.unlock.title');
  await page.getByLabel(words('app.unlock.pin'), { exact: true }).fill('0000');
  await press(page, 'app.unlock.open');
  await page.getByText(words('app.fault.pin_wrong')).waitFor();
  await page.getByLabel(words('app.unlock.pin'), { exact: true }).fill(PIN);
  await press(page, 'app.unlock.open');
  await heading(page, 'app.tab.today');
});

test('somebody else shares the tablet, with a lock and a store of their own', async () => {
  await press(page, 'app.lock');
  await press(page, 'app.unlock.other');
  await press(page, 'app.door.add');
  await enrol(page, hub.demo, 'health', 'Bo');
  await page.getByRole('button', { name: words('app.tab.cases'), exact: true }).click();
  await page.getByRole('searchbox').fill('Lucerito');
  await page.getByText(words('app.cases.not_found')).waitFor();
  await press(page, 'app.lock');
  await heading(page, 'app.door.who');
  await page.locator('main .item', { hasText: 'Amina' }).click();
  await page.getByLabel(words('app.unlock.pin'), { exact: true }).fill(PIN);
  await press(page, 'app.unlock.open');
  await heading(page, 'app.tab.today');
});

test('no screen breaks WCAG 2.2 AA, in either direction, at either size, light or dark', async () => {
  const pictures = process.env['SCREENS'];
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  const found: string[] = [];
  const look = async (name: string, language: string) => {
    for (const size of [{ width: 800, height: 1280 }, { width: 1366, height: 900 }]) {
      await page.setViewportSize(size);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        if ((size.width === 800) === (colorScheme === 'light') || name === 'case') found.push(...(await violations(page)).map((v) => `${name} ${language} ${size.width} ${colorScheme}: ${v.rule} ${v.where}`));
        if (pictures !== undefined && ((size.width === 800 && colorScheme === 'light') || name === 'today' || name === 'case')) {
          await page.screenshot({ path: join(pictures, `${name}-${language}${size.width === 800 ? '' : '-desk'}${colorScheme === 'light' ? '' : '-dark'}.jpeg`), type: 'jpeg', quality: 55, scale: 'css' });
        }
      }
    }
    await page.setViewportSize({ width: 800, height: 1280 });
  };
  for (const language of ['en', 'ar']) {
    await press(page, 'app.tab.device', language === 'en' ? 'en' : 'en');
    await page.getByRole('combobox').selectOption(language);
    await expect.poll(() => page.evaluate(() => document.documentElement.dir)).toBe(language === 'ar' ? 'rtl' : 'ltr');
    await look('device', language);
    await press(page, 'app.tab.sync', language);
    await look('sending', language);
    await press(page, 'app.tab.today', language);
    await page.locator('main .item').first().waitFor();
    await look('today', language);
    await press(page, 'app.intake.begin', language);
    await look('intake', language);
    await press(page, 'app.intake.enough', language);
    await look('read-back', language);
    await press(page, 'app.tab.cases', language);
    await page.locator('main .item').first().waitFor();
    await look('people', language);
    await page.getByRole('searchbox').fill('Lucerito');
    await page.locator('main .item').first().click();
    await page.locator('main article').waitFor();
    await look('case', language);
    await press(page, 'app.case.add', language);
    await look('add', language);
    await page.keyboard.press('Escape');
    await press(page, 'app.case.note', language);
    await look('note', language);
    await press(page, 'app.back', language);
    await press(page, 'app.consent.title', language);
    await look('agreements', language);
    await press(page, 'app.consent.ask', language);
    await look('agreement', language);
    await press(page, 'app.back', language);
    await press(page, 'app.back', language);
    await page.locator('main ol .item').first().click();
    await page.locator('main dl').waitFor();
    await look('record', language);
  }
  await press(page, 'app.lock', 'ar');
  await page.locator('main .item').first().waitFor();
  await look('door', 'ar');
  await page.locator('main .item', { hasText: 'Amina' }).click();
  await look('unlock', 'ar');
  await page.getByRole('combobox').selectOption('en');
  await heading(page, 'app.unlock.title');
  expect(found).toEqual([]);
}, 240_000);

test('text at twice its size still fits', async () => {
  await page.getByLabel(words('app.unlock.pin'), { exact: true }).fill(PIN);
  await press(page, 'app.unlock.open');
  await page.locator('main .item').first().waitFor();
  await page.addStyleTag({ content: '' }).catch(() => undefined);
  await page.evaluate(() => (document.documentElement.style.fontSize = '225%'));
  for (const tab of ['today', 'cases', 'sync', 'device']) {
    await press(page, `app.tab.${tab}`);
    expect((await violations(page)).filter((v) => v.rule === 'sideways')).toEqual([]);
  }
  await page.evaluate(() => (document.documentElement.style.fontSize = ''));
});

test('the quick exit blanks first, closes everything, and leaves a page that says nothing', async () => {
  const blank = await page.evaluate((name) => {
    const button = [...document.querySelectorAll('button')].find((b) => b.textContent?.trim() === name)!;
    button.click();
    return getComputedStyle(document.querySelector('#app')!).display; // in the same turn as the tap
  }, words('app.exit'));
  expect(blank).toBe('none');
  await page.waitForURL(/calendar\.html$/);
  expect(await page.title()).toBe('Calendar');
  expect((await page.locator('body').innerText()).toLowerCase()).not.toContain('portolan');
  await page.goBack();
  await page.locator('main .item').first().waitFor();
  await page.locator('main .item', { hasText: 'Amina' }).click();
  await page.getByLabel(words('app.unlock.passphrase'), { exact: true }).waitFor(); // the PIN went with the page
  await context.setOffline(true);
  await page.goto(hub.url);
  await page.locator('main .item', { hasText: 'Amina' }).click();
  await unlock();
});

test('signing out is stopped while something is not sent', async () => {
  await press(page, 'app.tab.cases');
  await page.getByRole('searchbox').fill('Lucerito');
  await page.locator('main .item').first().click();
  await press(page, 'app.case.note');
  await page.getByRole('textbox').first().fill('One more thing.');
  await press(page, 'app.form.save');
  await page.locator('main', { hasText: 'One more thing.' }).waitFor();
  await press(page, 'app.tab.device');
  await press(page, 'app.device.sign_out');
  await page.getByText(begins('app.device.out_unsent')).waitFor();
  expect(await page.getByRole('button', { name: words('app.device.out_do') }).count()).toBe(0);
  await context.setOffline(false); // it is sent by itself, and then there is nothing in the way
  await page.getByRole('button', { name: words('app.device.out_do') }).click();
  await heading(page, 'app.unlock.title'); // Bo alone is left
  expect(await page.locator('main').innerText()).toContain('Bo');
  expect(await readOut(page)).not.toContain('Amina');
});

test('a wipe destroys the keys at once, also without a network', async () => {
  await unlock();
  await context.setOffline(true);
  await press(page, 'app.tab.device');
  await press(page, 'app.device.wipe_do');
  await page.getByText(words('app.device.wipe_sure')).click();
  await page.getByRole('dialog').getByRole('button', { name: words('app.device.wipe_do') }).click();
  await page.getByText(words('app.door.emptied')).waitFor();
  expect(await keysOf(page)).toEqual([]);
  await context.setOffline(false);
  await page.locator('main .item', { hasText: 'Bo' }).click();
  const { staff } = await (await deskOf(hub.demo, 'health'))('/api/portolan/me');
  const { code } = await (await deskOf(hub.demo, 'coordinator'))('/api/portolan/enrolments', { staff });
  await enrol(page, hub.demo, 'health', 'Bo', code); // and whoever it was begins again
  expect(faults).toEqual([]);
});
