// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/config.hpp"
#include "agent_memory/mem0_provider.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "mem0/filters.hpp"
#include "mem0/retry.hpp"
#include "mem0/wire.hpp"
#include "support/fake_http.hpp"
#include "support/fakes.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

const std::string kId = "0a14d8f0-e364-4f5c-b305-10da1f0d0878";
const std::string kPending = R"({"status":"PENDING","event_id":"e-1"})";

struct Mem0 {
  std::shared_ptr<FakeHttp> http = std::make_shared<FakeHttp>();
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
  std::shared_ptr<FakeTimer> timer = std::make_shared<FakeTimer>(clock.get());
  Mem0ProviderOptions options;
  std::shared_ptr<Mem0Provider> provider;

  explicit Mem0(Mem0ProviderOptions given = {}) : options(std::move(given)) {
    options.api_key = "m0-secret-key";
    provider =
        value_of(Mem0Provider::make(options, http, timer, clock, std::make_shared<FakeRandom>(1)));
  }

  /// Answers each request with the next of these, the last for ever.
  void answers(std::vector<Result<HttpResponse>> list) {
    http->server = [list = std::move(list), i = std::size_t{0}](const HttpRequest&) mutable {
      return list[std::min(i++, list.size() - 1)];
    };
  }
  [[nodiscard]] JsonValue body(std::size_t request) const {
    return value_of(parse_json(*http->requests.at(request).body));
  }
  [[nodiscard]] std::string line(std::size_t request) const {
    const HttpRequest& each = http->requests.at(request);
    return each.method + " " + each.url.substr(options.base_url.size());
  }
};

Mem0ProviderOptions with_options(void (*change)(Mem0ProviderOptions& options)) {
  return with<Mem0ProviderOptions>(change);
}
Mem0ProviderOptions self_hosted() {
  return with_options([](auto& options) {
    options.api = Mem0Api::kSelfHosted;
    options.base_url = "http://localhost:8888";
  });
}

StoreOptions for_alice() {
  return with<StoreOptions>([](auto& options) { options.identity = ids("alice"); });
}
RetrieveOptions search_for_alice() {
  return with<RetrieveOptions>([](auto& options) { options.identity = ids("alice"); });
}

std::string memory_json(std::string_view id, std::string_view created_at, double score = 0.5) {
  return R"({"id":")" + std::string(id) + R"(","memory":"m )" + std::string(id) + R"(","score":)" +
         dump_json(score) + R"(,"created_at":")" + std::string(created_at) + "\"}";
}

std::string page_json(const std::vector<std::string>& memories, bool has_more = false) {
  std::string list;
  for (const std::string& each : memories)
    list += (list.empty() ? "" : ",") + each;
  return R"({"count":9,"next":)" + std::string(has_more ? R"("http://x/?page=2")" : "null") +
         R"(,"previous":null,"results":[)" + list + "]}";
}

std::vector<std::string> ids_of(const std::vector<RetrievedMemory>& memories) {
  std::vector<std::string> all;
  for (const RetrievedMemory& each : memories)
    all.push_back(each.id);
  return all;
}

std::string filters_text(const Result<JsonObject>& filters) {
  if (!filters) return filters.error().message;
  return dump_json(JsonValue(*filters));
}

std::string platform(std::string_view source, const Identity& identity = ids("alice"),
                     mem0::Endpoint endpoint = mem0::Endpoint::kList) {
  return filters_text(mem0::platform_filters(identity, {}, json(source), endpoint));
}
std::string hosted_by_self(std::string_view source) {
  return filters_text(mem0::self_hosted_filters(ids("alice"), {}, json(source)));
}

}  // namespace

// -------------------------------------------------------------------------------------- policy

TEST_CASE("a refused request is repeated, an unclear one where that is harmless", "[mem0]") {
  using mem0::Attempt;
  CHECK(mem0::classify(200, "") == Attempt::kDone);
  CHECK(mem0::classify(400, "") == Attempt::kDone);
  CHECK(mem0::classify(404, "") == Attempt::kDone);
  CHECK(mem0::classify(501, "") == Attempt::kDone);
  CHECK(mem0::classify(408, "") == Attempt::kRefused);
  CHECK(mem0::classify(429, "") == Attempt::kRefused);
  CHECK(mem0::classify(500, "") == Attempt::kUnclear);
  CHECK(mem0::classify(502, "provider_rate_limited") == Attempt::kUnclear);
  CHECK(mem0::classify(502, "provider_auth_failed") == Attempt::kDone);
  CHECK(mem0::classify(503, "") == Attempt::kUnclear);

  const auto pauses = [](Attempt attempt, mem0::Repeat repeat) {
    return mem0::next_pause_ms(attempt, repeat, 1, 2, std::nullopt, 7).has_value();
  };
  CHECK(pauses(Attempt::kRefused, mem0::Repeat::kHarmful));
  CHECK(pauses(Attempt::kUnclear, mem0::Repeat::kHarmless));
  CHECK_FALSE(pauses(Attempt::kUnclear, mem0::Repeat::kHarmful));
  CHECK_FALSE(pauses(Attempt::kDone, mem0::Repeat::kHarmless));
}

TEST_CASE("pauses are random below a bound that doubles, and end", "[mem0]") {
  FakeRandom random(3);
  for (std::int64_t retry = 1; retry <= 10; ++retry) {
    const std::int64_t bound =
        std::min(mem0::kMaxBackoffMs, mem0::kBackoffMs * (std::int64_t{1} << (retry - 1)));
    std::int64_t least = bound;
    std::int64_t most = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto pause = mem0::next_pause_ms(mem0::Attempt::kUnclear, mem0::Repeat::kHarmless,
                                             retry, 10, std::nullopt, random.next());
      REQUIRE(pause);
      CHECK(*pause >= 0);
      CHECK(*pause <= bound);
      least = std::min(least, *pause);
      most = std::max(most, *pause);
    }
    CHECK(least < bound / 20);
    CHECK(most > bound - bound / 20);
  }
  CHECK_FALSE(
      mem0::next_pause_ms(mem0::Attempt::kRefused, mem0::Repeat::kHarmless, 3, 2, std::nullopt, 1));
}

