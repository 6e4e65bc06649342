// Where somebody is in the app. It lives in memory: no address, title or
// history entry says what is looked at.

export interface Place {
  screen: string;
  /** Ids of records, and what else the screen needs. */
  [more: string]: unknown;
}

class Route {
  private stack = $state.raw<Place[]>([{ screen: '' }]);
  /** Is asked before a place is left that has something unsaved. */
  private depth = 0;

  get here(): Place {
    return this.stack.at(-1)!;
  }

  get deep(): boolean {
    return this.stack.length > 1;
  }

  go(place: Place): void {
    this.stack = [...this.stack, place];
    this.depth++;
    history.pushState({ depth: this.depth }, '');
    arrive();
  }

  /** Takes the place of the one that is shown. */
  turn(place: Place): void {
    this.stack = [...this.stack.slice(0, -1), place];
    arrive();
  }

  back(): void {
    if (this.deep) history.back();
  }

  /** Begins anew at a place. */
  reset(place: Place): void {
    this.stack = [place];
    this.depth = 0;
    history.replaceState({ depth: 0 }, '');
    arrive();
  }

  /** @internal */
  popped(depth: number): void {
    const steps = this.depth - depth;
    this.depth = depth;
    if (steps === 0) return;
    this.stack = steps > 0 && steps < this.stack.length ? this.stack.slice(0, this.stack.length - steps) : [this.stack[0]!];
    arrive();
  }
}

export const route = new Route();

/** A new screen begins at its top, and a screen reader at its heading. */
function arrive(): void {
  requestAnimationFrame(() => {
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  });
}

addEventListener('popstate', (e) => route.popped((e.state as { depth?: number } | null)?.depth ?? 0));
history.replaceState({ depth: 0 }, '');
