// SPDX-License-Identifier: MIT
// Every request and answer that was recorded of Mem0's two APIs, which lie beside the project: our
// calls become those requests, and those answers are read.

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/config.hpp"
#include "agent_memory/mem0_provider.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "mem0/wire.hpp"
#include "support/tasks.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

/// The recordings; null on a machine that has none.
const JsonValue& recordings() {
  static const JsonValue instance = [] {
    std::ifstream file(AGENT_MEMORY_SHARED "/mem0/wire-recordings.json");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return text.empty() ? JsonValue() : value_of(parse_json(text));
  }();
  return instance;
}

const JsonArray& list_of(std::string_view key) {
  if (recordings().is_null()) SKIP("there are no recordings beside the project");
  return *recordings().find(key)->if_array();
}

const JsonValue& at(const JsonValue& object, std::string_view key) {
  static const JsonValue kNull;
  const JsonValue* value = object.find(key);
  return value == nullptr ? kNull : *value;
}

std::optional<std::string> text(const JsonValue& object, std::string_view key) {
  const std::string* value = object.find_string(key);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

JsonValue without(JsonValue object, const std::vector<std::string_view>& keys) {
  if (JsonObject* members = object.if_object()) {
    std::erase_if(*members, [&](const JsonMember& each) {
      return std::find(keys.begin(), keys.end(), each.key) != keys.end();
    });
  }
  return object;
}

void set_default(JsonValue& object, std::string_view key, JsonValue value) {
  if (object.if_object() == nullptr) return;  // nothing was sent
  if (object.find(key) == nullptr) set_member(*object.if_object(), key, std::move(value));
}

/// "/v3/memories/" and {page: "2"} of "/v3/memories/?page=2".
std::pair<std::string, JsonObject> split(std::string_view path) {
  const std::size_t mark = path.find('?');
  JsonObject query;
  std::string_view rest = mark == std::string_view::npos ? "" : path.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    query.push_back({std::string(pair.substr(0, equals)), pair.substr(equals + 1)});
  }
  return {std::string(path.substr(0, mark)), std::move(query)};
}

mem0::Answer answer_of(const Mem0ProviderOptions& options, const JsonValue& response) {
  const JsonValue& body = at(response, "body");
  const std::string* raw = body.if_string();
  return mem0::read_answer(
      options, {.status = static_cast<int>(*at(response, "status").if_number()),
                .content_type = text(at(response, "headers"), "content-type").value_or(""),
                .retry_after = {},
                .body = raw != nullptr ? *raw : dump_json(body)});
}

/// What is done about a recording.
struct Replay {
  /// Our request; an error where we refuse what was sent; nullopt where we have no such call.
  std::optional<Result<mem0::Call>> call;
  /// What the recorded body is for us.
  JsonValue body;
};

/// That our request is the one recorded: method, path, query, headers that are needed, body.
void check_same(const Mem0ProviderOptions& options, const mem0::Call& call,
                const JsonValue& request, const JsonValue& body, const JsonObject& query) {
  const HttpRequest sent = mem0::to_request(options, call, nullptr);
  CHECK(sent.method == *text(request, "method"));
  REQUIRE(sent.url.starts_with(options.base_url));
  const auto [path, ours] = split(std::string_view(sent.url).substr(options.base_url.size()));
  CHECK(path == *text(request, "path"));
  CHECK(dump_json(JsonValue(ours)) == dump_json(JsonValue(query)));
  const JsonValue sent_body = sent.body ? value_of(parse_json(*sent.body)) : JsonValue();
  CHECK(sent_body == body);
  if (!(sent_body == body)) CHECK(dump_json(sent_body) == dump_json(body));

  std::map<std::string, std::string> headers;
  for (const HttpHeader& each : sent.headers)
    headers[each.name] = each.value;
  const JsonValue& recorded = at(request, "headers");
  const std::string key = options.api == Mem0Api::kPlatform ? "authorization" : "x-api-key";
  CHECK(headers[key] == *text(recorded, key));
  if (sent.body) CHECK(headers["content-type"] == "application/json");
  CHECK(headers.size() == (sent.body ? 2U : 1U));
}

// ---------------------------------------------------------------------------------------- hosted

