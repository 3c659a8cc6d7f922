// SPDX-License-Identifier: MIT
#pragma once

// Timestamps as text, in UTC and the proleptic Gregorian calendar.

#include <optional>
#include <string>
#include <string_view>

#include "agent_memory/types.hpp"

namespace agent_memory {

inline constexpr TimestampMs kMinTimestampMs = -62167219200000;  ///< 0000-01-01T00:00:00.000Z
inline constexpr TimestampMs kMaxTimestampMs = 253402300799999;  ///< 9999-12-31T23:59:59.999Z

/// "2026-02-03T22:25:50.123Z".
std::string format_iso8601(TimestampMs time);

/// Reads RFC 3339 and its common relatives: a date alone, 'T' or a blank between, seconds and
/// fractions optional (more than three digits are cut), 'Z', an offset, or nothing (UTC).
std::optional<TimestampMs> parse_iso8601(std::string_view text);

struct CivilDate {
  int year = 1970;
  int month = 1;  ///< 1 to 12
  int day = 1;    ///< 1 to 31
};

/// The UTC day on which `time` falls. Source: H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", civil_from_days.
CivilDate civil_date(TimestampMs time);

/// Midnight of that day. The date must exist.
TimestampMs timestamp_of(CivilDate date);

}  // namespace agent_memory
