// SPDX-License-Identifier: MIT
#include "index/ranker.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "index/bm25.hpp"
#include "index/scoring.hpp"
#include "text/cues.hpp"

namespace agent_memory {
namespace {

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

/// What the weights of a query's terms add up to, nearly: rounded, and at least 1 each, those of
/// kMaxTerms stay below 2^16. Of more terms the lightest are not looked for.
constexpr double kFullWeight = 65000;
constexpr std::size_t kMaxTerms = 500;

struct PlannedTerm {
  const std::string* text = nullptr;
  /// Nullptr for a term of words.
  const DateMention* date = nullptr;
  std::uint64_t documents = 0;
  double idf = 0;
  /// Its share of kFullWeight; and that with its bit, as it is added to a cell.
  std::uint32_t weight = 0;
  std::uint32_t cell = 0;
};

/// Everything about a query that does not depend on the document.
struct Plan {
  /// Heaviest first. Each document's sum is taken in this order.
  std::vector<PlannedTerm> terms;
  std::uint32_t full_weight = 0;
  double average_length = 1;
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

Plan make_plan(const IndexQuery& query, const QueryTerms& terms, const Selection& selection) {
  std::uint64_t documents = 0;
  std::uint64_t total_length = 0;
  for (const Selection::Part& part : selection.parts) {
    documents += part.partition->live();
    total_length += part.partition->total_length();
  }
  Plan plan;
  plan.asks_for_time = asks_for_time(query.text);
  if (total_length != 0) {
    plan.average_length = static_cast<double>(total_length) / static_cast<double>(documents);
  }
  for (const std::string& term : terms.terms) {
    std::uint64_t with_term = 0;
    for (const Selection::Part& part : selection.parts) {
      const std::uint32_t number = part.partition->find_term(term);
      if (number != TermDictionary::kNone) with_term += part.partition->live_count(number);
    }
    plan.terms.push_back({.text = &term,
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
  std::stable_sort(
      plan.terms.begin(), plan.terms.end(),
      [](const PlannedTerm& left, const PlannedTerm& right) { return left.idf > right.idf; });
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

// Four lanes of 32 bits: SIMD on wasm and on every processor that has it.
constexpr Slot kLanes = 4;
using Floats [[gnu::vector_size(16)]] = float;
using Numbers [[gnu::vector_size(16)]] = std::int32_t;

/// Whether any of the four numbers is not 0.
bool any(Numbers numbers) {
  std::uint64_t halves[2];
  std::memcpy(halves, &numbers, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace

/// One partition's part of a search.
class Ranker::Pass {
 public:
  Pass(Ranker& ranker, const IndexQuery& query, const Plan& plan, const Selection& selection,
       std::uint32_t part, TopK& best)
      : query_(query),
        plan_(plan),
        part_(part),
        partition_(*selection.parts[part].partition),
        view_(selection.parts[part].view),
        best_(best) {
    const std::size_t padded =
        (std::size_t{partition_.slots()} + kLanes - 1) / kLanes * std::size_t{kLanes};
    if (ranker.sums_.size() < padded) {
      ranker.sums_.resize(padded);
      ranker.cells_.resize(padded);
      ranker.considered_.resize(padded / 64 + 1);
    }
    sums_ = ranker.sums_.data();
    cells_ = ranker.cells_.data();
    considered_ = ranker.considered_.data();
  }
  ~Pass() {
    std::fill_n(sums_, partition_.slots(), 0.0F);
    std::fill_n(cells_, partition_.slots(), 0U);
    std::fill_n(considered_, partition_.slots() / 64 + 1, std::uint64_t{0});
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  void run(const Selection& selection) {
    const TermShares share(plan_.average_length);
    for (const PlannedTerm& term : plan_.terms) {
      if (term.date != nullptr) {
        visit_dated(partition_, ranges_of(*term.date, selection), [&](Slot slot) {
          if (!partition_.is_visible(slot, view_)) return;
          sums_[slot] += static_cast<float>(term.weight);
          cells_[slot] += term.cell;
        });
      } else if (const std::uint32_t number = partition_.find_term(*term.text);
                 number != TermDictionary::kNone) {
        add_term(term, number, share);
      }
    }
    consider_rarest();
    consider_all();
  }

 private:
  void add_term(const PlannedTerm& term, std::uint32_t number, const TermShares& share) {
    const auto weight = static_cast<float>(term.weight);
    const bool everything = view_.everything();
    std::uint32_t speakers = 0;
    partition_.cursor(number).visit_until(kNoSlot, [&](const Posting& posting) {
      const std::uint32_t length = partition_.length(posting.slot);
      if (length == 0) return;  // dead
      if (!everything && !partition_.is_visible(posting.slot, view_)) return;
      sums_[posting.slot] += weight * share(static_cast<float>(posting.frequency), length);
      const std::uint32_t speaker = posting.speaker ? cell::kSpeaker : 0;
      cells_[posting.slot] = (cells_[posting.slot] + term.cell) | speaker;
      speakers |= speaker;
    });
    names_speaker_ = names_speaker_ || speakers != 0;
  }

  [[nodiscard]] double matched(Slot slot) const {
    return static_cast<double>(cells_[slot] & cell::kWeights) / plan_.full_weight;
  }
  [[nodiscard]] double words(Slot slot) const {
    return word_strength(static_cast<double>(sums_[slot]) / plan_.full_weight, matched(slot));
  }

  /// The documents that matter most first, so that the bar is high when all the others come.
  void consider_rarest() {
    constexpr std::size_t kMaxPostings = 256;
    std::size_t postings = 0;
    for (const PlannedTerm& term : plan_.terms) {
      if (term.date != nullptr) continue;
      const std::uint32_t number = partition_.find_term(*term.text);
      if (number == TermDictionary::kNone) continue;
      postings += partition_.posting_count(number);
      if (postings > kMaxPostings) return;
      partition_.cursor(number).visit_until(kNoSlot, [&](const Posting& posting) {
        if (sums_[posting.slot] > 0) consider_around(posting.slot);
      });
    }
  }

  /// Considers every document that has a chance: somebody within two turns has enough words.
  void consider_all() {
    const double scale = static_cast<double>(plan_.full_weight) * plan_.full_weight;
    float needed = static_cast<float>(needed_words() * scale);
    for (Slot slot = 0; slot < partition_.slots(); slot += kLanes) {
      Floats sums;
      Numbers cells;
      std::memcpy(&sums, sums_ + slot, sizeof sums);
      std::memcpy(&cells, cells_ + slot, sizeof cells);
      const Floats strengths =
          sums * __builtin_convertvector(cells & static_cast<int>(cell::kWeights), Floats);
      if (!any((strengths > 0) & (strengths >= needed))) continue;
      for (Slot lane = slot; lane < slot + kLanes; ++lane) {
        if (strengths[lane - slot] > 0 && strengths[lane - slot] >= needed) consider_around(lane);
      }
      needed = static_cast<float>(needed_words() * scale);
    }
  }

  /// How strong the own words of a document or of one within two turns must be for it to get among
  /// the best.
  [[nodiscard]] double needed_words() const {
    double factor = plan_.asks_for_time ? kTellsTimeFactor : 1.0;
    double own = 1;
    if (names_speaker_) {
      factor *= kNamedSpeakerFactor;
      own = 2;
    }
    const double needed =
        (bar() / factor - context_weight::kSurroundings) / (own + context_weight::kSum);
    return needed * (1 - 1e-5);  // rounded down, whatever is lost on the way to a float
  }

  /// What no strength below can get among the best. Strengths are rounded when they are compared:
  /// what is a little below the worst of them may yet be its equal, and later.
  [[nodiscard]] double bar() const { return best_.threshold() - kScoreStep; }

  void consider_around(Slot slot) {
    consider(slot);
    Slot before = partition_.turn_before(slot);
    Slot after = partition_.turn_after(slot);
    for (int turns = 0; turns < 2; ++turns) {
      if (before != kNoSlot) {
        consider(before);
        before = partition_.turn_before(before);
      }
      if (after != kNoSlot) {
        consider(after);
        after = partition_.turn_after(after);
      }
    }
  }

  void consider(Slot slot) {
    std::uint64_t& considered = considered_[slot / 64];
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((considered & bit) != 0) return;
    considered |= bit;

    const Slot before = partition_.turn_before(slot);
    const Slot after = partition_.turn_after(slot);
    const bool before_asks = before != kNoSlot && partition_.asks(before);
    // What matches nothing itself is found only as the answer to what does.
    if (cells_[slot] == 0 && !(before_asks && cells_[before] != 0)) return;

    using namespace context_weight;
    const bool named = (cells_[slot] & cell::kSpeaker) != 0;
    double keyword = words(slot);
    if (named) keyword = with_named_speaker(keyword);
    double factor = 1;
    if (named) factor *= kNamedSpeakerFactor;
    if (plan_.asks_for_time && partition_.tells_time(slot)) factor *= kTellsTimeFactor;
    if (cells_[slot] == 0) factor *= kAnswerFactor;
    if (after != kNoSlot && partition_.asks(slot)) factor *= kAskingFactor;

    double context = 0;
    context += (before_asks ? kBeforeAsking : kBefore) * nearby_words(slot, before);
    context += kTwoBefore *
               nearby_words(slot, before != kNoSlot ? partition_.turn_before(before) : kNoSlot);
    context += kAfter * nearby_words(slot, after);
    context +=
        kTwoAfter * nearby_words(slot, after != kNoSlot ? partition_.turn_after(after) : kNoSlot);
    if ((keyword + context + kSurroundings) * factor < bar()) return;
    context += kSurroundings * matched_around(slot);

    Candidate candidate{.strength = (keyword + context) * factor,
                        .keyword = keyword,
                        .time_ms = partition_.time(slot),
                        .document = partition_.document(slot),
                        .slot = slot,
                        .part = part_};
    if (query_.strategy == RetrievalStrategy::kHybrid) {
      candidate.strength =
          with_recency(candidate.strength, matched(slot),
                       recency(candidate.time_ms, query_.now_ms, query_.half_life_ms));
    }
    candidate.strength = std::max(round_score(candidate.strength), kScoreStep);
    if (before != kNoSlot || after != kNoSlot) {
      candidate.context = context / (kSum + kSurroundings);
    }
    best_.offer(candidate);
  }

  /// What `neighbour` of the same talk lends `slot`: its own words, the less the longer the pause,
  /// and of what is missing a part of those of `slot`.
  [[nodiscard]] double nearby_words(Slot slot, Slot neighbour) const {
    const double missing = context_weight::kMissing * words(slot);
    if (neighbour == kNoSlot) return missing;
    const TimestampMs apart_ms = std::abs(partition_.time(slot) - partition_.time(neighbour));
    if (apart_ms >= kMaxPauseMs) return missing;
    const double faded = static_cast<double>(apart_ms) / static_cast<double>(kMaxPauseMs);
    return words(neighbour) * (1.0 - faded) + missing * faded;
  }

  /// The share of the query's weight that the turn and those around it match together, of the
  /// heaviest terms.
  [[nodiscard]] double matched_around(Slot slot) const {
    std::uint32_t cells = cells_[slot];
    int turns = 0;
    for (Slot at = partition_.turn_before(slot);
         at != kNoSlot && turns < context_weight::kSurroundingTurns; ++turns) {
      cells |= cells_[at];
      at = partition_.turn_before(at);
    }
    turns = 0;
    for (Slot at = partition_.turn_after(slot);
         at != kNoSlot && turns < context_weight::kSurroundingTurns; ++turns) {
      cells |= cells_[at];
      at = partition_.turn_after(at);
    }
    std::uint32_t weight = 0;
    cells &= cell::kTermBits;
    for (std::size_t i = 0; i < plan_.terms.size() && i < cell::kTerms; ++i) {
      if ((cells >> (cell::kFirstTerm + i) & 1U) != 0) weight += plan_.terms[i].weight;
    }
    return static_cast<double>(weight) / plan_.full_weight;
  }

  const IndexQuery& query_;
  const Plan& plan_;
  std::uint32_t part_;
  const Partition& partition_;
  const Partition::View view_;
  TopK& best_;
  float* sums_;
  std::uint32_t* cells_;
  std::uint64_t* considered_;
  /// Whether the query names anybody's speaker here.
  bool names_speaker_ = false;
};

std::vector<Candidate> Ranker::by_keyword(const IndexQuery& query, std::size_t count,
                                          const QueryTerms& terms, const Selection& selection) {
  TopK best(query, count);
  const Plan plan = make_plan(query, terms, selection);
  if (plan.full_weight == 0) return {};
  for (std::uint32_t part = 0; part < selection.parts.size(); ++part) {
    Pass(*this, query, plan, selection, part, best).run(selection);
  }
  return best.take();
}

std::vector<Candidate> Ranker::by_time(const IndexQuery& query, const Selection& selection) {
  TopK best(query, query.top_k);
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
        best.offer({.strength = 1,
                    .time_ms = time_ms,
                    .document = partition.document(slot),
                    .slot = slot,
                    .part = part});
      }
    }
  }
  std::vector<Candidate> ranked = best.take();
  for (Candidate& candidate : ranked) {
    candidate.strength = round_score(recency(candidate.time_ms, query.now_ms, query.half_life_ms));
  }
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
