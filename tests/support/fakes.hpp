// SPDX-License-Identifier: MIT
#pragma once

// A clock and randomness that a test holds in its hand.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent_memory/ports.hpp"

namespace agent_memory::testing {

/// 2026-02-03T22:25:50.123Z: where a FakeClock starts.
inline constexpr TimestampMs kStart = 1770157550123;
inline constexpr TimestampMs kDay = 86'400'000;

class FakeClock final : public ClockPort {
 public:
  explicit FakeClock(TimestampMs now = kStart) : now_(now) {}

  [[nodiscard]] TimestampMs now_ms() override { return now_; }
  void set(TimestampMs now) { now_ = now; }
  void advance(TimestampMs by) { now_ += by; }

 private:
  TimestampMs now_;
};

/// SplitMix64. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators".
class FakeRandom final : public RandomPort {
 public:
  explicit FakeRandom(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  /// 0 to `bound` - 1.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  /// True once in `times`.
  bool once_in(std::size_t times) { return below(times) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& values) {
    return values[below(values.size())];
  }
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace agent_memory::testing
