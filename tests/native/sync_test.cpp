// SPDX-License-Identifier: MIT

// What a LocalProvider knows of its memories elsewhere: what is unsettled, what was noted, and that
// neither shows where it should not.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/local_provider.hpp"

#include "base/time.hpp"
#include "journal/journal.hpp"
#include "support/fake_storage.hpp"
#include "support/fakes.hpp"
#include "support/local_world.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

const Identity kAda = ids("ada", "", "");

/// A SyncView, copied.
struct SyncState {
  std::string memory_id;
  std::string version;
  std::string note;
  bool is_unsettled = false;
  std::optional<RetrievedMemory> memory;
  std::optional<TimestampMs> expires_at_ms;
};

std::vector<SyncState> states(LocalProvider& provider, const SyncQuery& query) {
  std::vector<SyncState> found;
  const Result<void> visited = provider.visit_sync_states(query, [&](const SyncView& view) {
    SyncState state;
    state.memory_id = view.memory_id;
    state.version = view.version;
    state.note = view.note;
    state.is_unsettled = view.is_unsettled;
    state.expires_at_ms = view.expires_at_ms;
    if (view.memory != nullptr) {
      state.memory.emplace();
      state.memory->memory = view.memory->memory;
      state.memory->created_at_ms = view.memory->created_at_ms;
    }
    found.push_back(std::move(state));
  });
  REQUIRE(visited);
  return found;
}

SyncState state_of(LocalProvider& provider, const std::string& id) {
  SyncQuery query;
  query.ids = {id};
  const std::vector<SyncState> found = states(provider, query);
  REQUIRE(found.size() == 1);
  return found.front();
}

std::vector<std::string> unsettled(LocalProvider& provider, const Identity& identity = kAda,
                                   std::int64_t limit = 1000) {
  SyncQuery query;
  query.unsettled = limit;
  query.identity = identity;
  std::vector<std::string> found;
  for (const SyncState& each : states(provider, query)) {
    CHECK(each.is_unsettled);
    found.push_back(each.memory_id);
  }
  return found;
}

JsonObject noting(const std::string& id, const std::string& version, const std::string& text) {
  return {{"id", id}, {"version", version}, {"note", text}};
}

std::vector<std::string> settle(LocalProvider& provider, JsonObject step) {
  JsonArray steps;
  steps.emplace_back(std::move(step));
  std::vector<std::string> refused;
  for (const StoredMemory& each : value_of(provider.settle(std::move(steps)))) {
    CHECK(each.event == MemoryEvent::kNoop);
    refused.push_back(each.id);
  }
  return refused;
}

/// Notes that what is elsewhere accounts for what is here.
void note(LocalProvider& provider, const std::string& id, const std::string& text) {
  CHECK(settle(provider, noting(id, state_of(provider, id).version, text)).empty());
}

JsonObject put(LocalProvider& provider, const std::string& id, const std::string& text) {
  JsonObject step = noting(id, state_of(provider, id).version, "noted");
  step.push_back({"put", JsonObject{{"id", id},
                                    {"memory", text},
                                    {"userId", "ada"},
                                    {"createdAt", format_iso8601(kStart - 7)}}});
  return step;
}

JsonObject removal(LocalProvider& provider, const std::string& id) {
  JsonObject step = noting(id, state_of(provider, id).version, "");
  step.push_back({"delete", true});
  return step;
}

