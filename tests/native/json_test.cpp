// SPDX-License-Identifier: MIT
#include "base/json.hpp"

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/utf8.hpp"
#include "support/fakes.hpp"
#include "support/tasks.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

std::string problem(std::string_view text) {
  const Error error = error_of(parse_json(text));
  CHECK(error.code == ErrorCode::kInvalidArgument);
  CHECK_FALSE(error.field);
  return error.message;
}

JsonValue random_value(FakeRandom& random, int depth) {
  static const std::vector<std::string> kTexts{"",
                                               "a",
                                               "\"\\/\b\f\n\r\t",
                                               "\xE6\x97\xA5\xF0\x9F\x98\x80",
                                               std::string("\0\x1F", 2),
                                               "\xE2\x80\xA8"};
  static const std::vector<double> kNumbers{
      0, -1, 1.5, 1e300, -2.5e-10, 9007199254740993.0, 4294967296.0, 0.1};
  switch (random.below(depth > 0 ? 6 : 4)) {
    case 0:
      return nullptr;
    case 1:
      return random.once_in(2);
    case 2:
      return random.pick(kNumbers);
    case 3:
      return random.pick(kTexts);
    case 4: {
      JsonArray array;
      for (std::size_t i = random.below(4); i > 0; --i) {
        array.push_back(random_value(random, depth - 1));
      }
      return array;
    }
    default: {
      JsonObject object;
      for (std::size_t i = random.below(4); i > 0; --i) {
        set_member(object, random.pick(kTexts), random_value(random, depth - 1));
      }
      return object;
    }
  }
}

}  // namespace

TEST_CASE("whatever value is written is read back the same", "[json]") {
  FakeRandom random(1);
  for (int i = 0; i < 3000; ++i) {
    const JsonValue value = random_value(random, 4);
    const std::string text = dump_json(value);
    INFO(text);
    REQUIRE(value_of(parse_json(text)) == value);
    REQUIRE(dump_json(value_of(parse_json(text))) == text);
  }
}

TEST_CASE("numbers print as JavaScript would have them", "[json]") {
  CHECK(dump_json(7) == "7");
  CHECK(dump_json(-0.0) == "0");
  CHECK(dump_json(1.5) == "1.5");
  CHECK(dump_json(9007199254740992.0) == "9007199254740992");
  CHECK(dump_json(0.1) == "0.1");
  CHECK(dump_json(0.30000000000000004) == "0.30000000000000004");
  CHECK(dump_json(-0.001) == "-0.001");
  CHECK(dump_json(0.000001) == "0.000001");
  CHECK(dump_json(1e-7) == "1e-7");
  CHECK(dump_json(1.25e-7) == "1.25e-7");
  CHECK(dump_json(123456789012345680000.0) == "123456789012345680000");
  CHECK(dump_json(1e21) == "1e+21");
  CHECK(dump_json(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(dump_json(9.95e22) == "9.95e+22");
  CHECK(dump_json(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(dump_json(std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("every double is read back as it was written", "[json]") {
  FakeRandom random(3);
  const auto check = [](double value) {
    if (!std::isfinite(value)) return;
    const std::string text = dump_json(value);
    INFO(text);
    REQUIRE(std::strtod(text.c_str(), nullptr) == value);
  };
  for (int i = 0; i < 5000; ++i) {
    check(std::bit_cast<double>(random.next()));
    check(static_cast<double>(random.next() % 1'000'000) / 1000);
  }
  for (int exponent = -1074; exponent < 1024; ++exponent)
    check(std::ldexp(1.0, exponent));
}

TEST_CASE("members keep their order, and a key that stands twice its last value", "[json]") {
  const JsonValue value = value_of(parse_json(R"({"b":1,"a":2,"b":3})"));
  CHECK(dump_json(value) == R"({"b":3,"a":2})");
}

TEST_CASE("keys that stand twice are few or many, the rule is the same", "[json]") {
  for (const int members : {3, 16, 17, 200}) {
    std::string text;
    for (int i = 0; i < 2 * members; ++i) {
      text += (i == 0 ? "{\"" : ",\"") + std::to_string(i % members) + "\":" + std::to_string(i);
    }
    const JsonValue value = value_of(parse_json(text + "}"));
    REQUIRE(value.if_object() != nullptr);
    REQUIRE(value.if_object()->size() == static_cast<std::size_t>(members));
    for (int i = 0; i < members; ++i) {
      const JsonMember& member = (*value.if_object())[static_cast<std::size_t>(i)];
      CHECK(member == JsonMember{std::to_string(i), members + i});
    }
  }
}

TEST_CASE("bytes that are not UTF-8 are replaced on the way out", "[json]") {
  CHECK(dump_json("a\xFFz") == "\"a\xEF\xBF\xBDz\"");
}

TEST_CASE("what is not JSON is refused with the place", "[json]") {
  CHECK(problem("") == "is not JSON at byte 1");
  CHECK(problem("{\"a\":}") == "is not JSON at byte 6");
  CHECK(problem("[1,]") == "is not JSON at byte 4");
  CHECK(problem("1 2") == "is not JSON at byte 3");
  CHECK(problem("'a'").starts_with("is not JSON"));
  CHECK(problem("NaN").starts_with("is not JSON"));
  CHECK(problem("[1e999]").starts_with("is not JSON"));
  CHECK(problem("\"\xFF\"").starts_with("is not JSON"));
  CHECK(problem("\"\\ud800\"").starts_with("is not JSON"));
  CHECK(problem("// c\n1").starts_with("is not JSON"));
}

TEST_CASE("nesting has a bound that no stack depends on", "[json]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(parse_json(nested(128)));
  CHECK(problem(nested(129)) == "must not nest deeper than 128");
  CHECK(problem(std::string(1'000'000, '[')) == "must not nest deeper than 128");
  CHECK(problem(std::string(1'000'000, '{')).starts_with("is not JSON"));
}

TEST_CASE("an object with very many members is read in reasonable time", "[json]") {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i)
    text.append("\"").append(std::to_string(i % 40'000)).append("\":1,");
  text.back() = '}';
  const auto begin = std::chrono::steady_clock::now();
  const JsonValue value = value_of(parse_json(text));
  const auto took = std::chrono::steady_clock::now() - begin;
  REQUIRE(value.if_object() != nullptr);
  CHECK(value.if_object()->size() == 40'000);
  CHECK(took < std::chrono::seconds(5));
}

TEST_CASE("random bytes and damaged documents never break the parser", "[json]") {
  FakeRandom random(2);
  for (int i = 0; i < 3000; ++i) {
    std::string text = dump_json(random_value(random, 4));
    for (std::size_t edits = random.below(4); edits > 0 && !text.empty(); --edits) {
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    }
    const Result<JsonValue> value = parse_json(text);
    if (value) REQUIRE(parse_json(dump_json(*value)));
  }
}

TEST_CASE("an error message shows a value briefly and as valid text", "[json]") {
  CHECK(describe(JsonObject{{"a", 1}}) == R"({"a":1})");
  const auto quoted = [](std::size_t length) { return std::string(1, '"').append(length, 'x'); };
  CHECK(describe(std::string(58, 'x')) == quoted(58) + "\"");
  CHECK(describe(std::string(59, 'x')) == quoted(59) + "\xE2\x80\xA6");
  std::string wide;
  for (int i = 0; i < 40; ++i)
    wide += "\xE6\x97\xA5";
  const std::string shown = describe(wide);
  CHECK(to_valid_utf8(shown) == shown);
  CHECK(shown.size() <= 63);
}
