// SPDX-License-Identifier: MIT
#pragma once

// A JSON value as plain data, so that metadata, filters and chat messages can cross the public
// headers without a JSON library in them. Reading and writing JSON text is `base/json.hpp`.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace agent_memory {

class JsonValue;
struct JsonMember;
using JsonArray = std::vector<JsonValue>;
/// Members in the order in which they were written; keys are unique.
using JsonObject = std::vector<JsonMember>;

/// null, bool, number (a double, as in JSON and JavaScript), string (UTF-8), array or object.
class JsonValue {
 public:
  JsonValue();
  JsonValue(std::nullptr_t);
  JsonValue(bool value);
  JsonValue(double value);
  JsonValue(int value);
  JsonValue(std::string value);
  JsonValue(std::string_view value);
  JsonValue(const char* value);
  JsonValue(JsonArray value);
  JsonValue(JsonObject value);

  [[nodiscard]] bool is_null() const { return data_.index() == 0; }
  /// The value as that type, or nullptr where it is of another.
  [[nodiscard]] const bool* if_bool() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const double* if_number() const { return std::get_if<double>(&data_); }
  [[nodiscard]] const std::string* if_string() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const JsonArray* if_array() const { return std::get_if<JsonArray>(&data_); }
  [[nodiscard]] JsonArray* if_array() { return std::get_if<JsonArray>(&data_); }
  [[nodiscard]] const JsonObject* if_object() const { return std::get_if<JsonObject>(&data_); }
  [[nodiscard]] JsonObject* if_object() { return std::get_if<JsonObject>(&data_); }

  /// The member of an object, or nullptr where this is no object or has no such member.
  /// Linear in the number of members.
  [[nodiscard]] const JsonValue* find(std::string_view key) const;
  /// The string member of an object, or nullptr.
  [[nodiscard]] const std::string* find_string(std::string_view key) const;

  /// Equal as JSON: objects regardless of the order of their members.
  friend bool operator==(const JsonValue& left, const JsonValue& right);

 private:
  std::variant<std::nullptr_t, bool, double, std::string, JsonArray, JsonObject> data_;
};

struct JsonMember {
  std::string key;
  JsonValue value;

  friend bool operator==(const JsonMember&, const JsonMember&) = default;
};

// Here, because the variant needs JsonMember to be complete.
inline JsonValue::JsonValue() : data_(nullptr) {}
inline JsonValue::JsonValue(std::nullptr_t) : data_(nullptr) {}
inline JsonValue::JsonValue(bool value) : data_(value) {}
inline JsonValue::JsonValue(double value) : data_(value) {}
inline JsonValue::JsonValue(int value) : data_(static_cast<double>(value)) {}
inline JsonValue::JsonValue(std::string value) : data_(std::move(value)) {}
inline JsonValue::JsonValue(std::string_view value) : data_(std::string(value)) {}
inline JsonValue::JsonValue(const char* value) : data_(std::string(value)) {}
inline JsonValue::JsonValue(JsonArray value) : data_(std::move(value)) {}
inline JsonValue::JsonValue(JsonObject value) : data_(std::move(value)) {}

/// The member with that key, or nullptr.
const JsonValue* find_member(const JsonObject& object, std::string_view key);
/// Replaces the member's value, or appends the member.
void set_member(JsonObject& object, std::string_view key, JsonValue value);
/// `base` with every member of `over` set on it: `over` wins.
JsonObject merge_members(JsonObject base, const JsonObject& over);

}  // namespace agent_memory
