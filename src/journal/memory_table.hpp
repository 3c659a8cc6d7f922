// SPDX-License-Identifier: MIT
#pragma once

// The state that a set of operations describes, whatever their order and however often each is
// applied: what makes it safe for many tabs to write without a lock.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/record.hpp"
#include "journal/stamp.hpp"

namespace agent_memory {

/// One change to one memory.
struct Operation {
  MemoryEvent kind = MemoryEvent::kAdd;  ///< kAdd, kUpdate or kDelete.
  Stamp stamp;
  /// For kUpdate: the stamp of the kAdd that it changes. An update never brings back a memory
  /// that was deleted meanwhile; until that kAdd arrives it stands for it.
  Stamp generation;
  /// When the user did it.
  TimestampMs at_ms = 0;
  /// kAdd and kUpdate: the whole memory as it is afterwards. kDelete: only its id.
  MemoryRecord record;
};

/// A past operation, for `history`.
struct HistoryStep {
  Stamp stamp;
  /// The kAdd that began the life it belongs to; never for a kDelete.
  Stamp generation;
  HistoryEntry entry;
};

/// All that is known under one id.
struct MemoryEntry {
  MemoryRecord record;
  /// The kAdd that made it live; never where it is deleted.
  Stamp generation;
  /// The operation that `record` comes from.
  Stamp changed;
  /// The newest kDelete; a kAdd with a later stamp (an import) makes the memory live again.
  Stamp deleted;
  /// Oldest first. Texts of lives that were deleted are gone.
  std::vector<HistoryStep> history;

  [[nodiscard]] bool is_live() const { return !generation.is_never() && deleted < generation; }
};

/// Position of an entry in the table; an id keeps its position.
using EntryIndex = std::uint32_t;

/// What an operation did to the live memories.
enum class Effect : std::uint8_t { kNone, kAdded, kChanged, kRemoved };

class MemoryTable {
 public:
  struct Applied {
    Effect effect = Effect::kNone;
    EntryIndex index = 0;
  };

  /// Merges an operation. Constant time but for the memory's own history.
  Applied apply(Operation operation);
  /// Merges another store's whole knowledge of one memory.
  Applied merge(MemoryEntry entry);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] const MemoryEntry& operator[](EntryIndex index) const { return entries_[index]; }
  /// The entry under that id, live or not.
  [[nodiscard]] std::optional<EntryIndex> find(std::string_view id) const;
  [[nodiscard]] std::size_t live() const { return live_; }

 private:
  EntryIndex entry_for(const std::string& id);
  Applied settle(EntryIndex index, bool was_live, Stamp was_changed);

  std::vector<MemoryEntry> entries_;
  std::unordered_map<std::string, EntryIndex> by_id_;
  std::size_t live_ = 0;
};

}  // namespace agent_memory
