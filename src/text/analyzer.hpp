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

namespace agent_memory {

/// Which terms a word of a query may stand for beside its own: those that look like it.
enum class Variants : std::uint8_t {
  /// None: numbers, names with digits, emoji, and the pieces of words that are cut.
  kNone,
  /// Where no text has the word's own term, which is then a typing error or an odd form: words
  /// whose language has a stemmer, as far as can be told.
  kIfUnknown,
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
  };

  void clear() {
    bytes_.clear();
    terms_.clear();
  }
  void append(std::string_view term, std::uint32_t position, Variants variants = Variants::kNone) {
    terms_.push_back({static_cast<std::uint32_t>(bytes_.size()),
                      static_cast<std::uint32_t>(term.size()), position, variants});
    bytes_.append(term);
  }
  [[nodiscard]] std::size_t size() const { return terms_.size(); }
  [[nodiscard]] bool empty() const { return terms_.empty(); }
  /// Valid until the list changes.
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    return std::string_view(bytes_).substr(terms_[index].begin, terms_[index].size);
  }
  [[nodiscard]] std::uint32_t position(std::size_t index) const { return terms_[index].position; }
  [[nodiscard]] Variants variants(std::size_t index) const { return terms_[index].variants; }
  void set_variants(std::size_t index, Variants variants) { terms_[index].variants = variants; }

 private:
  std::string bytes_;
  std::vector<Term> terms_;
};

/// Cuts texts into terms. Holds the stemmer's state and what it found last (130 kB): one per thread
/// of work. English takes some 50 ns a word, any other alphabet 100 ns; time is linear in the
/// text whatever it is, and a term is 64 bytes at most and has no control characters.
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
/// - English stop words, no and not too, are left out, English words stemmed (Snowball's English
///   stemmer, with a table of irregular forms before it: went -> go, and a few near words:
///   mom -> mother). Words with non-ASCII letters after folding are not stemmed.
/// - Each emoji is a word of its own.
/// - Numbers: "3.5" and "2026-11-22" each give their parts and nothing is stemmed. "8th"
///   and "7pm" give their number, "gpt4" and "v2" are terms as they are.
class Analyzer {
 public:
  Analyzer();
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
  /// languages outnumber the English ones.
  void analyze_query(std::string_view text, TermList& out);

 private:
  class Segmenter;
  std::unique_ptr<Segmenter> segmenter_;
};

}  // namespace agent_memory
