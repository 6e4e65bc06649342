import { utf8Length } from './bytes';
import { Fault } from './fault';

/** A value as canonical JSON, byte for byte as it was written. */
export type Value = string;

export const DEPTH_MAX = 8;
const VALUE_BYTES_MAX = 64 << 10;

/**
 * Reads JSON (RFC 8259) strictly and within bounds. JSON.parse takes the last
 * of two members of one name, and loses how a number was written: two readers
 * of one signed change could then read two different things.
 */
export class Scanner {
  private i = 0;

  /** room is how deep s may nest. */
  constructor(
    private readonly s: string,
    private room = DEPTH_MAX,
  ) {}

  private malformed(): Fault {
    return new Fault('json_malformed', `not JSON at ${this.i}`);
  }

  private peek(): string {
    for (; this.i < this.s.length; this.i++) {
      const c = this.s[this.i]!;
      if (c !== ' ' && c !== '\t' && c !== '\n' && c !== '\r') return c;
    }
    return '';
  }

  private take(c: string): boolean {
    if (this.peek() !== c) return false;
    this.i++;
    return true;
  }

  /** Tells a value of another type from what is no JSON at all. */
  private expected(what: string): Fault {
    const c = this.peek();
    if (c !== '' && '{["-0123456789tfn'.includes(c)) return new Fault('member_type', `expected ${what} at ${this.i}`);
    return this.malformed();
  }

  /** Refuses anything behind the value. */
  end(): void {
    if (this.peek() !== '') throw this.malformed();
  }

  /** The character with which the next value begins, "" at the end. */
  next(): string {
    return this.peek();
  }

  private deeper(): void {
    if (--this.room < 0) throw new Fault('json_too_deep', 'nested too deeply');
  }

  /** Calls member for each member with its name; member must read the value. */
  object(member: (name: string) => void): void {
    if (!this.take('{')) throw this.expected('an object');
    this.deeper();
    const names = new Set<string>();
    for (let first = true; !this.take('}'); first = false) {
      if (!first && !this.take(',')) throw this.malformed();
      const name = this.string();
      if (names.has(name)) throw new Fault('member_twice', 'a member is named twice');
      names.add(name);
      if (!this.take(':')) throw this.malformed();
      member(name);
    }
    this.room++;
  }

  /** Calls element for each element, which must read it. */
  array(element: () => void): void {
    if (!this.take('[')) throw this.expected('an array');
    this.deeper();
    for (let first = true; !this.take(']'); first = false) {
      if (!first && !this.take(',')) throw this.malformed();
      element();
    }
    this.room++;
  }

  string(): string {
    if (this.peek() !== '"') throw this.expected('a string');
    const start = ++this.i;
    let plain = true;
    for (; this.i < this.s.length; this.i++) {
      const c = this.s.charCodeAt(this.i);
      if (c === 0x22) {
        const raw = this.s.slice(start, this.i++);
        return plain ? raw : this.unescape(raw);
      }
      if (c < 0x20) throw this.malformed();
      if (c === 0x5c) {
        plain = false;
        this.i++;
      }
    }
    throw this.malformed();
  }

  private unescape(raw: string): string {
    let out: string;
    try {
      out = JSON.parse(`"${raw}"`) as string;
    } catch {
      throw this.malformed();
    }
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(out)) {
      throw new Fault('utf8_malformed', 'half a surrogate pair');
    }
    return out;
  }

  private number(): void {
    const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
    number.lastIndex = this.i;
    if (!number.test(this.s)) throw this.malformed();
    this.i = number.lastIndex;
  }

  /** A whole number from 0 to limit. */
  uint(limit: number): number {
    const c = this.peek();
    if (c < '0' || c > '9') throw this.expected('a whole number');
    const start = this.i;
    this.number();
    const raw = this.s.slice(start, this.i);
    const n = Number(raw);
    if (!/^[0-9]+$/.test(raw) || n > limit) throw new Fault('number_malformed', `a whole number from 0 to ${limit}`);
    return n;
  }

  truth(): boolean {
    const c = this.peek();
    if (c !== 't' && c !== 'f') throw this.expected('true or false');
    this.literal(c === 't' ? 'true' : 'false');
    return c === 't';
  }

  private literal(word: string): void {
    if (!this.s.startsWith(word, this.i)) throw this.malformed();
    this.i += word.length;
  }

  /** Reads any value. */
  skip(): void {
    switch (this.peek()) {
      case '{':
        return this.object(() => this.skip());
      case '[':
        return this.array(() => this.skip());
      case '"':
        this.string();
        return;
      case 't':
        return this.literal('true');
      case 'f':
        return this.literal('false');
      case 'n':
        return this.literal('null');
    }
    if (!/[-0-9]/.test(this.peek())) throw this.malformed();
    this.number();
  }

  /** Reads any value and returns it as it stands. */
  raw(): string {
    this.peek();
    const start = this.i;
    this.skip();
    return this.s.slice(start, this.i);
  }

  /** A field's value: anything but null, which says nothing. */
  value(): Value {
    if (this.peek() === 'n') throw new Fault('member_type', 'null is no value; say why there is none with an absent value');
    const v = this.raw();
    if (utf8Length(v) > VALUE_BYTES_MAX) throw new Fault('change_too_large', 'a value is over its limit');
    return v;
  }

  /** An array of strings. */
  list(limit: number, check: (element: string) => void = () => {}): string[] {
    const out: string[] = [];
    this.array(() => {
      const e = this.string();
      if (out.length === limit) throw new Fault('change_too_large', 'a list is over its limit');
      check(e);
      out.push(e);
    });
    return out;
  }

  /** An object whose members are strings; those that are not named are passed over. */
  texts<K extends string>(...names: K[]): Record<K, string> {
    const out = Object.fromEntries(names.map((n) => [n, ''])) as Record<K, string>;
    this.object((name) => {
      if ((names as string[]).includes(name)) out[name as K] = this.string();
      else this.skip();
    });
    return out;
  }
}

const SHORT: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Writes a JSON string: only what must be escaped is. Half a surrogate pair becomes U+FFFD. */
export function quote(s: string): string {
  return (
    '"' +
    s
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
      .replace(/["\\\u0000-\u001f]/g, (c) => SHORT[c] ?? '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) +
    '"'
  );
}
