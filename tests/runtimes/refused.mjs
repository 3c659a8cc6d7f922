// Runs in a page whose policy allows no WebAssembly: posts what opening a provider says.
import { library } from '/app/host-browser.js';

const failure = await library.LocalProvider.open({ name: 'refused' }).then(
  () => 'opened',
  ({ code, isRetryable, message }) => ({ code, isRetryable, message }),
);
await fetch('/refused', { method: 'POST', body: JSON.stringify(failure) });