void update_text(LocalProvider& provider, const std::string& id, const std::string& text) {
  MemoryChange change;
  change.memory = text;
  value_of(provider.update_memory(id, std::move(change)));
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("whatever is written is unsettled until a note accounts for it", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  const SyncState added = state_of(*local, id);
  CHECK(added.is_unsettled);
  CHECK(added.note.empty());
  CHECK(added.memory->memory == "tea");
  CHECK(unsettled(*local) == Strings{id});

  note(*local, id, "R1");
  CHECK(unsettled(*local).empty());
  CHECK(state_of(*local, id).note == "R1");
  CHECK(state_of(*local, id).version == added.version);

  update_text(*local, id, "coffee");
  CHECK(unsettled(*local) == Strings{id});
  CHECK(state_of(*local, id).note == "R1");
  CHECK(state_of(*local, id).version > added.version);

  note(*local, id, "R1 again");
  value_of(local->delete_memory(id));
  const SyncState deleted = state_of(*local, id);
  CHECK(deleted.is_unsettled);
  CHECK_FALSE(deleted.memory);
  CHECK(unsettled(*local) == Strings{id});
  note(*local, id, "");
  CHECK(unsettled(*local).empty());
}

TEST_CASE("a note accounts for a version, and for nothing that came after it", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  const std::string sent = state_of(*local, id).version;
  update_text(*local, id, "coffee");
  CHECK(settle(*local, noting(id, sent, "R1")).empty());
  CHECK(unsettled(*local) == Strings{id});
  CHECK(state_of(*local, id).note == "R1");
}

TEST_CASE("a note without a version accounts for nothing", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  note(*local, id, "R1");
  CHECK(settle(*local, noting(id, "", "R2")).empty());
  CHECK(unsettled(*local) == Strings{id});
  CHECK(state_of(*local, id).note == "R2");
}

TEST_CASE("what was deleted before anything was noted of it is of no interest", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  value_of(local->delete_memory(id));
  CHECK(unsettled(*local).empty());
}

TEST_CASE("the unsettled are those that the ids see, and with none those that have any", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string ada = store_one(*local, "a", kAda);
  const std::string run = store_one(*local, "b", ids("ada", "", "r"));
  const std::string bob = store_one(*local, "c", ids("bob", "", ""));
  store_one(*local, "d");
  CHECK(unsettled(*local, kAda) == Strings{ada, run});
  CHECK(unsettled(*local, ids("ada", "", "r")) == Strings{run});
  CHECK(unsettled(*local, {}) == Strings{ada, run, bob});
  CHECK(unsettled(*local, {}, 2) == Strings{ada, run});
  CHECK(unsettled(*local, {}, 0).empty());
}

TEST_CASE("what has expired is not to be sent", "[sync]") {
  World world;
  const Local local = world.open();
  const auto options = with<StoreOptions>([&](auto& it) {
    it.identity = kAda;
    it.expires_at_ms = kStart + 1000;
  });
  value_of(local->store_memories("tea", options));
  REQUIRE(unsettled(*local).size() == 1);
  CHECK(state_of(*local, unsettled(*local).front()).expires_at_ms == kStart + 1000);
  world.clock->set(kStart + 1000);
  CHECK(unsettled(*local).empty());
}

TEST_CASE("notes are told to nobody, and are no part of histories, exports and lists", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  const std::string before = everything_in(*local)[id];
  const std::size_t told = local.heard->changes.size();
  note(*local, id, "R1");
  note(*local, "nobody-knows-me", "a mark of something else");
  CHECK(local.heard->changes.size() == told);
  CHECK(everything_in(*local).size() == 1);
  CHECK(everything_in(*local)[id] == before);
  CHECK(value_of(local->history(id)).size() == 1);
  CHECK(value_of(local->history("nobody-knows-me")).empty());
  CHECK(value_of(local->status()).memories == 1);
  CHECK(list(*local, kAda).size() == 1);

  const Local other = World(7).open();
  const std::string file = value_of(local->export_memories(std::nullopt));
  CHECK(file.find("R1") == std::string::npos);
  CHECK(value_of(other->import_memories(file, nullptr)).added == 1);
  CHECK(unsettled(*other) == Strings{id});
}

TEST_CASE("notes go through folds and restarts, and to other tabs", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string kept = store_one(*local, "tea", kAda);
  const std::string gone = store_one(*local, "coffee", kAda);
  note(*local, kept, "R1");
  note(*local, gone, "R2");
  note(*local, "news", "up to here");
  value_of(local->delete_memory(gone));
  const auto check = [&](LocalProvider& provider) {
    CHECK(unsettled(provider) == Strings{gone});
    CHECK(state_of(provider, kept).note == "R1");
    CHECK(state_of(provider, gone).note == "R2");
    CHECK(state_of(provider, "news").note == "up to here");
    CHECK(state_of(provider, "news").version.empty());
    CHECK(states(provider, {}).size() == 3);
  };
  check(*local);
  check(*world.open());
  REQUIRE(local->is_maintenance_due());
  value_of(local->maintain());
  check(*local);
  check(*world.open());
}

TEST_CASE("a step that is for another version changes nothing", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  const JsonObject late = put(*local, id, "coffee");
  const JsonObject late_removal = removal(*local, id);
  update_text(*local, id, "water");
  CHECK(settle(*local, late) == Strings{id});
  CHECK(settle(*local, late_removal) == Strings{id});
  CHECK(state_of(*local, id).memory->memory == "water");
  CHECK(state_of(*local, id).note.empty());
}

TEST_CASE("what is put is there as it was given, told, and settled by the same write", "[sync]") {
  World world;
  const Local local = world.open();
  const std::size_t writes = local.script->count(StorageCall::Kind::kWrite);
  CHECK(settle(*local, put(*local, "there", "tea")).empty());
  CHECK(local.script->count(StorageCall::Kind::kWrite) == writes + 1);
  REQUIRE(local.heard->changes.size() == 1);
  CHECK(local.heard->changes.front().stored.front().event == MemoryEvent::kAdd);
  const SyncState added = state_of(*local, "there");
  CHECK_FALSE(added.is_unsettled);
  CHECK(added.note == "noted");
  CHECK(added.memory->memory == "tea");
  CHECK(added.memory->created_at_ms == kStart - 7);
  CHECK(texts_of(search(*local, "tea", kAda)) == Strings{"tea"});

  CHECK(settle(*local, put(*local, "there", "coffee")).empty());
  CHECK(local.heard->changes.back().stored.front().event == MemoryEvent::kUpdate);
  CHECK(search(*local, "tea", kAda).empty());
  CHECK(value_of(local->history("there")).size() == 2);

  CHECK(settle(*local, removal(*local, "there")).empty());
  CHECK(local.heard->changes.back().stored.front().event == MemoryEvent::kDelete);
  CHECK(unsettled(*local).empty());
  CHECK_FALSE(state_of(*world.open(), "there").memory);
}

TEST_CASE("of steps that cannot be kept none is taken, and the message names the bound", "[sync]") {
  World world;
  const Local local = world.open();
  const auto failure = [&](JsonObject step) {
    JsonArray steps;
    steps.emplace_back(put(*local, "fine", "tea"));
    steps.emplace_back(std::move(step));
    return error_of(local->settle(std::move(steps))).message;
  };
  CHECK(failure(put(*local, "blank", " ")) == "json line 1: memory must not be empty");
  CHECK(failure(put(*local, "", "tea")) == "json line 1: id must be 1 to 1024 bytes");
  CHECK(failure(put(*local, std::string(1025, 'x'), "tea")) ==
        "json line 1: id must be 1 to 1024 bytes");
  CHECK(failure(put(*local, "long", std::string((1U << 20U) + 1, 'x'))).find("at most") !=
        std::string::npos);
  CHECK(list(*local, kAda).empty());
}

TEST_CASE("a note that finds no room fails, and takes nothing with it", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  world.disk->full = true;
  JsonArray steps;
  steps.emplace_back(noting(id, state_of(*local, id).version, "R1"));
  CHECK(error_of(local->settle(std::move(steps))).code == ErrorCode::kQuotaExceeded);
  CHECK(unsettled(*local) == Strings{id});
  world.disk->full = false;
  CHECK(list(*world.open(), kAda).size() == 1);
}

TEST_CASE("a deletion on a disk without room for it does not forget what was noted", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "a long story: " + std::string(400, 'x'), kAda);
  store_one(*local, "another", kAda);
  note(*local, id, "R1");
  world.disk->capacity = world.disk->bytes();
  CHECK(value_of(local->delete_memory(id)));
  world.disk->capacity.reset();
  const Local later = world.open();
  CHECK_FALSE(state_of(*later, id).memory);
  CHECK(state_of(*later, id).note == "R1");
  CHECK(state_of(*later, id).is_unsettled);
}

