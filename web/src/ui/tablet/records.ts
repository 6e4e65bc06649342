// Reading records: what is in force in a field, as screens need it.
import { absentOf } from '../../core/register';
import type { ShownRecord } from '../../core/tablet';
import { listOf, textOf } from '../../core/schema';

export function text(r: ShownRecord | undefined, field: string): string {
  return textOf(r?.fields.get(field)?.value);
}

export function list(r: ShownRecord | undefined, field: string): string[] {
  return listOf(r?.fields.get(field)?.value);
}

export function yes(r: ShownRecord | undefined, field: string): boolean {
  return r?.fields.get(field)?.value === 'true';
}

export function absent(r: ShownRecord | undefined, field: string): string {
  return absentOf(r?.fields.get(field)?.value);
}

export function isUnsent(r: ShownRecord): boolean {
  return [...r.fields.values()].some((f) => f.unsent);
}

export function conflicts(r: ShownRecord): string[] {
  return [...r.fields].filter(([, f]) => f.conflict).map(([name]) => name);
}
