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
void forget_before(MemoryEntry& entry, Stamp deleted) {
  for (HistoryStep& step : entry.history) {
    if (step.stamp <= deleted) step.entry.memory.clear();
  }
}

void add_deletion(MemoryEntry& entry, Stamp deleted) {
  entry.deleted = std::max(entry.deleted, deleted);
  forget_before(entry, entry.deleted);
  if (!entry.is_live()) {
    std::string id = std::move(entry.record.id);
    entry.record = MemoryRecord{};
    entry.record.id = std::move(id);
    entry.generation = {};
    entry.changed = {};
  }
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

void MemoryTable::apply_early_updates(const std::string& id) {
  const auto early = early_updates_.find(id);
  if (early == early_updates_.end()) return;
  std::vector<Operation> updates = std::move(early->second);
  early_updates_.erase(early);
  for (Operation& update : updates) apply(std::move(update));
}

MemoryTable::Applied MemoryTable::apply(Operation operation) {
  const EntryIndex index = entry_for(operation.record.id);
  MemoryEntry& entry = entries_[index];
  const bool was_live = entry.is_live();
  const Stamp was_changed = entry.changed;

  if (operation.kind == MemoryEvent::kUpdate && operation.generation != entry.generation) {
    // Of a life that ended, or of one that has not begun here yet.
    if (operation.generation > std::max(entry.deleted, entry.generation)) {
      early_updates_[operation.record.id].push_back(std::move(operation));
    }
    return {Effect::kNone, index};
  }

  add_history(entry, {operation.stamp,
                      {operation.kind, operation.record.memory, operation.at_ms}});
  if (operation.kind == MemoryEvent::kDelete) {
    add_deletion(entry, operation.stamp);
    return settle(index, was_live, was_changed);
  }
  if (operation.stamp <= entry.deleted) {
    forget_before(entry, entry.deleted);
    return {Effect::kNone, index};
  }
  if (operation.kind == MemoryEvent::kAdd && operation.stamp > entry.generation) {
    entry.generation = operation.stamp;
    entry.changed = operation.stamp;
    entry.record = std::move(operation.record);
    apply_early_updates(entry.record.id);
  } else if (operation.kind == MemoryEvent::kUpdate && operation.stamp > entry.changed) {
    entry.changed = operation.stamp;
    entry.record = std::move(operation.record);
  }
  return settle(index, was_live, was_changed);
}

MemoryTable::Applied MemoryTable::merge(MemoryEntry incoming) {
  const EntryIndex index = entry_for(incoming.record.id);
  MemoryEntry& entry = entries_[index];
  const bool was_live = entry.is_live();
  const Stamp was_changed = entry.changed;

  if (entry.history.empty()) {
    entry = std::move(incoming);
  } else {
    for (HistoryStep& step : incoming.history) add_history(entry, std::move(step));
    if (std::pair(incoming.generation, incoming.changed) >
        std::pair(entry.generation, entry.changed)) {
      entry.generation = incoming.generation;
      entry.changed = incoming.changed;
      entry.record = std::move(incoming.record);
    }
    add_deletion(entry, incoming.deleted);
  }
  apply_early_updates(entry.record.id);
  return settle(index, was_live, was_changed);
}

}  // namespace agent_memory
