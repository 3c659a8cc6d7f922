// SPDX-License-Identifier: MIT
#include "journal/memory_table.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "journal/segment.hpp"
#include "journal/stamp.hpp"
#include "support/fakes.hpp"
#include "support/records.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

Stamp at(std::uint64_t time, std::uint64_t writer = 1) { return {.time = time, .writer = writer}; }

Operation make(MemoryEvent kind, std::string id, Stamp stamp, std::string text) {
  Operation operation;
  operation.kind = kind;
  operation.stamp = stamp;
  operation.at_ms = static_cast<TimestampMs>(stamp.time) * 1000;
  operation.record.id = std::move(id);
  operation.record.memory = std::move(text);
  return operation;
}
Operation add(std::string id, Stamp stamp, std::string text) {
  return make(MemoryEvent::kAdd, std::move(id), stamp, std::move(text));
}
Operation update(std::string id, Stamp stamp, Stamp generation, std::string text) {
  Operation operation = make(MemoryEvent::kUpdate, std::move(id), stamp, std::move(text));
  operation.generation = generation;
  return operation;
}
Operation mark(std::string id, Stamp stamp, Stamp accounted, std::string note) {
  Operation operation = make(MemoryEvent::kNoop, std::move(id), stamp, std::move(note));
  operation.generation = accounted;
  return operation;
}
Operation removal(std::string id, Stamp stamp) {
  return make(MemoryEvent::kDelete, std::move(id), stamp, {});
}

void print(std::ostream& out, const std::string& id, bool live, const std::string& text,
           const std::vector<HistoryEntry>& history, bool is_unsettled) {
  out << id << (live ? " = '" + text + "'" : std::string(" gone"))
      << (is_unsettled ? " unsettled [" : " [");
  for (const HistoryEntry& step : history) {
    out << memory_event_name(step.event) << " '" << step.memory << "' " << step.at_ms << "; ";
  }
  out << "]\n";
}

/// All that can be seen of a table.
std::string state_of(const MemoryTable& table) {
  std::map<std::string, std::string> lines;
  for (EntryIndex i = 0; i < table.size(); ++i) {
    const MemoryEntry& entry = table[i];
    std::vector<HistoryEntry> history;
    for (const HistoryStep& step : entry.history)
      history.push_back(step.entry);
    std::ostringstream line;
    CHECK(table.packed(i).is_unsettled() == entry.is_unsettled());
    print(line, entry.record.id, entry.is_live(), entry.record.memory, history,
          entry.is_unsettled());
    lines[entry.record.id] = line.str();
  }
  std::string state;
  for (const auto& [id, line] : lines)
    state += line;
  return state;
}

/// The same, from the rules: the newest deletion counts, of the lives after it the newest, of its
/// changes the newest; texts of lives that were deleted are gone. Of the marks the newest is kept.
std::string expected_state(std::vector<Operation> operations) {
  std::sort(operations.begin(), operations.end(),
            [](const Operation& left, const Operation& right) { return left.stamp < right.stamp; });
  const auto life = [](const Operation& each) {
    return each.kind == MemoryEvent::kUpdate ? each.generation : each.stamp;
  };
  std::map<std::string, std::vector<Operation>> by_id;
  for (const Operation& each : operations)
    by_id[each.record.id].push_back(each);
  std::ostringstream state;
  for (const auto& [id, all] : by_id) {
    Stamp deleted;
    for (const Operation& each : all) {
      if (each.kind == MemoryEvent::kDelete) deleted = std::max(deleted, each.stamp);
    }
    const Operation* newest = nullptr;
    const Operation* noted = nullptr;
    for (const Operation& each : all) {
      if (each.kind == MemoryEvent::kNoop) noted = &each;
    }
    std::vector<HistoryEntry> history;
    for (const Operation& each : all) {
      if (each.kind == MemoryEvent::kNoop) {
        if (&each == noted) history.push_back({each.kind, each.record.memory, each.at_ms});
        continue;
      }
      const bool alive = each.kind != MemoryEvent::kDelete && life(each) > deleted;
      history.push_back({each.kind, alive ? each.record.memory : "", each.at_ms});
      if (alive && (newest == nullptr || life(each) >= life(*newest))) newest = &each;
    }
    const Stamp version = newest == nullptr ? deleted : std::max(newest->stamp, life(*newest));
    const bool is_wanted = newest != nullptr || (noted != nullptr && !noted->record.memory.empty());
    const bool is_unsettled = is_wanted && (noted == nullptr || version > noted->generation);
    print(state, id, newest != nullptr, newest == nullptr ? "" : newest->record.memory, history,
          is_unsettled);
  }
  return state.str();
}

