// node attw.mjs TARBALL: what Are The Types Wrong finds, as [{kind, entrypoint, resolutionKind, …}].
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { readFile } from 'node:fs/promises';

const [tarball] = process.argv.slice(2);
const pack = createPackageFromTarballData(new Uint8Array(await readFile(tarball)));
const { entrypoints, problems } = await checkPackage(pack, {
  excludeEntrypoints: ['./package.json', /\.wasm$/], // no scripts
});
console.log(JSON.stringify({ entrypoints: Object.keys(entrypoints), problems }));
