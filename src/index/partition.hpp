// SPDX-License-Identifier: MIT
#pragma once

// The documents behind one wall, with their own dictionary, postings and statistics. Documents
// have slots, numbered in the order in which they were added; removing one leaves its slot and
// its postings behind until enough are dead to renumber the rest.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent_memory/types.hpp"

#include "base/sort.hpp"
#include "index/dates.hpp"
#include "index/memory_index.hpp"
#include "index/postings.hpp"
#include "index/term_dictionary.hpp"
#include "index/term_expansion.hpp"
#include "text/analyzer.hpp"

namespace agent_memory {

/// Slots are scored in windows of so many, and times are summarised for each.
inline constexpr Slot kWindowSlots = 4096;

/// A partition without its dead, as flat columns: what is stored, and what it is loaded from.
struct PartitionColumns {
  /// By slot.
  std::vector<DocumentId> documents;
  std::vector<TimestampMs> times;
  std::vector<std::uint16_t> lengths;
  std::vector<std::uint8_t> traits;
  /// By slot, a number in `ids` plus one, 0 for none; empty where no document has one.
  std::vector<std::uint32_t> agents;
  std::vector<std::uint32_t> runs;
  /// Strings packed one behind the other, string i from begins[i] to begins[i + 1].
  struct Strings {
    std::string bytes;
    std::vector<std::uint32_t> begins{0};

    void append(std::string_view text) {
      bytes.append(text);
      begins.push_back(static_cast<std::uint32_t>(bytes.size()));
    }
  };
  Strings ids;
  Strings terms;
  PostingLists::Frozen postings;
};

/// Columns that are being made; see Partition::extend.
struct PartitionImage {
  PartitionColumns columns;
  /// By slot, its new number; kNoSlot for the dead.
  std::vector<Slot> renumbered;
  /// By id, its new number plus one.
  std::vector<std::uint32_t> new_ids;
  std::uint32_t next_term = 0;
};

/// What ranking wants to know of a document beside its terms and its time.
struct Traits {
  bool asks = false;
  bool tells_time = false;
  /// Whether it was said in a run.
  bool in_run = false;
  std::optional<Role> role = std::nullopt;
};

/// What is known of turns side by side is summarised for so many slots.
inline constexpr Slot kBlockSlots = 16;

/// Turns further apart are not one talk.
inline constexpr TimestampMs kMaxPauseMs = TimestampMs{30} * 60 * 1000;

class Partition {
 public:
  /// Which documents a search may see: those with this agent and this run.
  struct View {
    static constexpr std::uint32_t kAny = 0xFFFFFFFF;
    std::uint32_t agent = kAny;
    std::uint32_t run = kAny;

    [[nodiscard]] bool everything() const { return agent == kAny && run == kAny; }
  };

  Partition() = default;
  /// Nullopt where the columns do not hold together. Whether `documents` are known numbers, each
  /// once, is the caller's to check; sizes of the columns by slot, and begins, are checked here.
  static std::optional<Partition> from_columns(PartitionColumns columns);
  /// Does a piece of the work of making the columns of everything that lives, in the order of its
  /// slots: about `pieces` slots or postings. False where all is there. `image` begins empty; the
  /// partition must not change until all is there, but for what searching does.
  bool extend(PartitionImage& image, std::size_t pieces) const;

  Slot add(DocumentId document, TimestampMs time_ms, const std::optional<std::string>& agent_id,
           const std::optional<std::string>& run_id, Traits traits, const TermList& text,
           const TermList& name);
  /// With the terms that it was added with.
  void remove(Slot slot, const TermList& text, const TermList& name);
  /// Puts what was added since the last call in its place among the documents of its agent and
  /// run, by time and, for equal times, by `is_earlier`, always the same strict order. Takes a step
  /// for each that comes after it there, of which most have none; where that is kStepsASlot a slot,
  /// all are sorted.
  template <typename Order>
  void link(const Order& is_earlier);
  /// Whether the dead are so many that `compact` pays.
  [[nodiscard]] bool is_sparse() const { return dead_ > 16 + live() / 4; }
  /// Renumbers the living from slot 0, in the same order.
  void compact();

