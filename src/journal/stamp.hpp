// SPDX-License-Identifier: MIT
#pragma once

// When an operation happened, comparable between writers that never met.

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent_memory/types.hpp"

#include "base/time.hpp"

namespace agent_memory {

/// A hybrid logical timestamp: milliseconds in the upper 52 bits, a counter in the lower 12, and
/// the writer to break ties. All zero is "never". Source: Kulkarni et al., "Logical Physical
/// Clocks", 2014.
struct Stamp {
  std::uint64_t time = 0;
  std::uint64_t writer = 0;

  [[nodiscard]] bool is_never() const { return time == 0; }
  [[nodiscard]] TimestampMs ms() const { return static_cast<TimestampMs>(time >> 12U); }
  [[nodiscard]] std::uint32_t counter() const { return static_cast<std::uint32_t>(time & 0xFFFU); }
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

/// Lower case, with zeros in front.
std::string to_hex(std::uint64_t value, std::size_t width);

/// "<time>-<writer>" in 16 hexadecimal digits each.
std::string to_text(Stamp stamp);
/// The stamp whose text it is; nullopt where it is of none.
std::optional<Stamp> parse_stamp(std::string_view text);

/// Gives out stamps that grow, whatever the wall clock does, and that are greater than every
/// stamp it was shown.
class HybridClock {
 public:
  explicit HybridClock(std::uint64_t writer) : writer_(writer) {}

  Stamp next(TimestampMs now_ms) {
    // A clock beyond its range must not use up what stamps can grow by.
    now_ms = std::clamp<TimestampMs>(now_ms, 0, kMaxTimestampMs);
    const std::uint64_t wall = static_cast<std::uint64_t>(now_ms) << 12U;
    last_ = std::max(wall, last_ + 1);
    return {.time = last_, .writer = writer_};
  }
  void observe(Stamp stamp) { last_ = std::max(last_, stamp.time); }

 private:
  std::uint64_t writer_;
  std::uint64_t last_ = 0;
};

}  // namespace agent_memory
