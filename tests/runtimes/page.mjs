// Runs in a page of any browser, as it stands here: has the suite run in the page and in workers of every kind, tries
// what can go wrong at loading, posts what came of it, and goes on to a page whose policy forbids WebAssembly.
import * as inline from '/packed/inline.js';
import { library as other } from '/other/host-browser.js';
import { library, runIn, runSuite } from '/app/host-browser.js';

const { isAgain, refused } = await (await fetch('/plan')).json();
const script = '/app/host-browser.js';
const policy = globalThis.trustedTypes?.createPolicy('suite', { createScriptURL: (url) => url });
const trusted = (url) => (policy ? policy.createScriptURL(url) : url);

const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });

/** The next message that `port` gets, or the failure of `worker`. */
const messageOf = (port, worker = port) =>
  new Promise((resolve, reject) => {
    port.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`));
  });

const places = {
  page: () => runIn('in the page', isAgain),

  'dedicated worker': () => {
    const worker = new Worker(trusted(script), { type: 'module' });
    worker.postMessage({ name: 'in the worker', isAgain });
    return messageOf(worker);
  },

  'shared worker': () => {
    const worker = new SharedWorker(trusted(script), { type: 'module' });
    worker.port.postMessage({ name: 'in the shared worker', isAgain });
    return messageOf(worker.port, worker);
  },

  'service worker': async () => {
    await navigator.serviceWorker.register(trusted(script), { type: 'module' });
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    active.postMessage({ name: 'in the service worker', isAgain }, [port2]);
    return messageOf(port1);
  },

  'inline entry without a bundler': () =>
    runSuite({
      library: inline,
      open: () => inline.LocalProvider.open({ name: 'of the inline entry' }),
      persists: true,
      isAgain,
    }),

  // Two copies of the package, of two versions, take turns on one store.
  'two versions on a page': () => {
    let turn = 0;
    return runSuite({
      library,
      open: () => (turn++ % 2 ? other : library).LocalProvider.open({ name: 'of two versions' }),
      persists: true,
      isAgain,
    });
  },
};

/** What loading says of an address; 'loaded' where it loads. */
const loading = (wasm) =>
  other.loadMem0({ wasm }).then(
    () => 'loaded',
    ({ code, isRetryable, message }) => ({ code, isRetryable, message }),
  );

const result = { userAgent: navigator.userAgent, rows: [], loading: {} };
for (const [place, run] of Object.entries(places)) {
  const start = performance.now();
  const cells = await run().catch((error) => ({ load: `${error}` }));
  result.rows.push({ place, cells, seconds: (performance.now() - start) / 1000 });
}
// None of these is a module but the last, whose type says nothing.
for (const name of ['missing.wasm', 'page.html', 'script.js', 'broken.wasm'])
  result.loading[name] = await loading(`/app/${name}`);
result.loading.elsewhere = await loading(refused);
result.loading['typeless.bin'] = await loading('/app/typeless.bin');
await post('/result', result);
location.href = refused;