  [[nodiscard]] std::size_t live() const { return documents_.size() - dead_; }
  /// The sum of the living documents' lengths.
  [[nodiscard]] std::uint64_t total_length() const { return total_length_; }
  [[nodiscard]] Slot slots() const { return static_cast<Slot>(documents_.size()); }
  [[nodiscard]] bool is_live(Slot slot) const { return documents_[slot] != kDead; }
  [[nodiscard]] DocumentId document(Slot slot) const { return documents_[slot]; }
  [[nodiscard]] TimestampMs time(Slot slot) const { return times_[slot]; }
  /// How many terms the document has, repetitions counted; 0 for the dead.
  [[nodiscard]] std::uint32_t length(Slot slot) const { return lengths_[slot]; }

  [[nodiscard]] bool asks(Slot slot) const { return (traits_[slot] & kAsks) != 0; }
  [[nodiscard]] bool tells_time(Slot slot) const { return (traits_[slot] & kTellsTime) != 0; }
  /// The turn before or after in the same talk: of the same agent and run, at most kMaxPauseMs
  /// apart; without a run also by another role, for a series of notes is no talk. kNoSlot where
  /// there is none. Only for what was linked.
  [[nodiscard]] Slot turn_before(Slot slot) const {
    const Slot before = previous_[slot];
    return before != kNoSlot && are_one_talk(before, slot) ? before : kNoSlot;
  }
  [[nodiscard]] Slot turn_after(Slot slot) const {
    const Slot after = next_[slot];
    return after != kNoSlot && are_one_talk(slot, after) ? after : kNoSlot;
  }

  /// Whether the turns before and after in the same talk, of every slot in [block * kBlockSlots,
  /// ...), have the numbers before and after its own. Said of no block where it is not so; it may
  /// be so where it is not said.
  [[nodiscard]] bool is_in_order(std::size_t block) const { return out_of_order_[block] == 0; }

  /// The number of a term, or TermDictionary::kNone.
  [[nodiscard]] std::uint32_t find_term(std::string_view term) const { return terms_.find(term); }
  [[nodiscard]] PostingCursor cursor(std::uint32_t term) const { return postings_.cursor(term); }
  /// How many postings the term has, those of the dead counted.
  [[nodiscard]] std::uint32_t posting_count(std::uint32_t term) const {
    return postings_.count(term);
  }
  /// How many living documents have the term.
  [[nodiscard]] std::uint32_t live_count(std::uint32_t term) const {
    const std::uint32_t all = postings_.count(term);
    return term < dead_counts_.size() ? all - std::min(dead_counts_[term], all) : all;
  }

  /// The terms of living documents that `word` may stand for; see TermExpansion.
  [[nodiscard]] std::vector<TermVariant> variants(std::string_view word,
                                                  TermExpansion::Purpose purpose) const;
  /// How many times a living document has one of `terms`, always the same ones. Counted once after
  /// each change.
  [[nodiscard]] std::uint64_t foreign_count(const std::vector<std::string>& terms) const;

  /// Bounds, not necessarily tight, of the times in slots [window * kWindowSlots, ...).
  [[nodiscard]] TimeRange window_times(std::size_t window) const { return window_times_[window]; }
  [[nodiscard]] std::size_t windows() const { return window_times_.size(); }

  /// What a call with these ids sees; nullopt where it sees nothing.
  [[nodiscard]] std::optional<View> view(const std::optional<std::string>& agent_id,
                                         const std::optional<std::string>& run_id) const;
  [[nodiscard]] bool is_visible(Slot slot, View view) const {
    return (view.agent == View::kAny || agents_[slot] == view.agent) &&
           (view.run == View::kAny || runs_[slot] == view.run);
  }

 private:
  static constexpr DocumentId kDead = 0xFFFFFFFF;
  /// Bits of `traits_`; above them the role: 0 for none, else its number plus one.
  static constexpr std::uint8_t kAsks = 1;
  static constexpr std::uint8_t kTellsTime = 2;
  static constexpr std::uint8_t kInRun = 4;
  static constexpr unsigned kRoleShift = 3;
  /// How many steps late documents go back altogether before all are sorted: for each slot there
  /// is about as many as sorting compares.
  static constexpr std::size_t kStepsASlot = 8;

