// Who sleeps where, as the bed board shows it: from the beds and the stays that
// this person may see. A stay of a case that they are not on is known by the
// state of its bed alone, which the hub works out (care/stay.go).
import type { ShownRecord } from '../../core/tablet';
import { heads, type Head } from '../tablet/heads';
import { isUnsent, list, text, yes } from '../tablet/records';
import { store } from '../tablet/store.svelte';
import { codeWords, fieldWords } from '../words.svelte';
import type { SignName } from './Sign.svelte';

export type BedState = 'available' | 'held' | 'occupied' | 'blocked';
export const bedStates: readonly BedState[] = ['available', 'held', 'occupied', 'blocked'];
export const bedSigns: Readonly<Record<BedState, SignName>> = { available: 'free', held: 'hold', occupied: 'taken', blocked: 'none' };

/** How long a plan keeps its bed after the moment at which the person was expected (care.PlannedHold). */
const PLANNED_HOLD = 24 * 3_600_000;

export interface Need {
  sign: SignName;
  /** What a screen on a wall may say. */
  says: string;
  /** What there is besides, for whoever opens the bed. */
  told?: string;
}

export interface BedPlace {
  bed: ShownRecord;
  unit: ShownRecord | undefined;
  state: BedState;
  /** Who is in it, or for whom it is held, where this person is on the case. */
  stay: ShownRecord | undefined;
  head: Head | undefined;
  /** Until when it is held, "" where that is not known. */
  until: string;
  /** What the place has, and what the person in it needs. */
  offers: Need[];
  needs: Need[];
}

export interface House {
  facility: ShownRecord;
  beds: BedPlace[];
  count: Record<BedState, number>;
}

export interface Board {
  houses: House[];
  /** People with an open case and no bed now. */
  without: Head[];
  free: BedPlace[];
}

const offerSigns: Readonly<Record<string, SignName>> = {
  wheelchair_space: 'wheelchair', ground_floor: 'ground', quiet: 'quiet', cot_space: 'cot', own_bathroom: 'bath', own_kitchen: 'kitchen', lockable_from_inside: 'key',
};
const needSigns: Readonly<Record<string, SignName>> = {
  wheelchair_space: 'wheelchair', step_free: 'wheelchair', grab_rails: 'wheelchair', ground_floor: 'ground', quiet_room: 'quiet', hearing_loop: 'ear', sign_language: 'ear', braille: 'eye', large_print: 'eye',
};

function offersOf(bed: ShownRecord, unit: ShownRecord | undefined): Need[] {
  const out = list(unit, 'attributes').flatMap((a) => (offerSigns[a] === undefined ? [] : [{ sign: offerSigns[a], says: codeWords('unit_attributes', a) }]));
  if (yes(bed, 'accessible') && !out.some((n) => n.sign === 'wheelchair')) out.push({ sign: 'wheelchair', says: fieldWords('beds', 'accessible') });
  return out;
}

function needsOf(head: Head | undefined, children: ReadonlySet<string>): Need[] {
  if (head === undefined) return [];
  const out: Need[] = list(head.survivor, 'access_needs').map((a) => ({ sign: needSigns[a] ?? 'need', says: codeWords('access_needs', a) }));
  if (yes(head.survivor, 'interpreter_needed')) out.push({ sign: 'speech', says: fieldWords('survivors', 'interpreter_needed') });
  const diets = list(head.survivor, 'diets');
  if (diets.length > 0) out.push({ sign: 'plate', says: fieldWords('survivors', 'diets'), told: diets.map((d) => codeWords('diets', d)).join(', ') });
  if (children.has(head.id)) out.push({ sign: 'child', says: fieldWords('dependents', 'travels_along') });
  return out;
}

/** Whether a planned stay keeps its bed now, as the hub counts it. */
export function holds(stay: ShownRecord, now: number): boolean {
  if (text(stay, 'status') !== 'planned') return false;
  const until = text(stay, 'held_until');
  if (until !== '') return now < Date.parse(until);
  const from = text(stay, 'check_in');
  return from !== '' && now < Date.parse(from) + PLANNED_HOLD;
}

function here(stay: ShownRecord): boolean {
  return text(stay, 'status') === 'checked_in' && text(stay, 'check_out') === '';
}

function stateOf(bed: ShownRecord, stays: readonly ShownRecord[], now: number): { state: BedState; stay?: ShownRecord } {
  const inside = stays.find(here);
  if (inside !== undefined) return { state: 'occupied', stay: inside };
  const said = (text(bed, 'state') || 'available') as BedState;
  const planned = stays.find((s) => holds(s, now));
  if (said === 'blocked') return { state: 'blocked', ...(planned && { stay: planned }) };
  if (planned !== undefined) return { state: said === 'occupied' && !stays.some(isUnsent) ? 'occupied' : 'held', stay: planned };
  // An end that the hub has not heard of yet frees the bed here.
  const freed = stays.some((s) => isUnsent(s) && ['checked_out', 'cancelled'].includes(text(s, 'status')));
  return { state: freed ? 'available' : said };
}

/** Works the board out of what this person may see now. */
export async function board(now: number): Promise<Board> {
  const [facilities, units, beds, stays, dependents, known] = await Promise.all([
    store.list('facilities'), store.list('units'), store.list('beds'), store.list('stays'), store.list('dependents'), heads(),
  ]);
  const children = new Set(dependents.filter((d) => yes(d, 'travels_along')).map((d) => d.caseId));
  const unitOf = new Map(units.map((u) => [u.id, u]));
  const inBed = Map.groupBy(stays, (s) => text(s, 'bed'));
  const housed = new Set<string>(stays.filter((s) => here(s) || holds(s, now)).map((s) => s.caseId));
  const places = beds.map((bed): BedPlace => {
    const unit = unitOf.get(text(bed, 'unit'));
    const { state, stay } = stateOf(bed, inBed.get(bed.id) ?? [], now);
    const head = stay === undefined ? undefined : known.byCase.get(stay.caseId);
    const until = state === 'held' && stay !== undefined ? text(stay, 'held_until') : '';
    return { bed, unit, state, stay, head, until, offers: offersOf(bed, unit), needs: needsOf(head, children) };
  });
  const name = (p: BedPlace) => `${text(p.unit, 'name')} ${text(p.bed, 'label')}`;
  places.sort((a, b) => name(a).localeCompare(name(b), undefined, { numeric: true }));
  const byHouse = Map.groupBy(places, (p) => text(p.unit, 'facility'));
  const houses = facilities
    .map((facility): House => {
      const own = byHouse.get(facility.id) ?? [];
      const count = Object.fromEntries(bedStates.map((s) => [s, own.filter((p) => p.state === s).length])) as Record<BedState, number>;
      return { facility, beds: own, count };
    })
    .filter((h) => h.beds.length > 0)
    .sort((a, b) => text(a.facility, 'alias').localeCompare(text(b.facility, 'alias')));
  return { houses, without: known.all.filter((h) => h.open && !housed.has(h.id)), free: places.filter((p) => p.state === 'available') };
}
