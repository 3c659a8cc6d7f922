// SPDX-License-Identifier: MIT
//
// What the documents found have of a query, for those who ask for an explanation.

#include <algorithm>
#include <utility>

#include "base/sort.hpp"
#include "index/query_plan.hpp"
#include "index/ranker.hpp"

namespace agent_memory {

[[gnu::noinline]] std::vector<Ranker::Matches> Ranker::matches(
    const std::vector<Candidate>& candidates, const QueryTerms& terms, const Selection& selection) {
  std::vector<Matches> all(candidates.size(), {.terms = std::vector<bool>(terms.terms.size()),
                                               .dates = std::vector<bool>(terms.dates.size())});
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  sort_stably(order, [&](std::size_t left, std::size_t right) {
    return std::pair(candidates[left].part, candidates[left].slot) <
           std::pair(candidates[right].part, candidates[right].slot);
  });
  for (std::size_t term = 0; term < terms.terms.size(); ++term) {
    const std::string& text = terms.terms[term].text;
    std::vector<GroupTerm> group =
        find_group(terms, terms.terms[term], is_used(text, selection), selection);
    if (group.empty()) {
      for (std::uint32_t part = 0; part < selection.parts.size(); ++part) {
        const std::uint32_t number = selection.parts[part].partition->find_term(text);
        if (number != TermDictionary::kNone) group.push_back({part, {number, 1}});
      }
    }
    for (const auto& [part, variant] : group) {
      PostingCursor cursor = selection.parts[part].partition->cursor(variant.term);
      for (const std::size_t i : order) {
        if (candidates[i].part != part) continue;
        cursor.visit_until(candidates[i].slot, [](const Posting&) {});
        if (cursor.slot() == candidates[i].slot) all[i].terms[term] = true;
      }
    }
  }
  for (std::size_t date = 0; date < terms.dates.size(); ++date) {
    const std::vector<TimeRange> ranges = ranges_of(terms.dates[date], selection);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      all[i].dates[date] = std::any_of(ranges.begin(), ranges.end(), [&](const TimeRange& range) {
        return range.contains(candidates[i].time_ms);
      });
    }
  }
  return all;
}

}  // namespace agent_memory
