// SPDX-License-Identifier: MIT
#pragma once

// What ports are told and answer, as bytes: u32 lengths, little-endian, before each string.
// js/src/core/packing.ts is the other side.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace agent_memory::wasm {

inline void put_u32(std::string& out, std::size_t value) {
  const auto number = static_cast<std::uint32_t>(value);
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

inline void put_string(std::string& out, std::string_view value) {
  put_u32(out, value.size());
  out.append(value);
}

/// Reads what put_* wrote. Past the end everything is empty.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}
  std::uint32_t u32() {
    std::uint32_t value = 0;
    if (rest_.size() < sizeof value) return 0;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view view() {
    const std::size_t size = u32();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string string() { return std::string(view()); }

 private:
  std::string_view rest_;
};

}  // namespace agent_memory::wasm
