/** What a store lies on: named values, written all or nothing. */
export interface Disk {
  /** Everything that is there but blobs: what is called "blob …" is read one by one. */
  load(): Promise<[string, unknown][]>;
  /** What the blobs are called. */
  blobs(): Promise<string[]>;
  /** One value, undefined where there is none. */
  read(key: string): Promise<unknown>;
  /** Puts and deletes in one step, which is on the disk when the promise is kept. */
  write(puts: readonly [string, unknown][], deletes: readonly string[]): Promise<void>;
  close(): void;
}

/** What the names of blobs begin with: bytes too many to be held in memory with all else. */
export const BLOB = 'blob ';

/** A disk that forgets: for tests, and for a browser that may keep nothing. */
export class MemoryDisk implements Disk {
  private readonly values = new Map<string, unknown>();

  load(): Promise<[string, unknown][]> {
    return Promise.resolve(structuredClone([...this.values].filter(([key]) => !key.startsWith(BLOB))));
  }

  blobs(): Promise<string[]> {
    return Promise.resolve([...this.values.keys()].filter((key) => key.startsWith(BLOB)));
  }

  read(key: string): Promise<unknown> {
    return Promise.resolve(structuredClone(this.values.get(key)));
  }

  write(puts: readonly [string, unknown][], deletes: readonly string[]): Promise<void> {
    for (const key of deletes) this.values.delete(key);
    for (const [key, value] of structuredClone(puts)) this.values.set(key, value);
    return Promise.resolve();
  }

  close(): void {}
}
