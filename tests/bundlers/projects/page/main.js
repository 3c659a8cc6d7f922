// Leaves what the suite saw where the test finds it.
import { inPage } from './life.js';

inPage().then((seen) => {
  globalThis.seen = seen;
});
