import path from 'node:path';

export default {
  mode: 'production',
  target: 'node20',
  entry: './main.js',
  experiments: { outputModule: true },
  output: {
    path: path.join(import.meta.dirname, 'out/webpack'),
    filename: 'main.mjs',
    module: true,
  },
};
