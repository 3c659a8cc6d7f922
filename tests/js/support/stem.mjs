// One word through a language, as the core asks for it.
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function stem(language, word) {
  const bytes = new Uint8Array(64);
  const { written } = encoder.encodeInto(word, bytes);
  return decoder.decode(bytes.subarray(0, language.stem(bytes, written)));
}
