// SPDX-License-Identifier: MIT
#pragma once

// Values <-> the JSON that crosses the boundary. The one place where snake_case becomes camelCase.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/agent_memory.hpp"

namespace agent_memory::wasm {

/// "top_k" -> "topK"; dots and indexes stay: "messages[2].tool_call" -> "messages[2].toolCall".
std::string to_camel_case(std::string_view name);

/// Reads the argument `field`, as js/src wrote it; nested too deeply, it is refused by that name.
Result<JsonValue> decode_json(std::string_view json, std::string_view field);

// Options as callers wrote them: every field is checked for its type, and an error names it. A
// number that JSON cannot hold arrives as {"$number": "NaN"}.
Result<RetrieveOptions> decode_retrieve_options(const JsonValue& json);
Result<ContextSearch> decode_context_search(const JsonValue& json);
Result<StoreOptions> decode_store_options(const JsonValue& json);
Result<ListOptions> decode_list_options(const JsonValue& json);
Result<DeleteAllOptions> decode_delete_all_options(const JsonValue& json);
Result<MemoryChange> decode_memory_change(const JsonValue& json);
Result<Identity> decode_identity(const JsonValue& json);
Result<MemoryConfig> decode_config(const JsonValue& json);
Result<LocalProviderOptions> decode_local_options(const JsonValue& json);
/// A query or an id: a JSON string, else kInvalidArgument naming `field`.
Result<std::string> decode_string(const JsonValue& json, std::string_view field);

// What a JavaScript provider answered. kProvider where it does not have the shape.
Result<std::vector<RetrievedMemory>> decode_retrieved(std::string_view json);
Result<std::vector<StoredMemory>> decode_stored(std::string_view json);
Result<bool> decode_boolean(std::string_view json);
Error decode_error(std::string_view json);

JsonValue encode(const Explanation& explanation);
JsonValue encode(const RetrievedMemory& memory);
JsonValue encode(const StoredMemory& memory);
JsonValue encode(const HistoryEntry& entry);
JsonValue encode(const MemoryConfig& config);
JsonValue encode(const ImportReport& report);
JsonValue encode(const LocalStatus& status);
JsonValue encode(const PreparedRequest& request);
JsonValue encode(const LocalNotice& notice);
JsonValue encode(const Error& error);
JsonValue encode_options(const RetrieveOptions& options);
JsonValue encode_options(const StoreOptions& options);
JsonValue encode_options(const ListOptions& options);

inline JsonValue encode(bool value) { return value; }
inline JsonValue encode(std::int64_t value) { return static_cast<double>(value); }
inline JsonValue encode(std::string value) { return JsonValue(std::move(value)); }

template <typename T>
JsonValue encode(const std::vector<T>& values) {
  JsonArray out;
  out.reserve(values.size());
  for (const T& value : values)
    out.push_back(encode(value));
  return out;
}

template <typename T>
JsonValue encode(const std::optional<T>& value) {
  return value ? encode(*value) : JsonValue();
}

}  // namespace agent_memory::wasm
