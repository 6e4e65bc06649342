import { type Bytes, text } from './bytes';
import { Fault } from './fault';

// Reads the part of CBOR (RFC 8949) that capsules are written in: whole numbers,
// bytes, text, lists, maps, true and false. All else is malformed.

export type Cbor = number | string | boolean | Bytes | Cbor[] | Map<number | string, Cbor>;

const NESTED_MAX = 6;
const PARTS_MAX = 256;

class Reader {
  private at = 0;

  constructor(private readonly b: Uint8Array) {}

  get ended(): boolean {
    return this.at === this.b.length;
  }

  private take(n: number): Uint8Array {
    if (n > this.b.length - this.at) throw malformed();
    this.at += n;
    return this.b.subarray(this.at - n, this.at);
  }

  private number(of: number): number {
    if (of < 24) return of;
    if (of > 27) throw malformed();
    const n = this.take(1 << (of - 24)).reduce((sum, x) => sum * 256 + x, 0);
    if (!Number.isSafeInteger(n)) throw malformed();
    return n;
  }

  value(depth: number): Cbor {
    if (depth > NESTED_MAX) throw malformed();
    const first = this.take(1)[0]!;
    const kind = first >>> 5;
    if (first === 0xf4 || first === 0xf5) return first === 0xf5;
    if (kind > 5) throw malformed();
    const n = this.number(first & 31);
    switch (kind) {
      case 0:
        return n;
      case 1:
        return -1 - n;
      case 2:
        return this.take(n).slice() as Bytes;
      case 3:
        return text(this.take(n));
    }
    if (n > PARTS_MAX) throw malformed();
    if (kind === 4) return Array.from({ length: n }, () => this.value(depth + 1));
    const out = new Map<number | string, Cbor>();
    for (let i = 0; i < n; i++) {
      const key = this.value(depth + 1);
      if ((typeof key !== 'number' && typeof key !== 'string') || out.has(key)) throw malformed();
      out.set(key, this.value(depth + 1));
    }
    return out;
  }
}

export function malformed(): Fault {
  return new Fault('capsule_malformed', 'no code of this kind, or one of a newer kind');
}

/** Reads one value that is all there is; capsule_malformed otherwise. */
export function readCbor(b: Uint8Array): Cbor {
  try {
    const r = new Reader(b);
    const v = r.value(1);
    if (r.ended) return v;
  } catch {
    // A text that is no UTF-8 is malformed like all else.
  }
  throw malformed();
}
