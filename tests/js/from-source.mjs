// Imports one file of js/src as it stands, bundled on the spot: for what the package uses but does not export, and for
// a second copy of what it does (each call makes one).
import { build } from 'esbuild';
import path from 'node:path';

let copies = 0;

/** The exports of `js/src/<file>`: a new module with every call. */
export async function fromSource(file) {
  const result = await build({
    entryPoints: [path.join(import.meta.dirname, '../../js/src', file)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    footer: { js: `// copy ${++copies}` },
  });
  const [{ text }] = result.outputFiles;
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
}
