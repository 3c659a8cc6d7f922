// SPDX-License-Identifier: MIT
#include "local/export_format.hpp"

#include <optional>
#include <utility>

#include "agent_memory/config.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"

namespace agent_memory {
namespace {

constexpr std::string_view kFormat = "agent-memory";
constexpr int kVersion = 1;

void add_optional(JsonObject& out, std::string_view key, const std::optional<std::string>& value) {
  if (value) out.push_back({std::string(key), *value});
}

Error malformed(std::size_t line, std::string_view what) {
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = "json line " + std::to_string(line) + ": " + std::string(what),
               .field = "json"};
}

/// Reads the members of one line; remembers the first that is not as it must be.
class LineReader {
 public:
  explicit LineReader(const JsonValue& line) : line_(line) {}

  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

  std::optional<std::string> string(std::string_view key, bool required) {
    const JsonValue* value = line_.find(key);
    if (value == nullptr && !required) return std::nullopt;
    const std::string* string = value == nullptr ? nullptr : value->if_string();
    if (string == nullptr) {
      report(key, "must be a string", value);
      return std::nullopt;
    }
    return *string;
  }

  std::optional<TimestampMs> time(std::string_view key, bool required) {
    const JsonValue* value = line_.find(key);
    const std::optional<std::string> text = string(key, required);
    if (!text) return std::nullopt;
    const std::optional<TimestampMs> time = parse_iso8601(*text);
    if (!time) report(key, "must be an ISO 8601 time", value);
    return time;
  }

  Metadata metadata() {
    const JsonValue* value = line_.find("metadata");
    if (value == nullptr) return {};
    const JsonObject* object = value->if_object();
    if (object == nullptr) {
      report("metadata", "must be an object", value);
      return {};
    }
    return *object;
  }

  std::optional<Role> role() {
    const std::optional<std::string> name = string("role", false);
    if (!name) return std::nullopt;
    const std::optional<Role> role = role_from_name(*name);
    if (!role) report("role", "must be 'user' or 'assistant'", line_.find("role"));
    return role;
  }

  void report(std::string_view key, std::string_view rule, const JsonValue* got) {
    if (problem_) return;
    problem_ = std::string(key).append(" ").append(rule).append(", got ").append(
        got == nullptr ? "nothing" : describe(*got));
  }

 private:
  const JsonValue& line_;
  std::optional<std::string> problem_;
};

std::vector<HistoryEntry> read_history(LineReader& reader, const JsonValue& line,
                                       const MemoryRecord& record) {
  const JsonValue* value = line.find("history");
  if (value == nullptr) return {{MemoryEvent::kAdd, record.memory, record.created_at_ms}};
  std::vector<HistoryEntry> history;
  const JsonArray* steps = value->if_array();
  for (const JsonValue& step : steps == nullptr ? JsonArray{} : *steps) {
    const std::string* event_name = step.find_string("event");
    const std::string* memory = step.find_string("memory");
    const std::string* at = step.find_string("at");
    const auto event = event_name == nullptr ? std::nullopt : memory_event_from_name(*event_name);
    const auto time = at == nullptr ? std::nullopt : parse_iso8601(*at);
    if (!event || *event == MemoryEvent::kNoop || memory == nullptr || !time) {
      reader.report("history", "must hold steps of {event, memory, at}", &step);
      return {};
    }
    history.push_back({*event, *memory, *time});
  }
  if (history.empty()) reader.report("history", "must be an array with a step", value);
  return history;
}

}  // namespace

