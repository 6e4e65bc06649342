import { Fault } from './fault';

/** A hybrid logical clock: 12 hex digits of milliseconds since 1970, 4 of a counter. */
export type HLC = string;

/** How far a device's clock may run before the hub's. */
export const CLOCK_AHEAD_MAX = 5 * 60_000;

const LAST_MS = 2 ** 48 - 1;
const COUNTER = 16n;

function pack(n: bigint): HLC {
  return n.toString(16).padStart(16, '0');
}

function unpack(h: HLC): bigint {
  return isClock(h) ? BigInt('0x' + h) : 0n;
}

export function isClock(s: string): boolean {
  return /^[0-9a-f]{16}$/.test(s);
}

export function parseClock(s: string): HLC {
  if (!isClock(s)) throw new Fault('clock_malformed', 'a clock is 16 lower-case hex digits');
  return s;
}

/** The first clock value of a millisecond. Before 1970 it is zero: a dead battery often wakes there. */
export function clockOf(ms: number): HLC {
  return pack(BigInt(Math.min(Math.max(Math.trunc(ms), 0), LAST_MS)) << COUNTER);
}

/** The clock, or the latest that a hub accepts at now. */
export function clamp(h: HLC, now: number): HLC {
  const limit = clockOf(now + CLOCK_AHEAD_MAX);
  return h > limit ? limit : h;
}

/** Makes clock values that only ever rise, whatever the wall clock does. */
export class Clock {
  private last = 0n;

  /** now is the wall clock, in milliseconds. */
  constructor(private readonly now: () => number) {}

  /** The next value, above every value ticked or observed before. */
  tick(): HLC {
    const wall = unpack(clockOf(this.now()));
    this.last = this.last + 1n > wall ? this.last + 1n : wall;
    return pack(this.last);
  }

  /** Raises the clock to a value from elsewhere, or one that was stored. */
  observe(h: HLC): void {
    // One millisecond below the end of time stays free, so that a tick never wraps.
    const end = BigInt(LAST_MS) << COUNTER;
    const n = unpack(h) < end ? unpack(h) : end;
    if (n > this.last) this.last = n;
  }
}
