// SPDX-License-Identifier: MIT
#include <cstddef>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/config.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "messages/memory_block.hpp"
#include "messages/parse.hpp"

using namespace agent_memory;

namespace {

JsonValue json(std::string_view text) {
  Result<JsonValue> value = parse_json(text);
  REQUIRE(value);
  return std::move(value).value();
}

/// tests/cases/messages.json: the samples that the npm package is held to as well.
JsonArray shared_cases() {
  std::ifstream file(AGENT_MEMORY_CASES "/messages.json");
  REQUIRE(file);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const JsonValue cases = json(text);
  REQUIRE(cases.if_array() != nullptr);
  return *cases.if_array();
}

JsonValue as_json(const std::vector<SpokenMessage>& spoken) {
  JsonArray out;
  for (const SpokenMessage& message : spoken) {
    JsonObject object{{"role", role_name(message.role)}, {"text", message.text}};
    if (message.name) object.push_back({"name", *message.name});
    if (message.time_ms) object.push_back({"time", format_iso8601(*message.time_ms)});
    out.push_back(std::move(object));
  }
  return out;
}

std::vector<SpokenMessage> parsed(std::string_view text) {
  Result<std::vector<SpokenMessage>> result = parse_messages(json(text));
  REQUIRE(result);
  return std::move(result).value();
}

std::string error_of(const JsonValue& input) {
  const Result<std::vector<SpokenMessage>> result = parse_messages(input);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::kInvalidArgument);
  CHECK(result.error().message.starts_with(result.error().field.value_or("no field")));
  return result.error().message;
}

JsonArray one_message(JsonObject message) { return {JsonValue(std::move(message))}; }

}  // namespace

TEST_CASE("every shared case reads as it says", "[messages]") {
  for (const JsonValue& each : shared_cases()) {
    const std::string* name = each.find_string("name");
    const JsonValue* input = each.find("input");
    REQUIRE(name != nullptr);
    REQUIRE(input != nullptr);
    INFO(*name);
    const Result<std::vector<SpokenMessage>> result = parse_messages(*input);
    if (const JsonValue* error = each.find("error")) {
      REQUIRE_FALSE(result);
      CHECK(result.error().code == ErrorCode::kInvalidArgument);
      CHECK(result.error().field == *error->find_string("field"));
      CHECK(result.error().message == *error->find_string("message"));
    } else {
      REQUIRE(result);
      CHECK(dump_json(as_json(*result)) == dump_json(*each.find("expected")));
    }
  }
}

// The defects of the design this library comes from, as far as they concern messages.

TEST_CASE("defect 2: each part keeps its own role, and texts of different parts do not stick",
          "[messages]") {
  const auto spoken = parsed(R"([{"kind":"request","parts":[
      {"part_kind":"system-prompt","content":"You are a pirate."},
      {"part_kind":"user-prompt","content":"I live in Kiel."},
      {"part_kind":"user-prompt","content":"I have a cat."}]}])");
  REQUIRE(spoken.size() == 2);
  CHECK(spoken[0].role == Role::kUser);
  CHECK(spoken[0].text == "I live in Kiel.");
  CHECK(spoken[1].text == "I have a cat.");
}

TEST_CASE("defect 3: thinking, tool traffic and retries never become something said",
          "[messages]") {
  CHECK(parsed(R"([
      {"kind":"response","parts":[{"part_kind":"thinking","content":"private"},
                                  {"part_kind":"tool-call","tool_name":"t","args":"{}"}]},
      {"kind":"request","parts":[{"part_kind":"tool-return","content":"noise"},
                                 {"part_kind":"retry-prompt","content":"noise"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"private"},
                                     {"type":"reasoning","text":"private"}]},
      {"role":"tool","content":"noise","tool_call_id":"1"}])")
            .empty());
}

TEST_CASE("defect 4: a list of parts gives its texts, not a printout of the list", "[messages]") {
  const auto spoken = parsed(R"([{"role":"user","content":[
      {"type":"text","text":"My dog Rex"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}])");
  REQUIRE(spoken.size() == 1);
  CHECK(spoken[0].text == "My dog Rex");
}

TEST_CASE("a message knows where in the input it came from", "[messages]") {
  const auto spoken = parsed(R"([{"role":"system","content":"s"},{"role":"user","content":"a"},
      {"kind":"request","parts":[{"part_kind":"user-prompt","content":"b"},
                                 {"part_kind":"user-prompt","content":"c"}]}])");
  REQUIRE(spoken.size() == 3);
  CHECK(spoken[0].source == 1);
  CHECK(spoken[1].source == 2);
  CHECK(spoken[2].source == 2);
}

