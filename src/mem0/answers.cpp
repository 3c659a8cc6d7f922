// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "base/sort.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "mem0/wire.hpp"

namespace agent_memory::mem0 {
namespace {

constexpr std::size_t kMaxShownBytes = 300;

Error wrong_shape(const std::string& what) {
  return {.code = ErrorCode::kProvider,
          .message = "Mem0 answered with something else than " + what};
}

/// What a server says went wrong: in any of the shapes that the two have.
std::string complaint(const JsonValue& body) {
  if (const std::string* text = body.if_string()) return *text;
  if (const JsonArray* list = body.if_array()) {
    std::string all;
    for (const JsonValue& each : *list) {
      const std::string one = complaint(each);
      if (!one.empty()) all.append(all.empty() ? "" : "; ").append(one);
    }
    return all;
  }
  const JsonObject* object = body.if_object();
  if (object == nullptr) return {};
  // {msg, loc}: which field, and what of it.
  if (const std::string* message = body.find_string("msg")) {
    const JsonValue* place = body.find("loc");
    const JsonArray* steps = place == nullptr ? nullptr : place->if_array();
    std::string where;
    for (std::size_t i = 0; steps != nullptr && i < steps->size(); ++i) {
      const std::string* name = (*steps)[i].if_string();
      where.append(where.empty() ? "" : ".").append(name ? *name : dump_json((*steps)[i]));
    }
    return where.empty() ? *message : where + ": " + *message;
  }
  if (const JsonValue* details = body.find("details")) {
    if (std::string text = complaint(*details); !text.empty()) return text;
  }
  for (const std::string_view key : {"detail", "error", "message"}) {
    const JsonValue* value = body.find(key);
    if (value == nullptr) continue;
    if (std::string text = complaint(*value); !text.empty()) return text;
  }
  // {field: [what of it]}
  for (const JsonMember& each : *object) {
    if (each.value.if_array() == nullptr) continue;
    if (const std::string text = complaint(each.value); !text.empty())
      return each.key + ": " + text;
  }
  return {};
}

bool is_uuid(std::string_view id) {
  if (id.size() != 36) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const char each = id[i];
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool is_digit = (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f') ||
                          (each >= 'A' && each <= 'F');
    if (is_dash ? each != '-' : !is_digit) return false;
  }
  return true;
}

std::optional<std::string> text_of(const JsonValue& object, std::string_view key) {
  const std::string* text = object.find_string(key);
  return text == nullptr || text->empty() ? std::nullopt : std::optional(*text);
}

std::optional<TimestampMs> time_of(const JsonValue& object, std::string_view key) {
  const std::string* text = object.find_string(key);
  return text == nullptr ? std::nullopt : parse_iso8601(*text);
}

std::optional<double> number_of(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  const double* number = value == nullptr ? nullptr : value->if_number();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<Metadata> metadata_of(const JsonValue& object) {
  const JsonValue* value = object.find("metadata");
  const JsonObject* metadata = value == nullptr ? nullptr : value->if_object();
  return metadata == nullptr ? std::nullopt : std::optional(*metadata);
}

/// The text of a memory: `memory`, or where an add tells of it `data.memory`.
const std::string* memory_text(const JsonValue& object) {
  if (const std::string* text = object.find_string("memory")) return text;
  const JsonValue* data = object.find("data");
  return data == nullptr ? nullptr : data->find_string("memory");
}

std::optional<Explanation> explanation_of(const JsonValue& object) {
  const auto unit = [](std::optional<double> value) {
    return value ? std::optional(std::clamp(*value, 0.0, 1.0)) : std::nullopt;
  };
  Explanation explanation;
  if (const JsonValue* parts = object.find("score_breakdown"); parts && parts->if_object()) {
    explanation.semantic = unit(number_of(*parts, "semantic"));
    explanation.keyword = unit(number_of(*parts, "bm25")).value_or(0);
  } else if (const JsonValue* details = object.find("score_details");
             details && details->if_object()) {
    explanation.semantic = unit(number_of(*details, "semantic_score"));
    explanation.keyword = unit(number_of(*details, "bm25_score")).value_or(0);
  } else {
    return std::nullopt;
  }
  return explanation;
}

Result<RetrievedMemory> memory_of(const JsonValue& object, const std::string& where) {
  const std::string* id = object.find_string("id");
  const std::string* text = memory_text(object);
  if (id == nullptr || id->empty() || text == nullptr) {
    return wrong_shape("a memory with id and text at " + where);
  }
  RetrievedMemory memory;
  memory.id = *id;
  memory.memory = *text;
  memory.score = std::clamp(number_of(object, "score").value_or(1.0), 0.0, 1.0);
  memory.metadata = metadata_of(object).value_or(Metadata{});
  memory.created_at_ms = time_of(object, "created_at");
  memory.updated_at_ms = time_of(object, "updated_at");
  memory.identity.user_id = text_of(object, "user_id");
  memory.identity.agent_id = text_of(object, "agent_id");
  memory.identity.run_id = text_of(object, "run_id");
  if (!memory.identity.run_id) memory.identity.run_id = text_of(object, "session_id");
  if (const auto role = text_of(object, "role")) memory.role = role_from_name(*role);
  memory.name = text_of(object, "actor_id");
  memory.explanation = explanation_of(object);
  return memory;
}

/// The list in an answer, in whatever it is wrapped; nullptr where there is none.
const JsonArray* list_in(const JsonValue& body) {
  if (const JsonArray* array = body.if_array()) return array;
  for (const std::string_view key : {"results", "memories"}) {
    const JsonValue* value = body.find(key);
    if (value != nullptr && value->if_array() != nullptr) return value->if_array();
  }
  return nullptr;
}

std::string item(std::size_t index) { return "results[" + std::to_string(index) + "]"; }

enum class Progress : std::uint8_t { kUnknown, kUnderWay, kSucceeded, kFailed };

Progress progress_of(const std::string& status) {
  if (status == "SUCCEEDED" || status == "COMPLETED") return Progress::kSucceeded;
  if (status == "FAILED") return Progress::kFailed;
  return status == "PENDING" || status == "RUNNING" ? Progress::kUnderWay : Progress::kUnknown;
}

Error failed_to_store(const JsonValue& said) {
  const std::string why = complaint(said);
  return {.code = ErrorCode::kProvider,
          .message = why.empty() ? "Mem0 failed to store what was said"
                                 : "Mem0 failed to store what was said: " + why};
}

/// The receipt that an item of an add's results is; nullopt where it is none of ours.
Result<std::optional<StoredMemory>> receipt_of(const JsonValue& object, const Metadata& metadata,
                                               const std::string& where) {
  const std::string* id = object.find_string("id");
  if (id == nullptr) id = object.find_string("memory_id");
  const std::string* text = memory_text(object);
  const std::string event = text_of(object, "event").value_or("ADD");
  std::optional<MemoryEvent> known = memory_event_from_name(event);
  if (event == "NONE") known = MemoryEvent::kNoop;
  if (id == nullptr || (text == nullptr && known != MemoryEvent::kDelete)) {
    return wrong_shape("a memory with id and text at " + where);
  }
  if (!known) return std::optional<StoredMemory>();
  return std::optional(StoredMemory{.id = *id,
                                    .memory = text == nullptr ? std::string() : *text,
                                    .event = *known,
                                    .metadata = metadata_of(object).value_or(metadata)});
}

}  // namespace

std::string redacted(const Mem0ProviderOptions& options, std::string text) {
  const auto hide = [&](std::string_view secret) {
    if (secret.empty()) return;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;)
      text.replace(at, secret.size(), "…");
  };
  hide(options.api_key);
  for (const HttpHeader& each : options.headers) {
    // Short ones are words like any other.
    if (each.value.size() >= 8) hide(each.value);
    const std::size_t blank = each.value.find(' ');
    if (blank != std::string::npos && each.value.size() - blank > 8) {
      hide(std::string_view(each.value).substr(blank + 1));
    }
  }
  return text;
}

Answer read_answer(const Mem0ProviderOptions& options, const HttpResponse& response) {
  Answer answer{.status = response.status,
                .body = {},
                .is_json = false,
                .is_empty = is_blank(response.body),
                .text = {},
                .code = {},
                .retry_after = response.retry_after};
  const std::string valid = to_valid_utf8(response.body);
  if (valid == response.body) {
    if (Result<JsonValue> json = parse_json(valid)) {
      answer.body = *std::move(json);
      answer.is_json = true;
    }
  }
  if (answer.is_json) {
    answer.text = complaint(answer.body);
    if (const std::string* code = answer.body.find_string("code")) answer.code = *code;
  } else if (valid != response.body) {
    answer.text = "text that is not UTF-8";
  } else if (answer.is_empty) {
    answer.text = "nothing";
  } else if (response.content_type.starts_with("text/html") ||
             valid.find_first_not_of(" \t\r\n") == valid.find('<')) {
    answer.text = "a web page";
  } else {
    // Redacted before it is cut, or a part of a secret could be left.
    const std::string shown = redacted(options, std::string(truncate_utf8(valid, 1U << 16U)));
    answer.text = "the text '" + std::string(truncate_utf8(shown, kMaxShownBytes)) + "'";
  }
  answer.text = redacted(options, std::move(answer.text));
  if (answer.text.size() > kMaxShownBytes) {
    answer.text.resize(truncate_utf8(answer.text, kMaxShownBytes).size());
    answer.text += "…";
  }
  return answer;
}

Error error_of(const Answer& answer) {
  Error error{.code = ErrorCode::kProvider,
              .message = "Mem0 answered with status " + std::to_string(answer.status),
              .retryable = classify(answer.status, answer.code) != Attempt::kDone,
              .status = answer.status};
  if (!answer.text.empty() && answer.status >= 400) error.message += ": " + answer.text;
  if (answer.status == 401 || answer.status == 403) error.code = ErrorCode::kUnauthorized;
  if (answer.status == 429 || answer.code == "provider_rate_limited") {
    error.code = ErrorCode::kRateLimited;
  }
  if (answer.status == 408 || answer.status == 504 || answer.code == "provider_timeout") {
    error.code = ErrorCode::kTimeout;
  }
  if (answer.status >= 300 && answer.status < 400) {
    error.message +=
        ", a redirect, which is not followed: the base URL must be the address that it leads to";
  }
  return error;
}

bool is_missing(const Answer& answer, std::string_view memory_id) {
  if (!answer.is_json || memory_id.empty()) return false;
  std::string text = answer.text;
  for (char& each : text) {
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  }
  if (answer.status == 404) return text.find("memory") != std::string::npos || text == "not found.";
  if (is_uuid(memory_id)) return false;
  return (answer.status == 400 && text.find("uuid") != std::string::npos) ||
         (answer.status == 502 && answer.code == "unknown");
}

bool is_past_the_end(const Answer& answer) {
  return answer.status == 404 && answer.text.find("page") != std::string::npos && answer.is_json;
}

Result<void> require_json(const Answer& answer) {
  if (answer.is_json) return {};
  return Error{.code = ErrorCode::kProvider,
               .message = "Mem0 answered with " + answer.text + " in place of JSON",
               .status = answer.status};
}

Result<Page> read_page(const Answer& answer) {
  if (auto checked = require_json(answer); !checked) return std::move(checked).error();
  const JsonArray* list = list_in(answer.body);
  if (list == nullptr) return wrong_shape("a list of memories");
  Page page;
  for (std::size_t i = 0; i < list->size(); ++i) {
    Result<RetrievedMemory> memory = memory_of((*list)[i], item(i));
    if (!memory) return std::move(memory).error();
    page.memories.push_back(*std::move(memory));
  }
  page.has_more = !page.memories.empty() && answer.body.find_string("next") != nullptr;
  return page;
}

Result<std::optional<RetrievedMemory>> read_memory(const Answer& answer) {
  if (auto checked = require_json(answer); !checked) return std::move(checked).error();
  if (answer.body.is_null()) return std::optional<RetrievedMemory>();
  Result<RetrievedMemory> memory = memory_of(answer.body, "the top");
  if (!memory) return std::move(memory).error();
  memory->score = 1.0;
  return std::optional(*std::move(memory));
}

Result<std::vector<HistoryEntry>> read_history(const Answer& answer) {
  if (auto checked = require_json(answer); !checked) return std::move(checked).error();
  const JsonArray* list = list_in(answer.body);
  if (list == nullptr) return wrong_shape("a history");
  std::vector<HistoryEntry> history;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const JsonValue& each = (*list)[i];
    const auto name = text_of(each, "event");
    const auto event = name ? memory_event_from_name(*name) : std::nullopt;
    if (!event) return wrong_shape("ADD, UPDATE or DELETE as the event of " + item(i));
    // A self-hosted server keeps under created_at when the memory was made.
    auto at = time_of(each, *event == MemoryEvent::kAdd ? "created_at" : "updated_at");
    if (!at) at = time_of(each, "created_at");
    if (!at) at = time_of(each, "updated_at");
    if (!at) return wrong_shape("a time for " + item(i));
    auto memory = text_of(each, "new_memory");
    if (!memory) memory = text_of(each, "old_memory");
    history.push_back({.event = *event, .memory = memory.value_or(std::string()), .at_ms = *at});
  }
  sort_stably(history, [](const HistoryEntry& left, const HistoryEntry& right) {
    return left.at_ms < right.at_ms;
  });
  return history;
}

