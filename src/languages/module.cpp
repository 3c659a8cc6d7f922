// SPDX-License-Identifier: MIT
//
// The languages as a WebAssembly module beside the core's, for those who ask for them. It imports
// nothing; js/src/languages.ts is its other side.

#include <cstddef>
#include <cstring>

#include <api.h>

#include "languages/snowball.hpp"

namespace {

using agent_memory::languages::kSnowball;
using agent_memory::languages::kSnowballCount;

// A stemmer takes its buffers once, and a larger one where a word grows, which words of 64 bytes
// soon do no more: nothing is ever given back.
alignas(16) char heap[32768];
std::size_t heap_used = 0;
constexpr std::size_t kHeader = 16;

constexpr int kMaxWordBytes = 64;
unsigned char word[kMaxWordBytes];
SN_env* stemmers[kSnowballCount];

void* take(std::size_t size) {
  const std::size_t taken = kHeader + (size + 15) / 16 * 16;
  if (size > sizeof heap || taken > sizeof heap - heap_used) return nullptr;
  char* const block = heap + heap_used;
  heap_used += taken;
  std::memcpy(block, &size, sizeof size);
  return block + kHeader;
}

bool is_language(int language) { return language >= 0 && language < kSnowballCount; }

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return take(size); }

// The heap is zero to begin with, and nothing is used twice.
void* calloc(std::size_t count, std::size_t size) { return take(count * size); }

void* realloc(void* old, std::size_t size) {
  void* const block = take(size);
  if (block == nullptr || old == nullptr) return block;
  std::size_t old_size = 0;
  std::memcpy(&old_size, static_cast<char*>(old) - kHeader, sizeof old_size);
  std::memcpy(block, old, old_size < size ? old_size : size);
  return block;
}

void free(void* /*block*/) {}

/// Strings that end with a zero; nullptr where there is no such language.
[[clang::export_name("languageId")]] const char* language_id(int language) {
  return is_language(language) ? kSnowball[language].id : nullptr;
}
[[clang::export_name("stopWords")]] const char* stop_words(int language) {
  return is_language(language) ? kSnowball[language].stop_words : nullptr;
}
[[clang::export_name("letters")]] const char* letters(int language) {
  return is_language(language) ? kSnowball[language].letters : nullptr;
}

/// Where `stem` finds a word and leaves its stem: 64 bytes.
[[clang::export_name("wordBuffer")]] unsigned char* word_buffer() { return word; }

/// Stems the first `size` bytes of the buffer and returns the stem's size; a word that cannot be
/// stemmed stays as it is.
[[clang::export_name("stem")]] int stem(int language, int size) {
  if (!is_language(language) || size < 0 || size > kMaxWordBytes) return size;
  const auto& snowball = kSnowball[language];
  SN_env*& stemmer = stemmers[language];
  if (stemmer == nullptr) stemmer = snowball.make();
  if (stemmer == nullptr || SN_set_current(stemmer, size, word) != 0 ||
      snowball.stem(stemmer) < 0 || stemmer->l <= 0 || stemmer->l > kMaxWordBytes) {
    return size;
  }
  std::memcpy(word, stemmer->p, static_cast<std::size_t>(stemmer->l));
  return stemmer->l;
}

}  // extern "C"
