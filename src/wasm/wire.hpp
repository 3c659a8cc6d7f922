// SPDX-License-Identifier: MIT
#pragma once

// The library's values <-> the values that cross the boundary. The one place where snake_case
// becomes camelCase.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/agent_memory.hpp"

#include "wasm/values.hpp"

namespace agent_memory::wasm {

/// "top_k" -> "topK"; dots and indexes stay: "messages[2].tool_call" -> "messages[2].toolCall".
std::string to_camel_case(std::string_view name);

// Options as callers wrote them: every field is checked for its type, and an error names it. A
// number that JSON cannot hold arrives as {"$number": "NaN"}. Fields that are not given leave
// their target as it is.
Result<void> decode(const JsonValue& json, Identity& target);
Result<void> decode(const JsonValue& json, RetrieveOptions& target);
Result<void> decode(const JsonValue& json, ContextSearch& target);
Result<void> decode(const JsonValue& json, StoreOptions& target);
Result<void> decode(const JsonValue& json, ListOptions& target);
Result<void> decode(const JsonValue& json, DeleteAllOptions& target);
Result<void> decode(const JsonValue& json, MemoryChange& target);
Result<void> decode(const JsonValue& json, MemoryConfig& target);
Result<void> decode(const JsonValue& json, LocalProviderOptions& target);
/// `headers` as pairs of name and value.
Result<void> decode(const JsonValue& json, Mem0ProviderOptions& target);
/// All but `on_error`.
Result<void> decode(const JsonValue& json, MemoryContextOptions& target);
/// A query or an id: a string, else kInvalidArgument naming `field`.
Result<std::string> decode_string(const JsonValue& json, std::string_view field);

// What a JavaScript provider answered. kProvider where it does not have the shape.
Result<std::vector<RetrievedMemory>> decode_retrieved(const JsonValue& json);
Result<std::vector<StoredMemory>> decode_stored(const JsonValue& json);
Result<bool> decode_boolean(const JsonValue& json);
Error decode_error(const JsonValue& json);

void pack(Packer& out, const MemoryView& memory);
void pack(Packer& out, const RetrievedMemory& memory);
void pack(Packer& out, const StoredMemory& memory);
void pack(Packer& out, const HistoryEntry& entry);
void pack(Packer& out, const MemoryConfig& config);
void pack(Packer& out, const ImportReport& report);
void pack(Packer& out, const LocalStatus& status);
/// As a list of its members, in their order.
void pack(Packer& out, const SyncView& state);
void pack(Packer& out, const MessageEdit& edit);
void pack(Packer& out, const PreparedRequest& request);
void pack(Packer& out, const LocalNotice& notice);
void pack(Packer& out, const Error& error);
void pack(Packer& out, const RetrieveOptions& options);
void pack(Packer& out, const StoreOptions& options);
void pack(Packer& out, const ListOptions& options);
/// As an event: something failed that no call reports.
void pack_error_event(Packer& out, const Error& error, std::string_view operation);

inline void pack(Packer& out, bool value) { out.boolean(value); }
inline void pack(Packer& out, std::int64_t value) { out.number(static_cast<double>(value)); }
inline void pack(Packer& out, const std::string& value) { out.string(value); }

template <typename T>
void pack(Packer& out, const std::vector<T>& values) {
  out.array(values.size());
  for (const T& value : values)
    pack(out, value);
}

template <typename T>
void pack(Packer& out, const std::optional<T>& value) {
  if (value) {
    pack(out, *value);
  } else {
    out.null();
  }
}

}  // namespace agent_memory::wasm
