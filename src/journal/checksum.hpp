// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace agent_memory {

/// CRC-32C (Castagnoli), eight bytes at a time by tables that are made on first use. Source:
/// Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation".
std::uint32_t crc32c(std::string_view bytes);

}  // namespace agent_memory
