// SPDX-License-Identifier: MIT
#pragma once

// The days that a query speaks of: "8 May 2023", "2023-05-08", "in June", "last week", "two
// months ago". English and digits only; days are those of UTC. Pure. The index needs no terms for
// days: documents have their times, and a mention is a term whose postings are those in its ranges
// (R@10 on LoCoMo's development half 0.661 -> 0.683).

#include <cstddef>
#include <string_view>
#include <vector>

#include "agent_memory/types.hpp"

namespace agent_memory {

/// From `from`, inclusive, to `to`, exclusive.
struct TimeRange {
  TimestampMs from = 0;
  TimestampMs to = 0;

  [[nodiscard]] bool contains(TimestampMs time) const { return time >= from && time < to; }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

/// One mention of a day, week, month or year.
struct DateMention {
  /// Where it stands in the query.
  std::size_t begin = 0;
  std::size_t size = 0;
  /// What it means; where a month, or a month and a day, come without a year, nothing yet.
  std::vector<TimeRange> ranges;
  int every_month = 0;  ///< 1 to 12; 0 where `ranges` says it all.
  int every_day = 0;    ///< 1 to 31; 0 for the whole month.
};

/// The mentions in `text`, at most four, in order. Relative ones go by `now_ms`.
std::vector<DateMention> find_dates(std::string_view text, TimestampMs now_ms);

/// The ranges of `mention`, ascending, where all times of interest are between `earliest` and
/// `latest`. A mention without a year means each year from 1900 to 2100 that is between them.
std::vector<TimeRange> ranges_between(const DateMention& mention, TimestampMs earliest,
                                      TimestampMs latest);

}  // namespace agent_memory
