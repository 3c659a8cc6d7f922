'use client';
import { useEffect } from 'react';
import { inPage } from '../life.js';

let seeing; // once, however often React mounts it

export default function Page() {
  useEffect(() => {
    seeing ??= inPage().then((seen) => {
      globalThis.seen = seen;
    });
  }, []);
  return 'memories';
}
