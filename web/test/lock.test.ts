// What stands between a tablet and who found it.
import { expect, test } from 'vitest';
import { newKey } from '../src/core/box';
import { MemoryDisk } from '../src/core/disk';
import { makeLock, openLock, PIN_TRIES, Warm } from '../src/core/lock';
import { PASSPHRASE_TRIES, People } from '../src/core/people';

const FEW = 1000; // rounds: what is tested is not how long it takes

test('a root opens with its passphrase alone, in whatever form its letters were typed', async () => {
  const root = newKey();
  const lock = await makeLock(root, 'Café lamp river', '4711', FEW);
  expect(await openLock(lock, 'Cafe\u0301 lamp river')).toEqual(root);
  await expect(openLock(lock, 'Cafe lamp river')).rejects.toMatchObject({ code: 'passphrase_wrong' });
  await expect(openLock({ ...lock, root: lock.pin }, 'Café lamp river')).rejects.toMatchObject({ code: 'passphrase_wrong' });
  expect(JSON.stringify(lock)).not.toContain('4711');
});

test('a PIN opens while the app is warm, and a few wrong ones end that', async () => {
  const root = newKey();
  const warm = await Warm.of(await makeLock(root, 'lamp river seven', '4711', FEW), root);
  for (let i = 1; i < PIN_TRIES; i++) await expect(warm.open('0000')).rejects.toMatchObject({ code: 'pin_wrong' });
  expect(await warm.open('4711')).toEqual(root);
  for (let i = 1; i < PIN_TRIES; i++) await expect(warm.open('0000')).rejects.toMatchObject({ code: 'pin_wrong' });
  await expect(warm.open('0000')).rejects.toMatchObject({ code: 'pin_over' });
  await expect(warm.open('4711')).rejects.toMatchObject({ code: 'pin_over' });
});

test('too many wrong passphrases destroy the lock, counted over restarts', async () => {
  const disk = new MemoryDisk();
  const people = () => People.on(() => Promise.resolve(disk));
  await people().put({ id: 'a', name: 'Amina', language: 'en', lock: await makeLock(newKey(), 'lamp river seven', '4711', FEW), tries: 0 });
  const read = async () => (await people().read()).people[0]!;
  for (let i = 1; i < PASSPHRASE_TRIES; i++) await expect(people().unlock(await read(), 'wrong')).rejects.toMatchObject({ code: 'passphrase_wrong' });
  await expect(people().unlock(await read(), 'wrong')).rejects.toMatchObject({ code: 'passphrase_over' });
  expect((await read()).lock).toBeUndefined();
  await expect(people().unlock(await read(), 'lamp river seven')).rejects.toMatchObject({ code: 'passphrase_over' });
});
