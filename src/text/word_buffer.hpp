// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace agent_memory::detail {

/// A word while it is read: at most kCapacity bytes of UTF-8, and no more of a longer word. Its
/// first 16 bytes may always be read.
class WordBuffer {
 public:
  static constexpr std::size_t kCapacity = 64;

  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }
  [[nodiscard]] char* data() { return bytes_; }
  [[nodiscard]] const char* data() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  void clear() {
    size_ = 0;
    is_full_ = false;
  }
  void resize(std::size_t size) { size_ = size; }
  void append(char32_t code_point) {
    char encoded[4];
    std::size_t count = 0;
    const auto put = [&](char32_t value) { encoded[count++] = static_cast<char>(value); };
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
    // Nothing goes behind a letter that did not fit.
    is_full_ = is_full_ || size_ + count > kCapacity;
    if (is_full_) return;
    std::memcpy(bytes_ + size_, encoded, count);
    size_ += count;
  }
  void keep(std::size_t begin, std::size_t end) {
    size_ = end - begin;
    std::memmove(bytes_, bytes_ + begin, size_);
  }
  void erase(char byte) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (bytes_[i] != byte) bytes_[kept++] = bytes_[i];
    }
    size_ = kept;
  }

 private:
  alignas(8) char bytes_[kCapacity] = {};
  std::size_t size_ = 0;
  bool is_full_ = false;
};

}  // namespace agent_memory::detail
