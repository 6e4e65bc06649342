// Codes that another device reads off the screen: zbar read each of these as
// they were made, one of every version; here is what it read.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { qr } from '../src/ui/desk/qr';

const invitation = 'https://10.0.0.7:8443#sha256=' + 'ab3f'.repeat(60);

test.each([
  [5, 21, '3ed3dfe24378585c'],
  [40, 29, '0a22421b31250d8a'],
  [104, 41, '1dd49febf1782af7'],
  [140, 49, '37eff63fec2c73b6'],
  [213, 57, 'a35c3cc8ed44093c'],
])('a code of %i bytes has %i modules a side, and stays as a reader read it', (n, side, sum) => {
  const code = qr(invitation.slice(0, n));
  expect(code.length).toBe(side);
  expect(createHash('sha256').update(code.map((row) => row.map(Number).join('')).join('\n')).digest('hex').slice(0, 16)).toBe(sum);
});

test('what no code holds is refused', () => {
  expect(() => qr(invitation.slice(0, 214))).toThrow();
});
