// SPDX-License-Identifier: MIT
#include "agent_memory/local_provider.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/config.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "journal/codec.hpp"
#include "support/fake_storage.hpp"
#include "support/fakes.hpp"
#include "support/local_world.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

using Strings = std::vector<std::string>;

Strings ids_of(const std::vector<RetrievedMemory>& memories) {
  Strings found;
  for (const RetrievedMemory& each : memories)
    found.push_back(each.id);
  return found;
}

std::set<std::string> as_set(const Strings& strings) { return {strings.begin(), strings.end()}; }

std::string found(LocalProvider& provider, const std::string& id) {
  const auto memory = value_of(provider.get_memory(id));
  return memory ? memory->memory : "(none)";
}

StoredMemory update_text(LocalProvider& provider, const std::string& id, std::string text) {
  MemoryChange change;
  change.memory = std::move(text);
  return value_of(provider.update_memory(id, std::move(change)));
}

std::string history_of(LocalProvider& provider, const std::string& id) {
  std::string out;
  for (const HistoryEntry& step : value_of(provider.history(id))) {
    out.append(memory_event_name(step.event)).append(" '").append(step.memory).append("' ");
    out.append(std::to_string(step.at_ms - kStart)).append("; ");
  }
  return out;
}

/// Those of a search's results that match themselves, not only for what is said around them.
std::vector<RetrievedMemory> matching(LocalProvider& provider, const std::string& query,
                                      const Identity& identity = {}) {
  const auto options = with<RetrieveOptions>([&](auto& it) {
    it.identity = identity;
    it.top_k = 100;
    it.explain = true;
  });
  std::vector<RetrievedMemory> hits = value_of(provider.retrieve_memories(query, options));
  std::erase_if(hits, [](const auto& hit) { return hit.explanation->terms.empty(); });
  return hits;
}

/// A message of a user, from another shape than a bare string.
JsonValue said(std::string_view role, std::string_view text, std::string_view name = {}) {
  JsonObject message{{"role", role}, {"content", text}};
  if (!name.empty()) message.push_back({"name", name});
  return JsonArray{std::move(message)};
}

StoreOptions expiring_at(TimestampMs time) {
  return with<StoreOptions>([&](auto& it) { it.expires_at_ms = time; });
}

DeleteAllOptions everything() {
  return with<DeleteAllOptions>([](auto& it) { it.everything = true; });
}

/// "code field: message".
std::string failure(const Error& error) {
  return std::string(error_code_name(error.code)) + " " + error.field.value_or("-") + ": " +
         error.message;
}

/// Every identity of two users, two agents, two runs, and none of each.
std::vector<Identity> all_identities() {
  std::vector<Identity> identities;
  for (const std::string user : {"", "u1", "u2"}) {
    for (const std::string agent : {"", "a1", "a2"}) {
      for (const std::string run : {"", "r1", "r2"})
        identities.push_back(ids(user, agent, run));
    }
  }
  return identities;
}

}  // namespace

// ------------------------------------------------------------------------------------- opening

TEST_CASE("a store that cannot be read gives its error and is let go", "[local]") {
  for (std::size_t step = 0; step < 3; ++step) {
    World world;
    Local local;
    local.script->fail_at = step;
    const Error error = error_of(world.opening(local));
    CHECK(error.code == ErrorCode::kStorage);
    CHECK(error.retryable);
    CHECK(local.script->count(StorageCall::Kind::kClose) == 1);
    CHECK(world.disk->values.empty());
    CHECK(list(*world.open()).empty());
  }
}

TEST_CASE("a store of a newer version is refused and stays as it is", "[local]") {
  World world;
  world.disk->values["log/0000000000000001/000000000001"] =
      seal(FrameKind::kOperations, "new", kFormatVersion + 1);
  const auto before = world.disk->values;
  Local local;
  const Error error = error_of(world.opening(local));
  CHECK(error.code == ErrorCode::kCorrupt);
  CHECK(error.message.find("newer version") != std::string::npos);
  CHECK(world.disk->values == before);
}

TEST_CASE("what is damaged is told and left out, the rest lives", "[local]") {
  World world;
  {
    const Local local = world.open();
    store(*local, "I live in Oslo");
    store(*local, "I have a cat");
  }
  std::string& first = world.disk->values.begin()->second;
  first[first.find("Oslo")] ^= 1;
  const Local local = world.open();
  CHECK(texts_of(list(*local)) == Strings{"I have a cat"});
  REQUIRE(local.heard->errors.size() == 1);
  CHECK(local.heard->errors[0].operation == "open");
  CHECK(local.heard->errors[0].error.code == ErrorCode::kCorrupt);
  // Told once: with the next change of the store it is no news.
  value_of(local->refresh());
  CHECK(local.heard->errors.size() == 1);
}

TEST_CASE("a half-life must be more than 0", "[local]") {
  for (const auto& [half_life, shown] :
       {std::pair(0.0, "0"), std::pair(-1.5, "-1.5"),
        std::pair(std::numeric_limits<double>::quiet_NaN(), "NaN")}) {
    World world;
    LocalProviderOptions options;
    options.half_life_ms = half_life;
    CHECK(failure(error_of(world.opening(Local(), options))) ==
          "invalid_argument half_life_ms: half_life_ms must be more than 0, got " +
              std::string(shown));
  }
}

TEST_CASE("a provider works without anybody to listen", "[local]") {
  World world;
  const auto provider =
      value_of(LocalProvider::open(std::make_unique<FakeStorage>(world.disk), world.clock,
                                   std::make_shared<FakeRandom>(1), {}, nullptr));
  store(*provider, "hello there");
  value_of(provider->close());
}

// ------------------------------------------------------------------------------------- storing

TEST_CASE("what is stored can be found, listed and got, with all that was said of it", "[local]") {
  World world;
  const Local local = world.open();
  StoreOptions options;
  options.identity = ids("nora", "helper", "run-7");
  options.metadata = metadata("{'topic':'home'}");
  const std::vector<StoredMemory> stored = value_of(
      local->store_memories(json("[{'role':'user','content':'I moved to Oslo','name':'Nora'},"
                                 "{'role':'assistant','content':'How is the weather?'}]"),
                            options));
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].memory == "I moved to Oslo");
  CHECK(stored[0].event == MemoryEvent::kAdd);
  CHECK(JsonValue(stored[0].metadata) == json("{'topic':'home'}"));
  CHECK(stored[1].memory == "How is the weather?");
  CHECK(stored[0].id < stored[1].id);
  CHECK(stored[0].id.size() == 36);

  const auto got = value_of(local->get_memory(stored[0].id));
  REQUIRE(got);
  const std::vector<RetrievedMemory> hits = search(*local, "Oslo", ids("nora"));
  REQUIRE_FALSE(hits.empty());
  const std::vector<RetrievedMemory> all = list(*local, ids("nora"));
  REQUIRE(all.size() == 2);
  for (const RetrievedMemory& memory : {*got, hits[0], all[1]}) {
    CHECK(memory.id == stored[0].id);
    CHECK(memory.memory == "I moved to Oslo");
    CHECK(JsonValue(memory.metadata) == json("{'topic':'home'}"));
    CHECK(memory.identity == ids("nora", "helper", "run-7"));
    CHECK(memory.role == Role::kUser);
    CHECK(memory.name == "Nora");
    CHECK(memory.created_at_ms == kStart);
    CHECK(memory.updated_at_ms == kStart);
    CHECK_FALSE(memory.explanation);
  }
  CHECK(got->score == 1.0);
}

TEST_CASE("a message's own time counts, then the option's, then now", "[local]") {
  World world;
  const Local local = world.open();
  const JsonValue messages = json(
      "[{'role':'user','content':'timed','timestamp':'2020-01-02T03:04:05Z'},"
      "{'role':'user','content':'untimed'}]");
  StoreOptions options;
  options.timestamp_ms = 1000;
  for (const StoredMemory& each : value_of(local->store_memories(messages, options))) {
    const auto memory = value_of(local->get_memory(each.id));
    REQUIRE(memory);
    CHECK(memory->created_at_ms == (each.memory == "timed" ? 1577934245000 : 1000));
    CHECK(memory->updated_at_ms == memory->created_at_ms);
  }
  const std::string now = store_one(*local, "just said");
  CHECK(value_of(local->get_memory(now))->created_at_ms == kStart);
}

TEST_CASE("only the speakers that were asked for are remembered", "[local]") {
  World world;
  const JsonValue messages = json(
      "[{'role':'user','content':'from the user'},{'role':'assistant','content':'from it'},"
      "{'role':'system','content':'from the system'},{'role':'tool','content':'from a tool'}]");
  LocalProviderOptions users;
  users.store_assistant = false;
  CHECK(store(*world.open(users), messages, ids("a")).size() == 1);
  LocalProviderOptions assistants;
  assistants.store_user = false;
  const Local local = world.open(assistants);
  store(*local, messages, ids("b"));
  CHECK(texts_of(list(*local, ids("b"))) == Strings{"from it"});
  CHECK(store(*world.open(), messages, ids("c")).size() == 2);
}

TEST_CASE("nothing to store writes nothing", "[local]") {
  World world;
  const Local local = world.open();
  for (const JsonValue& messages :
       {json("[]"), json("''"), json("'   '"), json("[{'role':'system','content':'be nice'}]")}) {
    CHECK(store(*local, messages).empty());
  }
  CHECK(local.script->count(StorageCall::Kind::kWrite) == 0);
  CHECK(local.heard->changes.empty());
}

TEST_CASE("a memory block that was injected is not stored", "[local]") {
  World world;
  const Local local = world.open();
  const std::vector<StoredMemory> stored =
      store(*local, "<recalled-memories>\n- I moved to Oslo\n</recalled-memories>\n\nWhere am I?");
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].memory == "Where am I?");
}

TEST_CASE("a malformed message fails all of them, with its place, and stores none", "[local]") {
  World world;
  const Local local = world.open();
  const Error error = error_of(local->store_memories(
      json("[{'role':'user','content':'fine'},{'role':7,'content':'not'}]"), {}));
  CHECK(failure(error) ==
        "invalid_argument messages[1].role: messages[1].role must be a string, got 7");
  CHECK(list(*local).empty());
  CHECK(world.disk->values.empty());
  CHECK(error_of(local->store_memories(7, {})).code == ErrorCode::kInvalidArgument);
}

TEST_CASE("texts at and past their bound", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, std::string(kMaxTextBytes, 'x'));
  CHECK(found(*local, id).size() == kMaxTextBytes);
  CHECK(failure(error_of(local->store_memories(std::string(kMaxTextBytes + 1, 'x'), {}))) ==
        "invalid_argument messages: messages must be at most 1048576 bytes, got 1048577");
  CHECK(failure(error_of(local->store_memories(std::string(10'000'000, 'x'), {}))) ==
        "invalid_argument messages: messages must be at most 1048576 bytes, got 10000000");
  CHECK(list(*local).size() == 1);
  const Local again = world.open();
  CHECK(found(*again, id).size() == kMaxTextBytes);
}

TEST_CASE("NULs are kept, bytes that are no text replaced, through every room", "[local]") {
  World world;
  const Local local = world.open();
  const std::string nul("violin\0guitar", 13);
  const std::string first = store_one(*local, nul, ids("user"));
  const std::string second = store_one(*local, "bad \xFF\xED\xA0\x80 bytes", ids("user"));
  const auto before = everything_in(*local);
  const Local again = world.open();
  CHECK(found(*again, first) == nul);
  CHECK(found(*again, second).starts_with("bad \xEF\xBF\xBD"));
  CHECK(everything_in(*again) == before);
  CHECK(ids_of(matching(*again, "guitar", ids("user"))) == Strings{first});
}

TEST_CASE("a memory is seen when it is durable and not before", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  local.script->pump = &pump;
  Started<Result<std::vector<StoredMemory>>> storing(local->store_memories("I like tea", {}));
  CHECK_FALSE(storing.done());
  CHECK(list(*local).empty());
  CHECK(local.heard->changes.empty());
  pump.run_first();  // it is on the disk, which has not said so yet
  CHECK(list(*local).empty());
  pump.run_first();
  REQUIRE(storing.done());
  CHECK(list(*local).size() == 1);
}

TEST_CASE("who asks for it is told what a store will answer while it is being written", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  const std::string id = store_one(*local, "black tea");
  std::vector<std::vector<StoredMemory>> told;
  StoreOptions options;
  options.on_writing = [&](const std::vector<StoredMemory>& stored) { told.push_back(stored); };
  const JsonValue messages = json(R"([{"role":"user","content":"green tea"},
      {"role":"user","content":"Black tea!"}, {"role":"user","content":"green  tea"},
      {"role":"user","content":"mate"}])");

  local.script->pump = &pump;
  Started<Result<std::vector<StoredMemory>>> storing(local->store_memories(messages, options));
  CHECK(told.size() == 1);
  CHECK_FALSE(storing.done());
  pump.run_all();
  REQUIRE(storing.done());
  CHECK(value_of(storing.take()).empty());
  local.script->pump = nullptr;
  REQUIRE(told.size() == 1);
  const std::vector<StoredMemory> stored = told.front();
  REQUIRE(stored.size() == 4);
  CHECK(stored[0].event == MemoryEvent::kAdd);
  CHECK(stored[0].memory == "green tea");
  CHECK(found(*local, stored[0].id) == "green tea");
  CHECK(stored[1].event == MemoryEvent::kNoop);
  CHECK(stored[1].id == id);
  CHECK(stored[2].event == MemoryEvent::kNoop);
  CHECK(stored[2].id == stored[0].id);
  CHECK(found(*local, stored[3].id) == "mate");

  // Where there is nothing to write nobody is told: the answer is there.
  CHECK(value_of(local->store_memories(messages, options)).size() == 4);
  CHECK(told.size() == 1);

  // What fails has changed nothing, whatever was told.
  const auto before = everything_in(*local);
  local.script->fail_next(ErrorCode::kQuotaExceeded);
  CHECK(error_of(local->store_memories("white tea", options)).code == ErrorCode::kQuotaExceeded);
  CHECK(told.size() == 2);
  CHECK(everything_in(*local) == before);
}

