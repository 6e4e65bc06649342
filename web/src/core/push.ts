import { quote } from './json';
import type { Scope } from './name';

export const PROTOCOL_VERSION = 1;

/** One request of a round trip. */
export interface Push {
  replica: string;
  /** Bytes of the changes as they were stored, in order, without a gap. */
  changes: string[];
  /** After the last change; "" without changes. */
  link: string;
  signature: string;
  cursor: string;
  /** Number of the replica's last change, sent or not. */
  last: number;
  /** Until when the tablet holds a lease; "" where it does not. */
  lease: string;
  hubKey: string;
  /** Size of the hub's audit log at the last checkpoint that was verified. */
  seen: number;
  /** The tablet takes lines that name its own changes in place of rows. */
  own: boolean;
  /** How many files wait on the tablet. */
  files: number;
  /** Half-filled forms, as encodeDrafts writes them. */
  drafts: string;
  check: string[];
  again: Map<Scope, string[]>;
}

/** Writes a push with its changes byte for byte. */
export function encodePush(p: Push): string {
  const text = (name: string, v: string) => (v === '' ? '' : `,"${name}":${quote(v)}`);
  const number = (name: string, v: number) => (v === 0 ? '' : `,"${name}":${v}`);
  const list = (l: string[]) => `[${l.map(quote).join(',')}]`;
  const again = [...p.again.keys()].sort().map((s) => `${quote(s)}:${list(p.again.get(s)!)}`);
  return (
    `{"v":${PROTOCOL_VERSION},"replica":${quote(p.replica)},"changes":[${p.changes.join(',')}]` +
    text('link', p.link) +
    text('sig', p.signature) +
    text('cursor', p.cursor) +
    number('last', p.last) +
    text('lease', p.lease) +
    text('hub_key', p.hubKey) +
    number('seen', p.seen) +
    (p.own ? ',"own":true' : '') +
    number('files', p.files) +
    `,"drafts":${p.drafts}` +
    (p.check.length === 0 ? '' : `,"check":${list(p.check)}`) +
    (again.length === 0 ? '' : `,"again":{${again.join(',')}}`) +
    '}'
  );
}
