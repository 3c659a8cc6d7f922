// SPDX-License-Identifier: MIT
#include "agent_memory/json_value.hpp"

#include <algorithm>

namespace agent_memory {

const JsonValue* find_member(const JsonObject& object, std::string_view key) {
  const auto member = std::find_if(object.begin(), object.end(),
                                   [&](const JsonMember& each) { return each.key == key; });
  return member == object.end() ? nullptr : &member->value;
}

void set_member(JsonObject& object, std::string_view key, JsonValue value) {
  const auto member = std::find_if(object.begin(), object.end(),
                                   [&](const JsonMember& each) { return each.key == key; });
  if (member != object.end()) {
    member->value = std::move(value);
  } else {
    object.push_back({std::string(key), std::move(value)});
  }
}

JsonObject merge_members(JsonObject base, const JsonObject& over) {
  for (const JsonMember& member : over)
    set_member(base, member.key, member.value);
  return base;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  const JsonObject* object = if_object();
  return object == nullptr ? nullptr : find_member(*object, key);
}

const std::string* JsonValue::find_string(std::string_view key) const {
  const JsonValue* value = find(key);
  return value == nullptr ? nullptr : value->if_string();
}

bool operator==(const JsonValue& left, const JsonValue& right) {
  const JsonObject* left_object = left.if_object();
  const JsonObject* right_object = right.if_object();
  if (left_object == nullptr || right_object == nullptr) return left.data_ == right.data_;
  return left_object->size() == right_object->size() &&
         std::all_of(left_object->begin(), left_object->end(), [&](const JsonMember& member) {
           const JsonValue* other = find_member(*right_object, member.key);
           return other != nullptr && member.value == *other;
         });
}

}  // namespace agent_memory