TEST_CASE("whatever is asked first after a store knows what was stored", "[local]") {
  using Ask = std::function<void(World&, const Local&, const std::string& id)>;
  const std::vector<std::pair<std::string, Ask>> asks{
      {"search", [](auto&, auto& it, auto&) { CHECK(search(*it, "tea", ids("u")).size() == 2); }},
      {"list", [](auto&, auto& it, auto&) { CHECK(list(*it, ids("u")).size() == 2); }},
      {"get", [](auto&, auto& it, auto& id) { CHECK(found(*it, id) == "black tea"); }},
      {"history", [](auto&, auto& it, auto& id) { CHECK(history_of(*it, id).size() > 2); }},
      {"status", [](auto&, auto& it, auto&) { CHECK(value_of(it->status()).memories == 2); }},
      {"export",
       [](auto&, auto& it, auto& id) {
         CHECK(value_of(it->export_memories(std::nullopt)).find(id) != std::string::npos);
       }},
      {"store",
       [](auto&, auto& it, auto& id) {
         const std::vector<StoredMemory> again = store(*it, "Black tea", ids("u"));
         CHECK(again.at(0).event == MemoryEvent::kNoop);
         CHECK(again.at(0).id == id);
       }},
      {"update",
       [](auto&, auto& it, auto& id) {
         CHECK(update_text(*it, id, "white tea").event == MemoryEvent::kUpdate);
       }},
      {"delete", [](auto&, auto& it, auto& id) { CHECK(value_of(it->delete_memory(id))); }},
      {"delete all",
       [](auto&, auto& it, auto&) { CHECK(value_of(it->delete_all_memories(everything())) == 2); }},
      {"sync states",
       [](auto&, auto& it, auto& id) {
         const auto query = with<SyncQuery>([&](auto& asked) { asked.ids = {id}; });
         std::string version;
         value_of(it->visit_sync_states(
             query, [&](const SyncView& view) { version = std::string(view.version); }));
         CHECK_FALSE(version.empty());
       }},
      {"maintenance of what expired",
       [](World& world, auto& it, auto& id) {
         world.clock->advance(1000);
         CHECK(it->is_maintenance_due());
         value_of(it->maintain());
         CHECK(found(*it, id) == "(none)");
         CHECK(list(*world.open(), ids("u")).size() == 1);
       }},
      {"news",
       [](World& world, auto& it, auto&) {
         const Local other = world.open();
         store(*other, "mint tea", ids("u"));
         value_of(it->refresh());
         CHECK(list(*it, ids("u")).size() == 3);
       }},
      {"close", [](World& world, auto& it, auto&) {
         value_of(it->close());
         CHECK(list(*world.open(), ids("u")).size() == 2);
       }}};
  for (const auto& [name, ask] : asks) {
    for (const bool waits : {false, true}) {
      INFO(name << (waits ? ", from a store that takes its time" : ""));
      World world;
      const Local local = world.open();
      store(*local, "green tea", ids("u"));
      Pump pump;
      if (waits) local.script->pump = &pump;
      auto options = expiring_at(world.clock->now_ms() + 500);
      options.identity = ids("u");
      const auto stored = value_of(run_with(pump, local->store_memories("black tea", options)));
      local.script->pump = nullptr;
      // Told when it is acknowledged, whoever asks when.
      REQUIRE(local.heard->changes.size() == 2);
      CHECK(local.heard->changes.back().stored.at(0).memory == "black tea");
      ask(world, local, stored.at(0).id);
    }
  }
}

TEST_CASE("while a write is under way, and after it failed, searches answer as if it were not",
          "[local][property]") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    World world(seed * 100);
    World without(seed * 100);
    FakeRandom random(seed);
    Pump pump;
    const Local local = world.open();
    const Local plain = without.open();
    // Texts, scores and reasons: ids differ, for a write that fails has used some up.
    const auto results = [](LocalProvider& provider) {
      std::string out;
      for (const std::string query : {"word1 tea", "wrod2", "word5 word7 cups?", "zoe", "the"}) {
        for (const std::string user : {"nora", "omar", ""}) {
          const auto options = with<RetrieveOptions>([&](auto& it) {
            it.identity = ids(user);
            it.top_k = 50;
            it.explain = true;
          });
          for (const auto& hit : value_of(provider.retrieve_memories(query, options))) {
            out += hit.memory + " " + std::to_string(std::llround(hit.score * 1e9));
            for (const std::string& term : hit.explanation->terms)
              out += " " + term;
            out += "\n";
          }
          out += "--\n";
        }
      }
      return out;
    };
    const auto store_in = [&](LocalProvider& provider, const JsonArray& messages,
                              const std::string& user) {
      return provider.store_memories(
          messages, with<StoreOptions>([&](auto& it) { it.identity = ids(user); }));
    };
    for (int i = 0; i < 40; ++i) {
      JsonArray messages;
      for (std::uint64_t count = random.below(4) + 1; count > 0; --count) {
        std::string text = "tea " + std::to_string(i);
        for (std::uint64_t words = random.below(6); words > 0; --words)
          text += " word" + std::to_string(random.below(12));
        messages.push_back(JsonObject{
            {"role", "user"}, {"content", text}, {"name", random.once_in(5) ? "Zoe" : "Nora"}});
      }
      const std::string user = random.once_in(3) ? "omar" : "nora";
      const bool fails = random.once_in(2);
      if (fails) local.script->fail_next(ErrorCode::kQuotaExceeded);
      local.script->pump = &pump;
      {
        Started<Result<std::vector<StoredMemory>>> storing(store_in(*local, messages, user));
        REQUIRE_FALSE(storing.done());
        CHECK(results(*local) == results(*plain));
        pump.run_first();
        CHECK(results(*local) == results(*plain));
        pump.run_all();
        REQUIRE(storing.done());
        CHECK(storing.take().has_value() != fails);
      }
      local.script->pump = nullptr;
      if (!fails) value_of(store_in(*plain, messages, user));
      if (random.once_in(2)) CHECK(results(*local) == results(*plain));
      if (random.once_in(6)) {
        // Numbers terms anew, where enough have gone.
        for (LocalProvider* each : {&*local, &*plain}) {
          for (const RetrievedMemory& memory : list(*each, ids("nora"))) {
            if (memory.memory.find("word3") != std::string::npos)
              value_of(each->delete_memory(memory.id));
          }
        }
      }
      world.clock->advance(1000);
      without.clock->advance(1000);
    }
    CHECK(results(*local) == results(*plain));
    CHECK(results(*world.open()) == results(*plain));
  }
}

TEST_CASE("one write stores all the messages of a call", "[local]") {
  World world;
  const Local local = world.open();
  JsonArray messages;
  for (int i = 0; i < 50; ++i) {
    messages.push_back(JsonObject{{"role", "user"}, {"content", "number " + std::to_string(i)}});
  }
  CHECK(store(*local, messages).size() == 50);
  CHECK(local.script->count(StorageCall::Kind::kWrite) == 1);
}

// ---------------------------------------------------------------------------------- duplicates

TEST_CASE("what stands there already is NOOP with the old id", "[local]") {
  World world;
  const Local local = world.open();
  StoreOptions options;
  options.metadata = metadata("{'a':1}");
  const StoredMemory first = value_of(local->store_memories("I like  Green tea.", options))[0];
  world.clock->advance(kDay);
  options.metadata = metadata("{'a':2}");
  for (const std::string again : {"I like  Green tea.", "i like green TEA", "  I like green\ttea!!",
                                  "I like green tea?!...", "\xEF\xBC\xA9 like green tea"}) {
    INFO(again);
    const std::vector<StoredMemory> stored = value_of(local->store_memories(again, options));
    REQUIRE(stored.size() == 1);
    CHECK(stored[0].event == MemoryEvent::kNoop);
    CHECK(stored[0].id == first.id);
    CHECK(stored[0].memory == first.memory);
    CHECK(JsonValue(stored[0].metadata) == json("{'a':1}"));
  }
  CHECK(local.script->count(StorageCall::Kind::kWrite) == 1);
  CHECK(local.heard->changes.size() == 1);
  CHECK(value_of(local->get_memory(first.id))->updated_at_ms == kStart);
  // Other words are another memory.
  CHECK(store(*local, "I like green teas")[0].event == MemoryEvent::kAdd);
  CHECK(store(*local, "like I green tea")[0].event == MemoryEvent::kAdd);
}

TEST_CASE("the same words are another memory for others", "[local]") {
  World world;
  const Local local = world.open();
  std::set<std::string> made;
  const auto check_added = [&](const JsonValue& messages, const Identity& identity) {
    const std::vector<StoredMemory> stored = store(*local, messages, identity);
    REQUIRE(stored.size() == 1);
    CHECK(stored[0].event == MemoryEvent::kAdd);
    CHECK(made.insert(stored[0].id).second);
  };
  for (const Identity& identity : all_identities())
    check_added("the same words", identity);
  check_added(said("assistant", "the same words"), {});
  check_added(said("user", "the same words", "Nora"), {});
  check_added(said("user", "the same words", "Ole"), {});
  CHECK(made.size() == 30);
}

TEST_CASE("ids that would run together are kept apart", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "words", ids("ab", "c"));
  CHECK(store(*local, "words", ids("a", "bc"))[0].event == MemoryEvent::kAdd);
  CHECK(store(*local, "words", ids("", "ab", "c"))[0].event == MemoryEvent::kAdd);
  CHECK(store(*local, "words", ids("ab", "c"))[0].event == MemoryEvent::kNoop);
}

TEST_CASE("duplicates inside one call are stored once", "[local]") {
  World world;
  const Local local = world.open();
  const std::vector<StoredMemory> stored =
      store(*local, json("[{'role':'user','content':'Yes'},{'role':'user','content':'yes.'},"
                         "{'role':'assistant','content':'Yes'},{'role':'user','content':'YES!'}]"));
  REQUIRE(stored.size() == 4);
  CHECK(stored[0].event == MemoryEvent::kAdd);
  CHECK(stored[1].event == MemoryEvent::kNoop);
  CHECK(stored[1].id == stored[0].id);
  CHECK(stored[1].memory == "Yes");
  CHECK(stored[2].event == MemoryEvent::kAdd);
  CHECK(stored[3].event == MemoryEvent::kNoop);
  CHECK(list(*local).size() == 2);
}

TEST_CASE("duplicates are known after opening again, after folds, and after they changed",
          "[local]") {
  World world;
  std::string id;
  {
    const Local local = world.open();
    id = store_one(*local, "I live in Oslo");
    const std::string other = store_one(*local, "I live in Rome");
    update_text(*local, other, "I live in Bergen");
    value_of(local->delete_memory(store_one(*local, "I live in Paris")));
    value_of(local->close());  // folds: there was a deletion
    CHECK(world.disk->keys("log/").empty());
  }
  const Local local = world.open();
  CHECK(store(*local, "i live in oslo")[0].id == id);
  CHECK(store(*local, "I live in Bergen")[0].event == MemoryEvent::kNoop);
  CHECK(store(*local, "I live in Rome")[0].event == MemoryEvent::kAdd);
  CHECK(store(*local, "I live in Paris")[0].event == MemoryEvent::kAdd);
}

// -------------------------------------------------------------------------------------- expiry

TEST_CASE("what expires is hidden at once and gone with the next fold", "[local]") {
  World world;
  const Local local = world.open();
  const StoredMemory stored =
      value_of(local->store_memories("the code is 1234", expiring_at(kStart + 1000)))[0];
  const std::string lasting = store_one(*local, "the door is green");
  world.clock->set(kStart + 999);
  CHECK(list(*local).size() == 2);
  world.clock->set(kStart + 1000);
  CHECK(ids_of(list(*local)) == Strings{lasting});
  CHECK(search(*local, "code").empty());
  CHECK(search(*local, "the").size() <= 1);
  CHECK(found(*local, stored.id) == "(none)");
  CHECK(value_of(local->status()).memories == 1);
  CHECK(everything_in(*local).size() == 1);
  CHECK_FALSE(value_of(local->delete_memory(stored.id)));
  CHECK(error_of(
            local->update_memory(stored.id, with<MemoryChange>([](auto& it) { it.memory = "x"; })))
            .code == ErrorCode::kNotFound);
  CHECK(value_of(local->delete_all_memories(with<DeleteAllOptions>([](auto& it) {
          it.everything = true;
          it.filters = json("{'memory':{'contains':'code'}}");
        }))) == 0);
  // The same words may be stored anew.
  CHECK(store(*local, "the code is 1234")[0].event == MemoryEvent::kAdd);

  value_of(local->delete_memory(lasting));  // makes a fold due
  REQUIRE(local->is_maintenance_due());
  value_of(local->maintain());
  CHECK(history_of(*local, stored.id) == "ADD '' 0; DELETE '' 1000; ");
  for (const auto& [key, value] : world.disk->values) {
    CHECK(value.find("door is green") == std::string::npos);
  }
  CHECK(texts_of(list(*world.open())) == Strings{"the code is 1234"});
}

TEST_CASE("what expires is removed without another reason to fold", "[local]") {
  World world;
  const Local local = world.open();
  value_of(local->store_memories("the code is 1234", expiring_at(kStart + 1000)));
  value_of(local->store_memories("the word is swordfish", expiring_at(kStart + 2000)));
  CHECK_FALSE(local->is_maintenance_due());
  world.clock->set(kStart + 1000);
  for (const Local& each : {local, world.open()}) {
    REQUIRE(each->is_maintenance_due());
    value_of(each->maintain());
    CHECK_FALSE(each->is_maintenance_due());
  }
  for (const auto& [key, value] : world.disk->values)
    CHECK(value.find("1234") == std::string::npos);
  CHECK(texts_of(list(*world.open())) == Strings{"the word is swordfish"});
  // A time that was put off comes all the same, and closing is as good as idling.
  world.clock->set(kStart + 2000);
  const Local last = world.open();
  CHECK(last->is_maintenance_due());
  value_of(last->close());
  for (const auto& [key, value] : world.disk->values)
    CHECK(value.find("swordfish") == std::string::npos);
}

