// SPDX-License-Identifier: MIT
#include "base/exponential.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace agent_memory {
namespace {

constexpr double kLn2 = 0.69314718055994531;
constexpr double kSqrtHalf = 0.70710678118654752;

}  // namespace

double power_of_two(double x) {
  if (x < -1000) return 0;
  if (x > 1000) return std::numeric_limits<double>::infinity();
  // What is left of x, in eighths: so the series of e^rest is short.
  const double doublings = std::floor(x + 0.5);
  const double rest = (x - doublings) * (kLn2 / 8);
  double power = 1;
  for (int n = 9; n > 0; --n)
    power = 1 + power * (rest / n);
  power *= power;
  power *= power;
  power *= power;
  // As a double: the exponent alone, which starts at -1023.
  const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(doublings) + 1023);
  return power * std::bit_cast<double>(exponent << 52U);
}

double exponential(double x) { return power_of_two(x / kLn2); }

double natural_logarithm(double x) {
  int doublings = 0;
  double fraction = std::frexp(x, &doublings);
  if (fraction < kSqrtHalf) {
    fraction *= 2;
    --doublings;
  }
  // ln fraction = 2 artanh ratio = 2 (ratio + ratio^3 / 3 + ratio^5 / 5 + …)
  const double ratio = (fraction - 1) / (fraction + 1);
  const double square = ratio * ratio;
  double series = 0;
  for (int n = 21; n > 0; n -= 2)
    series = series * square + 1.0 / n;
  return doublings * kLn2 + 2 * ratio * series;
}

}  // namespace agent_memory
