import path from 'node:path';

export default {
  mode: 'production',
  entry: './main.js',
  output: { path: path.join(import.meta.dirname, 'out/webpack'), filename: 'main.js' },
  performance: { hints: false },
};