TEST_CASE("a removal of what expired that fails is due again", "[local]") {
  World world;
  const Local local = world.open();
  value_of(local->store_memories("the code is 1234", expiring_at(kStart + 1000)));
  world.clock->set(kStart + 1000);
  for (std::size_t call = 0; local->is_maintenance_due(); ++call) {
    REQUIRE(call < 100);
    local.script->fail_at = local.script->calls.size() + call;
    if (run_ready(local->maintain()).has_value()) break;
    CHECK(local->is_maintenance_due());
  }
  CHECK_FALSE(local->is_maintenance_due());
  for (const auto& [key, value] : world.disk->values)
    CHECK(value.find("1234") == std::string::npos);
}

TEST_CASE("expiry counts after opening again", "[local]") {
  World world;
  value_of(world.open()->store_memories("soon gone", expiring_at(kStart + 5)));
  world.clock->set(kStart + 4);
  CHECK(list(*world.open()).size() == 1);
  world.clock->set(kStart + 5);
  const Local local = world.open();
  CHECK(list(*local).empty());
  CHECK(search(*local, "soon").empty());
}

// -------------------------------------------------------------------------------------- update

TEST_CASE("an update changes text, metadata or both, and says so", "[local]") {
  World world;
  const Local local = world.open();
  StoreOptions options;
  options.metadata = metadata("{'a':1,'b':2}");
  const std::string id = value_of(local->store_memories("I live in Oslo", options))[0].id;
  world.clock->advance(1000);

  StoredMemory stored = update_text(*local, id, "I live in Bergen");
  CHECK(stored.event == MemoryEvent::kUpdate);
  CHECK(stored.id == id);
  CHECK(stored.memory == "I live in Bergen");
  CHECK(JsonValue(stored.metadata) == json("{'a':1,'b':2}"));
  auto memory = value_of(local->get_memory(id));
  CHECK(memory->created_at_ms == kStart);
  CHECK(memory->updated_at_ms == kStart + 1000);
  CHECK(search(*local, "Oslo").empty());
  CHECK(ids_of(search(*local, "Bergen")) == Strings{id});

  world.clock->advance(1000);
  MemoryChange change;
  change.metadata = metadata("{'c':3}");
  stored = value_of(local->update_memory(id, change));
  CHECK(stored.memory == "I live in Bergen");
  CHECK(JsonValue(stored.metadata) == json("{'c':3}"));  // as a whole
  change.memory = "I live in Voss";
  change.metadata = Metadata{};
  stored = value_of(local->update_memory(id, change));
  CHECK(stored.memory == "I live in Voss");
  CHECK(stored.metadata.empty());
  CHECK(history_of(*local, id) ==
        "ADD 'I live in Oslo' 0; UPDATE 'I live in Bergen' 1000; UPDATE 'I live in Bergen' 2000; "
        "UPDATE 'I live in Voss' 2000; ");
  CHECK(local.heard->changes.size() == 4);
  CHECK(everything_in(*world.open()) == everything_in(*local));
}

TEST_CASE("an update to what is there already writes nothing", "[local]") {
  World world;
  const Local local = world.open();
  StoreOptions options;
  options.metadata = metadata("{'a':1,'b':2}");
  const std::string id = value_of(local->store_memories("same", options))[0].id;
  world.clock->advance(1000);
  MemoryChange change;
  change.memory = "same";
  change.metadata = metadata("{'b':2,'a':1}");
  const StoredMemory stored = value_of(local->update_memory(id, change));
  CHECK(stored.event == MemoryEvent::kNoop);
  CHECK(stored.id == id);
  CHECK(local.script->count(StorageCall::Kind::kWrite) == 1);
  CHECK(value_of(local->get_memory(id))->updated_at_ms == kStart);
  // Case is no change for duplicates, but it is one for an update.
  CHECK(update_text(*local, id, "Same").event == MemoryEvent::kUpdate);
}

TEST_CASE("an update of what is not there is not_found", "[local]") {
  World world;
  const Local local = world.open();
  MemoryChange change;
  change.memory = "x";
  CHECK(failure(error_of(local->update_memory("no-such-id", change))) ==
        "not_found -: there is no memory with the id \"no-such-id\"");
  const std::string id = store_one(*local, "short-lived");
  CHECK(value_of(local->delete_memory(id)));
  CHECK(error_of(local->update_memory(id, change)).code == ErrorCode::kNotFound);
}

TEST_CASE("an update out of bounds changes nothing", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "as it was");
  const auto refused = [&](auto set) {
    return failure(error_of(local->update_memory(id, with<MemoryChange>(set))));
  };
  CHECK(refused([](auto&) {}) ==
        "invalid_argument change: change must give memory, metadata or both");
  CHECK(refused([](auto& it) { it.memory = " \n"; }) ==
        "invalid_argument memory: memory must not be empty");
  CHECK(refused([](auto& it) { it.memory = std::string(kMaxTextBytes + 1, 'x'); }) ==
        "invalid_argument memory: memory must be at most 1048576 bytes, got 1048577");
  CHECK(refused([](auto& it) { it.metadata = Metadata{{"k", std::string(70'000, 'x')}}; }) ==
        "invalid_argument metadata: metadata must be at most 65536 bytes of JSON, got 70008");
  // What is replaced may be longer than what it replaces.
  CHECK(refused([](auto& it) { it.memory = std::string(kMaxTextBytes, '\xFF'); }) ==
        "invalid_argument memory: memory must be at most 1048576 bytes, got 3145728");
  CHECK(failure(error_of(
            local->update_memory("", with<MemoryChange>([](auto& it) { it.memory = "x"; })))) ==
        "invalid_argument memory_id: memory_id must not be empty");
  CHECK(found(*local, id) == "as it was");
  CHECK(local.script->count(StorageCall::Kind::kWrite) == 1);
}

// ------------------------------------------------------------------------- delete and history

TEST_CASE("a deleted memory is gone from everywhere but its history", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "my secret", ids("nora"));
  world.clock->advance(5);
  update_text(*local, id, "my other secret");
  world.clock->advance(5);
  CHECK(value_of(local->delete_memory(id)));
  CHECK(found(*local, id) == "(none)");
  CHECK(list(*local, ids("nora")).empty());
  CHECK(search(*local, "secret", ids("nora")).empty());
  CHECK(value_of(local->status()).memories == 0);
  CHECK(history_of(*local, id) == "ADD '' 0; UPDATE '' 5; DELETE '' 10; ");
  CHECK_FALSE(value_of(local->delete_memory(id)));
  CHECK(local.heard->changes.back().stored.front().event == MemoryEvent::kDelete);
  CHECK(local.heard->changes.back().stored.front().id == id);
  CHECK(local.heard->changes.size() == 3);
  const Local again = world.open();
  CHECK(found(*again, id) == "(none)");
  CHECK(history_of(*again, id) == "ADD '' 0; UPDATE '' 5; DELETE '' 10; ");
  value_of(again->close());
  for (const auto& [key, value] : world.disk->values) {
    CHECK(value.find("secret") == std::string::npos);
  }
}

TEST_CASE("what nobody stored has no history and cannot be deleted", "[local]") {
  World world;
  const Local local = world.open();
  CHECK(value_of(local->history("nothing")).empty());
  CHECK_FALSE(value_of(local->delete_memory("nothing")));
  CHECK_FALSE(value_of(local->get_memory("nothing")));
  CHECK(failure(error_of(local->delete_memory(""))) ==
        "invalid_argument memory_id: memory_id must not be empty");
  CHECK(failure(error_of(local->history(""))) ==
        "invalid_argument memory_id: memory_id must not be empty");
  CHECK(failure(error_of(local->get_memory(""))) ==
        "invalid_argument memory_id: memory_id must not be empty");
  CHECK(world.disk->values.empty());
}

TEST_CASE("delete-all takes what its ids see and its filters match", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "one", ids("nora", "a"));
  store(*local, "two", ids("nora", "b"));
  store(*local, "three", ids("ole"));
  store(*local, "four");
  const auto remove = [&](auto set) {
    return value_of(local->delete_all_memories(with<DeleteAllOptions>(set)));
  };
  CHECK(remove([](auto& it) { it.identity = ids("nobody"); }) == 0);
  CHECK(remove([](auto& it) {
          it.identity = ids("nora");
          it.filters = json("{'agent_id':'b'}");
        }) == 1);
  CHECK(texts_of(list(*local, ids("nora"))) == Strings{"one"});
  CHECK(remove([](auto& it) { it.identity = ids("nora"); }) == 1);
  CHECK(list(*local, ids("ole")).size() == 1);
  CHECK(list(*local).size() == 1);
  CHECK(remove([](auto& it) {
          it.everything = true;
          it.filters = json("{'memory':'three'}");
        }) == 1);
  CHECK(remove([](auto& it) { it.everything = true; }) == 1);
  CHECK(value_of(local->status()).memories == 0);
  CHECK(everything_in(*world.open()).empty());
}

TEST_CASE("delete-all without any id wants to be told that everything is meant", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "keep me");
  const std::string refusal =
      "invalid_argument everything: everything must be true where no id says whose memories to "
      "delete";
  CHECK(failure(error_of(local->delete_all_memories({}))) == refusal);
  CHECK(failure(error_of(local->delete_all_memories(with<DeleteAllOptions>(
            [](auto& it) { it.filters = json("{'memory':'keep me'}"); })))) == refusal);
  const Error error = error_of(local->delete_all_memories(with<DeleteAllOptions>([](auto& it) {
    it.everything = true;
    it.filters = json("{'memory':{'near':'x'}}");
  })));
  CHECK(error.code == ErrorCode::kInvalidArgument);
  CHECK(error.field.value_or("").starts_with("filters"));
  CHECK(list(*local).size() == 1);
}

TEST_CASE("delete-all is one write and one notice", "[local]") {
  World world;
  const Local local = world.open();
  for (int i = 0; i < 20; ++i)
    store(*local, "number " + std::to_string(i), ids("u"));
  const std::size_t writes = local.script->count(StorageCall::Kind::kWrite);
  CHECK(value_of(local->delete_all_memories(everything())) == 20);
  CHECK(local.script->count(StorageCall::Kind::kWrite) == writes + 1);
  CHECK(local.heard->changes.back().stored.size() == 20);
  CHECK(value_of(local->delete_all_memories(everything())) == 0);
  CHECK(local.script->count(StorageCall::Kind::kWrite) == writes + 1);
}

// ------------------------------------------------------------------------------------- listing

TEST_CASE("a listing is newest first, equal times by id, with limit and offset", "[local]") {
  World world;
  const Local local = world.open();
  const auto store_at = [&](const std::string& text, TimestampMs time) {
    return value_of(local->store_memories(
        text, with<StoreOptions>([&](auto& it) { it.timestamp_ms = time; })))[0]
        .id;
  };
  const std::string middle = store_at("middle", 2000);
  const std::string oldest = store_at("oldest", 1000);
  const std::string newest = store_at("newest", 3000);
  const std::string middle_too = store_at("middle too", 2000);
  const Strings expected{newest, middle_too, middle, oldest};
  CHECK(ids_of(list(*local)) == expected);
  CHECK(ids_of(list(*world.open())) == expected);
  for (std::int64_t offset = 0; offset < 6; ++offset) {
    for (std::int64_t limit = 1; limit < 6; ++limit) {
      ListOptions options;
      options.limit = limit;
      options.offset = offset;
      const std::size_t begin = std::min<std::size_t>(4, static_cast<std::size_t>(offset));
      const std::size_t end = std::min<std::size_t>(4, static_cast<std::size_t>(offset + limit));
      CHECK(ids_of(value_of(local->get_all_memories(options))) ==
            Strings(expected.begin() + static_cast<std::ptrdiff_t>(begin),
                    expected.begin() + static_cast<std::ptrdiff_t>(end)));
    }
  }
  ListOptions far;
  far.limit = far.offset = std::numeric_limits<std::int64_t>::max();
  CHECK(value_of(local->get_all_memories(far)).empty());
  far.offset = 0;
  CHECK(value_of(local->get_all_memories(far)).size() == 4);
  for (const RetrievedMemory& each : list(*local))
    CHECK(each.score == 1.0);
}

TEST_CASE("a listing is filtered before it is cut", "[local]") {
  World world;
  const Local local = world.open();
  for (int i = 0; i < 10; ++i) {
    StoreOptions options;
    options.timestamp_ms = i;
    options.metadata = metadata(i % 2 == 0 ? "{'even':true}" : "{'even':false}");
    value_of(local->store_memories("number " + std::to_string(i), options));
  }
  ListOptions options;
  options.filters = json("{'even':true}");
  options.limit = 2;
  options.offset = 1;
  CHECK(texts_of(value_of(local->get_all_memories(options))) == Strings{"number 6", "number 4"});
}

// ----------------------------------------------------------------------------------- searching

TEST_CASE("a search answers with what is relevant, best first", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "My sister Anna plays the violin");
  store(*local, "The violin lessons are on Tuesday, violin in the bag");
  store(*local, "I had soup for lunch");
  const std::vector<RetrievedMemory> hits = matching(*local, "Who plays the violin?");
  REQUIRE(hits.size() == 2);
  CHECK(hits[0].memory == "My sister Anna plays the violin");
  CHECK(hits[0].score > hits[1].score);
  for (const RetrievedMemory& hit : hits) {
    CHECK(hit.score > 0);
    CHECK(hit.score <= 1);
  }
  CHECK(search(*local, "quantum chromodynamics").empty());
}

