// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace agent_memory {

/// XXH64: for checksums and hash tables, not against whoever picks the bytes. Eight bytes in less
/// than a nanosecond. Source: Yann Collet, "xxHash fast digest algorithm", version 0.1.1.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

/// The same in 32 bits.
inline std::uint32_t hash32(std::string_view bytes, std::uint64_t seed = 0) {
  return static_cast<std::uint32_t>(hash_bytes(bytes, seed));
}

}  // namespace agent_memory
