// The quick exit: first there is nothing to see, then the keys go, then the page.

const endings = new Set<() => void>();

/** Has something end when the app is left in a hurry: keys, streams, cameras. */
export function onLeaving(end: () => void): () => void {
  endings.add(end);
  return () => endings.delete(end);
}

/** Leaves for a page that says nothing. Nothing about it is written anywhere. */
export function leave(): void {
  document.documentElement.classList.add('gone');
  for (const end of endings) end();
  location.replace('/app/calendar.html');
}

const SHIFTS = 3;
const WITHIN = 1500;

/** Three times the shift key, and nothing between, is the quick exit on a keyboard. */
export function listenForLeaving(): void {
  let at: number[] = [];
  addEventListener('keyup', (e) => {
    if (e.key !== 'Shift') at = [];
    else {
      at = [...at.filter((t) => e.timeStamp - t < WITHIN), e.timeStamp];
      if (at.length === SHIFTS) leave();
    }
  });
  // A page that the browser kept in its drawer is never shown again as it was.
  addEventListener('pageshow', (e) => {
    if (e.persisted) location.reload();
  });
}