TEST_CASE("Retry-After is seconds or a date, and nobody waits for an hour", "[mem0]") {
  const TimestampMs now = parse_iso8601("1994-11-06T08:49:30Z").value();
  CHECK(mem0::retry_after_ms("7", now) == 7000);
  CHECK(mem0::retry_after_ms("0", now) == 0);
  CHECK(mem0::retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", now) == 7000);
  CHECK(mem0::retry_after_ms("Sun, 06 Nov 1994 08:49:07 GMT", now) == 0);
  for (const std::string_view bad :
       {"", "soon", "-1", "1.5", "9999999999", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT"}) {
    INFO(bad);
    CHECK_FALSE(mem0::retry_after_ms(bad, now));
  }
  const auto pause = [](std::int64_t asked) {
    return mem0::next_pause_ms(mem0::Attempt::kRefused, mem0::Repeat::kHarmful, 1, 2, asked,
                               123456);
  };
  CHECK(pause(7000).value() >= 7000);
  CHECK(pause(7000).value() <= 7000 + mem0::kBackoffMs);
  CHECK_FALSE(pause(3'600'000));
}

TEST_CASE("polling slows down to a bound", "[mem0]") {
  CHECK(mem0::poll_pause_ms(1) == mem0::kPollMs);
  for (std::int64_t poll = 1; poll < 40; ++poll) {
    CHECK(mem0::poll_pause_ms(poll + 1) >= mem0::poll_pause_ms(poll));
  }
  CHECK(mem0::poll_pause_ms(40) == mem0::kMaxPollMs);
}

// ------------------------------------------------------------------------------------- options

TEST_CASE("options outside their bounds are named, and the key is not shown", "[mem0]") {
  const auto failure = [](void (*change)(Mem0ProviderOptions& options)) {
    const Error error = error_of(validate(with_options(change)));
    CHECK(error.code == ErrorCode::kInvalidArgument);
    return error.message;
  };
  CHECK(failure([](auto& options) { options.timeout_ms = 0; }) ==
        "timeout_ms must be between 1 and 600000, got 0");
  CHECK(failure([](auto& options) { options.max_retries = 11; }) ==
        "max_retries must be between 0 and 10, got 11");
  CHECK(failure([](auto& options) { options.max_retries = -1; }).starts_with("max_retries must"));
  for (const std::string_view key : {"m0-secret\n", "m0 secret", "m0-sécret"}) {
    Mem0ProviderOptions options;
    options.api_key = key;
    const Error error = error_of(validate(options));
    CHECK(error.message == "api_key must be printable ASCII without blanks");
  }
  for (const std::string_view url :
       {"", "api.mem0.ai", "ftp://x", "http://", "http:///x", "//x", "http://u:secret@x",
        "http://x?y", "http://x#y", "http://x y"}) {
    INFO(url);
    Mem0ProviderOptions options;
    options.base_url = url;
    const Error error = error_of(validate(options));
    CHECK(error.field == "base_url");
    CHECK(error.message.find("secret") == std::string::npos);
  }
  for (const std::string_view url : {"http://x", "https://x/y/", "/mem0", "http://x:8/a@b"}) {
    Mem0ProviderOptions options;
    options.base_url = url;
    value_of(validate(options));
  }
}

TEST_CASE("requests have only the headers that are needed, and the caller's over them", "[mem0]") {
  Mem0ProviderOptions options;
  options.api_key = "m0-k";
  options.base_url = "http://x/y//";
  const auto request = [&] {
    return mem0::to_request(options, value_of(mem0::get_call(options, kId)), nullptr);
  };
  CHECK(request().url == "http://x/y/v1/memories/" + kId + "/");
  CHECK(request().headers == std::vector<HttpHeader>{{"authorization", "Token m0-k"}});
  options.headers = {{"authorization", "Bearer t"}, {"x-team", "a"}};
  CHECK(request().headers ==
        std::vector<HttpHeader>{{"authorization", "Bearer t"}, {"x-team", "a"}});
  options.headers.clear();
  options.api_key.clear();
  CHECK(request().headers.empty());
}

TEST_CASE("an id is a part of the path, whatever is in it", "[mem0]") {
  const Mem0ProviderOptions options;
  CHECK(value_of(mem0::get_call(options, "a/b c?d%é")).path ==
        "/v1/memories/a%2Fb%20c%3Fd%25%C3%A9/");
  for (const std::string_view bad : {"", ".", ".."}) {
    CHECK(error_of(mem0::delete_call(options, std::string(bad))).field == "memory_id");
  }
}

// ------------------------------------------------------------------------------------- filters

TEST_CASE("the platform's filters have only forms that it honours", "[mem0][filters]") {
  CHECK(platform("null") == R"({"user_id":"alice"})");
  CHECK(platform("null", ids("alice", "bot", "r")) ==
        R"({"user_id":"alice","agent_id":"bot","run_id":"r"})");
  CHECK(platform("{'topic':'tea'}") ==
        R"({"AND":[{"user_id":"alice"},{"metadata":{"topic":"tea"}}]})");
  // Side by side the platform drops the OR.
  CHECK(platform("{'AND':[{'a':1}],'OR':[{'b':2},{'c':3,'d':4}]}") ==
        R"({"AND":[{"user_id":"alice"},{"metadata":{"a":1}},{"OR":[{"metadata":{"b":2}},)"
        R"({"AND":[{"metadata":{"c":3}},{"metadata":{"d":4}}]}]}]})");
  CHECK(platform("{'NOT':{'a':1}}") ==
        R"({"AND":[{"user_id":"alice"},{"NOT":[{"metadata":{"a":1}}]}]})");
  CHECK(
      platform("{'createdAt':{'gte':'2026-01-01','lt':'2026-02-01'}}") ==
      R"({"AND":[{"user_id":"alice"},{"created_at":{"gte":"2026-01-01"}},{"created_at":{"lt":"2026-02-01"}}]})");
  CHECK(platform("{'id':'x'}") == R"({"AND":[{"user_id":"alice"},{"memory_ids":["x"]}]})");
  CHECK(platform("{'agentId':{'nin':['a','b']}}") ==
        R"({"AND":[{"user_id":"alice"},{"NOT":[{"agent_id":{"in":["a","b"]}}]}]})");
  CHECK(platform("{'metadata':{'k':['a','b']}}") ==
        R"({"AND":[{"user_id":"alice"},{"OR":[{"metadata":{"k":"a"}},{"metadata":{"k":"b"}}]}]})");
  CHECK(platform("{'categories':'travel'}") ==
        R"({"AND":[{"user_id":"alice"},{"categories":{"in":["travel"]}}]})");
  CHECK(platform("{'memory':{'icontains':'tea'}}") ==
        R"({"AND":[{"user_id":"alice"},{"keywords":{"icontains":"tea"}}]})");
}

TEST_CASE("what the platform has no filter for is an error that says so", "[mem0][filters]") {
  for (const std::string_view source : {"{'k':{'gt':1}}",
                                        "{'k':'*'}",
                                        "{'k':null}",
                                        "{'k':{}}",
                                        "{'k':{'like':1}}",
                                        "{'k':{'in':[]}}",
                                        "{'k':{'eq':[1]}}",
                                        "{'role':'user'}",
                                        "{'name':'Ann'}",
                                        "{'user_id':{'gt':'a'}}",
                                        "{'created_at':{'contains':'2026'}}",
                                        "{'id':{'contains':'x'}}",
                                        "{'memory':'tea'}",
                                        "{'OR':[]}",
                                        "{'OR':[{}]}",
                                        "{'OR':{'a':1}}",
                                        "{'AND':[1]}",
                                        "[]",
                                        "'x'",
                                        "{'metadata':1,'k':{'nin':'x'}}"}) {
    INFO(source);
    const auto made = mem0::platform_filters(ids("alice"), {}, json(source), mem0::Endpoint::kList);
    CHECK(error_of(made).field == "filters");
  }
  CHECK(platform("{'memory':{'contains':'tea'}}", ids("alice"), mem0::Endpoint::kSearch)
            .starts_with("filters asks for a part of memory"));
}

TEST_CASE("a platform's filter names an entity, by itself or with the identity",
          "[mem0][filters]") {
  CHECK(platform("{'user_id':'bob'}", {}) == R"({"user_id":"bob"})");
  CHECK(platform("{'OR':[{'user_id':'a'},{'agent_id':{'in':['b']}}]}", {}) ==
        R"({"OR":[{"user_id":"a"},{"agent_id":{"in":["b"]}}]})");
  for (const std::string_view source :
       {"null", "{}", "{'k':1}", "{'user_id':'*'}", "{'user_id':{'ne':'a'}}",
        "{'NOT':{'user_id':'a'}}", "{'OR':[{'user_id':'a'},{'k':1}]}"}) {
    INFO(source);
    CHECK(platform(source, {}).starts_with("user_id must be given, or another id"));
  }
}

TEST_CASE("a self-hosted server's filters stay within the walls", "[mem0][filters]") {
  CHECK(hosted_by_self("null") == R"({"user_id":"alice"})");
  CHECK(hosted_by_self("{'k':{'gt':1,'lte':9},'j':['a'],'AND':[{'i':'*'}]}") ==
        R"({"user_id":"alice","k":{"gt":1,"lte":9},"j":{"in":["a"]},"i":"*"})");
  CHECK(hosted_by_self("{'OR':[{'a':1,'b':2},{'role':'user'}],'NOT':[{'name':'Ann'}]}") ==
        R"({"user_id":"alice","OR":[{"a":1,"b":2},{"role":"user"}],"NOT":[{"actor_id":"Ann"}]})");
  CHECK(hosted_by_self("{'k':{'gt':1},'AND':[{'k':{'lt':9}}]}") ==
        R"({"user_id":"alice","k":{"gt":1,"lt":9}})");
  // There the last of two wins: an id inside of AND would open another's wall.
  for (const std::string_view source :
       {"{'user_id':'bob'}", "{'AND':[{'userId':'bob'}]}", "{'OR':[{'agent_id':'x'}]}",
        "{'metadata':{'user_id':'bob'}}", "{'$or':[]}", "{'metadata':{'$or':1}}",
        "{'metadata':{'AND':1}}", "{'k':1,'AND':[{'k':2}]}",
        "{'OR':[{'a':1}],'AND':[{'OR':[{'b':1}]}]}", "{'OR':[{'AND':[{'a':1}]}]}",
        "{'NOT':{'NOT':{'a':1}}}", "{'id':'x'}", "{'memory':{'contains':'x'}}",
        "{'created_at':{'gt':'2026'}}", "{'k':null}", "{'OR':[{}]}"}) {
    INFO(source);
    const auto made = mem0::self_hosted_filters(ids("alice"), {}, json(source));
    CHECK(error_of(made).field == "filters");
  }
}

TEST_CASE("metadata that must be there is a value, whatever it looks like", "[mem0][filters]") {
  const auto made = [](std::string_view source) {
    return filters_text(mem0::self_hosted_filters(ids("alice"), metadata(source), {}));
  };
  CHECK(made("{'k':'*'}") == R"({"user_id":"alice","k":{"eq":"*"}})");
  CHECK(made("{'k':2}") == R"({"user_id":"alice","k":2})");
  CHECK(made("{'k':{'ne':2}}").starts_with("filters compares metadata.k"));
  CHECK(made("{'k':['a']}").starts_with("filters compares metadata.k"));
}

// ------------------------------------------------------------------------------------- answers

TEST_CASE("memories are read in every shape that Mem0 had", "[mem0]") {
  const std::string memory = memory_json("a", "2026-01-15T10:30:00Z");
  for (const std::string& body : {"[" + memory + "]", R"({"results":[)" + memory + "]}",
                                  R"({"results":[)" + memory + R"(],"relations":[]})",
                                  R"({"memories":[)" + memory + "]}", page_json({memory})}) {
    INFO(body);
    const mem0::Page page =
        value_of(mem0::read_page(mem0::read_answer({}, http_response(200, body))));
    REQUIRE(page.memories.size() == 1);
    CHECK(page.memories[0].id == "a");
    CHECK_FALSE(page.has_more);
  }
  for (const std::string_view run : {"run_id", "session_id"}) {
    const std::string body =
        R"({"id":"a","memory":"m","user_id":"u","agent_id":null,")" + std::string(run) +
        R"(":"r","metadata":null,"updated_at":null,"categories":null,"role":"user","actor_id":"Ann"})";
    const auto read = value_of(mem0::read_memory(mem0::read_answer({}, http_response(200, body))));
    CHECK(read->identity == ids("u", "", "r"));
    CHECK(read->metadata.empty());
    CHECK(read->role == Role::kUser);
    CHECK(read->name == "Ann");
    CHECK_FALSE(read->created_at_ms);
  }
}