/// What writers with clocks of their own may do to a few memories, each knowing only some of what
/// the others did.
std::vector<Operation> random_operations(FakeRandom& random) {
  std::vector<Operation> operations;
  std::uint64_t time = 0;
  for (std::size_t i = 3 + random.below(10); i > 0; --i) {
    const std::string id(1, static_cast<char>('a' + random.below(2)));
    time += random.below(3);  // two writers may well use the same time
    const Stamp stamp = at(time + 1, 1 + i);
    std::vector<Stamp> lives;
    for (const Operation& each : operations) {
      const bool is_life = each.record.id == id && each.kind == MemoryEvent::kAdd;
      if (is_life && each.stamp < stamp) lives.push_back(each.stamp);
    }
    const std::string text = "text " + std::to_string(i);
    if (random.once_in(4)) {
      const bool is_blank = operations.empty() || random.once_in(4);
      operations.push_back(mark(id, stamp, is_blank ? Stamp{} : random.pick(operations).stamp,
                                random.once_in(3) ? "" : text));
    } else if (lives.empty() || random.once_in(4)) {
      operations.push_back(add(id, stamp, text));
    } else if (random.once_in(3)) {
      operations.push_back(removal(id, stamp));
    } else {
      operations.push_back(update(id, stamp, random.pick(lives), text));
    }
  }
  return operations;
}

/// Follows a table by the effects that it reports alone.
class Mirror {
 public:
  void follow(const MemoryTable& table, MemoryTable::Applied applied) {
    const MemoryEntry& entry = table[applied.index];
    switch (applied.effect) {
      case Effect::kNone:
        break;
      case Effect::kAdded:
        CHECK(texts_.emplace(entry.record.id, entry.record.memory).second);
        break;
      case Effect::kChanged:
        CHECK(texts_.contains(entry.record.id));
        texts_[entry.record.id] = entry.record.memory;
        break;
      case Effect::kRemoved:
        CHECK(texts_.erase(entry.record.id) == 1);
        break;
    }
  }
  void check(const MemoryTable& table) const {
    std::map<std::string, std::string> live;
    for (EntryIndex i = 0; i < table.size(); ++i) {
      if (table[i].is_live()) live[table[i].record.id] = table[i].record.memory;
    }
    CHECK(live == texts_);
    CHECK(live.size() == table.live());
  }

 private:
  std::map<std::string, std::string> texts_;
};

MemoryTable applied(const std::vector<Operation>& operations) {
  MemoryTable table;
  for (const Operation& each : operations)
    table.merge(entry_of(each));
  return table;
}

std::vector<Operation> some_of(FakeRandom& random, const std::vector<Operation>& operations) {
  std::vector<Operation> some;
  for (const Operation& each : operations) {
    if (random.once_in(2)) some.push_back(each);
  }
  random.shuffle(some);
  return some;
}

MemoryEntry entry(const MemoryTable& table, const std::string& id) {
  const std::optional<EntryIndex> index = table.find(id);
  REQUIRE(index);
  return table[*index];
}

}  // namespace

TEST_CASE("add, update and delete do what they say and report it", "[memory_table]") {
  MemoryTable table;
  CHECK(table.apply(add("a", at(1), "one")).effect == Effect::kAdded);
  CHECK(table.apply(update("a", at(2), at(1), "two")).effect == Effect::kChanged);
  CHECK(entry(table, "a").record.memory == "two");
  CHECK(table.live() == 1);
  CHECK(table.apply(removal("a", at(3))).effect == Effect::kRemoved);
  CHECK_FALSE(entry(table, "a").is_live());
  CHECK(table.live() == 0);
  CHECK(table.size() == 1);
  CHECK_FALSE(table.find("b"));
}

TEST_CASE("an operation that comes again has no effect", "[memory_table]") {
  const std::vector<Operation> operations{add("a", at(1), "one"), update("a", at(2), at(1), "two"),
                                          removal("b", at(3)), add("c", at(4), "three")};
  MemoryTable table = applied(operations);
  const std::string before = state_of(table);
  for (const Operation& each : operations)
    CHECK(table.apply(each).effect == Effect::kNone);
  CHECK(state_of(table) == before);
}