TEST_CASE("a search gives at most top_k, the best of them", "[local]") {
  World world;
  const Local local = world.open();
  for (int i = 0; i < 12; ++i) {
    store(*local, "tea " + std::string(static_cast<std::size_t>(i), 'x') + " word");
  }
  RetrieveOptions options;
  CHECK(value_of(local->retrieve_memories("tea", options)).size() == 5);
  const Strings all = ids_of(search(*local, "tea"));
  for (std::int64_t top_k = 1; top_k < 14; ++top_k) {
    options.top_k = top_k;
    const Strings some = ids_of(value_of(local->retrieve_memories("tea", options)));
    CHECK(some == Strings(all.begin(), all.begin() + std::min<std::int64_t>(top_k, 12)));
  }
  options.top_k = std::numeric_limits<std::int64_t>::max();
  CHECK(value_of(local->retrieve_memories("tea", options)).size() == 12);
}

TEST_CASE("RECENCY is newest first, whatever the query says", "[local]") {
  World world;
  const Local local = world.open();
  RetrieveOptions options;
  options.strategy = RetrievalStrategy::kRecency;
  const std::string old = store_one(*local, "tea tea tea");
  world.clock->advance(30 * kDay);
  const std::string recent = store_one(*local, "nothing of the kind");
  const std::string twin = store_one(*local, "at the same time");
  const std::vector<RetrievedMemory> hits = value_of(local->retrieve_memories("tea", options));
  CHECK(ids_of(hits) == Strings{twin, recent, old});
  CHECK(hits[0].score == 1.0);
  CHECK(std::fabs(hits[2].score - 0.5) < 1e-9);  // one half-life old
  options.min_relevance_score = 0.6;
  CHECK(value_of(local->retrieve_memories("tea", options)).size() == 2);
}

TEST_CASE("the half-life is the one that was asked for", "[local]") {
  World world;
  LocalProviderOptions options;
  options.half_life_ms = 1000;
  const Local local = world.open(options);
  store(*local, "old");
  world.clock->advance(2000);
  RetrieveOptions recency;
  recency.strategy = RetrievalStrategy::kRecency;
  CHECK(std::fabs(value_of(local->retrieve_memories("x", recency))[0].score - 0.25) < 1e-9);
}

TEST_CASE("HYBRID prefers the newer of two that are equally relevant", "[local]") {
  World world;
  const Local local = world.open();
  const std::string old = store_one(*local, "Anna likes tea");
  world.clock->advance(60 * kDay);
  const std::string recent = store_one(*local, "Berta likes tea");
  const std::string best = store_one(*local, "tea tea likes likes");
  RetrieveOptions options;
  options.strategy = RetrievalStrategy::kHybrid;
  options.explain = true;
  const std::vector<RetrievedMemory> hits =
      value_of(local->retrieve_memories("who likes tea", options));
  REQUIRE(hits.size() == 3);
  const auto rank = [&](const std::string& id) {
    return std::find_if(hits.begin(), hits.end(), [&](const auto& hit) { return hit.id == id; });
  };
  CHECK(rank(recent) < rank(old));
  CHECK(rank(best) != hits.end());
  CHECK(rank(recent)->score > rank(old)->score);
  REQUIRE(rank(recent)->explanation);
  CHECK(rank(recent)->explanation->keyword == rank(old)->explanation->keyword);
}

TEST_CASE("memories below min_relevance_score are left out, those at it stay", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "tea");
  store(*local, "tea and a very long list of other things that nobody asked for at all");
  const std::vector<RetrievedMemory> all = search(*local, "tea");
  REQUIRE(all.size() == 2);
  REQUIRE(all[0].score > all[1].score);
  RetrieveOptions options;
  options.min_relevance_score = all[0].score;
  CHECK(value_of(local->retrieve_memories("tea", options)).size() == 1);
  options.min_relevance_score = all[1].score;
  CHECK(value_of(local->retrieve_memories("tea", options)).size() == 2);
  options.min_relevance_score = 0.0;
  CHECK(value_of(local->retrieve_memories("tea", options)).size() == 2);
}

TEST_CASE("metadata and filters narrow a search before it is cut", "[local]") {
  World world;
  const Local local = world.open();
  for (int i = 0; i < 20; ++i) {
    StoreOptions options;
    options.metadata = metadata(i == 7 ? "{'kind':'rare','n':1}" : "{'kind':'common','n':1}");
    value_of(local->store_memories("tea number " + std::to_string(i), options));
  }
  RetrieveOptions options;
  options.top_k = 1;
  options.metadata = metadata("{'kind':'rare'}");
  CHECK(texts_of(value_of(local->retrieve_memories("tea", options))) == Strings{"tea number 7"});
  options.metadata = metadata("{'kind':'rare','n':2}");
  CHECK(value_of(local->retrieve_memories("tea", options)).empty());
  options.metadata = {};
  options.filters = json("{'kind':{'ne':'common'}}");
  CHECK(texts_of(value_of(local->retrieve_memories("tea", options))) == Strings{"tea number 7"});
  options.filters = json("{'kind':{'like':'x'}}");
  CHECK(error_of(local->retrieve_memories("tea", options)).code == ErrorCode::kInvalidArgument);
}

TEST_CASE("an explanation says which words matched and how much each part counts", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "Anna plays the violin");
  world.clock->advance(30 * kDay);
  RetrieveOptions options;
  options.explain = true;
  const std::vector<RetrievedMemory> hits =
      value_of(local->retrieve_memories("Does Anna own violins?", options));
  REQUIRE(hits.size() == 1);
  REQUIRE(hits[0].explanation);
  CHECK(hits[0].explanation->keyword > 0);
  CHECK(hits[0].explanation->keyword < 1);
  CHECK_FALSE(hits[0].explanation->context);  // a note by itself
  CHECK(std::fabs(hits[0].explanation->recency - 0.5) < 1e-9);
  CHECK(as_set(hits[0].explanation->terms) == std::set<std::string>{"Anna", "violins"});
}

TEST_CASE("a name can be searched for", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, said("user", "I am off to the mountains", "Nora"));
  store(*local, said("user", "I am off to the sea", "Ole"));
  const std::vector<RetrievedMemory> hits = search(*local, "where does Nora go");
  REQUIRE_FALSE(hits.empty());
  CHECK(hits[0].name == "Nora");
}

