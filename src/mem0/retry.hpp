// SPDX-License-Identifier: MIT
#pragma once

// What is tried again, and after how long. Pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent_memory/types.hpp"

namespace agent_memory::mem0 {

/// What an attempt came to.
enum class Attempt : std::uint8_t {
  kDone,     ///< Answered; what the answer says is final.
  kRefused,  ///< Answered: nothing was done, and later it may be.
  kUnclear,  ///< Failed in a way that may pass; whether something was done is not known.
};

/// Whether doing it twice is doing it once.
enum class Repeat : std::uint8_t {
  /// Reads; deleting; changing to what is said; adding messages as they are to the platform, which
  /// drops those it has.
  kHarmless,
  /// Adding: twice is two memories.
  kHarmful,
};

/// What an answer came to, by its status and by the code that a self-hosted server puts into the
/// body of a 502. 429 and 408 refuse: the request was not taken. 5xx is unclear, but for what no
/// repetition changes: 501, 505, and a 502 that tells that the server is set up wrongly.
Attempt classify(int status, std::string_view code);

/// How long a Retry-After is: whole seconds, or an HTTP date. Nullopt where it is neither; a date
/// that is over is 0.
std::optional<std::int64_t> retry_after_ms(std::string_view header, TimestampMs now);

/// Longer than this nobody waits: the failure is reported.
inline constexpr std::int64_t kMaxRetryAfterMs = 60'000;
/// The pause before the n-th retry is random between 0 and kBackoffMs * 2^(n-1), at most
/// kMaxBackoffMs: full jitter. Source: M. Brooker, "Exponential Backoff and Jitter".
inline constexpr std::int64_t kBackoffMs = 500;
inline constexpr std::int64_t kMaxBackoffMs = 8'000;

/// The pause before retry number `retry` (from 1), or nullopt where there is to be none. A server
/// that says how long is taken at its word, plus a part of kBackoffMs so that not all come back at
/// once.
std::optional<std::int64_t> next_pause_ms(Attempt attempt, Repeat repeat, std::int64_t retry,
                                          std::int64_t max_retries,
                                          std::optional<std::int64_t> asked_pause_ms,
                                          std::uint64_t random);

/// The pause before poll number `poll` (from 1) for something that is under way: growing by half,
/// from kPollMs to kMaxPollMs.
std::int64_t poll_pause_ms(std::int64_t poll);
inline constexpr std::int64_t kPollMs = 250;
inline constexpr std::int64_t kMaxPollMs = 5'000;
/// After so long nobody waits for it any more.
inline constexpr std::int64_t kMaxPollTotalMs = 300'000;

}  // namespace agent_memory::mem0
