// SPDX-License-Identifier: MIT
#include "index/filter.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "base/json.hpp"
#include "base/time.hpp"

namespace agent_memory {
namespace {

JsonValue json(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.has_value());
  return *std::move(value);
}

const Identity kIdentity{.user_id = "ann", .agent_id = std::nullopt, .run_id = "r1"};

bool matches(std::string_view filter) {
  INFO(filter);
  const JsonValue metadata = json(R"({
    "topic": "Travel", "stars": 4, "done": false, "none": null, "tags": ["red", "Blue", 7],
    "place": {"city": "Lisbon"}, "when": "2026-02-03", "city": "CAF\u00C9 Z\u00DCRICH", "id": "x9"
  })");
  FilterSubject subject;
  subject.id = "m1";
  subject.memory = "Likes green tea";
  subject.identity = &kIdentity;
  subject.metadata = metadata.if_object();
  subject.role = Role::kUser;
  subject.created_at_ms = *parse_iso8601("2026-01-10T12:00:00Z");
  subject.updated_at_ms = *parse_iso8601("2026-02-01T00:00:00Z");
  const auto compiled = Filter::compile(json(filter));
  REQUIRE(compiled.has_value());
  return compiled->matches(subject);
}

std::string error_of(std::string_view filter) {
  const auto compiled = Filter::compile(json(filter));
  if (compiled) return "";
  CHECK(compiled.error().code == ErrorCode::kInvalidArgument);
  CHECK(compiled.error().field == "filters");
  CHECK(compiled.error().message.starts_with("filters "));
  return compiled.error().message;
}

}  // namespace

TEST_CASE("no filter matches everything", "[filter]") {
  CHECK(matches("null"));
  CHECK(matches("{}"));
  CHECK(Filter().empty());
  CHECK(Filter::compile(JsonValue())->empty());
  CHECK(Filter::compile(json("{}"))->empty());
  CHECK_FALSE(Filter::compile(json(R"({"a": 1})"))->empty());
}

TEST_CASE("a bare value is equality, an array a choice, a star presence", "[filter]") {
  CHECK(matches(R"({"topic": "Travel"})"));
  CHECK_FALSE(matches(R"({"topic": "travel"})"));
  CHECK(matches(R"({"stars": 4, "done": false})"));
  CHECK_FALSE(matches(R"({"stars": 4, "done": true})"));
  CHECK_FALSE(matches(R"({"stars": "4"})"));
  CHECK(matches(R"({"topic": ["Food", "Travel"]})"));
  CHECK_FALSE(matches(R"({"topic": []})"));
  CHECK(matches(R"({"topic": "*", "done": "*", "user_id": "*", "created_at": "*"})"));
  CHECK_FALSE(matches(R"({"none": "*"})"));
  CHECK_FALSE(matches(R"({"missing": "*"})"));
  CHECK_FALSE(matches(R"({"agent_id": "*"})"));
  CHECK(matches(R"({"none": null, "missing": null, "agent_id": null})"));
  CHECK_FALSE(matches(R"({"topic": null})"));
}

TEST_CASE("operators hold together", "[filter]") {
  CHECK(matches(R"({"stars": {"gt": 3, "lt": 5}})"));
  CHECK_FALSE(matches(R"({"stars": {"gt": 3, "lt": 4}})"));
  CHECK(matches(R"({"AND": [{"stars": {"gte": 4}}, {"stars": {"lte": 4}}]})"));
  CHECK_FALSE(matches(R"({"AND": [{"stars": {"gte": 1}}, {"stars": {"lt": 4}}]})"));
  CHECK(matches(R"({"stars": {"eq": 4, "ne": 5}})"));
  CHECK(matches(R"({"stars": {"in": [1, 4]}, "topic": {"nin": ["Food"]}})"));
  CHECK_FALSE(matches(R"({"stars": {"in": []}})"));
  CHECK(matches(R"({"stars": {"nin": []}})"));
  CHECK(matches(R"({"when": {"gte": "2026-02-01", "lt": "2026-03-01"}})"));
  CHECK(matches(R"({"place": {"eq": {"city": "Lisbon"}}})"));
  CHECK(matches(R"({"tags": {"eq": ["red", "Blue", 7]}})"));
  CHECK_FALSE(matches(R"({"tags": {"eq": ["red"]}})"));
}

