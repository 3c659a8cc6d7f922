// SPDX-License-Identifier: MIT
#include "local/ids.hpp"

#include <cstddef>
#include <string_view>

namespace agent_memory {

std::string make_memory_id(Stamp stamp, std::uint64_t random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::uint64_t high =
      (static_cast<std::uint64_t>(stamp.ms()) << 16U) | 0x7000U | stamp.counter();
  const std::uint64_t low = (random & 0x3FFFFFFFFFFFFFFFU) | 0x8000000000000000U;
  char id[36];
  char* out = id;
  for (std::size_t digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *out++ = '-';
    const std::uint64_t half = digit < 16 ? high : low;
    *out++ = kDigits[(half >> (4 * (15 - digit % 16))) & 0xFU];
  }
  return {id, sizeof id};
}

}  // namespace agent_memory
