// What somebody is typing is kept as it grows, sealed at once, and goes to their
// other tablets: a battery that dies, a lock, a wrong tap loses less than a second of it.
import type { Form } from '../../core/drafts';
import type { Entered } from '../../core/value';
import type { Place } from '../route.svelte';
import { store } from './store.svelte';

const KEEP_AFTER = 400;

export type Values = Record<string, Entered | undefined>;

/** One form that is being filled in. */
export class Typing {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly found: Form | undefined;
  readonly id: string;
  /** The record that it becomes, or is about. */
  readonly record: string;

  /** record is left out for a new one. */
  constructor(
    private readonly collection: string,
    private readonly caseId: string,
    record?: string,
  ) {
    const tablet = store.tablet!;
    this.found = store.forms.find((f) => f.collection === collection && f.caseId === caseId && (record === undefined ? !tablet.has(f.record) : f.record === record));
    this.id = this.found?.id ?? tablet.mint();
    this.record = this.found?.record ?? record ?? tablet.mint();
  }

  /** What was typed before and not saved. */
  get before(): { at: string; values: Values } | undefined {
    return this.found && { at: this.found.at, values: this.found.fields as Values };
  }

  keep(values: Values): void {
    clearTimeout(this.timer);
    const { tablet } = store;
    const fields = Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined));
    if (Object.keys(fields).length === 0 && this.found === undefined) return;
    const save = async () => {
      await tablet?.saveDraft({ id: this.id, collection: this.collection, record: this.record, caseId: this.caseId, fields });
      store.grew();
    };
    this.timer = setTimeout(() => void save().catch(() => {}), KEEP_AFTER); // a store that was locked meanwhile has what came before
  }

  /** Nothing more is kept; what saves the form ends it. */
  stop(): void {
    clearTimeout(this.timer);
  }

  async drop(): Promise<void> {
    this.stop();
    await store.tablet?.dropDraft(this.id);
    store.grew();
  }
}

/** Everything that was begun and not saved, the latest first, and where it goes on. */
export function begun(): { key: string; at: string; collection: string; place: Place }[] {
  const { tablet } = store;
  if (tablet === undefined) return [];
  const of = new Map<string, { key: string; at: string; collection: string; place: Place }>();
  for (const f of store.forms) {
    const isNew = !tablet.has(f.record);
    const intake = !tablet.has(f.caseId);
    const key = intake ? f.caseId : f.id;
    const place: Place = intake
      ? { screen: 'intake', caseId: f.caseId }
      : f.collection === 'consents'
        ? { screen: 'agree', caseId: f.caseId }
        : { screen: 'form', collection: f.collection, caseId: f.caseId, ...(isNew ? {} : { id: f.record }) };
    if ((of.get(key)?.at ?? '') < f.at) of.set(key, { key, at: f.at, collection: intake ? '' : f.collection, place });
  }
  return [...of.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}