Result<AddResult> read_add(const Answer& answer, const Metadata& metadata) {
  if (auto checked = require_json(answer); !checked) return std::move(checked).error();
  AddResult result;
  const auto take_status = [&](const JsonValue& object, bool has_results) -> Result<bool> {
    const auto status = text_of(object, "status");
    const auto event_id = text_of(object, "event_id");
    const Progress progress = status ? progress_of(*status) : Progress::kUnknown;
    // Of a status that nobody knows the event can tell what becomes of it.
    const bool is_lost = status && progress == Progress::kUnknown && !event_id && !has_results;
    if (progress == Progress::kFailed || is_lost) return failed_to_store(object);
    const bool is_over = has_results || progress == Progress::kSucceeded;
    if (!event_id || is_over) return status.has_value();
    result.pending_events.push_back(*event_id);
    return true;
  };
  const JsonArray* list = list_in(answer.body);
  bool is_known = list != nullptr;
  if (answer.body.if_object() != nullptr) {
    Result<bool> known = take_status(answer.body, list != nullptr && !list->empty());
    if (!known) return std::move(known).error();
    is_known = is_known || *known;
  }
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const JsonValue& each = (*list)[i];
    if (each.find("id") == nullptr && each.find("event_id") != nullptr) {
      Result<bool> known = take_status(each, false);
      if (!known) return std::move(known).error();
      continue;
    }
    auto receipt = receipt_of(each, metadata, item(i));
    if (!receipt) return std::move(receipt).error();
    if (*receipt) result.stored.push_back(**std::move(receipt));
  }
  if (!is_known) return wrong_shape("what became of the messages");
  return result;
}

Result<std::optional<std::vector<StoredMemory>>> read_event(const Answer& answer,
                                                            const Metadata& metadata) {
  using Stored = std::optional<std::vector<StoredMemory>>;
  if (auto checked = require_json(answer); !checked) return std::move(checked).error();
  const auto status = text_of(answer.body, "status");
  if (!status) return wrong_shape("an event with a status");
  switch (progress_of(*status)) {
    case Progress::kUnknown:
    case Progress::kUnderWay:
      return Stored();
    case Progress::kFailed:
      return failed_to_store(answer.body);
    case Progress::kSucceeded:
      break;
  }
  std::vector<StoredMemory> stored;
  const JsonArray* list = list_in(answer.body);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    auto receipt = receipt_of((*list)[i], metadata, item(i));
    if (!receipt) return std::move(receipt).error();
    if (*receipt) stored.push_back(**std::move(receipt));
  }
  return Stored(std::move(stored));
}

std::optional<std::string> read_deletion(const Answer& answer) {
  return text_of(answer.body, "event_id");
}

}  // namespace agent_memory::mem0