TEST_CASE("a memory without id or text is an error, anything else of a wrong type is not said",
          "[mem0]") {
  const std::vector<std::string> wrong = {"null", "7", "true", "[]", "{}", "\"x\"", "-1e308"};
  const std::vector<std::string> keys = {
      "id",      "memory",   "score",           "metadata",      "created_at",
      "user_id", "agent_id", "run_id",          "session_id",    "updated_at",
      "role",    "actor_id", "score_breakdown", "score_details", "categories"};
  for (const std::string& key : keys) {
    for (const std::string& value : wrong) {
      JsonValue memory = json("{'id':'a','memory':'m'}");
      set_member(*memory.if_object(), key, value_of(parse_json(value)));
      const std::string body = dump_json(JsonArray{memory});
      INFO(body);
      const auto page = mem0::read_page(mem0::read_answer({}, http_response(200, body)));
      const bool is_needed = key == "id" || key == "memory";
      CHECK(page.has_value() == (!is_needed || value == "\"x\""));
      if (!page) {
        CHECK(page.error().code == ErrorCode::kProvider);
        CHECK(page.error().message.find("results[0]") != std::string::npos);
      } else {
        CHECK(page->memories[0].score >= 0);
        CHECK(page->memories[0].score <= 1);
      }
    }
  }
  for (const std::string_view body :
       {"null", "7", "\"x\"", "{}", R"({"results":7})", R"({"results":{}})", "[7]"}) {
    const auto page = mem0::read_page(mem0::read_answer({}, http_response(200, std::string(body))));
    CHECK(error_of(page).code == ErrorCode::kProvider);
  }
}

