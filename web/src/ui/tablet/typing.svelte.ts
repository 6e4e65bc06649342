// What somebody is typing is kept as it grows, sealed at once: a battery that
// dies, a lock, a wrong tap loses less than a second of it.
import type { Entered } from '../../core/value';
import { store } from './store.svelte';

const KEEP_AFTER = 300;

export type Values = Record<string, Entered | undefined>;

/** What is remembered beside the values, so that the screen can be found again. */
export interface Begun {
  place: Record<string, unknown>;
  values: Values;
}

/** One form or intake that is being filled in. */
export class Typing {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly key: string,
    private readonly caseId: string,
    private readonly compartments: readonly string[],
    private readonly place: Record<string, unknown>,
  ) {}

  /** What was typed before and not saved. */
  before(): { at: string; values: Values } | undefined {
    const kept = store.tablet?.typed.get(this.key);
    return kept === undefined ? undefined : { at: kept.at, values: (JSON.parse(kept.text) as Begun).values };
  }

  keep(values: Values): void {
    clearTimeout(this.timer);
    const { tablet } = store;
    const text = JSON.stringify({ place: this.place, values } satisfies Begun);
    this.timer = setTimeout(() => void tablet?.keepTyped(this.key, this.caseId, this.compartments, text).catch(() => {}), KEEP_AFTER); // a store that was locked meanwhile has what came before
  }

  async drop(): Promise<void> {
    clearTimeout(this.timer);
    await store.tablet?.keepTyped(this.key, this.caseId, this.compartments, '');
  }
}

/** Everything that was begun and not saved, the latest first. */
export function begun(): { key: string; at: string; place: Record<string, unknown> }[] {
  const all = [...(store.tablet?.typed ?? [])].map(([key, kept]) => ({ key, at: kept.at, place: (JSON.parse(kept.text) as Begun).place }));
  return all.sort((a, b) => (a.at < b.at ? 1 : -1));
}
