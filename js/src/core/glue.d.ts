// `#glue` is the Emscripten glue of the build at hand; js/build.mjs resolves it.
declare module '#glue' {
  const createModule: (
    args: import('./module.js').ModuleArguments,
  ) => Promise<import('./module.js').WasmModule>;
  export default createModule;
}

// `#base64/NAME` is NAME.wasm of the build at hand; js/build.mjs resolves it, too.
declare module '#base64/*' {
  const base64: string;
  export default base64;
}

// What an import of a .wasm file gives where the runtime or its bundler has compiled it.
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}

// `#wasm` is resolved by the importing runtime, through `imports` in package.json.
declare module '#wasm' {
  export function wasmSource(): Promise<import('../types.js').WasmSource>;
}

// `#languages-wasm` likewise.
declare module '#languages-wasm' {
  export function languagesWasmSource(): Promise<import('../types.js').WasmSource>;
}

// `#mem0-wasm` likewise.
declare module '#mem0-wasm' {
  export function mem0WasmSource(): Promise<import('../types.js').WasmSource>;
}
