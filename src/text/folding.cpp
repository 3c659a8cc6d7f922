// SPDX-License-Identifier: MIT
#include "text/folding.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>

#include "text/unicode_tables.hpp"

namespace agent_memory {
namespace {

/// The tables' rising columns, added up.
struct Firsts {
  char16_t cases[detail::kCaseRuns];
  char16_t letters[detail::kDecompositions];
  char16_t classes[detail::kClassRuns];

  Firsts() {
    add_up(detail::kCaseFirstSteps, cases);
    add_up(detail::kLetterSteps, letters);
    add_up(detail::kClassFirstSteps, classes);
  }

 private:
  static void add_up(const std::uint8_t* steps, std::span<char16_t> numbers) {
    std::uint32_t sum = 0;
    for (char16_t& number : numbers) {
      std::uint32_t shift = 0;
      do {
        sum += (*steps & 127U) << shift;
        shift += 7;
      } while ((*steps++ & 128U) != 0);
      number = static_cast<char16_t>(sum);
    }
  }
};

const Firsts& firsts() {
  static const Firsts kFirsts;
  return kFirsts;
}

/// How many of `numbers`, which rise, are `c` or less.
std::size_t count_up_to(std::span<const char16_t> numbers, char32_t c) {
  return static_cast<std::size_t>(std::upper_bound(numbers.begin(), numbers.end(), c) -
                                  numbers.begin());
}

void add(Folded& folded, char32_t code_point) {
  if (folded.size < std::size(folded.code_points)) folded.code_points[folded.size++] = code_point;
}

// Most of what is not ASCII in chats is none of the tables' business.
bool stays_itself(char32_t c) {
  return (c >= 0x0430 && c <= 0x044F) || (c >= 0x3041 && c <= 0xA48C) ||
         (c >= 0xAC00 && c <= 0xD7FF);
}

/// Letter, then marks, as far apart as they go.
void add_decomposed(Folded& folded, char32_t c) {
  char32_t marks[3];
  std::uint32_t count = 0;
  while (count < std::size(marks)) {
    const std::size_t place = count_up_to(firsts().letters, c);
    if (place == 0 || firsts().letters[place - 1] != c) break;
    marks[count++] = detail::kMarks[place - 1];
    c = detail::kBases[place - 1];
  }
  add(folded, c);
  while (count > 0)
    add(folded, marks[--count]);
}

Folded fold_basic(char32_t c) {
  Folded folded{};
  if (const std::size_t after = count_up_to(firsts().cases, c); after != 0) {
    const std::size_t run = after - 1;
    const char32_t offset = c - firsts().cases[run];
    const std::uint8_t step = detail::kCaseSteps[run];
    if (offset < detail::kCaseSizes[run]) {
      if (step == detail::kExpands) {
        for (const char16_t part : detail::kExpansions[detail::kCaseShifts[run]]) {
          if (part != 0) add_decomposed(folded, part);
        }
        return folded;
      }
      c = (firsts().cases[run] + detail::kCaseShifts[run]) & 0xFFFFU;
      c += step == detail::kPairs ? offset & ~char32_t{1} : offset * step;
    }
  }
  add_decomposed(folded, c);
  return folded;
}

// Of the other planes only what turns up in chats: mathematical letters as typefaces, and Adlam.
char32_t fold_supplementary(char32_t c) {
  if (c >= 0x1D400 && c <= 0x1D6A3) {
    const char32_t letter = (c - 0x1D400) % 52;
    return 'a' + letter % 26;
  }
  if (c >= 0x1D7CE && c <= 0x1D7FF) return '0' + (c - 0x1D7CE) % 10;
  if (c >= 0x1E900 && c <= 0x1E921) return c + 34;
  return c;
}

}  // namespace

Folded fold_form(char32_t code_point) {
  const char32_t c = code_point;
  if (c < 0x80) return {{c >= 'A' && c <= 'Z' ? c + 32 : c}, 1};
  if (stays_itself(c)) return {{c}, 1};
  if (c > 0xFFFF) return {{fold_supplementary(c)}, 1};
  return fold_basic(c);
}

Folded fold_for_search(char32_t code_point) {
  Folded form = fold_form(code_point);
  const auto ligature = [&](char32_t first, char32_t second) {
    Folded both{{first, second}, 2};
    for (std::uint32_t i = 1; i < form.size; ++i)
      add(both, form.code_points[i]);
    return both;
  };
  char32_t& letter = form.code_points[0];
  switch (letter) {
    case 0x00E6:
      return ligature('a', 'e');
    case 0x0153:
      return ligature('o', 'e');
    case 0x00FE:
      return ligature('t', 'h');
    case 0x00F0:
      letter = 'd';
      break;
    case 0x00F8:
      letter = 'o';
      break;
    case 0x0111:
      letter = 'd';
      break;
    case 0x0127:
      letter = 'h';
      break;
    case 0x0131:
      letter = 'i';
      break;
    case 0x0142:
      letter = 'l';
      break;
    case 0x0167:
      letter = 't';
      break;
    case 0x0629:
      letter = 0x0647;
      break;  // teh marbuta: heh
    case 0x0649:
      letter = 0x064A;
      break;  // alef maksura: yeh
    case 0x0671:
      letter = 0x0627;
      break;  // alef wasla: alef
    case 0x06A9:
      letter = 0x0643;
      break;  // Persian kaf
    case 0x06CC:
      letter = 0x064A;
      break;  // Persian yeh
    default:
      break;
  }
  return form;
}

CharClass class_of(char32_t c) {
  if (c < 0x80) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    return is_word ? CharClass::kWord : CharClass::kSeparator;
  }
  if (c >= 0x0430 && c <= 0x044F) return CharClass::kWord;
  if (c >= 0x4E00 && c <= 0x9FFF) return CharClass::kUnspaced;
  if (c >= 0xAC00 && c <= 0xD7A3) return CharClass::kHangul;
  if (c <= 0xFFFF) {
    const std::size_t after = count_up_to(firsts().classes, c);
    return after == 0 ? CharClass::kSeparator : detail::kClasses[after - 1];
  }
  // By blocks: the punctuation of ancient scripts passes for letters.
  if (c < 0x1AFF0) return CharClass::kWord;
  if (c < 0x1B170) return CharClass::kUnspaced;  // kana
  if (c < 0x1CF00) return CharClass::kWord;
  if (c < 0x1DF00) return CharClass::kSeparator;  // music and mathematics
  if (c < 0x1F000) return CharClass::kWord;
  if (c < 0x20000) return CharClass::kSeparator;  // emoji
  if (c < 0x40000) return CharClass::kUnspaced;   // Han
  if (c >= 0xE0000 && c <= 0xE0FFF) return CharClass::kIgnorable;
  return CharClass::kSeparator;
}

