// SPDX-License-Identifier: MIT
#pragma once

// What English knows about a word: that it is a stop word, its base form, its stem. Chats repeat
// themselves, so the last answers are kept; the stemmer itself sees one word in twenty.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/word_buffer.hpp"

struct SN_env;

namespace agent_memory::detail {

/// Stop words, irregular forms, near words and words of other languages, looked up whole.
class Lexicon {
 public:
  struct Entry {
    bool is_found = false;
    bool is_stop_word = false;
    /// A function word of other languages, and none of English.
    bool is_foreign = false;
    /// Otherwise: what to use instead. Lives as long as the program.
    std::string_view base;
  };

  Lexicon();
  [[nodiscard]] Entry find(std::string_view word) const;

 private:
  static constexpr std::size_t kSlots = 2048;
  /// Where a word begins in the text of the lexicon, plus one; 0 for none. Linear probing.
  std::array<std::uint16_t, kSlots> slots_{};
};

class English {
 public:
  English();
  ~English();
  English(const English&) = delete;
  English& operator=(const English&) = delete;

  /// The term of a word of a-z, empty for a stop word. Valid until the next call.
  std::string_view term(const WordBuffer& word);

  /// What a word of a-z says about the language of its text: 1 for English, -1 for another, 0 for
  /// neither.
  [[nodiscard]] int evidence(std::string_view word) const;

 private:
  using Key = std::array<std::uint64_t, 2>;
  /// A word of up to 16 letters and its term. A slot is taken over by whoever comes last.
  struct Cached {
    Key key{};
    char term[15] = {};
    std::uint8_t size = 0;
  };
  static constexpr std::size_t kCachedBits = 12;

  std::string_view stem(std::string_view word);

  Lexicon lexicon_;
  SN_env* stemmer_;
  std::vector<Cached> cached_;
};

}  // namespace agent_memory::detail
