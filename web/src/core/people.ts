import type { Disk } from './disk';
import { Fault, isFault } from './fault';
import { type Lock, openLock } from './lock';

/** After so many wrong passphrases in a row what is on the tablet is destroyed. */
export const PASSPHRASE_TRIES = 10;

/** Somebody who works on this device. What is in clear here says nothing but how they called themselves. */
export interface Person {
  id: string;
  /** How they find themselves among those who share the tablet. */
  name: string;
  language: string;
  /** undefined once what it opened was destroyed. */
  lock?: Lock | undefined;
  tries: number;
}

const PERSON = 'person ';
const LANGUAGE = 'language';

/** Who works on this device, on a small disk of its own. */
export class People {
  private constructor(private readonly open: () => Promise<Disk>) {}

  /** open gives the disk for one reading or writing. */
  static on(open: () => Promise<Disk>): People {
    return new People(open);
  }

  private async with<T>(run: (disk: Disk) => Promise<T>): Promise<T> {
    const disk = await this.open();
    try {
      return await run(disk);
    } finally {
      disk.close();
    }
  }

  /** Everybody, and the language of the device; "" where none was chosen. */
  read(): Promise<{ people: Person[]; language: string }> {
    return this.with(async (disk) => {
      const all = await disk.load();
      const people = all.filter(([k]) => k.startsWith(PERSON)).map(([, v]) => v as Person);
      return { people: people.sort((a, b) => a.name.localeCompare(b.name)), language: (all.find(([k]) => k === LANGUAGE)?.[1] as string) ?? '' };
    });
  }

  put(p: Person): Promise<void> {
    return this.with((disk) => disk.write([[PERSON + p.id, p]], []));
  }

  remove(id: string): Promise<void> {
    return this.with((disk) => disk.write([], [PERSON + id]));
  }

  speak(language: string): Promise<void> {
    return this.with((disk) => disk.write([[LANGUAGE, language]], []));
  }

  /**
   * The root behind somebody's passphrase. Each try is counted before it is
   * looked at; after too many the lock is destroyed and passphrase_over thrown.
   */
  async unlock(p: Person, passphrase: string): Promise<Uint8Array> {
    if (p.lock === undefined) throw new Fault('passphrase_over', 'What was here is destroyed. Enrol again.');
    const { lock } = p;
    p.tries++;
    if (p.tries > PASSPHRASE_TRIES) delete p.lock;
    await this.put(p);
    if (p.lock === undefined) throw new Fault('passphrase_over', 'Too many wrong passphrases.');
    try {
      const root = await openLock(lock, passphrase);
      p.tries = 0;
      await this.put(p);
      return root;
    } catch (e) {
      if (!isFault(e, 'passphrase_wrong') || p.tries < PASSPHRASE_TRIES) throw e;
      delete p.lock;
      await this.put(p);
      throw new Fault('passphrase_over', 'Too many wrong passphrases.');
    }
  }
}