Mem0ProviderOptions hosted_options() {
  Mem0ProviderOptions options;
  options.api_key = "m0-EXAMPLE-KEY";
  return options;
}

Identity identity_of(const JsonValue& object) {
  return {.user_id = text(object, "userId"),
          .agent_id = text(object, "agentId"),
          .run_id = text(object, "runId")};
}

bool only_has(const JsonValue& object, const std::set<std::string_view>& keys) {
  if (object.if_object() == nullptr) return object.is_null();
  for (const JsonMember& each : *object.if_object()) {
    if (!keys.contains(each.key)) return false;
  }
  return true;
}

Replay replay_hosted(Mem0ProviderOptions& options, const JsonValue& recording) {
  const std::string name = *text(recording, "call");
  const JsonArray none;
  const JsonArray& args =
      at(recording, "args").if_array() == nullptr ? none : *at(recording, "args").if_array();
  const JsonValue null;
  const auto arg = [&](std::size_t index) -> const JsonValue& {
    return index < args.size() ? args[index] : null;
  };
  const JsonValue second = arg(1);
  Replay replay{.call = std::nullopt, .body = at(at(recording, "request"), "body")};

  if (name == "add" && only_has(second, {"userId", "agentId", "runId", "metadata", "infer"})) {
    StoreOptions store;
    store.identity = identity_of(second);
    if (const JsonObject* metadata = at(second, "metadata").if_object()) store.metadata = *metadata;
    // No metadata is said by leaving it out.
    if (at(second, "metadata").is_null()) replay.body = without(replay.body, {"metadata"});
    if (const bool* infer = at(second, "infer").if_bool()) options.infer = *infer;
    auto batches = mem0::add_batches(options, arg(0), store);
    if (!batches) {
      replay.call = Result<mem0::Call>(std::move(batches).error());
      return replay;
    }
    if (batches->empty()) return replay;  // pictures alone: nothing is said
    replay.call = Result<mem0::Call>((*batches)[0].call);
    // One message may be given as a string, and one of parts has its text: the API takes neither.
    JsonValue& messages = *const_cast<JsonValue*>(replay.body.find("messages"));
    if (const std::string* alone = messages.if_string()) {
      messages = JsonArray{JsonObject{{"role", "user"}, {"content", *alone}}};
    } else if (const JsonArray* parts = at((*messages.if_array())[0], "content").if_array()) {
      messages = JsonArray{JsonObject{{"role", "user"}, {"content", *text((*parts)[0], "text")}}};
    }
  } else if (name == "search") {
    RetrieveOptions search;
    search.filters = at(second, "filters");
    search.identity = identity_of(second);
    // Ours are 5 and 0; the API's are 10 and 0.1.
    set_default(replay.body, "top_k", 5);
    set_default(replay.body, "threshold", 0);
    if (const double* top_k = at(second, "topK").if_number()) {
      search.top_k = static_cast<std::int64_t>(*top_k);
    }
    if (const double* least = at(second, "threshold").if_number()) {
      search.min_relevance_score = *least;
    }
    if (const JsonObject* metadata = at(second, "metadata").if_object())
      search.metadata = *metadata;
    // What of the official client's options we have not.
    replay.body =
        without(replay.body, {"output_format", "rerank", "latest_only", "fields", "categories",
                              "show_expired", "reference_date", "keyword_search", "source"});
    // There a filter goes out as it is; this key the API refuses.
    if (replay.body.find("filters") && replay.body.find("filters")->find("userId")) {
      set_member(*replay.body.if_object(), "filters", JsonObject{{"user_id", "alice"}});
    }
    replay.call = mem0::search_call(options, *arg(0).if_string(), search);
  } else if (name == "getAll") {
    const double* page = at(arg(0), "page").if_number();
    const bool is_plain = only_has(arg(0), {"filters", "userId"}) || (page && *page == 1);
    if (is_plain) {
      replay.call = mem0::list_call(options, identity_of(arg(0)), {}, at(arg(0), "filters"), 1);
    }
  } else if (name == "get") {
    replay.call = mem0::get_call(options, *arg(0).if_string());
  } else if (name == "history") {
    replay.call = mem0::history_call(options, *arg(0).if_string());
  } else if (name == "delete" && second.is_null()) {
    replay.call = mem0::delete_call(options, *arg(0).if_string());
  } else if (name == "update" && only_has(second, {"text", "metadata"})) {
    MemoryChange change{.memory = text(second, "text"), .metadata = std::nullopt};
    if (const JsonObject* metadata = at(second, "metadata").if_object())
      change.metadata = *metadata;
    replay.call = mem0::update_call(options, *arg(0).if_string(), change);
  } else if (name == "deleteAll" && only_has(arg(0), {"userId", "agentId", "runId"})) {
    auto call = mem0::delete_all_call(options, identity_of(arg(0)));
    if (!call) {
      replay.call = Result<mem0::Call>(std::move(call).error());
    } else if (*call) {
      replay.call = Result<mem0::Call>(**call);
    }
  } else if (name == "batchDelete") {
    std::vector<std::string> ids;
    for (const JsonValue& each : *arg(0).if_array())
      ids.push_back(*each.if_string());
    replay.call = Result<mem0::Call>(mem0::delete_batch_call(ids));
  } else if (name == "event (no JS method)") {
    replay.call = Result<mem0::Call>(mem0::event_call(*arg(0).if_string()));
  }
  return replay;
}