TEST_CASE("ne and nin hold where the field is absent, gt and lt do not", "[filter]") {
  CHECK(matches(R"({"missing": {"ne": "x"}})"));
  CHECK(matches(R"({"missing": {"nin": ["x", 1]}})"));
  CHECK(matches(R"({"agent_id": {"ne": "bot"}})"));
  CHECK_FALSE(matches(R"({"topic": {"ne": "Travel"}})"));
  CHECK_FALSE(matches(R"({"missing": {"ne": null}})"));
  CHECK(matches(R"({"topic": {"ne": null}})"));
  for (const char* filter :
       {R"({"missing": {"gt": 0}})", R"({"missing": {"lte": "z"}})", R"({"none": {"lte": 0}})",
        R"({"stars": {"gt": "0"}})", R"({"stars": {"lt": "9"}})", R"({"topic": {"gt": 0}})",
        R"({"topic": {"lte": 9}})", R"({"done": {"gte": 0}})", R"({"tags": {"gt": 0}})"}) {
    CHECK_FALSE(matches(filter));
  }
}

TEST_CASE("contains looks into texts and arrays", "[filter]") {
  CHECK(matches(R"({"memory": {"contains": "green"}})"));
  CHECK_FALSE(matches(R"({"memory": {"contains": "GREEN"}})"));
  CHECK(matches(R"({"memory": {"icontains": "GREEN tea"}})"));
  CHECK(matches(R"({"tags": {"contains": "red"}})"));
  CHECK(matches(R"({"tags": {"contains": 7}})"));
  CHECK_FALSE(matches(R"({"tags": {"contains": "re"}})"));
  CHECK_FALSE(matches(R"({"tags": {"contains": "blue"}})"));
  CHECK(matches(R"({"tags": {"icontains": "BLUE"}})"));
  CHECK_FALSE(matches(R"({"tags": {"icontains": "blu"}})"));
  CHECK(matches(R"({"city": {"icontains": "caf\u00e9 z\u00fc"}})"));
  CHECK_FALSE(matches(R"({"city": {"icontains": "cafe"}})"));
  CHECK_FALSE(matches(R"({"city": {"contains": "caf"}})"));
  CHECK_FALSE(matches(R"({"stars": {"contains": "4"}})"));
  CHECK_FALSE(matches(R"({"missing": {"contains": ""}})"));
  CHECK(matches(R"({"memory": {"icontains": ""}})"));
}

TEST_CASE("AND, OR and NOT nest and stand beside fields", "[filter]") {
  CHECK(matches(R"({"OR": [{"stars": 1}, {"topic": "Travel"}]})"));
  CHECK_FALSE(matches(R"({"OR": [{"stars": 1}, {"topic": "Food"}]})"));
  CHECK_FALSE(matches(R"({"OR": []})"));
  CHECK(matches(R"({"AND": [], "NOT": []})"));
  CHECK(matches(R"({"NOT": [{"stars": 1}, {"topic": "Food"}]})"));
  CHECK_FALSE(matches(R"({"NOT": [{"stars": 1}, {"topic": "Travel"}]})"));
  CHECK_FALSE(matches(R"({"topic": "Travel", "AND": [{"stars": 1}], "OR": [{"stars": 4}]})"));
  CHECK_FALSE(matches(R"({"AND": [{"stars": 4}], "OR": [{"stars": 1}]})"));
  CHECK(matches(R"({"AND": [{"OR": [{"stars": 9}, {"NOT": [{"stars": 9}]}]}], "id": "m1"})"));
}

TEST_CASE("fields are the memory's own, then those of its metadata", "[filter]") {
  CHECK(matches(R"({"id": "m1", "memory": "Likes green tea", "user_id": "ann", "run_id": "r1"})"));
  CHECK(matches(R"({"userId": "ann", "runId": ["r0", "r1"], "agentId": null})"));
  CHECK(matches(R"({"role": "user"})"));
  CHECK_FALSE(matches(R"({"role": "assistant"})"));
  CHECK(matches(R"({"name": null})"));
  CHECK(matches(R"({"metadata": {"id": "x9", "stars": {"gte": 4}}})"));
  CHECK_FALSE(matches(R"({"metadata": {"id": "m1"}})"));
  CHECK(matches(R"({"metadata": {}})"));
}