TEST_CASE("a search out of bounds is refused with the exact reason", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "something");
  const auto refused = [&](const std::string& query, auto set) {
    return failure(error_of(local->retrieve_memories(query, with<RetrieveOptions>(set))));
  };
  CHECK(refused("", [](auto&) {}) == "invalid_argument query: query must not be empty");
  CHECK(refused(std::string(kMaxTextBytes + 1, 'q'), [](auto&) {}) ==
        "invalid_argument query: query must be at most 1048576 bytes, got 1048577");
  CHECK(refused("q", [](auto& it) { it.top_k = 0; }) ==
        "invalid_argument top_k: top_k must be at least 1, got 0");
  CHECK(refused("q", [](auto& it) { it.min_relevance_score = 1.01; }) ==
        "invalid_argument min_relevance_score: min_relevance_score must be between 0.0 and 1.0, "
        "got 1.01");
  CHECK(refused("q", [](auto& it) { it.identity.run_id = ""; }) ==
        "invalid_argument run_id: run_id must not be empty");
  const auto refused_store = [&](auto set) {
    return failure(error_of(local->store_memories("text", with<StoreOptions>(set))));
  };
  CHECK(refused_store([](auto& it) { it.identity.user_id = std::string(1025, 'u'); }) ==
        "invalid_argument user_id: user_id must be at most 1024 bytes, got 1025");
  CHECK(refused_store([](auto& it) { it.timestamp_ms = kMaxTimestampMs + 1; }) ==
        "invalid_argument timestamp: timestamp must be between the years 0000 and 9999, got "
        "253402300800000");
  CHECK(refused_store([](auto& it) { it.expires_at_ms = kMinTimestampMs - 1; }) ==
        "invalid_argument expires_at: expires_at must be between the years 0000 and 9999, got "
        "-62167219200001");
  CHECK(refused_store([](auto& it) { it.metadata = {{"k", std::string(70'000, 'x')}}; }) ==
        "invalid_argument metadata: metadata must be at most 65536 bytes of JSON, got 70008");
  ListOptions list_options;
  list_options.limit = 0;
  CHECK(failure(error_of(local->get_all_memories(list_options))) ==
        "invalid_argument limit: limit must be at least 1, got 0");
  list_options.limit = 1;
  list_options.offset = -1;
  CHECK(failure(error_of(local->get_all_memories(list_options))) ==
        "invalid_argument offset: offset must be at least 0, got -1");
  CHECK(failure(error_of(local->export_memories(ids("u", std::string(2000, 'a'))))) ==
        "invalid_argument agent_id: agent_id must be at most 1024 bytes, got 2000");
  CHECK(list(*local).size() == 1);
}

TEST_CASE("a query as large as its bound is answered", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "tea");
  std::string query;
  while (query.size() + 4 <= kMaxTextBytes)
    query += "tea ";
  CHECK(search(*local, query).size() == 1);
}

// --------------------------------------------------------------------------------------- walls

TEST_CASE("every operation sees exactly what Identity says", "[local]") {
  World world;
  const Local local = world.open();
  std::map<std::string, Identity> owners;
  for (const Identity& identity : all_identities()) {
    owners[store_one(*local, "a common word", identity)] = identity;
  }
  RetrieveOptions recency;
  recency.top_k = 100;
  recency.strategy = RetrievalStrategy::kRecency;
  for (const Local& each : {local, world.open()}) {
    for (const Identity& call : all_identities()) {
      std::set<std::string> visible;
      for (const auto& [id, owner] : owners) {
        if (is_visible(owner, call)) visible.insert(id);
      }
      CHECK(as_set(ids_of(search(*each, "common word", call))) == visible);
      recency.identity = call;
      CHECK(as_set(ids_of(value_of(each->retrieve_memories("x", recency)))) == visible);
      CHECK(as_set(ids_of(list(*each, call))) == visible);
      const std::string exported = value_of(each->export_memories(call));
      for (const auto& [id, owner] : owners) {
        CHECK((exported.find(id) != std::string::npos) == visible.contains(id));
      }
    }
  }
}

TEST_CASE("delete-all takes exactly what Identity says", "[local]") {
  for (const Identity& call : all_identities()) {
    if (call.empty()) continue;
    World world;
    const Local local = world.open();
    std::set<std::string> kept;
    for (const Identity& identity : all_identities()) {
      const std::string id = store_one(*local, "a common word", identity);
      if (!is_visible(identity, call)) kept.insert(id);
    }
    DeleteAllOptions options;
    options.identity = call;
    CHECK(value_of(local->delete_all_memories(options)) ==
          static_cast<std::int64_t>(27 - kept.size()));
    std::set<std::string> left;
    for (const auto& [id, line] : everything_in(*local))
      left.insert(id);
    CHECK(left == kept);
  }
}

TEST_CASE("what others store changes neither results nor scores", "[local]") {
  for (const Identity& mine : {ids("nora"), ids("", "agent"), ids("", "", "run"), ids("")}) {
    World world;
    const Local local = world.open();
    for (const std::string text : {"tea in the morning", "coffee in the evening", "tea and tea"}) {
      store(*local, text, mine);
    }
    const std::vector<RetrievedMemory> before = search(*local, "morning tea", mine);
    for (int i = 0; i < 30; ++i) {
      store(*local, "tea tea morning " + std::to_string(i), ids("ole", "agent", "run"));
      store(*local, "morning " + std::to_string(i), ids("ole"));
    }
    const std::vector<RetrievedMemory> after = search(*local, "morning tea", mine);
    REQUIRE(ids_of(after) == ids_of(before));
    for (std::size_t i = 0; i < after.size(); ++i)
      CHECK(after[i].score == before[i].score);
  }
}

// -------------------------------------------------------------------------- export and import

namespace {

/// Several people's memories with every kind of past.
void fill(World& world, LocalProvider& provider) {
  StoreOptions options;
  options.identity = ids("nora", "helper", "run");
  options.metadata = metadata("{'deep':{'x':[1,null,'\xC3\xA9']}}");
  options.expires_at_ms = kStart + 100 * kDay;
  value_of(provider.store_memories(said("user", "I live in Oslo\nsince \"May\"", "Nora"), options));
  world.clock->advance(1000);
  const std::string id = store_one(provider, "I have one cat", ids("nora"));
  world.clock->advance(1000);
  update_text(provider, id, "I have two cats");
  world.clock->advance(1000);
  update_text(provider, id, "I have three cats");
  store(provider, said("assistant", "Everybody may know this"), {});
  const std::string gone = store_one(provider, "forget me", ids("ole"));
  value_of(provider.delete_memory(gone));
  StoreOptions early;
  early.timestamp_ms = -1;
  value_of(provider.store_memories("before the epoch", early));
}

}  // namespace

TEST_CASE("an export in an empty store gives equal results, ids, times and histories", "[local]") {
  World world;
  const Local local = world.open();
  fill(world, *local);
  const std::string exported = value_of(local->export_memories(std::nullopt));
  World other(99);
  other.clock->set(kStart + 20 * kDay);
  world.clock->set(kStart + 20 * kDay);
  const Local copy = other.open();
  const ImportReport report = value_of(copy->import_memories(exported, nullptr));
  CHECK(report.added == 4);
  CHECK(report.skipped == 0);
  CHECK(value_of(copy->export_memories(std::nullopt)) == exported);
  for (const Identity& identity : {ids("nora"), ids(""), ids("ole")}) {
    for (const auto strategy : {RetrievalStrategy::kSemanticSearch, RetrievalStrategy::kHybrid,
                                RetrievalStrategy::kRecency}) {
      const auto options = with<RetrieveOptions>([&](auto& it) {
        it.identity = identity;
        it.strategy = strategy;
      });
      const auto left = value_of(local->retrieve_memories("cats know Oslo epoch", options));
      const auto right = value_of(copy->retrieve_memories("cats know Oslo epoch", options));
      REQUIRE(ids_of(left) == ids_of(right));
      for (std::size_t i = 0; i < left.size(); ++i)
        CHECK(left[i].score == right[i].score);
    }
  }
  for (const auto& [id, line] : everything_in(*local)) {
    CHECK(history_of(*copy, id) == history_of(*local, id));
  }
  const Local again = other.open();
  CHECK(value_of(again->export_memories(std::nullopt)) == exported);
}

namespace {

/// Ids and scores of some searches.
std::string results_of(LocalProvider& provider) {
  std::string out;
  for (const std::string query : {"word1", "word2 word5", "tea", "where is word3"}) {
    for (const auto strategy : {RetrievalStrategy::kSemanticSearch, RetrievalStrategy::kHybrid,
                                RetrievalStrategy::kRecency}) {
      const auto options = with<RetrieveOptions>([&](auto& it) {
        it.identity = ids("nora");
        it.strategy = strategy;
        it.top_k = 100;
      });
      for (const auto& hit : value_of(provider.retrieve_memories(query, options))) {
        out += hit.id + " " + std::to_string(std::llround(hit.score * 1e9)) + "\n";
      }
      out += "--\n";
    }
  }
  return out;
}

/// Talks with changes and deletions in them, told in an order that is not that of their times.
void talk(World& world, LocalProvider& provider, FakeRandom& random, bool in_order) {
  std::vector<std::string> said;
  for (int i = 0; i < 40; ++i) {
    world.clock->advance(static_cast<TimestampMs>(random.below(60'000)));
    const auto options = with<StoreOptions>([&](auto& it) {
      it.identity = ids("nora", "", random.once_in(2) ? "r1" : "r2");
      const auto back = static_cast<TimestampMs>(random.below(600'000));
      it.timestamp_ms = world.clock->now_ms() - (in_order ? 0 : back);
    });
    const std::string text = "word" + std::to_string(random.below(8)) + " tea " +
                             std::to_string(i) + (random.once_in(3) ? "?" : "");
    said.push_back(value_of(provider.store_memories(text, options))[0].id);
    if (random.once_in(8)) update_text(provider, random.pick(said), "word3 changed " + text);
    if (random.once_in(8)) {
      value_of(provider.delete_memory(said.back()));
      said.pop_back();
    }
  }
  value_of(provider.delete_memory(said.back()));
}

}  // namespace

TEST_CASE("results stay the same through opening again and folds", "[local][property]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const bool in_order : {true, false}) {
      INFO("seed " << seed << (in_order ? "" : ", out of order"));
      World world(seed * 100);
      FakeRandom random(seed);
      const Local local = world.open();
      talk(world, *local, random, in_order);
      const std::string results = results_of(*local);
      CHECK(results_of(*world.open()) == results);
      value_of(local->maintain());
      CHECK(results_of(*local) == results);
      CHECK(results_of(*world.open()) == results);
      // The image of the index saves time and nothing else.
      for (const std::string& key : world.disk->keys("image/"))
        world.disk->values.erase(key);
      CHECK(results_of(*world.open()) == results);
    }
  }
}

TEST_CASE("results stay the same through export and import", "[local][property]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const bool in_order : {true, false}) {
      INFO("seed " << seed << (in_order ? "" : ", out of order"));
      World world(seed * 100);
      FakeRandom random(seed);
      const Local local = world.open();
      talk(world, *local, random, in_order);
      World other(seed * 100 + 50);
      other.clock->set(world.clock->now_ms());
      const Local copy = other.open();
      value_of(copy->import_memories(value_of(local->export_memories(std::nullopt)), nullptr));
      CHECK(results_of(*copy) == results_of(*local));
    }
  }
}

TEST_CASE("two providers that know the same give the same results", "[local][property]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    World world(seed * 100);
    world.disk->notify = FakeDisk::Notify::kNever;
    FakeRandom random(seed);
    const Local left = world.open();
    const Local right = world.open();
    for (int round = 0; round < 3; ++round) {
      talk(world, *left, random, false);
      talk(world, *right, random, false);
      value_of(left->refresh());
      value_of(right->refresh());
      CHECK(results_of(*left) == results_of(*right));
      CHECK(results_of(*world.open()) == results_of(*left));
    }
  }
}

TEST_CASE("an export is JSON Lines: a header, then the oldest first", "[local]") {
  World world;
  const Local local = world.open();
  CHECK(value_of(local->export_memories(std::nullopt)) ==
        "{\"format\":\"agent-memory\",\"version\":1,\"memories\":0}\n");
  fill(world, *local);
  const std::string exported = value_of(local->export_memories(ids("")));
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < exported.size();) {
    const std::size_t end = exported.find('\n', begin);
    lines.push_back(exported.substr(begin, end - begin));
    begin = end + 1;
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "{\"format\":\"agent-memory\",\"version\":1,\"memories\":2}");
  CHECK(lines[1].find("before the epoch") != std::string::npos);
  CHECK(lines[1].find("1969-12-31T23:59:59.999Z") != std::string::npos);
  CHECK(lines[2].find("Everybody") != std::string::npos);
}

TEST_CASE("importing twice skips all that is there", "[local]") {
  World world;
  const Local local = world.open();
  fill(world, *local);
  const std::string exported = value_of(local->export_memories(std::nullopt));
  const auto before = world.disk->values;
  const ImportReport report = value_of(local->import_memories(exported, nullptr));
  CHECK(report.added == 0);
  CHECK(report.skipped == 4);
  CHECK(world.disk->values == before);
}

TEST_CASE("an import skips the same text in the same scope", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "I live in Oslo", ids("nora"));
  const std::string exported = value_of(local->export_memories(std::nullopt));
  World other(50);
  const Local copy = other.open();
  const std::string mine = store_one(*copy, "i live in oslo!", ids("nora"));
  CHECK(value_of(copy->import_memories(exported, nullptr)).skipped == 1);
  CHECK(ids_of(list(*copy, ids("nora"))) == Strings{mine});
  const Local third = World(60).open();
  store(*third, "I live in Oslo", ids("ole"));
  CHECK(value_of(third->import_memories(exported, nullptr)).added == 1);
}

TEST_CASE("an import brings back what was deleted, under the same ids", "[local]") {
  World world;
  const Local local = world.open();
  fill(world, *local);
  const auto before = everything_in(*local);
  const std::string exported = value_of(local->export_memories(std::nullopt));
  CHECK(value_of(local->delete_all_memories(everything())) == 4);
  CHECK(value_of(local->import_memories(exported, nullptr)).added == 4);
  CHECK(ids_of(list(*local, ids("nora"))).size() == 2);
  const std::string cats = ids_of(search(*local, "cats", ids("nora"))).at(0);
  CHECK(before.contains(cats));
  // The past life stays in the history, without its texts.
  CHECK(history_of(*local, cats) ==
        "ADD '' 1000; UPDATE '' 2000; UPDATE '' 3000; DELETE '' 3000; ADD 'I have one cat' 1000; "
        "UPDATE 'I have two cats' 2000; UPDATE 'I have three cats' 3000; ");
  value_of(local->maintain());
  const Local again = world.open();
  CHECK(everything_in(*again) == everything_in(*local));
  CHECK(list(*again, ids("nora")).size() == 2);
  CHECK(value_of(local->delete_memory(cats)));
  CHECK_FALSE(value_of(again->get_memory(cats)));
}

TEST_CASE("an import skips what has expired and keeps when the rest will", "[local]") {
  World world;
  const Local local = world.open();
  value_of(local->store_memories("soon gone", expiring_at(kStart + 10)));
  value_of(local->store_memories("later gone", expiring_at(kStart + 100)));
  const std::string exported = value_of(local->export_memories(std::nullopt));
  World other(50);
  other.clock->set(kStart + 50);
  const Local copy = other.open();
  const ImportReport report = value_of(copy->import_memories(exported, nullptr));
  CHECK(report.added == 1);
  CHECK(report.skipped == 1);
  other.clock->set(kStart + 100);
  CHECK(list(*copy).empty());
}

TEST_CASE("what an import brought is known by its words, also after they changed", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "I keep bees");
  const auto change_to = [](const Local& where, const std::string& memory,
                            const std::string& text) {
    MemoryChange change;
    change.memory = text;
    value_of(where->update_memory(memory, change));
  };
  change_to(local, id, "I keep wasps");
  World other(50);
  const Local copy = other.open();
  value_of(copy->import_memories(value_of(local->export_memories(std::nullopt)), nullptr));
  CHECK(store(*copy, "I keep wasps")[0].event == MemoryEvent::kNoop);
  change_to(copy, id, "I keep ants");
  // A deletion, so that there is something to fold.
  CHECK(value_of(copy->delete_memory(store_one(*copy, "gone"))));
  value_of(copy->maintain());
  for (const Local& each : {copy, other.open()}) {
    CHECK(store(*each, "I keep ants")[0].event == MemoryEvent::kNoop);
    CHECK(store(*each, "I keep ants").size() == 1);
  }
}

TEST_CASE("a history whose beginning is forgotten comes through an import as it is", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "change 0");
  for (int i = 1; i <= 150; ++i) {
    MemoryChange change;
    change.memory = "change " + std::to_string(i) + (i == 75 ? std::string(5000, 'x') : "");
    value_of(local->update_memory(id, change));
  }
  const std::string exported = value_of(local->export_memories(std::nullopt));
  World other(50);
  const Local copy = other.open();
  CHECK(value_of(copy->import_memories(exported, nullptr)).added == 1);
  const std::string history = history_of(*copy, id);
  CHECK(history.starts_with("UPDATE 'change 51' "));
  CHECK(history.find("UPDATE '' ") != std::string::npos);
  CHECK(history == history_of(*local, id));
  CHECK(value_of(copy->export_memories(std::nullopt)) == exported);
}

TEST_CASE("a malformed line is named and nothing is imported", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "one");
  store(*local, "two");
  std::string exported = value_of(local->export_memories(std::nullopt));
  exported += "{\"id\":\"x\",\"memory\":7,\"createdAt\":\"2026-01-01\"}\n";
  World other(50);
  const Local copy = other.open();
  CHECK(failure(error_of(copy->import_memories(exported, nullptr))) ==
        "invalid_argument json: json line 4: memory must be a string, got 7");
  CHECK(list(*copy).empty());
  CHECK(other.disk->values.empty());
}