/// That a memory says what was recorded, under whatever names.
void check_memory(const RetrievedMemory& memory, const JsonValue& recorded) {
  CHECK(memory.id == *text(recorded, "id"));
  CHECK(memory.memory == *text(recorded, "memory"));
  CHECK(memory.identity.user_id == text(recorded, "user_id"));
  CHECK(memory.identity.agent_id == text(recorded, "agent_id"));
  const auto run = text(recorded, "run_id");
  CHECK(memory.identity.run_id == (run ? run : text(recorded, "session_id")));
  const JsonValue& metadata = at(recorded, "metadata");
  CHECK(JsonValue(memory.metadata) == (metadata.is_null() ? JsonValue(JsonObject{}) : metadata));
  CHECK(memory.created_at_ms == parse_iso8601(*text(recorded, "created_at")));
  CHECK(memory.updated_at_ms == parse_iso8601(*text(recorded, "updated_at")));
  const double* score = at(recorded, "score").if_number();
  CHECK(memory.score == (score ? *score : 1.0));
  const auto role = text(recorded, "role");
  CHECK(memory.role == (role ? role_from_name(*role) : std::nullopt));
}

/// The list that an answer is, or has.
const JsonArray& results_of(const JsonValue& body) {
  return body.if_array() ? *body.if_array() : *at(body, "results").if_array();
}

/// Reads an answer as the call that was recorded would, and finds in it what is there.
void check_read(const std::string& path, const std::string& method, const mem0::Answer& answer) {
  if (!answer.ok()) {
    const Error error = mem0::error_of(answer);
    CHECK(error.status == answer.status);
    CHECK(error.message.find(std::to_string(answer.status)) != std::string::npos);
    if (answer.status >= 400) CHECK_FALSE(answer.text.empty());
    CHECK(error.message.find("EXAMPLE-") == std::string::npos);
    return;
  }
  const auto contains = [&](std::string_view part) { return path.find(part) != std::string::npos; };
  if (contains("history")) {
    const auto history = value_of(mem0::read_history(answer));
    const JsonArray& recorded = results_of(answer.body);
    REQUIRE(history.size() == recorded.size());
    for (std::size_t i = 0; i < history.size(); ++i) {
      CHECK(memory_event_name(history[i].event) == *text(recorded[i], "event"));
      CHECK(history[i].memory == *text(recorded[i], "new_memory"));
    }
  } else if (contains("/add") || (path == "/memories" && method == "POST")) {
    const mem0::AddResult result = value_of(mem0::read_add(answer, {}));
    if (const auto status = text(answer.body, "status"); status == "PENDING") {
      CHECK(result.pending_events == std::vector<std::string>{*text(answer.body, "event_id")});
      CHECK(result.stored.empty());
      return;
    }
    const JsonArray& recorded = results_of(answer.body);
    CHECK(result.pending_events.empty());
    REQUIRE(result.stored.size() == recorded.size());
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      CHECK(result.stored[i].id == *text(recorded[i], "id"));
      const auto flat = text(recorded[i], "memory");
      CHECK(result.stored[i].memory == (flat ? *flat : *text(at(recorded[i], "data"), "memory")));
      CHECK(memory_event_name(result.stored[i].event) == *text(recorded[i], "event"));
    }
  } else if (contains("search") || path == "/v3/memories/" ||
             (path == "/memories" && method == "GET")) {
    const mem0::Page page = value_of(mem0::read_page(answer));
    const JsonArray& recorded = results_of(answer.body);
    REQUIRE(page.memories.size() == recorded.size());
    for (std::size_t i = 0; i < recorded.size(); ++i)
      check_memory(page.memories[i], recorded[i]);
    CHECK(page.has_more == (at(answer.body, "next").if_string() != nullptr));
  } else if (contains("/event/")) {
    const auto stored = value_of(mem0::read_event(answer, {}));
    REQUIRE(stored);
    CHECK(stored->size() == results_of(answer.body).size());
  } else if (contains("/memories/") && !contains("/user/") && (method == "GET")) {
    const auto memory = value_of(mem0::read_memory(answer));
    CHECK(memory.has_value() == !answer.body.is_null());
    if (memory) check_memory(*memory, answer.body);
  }
}