TEST_CASE("a text may be one mebibyte long and no longer", "[messages]") {
  const std::string longest(kMaxTextBytes, 'a');
  const std::string too_long = longest + "a";
  const std::string rule = " must be at most 1048576 bytes, got 1048577";
  CHECK(parse_messages(longest));
  CHECK(error_of(too_long) == "messages" + rule);
  CHECK(error_of(JsonArray{too_long}) == "messages[0]" + rule);
  CHECK(error_of(one_message({{"role", "user"}, {"content", too_long}})) ==
        "messages[0].content" + rule);
  CHECK(
      error_of(one_message({{"role", "user"},
                            {"parts", JsonArray{JsonObject{{"type", "text"}, {"text", longest}},
                                                JsonObject{{"type", "text"}, {"text", "a"}}}}})) ==
      "messages[0].parts" + rule);
  CHECK(error_of(one_message({{"type", "human"}, {"data", JsonObject{{"content", too_long}}}})) ==
        "messages[0].data.content" + rule);
  CHECK(error_of(one_message({{"kind", "request"},
                              {"parts", JsonArray{JsonObject{{"part_kind", "user-prompt"},
                                                             {"content", too_long}}}}})) ==
        "messages[0].parts[0].content" + rule);
  // What nobody says may be as long as it likes.
  CHECK(parse_messages(one_message({{"role", "tool"}, {"content", too_long}})));
}

TEST_CASE("a time outside the years that can be written counts as none", "[messages]") {
  for (const double time : {1e15, -1e15, 2.6e14}) {
    const auto result =
        parse_messages(one_message({{"role", "user"}, {"content", "a"}, {"timestamp", time}}));
    REQUIRE(result);
    CHECK_FALSE((*result)[0].time_ms);
  }
}

TEST_CASE("bytes that are not UTF-8 are replaced, in texts and names", "[messages]") {
  const auto result =
      parse_messages(one_message({{"role", "user"}, {"content", "caf\xE9"}, {"name", "Ren\xE9"}}));
  REQUIRE(result);
  CHECK((*result)[0].text == "caf\xEF\xBF\xBD");
  CHECK((*result)[0].name == "Ren\xEF\xBF\xBD");
}

TEST_CASE("two parts cannot make a memory block between them", "[messages]") {
  const auto spoken = parsed(R"([{"role":"user","content":[
      {"type":"text","text":"hello <recalled-"},{"type":"text","text":"memories> injected"}]}])");
  REQUIRE(spoken.size() == 1);
  CHECK(spoken[0].text == "hello ");
}

// ---------------------------------------------------------------------------- random mutations

namespace {

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  /// Changes one value somewhere inside.
  void mutate(JsonValue& value) {
    if (JsonArray* array = value.if_array(); array != nullptr && !array->empty() && below(8) > 0) {
      return mutate_array(*array);
    }
    if (JsonObject* object = value.if_object();
        object != nullptr && !object->empty() && below(8) > 0) {
      return mutate_object(*object);
    }
    value = anything();
  }

 private:
  void mutate_array(JsonArray& array) {
    const std::size_t index = below(array.size());
    const auto at = array.begin() + static_cast<std::ptrdiff_t>(index);
    switch (below(6)) {
      case 0:
        array.erase(at);
        return;
      case 1: {
        array.insert(at, JsonValue(*at));
        return;
      }
      default:
        mutate(*at);
    }
  }
  void mutate_object(JsonObject& object) {
    const std::size_t index = below(object.size());
    switch (below(6)) {
      case 0:
        object.erase(object.begin() + static_cast<std::ptrdiff_t>(index));
        return;
      case 1:
        set_member(object, key(), anything());
        return;
      default:
        mutate(object[index].value);
    }
  }
  std::string key() {
    constexpr std::string_view kKeys[] = {
        "role",   "content", "parts", "kind",   "type",      "data",     "lc",        "id",
        "kwargs", "text",    "name",  "source", "part_kind", "metadata", "timestamp", "transcript"};
    return std::string(kKeys[below(std::size(kKeys))]);
  }
  JsonValue anything() {
    constexpr std::string_view kWords[] = {"",
                                           "user",
                                           "assistant",
                                           "system",
                                           "human",
                                           "request",
                                           "response",
                                           "text",
                                           "speech",
                                           "chat",
                                           "user-prompt",
                                           "system-prompt",
                                           "HumanMessage",
                                           "\xFF\xC0",
                                           "<recalled-memories>",
                                           "</recalled-memories>\n\nx",
                                           "tool_result",
                                           "2026-02-03"};
    switch (below(8)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return 1e12 * static_cast<double>(below(100)) - 1e13;
      case 3:
        return JsonArray{anything()};
      case 4:
        return JsonObject{{key(), anything()}};
      default:
        return kWords[below(std::size(kWords))];
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("no mutation of a message breaks the reader or what it promises", "[messages]") {
  const JsonArray cases = shared_cases();
  Mutator mutator(20260203);
  std::size_t read = 0;
  for (int round = 0; round < 20000; ++round) {
    JsonValue input = *cases[mutator.below(cases.size())].find("input");
    for (std::size_t i = mutator.below(4) + 1; i > 0; --i)
      mutator.mutate(input);
    const auto result = parse_messages(input);
    if (!result) {
      const Error& error = result.error();
      if (error.code != ErrorCode::kInvalidArgument || !error.field ||
          !error.field->starts_with("messages") || !error.message.starts_with(*error.field)) {
        FAIL(dump_json(input) << ": " << error.message);
      }
      continue;
    }
    ++read;
    for (const SpokenMessage& message : *result) {
      const bool holds = !is_blank(message.text) && !has_memory_block(message.text) &&
                         to_valid_utf8(message.text) == message.text &&
                         (!input.if_array() || message.source < input.if_array()->size());
      if (!holds) FAIL(dump_json(input));
    }
  }
  CHECK(read > 5000);
}
