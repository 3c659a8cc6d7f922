// SPDX-License-Identifier: MIT
#include "index/ranker.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "index/bm25.hpp"
#include "index/scoring.hpp"

namespace agent_memory {
namespace {

/// One mention of a date, as this selection has it.
struct DateTerm {
  std::vector<TimeRange> ranges;
  double weight = 0;
};

struct PlannedTerm {
  const std::string* text = nullptr;
  double weight = 0;
  /// The weights of this term and those after it, and of the dates.
  double weight_from_here = 0;
};

/// Everything about a query that does not depend on the document.
struct Plan {
  /// Heaviest first. Each document's sum is taken in this order, and so the same to the last bit
  /// wherever it is taken.
  std::vector<PlannedTerm> terms;
  std::vector<DateTerm> dates;
  double average_length = 1;
};

/// The best that can become of a keyword score below `weight`, and a little more.
double reach(double weight) { return with_named_speaker(std::min(weight, 1.0)) + 2 * kScoreStep; }

/// Calls `visit` with the living slots of one window whose time is in one of `ranges`.
template <typename Visitor>
void visit_dated(const Partition& partition, std::size_t window,
                 const std::vector<TimeRange>& ranges, Visitor visit) {
  const TimeRange times = partition.window_times(window);
  const auto apart = [&](const TimeRange& range) {
    return range.to <= times.from || range.from >= times.to;
  };
  if (std::all_of(ranges.begin(), ranges.end(), apart)) return;
  const Slot begin = static_cast<Slot>(window) * kWindowSlots;
  const Slot end = std::min(begin + kWindowSlots, partition.slots());
  for (Slot slot = begin; slot < end; ++slot) {
    const TimestampMs time = partition.time(slot);
    const auto contains = [&](const TimeRange& range) { return range.contains(time); };
    if (std::any_of(ranges.begin(), ranges.end(), contains) && partition.is_live(slot)) visit(slot);
  }
}

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

/// Each term's and date's share of the score of a document that matches them all.
Plan plan(const QueryTerms& terms, const Selection& selection) {
  std::uint64_t documents = 0;
  std::uint64_t total_length = 0;
  for (const Selection::Part& part : selection.parts) {
    documents += part.partition->live();
    total_length += part.partition->total_length();
  }
  Plan plan;
  if (total_length != 0) {
    plan.average_length = static_cast<double>(total_length) / static_cast<double>(documents);
  }
  double sum = 0;
  for (const std::string& term : terms.terms) {
    std::uint64_t with_term = 0;
    for (const Selection::Part& part : selection.parts) {
      const std::uint32_t number = part.partition->find_term(term);
      if (number != TermDictionary::kNone) with_term += part.partition->live_count(number);
    }
    const double weight = inverse_document_frequency(documents, with_term);
    plan.terms.push_back({.text = &term, .weight = weight});
    sum += weight;
  }
  for (const DateMention& mention : terms.dates) {
    DateTerm date{.ranges = ranges_of(mention, selection)};
    std::uint64_t dated = 0;
    for (const Selection::Part& part : selection.parts) {
      for (std::size_t window = 0; window < part.partition->windows(); ++window) {
        visit_dated(*part.partition, window, date.ranges, [&](Slot) { ++dated; });
      }
    }
    date.weight = inverse_document_frequency(documents, dated);
    sum += date.weight;
    plan.dates.push_back(std::move(date));
  }
  std::stable_sort(
      plan.terms.begin(), plan.terms.end(),
      [](const PlannedTerm& left, const PlannedTerm& right) { return left.weight > right.weight; });
  double weight_from_here = 0;
  for (DateTerm& date : plan.dates) {
    date.weight /= sum;
    weight_from_here += date.weight;
  }
  for (auto term = plan.terms.rbegin(); term != plan.terms.rend(); ++term) {
    term->weight /= sum;
    weight_from_here += term->weight;
    term->weight_from_here = weight_from_here;
  }
  return plan;
}

}  // namespace

std::vector<Candidate> Ranker::by_keyword(const IndexQuery& query, const QueryTerms& terms,
                                          const Selection& selection) {
  TopK best(query);
  const Plan plan = agent_memory::plan(terms, selection);
  const TermShares share(plan.average_length);
  std::vector<ActiveTerm> active;
  for (std::uint32_t number = 0; number < selection.parts.size(); ++number) {
    const Selection::Part& part = selection.parts[number];
    const Partition& partition = *part.partition;
    active.clear();
    for (const PlannedTerm& term : plan.terms) {
      const std::uint32_t found = partition.find_term(*term.text);
      if (found == TermDictionary::kNone) continue;
      active.push_back({partition.cursor(found), term.weight, term.weight_from_here});
    }
    for (std::size_t window = 0; window < partition.windows(); ++window) {
      for (ActiveTerm& term : active) {
        // Documents that have nothing but terms from here on cannot come in any more.
        const bool hopeless = reach(term.weight_from_here) < best.threshold();
        if (hopeless) {
          score_window<true>(part, window, term, share);
        } else {
          score_window<false>(part, window, term, share);
        }
      }
      for (const DateTerm& date : plan.dates) {
        visit_dated(partition, window, date.ranges, [&](Slot slot) {
          if (partition.is_visible(slot, part.view)) touch(slot % kWindowSlots, date.weight);
        });
      }
      collect_window(query, number, part, window, best);
    }
  }
  return best.take();
}

template <bool OnlyTouched>
void Ranker::score_window(const Selection::Part& part, std::size_t window, ActiveTerm& term,
                          const TermShares& share) {
  const Partition& partition = *part.partition;
  const Partition::View view = part.view;
  const bool everything = view.everything();
  const Slot begin = static_cast<Slot>(window) * kWindowSlots;
  term.cursor.visit_until(begin + kWindowSlots, [&](const Posting& posting) {
    const Slot at = posting.slot - begin;
    if (OnlyTouched && (touched_[at / 64] >> (at % 64) & 1U) == 0) return;
    const std::uint32_t length = partition.length(posting.slot);
    if (length == 0) return;  // dead
    if (!everything && !partition.is_visible(posting.slot, view)) return;
    touch(at, term.weight * share(posting.frequency, length));
    speakers_[at / 64] |= std::uint64_t{posting.speaker} << (at % 64);
  });
}

void Ranker::collect_window(const IndexQuery& query, std::uint32_t number,
                            const Selection::Part& part, std::size_t window, TopK& best) {
  const Partition& partition = *part.partition;
  double threshold = best.threshold();
  for (Slot word = 0; word < touched_.size(); ++word) {
    for (std::uint64_t bits = touched_[word]; bits != 0; bits &= bits - 1) {
      const Slot at = word * 64 + static_cast<Slot>(std::countr_zero(bits));
      double keyword = std::min(scores_[at], 1.0);
      scores_[at] = 0;
      if ((speakers_[word] >> (at % 64) & 1U) != 0) keyword = with_named_speaker(keyword);
      // Recency only ever lowers a score: most candidates end here.
      if (keyword + kScoreStep < threshold) continue;
      const Slot slot = static_cast<Slot>(window) * kWindowSlots + at;
      const TimestampMs time_ms = partition.time(slot);
      keyword = round_score(keyword);
      double score = keyword;
      if (query.strategy == RetrievalStrategy::kHybrid) {
        score =
            round_score(hybrid_score(keyword, recency(time_ms, query.now_ms, query.half_life_ms)));
      }
      best.offer({.score = score,
                  .keyword = keyword,
                  .time_ms = time_ms,
                  .document = partition.document(slot),
                  .slot = slot,
                  .part = number});
      threshold = best.threshold();
    }
    touched_[word] = 0;
    speakers_[word] = 0;
  }
}

std::vector<Candidate> Ranker::by_time(const IndexQuery& query, const Selection& selection) {
  TopK best(query);
  for (std::uint32_t part = 0; part < selection.parts.size(); ++part) {
    const Partition& partition = *selection.parts[part].partition;
    const Partition::View view = selection.parts[part].view;
    // From the last added on: most often the newest, after which nothing older gets far.
    for (std::size_t window = partition.windows(); window-- > 0;) {
      const auto too_old = [&](TimestampMs time_ms) {
        return best.worst() != nullptr && time_ms < best.worst()->time_ms;
      };
      if (too_old(partition.window_times(window).to - 1)) continue;
      const Slot begin = static_cast<Slot>(window) * kWindowSlots;
      for (Slot slot = std::min(begin + kWindowSlots, partition.slots()); slot-- > begin;) {
        const TimestampMs time_ms = partition.time(slot);
        if (too_old(time_ms) || !partition.is_live(slot)) continue;
        if (!partition.is_visible(slot, view)) continue;
        // All alike for now: the order by time is the order by score, and cheaper.
        best.offer({.score = 1,
                    .time_ms = time_ms,
                    .document = partition.document(slot),
                    .slot = slot,
                    .part = part});
      }
    }
  }
  std::vector<Candidate> ranked = best.take();
  for (Candidate& candidate : ranked) {
    candidate.score = round_score(recency(candidate.time_ms, query.now_ms, query.half_life_ms));
  }
  std::erase_if(ranked,
                [&](const Candidate& candidate) { return candidate.score < query.min_score; });
  return ranked;
}

std::vector<Ranker::Matches> Ranker::matches(const std::vector<Candidate>& candidates,
                                             const QueryTerms& terms, const Selection& selection) {
  std::vector<Matches> all(candidates.size(), {.terms = std::vector<bool>(terms.terms.size()),
                                               .dates = std::vector<bool>(terms.dates.size())});
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    return std::pair(candidates[left].part, candidates[left].slot) <
           std::pair(candidates[right].part, candidates[right].slot);
  });
  for (std::size_t term = 0; term < terms.terms.size(); ++term) {
    for (std::size_t i = 0; i < order.size();) {
      const std::uint32_t part = candidates[order[i]].part;
      const Partition& partition = *selection.parts[part].partition;
      const std::uint32_t number = partition.find_term(terms.terms[term]);
      if (number == TermDictionary::kNone) {
        while (i < order.size() && candidates[order[i]].part == part)
          ++i;
        continue;
      }
      PostingCursor cursor = partition.cursor(number);
      for (; i < order.size() && candidates[order[i]].part == part; ++i) {
        cursor.visit_until(candidates[order[i]].slot, [](const Posting&) {});
        all[order[i]].terms[term] = cursor.slot() == candidates[order[i]].slot;
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