  [[nodiscard]] bool are_one_talk(Slot before, Slot after) const {
    if (times_[after] - times_[before] > kMaxPauseMs) return false;
    return (traits_[after] & kInRun) != 0 ||
           traits_[before] >> kRoleShift != traits_[after] >> kRoleShift;
  }
  static std::uint8_t pack(Traits traits);
  /// The number of the slot's agent and run among `threads_`.
  std::uint32_t thread_of(Slot slot);
  void link_between(Slot before, Slot slot, Slot after, std::uint32_t thread);
  /// Notes where the talk goes on at another slot than the next.
  void note_order(Slot before, Slot after);
  void extend_window(Slot slot, TimestampMs time_ms);
  void set_id(std::vector<std::uint32_t>& column, const std::optional<std::string>& id);

  std::vector<DocumentId> documents_;
  std::vector<TimestampMs> times_;
  std::vector<std::uint16_t> lengths_;
  std::vector<std::uint32_t> agents_;
  std::vector<std::uint32_t> runs_;
  std::vector<std::uint8_t> traits_;
  /// The neighbours of each slot below `linked_` among the living of its agent and run.
  std::vector<Slot> previous_;
  std::vector<Slot> next_;
  Slot linked_ = 0;
  /// By block, 1 where a talk jumps.
  std::vector<std::uint8_t> out_of_order_;
  /// Pairs of agent and run, and the last slot of each.
  TermDictionary threads_;
  std::vector<Slot> last_of_thread_;
  std::vector<TimeRange> window_times_;
  std::size_t dead_ = 0;
  /// By term, how many of its postings are of dead documents; none of those behind its end.
  std::vector<std::uint32_t> dead_counts_;
  std::uint64_t total_length_ = 0;
  TermDictionary ids_;
  TermDictionary terms_;
  PostingLists postings_;
  // What these hold follows from the rest; made when it is first asked for.
  mutable std::unique_ptr<TermExpansion> expansion_;
  mutable std::optional<std::uint64_t> foreign_count_;
};

template <typename Order>
void Partition::link(const Order& is_earlier) {
  const Slot end = slots();
  if (linked_ == end) return;
  previous_.resize(end, kNoSlot);
  next_.resize(end, kNoSlot);
  out_of_order_.resize((std::size_t{end} + kBlockSlots - 1) / kBlockSlots);
  const auto comes_before = [&](Slot left, Slot right) {
    return times_[left] != times_[right] ? times_[left] < times_[right]
                                         : is_earlier(documents_[left], documents_[right]);
  };
  // From the end of its thread each goes back to its place, while that is less work than sorting.
  std::size_t steps_left = kStepsASlot * std::size_t{end};
  for (; linked_ < end && steps_left > 0; ++linked_) {
    if (!is_live(linked_)) continue;
    const std::uint32_t thread = thread_of(linked_);
    Slot before = last_of_thread_[thread];
    Slot after = kNoSlot;
    for (; before != kNoSlot && comes_before(linked_, before) && steps_left > 0; --steps_left) {
      after = before;
      before = previous_[before];
    }
    if (steps_left > 0) link_between(before, linked_, after, thread);
  }
  linked_ = end;
  if (steps_left > 0) return;

  std::vector<std::pair<std::uint32_t, Slot>> order;
  order.reserve(live());
  for (Slot slot = 0; slot < end; ++slot) {
    if (is_live(slot)) order.emplace_back(thread_of(slot), slot);
  }
  sort_stably(order, [&](const auto& left, const auto& right) {
    return left.first != right.first ? left.first < right.first
                                     : comes_before(left.second, right.second);
  });
  std::fill(last_of_thread_.begin(), last_of_thread_.end(), kNoSlot);
  std::fill(out_of_order_.begin(), out_of_order_.end(), std::uint8_t{0});
  for (const auto& [thread, slot] : order)
    link_between(last_of_thread_[thread], slot, kNoSlot, thread);
}

}  // namespace agent_memory