// ----------------------------------------------------------------------------------- self-hosted

Mem0ProviderOptions self_hosted_options() {
  Mem0ProviderOptions options;
  options.api = Mem0Api::kSelfHosted;
  options.api_key = "EXAMPLE-ADMIN-KEY-0000";
  options.base_url = "http://localhost:8888";
  return options;
}

Identity snake_identity(const JsonValue& object) {
  return {.user_id = text(object, "user_id"),
          .agent_id = text(object, "agent_id"),
          .run_id = text(object, "run_id")};
}

Replay replay_self_hosted(Mem0ProviderOptions& options, const JsonValue& recording) {
  const std::string name = *text(recording, "call");
  const JsonValue& request = at(recording, "request");
  const JsonValue& body = at(request, "body");
  const std::string path = *text(request, "path");
  const std::string method = *text(request, "method");
  Replay replay{.call = std::nullopt, .body = body};
  if (at(at(request, "headers"), "x-api-key").is_null()) return replay;
  if (at(at(request, "headers"), "authorization").if_string() != nullptr) return replay;
  if (at(at(request, "headers"), "origin").if_string() != nullptr) return replay;

  if (name.starts_with("add") && body.find("messages") && !body.find("memory_type") &&
      !body.find("app_id")) {
    StoreOptions store;
    store.identity = snake_identity(body);
    if (const JsonObject* metadata = at(body, "metadata").if_object()) store.metadata = *metadata;
    if (const bool* infer = at(body, "infer").if_bool()) options.infer = *infer;
    if (const auto date = text(body, "expiration_date")) {
      store.expires_at_ms = parse_iso8601(*date);
      if (!store.expires_at_ms) return replay;  // no time of ours is written like that
    }
    auto batches = mem0::add_batches(options, *body.find("messages"), store);
    if (!batches) {
      replay.call = Result<mem0::Call>(std::move(batches).error());
      return replay;
    }
    REQUIRE(batches->size() == 1);
    replay.call = Result<mem0::Call>((*batches)[0].call);
    // What the system says is no memory; parts are sent as their text.
    JsonArray& messages = *const_cast<JsonValue*>(replay.body.find("messages"))->if_array();
    std::erase_if(messages, [](const JsonValue& each) { return *text(each, "role") == "system"; });
    for (JsonValue& each : messages) {
      if (at(each, "content").if_array() != nullptr) {
        set_member(*each.if_object(), "content", "x");
      }
    }
  } else if (name.starts_with("search") && !body.find("show_expired")) {
    RetrieveOptions search;
    search.identity = snake_identity(body);
    if (const JsonValue* filters = body.find("filters")) {
      search.identity = snake_identity(*filters);
      JsonValue rest = without(*filters, {"user_id", "agent_id", "run_id"});
      if (!rest.if_object()->empty()) search.filters = std::move(rest);
    }
    if (const double* top_k = at(body, "top_k").if_number()) {
      search.top_k = static_cast<std::int64_t>(*top_k);
    }
    if (const double* least = at(body, "threshold").if_number()) {
      search.min_relevance_score = *least;
    }
    search.explain = body.find("explain") != nullptr;
    set_default(replay.body, "top_k", 5);
    set_default(replay.body, "threshold", 0);
    // The ids stand in both places, for servers of both kinds; `rerank` is not read there.
    if (search.identity.user_id) {
      set_default(replay.body, "user_id", *search.identity.user_id);
      set_default(replay.body, "filters", JsonObject{{"user_id", *search.identity.user_id}});
    }
    replay.body = without(replay.body, {"rerank"});
    if (auto checked = validate(search); !checked) {
      replay.call = Result<mem0::Call>(std::move(checked).error());
    } else {
      replay.call = mem0::search_call(options, *text(body, "query"), search);
    }
  } else if (name.starts_with("update")) {
    MemoryChange change{.memory = text(body, "text"), .metadata = std::nullopt};
    if (const JsonObject* metadata = at(body, "metadata").if_object()) change.metadata = *metadata;
    // A memory's end is not ours to change.
    replay.body = without(replay.body, {"expiration_date"});
    replay.call = mem0::update_call(options, path.substr(path.rfind('/') + 1), change);
  } else if (name.starts_with("deleteAll")) {
    auto call = mem0::delete_all_call(options, snake_identity(at(request, "query")));
    replay.call = call ? Result<mem0::Call>(**call) : Result<mem0::Call>(std::move(call).error());
  } else if (name.starts_with("delete") && path.starts_with("/memories/")) {
    replay.call = mem0::delete_call(options, path.substr(path.rfind('/') + 1));
  } else if (name.starts_with("history")) {
    const std::string id = path.substr(10, path.rfind('/') - 10);
    replay.call = mem0::history_call(options, id);
  } else if (name.starts_with("get.") || name == "get") {
    replay.call = mem0::get_call(options, path.substr(path.rfind('/') + 1));
  } else if (name.starts_with("getAll") || name.starts_with("memories with")) {
    replay.call = mem0::list_call(options, snake_identity(at(request, "query")), {}, {}, 1);
  }
  return replay;
}