TEST_CASE("an import keeps the bounds of a store", "[local]") {
  World world;
  const Local local = world.open();
  const std::string header = "{\"format\":\"agent-memory\",\"version\":1}\n";
  const auto line = [](const std::string& text, const std::string& about) {
    return "{\"id\":\"i\",\"memory\":\"" + text +
           "\",\"createdAt\":\"2026-01-01\",\"metadata\":" + about + "}\n";
  };
  std::string deep = "1";
  for (int i = 0; i < kMaxMetadataDepth; ++i)
    deep = "{\"k\":" + deep + "}";
  CHECK(value_of(local->import_memories(header + line("fine", deep), nullptr)).added == 1);
  CHECK(failure(error_of(
            local->import_memories(header + line("too deep", "{\"k\":" + deep + "}"), nullptr))) ==
        "invalid_argument json: json line 2: metadata must not nest deeper than 64");
  CHECK(failure(error_of(local->import_memories(
            header + line("m", "{\"k\":\"" + std::string(70'000, 'x') + "\"}"), nullptr))) ==
        "invalid_argument json: json line 2: metadata must be at most 65536 bytes of JSON, got "
        "70008");
  CHECK(everything_in(*world.open()).size() == 1);
}

TEST_CASE("an id that stands twice in an import counts once", "[local]") {
  World world;
  const Local local = world.open();
  const std::string header = "{\"format\":\"agent-memory\",\"version\":1}\n";
  const auto line = [](const std::string& text) {
    return "{\"id\":\"same\",\"memory\":\"" + text + "\",\"createdAt\":\"2026-01-01\"}\n";
  };
  const ImportReport report =
      value_of(local->import_memories(header + line("first") + line("second"), nullptr));
  CHECK(report.added == 1);
  CHECK(report.skipped == 1);
  CHECK(found(*local, "same") == "first");
}

TEST_CASE("a large import goes in batches and tells of each", "[local]") {
  World world;
  const Local local = world.open();
  for (int i = 0; i < 1200; ++i) {
    store(*local, "memory number " + std::to_string(i), ids(i % 2 == 0 ? "nora" : "ole"));
  }
  const std::string exported = value_of(local->export_memories(std::nullopt));
  World other(50);
  const Local copy = other.open();
  std::vector<std::pair<std::int64_t, std::int64_t>> progress;
  const auto note = [&](std::int64_t done, std::int64_t total) {
    progress.push_back({done, total});
  };
  SECTION("all goes well") {
    CHECK(value_of(copy->import_memories(exported, note)).added == 1200);
    CHECK(copy.script->count(StorageCall::Kind::kWrite) == 3);
  }
  SECTION("a write fails, and it is tried again") {
    copy.script->fail_at = copy.script->calls.size() + 1;
    const Error error = error_of(copy->import_memories(exported, note));
    CHECK(error.code == ErrorCode::kStorage);
    CHECK(error.retryable);
    CHECK(error.message ==
          "the import ended after 500 of 1200 memories, which are kept and skipped when it is done "
          "again: the fake storage failed");
    CHECK(value_of(copy->status()).memories == 500);
    const ImportReport report = value_of(copy->import_memories(exported, nullptr));
    CHECK(report.added == 700);
    CHECK(report.skipped == 500);
    progress = {{500, 1200}, {1000, 1200}, {1200, 1200}};
  }
  CHECK(progress == std::vector<std::pair<std::int64_t, std::int64_t>>{
                        {500, 1200}, {1000, 1200}, {1200, 1200}});
  CHECK(value_of(copy->export_memories(std::nullopt)) == exported);
}

// -------------------------------------------------------------------------------------- aborts

TEST_CASE("an operation that is aborted before its write has changed nothing", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "there already");
  const auto before = world.disk->values;
  const auto flag = std::make_shared<AbortFlag>();
  flag->request();
  const auto aborts = [&](auto& it) { it.abort = flag; };
  CHECK(failure(error_of(local->retrieve_memories("already", with<RetrieveOptions>(aborts)))) ==
        "aborted -: the operation was aborted");
  CHECK(error_of(local->get_all_memories(with<ListOptions>(aborts))).code == ErrorCode::kAborted);
  CHECK(error_of(local->store_memories("new", with<StoreOptions>(aborts))).code ==
        ErrorCode::kAborted);
  CHECK(world.disk->values == before);
  CHECK(list(*local).size() == 1);
}

TEST_CASE("an operation that is aborted while it waits its turn has changed nothing", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  local.script->pump = &pump;
  const auto flag = std::make_shared<AbortFlag>();
  Started<Result<std::vector<StoredMemory>>> first(local->store_memories("first", {}));
  Started<Result<std::vector<StoredMemory>>> second(
      local->store_memories("second", with<StoreOptions>([&](auto& it) { it.abort = flag; })));
  flag->request();
  pump.run_all();
  value_of(first.take());
  CHECK(error_of(second.take()).code == ErrorCode::kAborted);
  CHECK(texts_of(list(*local)) == Strings{"first"});
}

TEST_CASE("an operation whose write is on its way completes although it is aborted", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  local.script->pump = &pump;
  const auto flag = std::make_shared<AbortFlag>();
  Started<Result<std::vector<StoredMemory>>> storing(
      local->store_memories("on its way", with<StoreOptions>([&](auto& it) { it.abort = flag; })));
  flag->request();
  pump.run_all();
  CHECK(value_of(storing.take()).size() == 1);
  CHECK(list(*local).size() == 1);
}

// --------------------------------------------------------------------------------------- close

TEST_CASE("a closed provider refuses everything, and closing twice is fine", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "words");
  value_of(local->close());
  value_of(local->close());
  CHECK(local.heard->closed == 1);
  CHECK(local.script->count(StorageCall::Kind::kClose) == 1);
  const auto check_closed = [](const Error& error) {
    CHECK(failure(error) == "closed -: the memory provider is closed");
    CHECK_FALSE(error.retryable);
  };
  MemoryChange change;
  change.memory = "x";
  check_closed(error_of(local->retrieve_memories("words", {})));
  check_closed(error_of(local->store_memories("more", {})));
  check_closed(error_of(local->get_all_memories({})));
  check_closed(error_of(local->delete_memory(id)));
  check_closed(error_of(local->get_memory(id)));
  check_closed(error_of(local->update_memory(id, change)));
  check_closed(error_of(local->history(id)));
  check_closed(error_of(local->delete_all_memories(everything())));
  check_closed(error_of(local->export_memories(std::nullopt)));
  check_closed(error_of(local->import_memories("", nullptr)));
  check_closed(error_of(local->status()));
  check_closed(error_of(local->refresh()));
  check_closed(error_of(local->maintain()));
  CHECK_FALSE(local->is_maintenance_due());
  CHECK(found(*world.open(), id) == "words");
}

TEST_CASE("closing waits for what is under way and refuses what comes after", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  local.script->pump = &pump;
  Started<Result<std::vector<StoredMemory>>> storing(local->store_memories("under way", {}));
  Started<Result<std::vector<StoredMemory>>> waiting(local->store_memories("waiting", {}));
  Started<Result<void>> closing(local->close());
  Started<Result<std::vector<StoredMemory>>> late(local->store_memories("late", {}));
  Started<Result<void>> again(local->close());
  pump.run_all();
  value_of(storing.take());
  value_of(waiting.take());
  value_of(closing.take());
  value_of(again.take());
  CHECK(error_of(late.take()).code == ErrorCode::kClosed);
  local.script->pump = nullptr;
  CHECK(texts_of(list(*world.open())).size() == 2);
}

TEST_CASE("a provider that is dropped while a call is under way lives until it ends", "[local]") {
  World world;
  Pump pump;
  Local local = world.open();
  local.script->pump = &pump;
  Started<Result<std::vector<StoredMemory>>> storing(local->store_memories("under way", {}));
  local.provider.reset();
  pump.run_all();
  value_of(storing.take());
  CHECK(list(*world.open()).size() == 1);
}

TEST_CASE("calls that are dropped halfway leave the provider in order", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  local.script->pump = &pump;
  {
    const Started<Result<std::vector<StoredMemory>>> first(local->store_memories("first", {}));
    const Started<Result<std::vector<StoredMemory>>> second(local->store_memories("second", {}));
  }
  CHECK(value_of(run_with(pump, local->store_memories("third", {}))).size() == 1);
  CHECK(texts_of(list(*local)) == Strings{"third"});
}

TEST_CASE("a store that cannot be closed is told, and the provider is closed all the same",
          "[local]") {
  World world;
  const Local local = world.open();
  value_of(local->delete_memory(store_one(*local, "a reason to fold")));
  local.script->disconnected = true;
  CHECK(error_of(local->close()).code == ErrorCode::kStorage);
  REQUIRE(local.heard->errors.size() == 1);
  CHECK(local.heard->errors[0].operation == "close");
  CHECK(local.heard->closed == 1);
  CHECK(error_of(local->status()).code == ErrorCode::kClosed);
  CHECK(list(*world.open()).empty());
}

// ------------------------------------------------------------------------------------- failing

TEST_CASE("a write that fails leaves state and disk as they were, and a retry works", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "as it was", ids("u"));
  const std::string exported = value_of(local->export_memories(std::nullopt));
  const std::string other =
      "{\"format\":\"agent-memory\",\"version\":1}\n"
      "{\"id\":\"i\",\"memory\":\"m\",\"createdAt\":\"2026-01-01\"}";
  MemoryChange change;
  change.memory = "changed";
  std::size_t notices = local.heard->changes.size();
  const auto attempt = [&](auto call) {
    const auto before = world.disk->values;
    const auto state = everything_in(*local);
    for (const ErrorCode code : {ErrorCode::kStorage, ErrorCode::kQuotaExceeded}) {
      world.disk->full = code == ErrorCode::kQuotaExceeded;
      if (!world.disk->full) local.script->fail_next(code);
      CHECK(error_of(call()).code == code);
      world.disk->full = false;
      CHECK(world.disk->values == before);
      CHECK(everything_in(*local) == state);
      CHECK(local.heard->changes.size() == notices);
    }
    value_of(call());
    CHECK(local.heard->changes.size() == ++notices);
    CHECK(everything_in(*world.open()) == everything_in(*local));
  };
  attempt([&] { return local->store_memories("something new", {}); });
  attempt([&] { return local->update_memory(id, change); });
  attempt([&] { return local->delete_memory(id); });
  attempt([&] { return local->import_memories(other, nullptr); });
  attempt([&] { return local->delete_all_memories(everything()); });
}

TEST_CASE("what was made although it failed is there once when it is tried again", "[local]") {
  World world;
  world.disk->notify = FakeDisk::Notify::kNever;
  const Local local = world.open();
  const std::string id = store_one(*local, "as it was");
  MemoryChange change;
  change.memory = "changed";
  const auto fail_after_write = [&] {
    local.script->fail_next(ErrorCode::kStorage);
    local.script->fail_after_write = true;
  };
  fail_after_write();
  CHECK(error_of(local->store_memories("I keep bees", {})).code == ErrorCode::kStorage);
  const std::vector<StoredMemory> again = store(*local, "I keep bees");
  REQUIRE(again.size() == 1);
  CHECK(again[0].event == MemoryEvent::kNoop);

  fail_after_write();
  CHECK(error_of(local->update_memory(id, change)).code == ErrorCode::kStorage);
  CHECK(value_of(local->update_memory(id, change)).event == MemoryEvent::kNoop);

  fail_after_write();
  CHECK(error_of(local->delete_memory(id)).code == ErrorCode::kStorage);
  CHECK_FALSE(value_of(local->delete_memory(id)));

  CHECK(texts_of(list(*local)) == std::vector<std::string>{"I keep bees"});
  CHECK(everything_in(*world.open()) == everything_in(*local));
  // What was found is told as what comes from elsewhere.
  std::size_t elsewhere = 0;
  for (const ChangeNotice& notice : local.heard->changes)
    elsewhere += notice.elsewhere ? 1 : 0;
  CHECK(elsewhere == 3);
}

TEST_CASE("while it cannot be known whether a write was made, the next one waits for that",
          "[local]") {
  World world;
  const Local local = world.open();
  local.script->fail_next(ErrorCode::kStorage);
  CHECK(error_of(local->store_memories("I keep bees", {})).code == ErrorCode::kStorage);
  local.script->fail_next(ErrorCode::kStorage);  // the reading
  CHECK(error_of(local->store_memories("I keep bees", {})).code == ErrorCode::kStorage);
  CHECK(list(*local).empty());
  CHECK(store(*local, "I keep bees")[0].event == MemoryEvent::kAdd);
  // And no longer.
  const std::size_t scans = local.script->count(StorageCall::Kind::kScan);
  store(*local, "I keep wasps");
  CHECK(local.script->count(StorageCall::Kind::kScan) == scans);
}

TEST_CASE("a memory that is changed again and again fits into one value of the store", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "the first of many");
  for (int i = 0; i < 130; ++i) {
    MemoryChange change;
    const std::size_t size = i % 10 == 0 ? std::size_t{1} << 20 : std::size_t{900};
    change.memory = std::to_string(i) + " " + std::string(size - 10, 'x');
    value_of(local->update_memory(id, change));
  }
  value_of(local->maintain());
  value_of(local->close());
  for (const auto& [key, value] : world.disk->values)
    CHECK(value.size() < 2'000'000);
  const Local again = world.open();
  const std::vector<HistoryEntry> history = value_of(again->history(id));
  REQUIRE(history.size() == 100);
  CHECK(history.back().memory.starts_with("129 "));
  CHECK(history[90].memory.empty());  // a long one, ten changes ago
  CHECK(history[0].memory.empty());
  CHECK(history[1].memory.starts_with("31 "));
}

TEST_CASE("a fold that fails at any step loses nothing", "[local]") {
  for (std::size_t step = 0; step < 8; ++step) {
    INFO("step " << step);
    World world;
    const Local local = world.open();
    fill(world, *local);
    const auto before = everything_in(*local);
    REQUIRE(local->is_maintenance_due());
    local.script->fail_at = local.script->calls.size() + step;
    const Result<void> done = run_ready(local->maintain());
    CHECK(everything_in(*local) == before);
    CHECK(everything_in(*world.open()) == before);
    if (!done) {
      CHECK(local->is_maintenance_due());
      value_of(local->maintain());
    }
    CHECK_FALSE(local->is_maintenance_due());
    CHECK(world.disk->keys("log/").empty());
    CHECK(everything_in(*world.open()) == before);
  }
}

TEST_CASE("with a full disk nothing is stored, but deleting works", "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "a memory that takes some room on the disk");
  const std::string other = store_one(*local, "another memory");
  value_of(local->delete_memory(store_one(*local, "a reason to fold")));
  value_of(local->maintain());
  world.disk->capacity = world.disk->bytes();
  CHECK(error_of(local->store_memories("one more", {})).code == ErrorCode::kQuotaExceeded);
  MemoryChange change;
  change.memory = "changed";
  CHECK(error_of(local->update_memory(id, change)).code == ErrorCode::kQuotaExceeded);
  CHECK(value_of(local->delete_memory(id)));
  CHECK(texts_of(list(*local)) == Strings{"another memory"});
  CHECK(texts_of(list(*world.open())) == Strings{"another memory"});
  value_of(local->maintain());
  CHECK(store(*local, "ok").size() == 1);
  CHECK(found(*world.open(), other) == "another memory");
}

TEST_CASE("everything can be deleted, one after another, from a disk that is full and stays so",
          "[local]") {
  World world;
  const Local local = world.open();
  const Local other = world.open();
  Strings left;
  for (int i = 0; i < 30; ++i) {
    left.push_back(store_one(*local, "what somebody said at length about number " +
                                         std::to_string(i) + ", and then about others"));
  }
  FakeRandom random(7);
  while (!left.empty()) {
    world.disk->capacity = world.disk->bytes();
    CHECK(error_of(local->store_memories("one more", {})).code == ErrorCode::kQuotaExceeded);
    const auto at = left.begin() + static_cast<std::ptrdiff_t>(random.below(left.size()));
    const Local& tab = random.once_in(2) ? local : other;
    INFO(left.size() << " left in " << world.disk->bytes() << " bytes");
    REQUIRE(value_of(tab->delete_memory(*at)));
    left.erase(at);
    if (random.once_in(3)) value_of(tab->maintain());
    for (const Local& each : {local, other, world.open()})
      CHECK(as_set(ids_of(list(*each))) == as_set(left));
  }
  value_of(local->maintain());
  for (const auto& [key, value] : world.disk->values)
    CHECK(value.find("somebody said") == std::string::npos);
}

TEST_CASE(
    "a deletion that has to wait for another's fold gives the quota error and changed nothing",
    "[local]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "something that takes some room on the disk");
  world.disk->capacity = world.disk->bytes();
  local.script->refuse_locks = true;
  CHECK(error_of(local->delete_memory(id)).code == ErrorCode::kQuotaExceeded);
  CHECK(ids_of(list(*local)) == Strings{id});
  CHECK(ids_of(list(*world.open())) == Strings{id});
}

TEST_CASE("a lost connection is an error that says so, not a lost memory", "[local]") {
  World world;
  const Local local = world.open();
  store(*local, "earlier");
  local.script->disconnected = true;
  const Error error = error_of(local->store_memories("during", {}));
  CHECK(error.code == ErrorCode::kStorage);
  CHECK(texts_of(list(*local)) == Strings{"earlier"});
  CHECK(search(*local, "earlier").size() == 1);
  local.script->disconnected = false;
  store(*local, "after");
  CHECK(as_set(texts_of(list(*world.open()))) == std::set<std::string>{"earlier", "after"});
}

// ---------------------------------------------------------------------------------- overlapping

TEST_CASE("calls that overlap take effect one after the other", "[local]") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    World world;
    Pump pump;
    FakeRandom random(seed);
    const Local local = world.open();
    const std::string id = store_one(*local, "the first");
    local.script->pump = &pump;
    MemoryChange change;
    change.memory = "changed";
    Started<Result<std::vector<StoredMemory>>> one(local->store_memories("twice", {}));
    Started<Result<std::vector<StoredMemory>>> two(local->store_memories("Twice!", {}));
    Started<Result<StoredMemory>> three(local->update_memory(id, change));
    Started<Result<bool>> four(local->delete_memory(id));
    Started<Result<bool>> five(local->delete_memory(id));
    Started<Result<StoredMemory>> six(local->update_memory(id, change));
    CHECK(list(*local).size() == 1);
    pump.run_all(random);
    const StoredMemory first = value_of(one.take())[0];
    const StoredMemory second = value_of(two.take())[0];
    CHECK(first.event == MemoryEvent::kAdd);
    CHECK(second.event == MemoryEvent::kNoop);
    CHECK(first.id == second.id);
    CHECK(value_of(three.take()).event == MemoryEvent::kUpdate);
    CHECK(value_of(four.take()));
    CHECK_FALSE(value_of(five.take()));
    CHECK(error_of(six.take()).code == ErrorCode::kNotFound);
    local.script->pump = nullptr;
    CHECK(texts_of(list(*world.open())) == Strings{"twice"});
  }
}

