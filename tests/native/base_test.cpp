// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/agent_memory.hpp"

#include "base/exponential.hpp"
#include "base/hash.hpp"
#include "base/hash_index.hpp"
#include "base/utf8.hpp"
#include "support/fakes.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

/// "field: message" of the error of a check that must fail.
std::string failure(const Result<void>& checked) {
  const Error error = error_of(checked);
  CHECK(error.code == ErrorCode::kInvalidArgument);
  CHECK_FALSE(error.retryable);
  REQUIRE(error.field);
  CHECK(error.message.starts_with(*error.field + " "));
  return *error.field + ": " + error.message;
}

Metadata nested(int depth) {
  JsonValue value = 1;
  for (int i = 1; i < depth; ++i)
    value = JsonObject{{"k", std::move(value)}};
  return {{"k", std::move(value)}};
}

/// Bytes that are UTF-8 more often than chance would have it.
std::string random_text(FakeRandom& random) {
  static const std::vector<std::string> kPieces{"a",
                                                "é",
                                                "日",
                                                "😀",
                                                "\xFF",
                                                "\xC3",
                                                "\xE2\x82",
                                                "\xED\xA0\x80",
                                                "\xF4\x90\x80\x80",
                                                "\xC0",
                                                " ",
                                                std::string("\0", 1)};
  std::string text;
  for (std::size_t i = random.below(12); i > 0; --i)
    text += random.pick(kPieces);
  return text;
}

}  // namespace

// --------------------------------------------------------------------------------------- names

TEST_CASE("every error code has a name of its own that leads back to it", "[base]") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    CHECK(names.insert(error_code_name(code)).second);
    CHECK(error_code_from_name(error_code_name(code)) == code);
  }
  CHECK(names.size() == 13);
  CHECK(error_code_name(ErrorCode::kQuotaExceeded) == "quota_exceeded");
  CHECK_FALSE(error_code_from_name("Storage"));
  CHECK_FALSE(error_code_from_name(""));
}

TEST_CASE("enumerators have the names of the public contract", "[base]") {
  CHECK(memory_scope_name(MemoryScope::kUser) == "user");
  CHECK(memory_scope_name(MemoryScope::kAgent) == "agent");
  CHECK(memory_scope_name(MemoryScope::kRun) == "run");
  CHECK(memory_scope_name(MemoryScope::kGlobal) == "global");
  CHECK(memory_scope_from_name("global") == MemoryScope::kGlobal);
  CHECK_FALSE(memory_scope_from_name("USER"));
  CHECK(retrieval_strategy_name(RetrievalStrategy::kSemanticSearch) == "semantic_search");
  CHECK(retrieval_strategy_name(RetrievalStrategy::kRecency) == "recency");
  CHECK(retrieval_strategy_name(RetrievalStrategy::kHybrid) == "hybrid");
  CHECK(retrieval_strategy_from_name("hybrid") == RetrievalStrategy::kHybrid);
  CHECK_FALSE(retrieval_strategy_from_name("semantic"));
  CHECK(role_name(Role::kAssistant) == "assistant");
  CHECK(role_from_name("user") == Role::kUser);
  CHECK_FALSE(role_from_name("system"));
  CHECK(memory_event_name(MemoryEvent::kNoop) == "NOOP");
  CHECK(memory_event_from_name("DELETE") == MemoryEvent::kDelete);
  CHECK_FALSE(memory_event_from_name("delete"));
}

// --------------------------------------------------------------------------------------- walls

