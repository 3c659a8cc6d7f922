// SPDX-License-Identifier: MIT
#include "wasm/wire.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include "base/json.hpp"
#include "base/time.hpp"

namespace agent_memory::wasm {
namespace {

constexpr double kMaxExactInteger = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

/// Where one member of an options object goes, and what it must be. One routine reads them all:
/// a routine for each would be most of this room.
struct Field {
  enum class Kind : std::uint8_t {
    kString,
    kBoolean,
    kObject,
    kJson,
    kNumber,
    kInteger,
    kTime,
    kStrategy,
    kScope
  };

  Field(std::string_view name, std::optional<std::string>& to)
      : name(name), kind(Kind::kString), target(&to) {}
  Field(std::string_view name, bool& to) : name(name), kind(Kind::kBoolean), target(&to) {}
  Field(std::string_view name, JsonObject& to) : name(name), kind(Kind::kObject), target(&to) {}
  Field(std::string_view name, JsonValue& to) : name(name), kind(Kind::kJson), target(&to) {}
  Field(std::string_view name, double& to) : name(name), kind(Kind::kNumber), target(&to) {}
  /// A whole number; `least` is the bound that its validation will name.
  Field(std::string_view name, std::int64_t& to, char least)
      : name(name), kind(Kind::kInteger), least(least), target(&to) {}
  Field(std::string_view name, std::optional<TimestampMs>& to)
      : name(name), kind(Kind::kTime), target(&to) {}
  Field(std::string_view name, RetrievalStrategy& to)
      : name(name), kind(Kind::kStrategy), target(&to) {}
  Field(std::string_view name, MemoryScope& to) : name(name), kind(Kind::kScope), target(&to) {}

  template <typename T>
  [[nodiscard]] T& to() const {
    return *static_cast<T*>(target);
  }

