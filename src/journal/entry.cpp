// SPDX-License-Identifier: MIT
#include "journal/entry.hpp"

#include <utility>

namespace agent_memory {

const HistoryStep* MemoryEntry::mark() const {
  for (const HistoryStep& step : history) {
    if (step.is_mark()) return &step;
  }
  return nullptr;
}

bool MemoryEntry::is_unsettled() const {
  const HistoryStep* noted = mark();
  if (noted == nullptr) return is_live();
  return version() > noted->generation && (is_live() || !noted->entry.memory.empty());
}

MemoryEntry to_entry(Operation operation) {
  MemoryEntry entry;
  if (operation.kind == MemoryEvent::kDelete) {
    entry.deleted = operation.stamp;
  } else {
    const bool is_add = operation.kind == MemoryEvent::kAdd;
    entry.generation = is_add ? operation.stamp : operation.generation;
    entry.changed = operation.stamp;
  }
  entry.history.push_back({operation.stamp,
                           entry.generation,
                           {operation.kind, operation.record.memory, operation.at_ms}});
  entry.record = std::move(operation.record);
  return entry;
}

}  // namespace agent_memory
