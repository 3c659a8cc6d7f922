// SPDX-License-Identifier: MIT
#include "index/filter.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/json.hpp"
#include "base/time.hpp"
#include "support/fakes.hpp"
#include "support/filter_oracle.hpp"

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

/// What a FilterSubject looks at.
struct Memory {
  std::string id;
  std::string text;
  Identity identity;
  Metadata metadata;
  std::optional<Role> role;
  std::string name;
  TimestampMs created_at_ms = 0;
  TimestampMs updated_at_ms = 0;

  [[nodiscard]] FilterSubject subject() const {
    return {.id = id,
            .memory = text,
            .identity = &identity,
            .metadata = &metadata,
            .role = role,
            .name = name,
            .created_at_ms = created_at_ms,
            .updated_at_ms = updated_at_ms};
  }
};

Memory memory_of(const JsonValue& source) {
  const auto text = [&](std::string_view key) {
    const std::string* value = source.find_string(key);
    return value == nullptr ? std::optional<std::string>() : *value;
  };
  Memory memory;
  memory.id = text("id").value();
  memory.text = text("memory").value();
  memory.identity = {
      .user_id = text("userId"), .agent_id = text("agentId"), .run_id = text("runId")};
  memory.metadata = *source.find("metadata")->if_object();
  if (const auto role = text("role")) memory.role = role_from_name(*role);
  memory.name = text("name").value_or("");
  memory.created_at_ms = parse_iso8601(text("createdAt").value()).value();
  memory.updated_at_ms = memory.created_at_ms;
  if (const auto time = text("updatedAt")) memory.updated_at_ms = parse_iso8601(*time).value();
  return memory;
}

/// tests/cases/filters.json: what the npm package is held to as well.
struct Cases {
  std::vector<Memory> memories;
  JsonArray cases;
};

Cases shared_cases() {
  std::ifstream file(AGENT_MEMORY_CASES "/filters.json");
  REQUIRE(file);
  const JsonValue source =
      json(std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  Cases out;
  for (const JsonValue& memory : *source.find("memories")->if_array())
    out.memories.push_back(memory_of(memory));
  out.cases = *source.find("cases")->if_array();
  return out;
}

/// Well-formed filters over what the memories of the shared cases have.
class RandomFilters {
 public:
  explicit RandomFilters(std::uint64_t seed) : random_(seed) {}

  JsonValue filter(int depth) {
    JsonObject out;
    const std::size_t members = random_.below(3) + (random_.once_in(20) ? 0 : 1);
    for (std::size_t i = 0; i < members; ++i) {
      if (depth > 0 && random_.once_in(2)) {
        add_logic(out, depth);
      } else if (random_.once_in(8)) {
        set_member(out, "metadata", JsonObject{{random_.pick(kKeys), condition(kValues)}});
      } else if (random_.once_in(3)) {
        set_member(out, random_.pick(kTimeFields), condition(kTimes));
      } else {
        set_member(out, random_.pick(kKeys), condition(kValues));
      }
    }
    return out;
  }

 private:
  void add_logic(JsonObject& out, int depth) {
    static const std::vector<std::string> kLogic{"AND", "OR", "NOT"};
    const std::string& key = random_.pick(kLogic);
    if (key == "NOT" && random_.once_in(2)) return set_member(out, key, filter(depth - 1));
    JsonArray list;
    for (std::size_t i = random_.below(4); i > 0; --i)
      list.push_back(filter(depth - 1));
    set_member(out, key, std::move(list));
  }

  JsonValue list_of(const std::vector<JsonValue>& values) {
    JsonArray list;
    for (std::size_t i = random_.below(4); i > 0; --i)
      list.push_back(random_.pick(values));
    return list;
  }

  JsonValue condition(const std::vector<JsonValue>& values) {
    if (random_.once_in(6)) return "*";
    if (random_.once_in(6)) return list_of(values);
    const JsonValue& bare = random_.pick(values);
    if (random_.once_in(4) && bare.if_object() == nullptr) return bare;
    JsonObject operators;
    for (std::size_t i = 1 + random_.below(2); i > 0; --i)
      add_operator(operators, values);
    return operators;
  }

  void add_operator(JsonObject& out, const std::vector<JsonValue>& values) {
    static const std::vector<std::string> kOperators{"eq",  "ne", "gt",  "gte",      "lt",
                                                     "lte", "in", "nin", "contains", "icontains"};
    const bool is_time = &values == &kTimes;
    const std::string& op = kOperators[random_.below(is_time ? 8 : 10)];
    JsonValue operand = random_.pick(values);
    const bool is_bound = op.starts_with('g') || op.starts_with('l');
    while ((is_bound && operand.if_number() == nullptr && operand.if_string() == nullptr) ||
           (op == "contains" && (operand.is_null() || operand.if_array() != nullptr ||
                                 operand.if_object() != nullptr)) ||
           (op == "icontains" && operand.if_string() == nullptr)) {
      operand = random_.pick(values);
    }
    set_member(out, op, op == "in" || op == "nin" ? list_of(values) : std::move(operand));
  }

  inline static const std::vector<std::string> kKeys{
      "topic", "stars",      "done", "none",   "tags",    "place",
      "when",  "categories", "id",   "memory", "user_id", "agent_id",
      "name",  "run_id",     "role", "userId", "agentId", "missing"};
  inline static const std::vector<std::string> kTimeFields{"created_at", "updated_at", "createdAt",
                                                           "updatedAt"};
  inline static const std::vector<JsonValue> kValues{"Travel",
                                                     "travel",
                                                     "food",
                                                     "Food",
                                                     "4",
                                                     "",
                                                     "a",
                                                     "e",
                                                     "T",
                                                     "ann",
                                                     "bob",
                                                     "bot",
                                                     "r1",
                                                     "user",
                                                     "m01",
                                                     "x9",
                                                     4,
                                                     4.5,
                                                     0,
                                                     -1,
                                                     1e300,
                                                     7,
                                                     true,
                                                     false,
                                                     nullptr,
                                                     "Ann",
                                                     "red",
                                                     "green tea",
                                                     "*",
                                                     "blue",
                                                     JsonArray{},
                                                     JsonArray{"red", "Blue", 7},
                                                     JsonObject{{"city", "Lisbon"}},
                                                     "2026-02-01"};
  inline static const std::vector<JsonValue> kTimes{"2026-01-10T12:00:00Z",
                                                    "2026-01-31",
                                                    "2026-02-01",
                                                    "2026-02-15T01:00:00+01:00",
                                                    "2026-03-01T08:30:00.000Z",
                                                    0,
                                                    -1e11,
                                                    1769904000000.0,
                                                    nullptr};

  testing::FakeRandom random_;
};

}  // namespace

