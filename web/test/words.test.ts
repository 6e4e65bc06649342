// What the tablet's forms ask has words in each language of the app.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shapes } from '../src/ui/forms/shapes';

const locales = join(import.meta.dirname, '..', '..', 'locales');
const languages = readdirSync(locales).filter((l) => !l.includes('.') && readdirSync(join(locales, l)).includes('app.json'));

function wordsOf(language: string): Record<string, string> {
  const parts = ['app', 'codes', 'fields', 'tasks'].map((p) => JSON.parse(readFileSync(join(locales, language, `${p}.json`), 'utf8')) as Record<string, string>);
  return Object.assign({}, ...parts) as Record<string, string>;
}

test.each(languages)('%s says what each form asks', (language) => {
  const words = wordsOf(language);
  const english = wordsOf('en');
  const asked = Object.entries(shapes).flatMap(([c, s]) => [`entity.${c}`, ...[...s.ask, ...s.line].map((f) => `field.${c}.${f}`)]);
  const unknown = asked.filter((k) => english[k] === undefined);
  expect(unknown).toEqual([]); // a field that the schema does not have
  expect(asked.filter((k) => words[k] === undefined)).toEqual([]);
  expect(Object.keys(english).filter((k) => k.startsWith('task.') && words[k] === undefined)).toEqual([]);
});

test('they are six', () => expect(languages).toEqual(['ar', 'en', 'es', 'fr', 'ne', 'uk']));
