/** What a store lies on: named values, written all or nothing. */
export interface Disk {
  /** Everything that is there. */
  load(): Promise<[string, unknown][]>;
  /** Puts and deletes in one step, which is on the disk when the promise is kept. */
  write(puts: readonly [string, unknown][], deletes: readonly string[]): Promise<void>;
  close(): void;
}

/** A disk that forgets: for tests, and for a browser that may keep nothing. */
export class MemoryDisk implements Disk {
  private readonly values = new Map<string, unknown>();

  load(): Promise<[string, unknown][]> {
    return Promise.resolve(structuredClone([...this.values]));
  }

  write(puts: readonly [string, unknown][], deletes: readonly string[]): Promise<void> {
    for (const key of deletes) this.values.delete(key);
    for (const [key, value] of structuredClone(puts)) this.values.set(key, value);
    return Promise.resolve();
  }

  close(): void {}
}
