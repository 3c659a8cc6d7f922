// SPDX-License-Identifier: MIT
#pragma once

// What the fuzz targets share: the properties that they hold their room to, and bytes read as a
// script. A target is one file; scripts/fuzz builds and runs them.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace agent_memory::fuzzing {

/// Ends the process where a property does not hold; libFuzzer then prints the input.
inline void check(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "VIOLATED: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

/// An input, read from its front. Behind its end all is zero and empty.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  /// 0 to `bound` - 1, from two bytes; 0 for no bound.
  std::size_t below(std::size_t bound) {
    const std::size_t low = byte();
    const std::size_t value = low | static_cast<std::size_t>(byte()) << 8U;
    return bound == 0 ? 0 : value % bound;
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
      value |= static_cast<std::uint32_t>(byte()) << shift;
    }
    return value;
  }
  /// Up to the next line break, which is skipped.
  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return taken;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace agent_memory::fuzzing
