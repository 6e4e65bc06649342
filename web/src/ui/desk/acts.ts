// What a question to a second person asks, in words.
import { codeWords, t } from '../words.svelte';
import type { Approval } from './hub';

/** The words of an act; named knows colleagues, title the people of cases. */
export function actWords(a: Approval, named: (id: string) => string, title: (caseId: string) => string): string {
  const terms = new Map((a.terms ?? '').split(/[,&]/).map((part) => part.split('=') as [string, string]));
  const what = a.collection === 'staff' ? named(a.record ?? '') : a.collection === 'cases' ? title(a.record ?? '') : '';
  const roles = (terms.get('roles') ?? '').split('+').filter(Boolean).map((r) => codeWords('roles', r)).join(', ');
  const part = terms.has('part') ? codeWords('compartments', terms.get('part')!) : '';
  return t(`desk.act.${a.act}`, { what, roles, part: part && `(${part})`, from: terms.has('from') ? title(terms.get('from')!) : '' });
}