TEST_CASE("a delete beats an update that did not know of it, whichever comes first",
          "[memory_table]") {
  const Operation made = add("a", at(1), "secret");
  const Operation stale = update("a", at(7, 2), at(1), "secret, changed");
  const Operation gone = removal("a", at(5));
  for (const auto& order : {std::vector{made, stale, gone}, std::vector{made, gone, stale},
                            std::vector{stale, gone, made}, std::vector{gone, stale, made}}) {
    const MemoryTable table = applied(order);
    CHECK_FALSE(entry(table, "a").is_live());
    CHECK(state_of(table).find("secret") == std::string::npos);
    CHECK(entry(table, "a").history.size() == 3);
  }
}

TEST_CASE("what is added again after a delete lives, without its old changes", "[memory_table]") {
  const std::vector<Operation> operations{
      add("a", at(1), "first life"), removal("a", at(2)), add("a", at(3), "second life"),
      update("a", at(4, 2), at(1), "late change of the first life")};
  const MemoryTable table = applied(operations);
  CHECK(entry(table, "a").is_live());
  CHECK(entry(table, "a").record.memory == "second life");
  CHECK(state_of(table).find("first life") == std::string::npos);
}

TEST_CASE("an update whose add has not arrived stands for it", "[memory_table]") {
  MemoryTable table;
  CHECK(table.apply(update("a", at(2, 2), at(1), "two")).effect == Effect::kAdded);
  CHECK(entry(table, "a").record.memory == "two");
  CHECK(table.apply(add("a", at(1), "one")).effect == Effect::kNone);
  CHECK(entry(table, "a").record.memory == "two");
  REQUIRE(entry(table, "a").history.size() == 2);
  CHECK(entry(table, "a").history[0].entry.memory == "one");
}

TEST_CASE("a history is bounded, the same in whatever order it is heard of", "[memory_table]") {
  FakeRandom random(5);
  const std::vector<std::size_t> sizes{1, 20, 900, 5000, 60'000, 300'000, 1'000'000};
  std::vector<Operation> operations{add("a", at(1), "one"), mark("a", at(2), at(1), "a note")};
  for (std::uint64_t time = 3; time < 180; ++time) {
    const std::size_t size = time % 5 == 0 ? random.pick(sizes) : 1 + random.below(1200);
    operations.push_back(update("a", at(time, 1 + time % 3), at(1), std::string(size, 'x')));
  }
  // By the rule: the newest hundred, and of the nth its text where n times its bytes fit. And the
  // mark, however old.
  std::vector<HistoryEntry> history{{MemoryEvent::kNoop, "a note", operations[1].at_ms}};
  for (std::size_t n = kHistorySteps; n > 0; --n) {
    const Operation& each = operations[operations.size() - n];
    const bool is_kept = n == 1 || n * each.record.memory.size() <= kHistoryBytes;
    history.push_back({each.kind, is_kept ? each.record.memory : "", each.at_ms});
  }
  std::ostringstream expected;
  print(expected, "a", true, operations.back().record.memory, history, true);

  CHECK(state_of(applied(operations)) == expected.str());
  for (int round = 0; round < 4; ++round) {
    random.shuffle(operations);
    CHECK(state_of(applied(operations)) == expected.str());
    // What two know of it, each only a part, and one part both.
    MemoryTable left = applied(some_of(random, operations));
    const std::vector<Operation> rest = some_of(random, operations);
    const MemoryTable right = applied(rest);
    for (EntryIndex i = 0; i < right.size(); ++i)
      left.merge(right.packed(i));
    for (const Operation& each : operations)
      left.apply(each);
    CHECK(state_of(left) == expected.str());
  }
}

TEST_CASE("a history without its oldest steps says nothing else than what was there",
          "[memory_table]") {
  MemoryTable table = applied({add("a", at(1), "text 1")});
  for (std::uint64_t time = 2; time <= 300; ++time)
    table.apply(update("a", at(time), at(1), "text " + std::to_string(time)));
  const std::vector<HistoryStep> history = entry(table, "a").history;
  REQUIRE(history.size() == kHistorySteps);
  CHECK(history.front().entry.memory == "text 201");
  CHECK(history.back().entry.memory == "text 300");
  // The memory lives and dies as before.
  CHECK(entry(table, "a").is_live());
  table.apply(removal("a", at(301)));
  CHECK_FALSE(entry(table, "a").is_live());
  CHECK(state_of(table).find("text") == std::string::npos);
}

TEST_CASE("of two updates at the same time the greater writer's wins everywhere",
          "[memory_table]") {
  const Operation made = add("a", at(1), "one");
  const Operation left = update("a", at(2, 1), at(1), "left");
  const Operation right = update("a", at(2, 2), at(1), "right");
  CHECK(entry(applied({made, left, right}), "a").record.memory == "right");
  CHECK(entry(applied({made, right, left}), "a").record.memory == "right");
}