TEST_CASE("notes make no fold due that only deletions make due", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string id = store_one(*local, "tea", kAda);
  note(*local, id, "R1");
  CHECK_FALSE(local->is_maintenance_due());
}

TEST_CASE("a deletion that is still to be told is remembered for as long as it takes", "[sync]") {
  World world;
  const Local local = world.open();
  const std::string told = store_one(*local, "tea", kAda);
  const std::string untold = store_one(*local, "coffee", kAda);
  note(*local, told, "R1");
  note(*local, untold, "R2");
  value_of(local->delete_memory(told));
  value_of(local->delete_memory(untold));
  note(*local, told, "");
  world.clock->set(kStart + 2 * kTombstoneLifeMs);
  value_of(local->maintain());
  const Local later = world.open();
  CHECK(state_of(*later, told).version.empty());
  CHECK(unsettled(*later) == Strings{untold});
  note(*later, untold, "");
  store_one(*later, "something to delete", kAda);
  world.clock->set(kStart + 4 * kTombstoneLifeMs);
  value_of(later->delete_memory(list(*later, kAda).front().id));
  value_of(later->maintain());
  CHECK(state_of(*world.open(), untold).version.empty());
}

TEST_CASE("the states of a closed provider are refused", "[sync]") {
  World world;
  const Local local = world.open();
  value_of(local->close());
  CHECK(local->visit_sync_states({}, [](const SyncView&) {}).error().code == ErrorCode::kClosed);
  CHECK(error_of(local->settle({})).code == ErrorCode::kClosed);
}
