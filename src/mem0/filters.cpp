// SPDX-License-Identifier: MIT
#include "mem0/filters.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace agent_memory::mem0 {
namespace {

Error invalid(const std::string& rule) { return Error::invalid("filters", rule); }

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string list(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const std::string_view each : names)
    out.append(out.empty() ? "" : ", ").append(each);
  return out;
}

/// One condition: {op: operand}. Of what is not an object, the operator that it stands for.
struct Condition {
  std::string op;
  JsonValue operand;
};

/// An operand that both APIs can compare with.
bool is_scalar(const JsonValue& value) {
  return value.if_string() != nullptr || value.if_number() != nullptr || value.if_bool() != nullptr;
}

Result<Condition> checked(const std::string& field, Condition condition) {
  const std::string& op = condition.op;
  if (!is_one_of(
          op, {"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "icontains", "*"})) {
    return invalid("has the unknown operator " + op + " at " + field);
  }
  const JsonArray* array = condition.operand.if_array();
  const bool wants_array = op == "in" || op == "nin";
  const bool fits =
      wants_array ? array != nullptr && !array->empty() &&
                        std::all_of(array->begin(), array->end(), is_scalar)
                  : is_scalar(condition.operand) || (op == "*" && condition.operand.is_null());
  if (fits) return condition;
  return invalid(
      "compares " + field + " by " + op + " with " + describe(condition.operand) +
      ", which Mem0 cannot: it compares with " +
      (wants_array ? "lists of texts, numbers and booleans" : "texts, numbers and booleans"));
}

/// All that is asked of one field.
Result<std::vector<Condition>> conditions_of(const std::string& field, const JsonValue& value) {
  std::vector<Condition> conditions;
  const JsonObject* object = value.if_object();
  if (object == nullptr) {
    Condition condition{value.if_array() == nullptr ? "eq" : "in", value};
    const std::string* text = value.if_string();
    if (text != nullptr && *text == "*") condition = {"*", nullptr};
    Result<Condition> one = checked(field, std::move(condition));
    if (!one) return std::move(one).error();
    conditions.push_back(*std::move(one));
    return conditions;
  }
  if (object->empty()) return invalid("asks nothing of " + field);
  for (const JsonMember& each : *object) {
    Result<Condition> one = checked(field, {each.key, each.value});
    if (!one) return std::move(one).error();
    conditions.push_back(*std::move(one));
  }
  return conditions;
}

/// The names that callers write in camelCase too.
std::string field_name(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames = {{
      {"userId", "user_id"},
      {"agentId", "agent_id"},
      {"runId", "run_id"},
      {"appId", "app_id"},
      {"createdAt", "created_at"},
      {"updatedAt", "updated_at"},
      {"expirationDate", "expiration_date"},
  }};
  for (const auto& [camel, snake] : kNames) {
    if (name == camel) return std::string(snake);
  }
  return name;
}

bool is_entity(std::string_view field) {
  return is_one_of(field, {"user_id", "agent_id", "run_id", "app_id"});
}

Result<const JsonObject*> object_of(const JsonValue& value, const std::string& where) {
  if (const JsonObject* object = value.if_object()) return object;
  return invalid("must have an object at " + where + ", got " + describe(value));
}

/// The filters in a list under AND, OR or NOT, which may also be a filter itself for NOT.
Result<std::vector<const JsonObject*>> alternatives_of(const std::string& word,
                                                       const JsonValue& value) {
  std::vector<const JsonObject*> alternatives;
  if (word == "NOT" && value.if_object() != nullptr) {
    alternatives.push_back(value.if_object());
    return alternatives;
  }
  const JsonArray* array = value.if_array();
  if (array == nullptr || array->empty()) {
    return invalid("must have a list of filters at " + word + ", got " + describe(value));
  }
  for (const JsonValue& each : *array) {
    Result<const JsonObject*> object = object_of(each, word);
    if (!object) return std::move(object).error();
    alternatives.push_back(*object);
  }
  return alternatives;
}

bool is_word(std::string_view key) { return is_one_of(key, {"AND", "OR", "NOT"}); }

// -------------------------------------------------------------------------------------- platform

JsonValue single(std::string key, JsonValue value) {
  JsonObject object;
  object.push_back({std::move(key), std::move(value)});
  return object;
}

/// One filter that is met where all parts are; there is at least one.
JsonValue all_of(JsonArray parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return single("AND", std::move(parts));
}

JsonValue none_of(JsonValue part) {
  JsonArray parts;
  parts.push_back(std::move(part));
  return single("NOT", std::move(parts));
}

class Platform {
 public:
  explicit Platform(Endpoint endpoint) : endpoint_(endpoint) {}

  /// Adds what `filter` asks to `parts`.
  Result<void> add(const JsonObject& filter, JsonArray& parts) {
    for (const JsonMember& member : filter) {
      auto added = is_word(member.key) ? add_word(member, parts)
                                       : add_field(field_name(member.key), member.value, parts);
      if (!added) return added;
    }
    return {};
  }

  Result<void> add_metadata_key(const std::string& key, const JsonValue& value, JsonArray& parts) {
    const std::string shown = "metadata." + key;
    auto conditions = conditions_of(shown, value);
    if (!conditions) return std::move(conditions).error();
    for (Condition& each : *conditions) {
      const auto of = [&](JsonValue operand) {
        return single("metadata", single(key, std::move(operand)));
      };
      if (each.op == "eq") {
        parts.push_back(of(std::move(each.operand)));
      } else if (each.op == "ne" || each.op == "contains") {
        parts.push_back(of(single(each.op, std::move(each.operand))));
      } else if (each.op == "in" || each.op == "nin") {
        JsonArray any;
        for (JsonValue& value_of : *each.operand.if_array())
          any.push_back(of(std::move(value_of)));
        parts.push_back(single(each.op == "in" ? "OR" : "NOT", std::move(any)));
      } else {
        return has_no(shown, each.op, {"eq", "ne", "in", "nin", "contains"});
      }
    }
    return {};
  }

 private:
  static Error has_no(const std::string& field, const std::string& op,
                      std::initializer_list<std::string_view> known) {
    return invalid("asks " + op + " of " + field + ", for which Mem0's platform has only " +
                   list(known));
  }

  Result<void> add_word(const JsonMember& member, JsonArray& parts) {
    auto alternatives = alternatives_of(member.key, member.value);
    if (!alternatives) return std::move(alternatives).error();
    JsonArray all;
    for (const JsonObject* each : *alternatives) {
      if (member.key == "AND") {
        if (auto added = add(*each, parts); !added) return added;
        continue;
      }
      JsonArray inner;
      if (auto added = add(*each, inner); !added) return added;
      if (inner.empty()) return invalid("must not have an empty filter at " + member.key);
      all.push_back(all_of(std::move(inner)));
    }
    if (!all.empty()) parts.push_back(single(member.key, std::move(all)));
    return {};
  }

  Result<void> add_field(const std::string& field, const JsonValue& value, JsonArray& parts) {
    if (field == "metadata" && value.if_object() != nullptr) {
      for (const JsonMember& each : *value.if_object()) {
        if (auto added = add_metadata_key(each.key, each.value, parts); !added) return added;
      }
      return {};
    }
    if (field == "role" || field == "name") {
      return invalid("asks for " + field + ", which Mem0's platform does not keep");
    }
    const bool is_time =
        is_one_of(field, {"created_at", "updated_at", "timestamp", "expiration_date"});
    const bool is_own =
        is_time || is_entity(field) || is_one_of(field, {"id", "memory", "categories"});
    if (!is_own) return add_metadata_key(field, value, parts);

    auto conditions = conditions_of(field, value);
    if (!conditions) return std::move(conditions).error();
    for (Condition& each : *conditions) {
      auto added = field == "id"           ? add_id(each, parts)
                   : field == "memory"     ? add_memory(each, parts)
                   : field == "categories" ? add_category(each, parts)
                   : is_time               ? add_time(field, each, parts)
                                           : add_entity(field, each, parts);
      if (!added) return added;
    }
    return {};
  }

  static Result<void> add_entity(const std::string& field, Condition& each, JsonArray& parts) {
    if (each.op == "*") {
      parts.push_back(single(field, "*"));
    } else if (each.op == "eq") {
      parts.push_back(single(field, std::move(each.operand)));
    } else if (each.op == "ne" || each.op == "in") {
      parts.push_back(single(field, single(each.op, std::move(each.operand))));
    } else if (each.op == "nin") {
      parts.push_back(none_of(single(field, single("in", std::move(each.operand)))));
    } else {
      return has_no(field, each.op, {"eq", "ne", "in", "nin", "'*'"});
    }
    return {};
  }

  static Result<void> add_time(const std::string& field, Condition& each, JsonArray& parts) {
    if (each.op == "eq") {
      parts.push_back(single(field, std::move(each.operand)));
    } else if (is_one_of(each.op, {"gt", "gte", "lt", "lte", "ne", "in"})) {
      parts.push_back(single(field, single(each.op, std::move(each.operand))));
    } else if (each.op == "nin") {
      parts.push_back(none_of(single(field, single("in", std::move(each.operand)))));
    } else {
      return has_no(field, each.op, {"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"});
    }
    return {};
  }

  static Result<void> add_category(Condition& each, JsonArray& parts) {
    if (each.op == "eq") {
      each = {"in", JsonArray{std::move(each.operand)}};
    }
    if (each.op != "in" && each.op != "contains") {
      return has_no("categories", each.op, {"eq", "in", "contains"});
    }
    parts.push_back(single("categories", single(each.op, std::move(each.operand))));
    return {};
  }

  static Result<void> add_id(Condition& each, JsonArray& parts) {
    if (each.op == "eq" || each.op == "ne") {
      each = {each.op == "eq" ? "in" : "nin", JsonArray{std::move(each.operand)}};
    }
    if (each.op != "in" && each.op != "nin")
      return has_no("id", each.op, {"eq", "ne", "in", "nin"});
    JsonValue ids = single("memory_ids", std::move(each.operand));
    parts.push_back(each.op == "in" ? std::move(ids) : none_of(std::move(ids)));
    return {};
  }

  Result<void> add_memory(Condition& each, JsonArray& parts) const {
    if (endpoint_ == Endpoint::kSearch) {
      return invalid(
          "asks for a part of memory, which a search on Mem0's platform cannot; a list can");
    }
    if (each.op != "contains" && each.op != "icontains") {
      return has_no("memory", each.op, {"contains", "icontains"});
    }
    parts.push_back(single("keywords", single(each.op, std::move(each.operand))));
    return {};
  }

  Endpoint endpoint_;
};

/// Whether the filter can be met only by memories of an entity that it names.
bool names_entity(const JsonValue& filter) {
  const JsonObject* object = filter.if_object();
  if (object == nullptr) return false;
  return std::any_of(object->begin(), object->end(), [](const JsonMember& each) {
    if (is_entity(each.key)) {
      const std::string* text = each.value.if_string();
      return text != nullptr ? *text != "*" : each.value.find("in") != nullptr;
    }
    const JsonArray* parts = each.value.if_array();
    if (parts == nullptr) return false;
    if (each.key == "AND") return std::any_of(parts->begin(), parts->end(), names_entity);
    return each.key == "OR" && std::all_of(parts->begin(), parts->end(), names_entity);
  });
}

// ----------------------------------------------------------------------------------- self-hosted

class SelfHosted {
 public:
  /// Adds what `filter` asks to `root`.
  Result<void> add(const JsonObject& filter, JsonObject& root) {
    for (const JsonMember& member : filter) {
      if (member.key == "AND") {
        auto parts = alternatives_of(member.key, member.value);
        if (!parts) return std::move(parts).error();
        for (const JsonObject* each : *parts) {
          if (auto added = add(*each, root); !added) return added;
        }
      } else if (is_word(member.key)) {
        if (auto added = add_word(member); !added) return added;
      } else if (auto added = add_field(member, root); !added) {
        return added;
      }
    }
    return {};
  }

  Result<void> add_key(const std::string& key, const JsonValue& value, JsonObject& target) {
    const std::string shown = "metadata." + key;
    if (is_entity(key) || is_word(key) || key.starts_with("$")) {
      return invalid("asks for " + shown + ", which a self-hosted server takes for something else");
    }
    return add_conditions(key, shown, value, target);
  }

  /// Puts OR and NOT to the rest; a condition that stands alone becomes its value.
  void finish(JsonObject& root) {
    simplify(root);
    for (auto* group : {&or_, &not_}) {
      if (group->empty()) continue;
      JsonArray items;
      for (JsonObject& each : *group) {
        simplify(each);
        items.emplace_back(std::move(each));
      }
      root.push_back({group == &or_ ? "OR" : "NOT", std::move(items)});
    }
  }

 private:
  static void simplify(JsonObject& conditions) {
    for (JsonMember& each : conditions) {
      JsonObject* object = each.value.if_object();
      if (object == nullptr || object->size() != 1) continue;
      if (object->front().key == "*") {
        each.value = "*";
      } else if (object->front().key == "eq" && object->front().value != JsonValue("*")) {
        each.value = JsonValue(std::move(object->front().value));
      }
    }
  }

  Result<void> add_word(const JsonMember& member) {
    auto& group = member.key == "OR" ? or_ : not_;
    if (member.key == "OR" && !or_.empty()) {
      return invalid("has OR twice, of which a self-hosted server takes the last");
    }
    auto alternatives = alternatives_of(member.key, member.value);
    if (!alternatives) return std::move(alternatives).error();
    for (const JsonObject* each : *alternatives) {
      JsonObject& target = group.emplace_back();
      for (const JsonMember& field : *each) {
        if (is_word(field.key)) {
          return invalid("nests " + field.key + " in " + member.key +
                         ", which a self-hosted server cannot");
        }
        if (auto added = add_field(field, target); !added) return added;
      }
      if (target.empty()) return invalid("must not have an empty filter at " + member.key);
    }
    return {};
  }

  Result<void> add_field(const JsonMember& member, JsonObject& target) {
    const std::string field = field_name(member.key);
    if (field == "metadata" && member.value.if_object() != nullptr) {
      for (const JsonMember& each : *member.value.if_object()) {
        if (auto added = add_key(each.key, each.value, target); !added) return added;
      }
      return {};
    }
    if (is_entity(field)) {
      return invalid("asks for " + field +
                     ", which on a self-hosted server can be given as an option only");
    }
    if (is_one_of(field, {"id", "memory", "created_at", "updated_at", "expiration_date"})) {
      return invalid("asks for " + field + ", which a self-hosted server cannot filter by");
    }
    if (field == "name") return add_conditions("actor_id", field, member.value, target);
    if (field == "role") return add_conditions(field, field, member.value, target);
    return add_key(field, member.value, target);
  }

  static Result<void> add_conditions(const std::string& key, const std::string& shown,
                                     const JsonValue& value, JsonObject& target) {
    auto conditions = conditions_of(shown, value);
    if (!conditions) return std::move(conditions).error();
    if (find_member(target, key) == nullptr) target.push_back({key, JsonObject{}});
    for (JsonMember& each : target) {
      if (each.key != key) continue;
      JsonObject& known = *each.value.if_object();
      for (Condition& condition : *conditions) {
        const bool is_there = find_member(known, condition.op) != nullptr;
        if (is_there || (!known.empty() && (condition.op == "*" || known.front().key == "*"))) {
          return invalid("asks " + condition.op + " of " + shown +
                         " beside another condition, of which a self-hosted server takes one");
        }
        known.push_back({condition.op, std::move(condition.operand)});
      }
    }
    return {};
  }

  std::vector<JsonObject> or_;
  std::vector<JsonObject> not_;
};

/// Of metadata that must be there: whatever it looks like, it is no operator.
JsonValue equal_to(const JsonValue& value) { return single("eq", value); }

}  // namespace

JsonObject identity_members(const Identity& identity) {
  JsonObject members;
  if (identity.user_id) members.push_back({"user_id", *identity.user_id});
  if (identity.agent_id) members.push_back({"agent_id", *identity.agent_id});
  if (identity.run_id) members.push_back({"run_id", *identity.run_id});
  return members;
}

Result<JsonObject> platform_filters(const Identity& identity, const Metadata& metadata,
                                    const JsonValue& filters, Endpoint endpoint) {
  JsonObject ids = identity_members(identity);
  JsonArray parts;
  Platform platform(endpoint);
  for (const JsonMember& each : metadata) {
    if (auto added = platform.add_metadata_key(each.key, equal_to(each.value), parts); !added) {
      return std::move(added).error();
    }
  }
  if (!filters.is_null()) {
    Result<const JsonObject*> object = object_of(filters, "the top");
    if (!object) return std::move(object).error();
    if (auto added = platform.add(**object, parts); !added) return std::move(added).error();
  }
  if (parts.empty()) {
    if (!ids.empty()) return ids;
  } else {
    JsonArray all;
    for (JsonMember& each : ids)
      all.push_back(single(std::move(each.key), std::move(each.value)));
    for (JsonValue& each : parts)
      all.push_back(std::move(each));
    JsonValue whole = all_of(std::move(all));
    if (names_entity(whole)) return std::move(*whole.if_object());
  }
  return Error::invalid("user_id",
                        "must be given, or another id: Mem0 keeps no memory without one");
}

Result<JsonObject> self_hosted_filters(const Identity& identity, const Metadata& metadata,
                                       const JsonValue& filters) {
  JsonObject root;
  SelfHosted server;
  for (const JsonMember& each : metadata) {
    if (auto added = server.add_key(each.key, equal_to(each.value), root); !added) {
      return std::move(added).error();
    }
  }
  if (!filters.is_null()) {
    Result<const JsonObject*> object = object_of(filters, "the top");
    if (!object) return std::move(object).error();
    if (auto added = server.add(**object, root); !added) return std::move(added).error();
  }
  server.finish(root);
  JsonObject all = identity_members(identity);
  for (JsonMember& each : root)
    all.push_back(std::move(each));
  return all;
}

}  // namespace agent_memory::mem0
