// What the Chromium test loads into its page: the core as one bundle, and a stock PocketBase.
export { openIndexedDisk } from '../src/core/indexeddb';
export { Tablet } from '../src/core/tablet';
export { default as PocketBase } from 'pocketbase';
