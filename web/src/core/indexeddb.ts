import { BLOB, type Disk } from './disk';
import { Fault } from './fault';

const VALUES = 'values';
/** Behind the name of every blob: '!' follows the space. */
const BLOB_END = 'blob!';

/**
 * A store's values in IndexedDB. One page of a browser has a store open at a
 * time: two that number changes would fork its chain.
 */
export async function openIndexedDisk(name: string): Promise<Disk> {
  const release = await hold(`portolan ${name}`);
  try {
    return new IndexedDisk(await open(name), release);
  } catch (e) {
    release();
    throw e;
  }
}

/** Takes a lock of the browser for as long as the store is open. */
function hold(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) throw new Fault('store_open', 'This store is open in another window. Close that one first.');
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Fault('store_broken'));
  });
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(VALUES);
  return settled(request);
}

class IndexedDisk implements Disk {
  constructor(
    private readonly db: IDBDatabase,
    private readonly release: () => void,
  ) {
    db.onversionchange = () => db.close(); // it is being deleted
  }

  async load(): Promise<[string, unknown][]> {
    const values = this.db.transaction(VALUES).objectStore(VALUES);
    const ranges = [IDBKeyRange.upperBound(BLOB, true), IDBKeyRange.lowerBound(BLOB_END)];
    const [keys, all] = await Promise.all([
      Promise.all(ranges.map((r) => settled(values.getAllKeys(r)))),
      Promise.all(ranges.map((r) => settled(values.getAll(r) as IDBRequest<unknown[]>))),
    ]);
    const found = all.flat();
    return keys.flat().map((key, i) => [String(key), found[i]]);
  }

  async blobs(): Promise<string[]> {
    const values = this.db.transaction(VALUES).objectStore(VALUES);
    return (await settled(values.getAllKeys(IDBKeyRange.bound(BLOB, BLOB_END, false, true)))).map(String);
  }

  read(key: string): Promise<unknown> {
    return settled(this.db.transaction(VALUES).objectStore(VALUES).get(key) as IDBRequest<unknown>);
  }

  write(puts: readonly [string, unknown][], deletes: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      // strict: what a person was told is saved outlives a power cut.
      const tx = this.db.transaction(VALUES, 'readwrite', { durability: 'strict' });
      tx.oncomplete = () => resolve();
      tx.onabort = tx.onerror = () => reject(tx.error ?? new Fault('store_broken'));
      const values = tx.objectStore(VALUES);
      for (const key of deletes) values.delete(key);
      for (const [key, value] of puts) values.put(value, key);
    });
  }

  close(): void {
    this.db.close();
    this.release();
  }
}
