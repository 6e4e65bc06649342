// A value in words, as a person reads it.
import { absentOf } from '../../core/register';
import { type Field, listOf, textOf } from '../../core/schema';
import type { Value } from '../../core/json';
import { catalogue, codeWords, dayWords, t, timeWords } from '../words.svelte';

/** The words of a value; named gives what a record that it names is called. */
export function toldValue(f: Field, v: Value | undefined, named: (id: string) => string): string {
  if (v === undefined) return '';
  const why = absentOf(v);
  if (why !== '') return t(`app.absent.${why}`);
  const one = (s: string): string => {
    switch (f.type) {
      case 'code':
      case 'codes':
        return codeWords(f.list, s);
      case 'ref':
      case 'refs':
        return named(s);
      case 'date':
        return dayWords(s);
      case 'time':
        return timeWords(s);
    }
    return s;
  };
  switch (f.type) {
    case 'bool':
      return t(v === 'true' ? 'app.yes' : 'app.no');
    case 'int':
      return new Intl.NumberFormat(catalogue.language, { useGrouping: false }).format(Number(v));
    case 'codes':
    case 'texts':
    case 'refs':
      return new Intl.ListFormat(catalogue.language, { type: 'conjunction', style: 'narrow' }).format(listOf(v).map(one));
    case 'object':
      return Object.values(JSON.parse(v) as Record<string, string>).join(', ');
  }
  return one(textOf(v));
}
