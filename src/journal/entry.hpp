// SPDX-License-Identifier: MIT
#pragma once

// What is known of a memory, and the operations that say so.

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

/// All that the operation says about its memory.
MemoryEntry to_entry(Operation operation);

}  // namespace agent_memory
