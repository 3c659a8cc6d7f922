// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace agent_memory {

/// Bytes to which little things are added very often: std::string's `append` is four calls deep
/// where code is built to be small.
class ByteBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

  void put(char byte) { *extend(1) = byte; }
  void put(std::string_view bytes) { put_raw(bytes.data(), bytes.size()); }
  void put_raw(const void* from, std::size_t size) {
    if (size != 0) std::memcpy(extend(size), from, size);
  }
  /// Keeps the memory.
  void clear() { size_ = 0; }
  /// Other bytes at a place where there are some.
  void replace(std::size_t at, const void* from, std::size_t size) {
    std::memcpy(bytes_.get() + at, from, size);
  }

 private:
  /// Room for so many at the end.
  char* extend(std::size_t more) {
    if (capacity_ - size_ < more) grow(more);
    char* const at = bytes_.get() + size_;
    size_ += more;
    return at;
  }
  void grow(std::size_t more) {
    capacity_ = std::max({size_ + more, 2 * capacity_, std::size_t{256}});
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace agent_memory