TEST_CASE("a call sees a memory by the rule of Identity", "[base]") {
  const Identity nobody;
  const Identity user = ids("u");
  const Identity other = ids("v");
  const Identity agent = ids("", "a");
  const Identity run = ids("", "", "r");
  const Identity all = ids("u", "a", "r");
  const Identity user_agent = ids("u", "a");

  CHECK(is_visible(nobody, nobody));
  CHECK_FALSE(is_visible(user, nobody));
  CHECK_FALSE(is_visible(agent, nobody));
  CHECK_FALSE(is_visible(run, nobody));
  CHECK(is_visible(user, user));
  CHECK(is_visible(all, user));
  CHECK_FALSE(is_visible(nobody, user));
  CHECK_FALSE(is_visible(agent, user));
  CHECK_FALSE(is_visible(user, other));
  CHECK(is_visible(agent, agent));
  CHECK_FALSE(is_visible(all, agent));
  CHECK_FALSE(is_visible(nobody, agent));
  CHECK(is_visible(all, user_agent));
  CHECK_FALSE(is_visible(user, user_agent));
  CHECK(is_visible(all, all));
  CHECK_FALSE(is_visible(user_agent, all));
}

// -------------------------------------------------------------------------------------- bounds

TEST_CASE("a config has the defaults of the contract and passes", "[base]") {
  const MemoryConfig config;
  CHECK(config.auto_store);
  CHECK(config.auto_retrieve);
  CHECK(config.retrieval_strategy == RetrievalStrategy::kSemanticSearch);
  CHECK(config.top_k == 5);
  CHECK(config.min_relevance_score == 0.0);
  CHECK(config.store_after_turns == 1);
  CHECK(config.memory_summary_in_system);
  CHECK(config.scope == MemoryScope::kUser);
  CHECK(config.metadata.empty());
  CHECK(validate(config));
}

TEST_CASE("a config outside its bounds names field, bound and value", "[base]") {
  MemoryConfig config;
  SECTION("top_k") {
    config.top_k = 0;
    CHECK(failure(validate(config)) == "top_k: top_k must be at least 1, got 0");
    config.top_k = -7;
    CHECK(failure(validate(config)) == "top_k: top_k must be at least 1, got -7");
    config.top_k = 1;
    CHECK(validate(config));
  }
  SECTION("min_relevance_score") {
    const std::string rule =
        "min_relevance_score: min_relevance_score must be between 0.0 and 1.0, got ";
    config.min_relevance_score = 1.5;
    CHECK(failure(validate(config)) == rule + "1.5");
    config.min_relevance_score = -0.1;
    CHECK(failure(validate(config)) == rule + "-0.1");
    config.min_relevance_score = std::numeric_limits<double>::quiet_NaN();
    CHECK(failure(validate(config)) == rule + "NaN");
    config.min_relevance_score = std::numeric_limits<double>::infinity();
    CHECK(failure(validate(config)) == rule + "Infinity");
    config.min_relevance_score = -std::numeric_limits<double>::infinity();
    CHECK(failure(validate(config)) == rule + "-Infinity");
    for (const double bound : {0.0, 1.0}) {
      config.min_relevance_score = bound;
      CHECK(validate(config));
    }
  }
  SECTION("store_after_turns") {
    config.store_after_turns = 0;
    CHECK(failure(validate(config)) ==
          "store_after_turns: store_after_turns must be at least 1, got 0");
  }
  SECTION("metadata") {
    config.metadata = {{"k", std::string(kMaxMetadataBytes, 'x')}};
    CHECK(failure(validate(config)) ==
          "metadata: metadata must be at most 65536 bytes of JSON, got 65544");
  }
}

TEST_CASE("metadata may be as large as its bound and no larger", "[base]") {
  StoreOptions options;
  options.metadata = {{"k", std::string(kMaxMetadataBytes - 8, 'x')}};
  CHECK(validate(options));
  options.metadata = {{"k", std::string(kMaxMetadataBytes - 7, 'x')}};
  CHECK_FALSE(validate(options));
}

TEST_CASE("metadata that nests too deep to be read back is refused", "[base]") {
  StoreOptions options;
  options.metadata = nested(kMaxMetadataDepth);
  CHECK(validate(options));
  options.metadata = nested(kMaxMetadataDepth + 1);
  CHECK(failure(validate(options)) == "metadata: metadata must not nest deeper than 64");
  options.metadata = nested(1000);
  CHECK(failure(validate(options)) == "metadata: metadata must not nest deeper than 64");
}

