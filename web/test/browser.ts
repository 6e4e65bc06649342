// What the Chromium test loads into its page: the core as one bundle.
export { openIndexedDisk } from '../src/core/indexeddb';
export { Tablet } from '../src/core/tablet';
