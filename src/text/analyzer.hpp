// SPDX-License-Identifier: MIT
#pragma once

// Text -> terms: segmentation, folding, stop words, stemming. What a memory is indexed under and
// what a query looks up come from the same function, so that they meet.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/language.hpp"

namespace agent_memory {

/// Which terms a word of a query may stand for beside its own: those that look like it.
enum class Variants : std::uint8_t {
  /// None: numbers, names with digits, emoji, and the pieces of words that are cut.
  kNone,
  /// Where no text has the word's own term, which is then a typing error: English words. Their
  /// look-alikes that are no errors mean something else.
  kIfMistyped,
  /// Where no text has the word's own term, which is then an odd form or a typing error: words of
  /// other languages with a stemmer.
  kIfUnknown,
  /// As kAlways where the texts that are searched are in other languages (see
  /// Analyzer::foreign_terms), else as kIfMistyped.
  kUndecided,
  /// In any case: words of other languages, whose forms have a term each.
  kAlways,
};

/// The terms of one text, in order, in one allocation that is reused from text to text.
class TermList {
 public:
  struct Term {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    /// Ordinal of the word it came from, stop words counted: distances are those of the text.
    std::uint32_t position = 0;
    Variants variants = Variants::kNone;
    bool is_alternative = false;
  };

  void clear() {
    bytes_.clear();
    terms_.clear();
  }
  void append(std::string_view term, std::uint32_t position, Variants variants = Variants::kNone) {
    terms_.push_back({static_cast<std::uint32_t>(bytes_.size()),
                      static_cast<std::uint32_t>(term.size()), position, variants, false});
    bytes_.append(term);
  }
  /// Another term for the word of the last one, of which one is enough.
  void append_alternative(std::string_view term) {
    const Term last = terms_.back();
    append(term, last.position, last.variants);
    terms_.back().is_alternative = true;
  }
  [[nodiscard]] std::size_t size() const { return terms_.size(); }
  [[nodiscard]] bool empty() const { return terms_.empty(); }
  /// Valid until the list changes.
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    return std::string_view(bytes_).substr(terms_[index].begin, terms_[index].size);
  }
  [[nodiscard]] std::uint32_t position(std::size_t index) const { return terms_[index].position; }
  [[nodiscard]] Variants variants(std::size_t index) const { return terms_[index].variants; }
  /// Whether it stands for the same word as the term before it.
  [[nodiscard]] bool is_alternative(std::size_t index) const {
    return terms_[index].is_alternative;
  }
  void set_variants(std::size_t index, Variants variants) { terms_[index].variants = variants; }

 private:
  std::string bytes_;
  std::vector<Term> terms_;
};

/// Cuts texts into terms. Holds what was found last (260 kB): one per thread of work. English takes
/// some 50 ns a word, any other alphabet 100 ns; time is linear in the text whatever it is, and a
/// term is 64 bytes at most and has no control characters.
///
/// - Words are runs of letters, marks and digits; an apostrophe between letters stays inside
///   ("don't" is one word), and is then dropped with what it stands for: a final 's, 'll, 're, 've,
///   'd, 'm, and the French or Italian article before it (l', d', qu'). Case, diacritics (Latin,
///   Greek, Cyrillic, but for U+0439), Hebrew points, Arabic vowel signs and alef forms, full
///   width, ligatures and the digits of other scripts are folded, so precomposed and decomposed
///   text meet.
/// - Han, Hiragana, Katakana and Hangul-free CJK runs, which have no blanks, give each character
///   and each pair of neighbours. Thai, Lao, Khmer and Burmese likewise, a letter with its marks
///   counting as one character. Every character has a position of its own.
/// - Hangul words give themselves and each pair of syllables, because particles are written onto
///   them, and up to three syllables also the first one.
/// - Words are of one of the languages given: those in Latin letters of the language that most of
///   the text's stop words and letters speak for, the first given where none is ahead; others of
///   the one that writes with their letters. Its stop words (of English, no and not too) are left
///   out, other words stemmed: English ones after folding, if they then are of a-z, with a table
///   of irregular forms before the stemmer (went -> go) and a few near words (mom -> mother);
///   others as they are spelled, and then folded. Words in letters of none of the languages stay
///   whole.
/// - Each emoji is a word of its own.
/// - Numbers: "3.5" and "2026-11-22" each give their parts and nothing is stemmed. "8th"
///   and "7pm" give their number, "gpt4" and "v2" are terms as they are.
class Analyzer {
 public:
  /// Knows these languages; without any, English.
  explicit Analyzer(std::vector<std::shared_ptr<LanguagePort>> languages = {});
  ~Analyzer();
  Analyzer(Analyzer&& other) noexcept;
  Analyzer& operator=(Analyzer&& other) noexcept;
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  /// Appends the terms of `text` (any bytes; what is not UTF-8 separates words) to `out`.
  void analyze(std::string_view text, TermList& out);

  /// As `analyze`; where stop words are all there is ("who is he?"), keeps them, so that a query
  /// is never empty for want of rare words. Says of each term which variants it wants: those of a
  /// word with other letters than a-z always, and of any word where function words of other
  /// languages outnumber the English ones; where neither do, it is undecided. Of a word that
  /// several languages have a term for, all are given, for a short query seldom tells its language.
  void analyze_query(std::string_view text, TermList& out);

  /// Function words of other languages, distinct: terms that nearly every text in one of the larger
  /// ones in Latin letters has, and hardly any English one.
  [[nodiscard]] const std::vector<std::string>& foreign_terms() const;

  /// Differs, in 24 bits, where other languages make other terms of a text; 0 for English alone.
  [[nodiscard]] std::uint32_t fingerprint() const;

 private:
  class Segmenter;
  std::unique_ptr<Segmenter> segmenter_;
};

}  // namespace agent_memory