/// "add 4, get 2".
std::string shown(const std::map<std::string, int>& counts) {
  std::string all;
  for (const auto& [name, count] : counts)
    all += (all.empty() ? "" : ", ") + name + " " + std::to_string(count);
  return all;
}

}  // namespace

TEST_CASE("hosted: our calls are the requests that the official client sends",
          "[mem0][recordings]") {
  std::map<std::string, int> same;
  std::map<std::string, int> refused;
  std::map<std::string, int> ours;
  std::map<std::string, int> other;
  std::vector<JsonValue> all = list_of("hosted");
  CHECK(all.size() == 61);
  for (const JsonValue& each : list_of("documentedOnly"))
    all.push_back(each);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const JsonValue& recording = all[i];
    const std::string name = *text(recording, "call");
    INFO("hosted[" << i << "] " << name << " " << dump_json(at(recording, "args")));
    Mem0ProviderOptions options = hosted_options();
    const Replay replay = replay_hosted(options, recording);
    const JsonValue& request = at(recording, "request");
    if (!replay.call) {
      ++other[name];
    } else if (!*replay.call) {
      // What Mem0 refuses, or answers with more than was asked for, is not asked.
      CHECK(replay.call->error().code == ErrorCode::kInvalidArgument);
      ++refused[name];
    } else if (request.is_null()) {
      // An id as an option of its own: the official client refuses it, ours puts it where it
      // belongs.
      CHECK(find_member(*(*replay.call)->body, "filters")->find("user_id") != nullptr);
      ++ours[name];
    } else {
      JsonObject query = *at(request, "query").if_object();
      std::erase_if(query, [](const JsonMember& member) {
        return member.key == "page" && member.value == JsonValue("1");  // as if left out
      });
      check_same(options, **replay.call, request, replay.body, query);
      ++same[name];
    }
    if (!request.is_null()) {
      check_read(*text(request, "path"), *text(request, "method"),
                 answer_of(options, at(recording, "exampleResponse")));
    }
  }
  // So that none slips from one heap to another unseen.
  CHECK(shown(same) ==
        "add 4, batchDelete 1, delete 1, deleteAll 1, event (no JS method) 1, get 2, getAll 2, "
        "history 1, search 3, update 1");
  // The add: a picture in place of a content, which is no message that we know.
  CHECK(shown(refused) == "add 1, deleteAll 2, getAll 1, search 2, update 1");
  CHECK(shown(ours) == "getAll 1, search 1");
  CHECK(other.at("add") == 4);
}

