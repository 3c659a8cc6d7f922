// SPDX-License-Identifier: MIT
//
// embind's JavaScript half for what bindings.cpp binds: a function of numbers that gives a number. The library's own
// (src/embind/embind.js in Emscripten) converts whatever types are registered, at 3 kB of the download and a quarter of
// a microsecond a call.

/* global addToLibrary, getWasmTableEntry, HEAPU8, Module */
addToLibrary({
  _embind_register_function__deps: ['$getWasmTableEntry'],
  _embind_register_function: (name, count, types, signature, invoker, target) => {
    let text = '';
    for (; HEAPU8[name] !== 0; name++) text += String.fromCharCode(HEAPU8[name]);
    const invoke = getWasmTableEntry(invoker);
    Module[text] = (a, b, c, d) => invoke(target, a, b, c, d) >>> 0;
  },
});
