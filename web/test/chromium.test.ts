// The same core in Chromium, with IndexedDB: one first sync, one change, and the store opened again.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, inject, test } from 'vitest';
import { build } from 'vite';
import { demoIn, enrolmentOf, goTablet } from './demo';

type Core = typeof import('./browser');

test('the bundle syncs in Chromium, its store outlives the page, and a stock PocketBase is woken', async () => {
  const demo = demoIn(inject('folder'));
  const folder = mkdtempSync(join(tmpdir(), 'portolan-bundle-'));
  const entry = join(import.meta.dirname, 'browser.ts');
  await build({ logLevel: 'error', configFile: false, build: { outDir: folder, lib: { entry, formats: ['iife'], name: 'core', fileName: () => 'core.js' } } });
  const bundle = readFileSync(join(folder, 'core.js'), 'utf8');
  rmSync(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const context = await browser.newContext({ bypassCSP: true });
    const visit = async () => {
      const page = await context.newPage();
      await page.goto(`${demo.url}/api/portolan/health`); // the hub's own origin
      await page.addScriptTag({ content: bundle });
      return page;
    };
    const first = await visit();
    const made = await first.evaluate(async (enrolment) => {
      const { openIndexedDisk, Tablet } = (globalThis as unknown as { core: Core }).core;
      const t = await Tablet.enrol(await openIndexedDisk('store'), new Uint8Array(32).fill(7), enrolment);
      const { differs, rows } = await t.sync();
      const [person] = await t.list('survivors');
      const changed = await t.set(person!.id, { set: { alias: 'from Chromium' } });
      return { differs, rows, id: person!.id, changed, unsent: t.unsent() };
    }, enrolmentOf(demo, 'outreach2'));
    expect(made).toMatchObject({ differs: false, changed: true, unsent: 1 });
    expect(made.rows).toBeGreaterThan(0);
    await first.close(); // before it was sent
    const second = await visit();
    const after = await second.evaluate(async (id) => {
      const { openIndexedDisk, Tablet } = (globalThis as unknown as { core: Core }).core;
      const t = await Tablet.open(await openIndexedDisk('store'), new Uint8Array(32).fill(7));
      const shown = (await t.show(id)).fields.get('alias');
      const { sent, differs } = await t.sync();
      const caseId = (await t.list('cases'))[0]!.id;
      const document = await t.make('documents', caseId, { set: { kind: 'letter', status: 'kept' } });
      const file = new TextEncoder().encode('from Chromium '.repeat(10_000));
      await t.attach(document, 'text/plain', file);
      await t.saveDraft({ collection: 'notes', caseId, fields: { text: 'half' } });
      const { files, filesWaiting } = await t.sync();
      await t.sync();
      const back = await t.fetchFile(document);
      const same = back.length === file.length && back.every((b, i) => b === file[i]);
      const form = (await t.drafts()).filter((f) => f.fields['text'] === 'half').map((f) => [f.fields['text'], f.unsent]);
      const twice = await openIndexedDisk('store').then(() => '', (e: { code: string }) => e.code);
      return { shown: shown?.kept.some((k) => k.value === '"from Chromium"' && k.unsent), sent, differs, unsent: t.unsent(), files, filesWaiting, same, form, twice };
    }, made.id);
    expect(after).toEqual({ shown: true, sent: 1, differs: false, unsent: 0, files: 1, filesWaiting: 0, same: true, form: [['half', false]], twice: 'store_open' });
    await second.close();
    const third = await visit();
    await third.evaluate(async () => {
      const { openIndexedDisk, Tablet, PocketBase } = (globalThis as unknown as { core: Core }).core;
      const t = await Tablet.open(await openIndexedDisk('store'), new Uint8Array(32).fill(7));
      const stock = new PocketBase(location.origin);
      stock.authStore.save(await t.token());
      const woken = new Promise((resolve) => void stock.realtime.subscribe('wake', resolve).then(() => Object.assign(globalThis, { woken, listening: true })));
    });
    await third.waitForFunction(() => 'listening' in globalThis);
    await goTablet(inject('folder'), 'outreach2', 'sync'); // brings the alias, which no one else writes meanwhile
    await goTablet(inject('folder'), 'outreach2', 'set', made.id, 'alias=from another tablet');
    await goTablet(inject('folder'), 'outreach2', 'sync');
    expect(await third.evaluate(() => (globalThis as unknown as { woken: Promise<unknown> }).woken)).toEqual({ n: expect.any(Number) });
  } finally {
    await browser.close();
  }
});
