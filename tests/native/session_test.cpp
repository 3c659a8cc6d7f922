// SPDX-License-Identifier: MIT
#include "agent_memory/session.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/local_provider.hpp"

#include "base/json.hpp"
#include "messages/memory_block.hpp"
#include "support/local_world.hpp"
#include "support/scripted_provider.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

using Strings = std::vector<std::string>;
using Told = std::vector<std::pair<ErrorCode, std::string>>;

MemoryContextOptions nora() {
  return with<MemoryContextOptions>([](auto& it) { it.identity = ids("nora"); });
}
/// Options of nora's with a changed config.
template <typename Change>
MemoryContextOptions configured(Change change) {
  MemoryContextOptions options = nora();
  change(options.config);
  return options;
}

/// A session over a scripted provider, and what it tells.
struct Scripted {
  explicit Scripted(MemoryContextOptions options = nora()) {
    options.on_error = [this](const Error& error, std::string_view operation) {
      told.push_back({error.code, std::string(operation)});
    };
    session = std::make_unique<MemorySession>(provider, std::move(options));
  }
  Scripted(const Scripted&) = delete;
  Scripted& operator=(const Scripted&) = delete;
  ~Scripted() = default;

  MemorySession* operator->() const { return session.get(); }

  /// The texts of each batch that was handed to the provider.
  [[nodiscard]] std::vector<Strings> batches() const {
    std::vector<Strings> out;
    for (const ScriptedProvider::Store& store : provider->stored) {
      Strings texts;
      REQUIRE(store.messages.if_array() != nullptr);
      for (const JsonValue& message : *store.messages.if_array()) {
        REQUIRE(message.find_string("content") != nullptr);
        texts.push_back(*message.find_string("content"));
      }
      out.push_back(std::move(texts));
    }
    return out;
  }

  std::shared_ptr<ScriptedProvider> provider = std::make_shared<ScriptedProvider>();
  Told told;
  std::unique_ptr<MemorySession> session;
};

RetrievedMemory remembered(std::string text) {
  return with<RetrievedMemory>([&](auto& it) {
    it.id = "id of " + text;
    it.memory = std::move(text);
  });
}

JsonValue user(std::string_view text) { return JsonObject{{"role", "user"}, {"content", text}}; }
JsonValue assistant(std::string_view text) {
  return JsonObject{{"role", "assistant"}, {"content", text}};
}
/// Turn number i: a question and an answer.
JsonArray turn(int i) {
  return {user("question " + std::to_string(i)), assistant("answer " + std::to_string(i))};
}
Strings texts_of_turn(int i) {
  return {"question " + std::to_string(i), "answer " + std::to_string(i)};
}
JsonArray turns(int first, int last) {
  JsonArray messages;
  for (int i = first; i <= last; ++i) {
    for (JsonValue& message : turn(i))
      messages.push_back(std::move(message));
  }
  return messages;
}

Error provider_error() { return {.code = ErrorCode::kProvider, .message = "it failed"}; }

std::string text_of(const JsonValue& message) {
  const std::string* content = message.find_string("content");
  return content == nullptr ? dump_json(message) : *content;
}

}  // namespace

// --------------------------------------------------------------------------- before a request

TEST_CASE("a request searches for what the last user message says", "[session]") {
  const Scripted session(configured([](auto& it) {
    it.top_k = 3;
    it.min_relevance_score = 0.5;
    it.retrieval_strategy = RetrievalStrategy::kRecency;
    it.metadata = metadata("{'app':'test'}");
  }));
  const JsonArray messages{user("first"), assistant("well"), user("second"), assistant("so")};
  value_of(session->before_model_request(messages));
  REQUIRE(session.provider->retrieved.size() == 1);
  CHECK(session.provider->retrieved[0].query == "second");
  const RetrieveOptions& asked = session.provider->retrieved[0].options;
  CHECK(asked.identity == ids("nora"));
  CHECK(asked.top_k == 3);
  CHECK(asked.min_relevance_score == 0.5);
  CHECK(asked.strategy == RetrievalStrategy::kRecency);
  CHECK(asked.metadata.empty());  // what is stored with every memory is no condition
}