TEST_CASE("what is no JSON is said to be what it is", "[mem0]") {
  const auto message = [](std::string body, std::string type) {
    return error_of(mem0::read_page(mem0::read_answer({}, {.status = 200,
                                                           .content_type = std::move(type),
                                                           .retry_after = {},
                                                           .body = std::move(body)})))
        .message;
  };
  CHECK(message("<html>", "text/html; charset=utf-8") ==
        "Mem0 answered with a web page in place of JSON");
  CHECK(message("\n <!doctype", "") == "Mem0 answered with a web page in place of JSON");
  CHECK(message("", "") == "Mem0 answered with nothing in place of JSON");
  CHECK(message("[{\"id\":\"\xFF\"}]", "") ==
        "Mem0 answered with text that is not UTF-8 in place of JSON");
  CHECK(message("upstream", "text/plain") ==
        "Mem0 answered with the text 'upstream' in place of JSON");
  CHECK(message(std::string(100'000, 'x'), "").size() < 400);
}

TEST_CASE("a server that repeats the key does not make us show it", "[mem0]") {
  Mem0ProviderOptions options;
  options.api_key = "m0-secret-key";
  options.headers = {{"authorization", "Bearer other-secret"}, {"x-a", "b"}};
  const std::string said =
      "no m0-secret-key or other-secret, but b, " + std::string(270, 'x') + " m0-secret-key";
  for (const std::string& body : {dump_json(JsonObject{{"detail", said}}), said}) {
    const mem0::Answer answer = mem0::read_answer(options, http_response(401, body));
    CHECK(answer.text.find("secret") == std::string::npos);
    CHECK(answer.text.find("but b,") != std::string::npos);
    CHECK(answer.text.size() < 320);
  }
}

TEST_CASE("an add's answer is read in every shape that Mem0 had", "[mem0]") {
  const auto read = [](std::string_view body) {
    return mem0::read_add(mem0::read_answer({}, http_response(200, std::string(body))),
                          metadata("{'k':1}"));
  };
  CHECK(value_of(read(kPending)).pending_events == std::vector<std::string>{"e-1"});
  CHECK(value_of(read("[" + kPending + "]")).pending_events == std::vector<std::string>{"e-1"});
  CHECK(
      value_of(read(R"({"results":[)" + kPending + R"(],"relations":[]})")).pending_events.size() ==
      1);
  CHECK(value_of(read(R"({"status":"RUNNING","event_id":"e"})")).pending_events.size() == 1);
  CHECK(value_of(read(R"({"event_id":"e"})")).pending_events.size() == 1);
  for (const std::string_view body :
       {R"({"status":"SUCCEEDED","event_id":"e","results":[]})", R"({"results":[]})", "[]",
        R"({"status":"SUCCEEDED","event_id":"e"})"}) {
    INFO(body);
    const mem0::AddResult result = value_of(read(body));
    CHECK(result.stored.empty());
    CHECK(result.pending_events.empty());
  }
  for (
      const std::string_view body :
      {R"({"status":"SUCCEEDED","event_id":"e","results":[{"id":"a","data":{"memory":"m"},"event":"ADD"}]})",
       R"([{"id":"a","memory":"m","event":"ADD"}])", R"({"results":[{"id":"a","memory":"m"}]})"}) {
    INFO(body);
    const mem0::AddResult result = value_of(read(body));
    REQUIRE(result.stored.size() == 1);
    CHECK(result.stored[0].id == "a");
    CHECK(result.stored[0].memory == "m");
    CHECK(result.stored[0].event == MemoryEvent::kAdd);
    CHECK(JsonValue(result.stored[0].metadata) == json("{'k':1}"));
  }
  CHECK(value_of(read(R"([{"id":"a","memory":"m","event":"NONE"},{"id":"b","event":"DELETE"}])"))
            .stored.size() == 2);
  CHECK(error_of(read(R"({"status":"FAILED","message":"no quota"})")).message ==
        "Mem0 failed to store what was said: no quota");
  // What is not known to be under way or done is not taken for done.
  CHECK(error_of(read(R"({"status":"error","message":"no quota"})")).message ==
        "Mem0 failed to store what was said: no quota");
  CHECK(error_of(read(R"([{"status":"REJECTED"}])")).code == ErrorCode::kProvider);
  CHECK(value_of(read(R"({"status":"PENDING"})")).stored.empty());
  CHECK(error_of(read("{}")).code == ErrorCode::kProvider);
  CHECK(error_of(read("null")).code == ErrorCode::kProvider);
  CHECK(error_of(read("[{\"id\":7}]")).code == ErrorCode::kProvider);
}

// ------------------------------------------------------------------------------------ retrieving

TEST_CASE("a search keeps what scores enough, best first", "[mem0]") {
  Mem0 mem0;
  mem0.answers({http_response(200, page_json({memory_json("low", "2026-01-01T00:00:00Z", 0.2),
                                              memory_json("old", "2026-01-01T00:00:00Z", 0.7),
                                              memory_json("new", "2026-01-02T00:00:00Z", 0.7),
                                              memory_json("best", "2026-01-01T00:00:00Z", 0.9)}))});
  RetrieveOptions options = search_for_alice();
  options.min_relevance_score = 0.5;
  CHECK(ids_of(value_of(mem0.provider->retrieve_memories("q", options))) ==
        std::vector<std::string>{"best", "old", "new"});
  CHECK(mem0.body(0) ==
        json("{'query':'q','filters':{'user_id':'alice'},'top_k':5,'threshold':0.5}"));
  options.strategy = RetrievalStrategy::kHybrid;
  options.top_k = 2;
  CHECK(ids_of(value_of(mem0.provider->retrieve_memories("q", options))) ==
        std::vector<std::string>{"best", "new"});
}

TEST_CASE("recency is a list, newest first", "[mem0]") {
  Mem0 mem0;
  mem0.answers({http_response(200, page_json({memory_json("b", "2026-01-02T00:00:00Z"),
                                              memory_json("a", "2026-01-01T00:00:00Z"),
                                              memory_json("c", "2026-01-03T00:00:00+02:00")}))});
  RetrieveOptions options = search_for_alice();
  options.strategy = RetrievalStrategy::kRecency;
  options.top_k = 2;
  CHECK(ids_of(value_of(mem0.provider->retrieve_memories("q", options))) ==
        std::vector<std::string>{"c", "b"});
  CHECK(mem0.line(0) == "POST /v3/memories/");
  options.min_relevance_score = 0.1;
  CHECK(error_of(mem0.provider->retrieve_memories("q", options)).field == "min_relevance_score");
  options.min_relevance_score = 0;
  options.explain = true;
  CHECK(error_of(mem0.provider->retrieve_memories("q", options)).field == "explain");
}

TEST_CASE("an explanation is there where it is asked for", "[mem0]") {
  for (const bool is_self_hosted : {false, true}) {
    Mem0 mem0(is_self_hosted ? self_hosted() : Mem0ProviderOptions{});
    mem0.answers({http_response(
        200,
        is_self_hosted
            ? R"({"results":[{"id":"a","memory":"m","score":0.8,"score_details":{"semantic_score":0.7,"bm25_score":0.1}}]})"
            : R"({"results":[{"id":"a","memory":"m","score":0.8,"score_breakdown":{"semantic":0.7,"bm25":0.1,"entity":0}}]})")});
    RetrieveOptions options = search_for_alice();
    CHECK_FALSE(value_of(mem0.provider->retrieve_memories("q", options))[0].explanation);
    options.explain = true;
    const auto found = value_of(mem0.provider->retrieve_memories("q", options));
    REQUIRE(found[0].explanation);
    CHECK(found[0].explanation->semantic == 0.7);
    CHECK(found[0].explanation->keyword == 0.1);
    CHECK((mem0.body(1).find("explain") != nullptr) == is_self_hosted);
  }
}

TEST_CASE("what cannot be asked is asked nobody", "[mem0]") {
  for (const bool is_self_hosted : {false, true}) {
    Mem0 mem0(is_self_hosted ? self_hosted() : Mem0ProviderOptions{});
    mem0.answers({http_response(200, "[]")});
    const auto field = [](const auto& error) { return error.field.value_or(""); };
    RetrieveOptions options = search_for_alice();
    options.top_k = 1001;
    CHECK(field(error_of(mem0.provider->retrieve_memories("q", options))) == "top_k");
    CHECK(field(error_of(mem0.provider->retrieve_memories(" ", search_for_alice()))) == "query");
    CHECK(field(error_of(mem0.provider->retrieve_memories("q", {}))) == "user_id");
    options = search_for_alice();
    options.identity.user_id = "*";
    CHECK(field(error_of(mem0.provider->retrieve_memories("q", options))) == "user_id");
    CHECK(field(error_of(mem0.provider->get_all_memories({}))) == "user_id");
    CHECK(field(error_of(mem0.provider->store_memories("hi", {}))) == "user_id");
    CHECK(field(error_of(mem0.provider->delete_all_memories({}, nullptr))) == "user_id");
    CHECK(field(error_of(mem0.provider->delete_all_memories(ids("*"), nullptr))) == "user_id");
    CHECK(field(error_of(mem0.provider->update_memory(kId, {}, nullptr))) == "change");
    CHECK(field(error_of(mem0.provider->update_memory(
              kId, {.memory = " ", .metadata = std::nullopt}, nullptr))) == "memory");
    CHECK(field(error_of(mem0.provider->store_memories(7, for_alice()))) == "messages");
    if (is_self_hosted) {
      StoreOptions store = for_alice();
      store.timestamp_ms = kStart;
      CHECK(field(error_of(mem0.provider->store_memories("hi", store))) == "timestamp");
      ListOptions list;
      list.identity = ids("alice");
      list.filters = json("{'k':1}");
      CHECK(field(error_of(mem0.provider->get_all_memories(list))) == "filters");
    }
    CHECK(mem0.http->requests.empty());
  }
}

// ---------------------------------------------------------------------------------------- lists

namespace {

/// A platform with `count` memories, which lists them newest first or as `order` says.
std::function<Result<HttpResponse>(const HttpRequest&)> paged(std::size_t count,
                                                              bool is_newest_first) {
  return [=](const HttpRequest& request) -> Result<HttpResponse> {
    const std::size_t mark = request.url.find("?page=");
    const std::size_t page =
        mark == std::string::npos ? 1 : std::stoul(request.url.substr(mark + 6));
    const std::size_t begin = (page - 1) * 100;
    if (begin >= count && page > 1) return http_response(404, R"({"detail":"Invalid page."})");
    std::vector<std::string> memories;
    for (std::size_t i = begin; i < std::min(count, begin + 100); ++i) {
      const std::size_t age = is_newest_first ? i : (i * 7919) % count;
      memories.push_back(
          memory_json("m" + std::to_string(age),
                      format_iso8601(kStart - static_cast<TimestampMs>(age) * 1000)));
    }
    return http_response(200, page_json(memories, begin + 100 < count));
  };
}

}  // namespace

TEST_CASE("a list has every page, and no more of them than it takes", "[mem0]") {
  for (const bool is_newest_first : {true, false}) {
    for (const std::size_t count : {0U, 1U, 99U, 100U, 101U, 250U, 300U}) {
      Mem0 mem0;
      mem0.http->server = paged(count, is_newest_first);
      ListOptions options;
      options.identity = ids("alice");
      const auto all = value_of(mem0.provider->get_all_memories(options));
      REQUIRE(all.size() == count);
      for (std::size_t i = 0; i < count; ++i)
        CHECK(all[i].id == "m" + std::to_string(i));
      CHECK(mem0.http->requests.size() == std::max<std::size_t>(1, (count + 99) / 100));

      mem0.http->requests.clear();
      options.limit = 20;
      options.offset = 90;
      const auto some = value_of(mem0.provider->get_all_memories(options));
      REQUIRE(some.size() == std::min<std::size_t>(20, count > 90 ? count - 90 : 0));
      for (std::size_t i = 0; i < some.size(); ++i)
        CHECK(some[i].id == "m" + std::to_string(90 + i));
      // Where the order is not seen to be ours, all must be read to know the newest.
      const std::size_t needed = is_newest_first ? std::min<std::size_t>(count, 110) : count;
      CHECK(mem0.http->requests.size() == std::max<std::size_t>(1, (needed + 99) / 100));
    }
  }
  CHECK(true);
}

TEST_CASE("what moves from one page to the next meanwhile is there once", "[mem0]") {
  Mem0 mem0;
  mem0.answers(
      {http_response(
           200, page_json({memory_json("a", "2026-01-02"), memory_json("b", "2026-01-01")}, true)),
       http_response(
           200, page_json({memory_json("b", "2026-01-01"), memory_json("c", "2025-01-01")}, true)),
       http_response(200, page_json({memory_json("c", "2025-01-01")}, true))});
  ListOptions options;
  options.identity = ids("alice");
  CHECK(ids_of(value_of(mem0.provider->get_all_memories(options))) ==
        std::vector<std::string>{"a", "b", "c"});
  CHECK(mem0.line(1) == "POST /v3/memories/?page=2&page_size=100");
  CHECK(mem0.body(1) == mem0.body(0));
  CHECK(mem0.http->requests.size() ==
        3);  // a server that always says there is more is not asked for ever
}

TEST_CASE("a self-hosted list that may be cut is an error and not a part", "[mem0]") {
  Mem0 mem0(self_hosted());
  std::vector<std::string> memories;
  for (int i = 0; i < 1000; ++i)
    memories.push_back(memory_json(std::to_string(i), format_iso8601(kStart + i)));
  ListOptions options;
  options.identity = ids("alice");
  options.limit = 2;
  mem0.answers({http_response(200, page_json(memories))});
  CHECK(error_of(mem0.provider->get_all_memories(options)).code == ErrorCode::kProvider);
  memories.pop_back();
  mem0.answers({http_response(200, page_json(memories))});
  CHECK(ids_of(value_of(mem0.provider->get_all_memories(options))) ==
        std::vector<std::string>{"998", "997"});
  CHECK(mem0.line(0) == "GET /memories?user_id=alice&top_k=1000");
}

// ---------------------------------------------------------------------------------------- storing

TEST_CASE("an add that is accepted is waited for, with growing pauses", "[mem0]") {
  Mem0 mem0;
  mem0.answers(
      {http_response(200, kPending),
       http_response(200, R"({"id":"e-1","status":"PENDING","results":[]})"),
       http_response(200, R"({"id":"e-1","status":"RUNNING"})"),
       http_response(
           200,
           R"({"id":"e-1","status":"SUCCEEDED","results":[{"id":"a","event":"ADD","data":{"memory":"Likes tea"}}]})")});
  StoreOptions options = for_alice();
  options.metadata = metadata("{'source':'chat'}");
  const auto stored = value_of(mem0.provider->store_memories("I like tea", options));
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].memory == "Likes tea");
  CHECK(JsonValue(stored[0].metadata) == json("{'source':'chat'}"));
  CHECK(mem0.line(0) == "POST /v3/memories/add/");
  CHECK(mem0.line(1) == "GET /v1/event/e-1/");
  CHECK(mem0.timer->pauses == std::vector<std::int64_t>{mem0::poll_pause_ms(1),
                                                        mem0::poll_pause_ms(2),
                                                        mem0::poll_pause_ms(3)});
}

TEST_CASE("an add that fails, ends with nothing or never ends says so", "[mem0]") {
  Mem0 mem0;
  mem0.answers({http_response(200, kPending),
                http_response(200, R"({"status":"FAILED","error":"no model"})")});
  const Error failed = error_of(mem0.provider->store_memories("hi", for_alice()));
  CHECK(failed.code == ErrorCode::kProvider);
  CHECK(failed.message == "Mem0 failed to store what was said: no model");

  mem0.answers(
      {http_response(200, kPending), http_response(200, R"({"status":"SUCCEEDED","results":[]})")});
  CHECK(value_of(mem0.provider->store_memories("hi", for_alice())).empty());

  mem0.answers({http_response(200, kPending)});
  const Error late = error_of(mem0.provider->store_memories("hi", for_alice()));
  CHECK(late.code == ErrorCode::kTimeout);
  CHECK(late.message.find("e-1") != std::string::npos);

  mem0.answers(
      {http_response(200, kPending), http_response(404, R"({"error":"Event not found"})")});
  const Error lost = error_of(mem0.provider->store_memories("hi", for_alice()));
  CHECK(lost.status == 404);
  CHECK_FALSE(lost.retryable);
  CHECK(lost.message.starts_with("it was accepted, but what became of it is not known"));
}

TEST_CASE("without waiting, an accepted add is answered at once", "[mem0]") {
  Mem0 mem0(with_options([](auto& options) { options.wait_for_completion = false; }));
  mem0.answers({http_response(200, kPending)});
  CHECK(value_of(mem0.provider->store_memories("hi", for_alice())).empty());
  CHECK(mem0.http->requests.size() == 1);
}

TEST_CASE("what is said goes out in the shape of the API", "[mem0]") {
  const JsonValue messages = json(
      "[{'role':'system','content':'s'},{'role':'user','content':[{'type':'text','text':'Hi'},{'"
      "type':'image_url','image_url':{'url':'u'}}]},"
      "{'role':'assistant','content':'Hello','tool_calls':[]},{'role':'tool','content':'t'}]");
  StoreOptions options;
  options.identity = ids("alice", "bot", "r");
  options.metadata = metadata("{'userKey':{'camelCase':1}}");
  options.expires_at_ms = parse_iso8601("2030-01-31T12:00:00Z");
  for (const bool is_self_hosted : {false, true}) {
    Mem0ProviderOptions made = is_self_hosted ? self_hosted() : Mem0ProviderOptions{};
    made.infer = false;
    Mem0 mem0(made);
    mem0.answers({http_response(200, R"({"results":[]})")});
    value_of(mem0.provider->store_memories(messages, options));
    CHECK(
        mem0.body(0) ==
        json("{'messages':[{'role':'user','content':'Hi'},{'role':'assistant','content':'Hello'}],"
             "'user_id':'alice','agent_id':'bot','run_id':'r','metadata':{'userKey':{'camelCase':1}"
             "},"
             "'infer':false,'expiration_date':'2030-01-31'}"));
  }
  Mem0 mem0;
  mem0.answers({http_response(500, "")});
  CHECK(value_of(mem0.provider->store_memories(JsonArray{}, for_alice())).empty());
  CHECK(mem0.http->requests.empty());
}

TEST_CASE("the time is that of the messages, and one request has one", "[mem0]") {
  const JsonValue messages = json(
      "[{'role':'user','content':'a','timestamp':'2026-01-01T00:00:00.900Z'},{'role':'user','"
      "content':'b','timestamp':'2026-01-02T00:00:00Z'},"
      "{'role':'user','content':'c'}]");
  StoreOptions options = for_alice();
  options.timestamp_ms = parse_iso8601("1969-12-31T23:59:59.500Z");
  const auto times = [&](bool infer) {
    Mem0ProviderOptions made;
    made.infer = infer;
    std::vector<double> all;
    for (const mem0::AddBatch& each : value_of(mem0::add_batches(made, messages, options)))
      all.push_back(*find_member(*each.call.body, "timestamp")->if_number());
    return all;
  };
  CHECK(times(true) == std::vector<double>{1767312000});
  CHECK(times(false) == std::vector<double>{1767225600, 1767312000, -1});
}

TEST_CASE("long lists of messages go in several requests, in order and whole", "[mem0]") {
  FakeRandom random(5);
  for (int round = 0; round < 30; ++round) {
    JsonArray messages;
    std::vector<std::string> texts;
    const std::size_t count = random.below(400);
    for (std::size_t i = 0; i < count; ++i) {
      texts.push_back(std::to_string(i) + std::string(random.below(20'000), 'x'));
      messages.push_back(JsonObject{{"role", "user"}, {"content", texts.back()}});
    }
    std::vector<std::string> sent;
    std::size_t next = 0;
    for (const mem0::AddBatch& each : value_of(mem0::add_batches({}, messages, for_alice()))) {
      const JsonArray& list = *find_member(*each.call.body, "messages")->if_array();
      CHECK(list.size() <= mem0::kMaxMessagesPerAdd);
      CHECK(each.first == next);
      CHECK(each.last == next + list.size() - 1);
      next += list.size();
      std::size_t bytes = 0;
      for (const JsonValue& message : list) {
        sent.push_back(*message.find_string("content"));
        bytes += sent.back().size();
      }
      CHECK((bytes <= mem0::kMaxBytesPerAdd || list.size() == 1));
    }
    CHECK(sent == texts);
  }
}

TEST_CASE("one bad batch does not hide that the others were stored", "[mem0]") {
  Mem0 mem0;
  JsonArray messages;
  for (int i = 0; i < 250; ++i)
    messages.push_back(JsonObject{{"role", "user"}, {"content", std::to_string(i)}});
  mem0.answers({http_response(200, R"({"results":[{"id":"a","memory":"m"}]})"),
                http_response(400, R"({"detail":"no"})"),
                http_response(200, R"({"results":[{"id":"c","memory":"m"}]})")});
  StoreOutcome outcome = value_of(mem0.provider->store_in_batches(messages, for_alice()));
  REQUIRE(outcome.stored.size() == 2);
  CHECK(outcome.stored[1].id == "c");
  REQUIRE(outcome.error);
  CHECK(outcome.error->message ==
        "messages[100] to messages[199] were not stored: Mem0 answered with status 400: no");
  CHECK(outcome.error->status == 400);

  // What is wrong for all is not tried again for each.
  mem0.http->requests.clear();
  mem0.answers({http_response(200, R"({"results":[{"id":"a","memory":"m"}]})"),
                http_response(401, R"({"detail":"key"})")});
  outcome = value_of(mem0.provider->store_in_batches(messages, for_alice()));
  CHECK(outcome.stored.size() == 1);
  CHECK(outcome.error->code == ErrorCode::kUnauthorized);
  CHECK(outcome.error->message.starts_with("messages[100] to messages[249] were not stored"));
  CHECK(mem0.http->requests.size() == 2);

  mem0.answers({http_response(401, R"({"detail":"key"})")});
  CHECK(error_of(mem0.provider->store_in_batches(messages, for_alice())).code ==
        ErrorCode::kUnauthorized);
}

TEST_CASE("an add that may have happened is not repeated, unless repeats are dropped", "[mem0]") {
  for (const bool infer : {true, false}) {
    for (const bool is_self_hosted : {false, true}) {
      Mem0ProviderOptions made = is_self_hosted ? self_hosted() : Mem0ProviderOptions{};
      made.infer = infer;
      const bool is_harmless = !infer && !is_self_hosted;
      for (const Result<HttpResponse>& failure :
           {Result<HttpResponse>(unreachable()), Result<HttpResponse>(timed_out()),
            Result<HttpResponse>(http_response(500, "")),
            Result<HttpResponse>(http_response(503, ""))}) {
        Mem0 mem0(made);
        mem0.answers({failure});
        const Error error = error_of(mem0.provider->store_memories("hi", for_alice()));
        CHECK(mem0.http->requests.size() == (is_harmless ? 3U : 1U));
        CHECK(error.retryable == is_harmless);
        CHECK((error.message.find("may have been stored") != std::string::npos) == !is_harmless);
      }
      Mem0 mem0(made);
      mem0.answers({http_response(429, "{}", "2"), http_response(200, R"({"results":[]})")});
      CHECK(value_of(mem0.provider->store_memories("hi", for_alice())).empty());
      CHECK(mem0.http->requests.size() == 2);
      CHECK(mem0.timer->pauses[0] >= 2000);
    }
  }
}

// ------------------------------------------------------------------------------ failures and
// retries

TEST_CASE("what fails in a way that may pass is tried again, as often as allowed", "[mem0]") {
  for (const std::int64_t retries : {0, 1, 2, 5}) {
    Mem0ProviderOptions made;
    made.max_retries = retries;
    Mem0 mem0(made);
    mem0.answers({http_response(503, "<html>")});
    const Error error = error_of(mem0.provider->retrieve_memories("q", search_for_alice()));
    CHECK(error.status == 503);
    CHECK(error.retryable);
    CHECK(error.message == "Mem0 answered with status 503: a web page");
    CHECK(mem0.http->requests.size() == static_cast<std::size_t>(retries) + 1);
    CHECK(mem0.timer->pauses.size() == static_cast<std::size_t>(retries));
  }
  Mem0 mem0;
  mem0.answers({unreachable(), http_response(500, ""), http_response(200, "[]")});
  CHECK(value_of(mem0.provider->retrieve_memories("q", search_for_alice())).empty());
  mem0.answers({unreachable()});
  const Error error = error_of(mem0.provider->retrieve_memories("q", search_for_alice()));
  CHECK(error.message == "Mem0 could not be reached");
  CHECK(error.retryable);
}

TEST_CASE("an add that finds nobody there is not followed by others", "[mem0]") {
  JsonArray messages;
  for (int i = 0; i < 250; ++i)
    messages.push_back(JsonObject{{"role", "user"}, {"content", std::to_string(i)}});
  for (const Result<HttpResponse>& failure :
       {Result<HttpResponse>(unreachable()), Result<HttpResponse>(http_response(503, ""))}) {
    Mem0 mem0;
    mem0.answers({http_response(200, R"({"results":[{"id":"a","memory":"m"}]})"), failure});
    const StoreOutcome outcome = value_of(mem0.provider->store_in_batches(messages, for_alice()));
    CHECK(outcome.stored.size() == 1);
    CHECK(outcome.error->message.starts_with("messages[100] to messages[249] were not stored"));
    CHECK(mem0.http->requests.size() == 2);
  }
}

TEST_CASE("what will not pass is not tried again", "[mem0]") {
  for (const int status : {301, 400, 401, 403, 404, 413, 422, 501}) {
    Mem0 mem0;
    mem0.answers({http_response(status, R"({"detail":"x"})")});
    const Error error = error_of(mem0.provider->retrieve_memories("q", search_for_alice()));
    CHECK(error.status == status);
    CHECK_FALSE(error.retryable);
    CHECK(mem0.http->requests.size() == 1);
  }
  Mem0 mem0;
  mem0.answers({http_response(429, "{}", "3600")});
  const Error error = error_of(mem0.provider->retrieve_memories("q", search_for_alice()));
  CHECK(error.code == ErrorCode::kRateLimited);
  CHECK(error.retryable);
  CHECK(mem0.http->requests.size() == 1);
}

TEST_CASE("a memory that is not there is no failure, and a wrong address is one", "[mem0]") {
  struct Case {
    bool is_self_hosted;
    int status;
    std::string body;
    std::string id;
    bool is_missing;
  };
  const std::vector<Case> cases = {
      {false, 404, R"({"error":"Memory not found!"})", kId, true},
      {false, 404, R"({"detail":"Not found."})", kId, true},
      {false, 400, R"({"error":"memory_id should be a valid UUID"})", "x", true},
      {false, 400, R"({"error":"memory_id should be a valid UUID"})", kId, false},
      {false, 404, "<html>Not Found</html>", kId, false},
      {false, 404, R"({"detail":"Not Found"})", kId, false},
      {true, 404, R"({"detail":"Memory with id x not found"})", kId, true},
      {true, 404, R"({"detail":"Not Found"})", kId, false},
      {true, 502, R"({"detail":"Upstream provider error.","code":"unknown"})", "not-a-uuid", true},
      {true, 502, R"({"detail":"Upstream provider error.","code":"unknown"})", kId, false},
  };
  for (const Case& each : cases) {
    INFO(each.status << " " << each.body << " " << each.id);
    Mem0 mem0(each.is_self_hosted ? self_hosted() : Mem0ProviderOptions{});
    mem0.answers({http_response(each.status, each.body)});
    const auto got = run_ready(mem0.provider->get_memory(each.id, nullptr));
    CHECK(got.has_value() == each.is_missing);
    if (got) {
      CHECK_FALSE(*got);
      CHECK(mem0.http->requests.size() == 1);
      CHECK_FALSE(value_of(mem0.provider->delete_memory(each.id)));
      CHECK(value_of(mem0.provider->history(each.id, nullptr)).empty());
      CHECK(error_of(mem0.provider->update_memory(
                         each.id, {.memory = "m", .metadata = std::nullopt}, nullptr))
                .code == ErrorCode::kNotFound);
    } else {
      CHECK(error_of(mem0.provider->delete_memory(each.id)).status == each.status);
    }
  }
  Mem0 mem0(self_hosted());
  mem0.answers({http_response(200, "null")});
  CHECK_FALSE(value_of(mem0.provider->get_memory(kId, nullptr)));
}

TEST_CASE("nothing is taken for done that was answered by somebody else", "[mem0]") {
  const std::vector<HttpResponse> others = {
      http_response(404, R"({"detail":"Page not found"})"),
      http_response(404, R"({"error":"This page could not be found."})"),
      http_response(200, "<!doctype html><title>Sign in</title>"),
      http_response(200, "OK"),
  };
  for (const bool is_self_hosted : {false, true}) {
    for (const HttpResponse& other : others) {
      INFO(other.status << " " << other.body);
      Mem0 mem0(is_self_hosted ? self_hosted() : Mem0ProviderOptions{});
      mem0.answers({other});
      const auto is_told = [&](const Error& error) {
        CHECK(error.code == ErrorCode::kProvider);
        CHECK(error.status == other.status);
        CHECK_FALSE(error.retryable);
      };
      is_told(error_of(mem0.provider->delete_memory(kId)));
      is_told(error_of(mem0.provider->update_memory(
          kId, {.memory = "m", .metadata = metadata("{'k':2}")}, nullptr)));
      is_told(error_of(mem0.provider->delete_all_memories(ids("alice"), nullptr)));
      is_told(error_of(mem0.provider->store_memories("hi", for_alice())));
      is_told(error_of(mem0.provider->get_memory(kId, nullptr)));
      is_told(error_of(mem0.provider->history(kId, nullptr)));
      is_told(error_of(mem0.provider->get_all_memories(
          with<ListOptions>([](auto& options) { options.identity = ids("alice"); }))));
      CHECK(mem0.http->requests.size() == 7);
    }
    // Nothing is an answer to what asks for nothing.
    Mem0 mem0(is_self_hosted ? self_hosted() : Mem0ProviderOptions{});
    mem0.answers({http_response(204, "")});
    CHECK(value_of(mem0.provider->delete_memory(kId)));
    value_of(mem0.provider->delete_all_memories(ids("alice"), nullptr));
  }
}

TEST_CASE("a memory that the first of two attempts may have deleted was deleted", "[mem0]") {
  Mem0 mem0;
  mem0.answers({timed_out(), http_response(404, R"({"error":"Memory not found!"})")});
  CHECK(value_of(mem0.provider->delete_memory(kId)));
  mem0.answers({http_response(429, ""), http_response(404, R"({"error":"Memory not found!"})")});
  CHECK_FALSE(value_of(mem0.provider->delete_memory(kId)));
  mem0.answers({http_response(200, R"({"message":"Memory deleted successfully!"})")});
  CHECK(value_of(mem0.provider->delete_memory(kId)));
}

// ------------------------------------------------------------------------------ one memory, and
// all

TEST_CASE("a changed memory is told as it is now", "[mem0]") {
  Mem0 platform;
  platform.answers({http_response(200, R"({"id":"x","memory":"new","metadata":{"k":1}})")});
  StoredMemory stored = value_of(
      platform.provider->update_memory(kId, {.memory = "new", .metadata = std::nullopt}, nullptr));
  CHECK(stored.event == MemoryEvent::kUpdate);
  CHECK(JsonValue(stored.metadata) == json("{'k':1}"));
  CHECK(platform.line(0) == "PUT /v1/memories/" + kId + "/");

  Mem0 server(self_hosted());
  server.answers({http_response(200, R"({"message":"Memory updated successfully!"})"),
                  http_response(200, R"({"id":"x","memory":"old","metadata":{"k":2}})")});
  stored = value_of(server.provider->update_memory(
      kId, {.memory = std::nullopt, .metadata = metadata("{'k':2}")}, nullptr));
  CHECK(stored.memory == "old");
  CHECK(server.line(1) == "GET /memories/" + kId);
  server.http->requests.clear();
  stored = value_of(server.provider->update_memory(
      kId, {.memory = "m", .metadata = metadata("{'k':2}")}, nullptr));
  CHECK(stored.memory == "m");
  CHECK(server.http->requests.size() == 1);
  server.answers({http_response(200, R"({"message":"ok"})"), http_response(400, "")});
  CHECK(error_of(
            server.provider->update_memory(kId, {.memory = "m", .metadata = std::nullopt}, nullptr))
            .message.starts_with("the memory was changed, but could not be read back"));
}

TEST_CASE("a history is oldest first, with the time of each step", "[mem0]") {
  Mem0 mem0(self_hosted());
  mem0.answers({http_response(200, R"([
    {"event":"UPDATE","new_memory":"b","old_memory":"a","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z"},
    {"event":"DELETE","new_memory":null,"old_memory":"b","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-03T00:00:00Z"},
    {"event":"ADD","new_memory":"a","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}])")});
  const auto history = value_of(mem0.provider->history(kId, nullptr));
  REQUIRE(history.size() == 3);
  CHECK(history[0].event == MemoryEvent::kAdd);
  CHECK(history[1].memory == "b");
  CHECK(format_iso8601(history[1].at_ms) == "2026-01-02T00:00:00.000Z");
  CHECK(history[2].event == MemoryEvent::kDelete);
  for (const std::string_view bad : {"{}", "[{}]", R"([{"event":"X"}])", R"([{"event":"ADD"}])"}) {
    mem0.answers({http_response(200, std::string(bad))});
    CHECK(error_of(mem0.provider->history(kId, nullptr)).code == ErrorCode::kProvider);
  }
}

TEST_CASE("deleting all of one id is one request, which is waited for", "[mem0]") {
  Mem0 mem0;
  mem0.answers({http_response(200, R"({"message":"Delete in progress.","event_id":"e-2"})"),
                http_response(200, R"({"status":"RUNNING"})"),
                http_response(200, R"({"status":"SUCCEEDED"})")});
  value_of(mem0.provider->delete_all_memories(ids("alice"), nullptr));
  CHECK(mem0.line(0) == "DELETE /v1/memories/?user_id=alice");
  CHECK(mem0.line(2) == "GET /v1/event/e-2/");
  mem0.answers({http_response(200, R"({"event_id":"e-2"})"),
                http_response(404, R"({"error":"Event not found"})")});
  value_of(mem0.provider->delete_all_memories(ids("alice"), nullptr));
  mem0.answers(
      {http_response(200, R"({"event_id":"e-2"})"), http_response(200, R"({"status":"FAILED"})")});
  CHECK(error_of(mem0.provider->delete_all_memories(ids("alice"), nullptr)).code ==
        ErrorCode::kProvider);

  Mem0 server(self_hosted());
  server.answers({http_response(200, R"({"message":"All relevant memories deleted"})")});
  value_of(server.provider->delete_all_memories(ids("a&b", "c"), nullptr));
  CHECK(server.line(0) == "DELETE /memories?user_id=a%26b&agent_id=c");
}

TEST_CASE("of several ids the platform would look at one, so memories are deleted by their own",
          "[mem0]") {
  Mem0 mem0;
  const auto list = paged(1203, true);
  std::vector<std::size_t> batches;
  mem0.http->server = [&](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.method == "POST") return list(request);
    CHECK(request.method == "DELETE");
    CHECK(request.url.ends_with("/v1/batch/"));
    batches.push_back(value_of(parse_json(*request.body)).find("memories")->if_array()->size());
    return http_response(200, R"({"message":"ok"})");
  };
  value_of(mem0.provider->delete_all_memories(ids("alice", "bot"), nullptr));
  CHECK(batches == std::vector<std::size_t>{1000, 203});
  CHECK(mem0.body(0) == json("{'filters':{'user_id':'alice','agent_id':'bot'}}"));
}

TEST_CASE("of memories that are deleted by their own ids some may be gone already", "[mem0]") {
  const HttpResponse gone = http_response(404, R"({"error":"Memory not found!"})");
  const auto page = [](int count) {
    std::vector<std::string> memories;
    for (int i = 0; i < count; ++i)
      memories.push_back(memory_json(std::to_string(i), "2026-01-01T00:00:00Z"));
    return http_response(200, page_json(memories));
  };
  const HttpResponse deleted = http_response(200, R"({"message":"ok"})");
  {
    // The first attempt did it, and its answer was lost.
    Mem0 mem0;
    mem0.answers({page(2), timed_out(), gone, page(0)});
    value_of(mem0.provider->delete_all_memories(ids("alice", "bot"), nullptr));
    CHECK(mem0.http->requests.size() == 4);
  }
  {
    // Somebody else deleted one of them meanwhile.
    Mem0 mem0;
    mem0.answers({page(3), gone, page(2), deleted});
    value_of(mem0.provider->delete_all_memories(ids("alice", "bot"), nullptr));
    CHECK(mem0.body(3).find("memories")->if_array()->size() == 2);
  }
  {
    // Those that cannot be deleted are no reason to ask for ever.
    Mem0 mem0;
    mem0.answers({page(2), gone, page(2), gone});
    const Error error = error_of(mem0.provider->delete_all_memories(ids("alice", "bot"), nullptr));
    CHECK(error.status == 404);
    CHECK(mem0.http->requests.size() == 3);
  }
}

// ---------------------------------------------------------------------------- in flight, and
// aborted

TEST_CASE("at most so many requests are under way, and all get their turn", "[mem0]") {
  Pump pump;
  Mem0 mem0;
  mem0.http->pump = &pump;
  mem0.answers({http_response(200, "[]")});
  std::vector<std::unique_ptr<Started<Result<std::vector<RetrievedMemory>>>>> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(std::make_unique<Started<Result<std::vector<RetrievedMemory>>>>(
        mem0.provider->retrieve_memories("q", search_for_alice())));
  }
  CHECK(pump.waiting() == Mem0Provider::kMaxInFlight);
  FakeRandom random(2);
  pump.run_all(random);
  CHECK(mem0.http->most_in_flight == Mem0Provider::kMaxInFlight);
  for (const auto& each : calls) {
    REQUIRE(each->done());
    value_of(each->take());
  }
}

TEST_CASE(
    "an aborted read ends where it is: before, waiting for its turn, on its way, between attempts",
    "[mem0]") {
  const auto flag = std::make_shared<AbortFlag>();
  RetrieveOptions options = search_for_alice();
  options.abort = flag;
  {
    Pump pump;
    Mem0 mem0;
    mem0.http->pump = &pump;
    mem0.answers({http_response(200, "[]")});
    std::vector<std::unique_ptr<Started<Result<std::vector<RetrievedMemory>>>>> calls;
    for (int i = 0; i < 6; ++i) {
      calls.push_back(std::make_unique<Started<Result<std::vector<RetrievedMemory>>>>(
          mem0.provider->retrieve_memories("q", options)));
    }
    flag->request();
    pump.run_all();
    for (const auto& each : calls)
      CHECK(error_of(each->take()).code == ErrorCode::kAborted);
    CHECK(mem0.http->requests.size() == Mem0Provider::kMaxInFlight);
    CHECK(error_of(mem0.provider->retrieve_memories("q", options)).code == ErrorCode::kAborted);
    CHECK(mem0.http->requests.size() == Mem0Provider::kMaxInFlight);
    CHECK_FALSE(flag->committed());
  }
  const auto later = std::make_shared<AbortFlag>();
  options.abort = later;
  Mem0 mem0;
  mem0.answers({http_response(503, "")});
  mem0.timer->meanwhile = [&] { later->request(); };
  CHECK(error_of(mem0.provider->retrieve_memories("q", options)).code == ErrorCode::kAborted);
  CHECK(mem0.http->requests.size() == 1);
}

TEST_CASE("a write on its way is waited for, and an aborted wait tells what is known", "[mem0]") {
  Mem0 mem0;
  const auto flag = std::make_shared<AbortFlag>();
  StoreOptions options = for_alice();
  options.abort = flag;
  mem0.answers({http_response(200, kPending)});
  mem0.timer->meanwhile = [&] { flag->request(); };
  CHECK(value_of(mem0.provider->store_memories("hi", options)).empty());
  CHECK(flag->committed());
  CHECK_FALSE(mem0.http->requests[0].abort);  // the request itself is not given up
  CHECK(error_of(mem0.provider->store_memories("hi", options)).code == ErrorCode::kAborted);
  CHECK(mem0.http->requests.size() == 1);

  // After an attempt that may have been carried out, what is reported is how that failed.
  const auto other = std::make_shared<AbortFlag>();
  mem0.timer->meanwhile = [&] { other->request(); };
  mem0.answers({timed_out()});
  CHECK(error_of(mem0.provider->delete_memory(kId, other)).code == ErrorCode::kTimeout);
}
