// SPDX-License-Identifier: MIT
// tests/cases/ranks.json: the ranks and scores that the npm package is held to as well, in Node and
// in Chromium. After a change that is meant to change them, scripts/record-ranks.mjs writes it.

#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/local_provider.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "support/local_world.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

JsonValue shared_cases() {
  std::ifstream file(AGENT_MEMORY_CASES "/ranks.json");
  REQUIRE(file);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return value_of(parse_json(text));
}

const JsonArray& list_of(const JsonValue& object, std::string_view key) {
  const JsonValue* list = object.find(key);
  REQUIRE(list != nullptr);
  REQUIRE(list->if_array() != nullptr);
  return *list->if_array();
}

RetrieveOptions options_of(const JsonValue& source) {
  const auto text = [&](std::string_view key) {
    const std::string* value = source.find_string(key);
    return value == nullptr ? std::optional<std::string>() : *value;
  };
  RetrieveOptions options;
  options.identity = {
      .user_id = text("userId"), .agent_id = text("agentId"), .run_id = text("runId")};
  options.top_k = 10;
  if (const JsonValue* most = source.find("topK")) {
    options.top_k = static_cast<std::int64_t>(*most->if_number());
  }
  if (const JsonValue* least = source.find("minRelevanceScore")) {
    options.min_relevance_score = *least->if_number();
  }
  if (const auto strategy = text("strategy")) {
    options.strategy = retrieval_strategy_from_name(*strategy).value();
  }
  if (const JsonValue* metadata = source.find("metadata")) {
    options.metadata = *metadata->if_object();
  }
  if (const JsonValue* filters = source.find("filters")) options.filters = *filters;
  return options;
}

/// A hit with nine digits of its score: what must be the same everywhere.
std::string shown(const std::string& id, double score) {
  return id + " " + std::to_string(std::llround(score * 1e9)) + "\n";
}

}  // namespace

TEST_CASE("ranks and scores are those of every other runtime", "[ranks]") {
  const JsonValue cases = shared_cases();
  World world;
  world.clock->set(parse_iso8601(*cases.find_string("now")).value());
  const Local local = world.open();
  std::string lines = R"({"format":"agent-memory","version":1,"memories":0})";
  for (const JsonValue& memory : list_of(cases, "memories"))
    lines.append("\n").append(dump_json(memory));
  value_of(local->import_memories(lines, {}));

  REQUIRE(list_of(cases, "queries").size() > 40);
  for (const JsonValue& each : list_of(cases, "queries")) {
    INFO(dump_json(*each.find("query")) << " " << dump_json(*each.find("options")));
    std::string expected;
    for (const JsonValue& hit : list_of(each, "expected")) {
      const JsonArray& pair = *hit.if_array();
      expected += shown(*pair[0].if_string(), *pair[1].if_number());
    }
    std::string found;
    for (const RetrievedMemory& hit : value_of(local->retrieve_memories(
             *each.find_string("query"), options_of(*each.find("options"))))) {
      found += shown(hit.id, hit.score);
    }
    CHECK(found == expected);
  }
}
