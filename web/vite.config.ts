// Builds the app into web/dist, with stable names, the same bytes each time.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const locales = join(here, '..', 'locales');
/** The parts of the catalogue that the app says; what papers say stays out. */
const parts = ['app', 'codes', 'desk', 'errors', 'fields', 'seen', 'tasks'];
const languages = readdirSync(locales, { withFileTypes: true })
  .filter((d) => d.isDirectory() && readdirSync(join(locales, d.name)).includes('app.json'))
  .map((d) => d.name)
  .sort();

function wordsOf(language: string): string {
  const all: Record<string, string> = {};
  for (const part of readdirSync(join(locales, language)).sort()) {
    if (parts.includes(part.replace('.json', ''))) Object.assign(all, JSON.parse(readFileSync(join(locales, language, part), 'utf8')));
  }
  return JSON.stringify(all);
}

/** Every file below a folder. */
function below(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath, f.name));
}

const own = ['index.html', 'package.json', 'package-lock.json', 'svelte.config.js', 'tsconfig.json', 'vite.config.ts'];

/** Everything from which dist is made; tidy_web_test.go works out the same without Node. */
function sources(): string {
  const files = [
    ...below(join(here, 'src')),
    ...below(join(here, 'public')),
    ...own.map((f) => join(here, f)),
    ...languages.flatMap((l) => readdirSync(join(locales, l)).filter((p) => parts.includes(p.replace('.json', ''))).map((p) => join(locales, l, p))),
  ];
  const lines = files.map((f) => `${createHash('sha256').update(readFileSync(f)).digest('hex')}  ${f.slice(join(here, '..').length + 1)}\n`);
  return createHash('sha256').update(lines.sort().join('')).digest('hex') + '\n';
}

/** Adds the words of each language, tells the worker what belongs to the app, and notes what it was made from. */
function portolan(): Plugin {
  return {
    name: 'portolan',
    generateBundle(_, bundle) {
      for (const l of languages) this.emitFile({ type: 'asset', fileName: `app/words-${l}.json`, source: wordsOf(l) });
      this.emitFile({ type: 'asset', fileName: 'SOURCES.sha256', source: sources() });
      const worker = bundle['worker.js'];
      if (worker?.type !== 'chunk') throw new Error('there is no worker');
      const made = Object.values(bundle).filter((f) => !['worker.js', 'SOURCES.sha256'].includes(f.fileName) && !f.fileName.startsWith('app/words-'));
      const names = [...made.map((f) => f.fileName), ...languages.map((l) => `app/words-${l}.json`), ...below(join(here, 'public')).map((f) => f.slice(join(here, 'public').length + 1))];
      const files = names.filter((n) => n !== 'index.html').map((n) => `/${n}`);
      worker.code = worker.code.replace(/([`"'])FILES\1/, JSON.stringify(['/', ...files.sort()])).replace('VERSION', sources().slice(0, 16));
    },
  };
}

export default defineConfig({
  root: here,
  base: '/',
  plugins: [svelte(), portolan()],
  define: { LANGUAGES: JSON.stringify(languages) },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    rollupOptions: {
      input: { app: join(here, 'index.html'), worker: join(here, 'src', 'ui', 'worker.ts') },
      output: {
        entryFileNames: (c) => (c.name === 'worker' ? 'worker.js' : 'app/[name].js'),
        // Lower case, as the hub's doors take names.
        chunkFileNames: (c) => `app/${c.name.toLowerCase()}.js`,
        assetFileNames: (a) => `app/${(a.names[0] ?? 'asset').toLowerCase()}`,
      },
    },
  },
});
