import { makeCorpus } from './corpus.mjs';
import { libraries } from './libraries/index.mjs';
let storage, lib=libraries[0], q;
globalThis.prep = async (conversations,size)=>{ const corpus=makeCorpus(conversations,{size}); q=corpus.queries[0]; const s=await lib.build(corpus.messages); await lib.settle(); storage=await s.save(); };
globalThis.load1 = async ()=>{ const t=performance.now(); const s=await lib.load(storage); const t1=performance.now(); await s.search(q); const t2=performance.now(); await s.close(); return [t1-t,t2-t1]; };
globalThis.ready=1;
