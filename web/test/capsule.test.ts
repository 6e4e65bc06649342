// Plays the vectors that the Go tests play too (capsule/testdata/vectors.json).
import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { argon2id, blake2b } from '../src/core/argon2';
import { utf8 } from '../src/core/bytes';
import { isCapsule, judge, openCapsule } from '../src/core/capsule';
import { isFault } from '../src/core/fault';

interface Vector {
  name: string;
  text: string;
  words: string;
  trusted: string[];
  verdict?: string;
  code?: string;
  record?: unknown;
}

const vectors = JSON.parse(readFileSync(new URL('../../capsule/testdata/vectors.json', import.meta.url), 'utf8')) as Vector[];
const hex = (b: Uint8Array) => Buffer.from(b).toString('hex');

test.each(vectors.map((v) => [v.name, v] as const))('capsule: %s', async (_, v) => {
  try {
    const opened = await openCapsule(v.text, v.words);
    expect(opened.record).toEqual(v.record);
    expect((await judge(opened, v.trusted)).verdict).toBe(v.verdict);
    expect(v.code).toBeUndefined();
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    expect(thrown.code).toBe(v.code);
  }
  expect(isCapsule(v.text)).toBe(v.code !== 'capsule_malformed' || v.name.startsWith('a record'));
});

test('BLAKE2b and Argon2id are those of their RFCs', () => {
  // RFC 7693, appendix A.
  expect(hex(blake2b(utf8('abc'), 64))).toBe(
    'ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923',
  );
  // A message of several blocks, by Python's hashlib.
  expect(hex(blake2b(new Uint8Array(300).map((_, i) => i), 32))).toBe('3a486e3fe3ee414853000269ac020030aeef748cb05cd62ba85939ec298ef25c');
  // golang.org/x/crypto/argon2, its own vectors: one lane, password and somesalt.
  expect(hex(argon2id('password', utf8('somesalt'), 64, 1, 24))).toBe('655ad15eac652dc59f7170a7332bf49b8469be1fdb9c28bb');
  expect(hex(argon2id('password', utf8('somesalt'), 64, 2, 24))).toBe('068d62b26455936aa6ebe60060b0a65870dbfa3ddf8d41f7');
});
