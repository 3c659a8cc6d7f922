// SPDX-License-Identifier: MIT
#include "journal/entry.hpp"

#include <utility>

namespace agent_memory {

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
