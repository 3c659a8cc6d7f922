// SPDX-License-Identifier: MIT
#include "support/simulation_model.hpp"

#include <algorithm>
#include <utility>

#include "journal/codec.hpp"
#include "journal/segment.hpp"

namespace agent_memory::testing {

Landed to_landed(const MemoryEntry& operation, std::size_t write) {
  Landed landed;
  landed.kind = operation.history.front().entry.event;
  landed.stamp = operation.history.front().stamp;
  landed.generation = operation.generation;
  landed.record = operation.record;
  landed.write = write;
  if (landed.kind == MemoryEvent::kNoop) {
    landed.generation = operation.history.front().generation;
    landed.record.memory = operation.history.front().entry.memory;
  }
  return landed;
}

std::map<std::pair<std::string, Stamp>, MemoryEntry> entries_of(std::string_view key,
                                                                const std::string& value) {
  std::map<std::pair<std::string, Stamp>, MemoryEntry> entries;
  const bool is_log = key.starts_with("log/");
  if (!is_log && !key.starts_with("segment/")) return entries;
  const Unsealed frame = unseal(is_log ? FrameKind::kOperations : FrameKind::kEntries, value);
  Origins origins;
  SegmentReader reader(frame.payload, frame.damage == Damage::kNone, origins);
  while (const std::optional<PackedEntry> entry = reader.next()) {
    MemoryEntry unpacked = entry->entry();
    entries[{unpacked.record.id, entry->newest()}] = std::move(unpacked);
  }
  return entries;
}

void SimulationModel::forget_after(std::size_t write) {
  for (auto& [id, operations] : operations_) {
    std::erase_if(operations, [&](const Landed& each) { return each.write > write; });
  }
}

Stamp SimulationModel::deleted(const std::vector<Landed>& operations) const {
  Stamp newest;
  for (const Landed& each : operations) {
    if (each.kind == MemoryEvent::kDelete) newest = std::max(newest, each.stamp);
  }
  return newest;
}

const Landed* SimulationModel::find(const std::string& id) const {
  const auto found = operations_.find(id);
  if (found == operations_.end()) return nullptr;
  const Landed* newest = nullptr;
  for (const Landed& each : found->second) {
    if (each.kind == MemoryEvent::kDelete || each.kind == MemoryEvent::kNoop) continue;
    if (newest == nullptr ||
        std::pair(each.generation, each.stamp) > std::pair(newest->generation, newest->stamp)) {
      newest = &each;
    }
  }
  if (newest == nullptr || newest->generation <= deleted(found->second)) return nullptr;
  return newest;
}

std::map<std::string, const Landed*> SimulationModel::live() const {
  std::map<std::string, const Landed*> memories;
  for (const auto& [id, operations] : operations_) {
    const Landed* memory = find(id);
    if (memory != nullptr && !is_tainted(id)) memories[id] = memory;
  }
  return memories;
}

bool SimulationModel::ever_said(const std::string& id, const std::string& text) const {
  const auto found = operations_.find(id);
  return found != operations_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const Landed& each) {
           return each.kind != MemoryEvent::kDelete && each.kind != MemoryEvent::kNoop &&
                  each.record.memory == text;
         });
}

const Landed* SimulationModel::mark(const std::string& id) const {
  const auto found = operations_.find(id);
  if (found == operations_.end()) return nullptr;
  const Landed* newest = nullptr;
  for (const Landed& each : found->second) {
    if (each.kind != MemoryEvent::kNoop) continue;
    if (newest == nullptr || each.stamp > newest->stamp) newest = &each;
  }
  return newest;
}

bool SimulationModel::is_unsettled(const std::string& id) const {
  const Landed* memory = find(id);
  const Landed* noted = mark(id);
  if (noted == nullptr) return memory != nullptr;
  if (memory == nullptr && noted->record.memory.empty()) return false;
  const Stamp version = memory == nullptr ? deleted(operations_.at(id)) : memory->stamp;
  return version > noted->generation;
}

std::vector<std::string> SimulationModel::ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, operations] : operations_) {
    if (!operations.empty()) ids.push_back(id);
  }
  return ids;
}

std::vector<const Landed*> SimulationModel::history(const std::string& id) const {
  std::vector<const Landed*> steps;
  const auto found = operations_.find(id);
  if (found == operations_.end()) return steps;
  for (const Landed& each : found->second) {
    if (each.kind != MemoryEvent::kNoop) steps.push_back(&each);
  }
  std::sort(steps.begin(), steps.end(),
            [](const Landed* left, const Landed* right) { return left->stamp < right->stamp; });
  return steps;
}

bool SimulationModel::knows_deletion(const std::string& id, Stamp stamp) const {
  const auto found = operations_.find(id);
  return found != operations_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const Landed& each) {
           return each.kind == MemoryEvent::kDelete && each.stamp == stamp;
         });
}

std::set<std::string> SimulationModel::forgotten_texts() const {
  std::set<std::string> texts;
  std::set<std::string> kept;
  for (const auto& [id, operations] : operations_) {
    const Stamp until = deleted(operations);
    for (const Landed& each : operations) {
      if (each.kind == MemoryEvent::kDelete || each.kind == MemoryEvent::kNoop) continue;
      const bool is_over = each.generation <= until && !is_tainted(id);
      (is_over ? texts : kept).insert(each.record.memory);
    }
  }
  for (const std::string& each : kept)
    texts.erase(each);
  return texts;
}

}  // namespace agent_memory::testing
