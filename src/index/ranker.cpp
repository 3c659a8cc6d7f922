// SPDX-License-Identifier: MIT
#include "index/ranker.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "index/query_plan.hpp"
#include "index/scoring.hpp"

namespace agent_memory {
namespace {

// Four lanes of 32 bits: SIMD on wasm and on every processor that has it.
constexpr Slot kLanes = 4;
static_assert(kBlockSlots == 4 * kLanes);
static_assert(kBlockSlots >= context_weight::kSurroundingTurns, "they are all in the next block");
using Floats [[gnu::vector_size(16)]] = float;
using Numbers [[gnu::vector_size(16)]] = std::int32_t;

template <typename Lanes, typename Lane>
Lanes load(const Lane* from) {
  static_assert(sizeof(Lanes) == kLanes * sizeof(Lane));
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

Floats greater(Floats left, Floats right) { return left > right ? left : right; }

/// Of four documents at once, in units of full_weight squared.
Floats strengths(Floats sums, Numbers cells) {
  return sums * __builtin_convertvector(cells & static_cast<int>(cell::kWeights), Floats);
}

/// The weight of every set of a query's heaviest terms.
class TermSets {
 public:
  explicit TermSets(const std::vector<PlannedTerm>& terms) {
    const auto count = std::min(terms.size(), cell::kTerms);
    for (std::size_t term = 0; term < count; ++term) {
      std::uint32_t* const sets = term < kHalf ? low_.data() : high_.data();
      const std::size_t bit = std::size_t{1} << term % kHalf;
      for (std::size_t others = 0; others < bit; ++others)
        sets[bit + others] = terms[term].weight + sets[others];
    }
  }

  /// Of the terms whose bits are in `cells`.
  [[nodiscard]] std::uint32_t weight(std::uint32_t cells) const {
    const std::uint32_t bits = (cells & cell::kTermBits) >> cell::kFirstTerm;
    return low_[bits % low_.size()] + high_[bits / low_.size()];
  }

 private:
  static constexpr std::size_t kHalf = 8;
  std::array<std::uint32_t, std::size_t{1} << kHalf> low_{};
  std::array<std::uint32_t, std::size_t{1} << (cell::kTerms - kHalf)> high_{};
};

}  // namespace

/// One partition's part of a search. What is marked noinline, here and wherever a search goes, is
/// compiled apart: in one function it took an engine's quick compiler 6 ms before the first search.
class Ranker::Pass {
 public:
  Pass(Ranker& ranker, const IndexQuery& query, const Plan& plan, const TermSets& term_sets,
       const Selection& selection, std::uint32_t part, TopK& best)
      : query_(query),
        plan_(plan),
        term_sets_(term_sets),
        part_(part),
        partition_(*selection.parts[part].partition),
        view_(selection.parts[part].view),
        best_(best),
        weight_unit_(1.0 / plan.full_weight),
        strength_unit_(weight_unit_ * weight_unit_),
        most_factor_(plan.asks_for_time ? kTellsTimeFactor : 1.0) {
    block_count_ = (std::size_t{partition_.slots()} + kBlockSlots - 1) / kBlockSlots;
    // On each side of the blocks stand some that have nothing.
    if (ranker.strengths_.size() < block_count_ + std::size_t{2} * kLanes) {
      const std::size_t padded = block_count_ * kBlockSlots + std::size_t{2} * kLanes;
      ranker.sums_.resize(padded);
      ranker.cells_.resize(padded);
      ranker.strengths_.resize(block_count_ + std::size_t{2} * kLanes);
      ranker.block_cells_.resize(block_count_ + std::size_t{2} * kLanes);
    }
    sums_ = ranker.sums_.data() + kLanes;
    cells_ = ranker.cells_.data() + kLanes;
    strengths_ = ranker.strengths_.data() + kLanes;
    block_cells_ = ranker.block_cells_.data() + kLanes;
  }
  ~Pass() {
    std::fill_n(sums_, partition_.slots(), 0.0F);
    std::fill_n(cells_, partition_.slots(), 0U);
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  void run(const Selection& selection) {
    for (const PlannedTerm& term : plan_.terms) {
      if (term.date != nullptr) {
        visit_dated(partition_, ranges_of(*term.date, selection), [&](Slot slot) {
          if (!partition_.is_visible(slot, view_)) return;
          sums_[slot] += static_cast<float>(term.weight);
          cells_[slot] += term.cell;
        });
      } else if (term.group_begin != term.group_end) {
        add_group(term);
      } else if (const std::uint32_t number = partition_.find_term(*term.text);
                 number != TermDictionary::kNone) {
        add_term(term, number);
      }
    }
    consider_all();
  }

 private:
  /// Of a block whose talk may go on anywhere.
  static constexpr float kAnyStrength = std::numeric_limits<float>::infinity();
  /// So many blocks are considered before all others.
  static constexpr std::size_t kFirstBlocks = 16;
  struct FirstBlock {
    float strength = 0;
    std::size_t block = 0;
  };
  using FirstBlocks = std::array<FirstBlock, kFirstBlocks>;

  [[gnu::noinline]] void add_term(const PlannedTerm& term, std::uint32_t number) {
    const auto weight = static_cast<float>(term.weight);
    const bool everything = view_.everything();
    const TermShares& share = plan_.share;
    partition_.cursor(number).visit_until(kNoSlot, [&](const Posting& posting) {
      const std::uint32_t length = partition_.length(posting.slot);
      if (length == 0) return;  // dead
      if (!everything && !partition_.is_visible(posting.slot, view_)) return;
      sums_[posting.slot] += weight * share(posting.frequency, length);
      cells_[posting.slot] =
          (cells_[posting.slot] + term.cell) | (posting.speaker ? cell::kSpeaker : 0);
    });
  }

  /// Each document once, however many of the group's terms it has.
  [[gnu::noinline]] void add_group(const PlannedTerm& term) {
    const auto weight = static_cast<float>(term.weight);
    const GroupPosting* const end = plan_.group_postings.data() + term.group_end;
    const GroupPosting* each =
        std::partition_point(plan_.group_postings.data() + term.group_begin, end,
                             [&](const GroupPosting& other) { return other.part < part_; });
    for (; each != end && each->part == part_; ++each) {
      if (!partition_.is_visible(each->slot, view_)) continue;
      sums_[each->slot] += weight * each->share;
      cells_[each->slot] = (cells_[each->slot] + term.cell) | (each->speaker ? cell::kSpeaker : 0);
    }
  }

  [[nodiscard]] double matched(Slot slot) const {
    return static_cast<double>(cells_[slot] & cell::kWeights) / plan_.full_weight;
  }
  [[nodiscard]] double words(Slot slot) const {
    return word_strength(static_cast<double>(sums_[slot]) / plan_.full_weight, matched(slot));
  }

  /// Considers every document that can get among the best.
  [[gnu::noinline]] void consider_all() {
    raise_bar();
    // The strongest first, so that the bar is high when all the others come.
    const FirstBlocks first = summarize_blocks();
    for (const FirstBlock& each : first) {
      if (each.strength > 0) consider_block(each.block);
    }
    for (std::size_t begin = 0; begin < block_count_; begin += kLanes) {
      const Numbers hopeful = can_hold_best(begin);
      if (!any(hopeful)) continue;
      for (std::size_t block = begin; block < std::min(begin + kLanes, block_count_); ++block) {
        if (hopeful[block - begin] == 0) continue;
        const auto is_block = [&](const FirstBlock& each) {
          return each.strength > 0 && each.block == block;
        };
        if (std::none_of(first.begin(), first.end(), is_block)) consider_block(block);
      }
    }
  }

  /// Fills `strengths_` and `block_cells_`. The strongest blocks, best first; those without
  /// strength are none.
  [[gnu::noinline]] FirstBlocks summarize_blocks() {
    FirstBlocks first{};
    const auto is_stronger = [](const FirstBlock& left, const FirstBlock& right) {
      return left.strength > right.strength;
    };
    // Another partition may have left something here.
    std::fill_n(strengths_ + block_count_, kLanes, 0.0F);
    std::fill_n(block_cells_ + block_count_, kLanes, 0U);
    for (std::size_t block = 0; block < block_count_; ++block) {
      const float strength = summarize(block);
      if (strength > first.back().strength) {
        first.back() = {.strength = strength, .block = block};
        for (std::size_t at = kFirstBlocks - 1; at != 0 && is_stronger(first[at], first[at - 1]);
             --at)
          std::swap(first[at], first[at - 1]);
      }
      if (!partition_.is_in_order(block)) strengths_[block] = kAnyStrength;
    }
    return first;
  }

  /// How strong the block's strongest is, whatever its talk.
  float summarize(std::size_t block) {
    const float* sums = sums_ + block * kBlockSlots;
    const std::uint32_t* cells = cells_ + block * kBlockSlots;
    Numbers bits{};
    Floats strongest{};
    for (Slot at = 0; at < kBlockSlots; at += kLanes) {
      const Numbers some = load<Numbers>(cells + at);
      bits |= some;
      strongest = greater(strongest, strengths(load<Floats>(sums + at), some));
    }
    bits |= __builtin_shufflevector(bits, bits, 2, 3, 0, 1);
    bits |= __builtin_shufflevector(bits, bits, 1, 0, 3, 2);
    strongest = greater(strongest, __builtin_shufflevector(strongest, strongest, 2, 3, 0, 1));
    strongest = greater(strongest, __builtin_shufflevector(strongest, strongest, 1, 0, 3, 2));
    block_cells_[block] = static_cast<std::uint32_t>(bits[0]);
    return strengths_[block] = strongest[0];
  }

  /// The most that a document of the block can take from the turns around it.
  [[nodiscard]] float most_surroundings(std::size_t block) const {
    return static_cast<float>(context_weight::kSurroundings * weight_unit_) *
           static_cast<float>(term_sets_.weight(cells_around(block)));
  }
  [[nodiscard]] std::uint32_t cells_around(std::size_t block) const {
    const std::uint32_t* const here = block_cells_ + block;
    return here[-1] | here[0] | here[1];
  }
  [[nodiscard]] float strongest_around(std::size_t block) const {
    const float* const here = strengths_ + block;
    return std::max(std::max(here[-1], here[1]), here[0]);
  }

  /// For kLanes blocks, 0 where no document of the block can get among the best: all it may take
  /// from its talk is in the block or next to it.
  [[nodiscard]] Numbers can_hold_best(std::size_t begin) const {
    const auto around = [&](std::ptrdiff_t blocks) {
      return load<Floats>(strengths_ + static_cast<std::ptrdiff_t>(begin) + blocks);
    };
    const auto cells_around = [&](std::ptrdiff_t blocks) {
      return load<Numbers>(block_cells_ + static_cast<std::ptrdiff_t>(begin) + blocks);
    };
    const Floats own = around(0);
    const Floats strongest = greater(greater(around(-1), around(1)), own);
    const Numbers cells = cells_around(-1) | cells_around(0) | cells_around(1);
    const auto matched = [&](int lane) {
      return static_cast<float>(term_sets_.weight(static_cast<std::uint32_t>(cells[lane])));
    };
    const Floats surroundings = Floats{matched(0), matched(1), matched(2), matched(3)} *
                                static_cast<float>(context_weight::kSurroundings * weight_unit_);
    const Numbers named = cells < 0;
    const Floats words =
        (named ? own * 2.0F : own) + strongest * static_cast<float>(context_weight::kSum);
    const Floats most = (words * static_cast<float>(strength_unit_) + surroundings) *
                        static_cast<float>(most_factor_);
    const Floats bound = named ? most * static_cast<float>(kNamedSpeakerFactor) : most;
    return (bound >= least_) & (strongest > 0);
  }
  static bool any(Numbers lanes) {
    lanes |= __builtin_shufflevector(lanes, lanes, 2, 3, 0, 1);
    return (lanes[0] | lanes[1]) != 0;
  }

  [[gnu::noinline]] void consider_block(std::size_t block) {
    const Slot begin = static_cast<Slot>(block * kBlockSlots);
    const Slot end = std::min(begin + kBlockSlots, partition_.slots());
    if (strongest_around(block) == kAnyStrength) {
      for (Slot slot = begin; slot < end; ++slot)
        consider(slot, context_weight::kSurroundings);
    } else {
      const float surroundings = most_surroundings(block);
      Floats bounds[kBlockSlots / kLanes];
      bound_slots(begin, surroundings, bounds);
      for (Slot slot = begin; slot < end; ++slot) {
        const float bound = bounds[(slot - begin) / kLanes][(slot - begin) % kLanes];
        if (static_cast<double>(bound) >= bar_) consider(slot, static_cast<double>(surroundings));
      }
    }
    raise_bar();
  }

  void raise_bar() {
    // Rounded down, whatever a bound loses on the way through a float.
    bar_ = bar() * (1 - 1e-5);
    least_ = static_cast<float>(bar_ * (1 - 1e-5));
  }

  /// The most that each document of a block can be worth, where no talk jumps: as `consider` has
  /// it, were all of them one talk without a pause in which every turn asks.
  void bound_slots(Slot begin, float most_surroundings,
                   Floats (&bounds)[kBlockSlots / kLanes]) const {
    using namespace context_weight;
    const auto strength_unit = static_cast<float>(strength_unit_);
    // From kLanes slots before on.
    float around[kBlockSlots + 2 * kLanes];
    for (Slot at = 0; at < kBlockSlots + 2 * kLanes; at += kLanes) {
      const Floats words = strength_unit * strengths(load<Floats>(sums_ + begin + at - kLanes),
                                                     load<Numbers>(cells_ + begin + at - kLanes));
      std::memcpy(around + at, &words, sizeof words);
    }
    for (Slot at = 0; at < kBlockSlots; at += kLanes) {
      const float* here = around + kLanes + at;
      const Floats words = load<Floats>(here);
      const auto lent = [&](double weight, int turns) {
        return static_cast<float>(weight) *
               greater(load<Floats>(here + turns), words * static_cast<float>(kMissing));
      };
      const Floats context =
          lent(kBeforeAsking, -1) + lent(kTwoBefore, -2) + lent(kAfter, 1) + lent(kTwoAfter, 2);
      const Numbers named = load<Numbers>(cells_ + begin + at) < 0;
      const Floats keyword = named ? words * (2.0F - words) : words;
      const Floats most =
          (keyword + context + most_surroundings) * static_cast<float>(most_factor_);
      bounds[at / kLanes] = named ? most * static_cast<float>(kNamedSpeakerFactor) : most;
    }
  }

  /// What no strength below can get among the best. Strengths are rounded when they are compared:
  /// what is a little below the worst of them may yet be its equal, and later.
  [[nodiscard]] double bar() const { return best_.threshold() - kScoreStep; }

  [[gnu::noinline]] void consider(Slot slot, double most_surroundings) {
    const Slot before = partition_.turn_before(slot);
    const Slot after = partition_.turn_after(slot);
    const bool before_asks = before != kNoSlot && partition_.asks(before);
    // What matches nothing itself is found only as the answer to what does.
    if (cells_[slot] == 0 && !(before_asks && cells_[before] != 0)) return;

    using namespace context_weight;
    const bool named = (cells_[slot] & cell::kSpeaker) != 0;
    const double own = words(slot);
    double keyword = own;
    if (named) keyword = with_named_speaker(keyword);
    double factor = 1;
    if (named) factor *= kNamedSpeakerFactor;
    if (plan_.asks_for_time && partition_.tells_time(slot)) factor *= kTellsTimeFactor;
    if (cells_[slot] == 0) factor *= kAnswerFactor;
    if (after != kNoSlot && partition_.asks(slot)) factor *= kAskingFactor;

    double context = 0;
    context += (before_asks ? kBeforeAsking : kBefore) * nearby_words(slot, own, before);
    context +=
        kTwoBefore *
        nearby_words(slot, own, before != kNoSlot ? partition_.turn_before(before) : kNoSlot);
    context += kAfter * nearby_words(slot, own, after);
    context += kTwoAfter *
               nearby_words(slot, own, after != kNoSlot ? partition_.turn_after(after) : kNoSlot);
    if ((keyword + context + most_surroundings) * factor < bar()) return;
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
  /// and of what is missing a part of `own`, those of `slot`.
  [[nodiscard]] double nearby_words(Slot slot, double own, Slot neighbour) const {
    const double missing = context_weight::kMissing * own;
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
    return term_sets_.weight(cells) * weight_unit_;
  }

  const IndexQuery& query_;
  const Plan& plan_;
  const TermSets& term_sets_;
  std::uint32_t part_;
  const Partition& partition_;
  const Partition::View view_;
  TopK& best_;
  float* sums_;
  std::uint32_t* cells_;
  /// By block: how strong its strongest is, in units of the query's weight squared and infinite
  /// where its talk jumps; and the bits of all its cells.
  float* strengths_;
  std::uint32_t* block_cells_;
  std::size_t block_count_ = 0;
  double weight_unit_;
  double strength_unit_;
  double most_factor_;
  /// What a bound must reach for what is below it to get among the best; and the same for bounds
  /// that are floats all the way.
  double bar_ = 0;
  float least_ = 0;
};

[[gnu::noinline]] std::vector<Candidate> Ranker::by_keyword(const IndexQuery& query,
                                                            std::size_t count,
                                                            const QueryTerms& terms,
                                                            const Selection& selection) {
  TopK best(query, count);
  const Plan plan = make_plan(query, terms, selection, shares_);
  if (plan.full_weight == 0) return {};
  const TermSets term_sets(plan.terms);
  for (std::uint32_t part = 0; part < selection.parts.size(); ++part) {
    Pass(*this, query, plan, term_sets, selection, part, best).run(selection);
  }
  return best.take();
}

[[gnu::noinline]] std::vector<Candidate> Ranker::by_time(const IndexQuery& query,
                                                         const Selection& selection) {
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

}  // namespace agent_memory