TEST_CASE("thousands of calls at once need no stack", "[local]") {
  World world;
  Pump pump;
  const Local local = world.open();
  local.script->pump = &pump;
  std::vector<Started<Result<std::vector<StoredMemory>>>> calls;
  for (int i = 0; i < 20'000; ++i)
    calls.emplace_back(local->store_memories("all the same", {}));
  pump.run_all();
  CHECK(value_of(calls.front().take())[0].event == MemoryEvent::kAdd);
  CHECK(value_of(calls.back().take())[0].event == MemoryEvent::kNoop);
}

TEST_CASE("a listener may call the provider that it listens to", "[local]") {
  World world;
  std::shared_ptr<LocalProvider> provider;
  std::vector<std::string> seen;
  std::vector<Started<Result<std::vector<StoredMemory>>>> calls;
  const auto listen = [&](const LocalNotice& notice) {
    const auto* change = std::get_if<ChangeNotice>(&notice);
    if (change == nullptr) return;
    // What is told of is there already.
    seen.push_back(value_of(provider->get_memory(change->stored.front().id))->memory);
    if (seen.size() < 3) {
      calls.emplace_back(provider->store_memories("more " + std::to_string(seen.size()), {}));
    }
  };
  provider = value_of(LocalProvider::open(std::make_unique<FakeStorage>(world.disk), world.clock,
                                          std::make_shared<FakeRandom>(1), {}, listen));
  store(*provider, "the first");
  CHECK(seen == Strings{"the first", "more 1", "more 2"});
  CHECK(list(*world.open()).size() == 3);
  value_of(provider->close());
}

// ------------------------------------------------------------------------------------- sharing

TEST_CASE("two providers over one store see what the other does at once", "[local]") {
  World world;
  const Local left = world.open();
  const Local right = world.open();
  const std::string id = store_one(*left, "I live in Oslo", ids("nora"));
  CHECK(found(*right, id) == "I live in Oslo");
  CHECK(ids_of(search(*right, "Oslo", ids("nora"))) == Strings{id});
  REQUIRE(right.heard->changes.size() == 1);
  CHECK(right.heard->changes[0].elsewhere);
  CHECK(right.heard->changes[0].stored[0].event == MemoryEvent::kAdd);
  CHECK_FALSE(left.heard->changes[0].elsewhere);
  // A duplicate is one wherever it was stored.
  CHECK(store(*right, "i live in oslo", ids("nora"))[0].id == id);

  update_text(*right, id, "I live in Bergen");
  CHECK(found(*left, id) == "I live in Bergen");
  CHECK(search(*left, "Oslo", ids("nora")).empty());
  CHECK(value_of(left->delete_memory(id)));
  CHECK(found(*right, id) == "(none)");
  CHECK(right.heard->changes.back().stored[0].event == MemoryEvent::kDelete);
  CHECK(right.heard->errors.empty());
}

TEST_CASE("without being told a provider sees the others' work when it looks", "[local]") {
  World world;
  world.disk->notify = FakeDisk::Notify::kNever;
  const Local left = world.open();
  const Local right = world.open();
  const std::string id = store_one(*left, "I live in Oslo");
  CHECK(list(*right).empty());
  value_of(right->refresh());
  CHECK(found(*right, id) == "I live in Oslo");
  value_of(right->refresh());
  CHECK(right.heard->changes.size() == 1);
}

TEST_CASE("many changes are taken in at one telling", "[local]") {
  World world;
  world.disk->notify = FakeDisk::Notify::kWhenDelivered;
  const Local left = world.open();
  const Local right = world.open();
  for (int i = 0; i < 10; ++i)
    store(*left, "number " + std::to_string(i));
  CHECK(list(*right).empty());
  world.disk->deliver();
  CHECK(list(*right).size() == 10);
  CHECK(right.heard->changes.size() == 1);
}

TEST_CASE("the newest update wins, on both sides and on the disk", "[local]") {
  World world;
  world.disk->notify = FakeDisk::Notify::kNever;
  const Local left = world.open();
  const Local right = world.open();
  const std::string id = store_one(*left, "as it was");
  value_of(right->refresh());
  world.clock->advance(1000);
  update_text(*left, id, "the earlier");
  world.clock->advance(1000);
  update_text(*right, id, "the later");
  value_of(left->refresh());
  value_of(right->refresh());
  CHECK(found(*left, id) == "the later");
  CHECK(found(*right, id) == "the later");
  CHECK(found(*world.open(), id) == "the later");
  CHECK(history_of(*left, id) == history_of(*right, id));
  CHECK(ids_of(search(*left, "later")) == Strings{id});
  CHECK(search(*left, "earlier").empty());
}

TEST_CASE("a delete wins over an update that did not know of it, texts and all", "[local]") {
  World world;
  world.disk->notify = FakeDisk::Notify::kNever;
  const Local left = world.open();
  const Local right = world.open();
  const std::string id = store_one(*left, "a secret");
  value_of(right->refresh());
  world.clock->advance(1000);
  CHECK(value_of(left->delete_memory(id)));
  world.clock->advance(1000);
  update_text(*right, id, "a secret, changed");
  value_of(left->refresh());
  value_of(right->refresh());
  for (const Local& each : {left, right, world.open()}) {
    CHECK(found(*each, id) == "(none)");
    CHECK(history_of(*each, id).find("secret") == std::string::npos);
  }
  value_of(left->maintain());
  value_of(right->maintain());
  for (const auto& [key, value] : world.disk->values) {
    CHECK(value.find("secret") == std::string::npos);
  }
}

TEST_CASE("a change that comes after its memory was deleted and folded is a reason to fold",
          "[local]") {
  World world;
  world.disk->notify = FakeDisk::Notify::kNever;
  const Local local = world.open();
  const std::string id = store_one(*local, "what was said at first");
  const Local stale = world.open();
  value_of(local->delete_memory(id));
  value_of(local->maintain());
  CHECK_FALSE(local->is_maintenance_due());
  value_of(stale->update_memory(
      id, with<MemoryChange>([](auto& it) { it.memory = "what was said later"; })));
  value_of(local->refresh());
  for (const Local& each : {local, world.open()}) {
    CHECK(list(*each).empty());
    CHECK(each->is_maintenance_due());
  }
  value_of(local->maintain());
  CHECK_FALSE(local->is_maintenance_due());
  for (const auto& [key, value] : world.disk->values)
    CHECK(value.find("what was said") == std::string::npos);
}

TEST_CASE("a tab that slept for weeks brings back nothing, whatever it does first", "[local]") {
  using Awakening = std::function<void(World&, const Local&, const std::string&)>;
  const std::vector<std::pair<std::string, Awakening>> awakenings{
      {"update",
       [](World&, const Local& tab, const std::string& id) {
         const MemoryChange change = with<MemoryChange>([](auto& it) { it.memory = "again"; });
         CHECK(error_of(tab->update_memory(id, change)).code == ErrorCode::kNotFound);
       }},
      {"store", [](World&, const Local& tab, const std::string&) { store(*tab, "something new"); }},
      {"delete", [](World&, const Local& tab,
                    const std::string& id) { CHECK_FALSE(value_of(tab->delete_memory(id))); }},
      {"delete all", [](World&, const Local& tab,
                        const std::string&) { value_of(tab->delete_all_memories(everything())); }},
      {"import",
       [](World&, const Local& tab, const std::string&) {
         value_of(tab->import_memories("{\"format\":\"agent-memory\",\"version\":1}\n", nullptr));
         value_of(tab->refresh());
       }},
      {"refresh", [](World&, const Local& tab, const std::string&) { value_of(tab->refresh()); }},
      {"maintain", [](World& world, const Local& tab, const std::string&) {
         for (int i = 0; i < 256; ++i)
           store(*world.open(), "number " + std::to_string(i));
         value_of(tab->maintain());
         value_of(tab->refresh());
       }}};
  for (const auto& [name, awaken] : awakenings) {
    INFO(name);
    World world;
    world.disk->notify = FakeDisk::Notify::kNever;
    Local local = world.open();
    const std::string id = store_one(*local, "the secret is out");
    store_one(*local, "this stays");
    const Local sleeper = world.open();
    value_of(local->delete_memory(id));
    value_of(local->maintain());
    CHECK(list(*sleeper).size() == 2);
    // Somebody else is about every day; after a month nothing tells of the deletion.
    for (int day = 0; day < 40; ++day) {
      world.clock->advance(kDay);
      local = world.open();
      value_of(local->delete_memory(store_one(*local, "day " + std::to_string(day))));
      value_of(local->maintain());
    }
    CHECK(history_of(*local, id).empty());
    sleeper.heard->changes.clear();
    awaken(world, sleeper, id);
    CHECK(found(*sleeper, id) == "(none)");
    REQUIRE_FALSE(sleeper.heard->changes.empty());
    const ChangeNotice& news = sleeper.heard->changes[0];
    CHECK(news.elsewhere);
    CHECK(std::any_of(news.stored.begin(), news.stored.end(), [&](const StoredMemory& each) {
      return each.id == id && each.event == MemoryEvent::kDelete;
    }));
    store(*sleeper, "and a last word");
    value_of(sleeper->delete_memory(store_one(*sleeper, "a reason to fold")));
    value_of(sleeper->maintain());
    CHECK(everything_in(*world.open()) == everything_in(*sleeper));
    for (const auto& [key, value] : world.disk->values)
      CHECK(value.find("secret") == std::string::npos);
  }
}

TEST_CASE("a clock that is behind does not make its writes the older ones", "[local]") {
  World world;
  const Local left = world.open();
  const std::string id = store_one(*left, "as it was");
  world.clock->set(kStart + kDay);
  update_text(*left, id, "from the future");
  world.clock->set(kStart);
  const Local right = world.open();
  update_text(*right, id, "the last word");
  CHECK(found(*left, id) == "the last word");
  world.clock->set(0);
  CHECK(value_of(left->delete_memory(id)));
  CHECK(found(*right, id) == "(none)");
  CHECK(list(*world.open()).empty());
}

TEST_CASE("a clock that talks nonsense costs no memory", "[local]") {
  World world;
  const Local local = world.open();
  std::set<std::string> texts;
  for (const TimestampMs now :
       {std::numeric_limits<TimestampMs>::max(), std::numeric_limits<TimestampMs>::min(),
        TimestampMs{9007199254740991}, TimestampMs{0}, TimestampMs{-1}, kStart}) {
    world.clock->set(now);
    // More than the counter of a stamp can hold, in one write.
    JsonArray messages;
    for (int i = 0; i < 5000; ++i)
      messages.push_back("at " + std::to_string(now) + " " + std::to_string(i));
    store(*local, messages);
    const std::string id = store_one(*local, "memory of " + std::to_string(now));
    texts.insert("changed at " + std::to_string(now));
    update_text(*local, id, "changed at " + std::to_string(now));
  }
  const auto state = everything_in(*local);
  CHECK(state.size() == 30'006);
  const Local again = world.open();
  CHECK(again.heard->errors.empty());
  CHECK(everything_in(*again) == state);
  World other(50);
  const Local copy = other.open();
  value_of(copy->import_memories(value_of(local->export_memories(std::nullopt)), nullptr));
  CHECK(everything_in(*copy) == state);
}

TEST_CASE("what is written while a provider opens is not missed", "[local]") {
  for (std::size_t step = 0; step < 5; ++step) {
    for (const bool folds : {false, true}) {
      INFO("at step " << step << (folds ? ", with a fold" : ""));
      World world;
      const Local writer = world.open();
      store(*writer, "before");
      Local local;
      local.script->before = [&](const StorageCall&) {
        if (local.script->calls.size() != step) return;
        const std::string id = store_one(*writer, "a reason to fold");
        if (folds) value_of(writer->delete_memory(id));
        if (folds) value_of(writer->maintain());
        store(*writer, "meanwhile");
      };
      local.provider = value_of(world.opening(local));
      CHECK(everything_in(*local) == everything_in(*writer));
      value_of(local->delete_memory(store_one(*local, "another reason")));
      value_of(local->maintain());
      CHECK(everything_in(*world.open()) == everything_in(*writer));
    }
  }
}

TEST_CASE("news that cannot be read are told and read the next time", "[local]") {
  World world;
  const Local left = world.open();
  const Local right = world.open();
  right.script->fail_at = right.script->calls.size() + 1;
  store(*left, "the first");
  REQUIRE(right.heard->errors.size() == 1);
  CHECK(right.heard->errors[0].operation == "refresh");
  CHECK(list(*right).empty());
  store(*left, "the second");
  CHECK(list(*right).size() == 2);
}

TEST_CASE("several providers that fold and write in any order lose nothing", "[local][property]") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    World world(seed * 100);
    Pump pump;
    FakeRandom random(seed);
    world.disk->notify = random.once_in(2) ? FakeDisk::Notify::kAtOnce : FakeDisk::Notify::kNever;
    std::vector<Local> tabs;
    for (int i = 0; i < 3; ++i)
      tabs.push_back(world.open());
    const std::string shared = store_one(*tabs[0], "shared");
    for (const Local& tab : tabs) {
      value_of(tab->refresh());
      tab.script->without_locks = random.once_in(2);
      tab.script->pump = &pump;
    }
    std::vector<Started<Result<std::vector<StoredMemory>>>> stores;
    std::vector<Started<Result<bool>>> deletes;
    std::vector<Started<Result<void>>> folds;
    std::set<std::string> expected{"shared"};
    for (int i = 0; i < 12; ++i) {
      const Local& tab = random.pick(tabs);
      const std::string text = "memory " + std::to_string(i);
      stores.emplace_back(tab->store_memories(text, {}));
      expected.insert(text);
      if (i == 5) {
        deletes.emplace_back(tab->delete_memory(shared));
        expected.erase("shared");
      }
      if (random.once_in(3)) folds.emplace_back(random.pick(tabs)->maintain());
      for (std::size_t steps = random.below(8); steps > 0 && pump.waiting() > 0; --steps) {
        pump.run(random.below(pump.waiting()));
      }
    }
    pump.run_all(random);
    for (auto& each : stores)
      value_of(each.take());
    for (auto& each : deletes)
      CHECK(value_of(each.take()));
    for (auto& each : folds)
      value_of(each.take());
    for (const Local& tab : tabs) {
      tab.script->pump = nullptr;
      value_of(tab->refresh());
      REQUIRE(as_set(texts_of(list(*tab))) == expected);
    }
    const auto state = everything_in(*tabs[0]);
    REQUIRE(everything_in(*world.open()) == state);
    for (const Local& tab : tabs)
      value_of(tab->close());
    REQUIRE(everything_in(*world.open()) == state);
  }
}

