// Which face the app shows: to who coordinates, where there is room for it, the desk.
import { list } from './tablet/records';
import { store } from './tablet/store.svelte';

/** Roles that have something to decide for others (care/roles.go). */
const DECIDING: readonly string[] = ['coordinator', 'protection_officer'];
const room = matchMedia('(min-width: 64rem)');

class Face {
  private wide = $state(room.matches);
  /** What this person does here; none before the first sync. */
  roles = $state.raw<readonly string[]>([]);

  constructor() {
    room.addEventListener('change', () => (this.wide = room.matches));
    $effect.root(() => {
      $effect(() => void this.look(store.version));
    });
  }

  get desk(): boolean {
    return this.wide && this.roles.some((r) => DECIDING.includes(r));
  }

  private async look(version: number): Promise<void> {
    const { tablet, synced } = store;
    const all = tablet === undefined || synced === '' ? [] : await store.list('staff');
    if (version === store.version && tablet === store.tablet) this.roles = list(all.find((r) => r.id === tablet?.identity.staff), 'roles');
  }
}

export const face = new Face();
