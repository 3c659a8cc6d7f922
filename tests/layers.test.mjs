// Who may include whom: every #include of the C++ and every import of the facade, held against the table of design.md.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');

// ------------------------------------------------------------------------------------- the tables

/** C++: what each room may include beside itself, the public headers and the standard library. */
const rooms = {
  include: [],
  base: [],
  text: ['base'],
  languages: ['text'],
  messages: ['base', 'text'],
  index: ['base', 'text'],
  journal: ['base'],
  local: ['index', 'journal', 'messages', 'base'],
  mem0: ['messages', 'base'],
  context: ['messages', 'base'],
  wasm: ['base', 'text', 'messages', 'index', 'journal', 'local', 'mem0', 'context'],
};

/** Libraries: which files of which room may include their headers. */
const libraries = [
  { name: 'Emscripten', header: /^emscripten\b/, mayInclude: /^src\/wasm\// },
  { name: 'nlohmann_json', header: /^nlohmann\//, mayInclude: /^src\/base\/json\.cpp$/ },
  {
    name: 'Snowball',
    header: /^(libstemmer|api|header|stem_)/,
    mayInclude: /^src\/(text|languages)\//,
  },
];

/** The facade: what the files that match may import, by path below js/src (without its ending). */
const facade = [
  // storage/* stands alone: it is an entry of its own, and works without the core.
  { files: /^storage\//, mayImport: /^(storage\/|types$|errors$)/ },
  { files: /^testing\//, mayImport: /^(testing\/|types$|errors$)/ },
  { files: /^wasm\//, mayImport: /^(wasm\/|types$)/ },
  { files: /^core\//, mayImport: /^(core\/|errors$|types$)/ },
  { files: /^sync\//, mayImport: /^(sync\/|core\/|types$|errors$)/ },
  { files: /^(types|enums|errors)$/, mayImport: /^(types|enums|errors)$/ },
  { files: /^[^/]+$/, mayImport: /^([^/]+$|core\/|storage\/|sync\/)/ },
];

/** What is no file of js/src: who may import it. */
const specials = [
  { name: /^#(glue|wasm)$/, mayImport: /^core\/load$/ },
  { name: /^#languages-wasm$/, mayImport: /^languages$/ },
  { name: /^#mem0-wasm$/, mayImport: /^core\/mem0$/ },
  { name: /^#base64\//, mayImport: /^wasm\/((languages|mem0)-)?inline$/ },
  { name: /\.wasm(\?module)?$/, mayImport: /^wasm\/((languages|mem0)-)?(workerd|edge-light)$/ },
  { name: /^node:/, mayImport: /^(wasm\/((languages|mem0)-)?node|storage\/file)$/ },
];

/** Edges that stand against the table and are still to be decided on; empty is what it should be. */
const open = [];

// ------------------------------------------------------------------------------------- C++

const roomOf = (file) => (file.startsWith('include/') ? 'include' : file.split('/')[1]);

/** Lines of `text` that are no comment, for what stands at their beginning. */
function linesOf(text) {
  return text
    .replaceAll(/\/\*[^]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .split('\n');
}

/** Forbidden edges of one C++ file. `exists(path)` tells whether the repository has such a file. */
function violationsInCpp(file, text, exists) {
  const room = roomOf(file);
  const found = [];
  const report = (line, reason) => found.push(`${file}:${line + 1}: ${reason}`);
  if (!(room in rooms)) report(0, `the room '${room}' is not in the table`);
  for (const [line, each] of linesOf(text).entries()) {
    const match = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(each);
    if (!match) {
      if (/^\s*#\s*include\b/.test(each)) report(line, 'an include whose target cannot be read');
      continue;
    }
    const [, quote, target] = match;
    const library = libraries.find(({ header }) => header.test(target));
    if (library) {
      if (!library.mayInclude.test(file))
        report(line, `${file} may not include ${library.name} (${target})`);
      continue;
    }
    if (quote === '<') {
      if (!/^[a-z_0-9]+$/.test(target))
        report(line, `<${target}> is no header of the standard library`);
      continue;
    }
    if (target.startsWith('agent_memory/')) {
      if (!exists(`include/${target}`)) report(line, `there is no include/${target}`);
      continue;
    }
    if (target.includes('..')) report(line, `"${target}" is not rooted in src/`);
    else if (target.endsWith('.cpp')) report(line, `"${target}" is no header`);
    else if (!exists(`src/${target}`)) report(line, `there is no src/${target}`);
    else if (room === 'include') report(line, `a public header may not include ${target}`);
    else {
      const other = target.split('/')[0];
      if (other !== room && !rooms[room]?.includes(other)) {
        report(line, `${room} may not include ${other} (${target})`);
      }
    }
  }
  return found;
}

// ------------------------------------------------------------------------------------- TypeScript

const importPattern =
  /(?:^|[\n;])\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*(['"])([^'"]+)\1|\b(?:import|require)\s*\(\s*(['"`])([^'"`]+)\3/g;

/** Forbidden edges of one file of js/src; `file` is its path below. */
function violationsInTypeScript(file, text) {
  const name = file.replace(/(\.d)?\.ts$/, '');
  const found = [];
  const report = (reason) => found.push(`js/src/${file}: ${reason}`);
  // Comments may say import; links in them may name files.
  const code = text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  for (const match of code.matchAll(importPattern)) {
    const target = match[2] ?? match[4];
    const isType = /^[\s;]*(?:import|export)\s+type\b/.test(match[0]) || file.endsWith('.d.ts');
    if (!target.startsWith('.') || target.includes('.wasm')) {
      const special = specials.find((each) => each.name.test(target));
      if (!special) report(`imports ${target}, which is neither its own nor a known special`);
      else if (!special.mayImport.test(name)) report(`may not import ${target}`);
      continue;
    }
    if (!target.endsWith('.js')) report(`imports ${target} without its ending`);
    const other = path.posix.join(path.posix.dirname(file), target).replace(/\.js$/, '');
    if (other.startsWith('..')) {
      report(`imports ${target}, outside of js/src`);
      continue;
    }
    const rule = facade.find(({ files }) => files.test(name));
    // Types leave nothing behind: enums.ts and types.ts may name each other, and everybody may name types.
    if (!rule.mayImport.test(other) && !(isType && /^(types|enums|errors)$/.test(other))) {
      report(`may not import ${other}`);
    }
  }
  if (/agent-memory\.wasm['"`]/.test(code) && !name.startsWith('wasm/'))
    report('names the .wasm asset');
  return found;
}

// ------------------------------------------------------------------------------------- the sources

async function filesIn(folder, endings) {
  const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && endings.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

const read = (file) => readFile(path.join(root, file), 'utf8');

test('every #include of the C++ is one that design.md allows', async () => {
  const files = [
    ...(await filesIn('src', /\.(cpp|hpp|h)$/)),
    ...(await filesIn('include', /\.(hpp|h)$/)),
  ];
  assert.ok(files.length > 50, `${files.length} files`);
  const all = new Set(files);
  const found = [];
  for (const file of files) {
    found.push(...violationsInCpp(file, await read(file), (name) => all.has(name)));
  }
  assert.deepEqual(
    found.map((each) => each.replace(/:\d+:/, ':')),
    open,
  );
});

test('every import of the facade is one that design.md allows', async () => {
  const files = await filesIn('js/src', /\.ts$/);
  assert.ok(files.length > 20, `${files.length} files`);
  const found = [];
  for (const file of files) {
    found.push(...violationsInTypeScript(path.relative('js/src', file), await read(file)));
  }
  assert.deepEqual(found, []);
});

test('the rooms of src/ are those of the table', async () => {
  const entries = await readdir(path.join(root, 'src'), { withFileTypes: true });
  for (const entry of entries) {
    assert.ok(entry.isDirectory(), `src/${entry.name} is in no room`);
    assert.ok(entry.name in rooms, `src/${entry.name}`);
  }
});

test('the table has no circle', () => {
  const order = [];
  const visit = (room, above) => {
    assert.ok(!above.includes(room), [...above, room].join(' -> '));
    for (const other of rooms[room]) visit(other, [...above, room]);
    order.push(room);
  };
  for (const room of Object.keys(rooms)) visit(room, []);
  for (const [room, others] of Object.entries(rooms)) {
    assert.ok(!others.includes('wasm'), `${room} -> wasm`);
  }
});

test('headers include one another in no circle', async () => {
  const files = [...(await filesIn('src', /\.hpp$/)), ...(await filesIn('include', /\.hpp$/))];
  const edges = new Map();
  for (const file of files) {
    const targets = [...(await read(file)).matchAll(/^#include "([^"]+)"/gm)].map(([, target]) =>
      target.startsWith('agent_memory/') ? `include/${target}` : `src/${target}`,
    );
    edges.set(file, targets);
  }
  const done = new Set();
  const visit = (file, above) => {
    assert.ok(!above.includes(file), [...above, file].join(' -> '));
    if (done.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...above, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

// ------------------------------------------------------------------------------------- the checker itself

const forbiddenInCpp = {
  'a room that is not listed': [
    'src/journal/a.cpp',
    '#include "text/b.hpp"',
    /journal may not include text/,
  ],
  'the way back': ['src/base/a.hpp', '#include "local/b.hpp"', /base may not include local/],
  'anything -> wasm': ['src/local/a.cpp', '#include "wasm/b.hpp"', /local may not include wasm/],
  'a public header -> a room': [
    'include/agent_memory/a.hpp',
    '#include "base/b.hpp"',
    /public header/,
  ],
  'Emscripten outside of wasm': [
    'src/local/a.cpp',
    '#include <emscripten/val.h>',
    /may not include Emscripten/,
  ],
  'Emscripten by its short name': [
    'src/base/a.cpp',
    '#include <emscripten.h>',
    /may not include Emscripten/,
  ],
  'JSON outside of base/json.cpp': [
    'src/journal/a.cpp',
    '#include <nlohmann/json.hpp>',
    /may not include nlohmann/,
  ],
  'JSON in another file of base': [
    'src/base/json.hpp',
    '#include "nlohmann/json.hpp"',
    /may not include nlohmann/,
  ],
  'a path that climbs': ['src/local/a.cpp', '#include "../index/b.hpp"', /not rooted/],
  'a source': ['src/local/a.cpp', '#include "local/b.cpp"', /no header/],
  'what is not there': [
    'src/local/a.cpp',
    '#include "local/missing.hpp"',
    /there is no src\/local\/missing/,
  ],
  'some library': [
    'src/local/a.cpp',
    '#include <boost/any.hpp>',
    /no header of the standard library/,
  ],
  'an unknown room': ['src/attic/a.cpp', '', /'attic' is not in the table/],
  'odd spacing': ['src/base/a.cpp', '  #  include   "local/b.hpp"', /base may not include local/],
  'a macro': ['src/base/a.cpp', '#include HEADER', /cannot be read/],
};
for (const [name, [file, text, reason]] of Object.entries(forbiddenInCpp)) {
  test(`the checker catches, in C++: ${name}`, () => {
    const exists = (other) => !other.includes('missing');
    const found = violationsInCpp(file, `// a comment\n${text}\n`, exists);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0], reason);
    assert.ok(found[0].startsWith(`${file}:`));
  });
}

test('the checker lets pass what is allowed in C++', () => {
  const text = `
    #include "local/store.hpp"
    #include "agent_memory/types.hpp"
    #include <vector>
    #include "index/filter.hpp"
    #include "journal/journal.hpp"
    #include "messages/parse.hpp"
    #include "base/json.hpp"
    /* #include "wasm/host.hpp" */
    // #include "wasm/host.hpp"
  `;
  assert.deepEqual(
    violationsInCpp('src/local/a.cpp', text, () => true),
    [],
  );
  assert.deepEqual(
    violationsInCpp('src/wasm/a.cpp', '#include <emscripten/bind.h>', () => true),
    [],
  );
  assert.deepEqual(
    violationsInCpp('src/base/json.cpp', '#include <nlohmann/json.hpp>', () => true),
    [],
  );
});

const forbiddenInTypeScript = {
  'the core -> a facade file': [
    'core/a.ts',
    `import { LocalProvider } from '../local-provider.js';`,
  ],
  'the core -> storage': ['core/a.ts', `import { memoryStorage } from '../storage/memory.js';`],
  'storage -> the core': ['storage/a.ts', `import { bridge } from '../core/load.js';`],
  'storage -> a facade file': ['storage/a.ts', `export { memoryConfig } from '../config.js';`],
  'errors -> the core': ['errors.ts', `import './core/load.js';`],
  'types of the facade in the core': [
    'core/a.ts',
    `import type { LocalProvider } from '../local-provider.js';`,
  ],
  'the glue outside of core/load.ts': ['core/bridge.ts', `import createModule from '#glue';`],
  'the wasm outside of core/load.ts': ['session.ts', `import { wasmSource } from '#wasm';`],
  'Node outside of wasm/node.ts': ['storage/a.ts', `import { readFile } from 'node:fs/promises';`],
  'a module in base64 outside of the inline source': [
    'wasm/node.ts',
    `import base64 from '#base64/agent-memory';`,
  ],
  'the .wasm imported where it is no module': [
    'wasm/web.ts',
    `import module from './agent-memory.wasm';`,
  ],
  'a dependency': ['session.ts', `import { z } from 'zod';`],
  'an import over several lines': [
    'storage/a.ts',
    `import {\n  bridge,\n  load,\n} from '../core/load.js';`,
  ],
  'a dynamic import': ['storage/a.ts', `const core = await import('../core/load.js');`],
  'what lies outside': ['session.ts', `import x from '../../package.json';`],
  'the .wasm by name': [
    'core/a.ts',
    `const url = new URL('./agent-memory.wasm', import.meta.url);`,
  ],
};
for (const [name, [file, text]] of Object.entries(forbiddenInTypeScript)) {
  test(`the checker catches, in TypeScript: ${name}`, () => {
    const found = violationsInTypeScript(file, `// a comment\n${text}\n`);
    assert.ok(found.length >= 1);
    assert.ok(found[0].startsWith(`js/src/${file}: `));
  });
}

test('the checker lets pass what is allowed in TypeScript', () => {
  const allowed = {
    'local-provider.ts': `import { bridge } from './core/load.js';\nimport { memoryStorage } from './storage/memory.js';`,
    'core/load.ts': `import createModule from '#glue';\nimport { wasmSource } from '#wasm';\nimport type { A } from '../types.js';`,
    'storage/memory.ts': `import type { StoragePort } from '../types.js';\nimport { exclusive } from './exclusive.js';`,
    'wasm/node.ts': `import { readFile } from 'node:fs/promises';\nconst a = new URL('./agent-memory.wasm', import.meta.url);`,
    'wasm/workerd.ts': `import module from './agent-memory.wasm';`,
    'wasm/mem0-edge-light.ts': `import module from './agent-memory-mem0.wasm?module';`,
    'wasm/languages-inline.ts': `import base64 from '#base64/agent-memory-languages';\nimport { bytesOf } from './base64.js';`,
    'types.ts': `import type { MemoryScope } from './enums.js';`,
    'index.ts': `export { load } from './core/load.js';\n// import x from 'zod';\n/** import y from 'zod'; */`,
  };
  for (const [file, text] of Object.entries(allowed)) {
    assert.deepEqual(violationsInTypeScript(file, text), []);
  }
});
