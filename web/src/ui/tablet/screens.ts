// The screens behind the first come when they are first wanted.
import type { Component } from 'svelte';

export const screens: Readonly<Record<string, () => Promise<{ default: Component }>>> = {
  sync: () => import('./Sync.svelte'),
  device: () => import('./Device.svelte'),
  case: () => import('./Case.svelte'),
  form: () => import('./Form.svelte'),
  record: () => import('./Record.svelte'),
  intake: () => import('./Intake.svelte'),
  consent: () => import('./Consent.svelte'),
  agree: () => import('./Agree.svelte'),
  conflicts: () => import('./Conflicts.svelte'),
};
