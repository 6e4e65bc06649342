/** A fault with a stable code (docs/errors.md). It holds no personal data. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    readonly hint = '',
  ) {
    super(hint === '' ? code : `${code}: ${hint}`);
  }
}

/** Says whether something that was thrown is the fault with that code. */
export function isFault(thrown: unknown, ...codes: string[]): thrown is Fault {
  return thrown instanceof Fault && (codes.length === 0 || codes.includes(thrown.code));
}