  std::string_view name;
  Kind kind;
  char least = '0';
  void* target;
};

std::optional<double> to_number(const JsonValue& value) {
  if (const double* number = value.if_number()) return *number;
  const std::string* special = value.find_string("$number");
  if (special == nullptr) return std::nullopt;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (*special == "Infinity") return kInfinity;
  if (*special == "-Infinity") return -kInfinity;
  return std::numeric_limits<double>::quiet_NaN();
}

/// What `value` is, for a message.
std::string show(const JsonValue& value) {
  const std::string* special = value.find_string("$number");
  return special == nullptr ? describe(value) : *special;
}

/// The rule that `value` breaks; empty where it was taken.
std::string take(const Field& field, const JsonValue& value) {
  using Kind = Field::Kind;
  const std::string* text = value.if_string();
  switch (field.kind) {
    case Kind::kString:
      if (text == nullptr) return "must be a string, got ";
      field.to<std::optional<std::string>>() = *text;
      return {};
    case Kind::kBoolean:
      if (value.if_bool() == nullptr) return "must be true or false, got ";
      field.to<bool>() = *value.if_bool();
      return {};
    case Kind::kObject:
      if (value.if_object() == nullptr) return "must be an object, got ";
      field.to<JsonObject>() = *value.if_object();
      return {};
    case Kind::kJson:
      field.to<JsonValue>() = value;
      return {};
    case Kind::kStrategy: {
      const auto strategy = text == nullptr ? std::nullopt : retrieval_strategy_from_name(*text);
      if (!strategy) return "must be 'semantic_search', 'recency' or 'hybrid', got ";
      field.to<RetrievalStrategy>() = *strategy;
      return {};
    }
    case Kind::kScope: {
      const auto scope = text == nullptr ? std::nullopt : memory_scope_from_name(*text);
      if (!scope) return "must be 'user', 'agent', 'run' or 'global', got ";
      field.to<MemoryScope>() = *scope;
      return {};
    }
    case Kind::kNumber:
    case Kind::kInteger:
    case Kind::kTime:
      break;
  }

  const std::optional<double> number = to_number(value);
  if (field.kind == Kind::kTime) {
    std::optional<TimestampMs> time;
    if (text != nullptr) time = parse_iso8601(*text);
    if (number && *number >= static_cast<double>(kMinTimestampMs) &&
        *number <= static_cast<double>(kMaxTimestampMs)) {
      time = static_cast<TimestampMs>(*number);
    }
    if (!time) {
      return "must be a Date, an ISO 8601 string or milliseconds, between the years 0000 and "
             "9999, got ";
    }
    field.to<std::optional<TimestampMs>>() = time;
    return {};
  }
  if (!number) return "must be a number, got ";
  if (field.kind == Kind::kNumber) {
    field.to<double>() = *number;
    return {};
  }
  const std::string least = std::string("at least ") + field.least + ", got ";
  if (std::isnan(*number) || *number < -kMaxExactInteger) return "must be " + least;
  if (std::trunc(*number) != *number || *number > kMaxExactInteger) {
    return "must be a whole number of " + least;
  }
  field.to<std::int64_t>() = static_cast<std::int64_t>(*number);
  return {};
}

Result<void> read_fields(const JsonValue& json, std::string_view what,
                         std::initializer_list<Field> fields) {
  if (json.if_object() == nullptr && !json.is_null()) {
    return Error::invalid(std::string(what), "must be an object, got " + describe(json));
  }
  for (const Field& field : fields) {
    const JsonValue* value = json.find(field.name);
    if (value == nullptr) continue;
    const std::string broken = take(field, *value);
    if (!broken.empty()) return Error::invalid(std::string(field.name), broken + show(*value));
  }
  return {};
}

Error wrong_shape(std::string_view what) {
  return {.code = ErrorCode::kProvider,
          .message = "the provider answered with something else than " + std::string(what)};
}

std::optional<TimestampMs> time_of(const JsonValue& json, std::string_view key) {
  const std::string* text = json.find_string(key);
  return text == nullptr ? std::nullopt : parse_iso8601(*text);
}

std::optional<std::string> string_of(const JsonValue& json, std::string_view key) {
  const std::string* text = json.find_string(key);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<double> number_of(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.find(key);
  const double* number = value == nullptr ? nullptr : value->if_number();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<Explanation> explanation_of(const JsonValue& json) {
  const JsonValue* value = json.find("explanation");
  if (value == nullptr || value->if_object() == nullptr) return std::nullopt;
  Explanation explanation{.keyword = number_of(*value, "keyword").value_or(0),
                          .recency = number_of(*value, "recency").value_or(0),
                          .context = number_of(*value, "context"),
                          .semantic = number_of(*value, "semantic"),
                          .terms = {}};
  const JsonValue* terms = value->find("terms");
  const JsonArray* list = terms == nullptr ? nullptr : terms->if_array();
  if (list == nullptr) return explanation;
  for (const JsonValue& term : *list) {
    if (const std::string* text = term.if_string()) explanation.terms.push_back(*text);
  }
  return explanation;
}

Metadata metadata_of(const JsonValue& json) {
  const JsonValue* metadata = json.find("metadata");
  const JsonObject* object = metadata == nullptr ? nullptr : metadata->if_object();
  return object == nullptr ? Metadata{} : *object;
}

void pack_identity(Packer& out, const Identity& identity) {
  out.put_if("userId", identity.user_id);
  out.put_if("agentId", identity.agent_id);
  out.put_if("runId", identity.run_id);
}

/// What options have in common: members are there where they say something.
void pack_given(Packer& out, const Metadata& metadata, const JsonValue& filters) {
  if (!metadata.empty()) out.put_metadata("metadata", metadata);
  if (!filters.is_null()) out.put_json("filters", filters);
}

}  // namespace

std::string to_camel_case(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i + 1 < name.size() && name[i + 1] >= 'a' && name[i + 1] <= 'z') {
      out.push_back(static_cast<char>(name[++i] - 'a' + 'A'));
    } else {
      out.push_back(name[i]);
    }
  }
  return out;
}

Result<void> decode(const JsonValue& json, Identity& target) {
  if (json.if_object() != nullptr) {
    // Dropped, a misspelt id would open another wall.
    for (const std::string_view field : {"user_id", "agent_id", "run_id"}) {
      if (json.find(field) == nullptr) continue;
      return Error::invalid("options",
                            "must say " + to_camel_case(field) + ", got " + std::string(field));
    }
  }
  return read_fields(
      json, "options",
      {{"userId", target.user_id}, {"agentId", target.agent_id}, {"runId", target.run_id}});
}

Result<void> decode(const JsonValue& json, RetrieveOptions& target) {
  if (auto read = decode(json, target.identity); !read) return read;
  return read_fields(json, "options",
                     {{"topK", target.top_k, '1'},
                      {"metadata", target.metadata},
                      {"filters", target.filters},
                      {"strategy", target.strategy},
                      {"minRelevanceScore", target.min_relevance_score},
                      {"explain", target.explain}});
}

Result<void> decode(const JsonValue& json, ContextSearch& target) {
  RetrieveOptions all;
  if (auto read = decode(json, all); !read) return read;
  target.identity = std::move(all.identity);
  if (json.find("topK") != nullptr) target.top_k = all.top_k;
  if (json.find("strategy") != nullptr) target.strategy = all.strategy;
  if (json.find("minRelevanceScore") != nullptr) {
    target.min_relevance_score = all.min_relevance_score;
  }
  target.metadata = std::move(all.metadata);
  target.filters = std::move(all.filters);
  target.explain = all.explain;
  return {};
}

Result<void> decode(const JsonValue& json, StoreOptions& target) {
  if (auto read = decode(json, target.identity); !read) return read;
  return read_fields(json, "options",
                     {{"metadata", target.metadata},
                      {"timestamp", target.timestamp_ms},
                      {"expiresAt", target.expires_at_ms}});
}

Result<void> decode(const JsonValue& json, ListOptions& target) {
  if (auto read = decode(json, target.identity); !read) return read;
  std::int64_t limit = 0;
  auto read = read_fields(
      json, "options",
      {{"limit", limit, '1'}, {"offset", target.offset, '0'}, {"filters", target.filters}});
  if (json.find("limit") != nullptr) target.limit = limit;
  return read;
}

Result<void> decode(const JsonValue& json, DeleteAllOptions& target) {
  if (auto read = decode(json, target.identity); !read) return read;
  return read_fields(json, "options",
                     {{"filters", target.filters}, {"everything", target.everything}});
}

Result<void> decode(const JsonValue& json, MemoryChange& target) {
  Metadata metadata;
  auto read = read_fields(json, "change", {{"memory", target.memory}, {"metadata", metadata}});
  if (json.find("metadata") != nullptr) target.metadata = std::move(metadata);
  return read;
}

Result<void> decode(const JsonValue& json, MemoryConfig& target) {
  auto read = read_fields(json, "config",
                          {{"autoStore", target.auto_store},
                           {"autoRetrieve", target.auto_retrieve},
                           {"retrievalStrategy", target.retrieval_strategy},
                           {"topK", target.top_k, '1'},
                           {"minRelevanceScore", target.min_relevance_score},
                           {"storeAfterTurns", target.store_after_turns, '1'},
                           {"memorySummaryInSystem", target.memory_summary_in_system},
                           {"scope", target.scope},
                           {"metadata", target.metadata}});
  return read ? validate(target) : std::move(read);
}

Result<void> decode(const JsonValue& json, LocalProviderOptions& target) {
  if (auto read = read_fields(json, "options", {{"halfLifeMs", target.half_life_ms}}); !read) {
    return read;
  }
  const JsonValue* roles = json.find("roles");
  if (roles == nullptr) return {};
  const JsonArray* list = roles->if_array();
  bool valid = list != nullptr && !list->empty();
  target.store_user = target.store_assistant = false;
  for (std::size_t i = 0; valid && i < list->size(); ++i) {
    const std::string* name = (*list)[i].if_string();
    const std::optional<Role> known = name == nullptr ? std::nullopt : role_from_name(*name);
    if (known == Role::kUser) target.store_user = true;
    if (known == Role::kAssistant) target.store_assistant = true;
    valid = known.has_value();
  }
  if (valid) return {};
  return Error::invalid("roles",
                        "must be a list of 'user', 'assistant' or both, got " + describe(*roles));
}

Result<void> decode(const JsonValue& json, Mem0ProviderOptions& target) {
  // What is wrong with a key must not be told by showing it.
  std::optional<std::string> key;
  const JsonValue* given = json.find("apiKey");
  if (given != nullptr && given->if_string() == nullptr) {
    return Error::invalid("apiKey", "must be a string");
  }
  std::optional<std::string> base_url;
  std::optional<std::string> api;
  auto read = read_fields(json, "options",
                          {{"apiKey", key},
                           {"baseUrl", base_url},
                           {"api", api},
                           {"timeoutMs", target.timeout_ms, '1'},
                           {"maxRetries", target.max_retries, '0'},
                           {"infer", target.infer},
                           {"waitForCompletion", target.wait_for_completion}});
  if (!read) return read;
  if (key) target.api_key = *std::move(key);
  if (base_url) target.base_url = *std::move(base_url);
  if (api && *api != "platform" && *api != "self-hosted") {
    return Error::invalid("api", "must be 'platform' or 'self-hosted', got " + describe(*api));
  }
  if (api && *api == "self-hosted") {
    target.api = Mem0Api::kSelfHosted;
    if (json.find("baseUrl") == nullptr) {
      return Error::invalid("baseUrl", "must be given where api is 'self-hosted'");
    }
  }
  const JsonValue* headers = json.find("headers");
  const JsonArray* pairs = headers == nullptr ? nullptr : headers->if_array();
  for (std::size_t i = 0; pairs != nullptr && i < pairs->size(); ++i) {
    const JsonArray* pair = (*pairs)[i].if_array();
    if (pair == nullptr || pair->size() != 2) continue;
    const std::string* name = (*pair)[0].if_string();
    const std::string* value = (*pair)[1].if_string();
    if (name != nullptr && value != nullptr) target.headers.push_back({*name, *value});
  }
  return validate(target);
}

Result<void> decode(const JsonValue& json, MemoryContextOptions& target) {
  if (auto read = decode(json, target.identity); !read) return read;
  const JsonValue* config = json.find("config");
  if (auto read = decode(config == nullptr ? JsonValue() : *config, target.config); !read) {
    return read;
  }
  return read_fields(json, "options", {{"failOpen", target.fail_open}});
}

Result<std::string> decode_string(const JsonValue& json, std::string_view field) {
  if (const std::string* string = json.if_string()) return *string;
  return Error::invalid(std::string(field), "must be a string, got " + describe(json));
}

Result<std::vector<RetrievedMemory>> decode_retrieved(const JsonValue& json) {
  const JsonArray* list = json.if_array();
  if (list == nullptr) return wrong_shape("a list of memories");
  std::vector<RetrievedMemory> memories;
  for (const JsonValue& each : *list) {
    const std::string* id = each.find_string("id");
    const std::string* memory = each.find_string("memory");
    if (id == nullptr || memory == nullptr) return wrong_shape("memories with id and memory");
    RetrievedMemory out{.id = *id,
                        .memory = *memory,
                        .score = 1.0,
                        .metadata = metadata_of(each),
                        .created_at_ms = time_of(each, "createdAt"),
                        .updated_at_ms = time_of(each, "updatedAt"),
                        .identity = {.user_id = string_of(each, "userId"),
                                     .agent_id = string_of(each, "agentId"),
                                     .run_id = string_of(each, "runId")},
                        .role = std::nullopt,
                        .name = string_of(each, "name"),
                        .explanation = explanation_of(each)};
    if (const std::string* role = each.find_string("role")) out.role = role_from_name(*role);
    out.score = number_of(each, "score").value_or(out.score);
    memories.push_back(std::move(out));
  }
  return memories;
}

Result<std::vector<StoredMemory>> decode_stored(const JsonValue& json) {
  const JsonArray* list = json.if_array();
  if (list == nullptr) return wrong_shape("a list of stored memories");
  std::vector<StoredMemory> stored;
  for (const JsonValue& each : *list) {
    const std::string* id = each.find_string("id");
    const std::string* memory = each.find_string("memory");
    if (id == nullptr || memory == nullptr) return wrong_shape("memories with id and memory");
    const std::string* event = each.find_string("event");
    const std::optional<MemoryEvent> known =
        event == nullptr ? std::nullopt : memory_event_from_name(*event);
    stored.push_back({.id = *id,
                      .memory = *memory,
                      .event = known.value_or(MemoryEvent::kAdd),
                      .metadata = metadata_of(each)});
  }
  return stored;
}

Result<bool> decode_boolean(const JsonValue& json) {
  const bool* boolean = json.if_bool();
  if (boolean == nullptr) return wrong_shape("true or false");
  return *boolean;
}

Error decode_error(const JsonValue& json) {
  Error error{.code = ErrorCode::kInternal, .message = "the host failed"};
  if (const std::string* code = json.find_string("code")) {
    error.code = error_code_from_name(*code).value_or(ErrorCode::kInternal);
  }
  if (const std::string* message = json.find_string("message")) error.message = *message;
  error.field = string_of(json, "field");
  const JsonValue* retryable = json.find("isRetryable");
  error.retryable =
      retryable != nullptr && retryable->if_bool() != nullptr && *retryable->if_bool();
  if (const auto status = number_of(json, "status")) error.status = static_cast<int>(*status);
  error.host_cause = static_cast<std::uint32_t>(number_of(json, "cause").value_or(0));
  return error;
}

void pack(Packer& out, const MemoryView& memory) {
  out.memory(memory);
  if (memory.explanation == nullptr) return;
  out.object();
  out.put("keyword", memory.explanation->keyword);
  out.put("recency", memory.explanation->recency);
  out.put_if("context", memory.explanation->context);
  out.put_if("semantic", memory.explanation->semantic);
  out.key("terms");
  pack(out, memory.explanation->terms);
  out.end();
}

void pack(Packer& out, const RetrievedMemory& memory) {
  const std::string metadata =
      memory.metadata.empty() ? std::string() : dump_json(JsonValue(memory.metadata));
  pack(out, MemoryView{.id = memory.id,
                       .memory = memory.memory,
                       .score = memory.score,
                       .metadata = metadata,
                       .created_at_ms = memory.created_at_ms,
                       .updated_at_ms = memory.updated_at_ms,
                       .user_id = memory.identity.user_id,
                       .agent_id = memory.identity.agent_id,
                       .run_id = memory.identity.run_id,
                       .name = memory.name,
                       .role = memory.role,
                       .explanation = memory.explanation ? &*memory.explanation : nullptr});
}

void pack(Packer& out, const StoredMemory& memory) {
  out.object();
  out.put("id", memory.id);
  out.put("memory", memory.memory);
  out.put("event", memory_event_name(memory.event));
  out.put_metadata("metadata", memory.metadata);
  out.end();
}

void pack(Packer& out, const HistoryEntry& entry) {
  out.object();
  out.put("event", memory_event_name(entry.event));
  out.put("memory", entry.memory);
  out.put_time("at", entry.at_ms);
  out.end();
}

void pack(Packer& out, const MemoryConfig& config) {
  out.object();
  out.put_flag("autoStore", config.auto_store);
  out.put_flag("autoRetrieve", config.auto_retrieve);
  out.put("retrievalStrategy", retrieval_strategy_name(config.retrieval_strategy));
  out.put("topK", static_cast<double>(config.top_k));
  out.put("minRelevanceScore", config.min_relevance_score);
  out.put("storeAfterTurns", static_cast<double>(config.store_after_turns));
  out.put_flag("memorySummaryInSystem", config.memory_summary_in_system);
  out.put("scope", memory_scope_name(config.scope));
  out.put_metadata("metadata", config.metadata);
  out.end();
}

void pack(Packer& out, const ImportReport& report) {
  out.object();
  out.put("added", static_cast<double>(report.added));
  out.put("skipped", static_cast<double>(report.skipped));
  out.end();
}

void pack(Packer& out, const LocalStatus& status) {
  out.object();
  out.put("kind", status.kind);
  out.put("memories", static_cast<double>(status.memories));
  out.put("bytes", static_cast<double>(status.bytes));
  out.end();
}

void pack(Packer& out, const SyncView& state) {
  out.array(6);
  out.string(state.memory_id);
  out.string(state.version);
  out.string(state.note);
  out.boolean(state.is_unsettled);
  if (state.memory != nullptr) {
    pack(out, *state.memory);
  } else {
    out.null();
  }
  if (state.expires_at_ms) {
    out.time(*state.expires_at_ms);
  } else {
    out.null();
  }
}

void pack(Packer& out, const MessageEdit& edit) {
  out.object();
  out.put("index", static_cast<double>(edit.index));
  out.put_if("field", edit.field);
  out.put_json("value", edit.value);
  out.end();
}

void pack(Packer& out, const PreparedRequest& request) {
  out.object();
  out.key("edits");
  pack(out, request.edits);
  out.key("memories");
  pack(out, request.memories);
  out.put("prompt", request.prompt);
  out.end();
}

void pack(Packer& out, const LocalNotice& notice) {
  if (const ErrorNotice* error = std::get_if<ErrorNotice>(&notice)) {
    return pack_error_event(out, error->error, error->operation);
  }
  out.object();
  if (const ChangeNotice* change = std::get_if<ChangeNotice>(&notice)) {
    out.put("type", "change");
    out.key("stored");
    pack(out, change->stored);
    out.put("origin", change->elsewhere ? "elsewhere" : "here");
  } else {
    out.put("type", "storage");
    out.put("state", "closed");
  }
  out.end();
}

void pack(Packer& out, const Error& error) {
  std::string message = error.message;
  out.object();
  out.put("code", error_code_name(error.code));
  out.put_flag("isRetryable", error.retryable);
  if (error.field) {
    const std::string field = to_camel_case(*error.field);
    if (message.starts_with(*error.field)) message.replace(0, error.field->size(), field);
    out.put("field", field);
  }
  out.put("message", message);
  if (error.status) out.put("status", static_cast<double>(*error.status));
  if (error.host_cause != 0) out.put("cause", static_cast<double>(error.host_cause));
  out.end();
}

void pack_error_event(Packer& out, const Error& error, std::string_view operation) {
  out.object();
  out.put("type", "error");
  out.put("operation", to_camel_case(operation));
  out.key("error");
  pack(out, error);
  out.end();
}

void pack(Packer& out, const RetrieveOptions& options) {
  out.object();
  out.put("topK", static_cast<double>(options.top_k));
  out.put("strategy", retrieval_strategy_name(options.strategy));
  out.put("minRelevanceScore", options.min_relevance_score);
  pack_identity(out, options.identity);
  pack_given(out, options.metadata, options.filters);
  if (options.explain) out.put_flag("explain", true);
  out.end();
}

void pack(Packer& out, const StoreOptions& options) {
  out.object();
  pack_identity(out, options.identity);
  pack_given(out, options.metadata, {});
  if (options.timestamp_ms) out.put_time("timestamp", options.timestamp_ms);
  if (options.expires_at_ms) out.put_time("expiresAt", options.expires_at_ms);
  out.end();
}

void pack(Packer& out, const ListOptions& options) {
  out.object();
  pack_identity(out, options.identity);
  if (options.limit) out.put("limit", static_cast<double>(*options.limit));
  if (options.offset > 0) out.put("offset", static_cast<double>(options.offset));
  pack_given(out, {}, options.filters);
  out.end();
}

}  // namespace agent_memory::wasm