TEST_CASE("an id is neither empty nor longer than its bound", "[base]") {
  for (const std::string field : {"user_id", "agent_id", "run_id"}) {
    const auto named = [&](const std::string& id) {
      Identity identity;
      if (field == "user_id") identity.user_id = id;
      if (field == "agent_id") identity.agent_id = id;
      if (field == "run_id") identity.run_id = id;
      return identity;
    };
    CHECK(failure(validate(named(""))) == field + ": " + field + " must not be empty");
    CHECK(failure(validate(named(std::string(1025, 'i')))) ==
          field + ": " + field + " must be at most 1024 bytes, got 1025");
    CHECK(validate(named(std::string(1024, 'i'))));
    CHECK(validate(named(std::string("\0", 1))));
    // Every set of options takes the same ids.
    const auto take_empty = [&](auto& options) { options.identity = named(""); };
    CHECK_FALSE(validate(with<RetrieveOptions>(take_empty)));
    CHECK_FALSE(validate(with<StoreOptions>(take_empty)));
    CHECK_FALSE(validate(with<ListOptions>(take_empty)));
  }
  CHECK(validate(Identity{}));
}

TEST_CASE("options of a search, a store and a listing keep their bounds", "[base]") {
  RetrieveOptions retrieve;
  retrieve.top_k = std::numeric_limits<std::int64_t>::max();
  CHECK(validate(retrieve));
  retrieve.top_k = 0;
  CHECK(failure(validate(retrieve)) == "top_k: top_k must be at least 1, got 0");
  retrieve.top_k = 1;
  retrieve.min_relevance_score = 2;
  CHECK(failure(validate(retrieve)) ==
        "min_relevance_score: min_relevance_score must be between 0.0 and 1.0, got 2");

  StoreOptions store;
  store.timestamp_ms = 253402300799999;
  store.expires_at_ms = -62167219200000;
  CHECK(validate(store));
  store.expires_at_ms = -62167219200001;
  CHECK(failure(validate(store)) ==
        "expires_at: expires_at must be between the years 0000 and 9999, got -62167219200001");
  store.timestamp_ms = 253402300800000;
  CHECK(failure(validate(store)) ==
        "timestamp: timestamp must be between the years 0000 and 9999, got 253402300800000");

  ListOptions list;
  list.limit = 1;
  CHECK(validate(list));
  list.offset = -1;
  CHECK(failure(validate(list)) == "offset: offset must be at least 0, got -1");
  list.limit = 0;
  CHECK(failure(validate(list)) == "limit: limit must be at least 1, got 0");
}

TEST_CASE("a query is not blank and has a bound", "[base]") {
  CHECK(failure(validate_query("")) == "query: query must not be empty");
  CHECK(failure(validate_query(" \t\n\xC2\xA0\xE3\x80\x80")) == "query: query must not be empty");
  CHECK(validate_query(std::string(kMaxTextBytes, 'q')));
  CHECK(failure(validate_query(std::string(kMaxTextBytes + 1, 'q'))) ==
        "query: query must be at most 1048576 bytes, got 1048577");
}

// -------------------------------------------------------------------------------------- values

TEST_CASE("JSON objects are equal whatever the order of their members", "[base]") {
  const JsonValue left = JsonObject{{"a", 1}, {"b", JsonArray{JsonObject{{"c", 2}, {"d", 3}}}}};
  const JsonValue right = JsonObject{{"b", JsonArray{JsonObject{{"d", 3}, {"c", 2}}}}, {"a", 1}};
  CHECK(left == right);
  CHECK_FALSE(left == JsonValue(JsonObject{{"a", 1}}));
  CHECK_FALSE(JsonValue(JsonObject{{"a", nullptr}}) == JsonValue(JsonObject{{"b", nullptr}}));
  CHECK_FALSE(JsonValue(1) == JsonValue("1"));
  CHECK_FALSE(JsonValue(false) == JsonValue(nullptr));
}