// --------------------------------------------------------------------------------- maintenance

TEST_CASE("a fold is due after many writes or a delete, and changes nothing that is seen",
          "[local]") {
  World world;
  const Local local = world.open();
  for (int i = 0; i < 47; ++i)
    store(*local, "number " + std::to_string(i));
  CHECK_FALSE(local->is_maintenance_due());
  value_of(local->maintain());
  CHECK(world.disk->keys("head/").empty());
  store(*local, "one more");
  CHECK(local->is_maintenance_due());
  const auto before = everything_in(*local);
  const std::vector<RetrievedMemory> hits = search(*local, "number 7");
  value_of(local->maintain());
  CHECK_FALSE(local->is_maintenance_due());
  CHECK(world.disk->keys("log/").empty());
  const Local again = world.open();
  for (const Local& each : {local, again}) {
    CHECK(everything_in(*each) == before);
    const std::vector<RetrievedMemory> found_now = search(*each, "number 7");
    REQUIRE(ids_of(found_now) == ids_of(hits));
    CHECK(found_now[0].score == hits[0].score);
  }
}

TEST_CASE("a store that somebody emptied is not filled again by who knew it", "[local]") {
  World world;
  const Local left = world.open();
  const Local right = world.open();
  const auto fold = [](LocalProvider& local) {
    value_of(local.delete_memory(store_one(local, "a reason to fold")));
    value_of(local.maintain());
  };
  const std::string secret = store_one(*left, "the secret is out");
  store(*right, "nobody knows");
  SECTION("from the log alone") {}
  SECTION("from a checkpoint") { fold(*left); }
  SECTION("from a checkpoint and the log") {
    fold(*right);
    store(*left, "another secret");
  }
  value_of(left->refresh());
  value_of(right->refresh());
  world.disk->values.clear();
  std::set<std::string> expected;
  SECTION("and left so") {}
  SECTION("and used before that was noticed") {
    store(*left, "the first of now");
    expected.insert("the first of now");
  }
  SECTION("and used by both") {
    store(*left, "the first of now");
    store(*right, "the second of now");
    expected = {"the first of now", "the second of now"};
  }
  SECTION("and folded by one before the other looks") {
    fold(*right);
    store(*left, "the first of now");
    expected.insert("the first of now");
  }
  for (const Local& tab : {left, right, left}) {
    value_of(tab->refresh());
    fold(*tab);
  }
  value_of(right->refresh());
  for (const Local& tab : {left, right, world.open()}) {
    CHECK(as_set(texts_of(list(*tab))) == expected);
    CHECK(search(*tab, "secret").empty());
  }
  for (const auto& [key, value] : world.disk->values) {
    CHECK(value.find("secret") == std::string::npos);
    CHECK(value.find("nobody knows") == std::string::npos);
  }
  // It is told as what comes from elsewhere.
  std::size_t told = 0;
  for (const ChangeNotice& change : left.heard->changes) {
    for (const StoredMemory& each : change.stored)
      told += change.elsewhere && each.id == secret && each.event == MemoryEvent::kDelete ? 1 : 0;
  }
  CHECK(told == 1);
}

TEST_CASE("closing folds where that is due", "[local]") {
  World world;
  const Local local = world.open();
  value_of(local->delete_memory(store_one(*local, "gone")));
  value_of(local->close());
  CHECK(world.disk->keys("log/").empty());
  CHECK(world.disk->keys("head/").size() == 1);
}

TEST_CASE("an index image that was garbled or changed is built anew from the texts", "[local]") {
  World world;
  {
    const Local local = world.open();
    for (int i = 0; i < 20; ++i)
      store(*local, "tea number " + std::to_string(i), ids("u"));
    value_of(local->delete_memory(store_one(*local, "a reason to fold")));
    value_of(local->close());
  }
  Strings hits;
  std::map<std::string, std::string> state;
  {
    const Local local = world.open();
    hits = ids_of(search(*local, "tea number 7", ids("u")));
    state = everything_in(*local);
    CHECK(hits.size() == 20);
  }
  const std::vector<std::string> keys = world.disk->keys("image/");
  REQUIRE(keys.size() == 1);
  std::string& image = world.disk->values[keys[0]];
  const std::string payload(unseal(FrameKind::kImage, image).payload);
  FakeRandom random(1);
  for (int round = 0; round < 200; ++round) {
    // Whole as far as the journal can tell: the index has to see for itself.
    std::string changed = payload;
    for (std::size_t edits = 1 + random.below(3); edits > 0; --edits) {
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    }
    if (round % 5 == 0) changed.resize(random.below(changed.size()));
    image = round % 7 == 0 ? changed : seal(FrameKind::kImage, changed);
    const Local local = world.open();
    CHECK(everything_in(*local) == state);
    CHECK(local.heard->errors.empty());
    search(*local, "tea number 7", ids("u"));  // must not crash whatever it finds
  }
  image = "nothing of use";
  const Local local = world.open();
  CHECK(ids_of(search(*local, "tea number 7", ids("u"))) == hits);
}

TEST_CASE("status counts memories and bytes", "[local]") {
  World world;
  const Local local = world.open();
  LocalStatus status = value_of(local->status());
  CHECK(status.kind == "fake");
  CHECK(status.memories == 0);
  CHECK(status.bytes == 0);
  store(*local, "one", ids("a"));
  store(*local, "two", ids("b"));
  value_of(local->delete_memory(store_one(*local, "three")));
  CHECK(value_of(local->status()).memories == 2);
  for (int round = 0; round < 2; ++round) {
    CHECK(value_of(local->status()).bytes == static_cast<std::int64_t>(world.disk->bytes()));
    CHECK(value_of(world.open()->status()).bytes == static_cast<std::int64_t>(world.disk->bytes()));
    value_of(local->maintain());
  }
}

// --------------------------------------------------------------------------------------- model

namespace {

/// What a provider should hold, kept the simple way.
class Model {
 public:
  struct Memory {
    std::string text;
    Identity identity;
    TimestampMs created = 0;
    std::optional<TimestampMs> expires;
  };

  explicit Model(std::uint64_t seed) : random_(seed), world_(seed * 1000), local_(world_.open()) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      if (i % 10 == 0) check();
    }
    reopen(false);
    check();
  }

 private:
  void step() {
    world_.clock->advance(static_cast<TimestampMs>(random_.below(3)) * 1000);
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
        return store_some();
      case 3:
      case 4:
        return update();
      case 5:
        return remove();
      case 6:
        if (random_.once_in(4)) remove_all();
        return;
      case 7:
        return bring_back();
      case 8:
        value_of(local_->maintain());
        return;
      case 9:
        return reopen(false);
      case 10:
        return fail();
      default:
        return reopen(true);
    }
  }

  Identity identity() { return random_.pick(all_identities()); }
  std::string text() { return "word" + std::to_string(random_.below(12)) + " and tea"; }
  std::string some_id() {
    if (memories_.empty() || random_.once_in(8)) return "no-such-id";
    auto at = memories_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(memories_.size())));
    return at->first;
  }
  void drop_expired() {
    std::erase_if(memories_, [&](const auto& each) {
      return each.second.expires && *each.second.expires <= world_.clock->now_ms();
    });
  }

  void store_some() {
    drop_expired();
    StoreOptions options;
    options.identity = identity();
    if (random_.once_in(2)) options.timestamp_ms = static_cast<TimestampMs>(random_.below(5));
    if (random_.once_in(4)) options.expires_at_ms = world_.clock->now_ms() + 5000;
    JsonArray messages;
    for (std::size_t i = random_.below(3) + 1; i > 0; --i) {
      messages.push_back(JsonObject{{"role", "user"}, {"content", text()}});
    }
    const std::vector<StoredMemory> stored = value_of(local_->store_memories(messages, options));
    REQUIRE(stored.size() == messages.size());
    for (std::size_t i = 0; i < stored.size(); ++i) {
      const std::string said = *messages[i].find_string("content");
      const auto equal = std::find_if(memories_.begin(), memories_.end(), [&](const auto& each) {
        return each.second.text == said && each.second.identity == options.identity;
      });
      CHECK((stored[i].event == MemoryEvent::kNoop) == (equal != memories_.end()));
      if (equal != memories_.end()) continue;
      memories_[stored[i].id] = {said, options.identity,
                                 options.timestamp_ms.value_or(world_.clock->now_ms()),
                                 options.expires_at_ms};
    }
  }

  void update() {
    drop_expired();
    const std::string id = some_id();
    MemoryChange change;
    change.memory = text();
    const Result<StoredMemory> updated = run_ready(local_->update_memory(id, change));
    CHECK(updated.has_value() == memories_.contains(id));
    if (updated) memories_[id].text = *change.memory;
  }

  void remove() {
    drop_expired();
    const std::string id = some_id();
    CHECK(value_of(local_->delete_memory(id)) == (memories_.erase(id) == 1));
  }

  void remove_all() {
    drop_expired();
    DeleteAllOptions options;
    options.identity = identity();
    options.everything = true;
    if (random_.once_in(2)) exported_ = value_of(local_->export_memories(std::nullopt));
    const std::size_t removed = std::erase_if(memories_, [&](const auto& each) {
      return options.identity.empty() || is_visible(each.second.identity, options.identity);
    });
    CHECK(value_of(local_->delete_all_memories(options)) == static_cast<std::int64_t>(removed));
  }

  void bring_back() {
    if (exported_.empty()) {
      exported_ = value_of(local_->export_memories(std::nullopt));
      exported_memories_ = memories_;
      return;
    }
    const std::string lines = std::exchange(exported_, {});
    value_of(local_->import_memories(lines, nullptr));
    // Which of two equal texts is skipped depends on order: ask, then hold it to that.
    adopt();
  }

  void fail() {
    const auto before = everything_in(*local_);
    local_.script->fail_next(ErrorCode::kStorage);
    StoreOptions options;
    options.identity = ids("u1");
    const Result<std::vector<StoredMemory>> stored = run_ready(
        local_->store_memories("never stored " + std::to_string(random_.next()), options));
    CHECK_FALSE(stored);
    CHECK(everything_in(*local_) == before);
  }

  void reopen(bool crash) {
    drop_expired();
    const auto before = everything_in(*local_);
    if (crash) {
      local_.script->crash_at = local_.script->calls.size();
      if (random_.once_in(2)) CHECK_FALSE(run_ready(local_->store_memories("lost", {})));
    } else {
      value_of(local_->close());
    }
    local_ = world_.open();
    CHECK(local_.heard->errors.empty());
    CHECK(everything_in(*local_) == before);
  }

  void adopt() {
    memories_.clear();
    for (const auto& [id, line] : everything_in(*local_)) {
      const auto memory = value_of(local_->get_memory(id));
      REQUIRE(memory);
      const JsonValue parsed = value_of(parse_json(line));
      const std::string* expires = parsed.find_string("expiresAt");
      memories_[id] = {memory->memory, memory->identity, *memory->created_at_ms,
                       expires == nullptr ? std::nullopt : parse_iso8601(*expires)};
    }
  }

  void check() {
    drop_expired();
    CHECK(value_of(local_->status()).memories == static_cast<std::int64_t>(memories_.size()));
    for (const Identity& call : all_identities()) {
      std::vector<std::pair<TimestampMs, std::string>> expected;
      for (const auto& [id, memory] : memories_) {
        if (is_visible(memory.identity, call)) expected.push_back({memory.created, id});
      }
      std::sort(expected.rbegin(), expected.rend());
      Strings order;
      for (const auto& [time, id] : expected)
        order.push_back(id);
      const std::vector<RetrievedMemory> listed = list(*local_, call);
      REQUIRE(ids_of(listed) == order);
      for (const RetrievedMemory& each : listed)
        CHECK(each.memory == memories_[each.id].text);
      REQUIRE(as_set(ids_of(matching(*local_, "tea", call))) == as_set(order));
      const std::string word = "word" + std::to_string(random_.below(12));
      std::set<std::string> with_word;
      for (const auto& [time, id] : expected) {
        if (memories_[id].text.starts_with(word + " ")) with_word.insert(id);
      }
      REQUIRE(as_set(ids_of(matching(*local_, word, call))) == with_word);
    }
  }

  FakeRandom random_;
  World world_;
  Local local_;
  std::map<std::string, Memory> memories_;
  std::string exported_;
  std::map<std::string, Memory> exported_memories_;
};

}  // namespace

TEST_CASE("random operations with folds, crashes and reopening agree with a simple model",
          "[local][property]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Model(seed).run(120);
  }
}
