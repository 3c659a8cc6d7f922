// Runs in the browser, as a page's script: the browser's own IndexedDB for the tests of storage.test.mjs.
import { indexedDBStorage } from '/dist/storage/indexeddb.js';

globalThis.suite = { indexedDBStorage };
