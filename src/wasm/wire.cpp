// SPDX-License-Identifier: MIT
#include "wasm/wire.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "base/json.hpp"
#include "base/time.hpp"

namespace agent_memory::wasm {
namespace {

constexpr double kMaxExactInteger = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

/// Reads the members of one options object and keeps the first error. Members that are absent
/// leave their target as it is.
class Fields {
 public:
  explicit Fields(const JsonValue& json, std::string_view name = "options") : json_(json) {
    if (json.if_object() == nullptr && !json.is_null()) {
      fail(name, "must be an object, got " + describe(json));
    }
  }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  void string(std::string_view field, std::optional<std::string>& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    if (const std::string* string = value->if_string()) {
      target = *string;
    } else {
      fail(field, "must be a string, got " + describe(*value));
    }
  }

  void boolean(std::string_view field, bool& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    if (const bool* boolean = value->if_bool()) {
      target = *boolean;
    } else {
      fail(field, "must be true or false, got " + describe(*value));
    }
  }

  void object(std::string_view field, JsonObject& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    if (const JsonObject* object = value->if_object()) {
      target = *object;
    } else {
      fail(field, "must be an object, got " + describe(*value));
    }
  }

  void json(std::string_view field, JsonValue& target) {
    if (const JsonValue* value = member(field)) target = *value;
  }

  void number(std::string_view field, double& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    if (const std::optional<double> number = to_number(*value)) {
      target = *number;
    } else {
      fail(field, "must be a number, got " + describe(*value));
    }
  }

  /// A whole number; `least` is the bound that its validation will name.
  template <typename Target>
  void integer(std::string_view field, std::int64_t least, Target& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    double number = 0;
    this->number(field, number);
    if (error_) return;
    if (std::isnan(number) || number < -kMaxExactInteger) {
      fail(field, "must be at least " + std::to_string(least) + ", got " + show(number));
    } else if (std::trunc(number) != number || number > kMaxExactInteger) {
      fail(field,
           "must be a whole number of at least " + std::to_string(least) + ", got " + show(number));
    } else {
      target = static_cast<std::int64_t>(number);
    }
  }

  void time(std::string_view field, std::optional<TimestampMs>& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    const std::string* text = value->if_string();
    const std::optional<double> number = to_number(*value);
    std::optional<TimestampMs> time;
    if (text != nullptr) time = parse_iso8601(*text);
    if (number && *number >= static_cast<double>(kMinTimestampMs) &&
        *number <= static_cast<double>(kMaxTimestampMs)) {
      time = static_cast<TimestampMs>(*number);
    }
    if (time) {
      target = time;
    } else {
      fail(field,
           "must be a Date, an ISO 8601 string or milliseconds, between the years 0000 and "
           "9999, got " +
               (number ? show(*number) : describe(*value)));
    }
  }

  template <typename E>
  void name(std::string_view field, std::optional<E> (*from_name)(std::string_view),
            std::string_view choices, E& target) {
    const JsonValue* value = member(field);
    if (value == nullptr) return;
    const std::string* text = value->if_string();
    const std::optional<E> found = text == nullptr ? std::nullopt : from_name(*text);
    if (found) {
      target = *found;
    } else {
      fail(field, std::string("must be ").append(choices) + ", got " + describe(*value));
    }
  }

  void identity(Identity& target) {
    // Dropped, a misspelt id would open another wall.
    for (const std::string_view field : {"user_id", "agent_id", "run_id"}) {
      if (json_.find(field) == nullptr) continue;
      fail("options", "must say " + to_camel_case(field) + ", got " + std::string(field));
    }
    string("user_id", target.user_id);
    string("agent_id", target.agent_id);
    string("run_id", target.run_id);
  }

  void fail(std::string_view field, std::string_view rule) {
    if (!error_) error_ = Error::invalid(std::string(field), rule);
  }

 private:
  const JsonValue* member(std::string_view field) const {
    return error_ ? nullptr : json_.find(to_camel_case(field));
  }

  static std::optional<double> to_number(const JsonValue& value) {
    if (const double* number = value.if_number()) return *number;
    const std::string* special = value.find_string("$number");
    if (special == nullptr) return std::nullopt;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (*special == "Infinity") return kInfinity;
    if (*special == "-Infinity") return -kInfinity;
    return std::numeric_limits<double>::quiet_NaN();
  }

  static std::string show(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return dump_json(number);
  }

