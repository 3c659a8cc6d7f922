// SPDX-License-Identifier: MIT
#include "journal/checksum.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace agent_memory {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

Tables make_tables() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, reflected
  Tables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value >> 1U) ^ ((value & 1U) * kPolynomial);
    tables[0][i] = value;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t k = 1; k < tables.size(); ++k) {
      const std::uint32_t previous = tables[k - 1][i];
      tables[k][i] = (previous >> 8U) ^ tables[0][previous & 0xFFU];
    }
  }
  return tables;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const Tables kTables = make_tables();
  std::uint32_t crc = 0xFFFFFFFF;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, bytes.data(), 4);
    std::memcpy(&high, bytes.data() + 4, 4);
    low ^= crc;
    crc = kTables[7][low & 0xFFU] ^ kTables[6][(low >> 8U) & 0xFFU] ^
          kTables[5][(low >> 16U) & 0xFFU] ^ kTables[4][low >> 24U] ^ kTables[3][high & 0xFFU] ^
          kTables[2][(high >> 8U) & 0xFFU] ^ kTables[1][(high >> 16U) & 0xFFU] ^
          kTables[0][high >> 24U];
  }
  for (const char byte : bytes) {
    crc = (crc >> 8U) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(byte)) & 0xFFU];
  }
  return ~crc;
}

}  // namespace agent_memory
