// SPDX-License-Identifier: MIT
#pragma once

// A JSON value as plain data, so that metadata, filters and chat messages can cross the public
// headers without a JSON library in them. Reading and writing JSON text is `base/json.hpp`.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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
  JsonValue() {}
  JsonValue(std::nullptr_t) {}
  JsonValue(bool value) : kind_(Kind::kBool), bool_(value) {}
  JsonValue(double value) : kind_(Kind::kNumber), number_(value) {}
  JsonValue(int value) : JsonValue(static_cast<double>(value)) {}
  JsonValue(std::string value);
  JsonValue(std::string_view value);
  JsonValue(const char* value) : JsonValue(std::string_view(value)) {}
  JsonValue(JsonArray value);
  JsonValue(JsonObject value);
  JsonValue(const JsonValue& other);
  /// Leaves null behind.
  JsonValue(JsonValue&& other) noexcept;
  JsonValue& operator=(const JsonValue& other);
  JsonValue& operator=(JsonValue&& other) noexcept;
  ~JsonValue();

  [[nodiscard]] bool is_null() const { return kind_ == Kind::kNull; }
  /// The value as that type, or nullptr where it is of another.
  [[nodiscard]] const bool* if_bool() const { return kind_ == Kind::kBool ? &bool_ : nullptr; }
  [[nodiscard]] const double* if_number() const {
    return kind_ == Kind::kNumber ? &number_ : nullptr;
  }
  [[nodiscard]] const std::string* if_string() const {
    return kind_ == Kind::kString ? &string_ : nullptr;
  }
  [[nodiscard]] const JsonArray* if_array() const {
    return kind_ == Kind::kArray ? &array_ : nullptr;
  }
  [[nodiscard]] JsonArray* if_array() { return kind_ == Kind::kArray ? &array_ : nullptr; }
  [[nodiscard]] const JsonObject* if_object() const {
    return kind_ == Kind::kObject ? &object_ : nullptr;
  }
  [[nodiscard]] JsonObject* if_object() { return kind_ == Kind::kObject ? &object_ : nullptr; }

  /// The member of an object, or nullptr where this is no object or has no such member.
  /// Linear in the number of members.
  [[nodiscard]] const JsonValue* find(std::string_view key) const;
  /// The string member of an object, or nullptr.
  [[nodiscard]] const std::string* find_string(std::string_view key) const;

  /// Equal as JSON: objects regardless of the order of their members.
  friend bool operator==(const JsonValue& left, const JsonValue& right);

 private:
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  /// Makes the member that `kind_` says of that of `other`, which has the same kind.
  template <typename Other>
  void construct(Other&& other);

  // A union by hand: what std::variant makes of copying, moving and comparing is several times as
  // large, and is made again wherever it is done.
  Kind kind_ = Kind::kNull;
  // NOLINTBEGIN(readability-identifier-naming): they are as private as the union
  union {
    bool bool_;
    double number_;
    std::string string_;
    JsonArray array_;
    JsonObject object_;
  };
  // NOLINTEND(readability-identifier-naming)
};

struct JsonMember {
  std::string key;
  JsonValue value;

  friend bool operator==(const JsonMember&, const JsonMember&) = default;
};

/// The member with that key, or nullptr.
const JsonValue* find_member(const JsonObject& object, std::string_view key);
/// Replaces the member's value, or appends the member.
void set_member(JsonObject& object, std::string_view key, JsonValue value);
/// `base` with every member of `over` set on it: `over` wins.
JsonObject merge_members(JsonObject base, const JsonObject& over);

}  // namespace agent_memory
