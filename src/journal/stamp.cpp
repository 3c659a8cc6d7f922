// SPDX-License-Identifier: MIT
#include "journal/stamp.hpp"

#include <charconv>

namespace agent_memory {

std::string to_hex(std::uint64_t value, std::size_t width) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(width, '0');
  for (std::size_t i = width; i > 0 && value != 0; --i, value >>= 4U) {
    out[i - 1] = kDigits[value & 0xFU];
  }
  return out;
}

std::string to_text(Stamp stamp) { return to_hex(stamp.time, 16) + "-" + to_hex(stamp.writer, 16); }

std::optional<Stamp> parse_stamp(std::string_view text) {
  if (text.size() != 33 || text[16] != '-') return std::nullopt;
  Stamp stamp;
  const char* begin = text.data();
  const auto time = std::from_chars(begin, begin + 16, stamp.time, 16);
  const auto writer = std::from_chars(begin + 17, begin + 33, stamp.writer, 16);
  if (time.ptr != begin + 16 || writer.ptr != begin + 33) return std::nullopt;
  return stamp;
}

}  // namespace agent_memory
