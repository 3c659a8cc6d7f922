// SPDX-License-Identifier: MIT
#include "support/filter_oracle.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace agent_memory::testing {
namespace {

/// A subject as Mem0 would write it down.
JsonValue as_json(const FilterSubject& subject) {
  JsonObject out{{"id", subject.id}, {"memory", subject.memory}};
  const auto add = [&](std::string_view key, const std::optional<std::string>& value) {
    if (value) set_member(out, key, *value);
  };
  if (subject.identity != nullptr) {
    add("user_id", subject.identity->user_id);
    add("agent_id", subject.identity->agent_id);
    add("run_id", subject.identity->run_id);
  }
  if (subject.role) set_member(out, "role", *subject.role == Role::kUser ? "user" : "assistant");
  if (!subject.name.empty()) set_member(out, "name", subject.name);
  set_member(out, "created_at", static_cast<double>(subject.created_at_ms));
  set_member(out, "updated_at", static_cast<double>(subject.updated_at_ms));
  return out;
}

bool is_null(const JsonValue* value) { return value == nullptr || value->is_null(); }

bool equal(const JsonValue* value, const JsonValue& operand) {
  return operand.is_null() ? is_null(value) : value != nullptr && *value == operand;
}

/// -1, 0 or 1; 2 where the two do not compare.
int compare(const JsonValue* value, const JsonValue& operand) {
  if (value == nullptr) return 2;
  if (value->if_number() != nullptr && operand.if_number() != nullptr) {
    return *value->if_number() < *operand.if_number()   ? -1
           : *value->if_number() > *operand.if_number() ? 1
                                                        : 0;
  }
  if (value->if_string() != nullptr && operand.if_string() != nullptr) {
    const int order = value->if_string()->compare(*operand.if_string());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  return 2;
}

std::string lower(std::string text) {
  for (char& byte : text) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + ('a' - 'A'));
  }
  return text;
}

bool has_part(const JsonValue& value, const JsonValue& operand, bool any_case) {
  const std::string* text = value.if_string();
  const std::string* part = operand.if_string();
  if (text == nullptr || part == nullptr) return false;
  if (any_case) return lower(*text).find(lower(*part)) != std::string::npos;
  return text->find(*part) != std::string::npos;
}

bool contains(const JsonValue* value, const JsonValue& operand, bool any_case) {
  if (value == nullptr) return false;
  const JsonArray* array = value->if_array();
  if (array == nullptr) return has_part(*value, operand, any_case);
  return std::any_of(array->begin(), array->end(), [&](const JsonValue& element) {
    return has_part(element, operand, any_case) || element == operand;
  });
}

bool is_in(const JsonValue* value, const JsonValue& operands) {
  const JsonArray* elements = value == nullptr ? nullptr : value->if_array();
  for (const JsonValue& operand : *operands.if_array()) {
    if (equal(value, operand)) return true;
    if (elements == nullptr) continue;
    if (std::find(elements->begin(), elements->end(), operand) != elements->end()) return true;
  }
  return false;
}

bool holds(const JsonValue* value, std::string_view op, const JsonValue& operand) {
  const int order = compare(value, operand);
  if (op == "eq") return equal(value, operand);
  if (op == "ne") return !equal(value, operand);
  if (op == "gt") return order == 1;
  if (op == "gte") return order == 0 || order == 1;
  if (op == "lt") return order == -1;
  if (op == "lte") return order == -1 || order == 0;
  if (op == "in") return is_in(value, operand);
  if (op == "nin") return !is_in(value, operand);
  return contains(value, operand, op == "icontains");
}

bool holds(const JsonValue* value, const JsonValue& condition) {
  if (condition == JsonValue("*")) return !is_null(value);
  if (condition.if_array() != nullptr) return holds(value, "in", condition);
  const JsonObject* operators = condition.if_object();
  if (operators == nullptr) return holds(value, "eq", condition);
  return std::all_of(operators->begin(), operators->end(),
                     [&](const JsonMember& each) { return holds(value, each.key, each.value); });
}

/// Times in a condition as the numbers that they stand for.
JsonValue with_times(JsonValue condition) {
  if (const std::string* text = condition.if_string(); text != nullptr && *text != "*") {
    return static_cast<double>(*parse_iso8601(*text));
  }
  if (JsonArray* array = condition.if_array()) {
    for (JsonValue& each : *array)
      each = with_times(std::move(each));
  }
  if (JsonObject* operators = condition.if_object()) {
    for (JsonMember& each : *operators)
      each.value = with_times(std::move(each.value));
  }
  return condition;
}

}  // namespace

bool oracle_matches(const JsonValue& filter, const FilterSubject& subject) {
  static const std::map<std::string, std::string, std::less<>> kFields{{"id", "id"},
                                                                       {"memory", "memory"},
                                                                       {"user_id", "user_id"},
                                                                       {"userId", "user_id"},
                                                                       {"agent_id", "agent_id"},
                                                                       {"agentId", "agent_id"},
                                                                       {"run_id", "run_id"},
                                                                       {"runId", "run_id"},
                                                                       {"role", "role"},
                                                                       {"name", "name"},
                                                                       {"created_at", "created_at"},
                                                                       {"createdAt", "created_at"},
                                                                       {"updated_at", "updated_at"},
                                                                       {"updatedAt", "updated_at"}};
  const JsonValue memory = as_json(subject);
  const auto in_metadata = [&](const std::string& key, const JsonValue& condition) {
    return holds(subject.metadata == nullptr ? nullptr : find_member(*subject.metadata, key),
                 condition);
  };
  const auto matches = [&](const JsonValue& each) { return oracle_matches(each, subject); };

  if (filter.is_null()) return true;
  for (const auto& [key, value] : *filter.if_object()) {
    const JsonArray* list = value.if_array();
    bool holds_here = false;
    if (key == "AND") {
      holds_here = std::all_of(list->begin(), list->end(), matches);
    } else if (key == "OR") {
      holds_here = std::any_of(list->begin(), list->end(), matches);
    } else if (key == "NOT") {
      holds_here =
          list == nullptr ? !matches(value) : std::none_of(list->begin(), list->end(), matches);
    } else if (key == "metadata") {
      const JsonObject& members = *value.if_object();
      holds_here = std::all_of(members.begin(), members.end(), [&](const JsonMember& member) {
        return in_metadata(member.key, member.value);
      });
    } else if (const auto field = kFields.find(key); field != kFields.end()) {
      const bool is_time = field->second.ends_with("_at");
      holds_here = holds(memory.find(field->second), is_time ? with_times(value) : value);
    } else {
      holds_here = in_metadata(key, value);
    }
    if (!holds_here) return false;
  }
  return true;
}

}  // namespace agent_memory::testing
