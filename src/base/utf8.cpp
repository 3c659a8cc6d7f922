// SPDX-License-Identifier: MIT
#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace agent_memory {
namespace {

bool is_space_or_control(char32_t c) {
  return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x2064) || c == 0x3000 || c == 0xFEFF;
}

}  // namespace

char32_t decode_utf8(std::string_view text, std::size_t& position) {
  const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
  const std::uint8_t lead = byte(position++);
  if (lead < 0x80) return lead;
  int needed = 0;
  std::uint8_t lower = 0x80;
  std::uint8_t upper = 0xBF;
  char32_t code_point = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    needed = 1;
    code_point = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    needed = 2;
    code_point = lead & 0x0FU;
    if (lead == 0xE0) lower = 0xA0;  // overlong
    if (lead == 0xED) upper = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    needed = 3;
    code_point = lead & 0x07U;
    if (lead == 0xF0) lower = 0x90;  // overlong
    if (lead == 0xF4) upper = 0x8F;  // past U+10FFFF
  } else {
    return kReplacementCharacter;
  }
  for (; needed > 0; --needed) {
    if (position == text.size() || byte(position) < lower || byte(position) > upper) {
      return kReplacementCharacter;
    }
    code_point = (code_point << 6) | (byte(position++) & 0x3FU);
    lower = 0x80;
    upper = 0xBF;
  }
  return code_point;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&](char32_t value) { out.push_back(static_cast<char>(value)); };
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacementCharacter;
  }
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

std::string to_valid_utf8(std::string text) {
  std::string out;
  std::size_t kept = 0;
  for (std::size_t position = 0; position < text.size();) {
    // Most texts are ASCII: eight bytes at a time.
    constexpr std::uint64_t kHighBits = 0x8080808080808080;
    std::uint64_t word = kHighBits;
    if (text.size() - position >= sizeof word) {
      std::memcpy(&word, text.data() + position, sizeof word);
    }
    if ((word & kHighBits) == 0) {
      position += sizeof word;
      continue;
    }
    const std::size_t begin = position;
    if (decode_utf8(text, position) != kReplacementCharacter) continue;
    // It may have been one.
    out.append(text, kept, begin - kept);
    append_utf8(out, kReplacementCharacter);
    kept = position;
  }
  if (kept == 0) return text;
  return out.append(text, kept);
}

std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end);
}

bool is_blank(std::string_view text) {
  for (std::size_t position = 0; position < text.size();) {
    if (!is_space_or_control(decode_utf8(text, position))) return false;
  }
  return true;
}

}  // namespace agent_memory
