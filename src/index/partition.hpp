// SPDX-License-Identifier: MIT
#pragma once

// The documents behind one wall, with their own dictionary, postings and statistics. Documents
// have slots, numbered in the order in which they were added; removing one leaves its slot and
// its postings behind until enough are dead to renumber the rest.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/types.hpp"

#include "index/dates.hpp"
#include "index/memory_index.hpp"
#include "index/postings.hpp"
#include "index/term_dictionary.hpp"
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
  /// Everything that lives, in the order of its slots.
  [[nodiscard]] PartitionColumns columns() const;

  Slot add(DocumentId document, TimestampMs time_ms, const std::optional<std::string>& agent_id,
           const std::optional<std::string>& run_id, const TermList& text, const TermList& name);
  void remove(Slot slot);
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

  /// The number of a term, or TermDictionary::kNone.
  [[nodiscard]] std::uint32_t find_term(std::string_view term) const { return terms_.find(term); }
  [[nodiscard]] PostingCursor cursor(std::uint32_t term) const { return postings_.cursor(term); }
  /// How many living documents have the term. Walks the list where there are dead ones.
  [[nodiscard]] std::uint32_t live_count(std::uint32_t term) const;

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

  void extend_window(Slot slot, TimestampMs time_ms);
  void set_id(std::vector<std::uint32_t>& column, const std::optional<std::string>& id);

  std::vector<DocumentId> documents_;
  std::vector<TimestampMs> times_;
  std::vector<std::uint16_t> lengths_;
  std::vector<std::uint32_t> agents_;
  std::vector<std::uint32_t> runs_;
  std::vector<TimeRange> window_times_;
  std::size_t dead_ = 0;
  std::uint64_t total_length_ = 0;
  TermDictionary ids_;
  TermDictionary terms_;
  PostingLists postings_;
};

}  // namespace agent_memory
