// SPDX-License-Identifier: MIT
#pragma once

// One code point at a time: what it is folded to, and what it is to a word. The data is Unicode
// 15.1's in tables of some 7 kB, with rules for what is regular.

#include <cstdint>

namespace agent_memory {

/// What a code point does to words.
enum class CharClass : std::uint8_t {
  /// Ends a word: blanks, punctuation, symbols, emoji, controls.
  kSeparator,
  /// A letter, mark or digit of a script that puts blanks between words.
  kWord,
  /// Han, Kana, Bopomofo, Thai, Lao, Khmer and Burmese.
  kUnspaced,
  /// A mark that belongs to the kUnspaced before it.
  kUnspacedMark,
  /// A syllable, or a jamo.
  kHangul,
  /// A mark that a search does without: European diacritics, Hebrew points, Arabic vowel signs.
  kDiacritic,
  /// Invisible inside a word: soft hyphen, joiners, variation selectors.
  kIgnorable,
};

/// What one code point became.
struct Folded {
  char32_t code_points[4];
  std::uint32_t size;
};

/// The form in which texts are the same but for their looks: lower case, compatibility letters and
/// widths as the plain ones, decimal digits of any script as ASCII's, typographic quotes as ' and
/// ", precomposed letters as letter and marks.
Folded fold_form(char32_t code_point);

/// As fold_form, and letters that are a plain letter with a stroke to a searcher become it (o for
/// U+00F8, ae for U+00E6; Arabic teh marbuta, alef maksura and their Persian kin likewise).
Folded fold_for_search(char32_t code_point);

/// Of a code point that was folded.
CharClass class_of(char32_t folded);

/// As it is spelled, but small: U+00E9 for U+00C9. Only of what folds to letters of a-z, and only
/// of the letters of Western Europe; others are 0.
char32_t spelled_small(char32_t code_point);

/// The small letter of Western Europe that a letter of a-z and a mark make, or 0.
char32_t compose_latin(char32_t letter, char32_t mark);

/// The one letter that `base` and `next` make: a syllable of jamo, voiced kana, and U+0439 (to
/// Russian a letter of its own, which folding leaves whole). 0 if they stay two.
char32_t compose(char32_t base, char32_t next);

}  // namespace agent_memory
