// How much waits for a decision of whoever sits at the desk.
import { store } from '../tablet/store.svelte';
import { type Approval, get, type Worklist } from './hub';

class Waiting {
  worklist = $state.raw<Worklist | undefined>();
  approvals = $state.raw<readonly Approval[]>([]);
  fault = $state.raw<unknown>();
  private asked = -1;

  /** Questions of others that nobody answered yet. */
  get toAnswer(): readonly Approval[] {
    const me = store.tablet?.identity.staff;
    return this.approvals.filter((a) => a.asked_by !== me && a.decided_by === undefined && Date.parse(a.expires_at) > store.now);
  }

  get count(): number {
    return new Set(this.worklist?.conflicts.map((c) => `${c.record} ${c.field}`)).size + new Set(this.worklist?.held.map((h) => h.seq)).size + this.toAnswer.length;
  }

  /** Forgets it, as the store is closed: the next person asks anew. */
  forget(): void {
    this.worklist = undefined;
    this.approvals = [];
    this.fault = undefined;
    this.asked = -1;
  }

  /** Asks the hub, once for each time that something came. */
  async look(version: number, again = false): Promise<void> {
    if ((version === this.asked && !again) || store.tablet === undefined) return;
    this.asked = version;
    try {
      const [worklist, { approvals }] = await Promise.all([get<Worklist>('worklist'), get<{ approvals: Approval[] }>('approvals')]);
      if (this.asked !== version) return;
      this.worklist = worklist;
      this.approvals = approvals;
      this.fault = undefined;
    } catch (e) {
      this.fault = e;
    }
  }
}

export const waiting = new Waiting();