TEST_CASE("a delete of what nobody knows waits for it", "[memory_table]") {
  MemoryTable table;
  CHECK(table.apply(removal("a", at(5))).effect == Effect::kNone);
  CHECK(table.apply(add("a", at(1), "one")).effect == Effect::kNone);
  CHECK(table.live() == 0);
  CHECK(table.apply(add("a", at(6), "again")).effect == Effect::kAdded);
}

TEST_CASE("positions stay, and only grow", "[memory_table]") {
  MemoryTable table = applied({add("a", at(1), "one"), add("b", at(2), "two")});
  table.apply(removal("a", at(3)));
  table.apply(add("c", at(4), "three"));
  table.apply(add("a", at(5), "again"));
  CHECK(table.find("a") == 0);
  CHECK(table.find("b") == 1);
  CHECK(table.find("c") == 2);
}

TEST_CASE("any order and any repetition of operations gives the same memories",
          "[memory_table][property]") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    FakeRandom random(seed);
    std::vector<Operation> operations = random_operations(random);
    const std::string expected = expected_state(operations);
    for (int round = 0; round < 4; ++round) {
      std::vector<Operation> order = operations;
      for (std::size_t i = random.below(5); i > 0; --i)
        order.push_back(random.pick(operations));
      random.shuffle(order);
      MemoryTable table;
      Mirror mirror;
      for (const Operation& each : order)
        mirror.follow(table, table.merge(entry_of(each)));
      REQUIRE(state_of(table) == expected);
      mirror.check(table);
    }
  }
}

TEST_CASE("merging what several stores know gives what they know together",
          "[memory_table][property]") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    INFO("seed " << seed);
    FakeRandom random(seed);
    const std::vector<Operation> operations = random_operations(random);
    // Every operation is known to some store; entries and operations arrive in any order.
    std::vector<MemoryEntry> entries;
    std::vector<Operation> loose = some_of(random, operations);
    std::vector<Operation> rest = operations;
    for (int store = 0; store < 3; ++store) {
      const std::vector<Operation> known = store == 2 ? rest : some_of(random, operations);
      const MemoryTable table = applied(known);
      for (EntryIndex i = 0; i < table.size(); ++i)
        entries.push_back(table[i]);
    }
    random.shuffle(entries);
    MemoryTable table;
    Mirror mirror;
    while (!entries.empty() || !loose.empty()) {
      const bool take_entry = loose.empty() || (!entries.empty() && random.once_in(2));
      if (take_entry) {
        mirror.follow(table, table.merge(entries.back()));
        if (random.once_in(4)) mirror.follow(table, table.merge(entries.back()));
        entries.pop_back();
      } else {
        mirror.follow(table, table.merge(entry_of(loose.back())));
        loose.pop_back();
      }
    }
    REQUIRE(state_of(table) == expected_state(operations));
    mirror.check(table);
  }
}

// ------------------------------------------------------------------------------------- segments

namespace {

StoredSegment segment_of(const MemoryTable& table, bool is_whole = true) {
  SegmentEncoder encoder;
  for (EntryIndex i = 0; i < table.size(); ++i)
    encoder.add(table.packed(i));
  StoredSegment segment{.value = "a header", .begin = 8, .is_whole = is_whole};
  encoder.finish(segment.value);
  segment.value.shrink_to_fit();
  return segment;
}

}  // namespace

TEST_CASE("loading the segments of several stores gives what they know together",
          "[memory_table][property]") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    FakeRandom random(seed);
    const std::vector<Operation> operations = random_operations(random);
    MemoryTable table;
    Stamp newest;
    for (int store = 0; store < 3; ++store) {
      const MemoryTable part = applied(store == 2 ? operations : some_of(random, operations));
      table.load(segment_of(part, random.once_in(2)));
      newest = std::max(newest, part.newest());
    }
    REQUIRE(state_of(table) == expected_state(operations));
    CHECK(table.newest() == newest);
    std::size_t live = 0;
    std::size_t expiring = 0;
    for (EntryIndex i = 0; i < table.size(); ++i) {
      const PackedEntry entry = table.packed(i);
      live += entry.is_live() ? 1 : 0;
      expiring += entry.is_live() && entry.expires() ? 1 : 0;
      CHECK(entry.is_live() == table[i].is_live());
      CHECK(table.find(table[i].record.id) == i);
    }
    CHECK(table.live() == live);
    CHECK(table.expiring() == expiring);
    // What is known already changes nothing, however it comes.
    const std::size_t bytes = table.bytes();
    const MemoryTable copy = applied(operations);
    for (EntryIndex i = 0; i < copy.size(); ++i)
      CHECK(table.merge(copy.packed(i)).effect == Effect::kNone);
    CHECK(table.bytes() == bytes);
  }
}

