// SPDX-License-Identifier: MIT
#include "journal/memory_table.hpp"

#include <algorithm>
#include <utility>

namespace agent_memory {
namespace {

void add_history(MemoryEntry& entry, HistoryStep step) {
  const auto at = std::lower_bound(
      entry.history.begin(), entry.history.end(), step,
      [](const HistoryStep& left, const HistoryStep& right) { return left.stamp < right.stamp; });
  if (at != entry.history.end() && at->stamp == step.stamp) return;
  entry.history.insert(at, std::move(step));
}

/// What was deleted is forgotten: its texts go, that it was there stays.
void forget_deleted(MemoryEntry& entry) {
  for (HistoryStep& step : entry.history) {
    if (step.generation <= entry.deleted) step.entry.memory.clear();
  }
  if (entry.is_live()) return;
  std::string id = std::move(entry.record.id);
  entry.record = MemoryRecord{};
  entry.record.id = std::move(id);
  entry.generation = {};
  entry.changed = {};
}

/// All that the operation says about its memory.
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

}  // namespace

std::optional<EntryIndex> MemoryTable::find(std::string_view id) const {
  const auto found = by_id_.find(std::string(id));
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

EntryIndex MemoryTable::entry_for(const std::string& id) {
  const auto [at, inserted] = by_id_.try_emplace(id, static_cast<EntryIndex>(entries_.size()));
  if (inserted) {
    entries_.emplace_back();
    entries_.back().record.id = id;
  }
  return at->second;
}

MemoryTable::Applied MemoryTable::settle(EntryIndex index, bool was_live, Stamp was_changed) {
  const MemoryEntry& entry = entries_[index];
  const bool is_live = entry.is_live();
  if (is_live && !was_live) {
    ++live_;
    return {Effect::kAdded, index};
  }
  if (!is_live && was_live) {
    --live_;
    return {Effect::kRemoved, index};
  }
  return {is_live && entry.changed != was_changed ? Effect::kChanged : Effect::kNone, index};
}

MemoryTable::Applied MemoryTable::apply(Operation operation) {
  return merge(to_entry(std::move(operation)));
}

MemoryTable::Applied MemoryTable::merge(MemoryEntry incoming) {
  const EntryIndex index = entry_for(incoming.record.id);
  MemoryEntry& entry = entries_[index];
  const bool was_live = entry.is_live();
  const Stamp was_changed = entry.changed;

  // Each part takes the greater of two, or both: the same in any order and however often.
  if (entry.history.empty()) {
    entry.history = std::move(incoming.history);
  } else {
    for (HistoryStep& step : incoming.history)
      add_history(entry, std::move(step));
  }
  entry.deleted = std::max(entry.deleted, incoming.deleted);
  if (std::pair(incoming.generation, incoming.changed) >
      std::pair(entry.generation, entry.changed)) {
    entry.generation = incoming.generation;
    entry.changed = incoming.changed;
    entry.record = std::move(incoming.record);
  }
  if (!entry.deleted.is_never()) forget_deleted(entry);
  return settle(index, was_live, was_changed);
}

}  // namespace agent_memory
