// SPDX-License-Identifier: MIT
#pragma once

// What is known of a memory, and the operations that say so.

#include <algorithm>
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

/// A past operation, for `history`; or a mark, which is no part of it.
///
/// A mark is what somebody noted who keeps the memory elsewhere, too (SyncView). It changes
/// nothing of the memory; its text is the note. Of several the newest counts, and it alone is kept;
/// it outlives the memory.
struct HistoryStep {
  Stamp stamp;
  /// The kAdd that began the life it belongs to; never for a kDelete. Of a mark: the newest
  /// operation that what is elsewhere accounts for.
  Stamp generation;
  HistoryEntry entry;

  [[nodiscard]] bool is_mark() const { return entry.event == MemoryEvent::kNoop; }
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
  /// The newest operation, marks apart: what makes it what it is.
  [[nodiscard]] Stamp version() const { return std::max({generation, changed, deleted}); }
  /// Nullptr where it has none.
  [[nodiscard]] const HistoryStep* mark() const;
  /// Whether what is elsewhere does not account for it, as far as the mark says. What was deleted
  /// is of interest only if there was a note of it.
  [[nodiscard]] bool is_unsettled() const;
};

/// All that the operation says about its memory.
MemoryEntry to_entry(Operation operation);

}  // namespace agent_memory