TEST_CASE("times compare as ISO 8601 or epoch milliseconds", "[filter]") {
  CHECK(matches(R"({"created_at": {"gte": "2026-01-10", "lt": "2026-01-11T00:00:00Z"}})"));
  CHECK_FALSE(matches(R"({"created_at": {"gt": "2026-01-10T12:00:00.000Z"}})"));
  CHECK(matches(R"({"createdAt": "2026-01-10T13:00:00+01:00"})"));
  CHECK(matches(R"({"created_at": 1768046400000})"));
  CHECK(matches(R"({"updatedAt": {"gt": 1768046400000}})"));
  CHECK(matches(R"({"updated_at": {"in": ["2026-02-01", "2026-02-02"]}})"));
  CHECK(matches(R"({"updated_at": {"ne": "2026-02-02"}})"));
}

TEST_CASE("a malformed filter says what is wrong and where", "[filter]") {
  CHECK(error_of("[]") == "filters must be an object, got []");
  CHECK(error_of(R"("*")") == R"(filters must be an object, got "*")");
  CHECK(error_of(R"({"AND": {"a": 1}})") ==
        R"(filters at AND: must be an array of filters, got {"a":1})");
  CHECK(error_of(R"({"OR": [{"a": 1}, 2]})") == "filters at OR[1]: must be an object, got 2");
  CHECK(error_of(R"({"NOT": [{"AND": [{"stars": {"above": 3}}]}]})")
            .starts_with("filters at NOT[0].AND[0].stars.above: is no operator; must be one of "
                         "'eq', 'ne', 'gt'"));
  CHECK(error_of(R"({"stars": {"gt": true}})") ==
        "filters at stars.gt: must be a number or a string, got true");
  CHECK(error_of(R"({"stars": {"in": 3}})") == "filters at stars.in: must be an array, got 3");
  CHECK(error_of(R"({"metadata": {"a": {"icontains": 3}}})") ==
        "filters at metadata.a.icontains: must be a string, got 3");
  CHECK(error_of(R"({"a": {"contains": [1]}})") ==
        "filters at a.contains: must be a string, a number or a boolean, got [1]");
  CHECK(error_of(R"({"a": {}})").starts_with("filters at a: must name at least one of"));
  CHECK(error_of(R"({"metadata": 1})") == "filters at metadata: must be an object, got 1");
  CHECK(error_of(R"({"created_at": {"gt": "soon"}})") ==
        R"(filters at created_at.gt: must be an ISO 8601 time or epoch milliseconds, got "soon")");
  CHECK(error_of(R"({"created_at": ["2026-01-01", true]})") ==
        "filters at created_at[1]: must be an ISO 8601 time or epoch milliseconds, got true");
  CHECK(error_of(R"({"created_at": {"contains": "2026"}})") ==
        "filters at created_at.contains: does not apply to a time");
  JsonValue deep = JsonObject{{"a", 1}};
  for (int i = 0; i < 1000; ++i)
    deep = JsonObject{{"AND", JsonArray{std::move(deep)}}};
  REQUIRE_FALSE(Filter::compile(deep).has_value());
  CHECK(Filter::compile(deep).error().message.ends_with("is nested too deeply"));
}

TEST_CASE("metadata contains what has every wanted member", "[filter]") {
  const Metadata metadata{{"a", 1}, {"b", JsonArray{1, 2}}};
  CHECK(metadata_contains(metadata, {}));
  CHECK(metadata_contains(metadata, {{"b", JsonArray{1, 2}}}));
  CHECK_FALSE(metadata_contains(metadata, {{"b", JsonArray{1}}}));
  CHECK_FALSE(metadata_contains(metadata, {{"a", 1}, {"c", 1}}));
}

}  // namespace agent_memory