Result<ExportedMemory> parse_exported(const JsonValue& line, std::size_t number) {
  if (line.if_object() == nullptr) {
    return malformed(number, "must be an object, got " + describe(line));
  }
  LineReader reader(line);
  ExportedMemory out;
  MemoryRecord& record = out.record;
  record.id = reader.string("id", true).value_or("");
  record.memory = to_valid_utf8(reader.string("memory", true).value_or(""));
  record.metadata = reader.metadata();
  record.identity = {.user_id = reader.string("userId", false),
                     .agent_id = reader.string("agentId", false),
                     .run_id = reader.string("runId", false)};
  record.role = reader.role();
  record.name = reader.string("name", false);
  record.created_at_ms = reader.time("createdAt", true).value_or(0);
  record.updated_at_ms = reader.time("updatedAt", false).value_or(record.created_at_ms);
  record.expires_at_ms = reader.time("expiresAt", false);
  out.history = read_history(reader, line, record);
  if (reader.problem()) return malformed(number, *reader.problem());
  if (record.id.empty() || record.id.size() > kMaxIdBytes) {
    return malformed(number, "id must be 1 to " + std::to_string(kMaxIdBytes) + " bytes");
  }
  if (is_blank(record.memory)) return malformed(number, "memory must not be empty");
  if (record.memory.size() > kMaxTextBytes) {
    return malformed(number, "memory must be at most " + std::to_string(kMaxTextBytes) +
                                 " bytes, got " + std::to_string(record.memory.size()));
  }
  StoreOptions options;
  options.identity = record.identity;
  options.metadata = record.metadata;
  const Result<void> checked = validate(options);
  if (!checked) {
    // The file says userId where the message says user_id.
    std::string message = checked.error().message;
    const std::size_t joint = checked.error().field.value_or("").find('_');
    if (joint != std::string::npos) {
      message.erase(joint, 1);
      message[joint] = static_cast<char>(message[joint] - 'a' + 'A');
    }
    return malformed(number, message);
  }
  return out;
}

namespace {

Result<void> check_header(const JsonValue& line) {
  const std::string* format = line.find_string("format");
  const JsonValue* version = line.find("version");
  const double* number = version == nullptr ? nullptr : version->if_number();
  if (format == nullptr || *format != kFormat || number == nullptr) {
    return malformed(1, "must be the header of an agent-memory export, got " + describe(line));
  }
  if (*number != kVersion) {
    return malformed(1,
                     "version must be " + std::to_string(kVersion) + ", got " + describe(*version));
  }
  return {};
}

}  // namespace

std::string export_header(std::size_t memories) {
  return dump_json(JsonObject{{"format", kFormat},
                              {"version", kVersion},
                              {"memories", static_cast<double>(memories)}}) +
         "\n";
}

std::string export_line(const MemoryEntry& entry) {
  const MemoryRecord& record = entry.record;
  JsonObject line{{"id", record.id}, {"memory", record.memory}, {"metadata", record.metadata}};
  add_optional(line, "userId", record.identity.user_id);
  add_optional(line, "agentId", record.identity.agent_id);
  add_optional(line, "runId", record.identity.run_id);
  if (record.role) line.push_back({"role", role_name(*record.role)});
  add_optional(line, "name", record.name);
  line.push_back({"createdAt", format_iso8601(record.created_at_ms)});
  line.push_back({"updatedAt", format_iso8601(record.updated_at_ms)});
  if (record.expires_at_ms) {
    line.push_back({"expiresAt", format_iso8601(*record.expires_at_ms)});
  }
  JsonArray history;
  for (const HistoryStep& step : entry.history) {
    if (step.is_mark()) continue;
    history.push_back(JsonObject{{"event", memory_event_name(step.entry.event)},
                                 {"memory", step.entry.memory},
                                 {"at", format_iso8601(step.entry.at_ms)}});
  }
  line.push_back({"history", std::move(history)});
  return dump_json(std::move(line)) + "\n";
}

Result<std::vector<ExportedMemory>> parse_export(std::string_view json_lines) {
  std::vector<ExportedMemory> out;
  std::size_t number = 0;
  bool has_header = false;
  for (std::string_view rest = json_lines; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (is_blank(text)) continue;
    Result<JsonValue> line = parse_json(text);
    if (!line) return malformed(number, line.error().message);
    if (!has_header) {
      Result<void> header = check_header(*line);
      if (!header) return std::move(header).error();
      has_header = true;
      continue;
    }
    Result<ExportedMemory> memory = parse_exported(*line, number);
    if (!memory) return std::move(memory).error();
    out.push_back(*std::move(memory));
  }
  if (!has_header) return malformed(1, "must be the header of an agent-memory export, got nothing");
  return out;
}

}  // namespace agent_memory
