// SPDX-License-Identifier: MIT
#pragma once

// What a search by keyword looks for, and what each of it weighs: all about a query that does not
// depend on the document.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "index/bm25.hpp"
#include "index/dates.hpp"
#include "index/memory_index.hpp"
#include "index/partition.hpp"
#include "index/query_terms.hpp"
#include "index/term_groups.hpp"
#include "index/walls.hpp"

namespace agent_memory {

/// What a document has matched, in 32 bits, so that each posting costs one addition: in the lower
/// half the sum of the matched terms' weights, above it a bit for each of the heaviest terms, on
/// top whether the query names the speaker.
namespace cell {
constexpr std::uint32_t kWeights = 0xFFFF;
constexpr unsigned kFirstTerm = 16;
constexpr std::size_t kTerms = 15;
constexpr std::uint32_t kTermBits = 0x7FFF0000;
constexpr std::uint32_t kSpeaker = 0x80000000;
}  // namespace cell

struct PlannedTerm {
  const std::string* text = nullptr;
  /// Where a group of terms stands for it: which of the plan's postings are its documents.
  std::size_t group_begin = 0;
  std::size_t group_end = 0;
  /// Nullptr for a term of words.
  const DateMention* date = nullptr;
  std::uint64_t documents = 0;
  double idf = 0;
  /// Its share of kFullWeight; and that with its bit, as it is added to a cell.
  std::uint32_t weight = 0;
  std::uint32_t cell = 0;
};

struct Plan {
  /// Heaviest first. Each document's sum is taken in this order.
  std::vector<PlannedTerm> terms;
  std::vector<GroupPosting> group_postings;
  std::uint32_t full_weight = 0;
  /// Of the living documents that the search may see.
  const TermShares& share;
  bool asks_for_time = false;
};

/// Calls `visit` with the living slots whose time is in one of `ranges`.
template <typename Visitor>
void visit_dated(const Partition& partition, const std::vector<TimeRange>& ranges, Visitor visit) {
  for (std::size_t window = 0; window < partition.windows(); ++window) {
    const TimeRange times = partition.window_times(window);
    const auto apart = [&](const TimeRange& range) {
      return range.to <= times.from || range.from >= times.to;
    };
    if (std::all_of(ranges.begin(), ranges.end(), apart)) continue;
    const Slot begin = static_cast<Slot>(window) * kWindowSlots;
    const Slot end = std::min(begin + kWindowSlots, partition.slots());
    for (Slot slot = begin; slot < end; ++slot) {
      const TimestampMs time = partition.time(slot);
      const auto contains = [&](const TimeRange& range) { return range.contains(time); };
      if (std::any_of(ranges.begin(), ranges.end(), contains) && partition.is_live(slot)) {
        visit(slot);
      }
    }
  }
}

/// When `mention` is, as far as the selection's documents reach.
std::vector<TimeRange> ranges_of(const DateMention& mention, const Selection& selection);

/// Costs the postings of the terms that stand for others. `shares` is what the plan's `share` will
/// be, and must outlive it.
Plan make_plan(const IndexQuery& query, const QueryTerms& terms, const Selection& selection,
               TermShares& shares);

}  // namespace agent_memory
