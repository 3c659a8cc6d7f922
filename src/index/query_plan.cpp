// SPDX-License-Identifier: MIT
#include "index/query_plan.hpp"

#include <cmath>
#include <limits>

#include "base/sort.hpp"
#include "text/cues.hpp"

namespace agent_memory {
namespace {

/// What the weights of a query's terms add up to, nearly: rounded, and at least 1 each, those of
/// kMaxTerms stay below 2^16. Of more terms the lightest are not looked for.
constexpr double kFullWeight = 65000;
constexpr std::size_t kMaxTerms = 500;

}  // namespace

std::vector<TimeRange> ranges_of(const DateMention& mention, const Selection& selection) {
  TimestampMs earliest = std::numeric_limits<TimestampMs>::max();
  TimestampMs latest = std::numeric_limits<TimestampMs>::min();
  for (const Selection::Part& part : selection.parts) {
    for (std::size_t window = 0; window < part.partition->windows(); ++window) {
      const TimeRange times = part.partition->window_times(window);
      earliest = std::min(earliest, times.from);
      latest = std::max(latest, times.to - 1);
    }
  }
  return ranges_between(mention, earliest, latest);
}

[[gnu::noinline]] Plan make_plan(const IndexQuery& query, const QueryTerms& terms,
                                 const Selection& selection, TermShares& shares) {
  std::uint64_t documents = 0;
  std::uint64_t total_length = 0;
  for (const Selection::Part& part : selection.parts) {
    documents += part.partition->live();
    total_length += part.partition->total_length();
  }
  const double average_length =
      total_length == 0 ? 1 : static_cast<double>(total_length) / static_cast<double>(documents);
  shares.fit(average_length);
  Plan plan{.terms = {},
            .group_postings = {},
            .full_weight = 0,
            .share = shares,
            .asks_for_time = asks_for_time(query.text)};
  for (const QueryTerm& term : terms.terms) {
    std::uint64_t with_term = 0;
    for (const Selection::Part& part : selection.parts) {
      const std::uint32_t number = part.partition->find_term(term.text);
      if (number != TermDictionary::kNone) with_term += part.partition->live_count(number);
    }
    const std::size_t begin = plan.group_postings.size();
    const std::vector<GroupTerm> group = find_group(terms, term, with_term != 0, selection);
    if (!group.empty()) {
      append_documents(group, selection, plan.share, plan.group_postings);
      with_term = plan.group_postings.size() - begin;
    }
    plan.terms.push_back({.text = &term.text,
                          .group_begin = begin,
                          .group_end = plan.group_postings.size(),
                          .documents = with_term,
                          .idf = inverse_document_frequency(documents, with_term)});
  }
  for (const DateMention& mention : terms.dates) {
    const std::vector<TimeRange> ranges = ranges_of(mention, selection);
    std::uint64_t dated = 0;
    for (const Selection::Part& part : selection.parts) {
      visit_dated(*part.partition, ranges, [&](Slot) { ++dated; });
    }
    plan.terms.push_back({.date = &mention,
                          .documents = dated,
                          .idf = inverse_document_frequency(documents, dated)});
  }
  sort_stably(plan.terms, [](const PlannedTerm& left, const PlannedTerm& right) {
    return left.idf > right.idf;
  });
  double sum = 0;
  for (const PlannedTerm& term : plan.terms)
    sum += term.idf;
  for (PlannedTerm& term : plan.terms) {
    term.weight =
        static_cast<std::uint32_t>(std::max(1L, std::lround(term.idf / sum * kFullWeight)));
    plan.full_weight += term.weight;
  }
  // What nobody has weighs, but need not be looked for.
  std::erase_if(plan.terms, [](const PlannedTerm& term) { return term.documents == 0; });
  if (plan.terms.size() > kMaxTerms) plan.terms.resize(kMaxTerms);
  for (std::size_t i = 0; i < plan.terms.size(); ++i) {
    PlannedTerm& term = plan.terms[i];
    term.cell = term.weight + (i < cell::kTerms ? 1U << (cell::kFirstTerm + i) : 0U);
  }
  return plan;
}

}  // namespace agent_memory