TEST_CASE("what is remembered goes into the system prompt", "[session]") {
  const Scripted session;
  session.provider->retrieve_answers.push_back(std::vector{remembered("I live in Oslo")});
  const JsonArray messages{JsonObject{{"role", "system"}, {"content", "Be nice."}},
                           user("Where do I live?")};
  const PreparedRequest request = value_of(session->before_model_request(messages));
  REQUIRE(request.memories.size() == 1);
  CHECK(request.memories[0].memory == "I live in Oslo");
  CHECK(request.prompt == format_memory_block(request.memories));
  const JsonArray edited = apply_edits(messages, request.edits);
  REQUIRE(edited.size() == 2);
  CHECK(text_of(edited[0]) == "Be nice.\n\n" + request.prompt);
  CHECK(edited[1] == messages[1]);
}

TEST_CASE("with memory_summary_in_system off it goes into a message of its own", "[session]") {
  const Scripted session(configured([](auto& it) { it.memory_summary_in_system = false; }));
  session.provider->retrieve_answers.push_back(std::vector{remembered("I live in Oslo")});
  const JsonArray messages{JsonObject{{"role", "system"}, {"content", "Be nice."}},
                           user("Where do I live?")};
  const PreparedRequest request = value_of(session->before_model_request(messages));
  const JsonArray edited = apply_edits(messages, request.edits);
  REQUIRE(edited.size() == 3);
  CHECK(text_of(edited[0]) == "Be nice.");
  CHECK(*edited[1].find_string("role") == "user");
  CHECK(text_of(edited[1]) == request.prompt);
  CHECK(edited[2] == messages[1]);
}

TEST_CASE("nothing remembered leaves the messages as they are", "[session]") {
  const Scripted session;
  const PreparedRequest request = value_of(session->before_model_request(turn(1)));
  CHECK(request.edits.empty());
  CHECK(request.memories.empty());
  CHECK(request.prompt.empty());
}

TEST_CASE("without a user's words there is nothing to search for", "[session]") {
  const Scripted session;
  for (const JsonValue& messages : {json("[]"), json("[{'role':'system','content':'Be nice.'}]"),
                                    json("[{'role':'assistant','content':'Hello!'}]"),
                                    json("[{'role':'user','content':'  '}]")}) {
    CHECK(value_of(session->before_model_request(messages)).edits.empty());
  }
  CHECK(session.provider->retrieved.empty());
}

TEST_CASE("with auto_retrieve off nothing is searched for", "[session]") {
  const Scripted session(configured([](auto& it) { it.auto_retrieve = false; }));
  CHECK(value_of(session->before_model_request(turn(1))).edits.empty());
  CHECK(session.provider->retrieved.empty());
}

TEST_CASE("an earlier block makes way, and is not searched for", "[session]") {
  const Scripted session;
  session.provider->retrieve_answers = {std::vector{remembered("I live in Oslo")},
                                        std::vector{remembered("I have a cat")}};
  JsonArray messages{user("Where do I live?")};
  const PreparedRequest first = value_of(session->before_model_request(messages));
  messages = apply_edits(messages, first.edits);
  messages.push_back(assistant("In Oslo."));
  messages.push_back(user("And my pets?"));
  const PreparedRequest second = value_of(session->before_model_request(messages));
  CHECK(session.provider->retrieved.at(1).query == "And my pets?");
  const std::string all = dump_json(apply_edits(messages, second.edits));
  CHECK(all.find("I have a cat") != std::string::npos);
  CHECK(all.find("I live in Oslo") == std::string::npos);
}

