import './tokens.css';
import './page.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { listenForLeaving } from './leaving';
import { renewal } from './renewal.svelte';
import { store } from './tablet/store.svelte';

listenForLeaving();
keepForLater();
await store.begin();
mount(App, { target: document.getElementById('app')! });

/** Has the browser keep the app's files, so that it opens with the hub gone. */
function keepForLater(): void {
  if (!('serviceWorker' in navigator)) return; // only over TLS, or on this machine
  const { trustedTypes } = globalThis as unknown as { trustedTypes?: { createPolicy(name: string, p: { createScriptURL(s: string): string }): { createScriptURL(s: string): string } } };
  const own = '/worker.js';
  const policy = trustedTypes?.createPolicy('portolan-worker', { createScriptURL: () => own });
  navigator.serviceWorker.register(policy?.createScriptURL(own) ?? own, { type: 'module' }).then((r) => renewal.watch(r), () => {}); // the next opening asks again
}
