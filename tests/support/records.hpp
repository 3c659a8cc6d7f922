// SPDX-License-Identifier: MIT
#pragma once

// Records and operations to store, and how to look at what came back.

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "journal/memory_table.hpp"
#include "support/fakes.hpp"
#include "support/values.hpp"

namespace agent_memory::testing {

/// All that a record holds, as text.
inline std::string shown(const MemoryRecord& record) {
  const auto part = [](const std::optional<std::string>& value) {
    return value ? "'" + *value + "'" : std::string("-");
  };
  return record.id + " " + part(record.memory) + " " + dump_json(record.metadata) + " " +
         part(record.identity.user_id) + part(record.identity.agent_id) +
         part(record.identity.run_id) + " " +
         (record.role ? std::string(role_name(*record.role)) : "-") + " " + part(record.name) +
         " " + std::to_string(record.created_at_ms) + " " + std::to_string(record.updated_at_ms) +
         " " + (record.expires_at_ms ? std::to_string(*record.expires_at_ms) : "-");
}

inline std::string shown(Stamp stamp) {
  return std::to_string(stamp.time) + "@" + std::to_string(stamp.writer);
}

inline std::string shown(const Operation& operation) {
  return std::string(memory_event_name(operation.kind)) + " " + shown(operation.stamp) + " of " +
         shown(operation.generation) + " at " + std::to_string(operation.at_ms) + ": " +
         shown(operation.record);
}

inline std::string shown(const MemoryEntry& entry) {
  std::string out = shown(entry.record) + " " + shown(entry.generation) + " " +
                    shown(entry.changed) + " " + shown(entry.deleted) + " [";
  for (const HistoryStep& step : entry.history) {
    out += shown(step.stamp) + " " + shown(step.generation) + " " +
           std::string(memory_event_name(step.entry.event)) + " '" + step.entry.memory + "' " +
           std::to_string(step.entry.at_ms) + "; ";
  }
  return out + "]";
}

template <typename T>
std::string shown(const std::vector<T>& values) {
  std::string out;
  for (const T& each : values)
    out += shown(each) + "\n";
  return out;
}

/// A record with any of its parts there or not.
inline MemoryRecord random_record(FakeRandom& random) {
  static const std::vector<std::string> kTexts{"a",
                                               "I moved to Oslo in May.",
                                               "\xE6\x9D\xB1\xE4\xBA\xAC",
                                               std::string("nul\0here", 8),
                                               "\"quoted\"\n\xF0\x9F\x98\x80",
                                               std::string(300, 'x')};
  static const std::vector<std::string> kMetadata{
      "{}", "{'a':1}", "{'':'','deep':[{'x':null},true,1.5]}", "{'\xC3\xA9':'\\u0000'}"};
  static const std::vector<TimestampMs> kTimes{0, kStart, -1, kMinTimestampMs, kMaxTimestampMs};
  const auto maybe = [&]() {
    return random.once_in(2) ? std::optional(random.pick(kTexts)) : std::nullopt;
  };
  MemoryRecord record;
  record.id = std::to_string(random.next());
  record.memory = random.pick(kTexts);
  record.metadata = metadata(random.pick(kMetadata));
  record.identity.user_id = maybe();
  record.identity.agent_id = maybe();
  record.identity.run_id = maybe();
  record.name = maybe();
  if (!random.once_in(3)) record.role = random.once_in(2) ? Role::kUser : Role::kAssistant;
  record.created_at_ms = random.pick(kTimes);
  record.updated_at_ms = random.pick(kTimes);
  if (random.once_in(3)) record.expires_at_ms = random.pick(kTimes);
  return record;
}

/// What the operation says; of a kNoop, which `to_entry` does not know, the mark that accounts for
/// its generation, with its text as the note.
inline MemoryEntry entry_of(Operation operation) {
  if (operation.kind != MemoryEvent::kNoop) return to_entry(std::move(operation));
  MemoryEntry entry;
  entry.record.id = operation.record.id;
  entry.history.push_back({operation.stamp,
                           operation.generation,
                           {operation.kind, operation.record.memory, operation.at_ms}});
  return entry;
}

inline Operation random_operation(FakeRandom& random) {
  Operation operation;
  operation.kind = static_cast<MemoryEvent>(random.below(4));
  operation.stamp = {.time = 1 + random.next() / 2, .writer = random.next()};
  operation.at_ms = static_cast<TimestampMs>(random.below(1000)) - 500;
  operation.record = random_record(random);
  if (operation.kind == MemoryEvent::kUpdate) operation.generation = {.time = 7, .writer = 8};
  if (operation.kind == MemoryEvent::kDelete || operation.kind == MemoryEvent::kNoop) {
    operation.record = with<MemoryRecord>([&](auto& it) { it.id = operation.record.id; });
  }
  if (operation.kind == MemoryEvent::kNoop) {
    if (!random.once_in(3)) operation.record.memory = "a note";
    if (!random.once_in(3)) operation.generation = {.time = random.next() / 2, .writer = 8};
  }
  return operation;
}

}  // namespace agent_memory::testing
