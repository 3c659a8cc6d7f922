// SPDX-License-Identifier: MIT
#include "agent_memory/json_value.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace agent_memory {

const JsonValue* find_member(const JsonObject& object, std::string_view key) {
  for (const JsonMember& each : object) {
    if (each.key.size() == key.size() && std::memcmp(each.key.data(), key.data(), key.size()) == 0)
      return &each.value;
  }
  return nullptr;
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

JsonValue::JsonValue(std::string value) : kind_(Kind::kString), string_(std::move(value)) {}
JsonValue::JsonValue(std::string_view value) : JsonValue(std::string(value)) {}
JsonValue::JsonValue(JsonArray value) : kind_(Kind::kArray), array_(std::move(value)) {}
JsonValue::JsonValue(JsonObject value) : kind_(Kind::kObject), object_(std::move(value)) {}

template <typename Other>
void JsonValue::construct(Other&& other) {
  switch (kind_) {
    case Kind::kNull:
      break;
    case Kind::kBool:
      bool_ = other.bool_;
      break;
    case Kind::kNumber:
      number_ = other.number_;
      break;
    case Kind::kString:
      std::construct_at(&string_, std::forward<Other>(other).string_);
      break;
    case Kind::kArray:
      std::construct_at(&array_, std::forward<Other>(other).array_);
      break;
    case Kind::kObject:
      std::construct_at(&object_, std::forward<Other>(other).object_);
      break;
  }
}

JsonValue::JsonValue(const JsonValue& other) : kind_(other.kind_) { construct(other); }

JsonValue::JsonValue(JsonValue&& other) noexcept : kind_(other.kind_) {
  construct(std::move(other));
  std::destroy_at(&other);
  std::construct_at(&other);
}

JsonValue& JsonValue::operator=(const JsonValue& other) { return *this = JsonValue(other); }

JsonValue& JsonValue::operator=(JsonValue&& other) noexcept {
  JsonValue taken(std::move(other));  // `other` may be a part of this
  std::destroy_at(this);
  return *std::construct_at(this, std::move(taken));
}

JsonValue::~JsonValue() {
  switch (kind_) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kNumber:
      break;
    case Kind::kString:
      std::destroy_at(&string_);
      break;
    case Kind::kArray:
      std::destroy_at(&array_);
      break;
    case Kind::kObject:
      std::destroy_at(&object_);
      break;
  }
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
  using Kind = JsonValue::Kind;
  if (left.kind_ != right.kind_) return false;
  switch (left.kind_) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return left.bool_ == right.bool_;
    case Kind::kNumber:
      return left.number_ == right.number_;
    case Kind::kString:
      return left.string_ == right.string_;
    case Kind::kArray:
      return left.array_ == right.array_;
    case Kind::kObject:
      break;
  }
  return left.object_.size() == right.object_.size() &&
         std::all_of(left.object_.begin(), left.object_.end(), [&](const JsonMember& member) {
           const JsonValue* other = find_member(right.object_, member.key);
           return other != nullptr && member.value == *other;
         });
}

}  // namespace agent_memory
