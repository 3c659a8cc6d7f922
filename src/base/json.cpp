// SPDX-License-Identifier: MIT
#include "base/json.hpp"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace agent_memory {
namespace {

using Json = nlohmann::ordered_json;

// Up to so many members a search through all of them is the fastest way to one.
constexpr std::size_t kFewMembers = 16;

/// Of members with the same key the last value stays, in the place of the first.
void drop_repeated_keys(JsonObject& object) {
  std::unordered_map<std::string_view, std::size_t> first;
  std::vector<bool> repeated(object.size());
  for (std::size_t i = 0; i < object.size(); ++i) {
    const auto [at, inserted] = first.try_emplace(object[i].key, i);
    if (inserted) continue;
    object[at->second].value = std::move(object[i].value);
    repeated[i] = true;
  }
  if (first.size() == object.size()) return;
  JsonObject kept;
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (!repeated[i]) kept.push_back(std::move(object[i]));
  }
  object = std::move(kept);
}

/// Builds a JsonValue from nlohmann's events, without a document in between.
class Builder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(number_integer_t value) { return add(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) { return add(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) { return add(value); }
  bool string(string_t& value) { return add(std::move(value)); }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return open(JsonObject{}); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(JsonArray{}); }
  bool end_array() { return close(); }
  bool key(string_t& value) {
    keys_.back() = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    error_ = "is not JSON at byte " + std::to_string(position);
    return false;
  }

  JsonValue take() { return std::move(root_); }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (JsonArray* array = open_.back().if_array()) {
      array->push_back(std::move(value));
    } else if (JsonObject* object = open_.back().if_object()) {
      if (object->size() < kFewMembers) {
        set_member(*object, keys_.back(), std::move(value));
      } else {
        object->push_back({std::move(keys_.back()), std::move(value)});
      }
    }
    return true;
  }
  bool open(JsonValue container) {
    if (open_.size() == static_cast<std::size_t>(kMaxJsonDepth)) {
      error_ = too_deep();
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    JsonValue done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    JsonObject* object = done.if_object();
    if (object != nullptr && object->size() > kFewMembers) drop_repeated_keys(*object);
    return add(std::move(done));
  }

  std::vector<JsonValue> open_;
  std::vector<std::string> keys_;
  JsonValue root_;
  std::string error_;
};

}  // namespace

Result<JsonValue> parse_json(std::string_view text) {
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = builder.error().empty() ? "is not JSON" : builder.error()};
  }
  return builder.take();
}

}  // namespace agent_memory