TEST_CASE("a very long question is searched for by its beginning", "[session]") {
  const Scripted session;
  const std::string text = "Where? " + std::string(5'000'000, 'x');
  value_of(session->before_model_request(JsonArray{user(text)}));
  CHECK(session.provider->retrieved.at(0).query == text.substr(0, 16384));
  SECTION("which is where its words begin") {
    value_of(session->before_model_request(JsonArray{user(std::string(20'000, '\n') + "Where?")}));
    CHECK(session.provider->retrieved.at(1).query == "Where?");
  }
}

TEST_CASE("malformed messages are the caller's, and reach no provider", "[session]") {
  const Scripted session;
  CHECK(error_of(session->before_model_request("just a text")).message ==
        "messages must be an array");
  CHECK(error_of(session->before_model_request(json("[{'role':'user','content':7}]"))).message ==
        "messages[0].content must be a string or an array, got 7");
  CHECK(error_of(session->before_model_request(7)).code == ErrorCode::kInvalidArgument);
  CHECK(
      error_of(session->after_run(json("[{'role':'user','content':'fine'},{'role':7}]"))).message ==
      "messages[1].role must be a string, got 7");
  CHECK(value_of(session->flush()).empty());  // not even the first of them
  CHECK(session.told.empty());
  CHECK(session.provider->retrieved.empty());
  CHECK(session.provider->stored.empty());
}

TEST_CASE("a config out of bounds is told by every operation", "[session]") {
  const Scripted session(configured([](auto& it) { it.store_after_turns = 0; }));
  CHECK(error_of(session->before_model_request(turn(1))).field == "store_after_turns");
  CHECK(error_of(session->after_run(turn(1))).field == "store_after_turns");
  CHECK(error_of(session->flush()).field == "store_after_turns");
}

// --------------------------------------------------------------------------------------- scope

TEST_CASE("scope decides which ids hold, and which must be there", "[session]") {
  struct Case {
    MemoryScope scope;
    Identity given;
    std::string missing;
    Identity retrieving;
    Identity storing;
  };
  const Identity all = ids("u", "a", "r");
  const std::vector<Case> cases{
      {MemoryScope::kUser, all, "", ids("u"), all},
      {MemoryScope::kUser, ids("u"), "", ids("u"), ids("u")},
      {MemoryScope::kUser, ids("", "a", "r"), "user_id", {}, {}},
      {MemoryScope::kRun, all, "", ids("u", "", "r"), ids("u", "", "r")},
      {MemoryScope::kRun, ids("", "", "r"), "", ids("", "", "r"), ids("", "", "r")},
      {MemoryScope::kRun, ids("u", "a"), "run_id", {}, {}},
      {MemoryScope::kAgent, all, "", ids("", "a"), ids("", "a")},
      {MemoryScope::kAgent, ids("u", "", "r"), "agent_id", {}, {}},
      {MemoryScope::kGlobal, all, "", {}, {}},
      {MemoryScope::kGlobal, {}, "", {}, {}},
  };
  for (const Case& each : cases) {
    INFO(memory_scope_name(each.scope) << ", missing '" << each.missing << "'");
    const Scripted session(with<MemoryContextOptions>([&](auto& it) {
      it.identity = each.given;
      it.config.scope = each.scope;
    }));
    const auto prepared = run_ready(session->before_model_request(turn(1)));
    const auto stored = run_ready(session->after_run(turn(1)));
    if (each.missing.empty()) {
      value_of(prepared);
      value_of(stored);
      CHECK(session.provider->retrieved.at(0).options.identity == each.retrieving);
      CHECK(session.provider->stored.at(0).options.identity == each.storing);
      continue;
    }
    for (const Error& error : {error_of(prepared), error_of(stored), error_of(session->flush())}) {
      CHECK(error.code == ErrorCode::kInvalidArgument);
      CHECK(error.field == each.missing);
      CHECK(error.message == each.missing + " must be given for the scope '" +
                                 std::string(memory_scope_name(each.scope)) + "'");
    }
    CHECK(session.provider->retrieved.empty());
    CHECK(session.provider->stored.empty());
    CHECK(session.told.empty());
  }
}

// --------------------------------------------------------------------------------- after a run

TEST_CASE("after each run what was said is stored, with the config's metadata", "[session]") {
  const Scripted session(with<MemoryContextOptions>([](auto& it) {
    it.identity = ids("nora", "helper", "run");
    it.config.metadata = metadata("{'app':'test'}");
  }));
  session.provider->store_answers.push_back(std::vector(2, StoredMemory{}));
  CHECK(value_of(
            session->after_run(json("[{'role':'user','content':'Hello','name':'Nora',"
                                    "'timestamp':'2026-02-03T22:25:50.123Z'},"
                                    "{'role':'assistant','content':[{'type':'text','text':'Hi'}]},"
                                    "{'role':'tool','content':'42'}]")))
            .size() == 2);
  REQUIRE(session.provider->stored.size() == 1);
  CHECK(session.provider->stored[0].messages ==
        json("[{'role':'user','content':'Hello','name':'Nora',"
             "'timestamp':'2026-02-03T22:25:50.123Z'},{'role':'assistant','content':'Hi'}]"));
  const StoreOptions& asked = session.provider->stored[0].options;
  CHECK(asked.identity == ids("nora", "helper", "run"));
  CHECK(JsonValue(asked.metadata) == json("{'app':'test'}"));
  CHECK_FALSE(asked.timestamp_ms);
  CHECK_FALSE(asked.expires_at_ms);
}

TEST_CASE("only what is new is stored, however the history is passed", "[session]") {
  const Scripted session;
  SECTION("the whole history") {
    for (int i = 1; i <= 4; ++i)
      value_of(session->after_run(turns(1, i)));
  }
  SECTION("new messages alone") {
    for (int i = 1; i <= 4; ++i)
      value_of(session->after_run(turns(i, i)));
  }
  SECTION("a window") {
    value_of(session->after_run(turns(1, 1)));
    value_of(session->after_run(turns(1, 2)));
    value_of(session->after_run(turns(2, 3)));
    value_of(session->after_run(turns(3, 4)));
  }
  SECTION("sometimes the one, sometimes the other") {
    value_of(session->after_run(turns(1, 1)));
    value_of(session->after_run(turns(2, 2)));
    value_of(session->after_run(turns(1, 3)));
    value_of(session->after_run(turns(4, 4)));
  }
  SECTION("with what was injected") {
    session.provider->retrieve_answers.resize(4, std::vector{remembered("I live in Oslo")});
    JsonArray messages;
    for (int i = 1; i <= 4; ++i) {
      messages.push_back(turn(i)[0]);
      const PreparedRequest request = value_of(session->before_model_request(messages));
      messages = apply_edits(messages, request.edits);
      messages.push_back(turn(i)[1]);
      value_of(session->after_run(messages));
    }
  }
  CHECK(session.batches() == std::vector<Strings>{texts_of_turn(1), texts_of_turn(2),
                                                  texts_of_turn(3), texts_of_turn(4)});
}

TEST_CASE("a run that adds nothing stores nothing", "[session]") {
  const Scripted session;
  value_of(session->after_run(turns(1, 2)));
  CHECK(value_of(session->after_run(turns(1, 2))).empty());
  CHECK(value_of(session->after_run(turns(2, 2))).empty());
  CHECK(value_of(session->after_run(JsonArray{})).empty());
  CHECK(session.provider->stored.size() == 1);
}

TEST_CASE("where the end of a history was rewritten only the new end is stored", "[session]") {
  const Scripted session;
  JsonArray messages = turns(1, 3);
  value_of(session->after_run(messages));
  messages.resize(4);
  messages.push_back(user("another question"));
  messages.push_back(assistant("another answer"));
  value_of(session->after_run(messages));
  // And from there on only what is new, too.
  for (int i = 4; i <= 6; ++i) {
    for (JsonValue& message : turn(i))
      messages.push_back(std::move(message));
    value_of(session->after_run(messages));
  }
  const std::vector<Strings> batches = session.batches();
  REQUIRE(batches.size() == 5);
  CHECK(batches[1] == Strings{"another question", "another answer"});
  for (int i = 4; i <= 6; ++i) {
    CHECK(batches[static_cast<std::size_t>(i) - 2] == texts_of_turn(i));
  }
}

TEST_CASE("what was injected is never stored, wherever it stands", "[session]") {
  for (const bool in_system : {true, false}) {
    for (const JsonValue& messages :
         {json("[{'role':'user','content':'Where do I live?'}]"),
          json("[{'role':'system','content':'Be nice.'},"
               "{'role':'user','content':[{'type':'text','text':'Where do I live?'}]}]"),
          json("[{'id':'1','role':'user','parts':[{'type':'text','text':'Where do I live?'}]}]"),
          json("[{'role':'user','content':[{'type':'text','text':'Where do I live?'},"
               "{'type':'image','source':{'type':'base64','data':'x'}}]}]"),
          json("[{'kind':'request','parts':[{'part_kind':'user-prompt',"
               "'content':'Where do I live?'}]}]"),
          json("[{'type':'human','content':'Where do I live?'}]"), json("['Where do I live?']")}) {
      INFO(dump_json(messages) << (in_system ? " in system" : ""));
      const Scripted session(
          configured([&](auto& it) { it.memory_summary_in_system = in_system; }));
      session.provider->retrieve_answers.push_back(std::vector{remembered("I live in Oslo")});
      const PreparedRequest request = value_of(session->before_model_request(messages));
      const JsonArray edited = apply_edits(*messages.if_array(), request.edits);
      CHECK(dump_json(edited).find("I live in Oslo") != std::string::npos);
      value_of(session->after_run(edited));
      CHECK(session.batches() == std::vector<Strings>{{"Where do I live?"}});
    }
  }
}

TEST_CASE("store_after_turns counts the runs", "[session]") {
  const Scripted session(configured([](auto& it) { it.store_after_turns = 3; }));
  for (int i = 1; i <= 7; ++i)
    value_of(session->after_run(turns(1, i)));
  CHECK(session.batches().size() == 2);
  CHECK(session.batches()[0].size() == 6);
  CHECK(session.batches()[1].size() == 6);
  CHECK(session.batches()[1].front() == "question 4");
}

TEST_CASE("flush stores what waits, and counting goes on", "[session]") {
  const Scripted session(configured([](auto& it) { it.store_after_turns = 3; }));
  CHECK(value_of(session->flush()).empty());
  CHECK(session.provider->stored.empty());
  value_of(session->after_run(turns(1, 1)));
  session.provider->store_answers.push_back(std::vector(2, StoredMemory{}));
  CHECK(value_of(session->flush()).size() == 2);
  CHECK(value_of(session->flush()).empty());
  value_of(session->after_run(turns(1, 2)));
  value_of(session->after_run(turns(1, 3)));
  const std::vector<Strings> batches = session.batches();
  REQUIRE(batches.size() == 2);
  CHECK(batches[0] == texts_of_turn(1));
  CHECK(batches[1].size() == 4);
}

TEST_CASE("with auto_store off nothing is stored", "[session]") {
  const Scripted session(configured([](auto& it) { it.auto_store = false; }));
  CHECK(value_of(session->after_run(turn(1))).empty());
  CHECK(value_of(session->flush()).empty());
  CHECK(session.provider->stored.empty());
}

TEST_CASE("what could not be stored is stored with the next turn, once", "[session]") {
  const Scripted session;
  session.provider->store_answers = {provider_error(), provider_error()};
  CHECK(value_of(session->after_run(turns(1, 1))).empty());
  CHECK(value_of(session->after_run(turns(1, 2))).empty());
  value_of(session->after_run(turns(1, 3)));
  value_of(session->after_run(turns(1, 4)));
  CHECK(session.told ==
        Told{{ErrorCode::kProvider, "after_run"}, {ErrorCode::kProvider, "after_run"}});
  const std::vector<Strings> batches = session.batches();
  REQUIRE(batches.size() == 4);
  CHECK(batches[0] == texts_of_turn(1));
  CHECK(batches[1].size() == 4);
  CHECK(batches[2] ==
        Strings{"question 1", "answer 1", "question 2", "answer 2", "question 3", "answer 3"});
  CHECK(batches[3] == texts_of_turn(4));
}

TEST_CASE("what could not be stored does not wait for store_after_turns again", "[session]") {
  const Scripted session(configured([](auto& it) { it.store_after_turns = 3; }));
  session.provider->store_answers = {provider_error()};
  for (int i = 1; i <= 3; ++i)
    value_of(session->after_run(turns(1, i)));
  CHECK(session.batches().size() == 1);
  value_of(session->after_run(turns(1, 4)));
  REQUIRE(session.batches().size() == 2);
  CHECK(session.batches()[1].size() == 8);
  value_of(session->after_run(turns(1, 5)));
  CHECK(session.batches().size() == 2);  // counting goes on as before
  value_of(session->after_run(turns(1, 6)));
  CHECK(session.batches().size() == 3);
}

TEST_CASE("what a flush could not store waits on", "[session]") {
  const Scripted session(configured([](auto& it) { it.store_after_turns = 100; }));
  session.provider->store_answers = {provider_error()};
  value_of(session->after_run(turns(1, 1)));
  CHECK(value_of(session->flush()).empty());
  CHECK(session.told == Told{{ErrorCode::kProvider, "flush"}});
  value_of(session->flush());
  CHECK(session.batches() == std::vector<Strings>{texts_of_turn(1), texts_of_turn(1)});
}

TEST_CASE("a message too long to be a memory is told and left out, the rest is stored",
          "[session]") {
  const Scripted session;
  const JsonArray messages{user("Look at this file:"), user(std::string(2'000'000, 'x')),
                           assistant("A lot of x.")};
  value_of(session->after_run(messages));
  value_of(session->after_run(messages));
  CHECK(session.batches() == std::vector<Strings>{{"Look at this file:", "A lot of x."}});
  CHECK(session.told == Told{{ErrorCode::kInvalidArgument, "after_run"}});
}

TEST_CASE("a message that is refused for good is told and dropped, the rest is stored",
          "[session]") {
  const Error refusal = Error::invalid("messages", "must not say that");
  const Scripted session(configured([](auto& it) { it.store_after_turns = 2; }));
  // All four together, then one after another.
  session.provider->store_answers = {refusal, std::vector<StoredMemory>(1), refusal,
                                     std::vector<StoredMemory>(1), std::vector<StoredMemory>(1)};
  value_of(session->after_run(turns(1, 1)));
  CHECK(value_of(session->after_run(turns(1, 2))).size() == 3);
  CHECK(session.told == Told{{ErrorCode::kInvalidArgument, "after_run"}});
  value_of(session->flush());
  CHECK(session.batches() ==
        std::vector<Strings>{{"question 1", "answer 1", "question 2", "answer 2"},
                             {"question 1"},
                             {"answer 1"},
                             {"question 2"},
                             {"answer 2"}});
}

TEST_CASE("a message that fails after others were refused waits on with those behind it",
          "[session]") {
  const Error refusal = Error::invalid("messages", "must not say that");
  const Scripted session(configured([](auto& it) { it.store_after_turns = 2; }));
  session.provider->store_answers = {refusal, refusal, provider_error()};
  value_of(session->after_run(turns(1, 1)));
  value_of(session->after_run(turns(1, 2)));
  CHECK(session.told ==
        Told{{ErrorCode::kInvalidArgument, "after_run"}, {ErrorCode::kProvider, "after_run"}});
  value_of(session->flush());
  CHECK(session.batches().back() == Strings{"answer 1", "question 2", "answer 2"});
}

TEST_CASE("a provider that stores nothing at all is not asked again for the same", "[session]") {
  const Scripted session;
  session.provider->store_answers = {
      Error{.code = ErrorCode::kNotImplemented, .message = "it cannot"}};
  value_of(session->after_run(turns(1, 1)));
  CHECK(session.told == Told{{ErrorCode::kNotImplemented, "after_run"}});
  value_of(session->after_run(turns(1, 2)));
  CHECK(session.batches() == std::vector<Strings>{texts_of_turn(1), texts_of_turn(2)});
}

// ------------------------------------------------------------------------------------- failing

TEST_CASE("a failing provider does not end a run", "[session]") {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const Error error{.code = static_cast<ErrorCode>(code), .message = "it failed"};
    INFO(error_code_name(error.code));
    const Scripted session;
    session.provider->retrieve_answers.push_back(error);
    session.provider->store_answers.push_back(error);
    const auto prepared = run_ready(session->before_model_request(turn(1)));
    const auto stored = run_ready(session->after_run(turn(1)));
    if (error.code == ErrorCode::kAborted) {
      CHECK(error_of(prepared).code == ErrorCode::kAborted);
      CHECK(error_of(stored).code == ErrorCode::kAborted);
      CHECK(session.told.empty());
      continue;
    }
    CHECK(value_of(prepared).edits.empty());
    CHECK(value_of(prepared).prompt.empty());
    CHECK(value_of(stored).empty());
    Told told{{error.code, "before_model_request"}};
    // Each message alone was stored.
    if (error.code != ErrorCode::kInvalidArgument) told.push_back({error.code, "after_run"});
    CHECK(session.told == told);
  }
}

TEST_CASE("with fail_open off a session gives the provider's errors, and still keeps what waits",
          "[session]") {
  MemoryContextOptions options = nora();
  options.fail_open = false;
  const Scripted session(options);
  session.provider->retrieve_answers.push_back(provider_error());
  session.provider->store_answers.push_back(provider_error());
  CHECK(error_of(session->before_model_request(turn(1))).message == "it failed");
  CHECK(error_of(session->after_run(turns(1, 1))).message == "it failed");
  CHECK(session.told.empty());
  value_of(session->after_run(turns(1, 2)));
  CHECK(session.batches()[1].size() == 4);
}

TEST_CASE("calls of a session may overlap, and nothing is stored twice or lost", "[session]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Scripted session;
    FakeRandom random(seed);
    Pump pump;
    session.provider->pump = &pump;
    std::vector<bool> fails;
    for (int i = 0; i < 4; ++i) {
      fails.push_back(random.once_in(3));
      if (fails.back()) {
        session.provider->store_answers.push_back(provider_error());
      } else {
        session.provider->store_answers.push_back(std::vector<StoredMemory>());
      }
    }
    std::vector<Started<Result<std::vector<StoredMemory>>>> calls;
    for (int i = 1; i <= 4; ++i) {
      calls.emplace_back(session->after_run(turns(1, i)));
      if (pump.waiting() > 0 && random.once_in(2)) pump.run(random.below(pump.waiting()));
    }
    pump.run_all(random);
    for (auto& each : calls)
      value_of(each.take());
    session.provider->pump = nullptr;
    value_of(session->flush());
    // Those batches that were answered well hold everything once.
    const std::vector<Strings> batches = session.batches();
    std::vector<std::string> stored;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      if (i < fails.size() && fails[i]) continue;
      stored.insert(stored.end(), batches[i].begin(), batches[i].end());
    }
    std::sort(stored.begin(), stored.end());
    Strings expected;
    for (int i = 1; i <= 4; ++i) {
      for (const std::string& text : texts_of_turn(i))
        expected.push_back(text);
    }
    std::sort(expected.begin(), expected.end());
    REQUIRE(stored == expected);
  }
}

// --------------------------------------------------------------------- with the local provider

TEST_CASE("a chat that was had is remembered in the next, after everything was closed",
          "[session]") {
  World world;
  {
    const Local local = world.open();
    MemorySession session(local.provider, nora());
    JsonArray messages{user("My cat is called Misty and I live in Oslo.")};
    CHECK(value_of(session.before_model_request(messages)).memories.empty());
    messages.push_back(assistant("Nice to meet you both."));
    CHECK(value_of(session.after_run(messages)).size() == 2);
    value_of(local->close());
  }
  const Local local = world.open();
  MemorySession session(local.provider, nora());
  const JsonArray messages{user("What is my cat called?")};
  const PreparedRequest request = value_of(session.before_model_request(messages));
  REQUIRE_FALSE(request.memories.empty());
  CHECK(request.memories[0].memory == "My cat is called Misty and I live in Oslo.");
  CHECK(request.prompt.find("Misty") != std::string::npos);
  CHECK(apply_edits(messages, request.edits).size() == 2);
  // And nobody else's session sees it.
  MemorySession other(local.provider,
                      with<MemoryContextOptions>([](auto& it) { it.identity = ids("ole"); }));
  CHECK(value_of(other.before_model_request(messages)).memories.empty());
}

TEST_CASE("a scope keeps what a session stores within its walls", "[session]") {
  const auto session_of = [](const Local& local, MemoryScope scope, const Identity& identity) {
    return MemorySession(local.provider, with<MemoryContextOptions>([&](auto& it) {
                           it.identity = identity;
                           it.config.scope = scope;
                         }));
  };
  const JsonArray said{user("Misty is a cat")};
  const JsonArray asked{user("Who is Misty?")};
  for (const MemoryScope scope :
       {MemoryScope::kUser, MemoryScope::kRun, MemoryScope::kAgent, MemoryScope::kGlobal}) {
    World world;
    const Local local = world.open();
    MemorySession writer = session_of(local, scope, ids("u", "a", "r"));
    REQUIRE(value_of(writer.after_run(said)).size() == 1);
    const auto finds = [&](MemoryScope by, const Identity& identity) {
      MemorySession reader = session_of(local, by, identity);
      return !value_of(reader.before_model_request(asked)).memories.empty();
    };
    INFO(memory_scope_name(scope));
    CHECK(finds(scope, ids("u", "a", "r")));
    // Another run, agent or user of the same scope.
    CHECK(finds(scope, ids("u", "a", "r2")) == (scope != MemoryScope::kRun));
    CHECK(finds(scope, ids("u", "a2", "r")) == (scope != MemoryScope::kAgent));
    CHECK(finds(scope, ids("u2", "a", "r")) ==
          (scope == MemoryScope::kAgent || scope == MemoryScope::kGlobal));
    CHECK(finds(MemoryScope::kGlobal, {}) == (scope == MemoryScope::kGlobal));
  }
}

// ----------------------------------------------- defects of the original design, section ii of
// the landscape

TEST_CASE("defect 1: every field of the config does what it says", "[defects]") {
  const JsonArray messages = turn(1);
  const auto prepared = [&](auto change) {
    const Scripted session(configured(change));
    session.provider->retrieve_answers.push_back(std::vector{remembered("I live in Oslo")});
    PreparedRequest request = value_of(session->before_model_request(messages));
    const std::size_t asked = session.provider->retrieved.size();
    const auto options =
        asked == 0 ? RetrieveOptions{} : session.provider->retrieved.front().options;
    return std::pair(std::move(request), options);
  };
  const auto stored = [&](auto change, int runs) {
    const Scripted session(configured(change));
    for (int i = 1; i <= runs; ++i)
      value_of(session->after_run(turns(1, i)));
    return session.provider->stored;
  };
  const auto nothing = [](MemoryConfig&) {};
  CHECK_FALSE(prepared(nothing).first.prompt.empty());
  CHECK(stored(nothing, 1).size() == 1);

  CHECK(stored([](auto& it) { it.auto_store = false; }, 1).empty());
  CHECK(prepared([](auto& it) { it.auto_retrieve = false; }).first.prompt.empty());
  CHECK(prepared([](auto& it) {
          it.retrieval_strategy = RetrievalStrategy::kHybrid;
        }).second.strategy == RetrievalStrategy::kHybrid);
  CHECK(prepared([](auto& it) { it.top_k = 9; }).second.top_k == 9);
  CHECK(prepared([](auto& it) { it.min_relevance_score = 0.7; }).second.min_relevance_score == 0.7);
  CHECK(stored([](auto& it) { it.store_after_turns = 2; }, 1).empty());
  CHECK(stored([](auto& it) { it.store_after_turns = 2; }, 2).size() == 1);
  const auto role_of_block = [&](bool in_system) {
    const PreparedRequest request =
        prepared([&](auto& it) { it.memory_summary_in_system = in_system; }).first;
    return *apply_edits(messages, request.edits).at(0).find_string("role");
  };
  CHECK(role_of_block(true) == "system");
  CHECK(role_of_block(false) == "user");
  CHECK(prepared([](auto& it) { it.scope = MemoryScope::kGlobal; }).second.identity.empty());
  CHECK(
      JsonValue(
          stored([](auto& it) { it.metadata = metadata("{'a':1}"); }, 1).at(0).options.metadata) ==
      json("{'a':1}"));
}

TEST_CASE("defect 6: a session that could not store says so and keeps what it has", "[defects]") {
  World world;
  const Local local = world.open();
  Told told;
  MemoryContextOptions options = nora();
  options.on_error = [&](const Error& error, std::string_view operation) {
    told.push_back({error.code, std::string(operation)});
  };
  MemorySession session(local.provider, options);
  local.script->fail_next(ErrorCode::kQuotaExceeded);
  CHECK(value_of(session.after_run(turns(1, 1))).empty());
  CHECK(told == Told{{ErrorCode::kQuotaExceeded, "after_run"}});
  CHECK(list(*local, ids("nora")).empty());
  CHECK(value_of(session.after_run(turns(1, 2))).size() == 4);
  CHECK(list(*local, ids("nora")).size() == 4);
}

TEST_CASE("defect 8: what the example stores is stored, and comes back", "[defects]") {
  World world;
  const Local local = world.open();
  MemoryContext context(local.provider, nora());
  CHECK(value_of(context.add("I am allergic to peanuts", {})).size() == 1);
  MemorySession session(local.provider, nora());
  const PreparedRequest request =
      value_of(session.before_model_request(JsonArray{user("What am I allergic to?")}));
  CHECK(request.prompt.find("I am allergic to peanuts") != std::string::npos);
}
