// SPDX-License-Identifier: MIT
#pragma once

// What an analyzer knows of words: whose stop words they are, and their terms in each of its
// languages. Chats repeat themselves, so the last answers are kept; the stemmers themselves see
// one word in twenty.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/language.hpp"

#include "base/hash_index.hpp"
#include "text/word_buffer.hpp"

namespace agent_memory::detail {

/// Words, folded, and whose they are: a bit for each owner.
class WordOwners {
 public:
  using Bits = std::uint16_t;

  /// Adds to `words`, with a blank between them, an owner.
  void add(std::string_view words, Bits owner);
  /// 0 for a word that is nobody's.
  [[nodiscard]] Bits find(std::string_view word) const;

 private:
  struct Word {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    Bits owners = 0;
  };

  /// HashIndex::kNone for a word that is not there.
  [[nodiscard]] std::uint32_t number_of(std::string_view word) const;

  std::string text_;
  std::vector<Word> words_;
  HashIndex by_hash_;
};

class Vocabulary {
 public:
  /// Languages are numbered in the order given.
  using Number = std::size_t;
  static constexpr Number kNone = ~Number{0};
  /// At most kMaxLanguages of `languages` count; without any: English.
  explicit Vocabulary(std::vector<std::shared_ptr<LanguagePort>> languages);

  [[nodiscard]] std::size_t size() const { return languages_.size(); }
  /// The first language with Latin letters, or kNone.
  [[nodiscard]] Number first_latin() const { return first_latin_; }
  /// Whether there are several with Latin letters, so that texts must be asked for theirs.
  [[nodiscard]] bool has_choice() const { return latin_count_ > 1; }
  [[nodiscard]] bool is_latin(Number language) const { return languages_[language].is_latin; }
  [[nodiscard]] bool is_english(Number language) const {
    return language != kNone && languages_[language].is_english;
  }
  /// Whether `term` wants words as they are written beside what they are folded to.
  [[nodiscard]] bool needs_spelling() const { return needs_spelling_; }
  /// The language that writes with this letter, which is not Latin; or kNone.
  [[nodiscard]] Number language_of(char32_t letter) const;

  using Votes = std::array<std::uint32_t, kMaxLanguages>;
  /// Gives a vote to each language that has the word for a stop word, and one to each that has a
  /// letter of it beyond a-z. `spelling` may be empty.
  void vote(std::string_view folded, std::string_view spelling, Votes& votes) const;
  /// The language with Latin letters and the most votes, of several the first.
  [[nodiscard]] Number elect(const Votes& votes) const;

  /// Terms of English that are frequent words of other languages.
  [[nodiscard]] const std::vector<std::string>& foreign_terms() const { return foreign_terms_; }

  /// What a folded word says about whether its text is English: 1, -1 for another language, or 0.
  [[nodiscard]] int evidence_of_english(Number english, std::string_view folded) const;

  /// The term of a word without digits: of English the stem of the folded word, of others that of
  /// the word as it is spelled, folded. Empty for a stop word. Valid until the next call.
  std::string_view term(Number language, const WordBuffer& folded, const WordBuffer& spelling);

  /// Of the languages and what they do, 24 bits; 0 for English alone.
  [[nodiscard]] std::uint32_t fingerprint() const { return fingerprint_; }

 private:
  struct Language {
    std::shared_ptr<LanguagePort> port;
    std::u32string letters;
    bool is_english = false;
    bool is_latin = true;
  };
  using Key = std::array<std::uint64_t, 3>;
  /// A word of up to 24 bytes and its term. A slot is taken over by whoever comes last, and the
  /// more have come, the more slots there are.
  struct Cached {
    Key key{};
    char term[22] = {};
    std::uint8_t size = 0;
    std::uint8_t language = 0;
  };
  static constexpr unsigned kFewestCachedBits = 7;
  static constexpr unsigned kMostCachedBits = 12;
  static constexpr WordOwners::Bits kForeign = 1U << kMaxLanguages;

  static WordOwners::Bits bit(Number language) {
    return static_cast<WordOwners::Bits>(1U << language);
  }
  static Key key_of(const WordBuffer& word);
  [[nodiscard]] Cached& cached(const Key& key, Number language);
  void grow_cache();
  void note_foreign_terms(LanguagePort& english);
  std::string_view find_term(Number language, std::string_view folded, std::string_view word);

  std::vector<Language> languages_;
  Number first_latin_ = kNone;
  std::size_t latin_count_ = 0;
  bool needs_spelling_ = false;
  std::uint32_t fingerprint_ = 0;
  WordOwners stop_words_;
  std::vector<std::string> foreign_terms_;
  std::vector<Cached> cached_;
  unsigned cached_bits_ = kFewestCachedBits;
  /// How many came since the cache last grew.
  std::size_t came_ = 0;
  WordBuffer found_;
};

}  // namespace agent_memory::detail
