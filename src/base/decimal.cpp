// SPDX-License-Identifier: MIT
#include "base/decimal.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace agent_memory {
namespace {

/// A whole number of up to 1216 bits: enough for every double and its divisor. Exact arithmetic
/// takes microseconds, where tables would take kilobytes of a download that has few numbers to
/// write that are not whole.
class Whole {
 public:
  explicit Whole(std::uint64_t value) {
    limbs_[0] = static_cast<std::uint32_t>(value);
    limbs_[1] = static_cast<std::uint32_t>(value >> 32U);
  }

  void multiply(std::uint32_t by) {
    std::uint64_t carry = 0;
    for (std::uint32_t& limb : limbs_) {
      carry += std::uint64_t{limb} * by;
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32U;
    }
  }
  void multiply_by_power(std::uint32_t base, int exponent) {
    for (; exponent > 0; --exponent)
      multiply(base);
  }
  void halve() {
    for (std::size_t i = 0; i + 1 < limbs_.size(); ++i)
      limbs_[i] = (limbs_[i] >> 1U) | (limbs_[i + 1] << 31U);
    limbs_.back() >>= 1U;
  }
  void subtract(const Whole& other) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
      const std::uint64_t difference = std::uint64_t{limbs_[i]} - other.limbs_[i] - borrow;
      limbs_[i] = static_cast<std::uint32_t>(difference);
      borrow = (difference >> 32U) & 1U;
    }
  }
  [[nodiscard]] bool is_less_than(const Whole& other) const {
    for (std::size_t i = limbs_.size(); i-- > 0;) {
      if (limbs_[i] != other.limbs_[i]) return limbs_[i] < other.limbs_[i];
    }
    return false;
  }

 private:
  std::array<std::uint32_t, 38> limbs_{};
};

struct Digits {
  std::uint64_t digits;
  /// Whether no other double is nearer to them than the one that they stand for.
  bool are_enough;
};

constexpr std::uint64_t kLeastMantissa = std::uint64_t{1} << 52U;

/// `mantissa` * 2^`exponent` / 10^`unit` to the nearest whole number, which must be below 2^60.
Digits divide(std::uint64_t mantissa, int exponent, int unit) {
  constexpr int kQuotientBits = 60;
  Whole rest(mantissa);
  Whole divisor(1);
  rest.multiply_by_power(2, exponent);
  divisor.multiply_by_power(2, -exponent);
  rest.multiply_by_power(10, -unit);
  divisor.multiply_by_power(10, unit);
  const Whole whole = rest;
  divisor.multiply_by_power(2, kQuotientBits);
  std::uint64_t quotient = 0;
  for (int bit = 0; bit <= kQuotientBits; ++bit) {
    quotient *= 2;
    if (!rest.is_less_than(divisor)) {
      rest.subtract(divisor);
      ++quotient;
    }
    if (bit < kQuotientBits) divisor.halve();
  }
  Whole up = divisor;
  up.subtract(rest);
  if (up.is_less_than(rest)) {
    rest = up;
    ++quotient;
  }
  // Half way to the next double is whole / mantissa / 2; half of that to the smaller one below a
  // power of two. The mantissa is rounded up: a digit too many once in millions does no harm.
  rest.multiply(mantissa == kLeastMantissa ? 4 : 2);
  rest.multiply(static_cast<std::uint32_t>(mantissa >> 26U) + 1);
  rest.multiply(1U << 26U);
  return {quotient, rest.is_less_than(whole)};
}

}  // namespace

void append_number(std::string& out, double value) {
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::fabs(value) <= kExactIntegers) {
    out += std::to_string(static_cast<std::int64_t>(value));
    return;
  }
  if (value < 0) out += '-';
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  const auto mantissa = static_cast<std::uint64_t>(fraction * kExactIntegers);
  exponent -= 53;

  // `places` is the exponent of the first digit; the estimate may be one too low. Fifteen digits
  // are enough for most numbers that people write, seventeen for all there are.
  int places = static_cast<int>(std::floor((exponent + 52) * 0.30102999566398120));
  std::string digits;
  for (int precision = 15; precision <= 17;) {
    const Digits found = divide(mantissa, exponent, places + 1 - precision);
    digits = std::to_string(found.digits);
    if (digits.size() > static_cast<std::size_t>(precision)) {
      ++places;
      continue;
    }
    if (found.are_enough) break;
    ++precision;
  }
  digits.resize(digits.find_last_not_of('0') + 1);

  // As JavaScript's Number::toString has it.
  const int count = static_cast<int>(digits.size());
  if (places < -6 || places > 20) {
    if (count > 1) digits.insert(1, ".");
    out.append(digits).append(places < 0 ? "e-" : "e+").append(std::to_string(std::abs(places)));
  } else if (places < 0) {
    out.append("0.").append(static_cast<std::size_t>(-places - 1), '0').append(digits);
  } else if (count <= places + 1) {
    out.append(digits).append(static_cast<std::size_t>(places + 1 - count), '0');
  } else {
    out.append(digits.insert(static_cast<std::size_t>(places) + 1, "."));
  }
}

}  // namespace agent_memory
