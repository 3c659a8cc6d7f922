// SPDX-License-Identifier: MIT
#pragma once

// Bytes out and in. Integers are LEB128 varints, fixed ones little-endian; strings carry their
// length. Reading never goes past the end: after a failed read every later one fails too.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.hpp"

namespace agent_memory {

static_assert(std::endian::native == std::endian::little, "arrays are stored as they lie in RAM");

class ByteWriter {
 public:
  void put_byte(std::uint8_t value) { out_.put(static_cast<char>(value)); }
  void put_u32(std::uint32_t value) { out_.put_raw(&value, sizeof value); }
  void put_u64(std::uint64_t value) { out_.put_raw(&value, sizeof value); }
  void put_varint(std::uint64_t value) {
    char bytes[10];
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7U)
      bytes[size++] = static_cast<char>(value | 0x80U);
    bytes[size++] = static_cast<char>(value);
    out_.put_raw(bytes, size);
  }
  /// Small negative numbers stay small.
  void put_signed(std::int64_t value) {
    put_varint((static_cast<std::uint64_t>(value) << 1U) ^
               static_cast<std::uint64_t>(value >> 63U));
  }
  void put_string(std::string_view value) {
    put_varint(value.size());
    out_.put(value);
  }
  void put_u32s(const std::vector<std::uint32_t>& values) {
    put_varint(values.size());
    out_.put_raw(values.data(), values.size() * sizeof(std::uint32_t));
  }
  void put_bytes(std::string_view bytes) { out_.put(bytes); }

  /// Valid until more is put.
  [[nodiscard]] std::string_view bytes() const { return out_.view(); }
  [[nodiscard]] std::string to_string() const { return std::string(out_.view()); }
  /// Keeps the memory.
  void clear() { out_.clear(); }

 private:
  ByteBuffer out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

  std::uint8_t byte() {
    if (rest_.empty()) {
      fail();
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7FU) << shift;
      if ((next & 0x80U) == 0) return value;
    }
    fail();
    return 0;
  }
  std::int64_t signed_varint() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
  }
  std::string_view string() { return bytes(size()); }
  std::vector<std::uint32_t> u32s() {
    const std::size_t count = size();
    if (count > rest_.size() / sizeof(std::uint32_t)) {
      fail();
      return {};
    }
    const std::string_view taken = bytes(count * sizeof(std::uint32_t));
    std::vector<std::uint32_t> values(count);
    if (count > 0) std::memcpy(values.data(), taken.data(), taken.size());
    return values;
  }
  /// A varint used as a length: fails where it is larger than what is left.
  std::size_t size() {
    const std::uint64_t value = varint();
    if (value > rest_.size()) {
      fail();
      return 0;
    }
    return static_cast<std::size_t>(value);
  }
  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  template <typename T>
  T fixed() {
    T value = 0;
    const std::string_view taken = bytes(sizeof value);
    if (!taken.empty()) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace agent_memory
