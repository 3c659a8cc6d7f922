// SPDX-License-Identifier: MIT
#include "messages/equality.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "base/utf8.hpp"
#include "text/folding.hpp"

namespace agent_memory {
namespace {

bool is_white_space(char32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F;
}

// Of ASCII eight bytes at a time. Nothing is carried from one byte to the next, unless it is none.
constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighBits = 0x80 * kOnes;
constexpr std::size_t kWordBytes = sizeof kOnes;
static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

/// Whether all are ASCII, and no controls.
bool are_printable(std::uint64_t bytes) {
  return ((bytes | (bytes + kOnes) | (bytes - ' ' * kOnes)) & kHighBits) == 0;
}

/// Of printable ones.
std::uint64_t to_small_letters(std::uint64_t bytes) {
  const std::uint64_t from_a = bytes + (0x80 - 'A') * kOnes;
  const std::uint64_t past_z = bytes + (0x7F - 'Z') * kOnes;
  return bytes | ((from_a & ~past_z & kHighBits) >> 2U);
}

/// The high bit of each that is a blank, of printable ones.
std::uint64_t blanks_in(std::uint64_t bytes) {
  return ~((bytes ^ ' ' * kOnes) + 0x7F * kOnes) & kHighBits;
}

bool is_closing_ascii(char c) { return c == '.' || c == '!' || c == '?'; }

/// Full width forms are folded by then.
bool is_closing(char32_t c) {
  constexpr char32_t kClosing[] = {'.',    '!',    '?',    0x3002, 0x061F, 0x06D4,
                                   0x0964, 0x203C, 0x2047, 0x2048, 0x2049};
  return std::find(std::begin(kClosing), std::end(kClosing), c) != std::end(kClosing);
}

}  // namespace

void append_normalized(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out.reserve(start + text.size());
  std::size_t content_end = start;
  char32_t last = 0;
  std::size_t last_begin = 0;
  const auto take = [&](char32_t c) {
    if (is_white_space(c)) {
      if (out.size() > start && out.back() != ' ') out.push_back(' ');
      last = 0;
      return;
    }
    if (class_of(c) == CharClass::kIgnorable) return;
    if (const char32_t whole = compose(last, c); whole != 0) {
      out.resize(last_begin);
      c = whole;
    }
    last = c;
    last_begin = out.size();
    append_utf8(out, c);
    if (!is_closing(c)) content_end = out.size();
  };
  for (std::size_t position = 0; position < text.size();) {
    // Of ASCII `take` would only make small letters, and one blank of several.
    std::size_t ascii_end = position;
    std::uint64_t word = 0;
    for (; text.size() - ascii_end >= kWordBytes; ascii_end += kWordBytes) {
      std::memcpy(&word, text.data() + ascii_end, kWordBytes);
      if (!are_printable(word)) break;
    }
    while (ascii_end < text.size() && text[ascii_end] >= ' ' && text[ascii_end] < 0x7F)
      ++ascii_end;
    if (ascii_end > position) {
      const std::size_t begin = out.size();
      char before = begin == start ? ' ' : out.back();
      out.resize(begin + ascii_end - position);
      char* end = out.data() + begin;
      while (position < ascii_end) {
        if (ascii_end - position >= kWordBytes) {
          std::memcpy(&word, text.data() + position, kWordBytes);
          const std::uint64_t blanks = blanks_in(word);
          if ((blanks & (blanks << 8U | (before == ' ' ? 0x80U : 0U))) == 0) {
            word = to_small_letters(word);
            std::memcpy(end, &word, kWordBytes);
            end += kWordBytes;
            position += kWordBytes;
            before = end[-1];
            continue;
          }
        }
        const char c = text[position++];
        if (c == ' ' && before == ' ') continue;
        before = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        *end++ = before;
      }
      out.resize(static_cast<std::size_t>(end - out.data()));
      std::size_t content = out.size();
      while (content > begin && (out[content - 1] == ' ' || is_closing_ascii(out[content - 1])))
        --content;
      if (content > begin) content_end = content;
      last = 0;
      continue;
    }
    const Folded folded = fold_form(decode_utf8(text, position));
    for (std::uint32_t part = 0; part < folded.size; ++part)
      take(folded.code_points[part]);
  }
  // "?" and "!!" are different for want of anything else.
  if (content_end == start)
    content_end += std::string_view(out).substr(start).find_last_not_of(' ') + 1;
  out.resize(content_end);
}

}  // namespace agent_memory