TEST_CASE("self-hosted: our calls are the requests that the server was measured with",
          "[mem0][recordings]") {
  std::map<std::string, int> same;
  std::set<std::string> refused;
  std::set<std::string> other;
  const JsonArray& all = list_of("selfHosted");
  CHECK(all.size() == 74);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const JsonValue& recording = all[i];
    const std::string name = *text(recording, "call");
    INFO("selfHosted[" << i << "] " << name);
    Mem0ProviderOptions options = self_hosted_options();
    const JsonValue& request = at(recording, "request");
    if (const auto key = text(at(request, "headers"), "x-api-key")) options.api_key = *key;
    const Replay replay = replay_self_hosted(options, recording);
    if (!replay.call) {
      other.insert(name);
    } else if (!*replay.call) {
      CHECK(replay.call->error().code == ErrorCode::kInvalidArgument);
      refused.insert(name);
    } else {
      JsonObject query = *at(request, "query").if_object();
      // A list has no pages, and we ask for all that it can hold.
      if (*text(request, "method") == "GET" && *text(request, "path") == "/memories") {
        std::erase_if(query,
                      [](const JsonMember& member) { return member.key.starts_with("page"); });
        set_member(query, "top_k", "1000");
      }
      check_same(options, **replay.call, request, replay.body, query);
      ++same[name];
    }
    check_read(*text(request, "path"), *text(request, "method"),
               answer_of(options, at(recording, "exampleResponse")));
  }
  CHECK(same.size() == 26);
  CHECK(refused == std::set<std::string>{"add.missing id", "deleteAll.none", "getAll.admin",
                                         "search.AND", "search.bad threshold", "search.empty query",
                                         "search.nofilter", "update.empty"});
}

TEST_CASE("every error body of the hosted API is read", "[mem0][recordings]") {
  const Mem0ProviderOptions options = hosted_options();
  const std::string id = "0a14d8f0-e364-4f5c-b305-10da1f0d0878";
  std::size_t missing = 0;
  for (const JsonValue& each : list_of("hostedErrorBodies")) {
    INFO(dump_json(each));
    const mem0::Answer answer = answer_of(options, each);
    const Error error = mem0::error_of(answer);
    CHECK(error.status == answer.status);
    CHECK(error.code == (answer.status == 401 ? ErrorCode::kUnauthorized : ErrorCode::kProvider));
    CHECK_FALSE(error.retryable);
    // A sentence, and not the JSON around it.
    CHECK(answer.text.find('{') == std::string::npos);
    CHECK(answer.text.size() > 10);
    if (mem0::is_missing(answer, id)) ++missing;
  }
  CHECK(missing == 2);  // of a memory, and of an export of memories, which is never asked for
}

TEST_CASE("what the official client makes of a status is what we make of it",
          "[mem0][recordings]") {
  std::size_t statuses = 0;
  for (const JsonValue& each : list_of("jsClientErrors")) {
    const std::string when = *text(each, "when");
    if (!when.starts_with("status ")) continue;
    const int status = std::stoi(when.substr(7));
    if (status < 400) continue;
    INFO(when);
    ++statuses;
    const std::string body = R"({"detail":"detail text","error":"error text"})";
    const Error error = mem0::error_of(mem0::read_answer(
        hosted_options(), {.status = status, .content_type = {}, .retry_after = {}, .body = body}));
    CHECK(error.message == "Mem0 answered with status " + std::to_string(status) + ": detail text");
    const std::string theirs = *text(at(each, "thrown"), "class");
    if (theirs == "AuthenticationError") CHECK(error.code == ErrorCode::kUnauthorized);
    if (theirs == "RateLimitError") CHECK(error.code == ErrorCode::kRateLimited);
    if (theirs == "NetworkError") CHECK(error.retryable);
    if (theirs == "ValidationError") CHECK_FALSE(error.retryable);
  }
  CHECK(statuses >= 10);
}