TEST_CASE("the shared cases match what they say", "[filter]") {
  const Cases shared = shared_cases();
  REQUIRE(shared.cases.size() > 80);
  for (const JsonValue& each : shared.cases) {
    INFO(*each.find_string("name"));
    const JsonValue& filter = *each.find("filter");
    if (const std::string* error = each.find_string("error")) {
      CHECK(error_of(dump_json(filter)) == *error);
      continue;
    }
    const auto compiled = Filter::compile(filter);
    REQUIRE(compiled.has_value());
    JsonArray matched;
    JsonArray expected;
    for (const Memory& memory : shared.memories) {
      if (compiled->matches(memory.subject())) matched.push_back(memory.id);
      if (testing::oracle_matches(filter, memory.subject())) expected.push_back(memory.id);
    }
    CHECK(dump_json(matched) == dump_json(*each.find("matches")));
    // Of folding, the oracle knows ASCII alone.
    if (dump_json(filter).find("\xC3") == std::string::npos) {
      CHECK(dump_json(expected) == dump_json(*each.find("matches")));
    }
  }
}

TEST_CASE("random filters match what a naive reading of them does", "[filter]") {
  const Cases shared = shared_cases();
  RandomFilters filters(20260203);
  std::size_t matched = 0;
  constexpr std::size_t kFilters = 10'000;
  for (std::size_t i = 0; i < kFilters; ++i) {
    const JsonValue filter = filters.filter(static_cast<int>(i % 4));
    INFO(dump_json(filter));
    const auto compiled = Filter::compile(filter);
    REQUIRE(compiled.has_value());
    const auto negated = Filter::compile(JsonObject{{"NOT", JsonArray{filter}}});
    REQUIRE(negated.has_value());
    for (const Memory& memory : shared.memories) {
      INFO(memory.id);
      const bool matches = compiled->matches(memory.subject());
      matched += matches ? 1 : 0;
      REQUIRE(matches == testing::oracle_matches(filter, memory.subject()));
      REQUIRE(negated->matches(memory.subject()) == !matches);
    }
  }
  // Filters that match all or nothing would prove little.
  const std::size_t pairs = kFilters * shared.memories.size();
  CHECK(matched > pairs / 8);
  CHECK(matched < pairs * 7 / 8);
}

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
  CHECK(matches(R"({"tags": {"contains": "re"}})"));
  CHECK_FALSE(matches(R"({"tags": {"contains": "blue"}})"));
  CHECK(matches(R"({"tags": {"icontains": "BLU"}})"));
  CHECK_FALSE(matches(R"({"tags": {"icontains": "green"}})"));
  CHECK_FALSE(matches(R"({"tags": {"contains": "7"}})"));
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
  CHECK(matches(R"({"AND": [{"user_id": "ann"}, {"NOT": {"tags": {"in": ["spam", "test"]}}}]})"));
  CHECK_FALSE(matches(R"({"NOT": {"stars": 4, "topic": "Travel"}})"));
  CHECK(matches(R"({"NOT": {"stars": 4, "topic": "Food"}})"));
  CHECK_FALSE(matches(R"({"NOT": {}})"));
}

TEST_CASE("an array is in a list where one of its elements is", "[filter]") {
  CHECK(matches(R"({"tags": {"in": ["green", "red"]}})"));
  CHECK(matches(R"({"tags": {"in": [7]}})"));
  CHECK(matches(R"({"tags": ["red"]})"));
  CHECK(matches(R"({"tags": {"in": [["red", "Blue", 7]]}})"));
  CHECK_FALSE(matches(R"({"tags": {"in": ["blue", "re", "7"]}})"));
  CHECK_FALSE(matches(R"({"tags": {"nin": ["red"]}})"));
  CHECK(matches(R"({"tags": {"nin": ["green"]}})"));
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
  CHECK(error_of(R"({"NOT": {"a": {"above": 1}}})").starts_with("filters at NOT.a.above: is no"));
  CHECK(error_of(R"({"NOT": 1})") == "filters at NOT: must be an array of filters, got 1");
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