char32_t spelled_small(char32_t c) {
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;
  if (c >= 0xDF && c <= 0xFF && c != 0xF7) return c;
  return c == 0x152 || c == 0x153 ? 0x153 : 0;
}

char32_t compose_latin(char32_t letter, char32_t mark) {
  const auto& letters = firsts().letters;
  for (std::size_t i = 0; i < std::size(letters) && letters[i] <= 0xFF; ++i) {
    if (detail::kBases[i] == letter && detail::kMarks[i] == mark) return letters[i];
  }
  return 0;
}

char32_t compose(char32_t base, char32_t next) {
  if (next == 0x0306) return base == 0x0438 ? 0x0439 : 0;
  if (next >= 0x1161 && next <= 0x1175) {
    const bool is_lead = base >= 0x1100 && base <= 0x1112;
    return is_lead ? 0xAC00 + ((base - 0x1100) * 21 + (next - 0x1161)) * 28 : 0;
  }
  if (next >= 0x11A8 && next <= 0x11C2) {
    const bool is_open = base >= 0xAC00 && base <= 0xD7A3 && (base - 0xAC00) % 28 == 0;
    return is_open ? base + (next - 0x11A7) : 0;
  }
  if (next != 0x3099 && next != 0x309A) return 0;
  const char32_t hiragana = base >= 0x30A1 && base <= 0x30FD ? base - 0x60 : base;
  const bool is_ha_row = hiragana >= 0x306F && hiragana <= 0x307B && (hiragana - 0x306F) % 3 == 0;
  if (next == 0x309A) return is_ha_row ? base + 2 : 0;
  if (hiragana == 0x3046) return base + 0x4E;             // vu
  if (base >= 0x30EF && base <= 0x30F2) return base + 8;  // va to vo
  const bool is_ka_to_ti = hiragana >= 0x304B && hiragana <= 0x3061 && hiragana % 2 == 1;
  const bool is_tu_to_to = hiragana >= 0x3064 && hiragana <= 0x3068 && hiragana % 2 == 0;
  const bool is_iteration = hiragana == 0x309D;
  return is_ha_row || is_ka_to_ti || is_tu_to_to || is_iteration ? base + 1 : 0;
}

}  // namespace agent_memory
