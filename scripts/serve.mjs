// SPDX-License-Identifier: MIT
//
// Serves the built demo on this machine only: build/demo/ at /, and the package itself at /dist/.
// The policy is as strict as a real site's can be: no inline script or style, no eval; WebAssembly is allowed.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream';

const root = path.resolve(import.meta.dirname, '..');
const folders = { '/dist/': path.join(root, 'dist'), '/': path.join(root, 'build/demo') };

const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
    "connect-src *; worker-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The file behind an address, or undefined: never one outside the two folders. */
async function find(url) {
  let name;
  try {
    name = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return undefined;
  }
  if (name.includes('\0') || name.includes('\\')) return undefined;
  if (name.endsWith('/')) name += 'index.html';
  const prefix = Object.keys(folders).find((start) => name.startsWith(start));
  const file = path.join(folders[prefix], name.slice(prefix.length));
  if (!file.startsWith(folders[prefix] + path.sep)) return undefined;
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? { file, size: found.size } : undefined;
}

const server = createServer(async (request, response) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { ...headers, Allow: 'GET, HEAD' }).end();
    return;
  }
  const found = await find(request.url);
  if (!found) {
    response.writeHead(404, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end('Not found\n');
    return;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': types[path.extname(found.file)] ?? 'application/octet-stream',
    'Content-Length': found.size,
  });
  if (request.method === 'HEAD') response.end();
  else pipeline(createReadStream(found.file), response, () => {});
});

let port = Number(process.env.PORT || 8080);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`PORT is '${process.env.PORT}', which is no port`);
  process.exit(1);
}
let attempts = 20;
server.on('error', (error) => {
  if (error.code === 'EADDRINUSE' && attempts-- > 0 && port < 65535) {
    server.listen(++port, '127.0.0.1');
  } else {
    console.error(`Cannot serve on port ${port}: ${error.message}`);
    process.exit(1);
  }
});
server.on('listening', () => {
  console.log('Stop with Ctrl-C.');
  console.log(`Demo: http://127.0.0.1:${server.address().port}/`);
});
server.listen(port, '127.0.0.1');
