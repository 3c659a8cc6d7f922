// SPDX-License-Identifier: MIT
#pragma once

// Eight languages beside English: Snowball's stemmers, with function words and letters. Uses no
// library but Snowball's runtime, so that it can be a WebAssembly module of its own.

struct SN_env;

namespace agent_memory::languages {

/// What LanguagePort asks of a language; every text is UTF-8. The id is the English name, a hyphen
/// and a number: raise it when anything about the language changes.
struct SnowballLanguage {
  const char* id;
  const char* stop_words;
  const char* letters;
  SN_env* (*make)();
  void (*free)(SN_env*);
  int (*stem)(SN_env*);
};

inline constexpr int kSnowballCount = 8;
extern const SnowballLanguage kSnowball[kSnowballCount];

}  // namespace agent_memory::languages
