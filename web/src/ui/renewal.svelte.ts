// A new version of the app waits until somebody says that it may come: never in
// the middle of a form.

class Renewal {
  /** A new version is here, and waits. */
  waits = $state(false);
  private waiting: ServiceWorker | null = null;

  watch(r: ServiceWorkerRegistration): void {
    const look = () => {
      this.waiting = r.waiting;
      this.waits = r.waiting !== null && navigator.serviceWorker.controller !== null;
    };
    look();
    r.addEventListener('updatefound', () => r.installing?.addEventListener('statechange', look));
  }

  /** Lets it come, and opens the app anew. */
  restart(): void {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    this.waiting?.postMessage('replace');
  }
}

export const renewal = new Renewal();
