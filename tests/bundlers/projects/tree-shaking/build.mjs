// node build.mjs BUNDLER ENTRY...: bundles each script for a page, minified, and prints its files as
// [{name, bytes, gzipBytes, text?}] for each entry. Each bundler's own API, with its defaults where it has any.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const [bundler, ...entries] = process.argv.slice(2);

const bundle = {
  async esbuild(entry) {
    const { build } = await import('esbuild');
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      write: false,
      outdir: 'out',
      format: 'esm',
      platform: 'browser',
      logLevel: 'error',
    });
    return outputFiles.map(({ path: name, contents }) => ({ name, contents }));
  },

  async rollup(entry) {
    const { rollup } = await import('rollup');
    const { nodeResolve } = await import('@rollup/plugin-node-resolve');
    const { importMetaAssets } = await import('@web/rollup-plugin-import-meta-assets');
    const { transform } = await import('esbuild');
    const built = await rollup({
      input: entry,
      plugins: [nodeResolve({ browser: true }), importMetaAssets()],
    });
    const { output } = await built.generate({ format: 'es' });
    return Promise.all(
      output.map(async ({ fileName, type, code, source }) => ({
        name: fileName,
        // Rollup leaves it to others to make the code small.
        contents:
          type === 'chunk'
            ? Buffer.from((await transform(code, { minify: true, format: 'esm' })).code)
            : source,
      })),
    );
  },

  async vite(entry) {
    const { build } = await import('vite');
    const { output } = await build({
      configFile: false,
      logLevel: 'error',
      build: { write: false, rollupOptions: { input: entry } },
    });
    return output.map(({ fileName, code, source }) => ({
      name: fileName,
      contents: code ?? source,
    }));
  },

  async webpack(entry) {
    const { default: webpack } = await import('webpack');
    const out = path.resolve('out', path.basename(entry, '.js'));
    const stats = await new Promise((resolve, reject) => {
      const output = { path: out, clean: true };
      const compiler = webpack({
        mode: 'production',
        entry: path.resolve(entry),
        output,
        performance: { hints: false },
      });
      compiler.run((error, result) => (error ? reject(error) : resolve(result)));
    });
    if (stats.hasErrors()) throw new Error(stats.toString());
    const names = stats.toJson({ all: false, assets: true }).assets.map(({ name }) => name);
    return Promise.all(
      names.map(async (name) => ({ name, contents: await readFile(path.join(out, name)) })),
    );
  },
}[bundler];

const results = [];
for (const entry of entries) {
  const files = await bundle(entry);
  results.push(
    files.map(({ name, contents }) => ({
      name: path.basename(name),
      bytes: Buffer.byteLength(contents),
      gzipBytes: gzipSync(contents, { level: 9 }).length,
      ...(!name.endsWith('.wasm') && { text: Buffer.from(contents).toString() }),
    })),
  );
}
console.log(JSON.stringify(results));
