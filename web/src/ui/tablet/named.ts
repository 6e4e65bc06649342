// What records are called where another one names them.
import type { ShownRecord } from '../../core/tablet';
import { codeWords, dayWords } from '../words.svelte';
import { text } from './records';
import { store } from './store.svelte';

const titles: Readonly<Record<string, readonly string[]>> = {
  staff: ['display_name'], teams: ['name'], facilities: ['alias'], units: ['name'], beds: ['label'], services: ['name'], organisations: ['name'], interpreters: ['name', 'alias'],
  cases: ['number'], documents: ['title'],
};

export interface Option {
  id: string;
  title: string;
}

function titleOf(r: ShownRecord): string {
  for (const f of titles[r.collection] ?? []) if (text(r, f) !== '') return text(r, f);
  const schema = store.tablet?.schema.entities.get(r.collection);
  const parts = [...(schema?.fields.values() ?? [])].filter((f) => f.required).map((f) => {
    const s = text(r, f.name);
    return f.type === 'code' ? codeWords(f.list, s) : f.type === 'date' ? dayWords(s) : s;
  });
  return parts.filter(Boolean).join(', ');
}

/** The records of a collection that a field can name: those of the case, or the organisation's. */
export async function optionsOf(collection: string, caseId: string): Promise<Option[]> {
  const entity = store.tablet?.schema.entities.get(collection);
  const all = await store.list(collection, entity?.topic === '' ? caseId : '');
  return all.map((r) => ({ id: r.id, title: titleOf(r) })).filter((o) => o.title !== '').sort((a, b) => a.title.localeCompare(b.title));
}

/** What each record of these collections is called. */
export async function namesOf(collections: readonly string[]): Promise<(id: string) => string> {
  const all = (await Promise.all([...new Set(collections)].map((c) => store.list(c)))).flat();
  const names = new Map(all.map((r) => [r.id, titleOf(r)]));
  return (id) => names.get(id) ?? '';
}