TEST_CASE("the space of what was changed or deleted is used again", "[memory_table]") {
  const std::string text(200, 'x');
  const bool from_segment = GENERATE(false, true);
  MemoryTable table;
  std::uint64_t time = 0;
  for (int i = 0; i < 5000; ++i)
    table.apply(add(std::to_string(i), at(++time), text));
  if (from_segment) {
    MemoryTable loaded;
    loaded.load(segment_of(table));
    table = std::move(loaded);
  }
  const std::size_t before = table.bytes();
  CHECK(before < 5000 * (text.size() + 80));
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 5000; ++i) {
      const auto index = table.find(std::to_string(i));
      REQUIRE(index);
      table.apply(update(std::to_string(i), at(++time), table[*index].generation,
                         "round " + std::to_string(round) + text));
      // A history of five texts would need its room.
      table.apply(removal(std::to_string(i), at(++time)));
      table.apply(add(std::to_string(i), at(++time), text));
    }
    CHECK(table.live() == 5000);
  }
  for (int i = 0; i < 5000; ++i)
    CHECK(table[*table.find(std::to_string(i))].record.memory == text);
  for (int i = 0; i < 5000; ++i) {
    if (i % 10 != 0) table.apply(removal(std::to_string(i), at(++time)));
  }
  CHECK(table.live() == 500);
  for (int i = 0; i < 5000; i += 10)
    CHECK(table[*table.find(std::to_string(i))].record.memory == text);
  const std::size_t history_bytes = 5000 * 20 * 30;
  CHECK(table.bytes() < before / 5 + history_bytes);
}

TEST_CASE("memories of any size are kept", "[memory_table]") {
  MemoryTable table;
  std::uint64_t time = 0;
  const std::vector<std::size_t> sizes{0, 1, 1000, 100'000, 1'000'000, 3'000'000, 5};
  for (const std::size_t size : sizes)
    table.apply(add(std::to_string(size), at(++time), std::string(size, 'x')));
  for (const std::size_t size : sizes)
    CHECK(table[*table.find(std::to_string(size))].record.memory.size() == size);
  MemoryTable loaded;
  loaded.load(segment_of(table));
  CHECK(state_of(loaded) == state_of(table));
}

// ---------------------------------------------------------------------------------------- clock

TEST_CASE("stamps grow whatever the wall clock does", "[memory_table]") {
  HybridClock clock(7);
  Stamp last;
  for (const TimestampMs now : {1000, 1000, 1000, 5, 0, -7, 1001, 1001, 2000, 3}) {
    const Stamp next = clock.next(now);
    CHECK(next > last);
    CHECK(next.writer == 7);
    CHECK_FALSE(next.is_never());
    last = next;
  }
  CHECK(HybridClock(1).next(kStart).ms() == kStart);
}

TEST_CASE("a wall clock far off leaves room for stamps to grow", "[memory_table]") {
  HybridClock clock(1);
  Stamp last;
  for (const TimestampMs now :
       {std::numeric_limits<TimestampMs>::max(), kStart, TimestampMs{9007199254740991},
        std::numeric_limits<TimestampMs>::min()}) {
    for (int i = 0; i < 5000; ++i) {
      const Stamp next = clock.next(now);
      REQUIRE(next > last);
      last = next;
    }
  }
}

TEST_CASE("a stamp is greater than every stamp that was shown to its clock", "[memory_table]") {
  HybridClock ahead(1);
  const Stamp seen = ahead.next(kStart + kDay);
  HybridClock behind(2);
  behind.observe(seen);
  CHECK(behind.next(kStart) > seen);
  CHECK(behind.next(kStart).ms() == kStart + kDay);
}

TEST_CASE("more than 4096 stamps in a millisecond run into the next one", "[memory_table]") {
  HybridClock clock(1);
  Stamp last;
  for (int i = 0; i < 5000; ++i) {
    const Stamp next = clock.next(kStart);
    REQUIRE(next > last);
    last = next;
  }
  CHECK(last.ms() == kStart + 1);
  CHECK(clock.next(kStart + 5).ms() == kStart + 5);
}