TEST_CASE("merging members replaces those that are there and appends the others", "[base]") {
  const JsonObject merged = merge_members({{"a", 1}, {"b", 2}}, {{"b", 3}, {"c", 4}});
  CHECK(JsonValue(merged) == JsonValue(JsonObject{{"a", 1}, {"b", 3}, {"c", 4}}));
  REQUIRE(merged.size() == 3);
  CHECK(merged[1].key == "b");
}

TEST_CASE("a value gives what it holds and nothing else", "[base]") {
  const JsonValue object = JsonObject{{"text", "x"}, {"number", 7}};
  REQUIRE(object.find_string("text") != nullptr);
  CHECK(*object.find_string("text") == "x");
  CHECK(object.find_string("number") == nullptr);
  CHECK(object.find("nothing") == nullptr);
  CHECK(JsonValue("x").find("text") == nullptr);
  CHECK(JsonValue().is_null());
  CHECK(JsonValue(true).if_number() == nullptr);
}

TEST_CASE("a provider that implements nothing says so of each operation", "[base]") {
  BaseMemoryProvider provider;
  const auto check = [](const Error& error, std::string_view name) {
    CHECK(error.code == ErrorCode::kNotImplemented);
    CHECK(error.message == std::string(name) + " is not implemented by this provider");
  };
  check(error_of(provider.retrieve_memories("q", {})), "retrieve_memories");
  check(error_of(provider.store_memories("m", {})), "store_memories");
  check(error_of(provider.get_all_memories({})), "get_all_memories");
  check(error_of(provider.delete_memory("id")), "delete_memory");
}

// --------------------------------------------------------------------------------------- UTF-8

TEST_CASE("bad UTF-8 becomes one replacement for each maximal prefix", "[base]") {
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(to_valid_utf8("plain") == "plain");
  CHECK(to_valid_utf8("\xE2\x82\xAC") == "\xE2\x82\xAC");
  CHECK(to_valid_utf8("\xC0\xAF") == bad + bad);             // overlong
  CHECK(to_valid_utf8("\xE2\x82") == bad);                   // cut short
  CHECK(to_valid_utf8("\xE2\x82!") == bad + "!");            //
  CHECK(to_valid_utf8("\xED\xA0\x80") == bad + bad + bad);   // a surrogate
  CHECK(to_valid_utf8("\xF4\x90\x80\x80").size() == 4 * 3);  // past the last code point
  CHECK(to_valid_utf8(std::string("a\0b", 3)) == std::string("a\0b", 3));
}

TEST_CASE("what was made valid stays as it is, whatever it was made from", "[base]") {
  FakeRandom random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string once = to_valid_utf8(random_text(random));
    REQUIRE(to_valid_utf8(once) == once);
  }
}

TEST_CASE("a text is cut between code points", "[base]") {
  const std::string text = "a\xC3\xA9\xF0\x9F\x98\x80z";
  CHECK(truncate_utf8(text, 100) == text);
  CHECK(truncate_utf8(text, 8) == text);
  CHECK(truncate_utf8(text, 7) == "a\xC3\xA9\xF0\x9F\x98\x80");
  for (const std::size_t bytes : {3, 4, 5, 6})
    CHECK(truncate_utf8(text, bytes) == "a\xC3\xA9");
  CHECK(truncate_utf8(text, 2) == "a");
  CHECK(truncate_utf8(text, 0).empty());
}

TEST_CASE("white space and control characters alone are blank", "[base]") {
  CHECK(is_blank(""));
  CHECK(is_blank(" \t\r\n\v\f"));
  CHECK(is_blank(std::string("\0\x1F\x7F", 3)));
  CHECK(is_blank("\xE2\x80\x8B\xEF\xBB\xBF\xE2\x80\xA8"));  // zero-width space, BOM, line separator
  CHECK_FALSE(is_blank("."));
  CHECK_FALSE(is_blank(" \xE6\x97\xA5 "));
  CHECK_FALSE(is_blank("\xFF"));  // becomes U+FFFD, which shows
}

