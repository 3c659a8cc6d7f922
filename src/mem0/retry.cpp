// SPDX-License-Identifier: MIT
#include "mem0/retry.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/time.hpp"

namespace agent_memory::mem0 {
namespace {

std::optional<std::int64_t> digits(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  for (const char each : text) {
    if (each < '0' || each > '9') return std::nullopt;
    value = value * 10 + (each - '0');
  }
  return value;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT", the one form of an HTTP date that may be sent.
std::optional<TimestampMs> http_date(std::string_view text) {
  constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != kForm.size() || !text.ends_with(" GMT")) return std::nullopt;
  const auto day = digits(text.substr(5, 2));
  const std::size_t month = kMonths.find(text.substr(8, 3));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  const bool valid = day && *day >= 1 && *day <= 31 && month != std::string_view::npos &&
                     month % 3 == 0 && year && hour && minute && second;
  if (!valid) return std::nullopt;
  return timestamp_of({.year = static_cast<int>(*year),
                       .month = static_cast<int>(month / 3) + 1,
                       .day = static_cast<int>(*day)}) +
         ((*hour * 60 + *minute) * 60 + *second) * 1000;
}

/// 0 to `most`.
std::int64_t part_of(std::int64_t most, std::uint64_t random) {
  return static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(most) + 1));
}

}  // namespace

Attempt classify(int status, std::string_view code) {
  if (status == 408 || status == 429) return Attempt::kRefused;
  if (status < 500 || status == 501 || status == 505) return Attempt::kDone;
  constexpr std::array<std::string_view, 2> kLasting = {"provider_auth_failed",
                                                        "provider_bad_request"};
  return std::find(kLasting.begin(), kLasting.end(), code) == kLasting.end() ? Attempt::kUnclear
                                                                             : Attempt::kDone;
}

std::optional<std::int64_t> retry_after_ms(std::string_view header, TimestampMs now) {
  if (const auto seconds = digits(header)) return *seconds * 1000;
  const auto date = http_date(header);
  if (!date) return std::nullopt;
  return std::max<std::int64_t>(0, *date - now);
}

std::optional<std::int64_t> next_pause_ms(Attempt attempt, Repeat repeat, std::int64_t retry,
                                          std::int64_t max_retries,
                                          std::optional<std::int64_t> asked_pause_ms,
                                          std::uint64_t random) {
  if (attempt == Attempt::kDone || retry > max_retries) return std::nullopt;
  if (attempt == Attempt::kUnclear && repeat == Repeat::kHarmful) return std::nullopt;
  if (asked_pause_ms) {
    if (*asked_pause_ms > kMaxRetryAfterMs) return std::nullopt;
    return *asked_pause_ms + part_of(kBackoffMs, random);
  }
  std::int64_t most = kBackoffMs;
  for (std::int64_t i = 1; i < retry && most < kMaxBackoffMs; ++i)
    most *= 2;
  return part_of(std::min(most, kMaxBackoffMs), random);
}

std::int64_t poll_pause_ms(std::int64_t poll) {
  std::int64_t pause = kPollMs;
  for (std::int64_t i = 1; i < poll && pause < kMaxPollMs; ++i)
    pause += pause / 2;
  return std::min(pause, kMaxPollMs);
}

}  // namespace agent_memory::mem0
