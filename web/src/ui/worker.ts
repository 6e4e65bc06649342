// Opens the app with the hub gone. It keeps the app's own files and nothing
// else: what is under /api goes past it, so that nothing of a person can come
// to lie in a cache.
const worker = self as unknown as ServiceWorkerGlobalScope;
const FILES = 'FILES' as unknown as string[];
const CACHE = `app ${'VERSION'}`;
/** What the first screen needs; the rest is fetched behind it. */
const FIRST = FILES.filter((f) => !f.startsWith('/app/words-') && !f.startsWith('/app/desk'));

interface ServiceWorkerGlobalScope extends EventTarget {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  registration: { scope: string };
}
interface Waitable extends Event {
  waitUntil(p: Promise<unknown>): void;
}
interface Fetching extends Waitable {
  request: Request;
  respondWith(r: Promise<Response>): void;
}

async function keep(files: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  const have = new Set((await cache.keys()).map((r) => new URL(r.url).pathname));
  for (const f of files) if (!have.has(f)) await cache.add(new Request(f, { cache: 'no-cache', credentials: 'omit' }));
}

worker.addEventListener('install', (e) => (e as Waitable).waitUntil(keep(FIRST)));

worker.addEventListener('activate', (e) =>
  (e as Waitable).waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
      await worker.clients.claim();
      await keep(FILES).catch(() => {}); // the rest comes with the next line
    })(),
  ),
);

worker.addEventListener('message', (e) => {
  const asked = (e as MessageEvent<unknown>).data;
  if (asked === 'replace') void worker.skipWaiting();
  if (asked === 'keep') (e as unknown as Waitable).waitUntil(keep(FILES).catch(() => {}));
});

worker.addEventListener('fetch', (e) => {
  const { request, respondWith } = e as Fetching;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || !FILES.includes(url.pathname)) return;
  respondWith.call(
    e,
    (async () => {
      const cache = await caches.open(CACHE);
      const kept = await cache.match(url.pathname);
      if (kept !== undefined) return kept;
      const came = await fetch(url.pathname, { cache: 'no-cache', credentials: 'omit' });
      if (came.ok) await cache.put(url.pathname, came.clone());
      return came;
    })(),
  );
});

export {};