// ---------------------------------------------------------------------------------------- hashes

TEST_CASE("the hash is XXH64", "[hash]") {
  // The vectors of xxHash's own tests: the first bytes of a generator of theirs.
  std::string bytes;
  std::uint64_t generator = 2654435761U;
  for (int i = 0; i < 222; ++i) {
    bytes.push_back(static_cast<char>(generator >> 56U));
    generator *= 11400714785074694797U;
  }
  const std::string_view all = bytes;
  CHECK(hash_bytes("") == 0xEF46DB3751D8E999);
  CHECK(hash_bytes("", 2654435761U) == 0xAC75FDA2929B17EF);
  CHECK(hash_bytes(all.substr(0, 1)) == 0xE934A84ADB052768);
  CHECK(hash_bytes(all.substr(0, 14)) == 0x8282DCC4994E35C8);
  CHECK(hash_bytes(all.substr(0, 222)) == 0xB641AE8CB691C174);
  CHECK(hash_bytes(all.substr(0, 222), 2654435761U) == 0x20CB8AB7AE10C14A);
}

TEST_CASE("a hash index finds what was inserted and not erased", "[hash]") {
  FakeRandom random(1);
  HashIndex index;
  std::multimap<std::uint32_t, std::uint32_t> model;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    // Few hashes, and such as meet in one place.
    const auto hash = static_cast<std::uint32_t>(random.below(500) * 256);
    if (!model.empty() && random.once_in(3)) {
      const auto at = model.lower_bound(hash);
      const auto [erased_hash, number] = at == model.end() ? *model.begin() : *at;
      index.erase(erased_hash, number);
      model.erase(at == model.end() ? model.begin() : at);
    } else {
      index.insert(hash, step);
      model.emplace(hash, step);
    }
    if (step == 10'000) index.reserve(50'000);
    const auto asked = static_cast<std::uint32_t>(random.below(500) * 256);
    std::set<std::uint32_t> found;
    HashIndex::Search search = index.search(asked);
    for (auto each = index.next(search); each != HashIndex::kNone; each = index.next(search))
      CHECK(found.insert(each).second);
    std::set<std::uint32_t> expected;
    for (auto [at, end] = model.equal_range(asked); at != end; ++at)
      expected.insert(at->second);
    REQUIRE(found == expected);
  }
  std::size_t visited = 0;
  index.visit([&](std::uint32_t, std::uint32_t) { ++visited; });
  CHECK(visited == model.size());
  index.clear();
  HashIndex::Search search = index.search(0);
  CHECK(index.next(search) == HashIndex::kNone);
}

TEST_CASE("powers and logarithms are those of the standard library, to 13 digits",
          "[exponential]") {
  for (double x = -690; x < 690; x += 0.37) {
    const double power = std::exp(x);
    CHECK(std::abs(exponential(x) - power) <= 1e-13 * power);
    CHECK(std::abs(natural_logarithm(power) - x) <= 1e-13 * std::abs(x));
  }
  for (double x = 1e-3; x < 1e6; x *= 1.01)
    CHECK(std::abs(natural_logarithm(x) - std::log(x)) <=
          1e-15 * std::max(1.0, std::abs(std::log(x))));
  CHECK(natural_logarithm(1) == 0);
  CHECK(exponential(0) == 1);
  for (int whole = -1000; whole <= 1000; ++whole)
    CHECK(power_of_two(whole) == std::ldexp(1.0, whole));
}

TEST_CASE("what is too large for a power is infinite, and too small is nothing", "[exponential]") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CHECK(exponential(800) == kInfinity);
  CHECK(exponential(kInfinity) == kInfinity);
  CHECK(exponential(-800) == 0);
  CHECK(power_of_two(-kInfinity) == 0);
}
