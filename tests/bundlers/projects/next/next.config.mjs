import path from 'node:path';

// Next allows itself inline scripts; eval, nothing does.
const policy =
  "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self' 'unsafe-inline'";
// Where node_modules is that Next itself lies in.
const root = path.resolve(import.meta.dirname, '../../..');

export default {
  turbopack: { root },
  outputFileTracingRoot: root,
  headers: () => [
    { source: '/:path*', headers: [{ key: 'content-security-policy', value: policy }] },
  ],
};