  const JsonValue& json_;
  std::optional<Error> error_;
};

constexpr std::string_view kStrategies = "'semantic_search', 'recency' or 'hybrid'";
constexpr std::string_view kScopes = "'user', 'agent', 'run' or 'global'";

Error wrong_shape(std::string_view what) {
  return {.code = ErrorCode::kProvider,
          .message = "the provider answered with something else than " + std::string(what)};
}

void add(JsonObject& out, std::string_view key, const std::optional<std::string>& value) {
  if (value) out.push_back({std::string(key), *value});
}

void add_identity(JsonObject& out, const Identity& identity) {
  add(out, "userId", identity.user_id);
  add(out, "agentId", identity.agent_id);
  add(out, "runId", identity.run_id);
}

JsonValue encode_time(const std::optional<TimestampMs>& time) {
  return time ? JsonValue(format_iso8601(*time)) : JsonValue();
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
  for (const JsonValue& term : list == nullptr ? JsonArray{} : *list) {
    if (const std::string* text = term.if_string()) explanation.terms.push_back(*text);
  }
  return explanation;
}

Metadata metadata_of(const JsonValue& json) {
  const JsonValue* metadata = json.find("metadata");
  const JsonObject* object = metadata == nullptr ? nullptr : metadata->if_object();
  return object == nullptr ? Metadata{} : *object;
}

JsonValue stored_event(const ChangeNotice& notice) {
  return JsonObject{{"type", "change"},
                    {"stored", encode(notice.stored)},
                    {"origin", notice.elsewhere ? "elsewhere" : "here"}};
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

Result<JsonValue> decode_json(std::string_view json, std::string_view field) {
  Result<JsonValue> value = parse_json(json);
  if (value) return value;
  return Error::invalid(std::string(field), value.error().message);
}

Result<Identity> decode_identity(const JsonValue& json) {
  Fields fields(json);
  Identity identity;
  fields.identity(identity);
  if (fields.error()) return *fields.error();
  return identity;
}

Result<RetrieveOptions> decode_retrieve_options(const JsonValue& json) {
  Fields fields(json);
  RetrieveOptions options;
  fields.identity(options.identity);
  fields.integer("top_k", 1, options.top_k);
  fields.object("metadata", options.metadata);
  fields.json("filters", options.filters);
  fields.name("strategy", retrieval_strategy_from_name, kStrategies, options.strategy);
  fields.number("min_relevance_score", options.min_relevance_score);
  fields.boolean("explain", options.explain);
  if (fields.error()) return *fields.error();
  return options;
}

Result<ContextSearch> decode_context_search(const JsonValue& json) {
  Result<RetrieveOptions> all = decode_retrieve_options(json);
  if (!all) return std::move(all).error();
  ContextSearch search;
  search.identity = std::move(all->identity);
  if (json.find("topK") != nullptr) search.top_k = all->top_k;
  if (json.find("strategy") != nullptr) search.strategy = all->strategy;
  if (json.find("minRelevanceScore") != nullptr) {
    search.min_relevance_score = all->min_relevance_score;
  }
  search.metadata = std::move(all->metadata);
  search.filters = std::move(all->filters);
  search.explain = all->explain;
  return search;
}

Result<StoreOptions> decode_store_options(const JsonValue& json) {
  Fields fields(json);
  StoreOptions options;
  fields.identity(options.identity);
  fields.object("metadata", options.metadata);
  fields.time("timestamp", options.timestamp_ms);
  fields.time("expires_at", options.expires_at_ms);
  if (fields.error()) return *fields.error();
  return options;
}

Result<ListOptions> decode_list_options(const JsonValue& json) {
  Fields fields(json);
  ListOptions options;
  fields.identity(options.identity);
  fields.integer("limit", 1, options.limit);
  fields.integer("offset", 0, options.offset);
  fields.json("filters", options.filters);
  if (fields.error()) return *fields.error();
  return options;
}

Result<DeleteAllOptions> decode_delete_all_options(const JsonValue& json) {
  Fields fields(json);
  DeleteAllOptions options;
  fields.identity(options.identity);
  fields.json("filters", options.filters);
  fields.boolean("everything", options.everything);
  if (fields.error()) return *fields.error();
  return options;
}

Result<MemoryChange> decode_memory_change(const JsonValue& json) {
  Fields fields(json, "change");
  MemoryChange change;
  fields.string("memory", change.memory);
  if (json.find("metadata") != nullptr) {
    change.metadata.emplace();
    fields.object("metadata", *change.metadata);
  }
  if (fields.error()) return *fields.error();
  return change;
}

Result<MemoryConfig> decode_config(const JsonValue& json) {
  Fields fields(json, "config");
  MemoryConfig config;
  fields.boolean("auto_store", config.auto_store);
  fields.boolean("auto_retrieve", config.auto_retrieve);
  fields.name("retrieval_strategy", retrieval_strategy_from_name, kStrategies,
              config.retrieval_strategy);
  fields.integer("top_k", 1, config.top_k);
  fields.number("min_relevance_score", config.min_relevance_score);
  fields.integer("store_after_turns", 1, config.store_after_turns);
  fields.boolean("memory_summary_in_system", config.memory_summary_in_system);
  fields.name("scope", memory_scope_from_name, kScopes, config.scope);
  fields.object("metadata", config.metadata);
  if (fields.error()) return *fields.error();
  if (Result<void> valid = validate(config); !valid) return std::move(valid).error();
  return config;
}

Result<LocalProviderOptions> decode_local_options(const JsonValue& json) {
  Fields fields(json);
  LocalProviderOptions options;
  fields.number("half_life_ms", options.half_life_ms);
  JsonValue roles;
  fields.json("roles", roles);
  if (fields.error()) return *fields.error();
  if (roles.is_null() && json.find("roles") == nullptr) return options;
  const JsonArray* list = roles.if_array();
  options.store_user = options.store_assistant = false;
  for (const JsonValue& role : list == nullptr ? JsonArray{} : *list) {
    const std::string* name = role.if_string();
    const std::optional<Role> known = name == nullptr ? std::nullopt : role_from_name(*name);
    if (known == Role::kUser) options.store_user = true;
    if (known == Role::kAssistant) options.store_assistant = true;
    if (!known) list = nullptr;
    if (list == nullptr) break;
  }
  if (list == nullptr || list->empty()) {
    return Error::invalid("roles",
                          "must be a list of 'user', 'assistant' or both, got " + describe(roles));
  }
  return options;
}

Result<std::string> decode_string(const JsonValue& json, std::string_view field) {
  if (const std::string* string = json.if_string()) return *string;
  return Error::invalid(std::string(field), "must be a string, got " + describe(json));
}

Result<std::vector<RetrievedMemory>> decode_retrieved(std::string_view json) {
  const Result<JsonValue> parsed = parse_json(json);
  const JsonArray* list = parsed ? parsed->if_array() : nullptr;
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

Result<std::vector<StoredMemory>> decode_stored(std::string_view json) {
  const Result<JsonValue> parsed = parse_json(json);
  const JsonArray* list = parsed ? parsed->if_array() : nullptr;
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

Result<bool> decode_boolean(std::string_view json) {
  const Result<JsonValue> parsed = parse_json(json);
  const bool* boolean = parsed ? parsed->if_bool() : nullptr;
  if (boolean == nullptr) return wrong_shape("true or false");
  return *boolean;
}

Error decode_error(std::string_view json) {
  const Result<JsonValue> parsed = parse_json(json);
  Error error{.code = ErrorCode::kInternal, .message = "the host failed"};
  if (!parsed) return error;
  if (const std::string* code = parsed->find_string("code")) {
    error.code = error_code_from_name(*code).value_or(ErrorCode::kInternal);
  }
  if (const std::string* message = parsed->find_string("message")) error.message = *message;
  error.field = string_of(*parsed, "field");
  const JsonValue* retryable = parsed->find("isRetryable");
  error.retryable =
      retryable != nullptr && retryable->if_bool() != nullptr && *retryable->if_bool();
  if (const auto status = number_of(*parsed, "status")) error.status = static_cast<int>(*status);
  error.host_cause = static_cast<std::uint32_t>(number_of(*parsed, "cause").value_or(0));
  return error;
}

JsonValue encode(const Explanation& explanation) {
  JsonObject out{{"keyword", explanation.keyword}, {"recency", explanation.recency}};
  if (explanation.context) out.push_back({"context", *explanation.context});
  if (explanation.semantic) out.push_back({"semantic", *explanation.semantic});
  out.push_back({"terms", encode(explanation.terms)});
  return out;
}

JsonValue encode(const RetrievedMemory& memory) {
  JsonObject out{{"id", memory.id},
                 {"memory", memory.memory},
                 {"score", memory.score},
                 {"metadata", memory.metadata},
                 {"createdAt", encode_time(memory.created_at_ms)},
                 {"updatedAt", encode_time(memory.updated_at_ms)}};
  add_identity(out, memory.identity);
  if (memory.role) out.push_back({"role", role_name(*memory.role)});
  add(out, "name", memory.name);
  if (memory.explanation) out.push_back({"explanation", encode(*memory.explanation)});
  return out;
}

JsonValue encode(const StoredMemory& memory) {
  return JsonObject{{"id", memory.id},
                    {"memory", memory.memory},
                    {"event", memory_event_name(memory.event)},
                    {"metadata", memory.metadata}};
}

JsonValue encode(const HistoryEntry& entry) {
  return JsonObject{{"event", memory_event_name(entry.event)},
                    {"memory", entry.memory},
                    {"at", format_iso8601(entry.at_ms)}};
}

JsonValue encode(const MemoryConfig& config) {
  return JsonObject{{"autoStore", config.auto_store},
                    {"autoRetrieve", config.auto_retrieve},
                    {"retrievalStrategy", retrieval_strategy_name(config.retrieval_strategy)},
                    {"topK", encode(config.top_k)},
                    {"minRelevanceScore", config.min_relevance_score},
                    {"storeAfterTurns", encode(config.store_after_turns)},
                    {"memorySummaryInSystem", config.memory_summary_in_system},
                    {"scope", memory_scope_name(config.scope)},
                    {"metadata", config.metadata}};
}

JsonValue encode(const ImportReport& report) {
  return JsonObject{{"added", encode(report.added)}, {"skipped", encode(report.skipped)}};
}

JsonValue encode(const LocalStatus& status) {
  return JsonObject{{"kind", status.kind},
                    {"memories", encode(status.memories)},
                    {"bytes", encode(status.bytes)}};
}

JsonValue encode(const PreparedRequest& request) {
  JsonArray edits;
  for (const MessageEdit& edit : request.edits) {
    JsonObject out{{"index", static_cast<double>(edit.index)}, {"value", edit.value}};
    add(out, "field", edit.field);
    edits.push_back(std::move(out));
  }
  return JsonObject{{"edits", std::move(edits)},
                    {"memories", encode(request.memories)},
                    {"prompt", request.prompt}};
}

JsonValue encode(const LocalNotice& notice) {
  if (const ChangeNotice* change = std::get_if<ChangeNotice>(&notice)) {
    return stored_event(*change);
  }
  if (const ErrorNotice* error = std::get_if<ErrorNotice>(&notice)) {
    return JsonObject{{"type", "error"},
                      {"operation", to_camel_case(error->operation)},
                      {"error", encode(error->error)}};
  }
  return JsonObject{{"type", "storage"}, {"state", "closed"}};
}

JsonValue encode(const Error& error) {
  std::string message = error.message;
  JsonObject out{{"code", error_code_name(error.code)}, {"isRetryable", error.retryable}};
  if (error.field) {
    const std::string field = to_camel_case(*error.field);
    if (message.starts_with(*error.field)) message.replace(0, error.field->size(), field);
    out.push_back({"field", field});
  }
  out.push_back({"message", std::move(message)});
  if (error.status) out.push_back({"status", *error.status});
  if (error.host_cause != 0) out.push_back({"cause", static_cast<double>(error.host_cause)});
  return out;
}

JsonValue encode_options(const RetrieveOptions& options) {
  JsonObject out{{"topK", encode(options.top_k)},
                 {"strategy", retrieval_strategy_name(options.strategy)},
                 {"minRelevanceScore", options.min_relevance_score}};
  add_identity(out, options.identity);
  if (!options.metadata.empty()) out.push_back({"metadata", options.metadata});
  if (!options.filters.is_null()) out.push_back({"filters", options.filters});
  if (options.explain) out.push_back({"explain", true});
  return out;
}

JsonValue encode_options(const StoreOptions& options) {
  JsonObject out;
  add_identity(out, options.identity);
  if (!options.metadata.empty()) out.push_back({"metadata", options.metadata});
  if (options.timestamp_ms) out.push_back({"timestamp", encode_time(options.timestamp_ms)});
  if (options.expires_at_ms) out.push_back({"expiresAt", encode_time(options.expires_at_ms)});
  return out;
}

JsonValue encode_options(const ListOptions& options) {
  JsonObject out;
  add_identity(out, options.identity);
  if (options.limit) out.push_back({"limit", encode(*options.limit)});
  if (options.offset > 0) out.push_back({"offset", encode(options.offset)});
  if (!options.filters.is_null()) out.push_back({"filters", options.filters});
  return out;
}

}  // namespace agent_memory::wasm
