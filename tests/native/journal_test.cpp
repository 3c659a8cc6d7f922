// SPDX-License-Identifier: MIT
#include "journal/journal.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/fake_storage.hpp"
#include "support/fakes.hpp"
#include "support/records.hpp"
#include "support/tasks.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

using Disk = std::shared_ptr<FakeDisk>;
using Texts = std::map<std::string, std::string>;

Texts texts_of(const MemoryTable& table) {
  Texts texts;
  for (EntryIndex i = 0; i < table.size(); ++i) {
    if (table[i].is_live()) texts[table[i].record.id] = table[i].record.memory;
  }
  return texts;
}

/// What was acknowledged, by whomever.
using Acknowledged = std::vector<Operation>;

MemoryTable table_of(const Acknowledged& operations) {
  MemoryTable table;
  for (const Operation& each : operations)
    table.apply(each);
  return table;
}

/// A journal and the table that it feeds, as one tab has them.
class Tab {
 public:
  Tab(Disk disk, std::uint64_t writer, std::shared_ptr<StorageScript> script = nullptr)
      : script_(script ? std::move(script) : std::make_shared<StorageScript>()),
        storage_(std::move(disk), script_),
        journal_(storage_, writer),
        clock_(writer) {}

  [[nodiscard]] StorageScript& script() { return *script_; }
  [[nodiscard]] Journal& journal() { return journal_; }
  [[nodiscard]] const MemoryTable& table() const { return table_; }
  [[nodiscard]] Texts texts() const { return texts_of(table_); }
  [[nodiscard]] const std::vector<Error>& damage() const { return damage_; }
  [[nodiscard]] const Acknowledged& acknowledged() const { return acknowledged_; }

  Async<void> open() {
    Result<JournalNews> news = co_await journal_.open();
    if (!news) co_return std::move(news).error();
    image_ = news->image;
    take(*std::move(news));
    co_return Result<void>();
  }
  Async<void> read() {
    Result<JournalNews> news = co_await journal_.read_news();
    if (!news) co_return std::move(news).error();
    take(*std::move(news));
    co_return Result<void>();
  }
  Async<void> write(Operation operation) {
    const std::vector<MemoryEntry> operations{to_entry(operation)};
    Result<void> written = co_await journal_.append(&operations);
    if (!written) co_return std::move(written).error();
    acknowledged_.push_back(operation);
    table_.apply(std::move(operation));
    co_return Result<void>();
  }
  Async<void> fold(TimestampMs now_ms = kStart) {
    Result<void> taken = co_await read();
    if (!taken) co_return std::move(taken).error();
    std::vector<EntryIndex> order;
    for (EntryIndex i = 0; i < table_.size(); ++i) {
      if (table_[i].is_live()) order.push_back(i);
    }
    bool is_begun = false;
    const auto make_image = [&]() -> std::optional<ViewImage> {
      if (!std::exchange(is_begun, true)) return std::nullopt;
      ViewImage image;
      image.version = 7;
      image.sections.push_back("some section");
      image.sections.emplace_back(padding_, 'p');
      return image;
    };
    const Result<bool> folded =
        co_await journal_.fold(table_, order, make_image, clock_.next(kStart), now_ms);
    if (!folded) co_return folded.error();
    co_return Result<void>();
  }

  Operation add(const std::string& id, std::string text) {
    Operation operation;
    operation.stamp = clock_.next(kStart);
    operation.at_ms = kStart;
    operation.record.id = id;
    operation.record.memory = std::move(text);
    return operation;
  }
  Operation update(const std::string& id, std::string text) {
    Operation operation = add(id, std::move(text));
    operation.kind = MemoryEvent::kUpdate;
    const auto index = table_.find(id);
    if (index) operation.generation = table_[*index].generation;
    return operation;
  }
  Operation remove(const std::string& id) {
    Operation operation = add(id, {});
    operation.kind = MemoryEvent::kDelete;
    return operation;
  }

  /// Makes images so many bytes larger.
  void pad_images(std::size_t bytes) { padding_ = bytes; }
  [[nodiscard]] bool has_image() const { return image_.has_value(); }

 private:
  void take(JournalNews news) {
    for (StoredSegment& each : news.segments)
      table_.load(std::move(each));
    for (StoredSegment& each : news.records)
      table_.load(std::move(each));
    clock_.observe(table_.newest());
    for (const Error& each : news.damage)
      damage_.push_back(each);
  }

  std::shared_ptr<StorageScript> script_;
  FakeStorage storage_;
  Journal journal_;
  HybridClock clock_;
  MemoryTable table_;
  std::optional<ViewImage> image_;
  std::vector<Error> damage_;
  Acknowledged acknowledged_;
  std::size_t padding_ = 0;
};

std::unique_ptr<Tab> opened(const Disk& disk, std::uint64_t writer) {
  auto tab = std::make_unique<Tab>(disk, writer);
  value_of(tab->open());
  return tab;
}

/// What somebody finds who opens the store now.
Texts found_in(const Disk& disk) {
  static std::uint64_t writer = 1'000'000;
  const std::unique_ptr<Tab> tab = opened(disk, ++writer);
  CHECK(tab->damage().empty());
  return tab->texts();
}

void check_bytes(Tab& tab, const FakeDisk& disk) {
  CHECK(tab.journal().stored_bytes() == disk.bytes());
}

std::string text_of(int number) { return "memory number " + std::to_string(number); }

/// A store with a checkpoint of a to d, d deleted, and a log with e and a change of a.
Disk make_store() {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  for (const std::string id : {"a", "b", "c", "d"})
    value_of(tab->write(tab->add(id, "text " + id)));
  value_of(tab->write(tab->remove("d")));
  value_of(tab->fold());
  value_of(tab->write(tab->add("e", "text e")));
  value_of(tab->write(tab->update("a", "text a, changed")));
  return disk;
}
const Texts kStored{{"a", "text a, changed"}, {"b", "text b"}, {"c", "text c"}, {"e", "text e"}};

std::string only_key(const FakeDisk& disk, std::string_view prefix) {
  const std::vector<std::string> keys = disk.keys(prefix);
  REQUIRE(keys.size() == 1);
  return keys.front();
}

void flip(std::string& value, std::size_t byte) {
  REQUIRE(byte < value.size());
  value[byte] = static_cast<char>(static_cast<unsigned char>(value[byte]) ^ 0x10U);
}

}  // namespace

// -------------------------------------------------------------------------------------- alone

TEST_CASE("an empty store has no news", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  CHECK(tab->texts().empty());
  CHECK(tab->damage().empty());
  CHECK_FALSE(tab->journal().is_fold_due(kStart));
  CHECK(tab->journal().stored_bytes() == 0);
  CHECK(disk->values.empty());
}

TEST_CASE("what was appended is there after opening again, with and without a fold", "[journal]") {
  const Disk disk = make_store();
  CHECK(found_in(disk) == kStored);
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  value_of(tab->fold());
  CHECK(disk->keys("log/").empty());
  CHECK(disk->keys("head/").size() == 1);
  CHECK(found_in(disk) == kStored);
}

TEST_CASE("histories and tombstones go through folds", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> before = opened(disk, 2);
  value_of(before->fold());
  const std::unique_ptr<Tab> after = opened(disk, 3);
  for (EntryIndex i = 0; i < before->table().size(); ++i) {
    const MemoryEntry& entry = before->table()[i];
    const auto index = after->table().find(entry.record.id);
    REQUIRE(index);
    CHECK(shown(after->table()[*index]) == shown(entry));
  }
  CHECK(after->table().size() == before->table().size());
}

TEST_CASE("a fold makes one checkpoint of everything and removes what went into it", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  const std::string old_head = only_key(*disk, "head/");
  value_of(tab->fold());
  CHECK(only_key(*disk, "head/") != old_head);
  CHECK(disk->keys("segment/").size() == 1);
  CHECK(disk->keys("image/").size() == 1);
  CHECK(disk->values.size() == 3);
}

TEST_CASE("the image of a checkpoint comes back with it, live entries first", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  for (int i = 0; i < 5; ++i)
    value_of(tab->write(tab->add(std::to_string(i), text_of(i))));
  value_of(tab->write(tab->remove("0")));
  value_of(tab->fold());
  const std::unique_ptr<Tab> again = opened(disk, 2);
  CHECK(again->has_image());
  for (EntryIndex i = 0; i < 5; ++i)
    CHECK(again->table()[i].is_live() == (i < 4));
}

TEST_CASE("checkpoints larger than a value are cut, images too", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  tab->pad_images(700'000);
  for (int i = 0; i < 6; ++i) {
    value_of(tab->write(tab->add(std::to_string(i), std::string(150'000, 'x'))));
  }
  CHECK(tab->journal().is_fold_due(kStart));
  value_of(tab->fold());
  CHECK(disk->keys("segment/").size() == 3);
  CHECK(disk->keys("image/").size() == 3);
  for (const auto& [key, value] : disk->values)
    CHECK(value.size() < std::size_t{1} << 19);
  check_bytes(*tab, *disk);
  const std::unique_ptr<Tab> again = opened(disk, 2);
  CHECK(again->texts() == tab->texts());
  CHECK(again->has_image());
  check_bytes(*again, *disk);

  SECTION("a missing part of the image costs only the image") {
    disk->values.erase(disk->keys("image/")[1]);
    const std::unique_ptr<Tab> third = opened(disk, 3);
    CHECK_FALSE(third->has_image());
    CHECK(third->damage().empty());
    CHECK(third->texts() == tab->texts());
    check_bytes(*third, *disk);
    value_of(third->fold());
    CHECK(disk->values.size() == 5);
    check_bytes(*third, *disk);
  }
  SECTION("a missing segment is told, the others live") {
    disk->values.erase(disk->keys("segment/")[1]);
    const std::unique_ptr<Tab> third = opened(disk, 3);
    REQUIRE(third->damage().size() == 1);
    CHECK(third->damage()[0].code == ErrorCode::kCorrupt);
    CHECK(third->damage()[0].message == "a segment of a checkpoint is missing");
    CHECK(third->texts().size() == 4);
    value_of(third->fold());
    CHECK(found_in(disk).size() == 4);
  }
}

TEST_CASE("a memory larger than a value is one by itself", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  for (const std::size_t size : {10, 1'000'000, 10, 10})
    value_of(tab->write(tab->add(std::to_string(tab->texts().size()), std::string(size, 'x'))));
  value_of(tab->fold());
  CHECK(disk->keys("segment/").size() == 3);
  for (const auto& [key, value] : disk->values)
    CHECK((value.size() < 2'000 || value.size() > 1'000'000));
  CHECK(opened(disk, 2)->texts() == tab->texts());
}

TEST_CASE("a fold is due when the log is long or large", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  SECTION("long") {
    for (int i = 0; i < 47; ++i)
      value_of(tab->write(tab->add(std::to_string(i), "x")));
    CHECK_FALSE(tab->journal().is_fold_due(kStart));
    value_of(tab->write(tab->add("last", "x")));
  }
  SECTION("long beside a large checkpoint: a record for every 4 KiB") {
    tab->pad_images(std::size_t{2} << 20);
    value_of(tab->write(tab->add("first", "x")));
    value_of(tab->fold());
    for (int i = 0; i < 511; ++i)
      value_of(tab->write(tab->add(std::to_string(i), "x")));
    CHECK_FALSE(tab->journal().is_fold_due(kStart));
    CHECK_FALSE(opened(disk, 2)->journal().is_fold_due(kStart));
    value_of(tab->write(tab->add("next", "x")));
    value_of(tab->write(tab->add("last", "x")));
  }
  SECTION("large") {
    value_of(tab->write(tab->add("a", std::string(500'000, 'x'))));
    CHECK_FALSE(tab->journal().is_fold_due(kStart));
    value_of(tab->write(tab->add("b", std::string(50'000, 'x'))));
  }
  CHECK(tab->journal().is_fold_due(kStart));
  CHECK(opened(disk, 2)->journal().is_fold_due(kStart));
  value_of(tab->fold());
  CHECK_FALSE(tab->journal().is_fold_due(kStart));
  CHECK_FALSE(opened(disk, 3)->journal().is_fold_due(kStart));
}

TEST_CASE("the number of bytes stored is that of the disk", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  const std::unique_ptr<Tab> other = opened(disk, 2);
  for (int i = 0; i < 20; ++i) {
    value_of(tab->write(tab->add(std::to_string(i), text_of(i))));
    check_bytes(*tab, *disk);
    if (i % 3 == 0) value_of(tab->fold());
    check_bytes(*tab, *disk);
    check_bytes(*opened(disk, 100 + static_cast<std::uint64_t>(i)), *disk);
    if (i % 2 == 0) value_of(other->read());
    if (i % 2 == 0) check_bytes(*other, *disk);
    if (i % 8 == 0) value_of(other->fold());
    value_of(tab->read());
    check_bytes(*tab, *disk);
  }
}

// ------------------------------------------------------------------------------------- failing

TEST_CASE("a failed append has changed nothing and can be repeated", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  const auto before = disk->values;
  tab->script().fail_next(ErrorCode::kQuotaExceeded);
  const Operation operation = tab->add("f", "text f");
  CHECK(error_of(tab->write(operation)).code == ErrorCode::kQuotaExceeded);
  CHECK(disk->values == before);
  check_bytes(*tab, *disk);
  value_of(tab->write(operation));
  CHECK(found_in(disk) == tab->texts());
}

TEST_CASE("a fold that fails at any step has changed nothing and can be repeated", "[journal]") {
  for (std::size_t step = 0;; ++step) {
    const Disk disk = make_store();
    const std::unique_ptr<Tab> tab = opened(disk, 2);
    const auto before = disk->values;
    tab->script().fail_at = tab->script().calls.size() + step;
    const Result<void> folded = run_ready(tab->fold());
    if (folded) {
      CHECK(step == 5);  // log, the rest of it, heads, lock, write
      break;
    }
    INFO("step " << step);
    CHECK(disk->values == before);
    CHECK(tab->texts() == kStored);
    value_of(tab->fold());
    CHECK(disk->keys("log/").empty());
    CHECK(found_in(disk) == kStored);
  }
}

TEST_CASE("an open that fails at any step gives the store's error and touches nothing",
          "[journal]") {
  const Disk disk = make_store();
  const auto before = disk->values;
  std::size_t step = 0;
  for (;; ++step) {
    Tab tab(disk, 2);
    tab.script().fail_at = step;
    const Result<void> done = run_ready(tab.open());
    CHECK(disk->values == before);
    if (done) break;
    CHECK(done.error().code == ErrorCode::kStorage);
    CHECK(done.error().retryable);
  }
  CHECK(step == 5);  // heads, log, segments, image, heads again
}

TEST_CASE("news that could not be read in full are read in full the next time", "[journal]") {
  for (std::size_t step = 0;; ++step) {
    INFO("step " << step);
    auto disk = std::make_shared<FakeDisk>();
    const std::unique_ptr<Tab> writer = opened(disk, 1);
    const std::unique_ptr<Tab> reader = opened(disk, 2);
    // Some in a checkpoint that the reader does not know, some in the log, more than a page.
    for (int i = 0; i < 3; ++i)
      value_of(writer->write(writer->add(std::to_string(i), text_of(i))));
    value_of(writer->fold());
    for (int i = 3; i < 80; ++i) {
      value_of(writer->write(writer->add(std::to_string(i), text_of(i))));
    }
    reader->script().fail_at = reader->script().calls.size() + step;
    const Result<void> read = run_ready(reader->read());
    if (read) {
      CHECK(step >= 4);
      break;
    }
    CHECK(reader->texts().empty());
    value_of(reader->read());
    CHECK(reader->texts() == writer->texts());
    value_of(reader->fold());
    CHECK(found_in(disk) == writer->texts());
  }
}

TEST_CASE("a fold gives way where somebody else is folding", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  const auto before = disk->values;
  tab->script().refuse_locks = true;
  value_of(tab->fold());
  CHECK(disk->values == before);
  tab->script().refuse_locks = false;
  value_of(tab->fold());
  value_of(opened(disk, 3)->fold());  // the lock was given back
  CHECK(found_in(disk) == kStored);
}

TEST_CASE("a crash at any step loses nothing that was acknowledged", "[journal]") {
  const auto run = [](Tab* tab) -> Task<void> {
    // Each step stands alone: after a crash the others fail as well.
    (void)co_await tab->open();
    Operation operation = tab->add("a", "text a");
    (void)co_await tab->write(operation);
    operation = tab->add("b", "text b");
    (void)co_await tab->write(operation);
    (void)co_await tab->fold();
    operation = tab->update("a", "text a, changed");
    (void)co_await tab->write(operation);
    operation = tab->remove("b");
    (void)co_await tab->write(operation);
    operation = tab->add("c", "text c");
    (void)co_await tab->write(operation);
    (void)co_await tab->fold();
    operation = tab->add("b", "text b, again");
    (void)co_await tab->write(operation);
  };
  std::size_t steps = 0;
  {
    Tab tab(std::make_shared<FakeDisk>(), 1);
    run_ready(run(&tab));
    steps = tab.script().calls.size();
    CHECK(tab.acknowledged().size() == 6);
    CHECK(steps > 15);
  }
  for (std::size_t step = 0; step < steps; ++step) {
    for (const bool after_write : {false, true}) {
      INFO("crash at step " << step << (after_write ? ", written" : ", not written"));
      auto disk = std::make_shared<FakeDisk>();
      Acknowledged acknowledged;
      std::optional<Operation> pending;
      {
        Tab tab(disk, 1);
        tab.script().crash_at = step;
        tab.script().crash_after_write = after_write;
        run_ready(run(&tab));
        acknowledged = tab.acknowledged();
      }
      const Texts found = found_in(disk);
      const Texts expected = texts_of(table_of(acknowledged));
      // One more operation may have reached the disk without having been acknowledged.
      Tab all(std::make_shared<FakeDisk>(), 1);
      run_ready(run(&all));
      const std::size_t count = acknowledged.size();
      const Acknowledged one_more(
          all.acknowledged().begin(),
          all.acknowledged().begin() +
              static_cast<std::ptrdiff_t>(std::min<std::size_t>(count + 1, 6)));
      const bool as_acknowledged = found == expected;
      const bool with_one_more = after_write && found == texts_of(table_of(one_more));
      CHECK((as_acknowledged || with_one_more));
      // And it goes on from there.
      const std::unique_ptr<Tab> next = opened(disk, 2);
      value_of(next->write(next->add("z", "text z")));
      value_of(next->fold());
      Texts more = found;
      more["z"] = "text z";
      CHECK(found_in(disk) == more);
    }
  }
}

// -------------------------------------------------------------------------------------- damage

TEST_CASE("a damaged image costs only time", "[journal]") {
  const Disk disk = make_store();
  std::string& image = disk->values[only_key(*disk, "image/")];
  SECTION("a changed byte") { flip(image, image.size() / 2); }
  SECTION("cut short") { image.resize(image.size() / 2); }
  SECTION("empty") { image.clear(); }
  SECTION("random") { image = "anything at all"; }
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  CHECK_FALSE(tab->has_image());
  CHECK(tab->damage().empty());
  CHECK(tab->texts() == kStored);
}

TEST_CASE("a damaged head costs nothing but its own knowledge", "[journal]") {
  const Disk disk = make_store();
  const std::string key = only_key(*disk, "head/");
  bool missing = false;
  SECTION("a changed byte") { flip(disk->values[key], 9); }
  SECTION("empty") { disk->values[key].clear(); }
  SECTION("missing") {
    disk->values.erase(key);
    missing = true;
  }
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  CHECK(tab->texts() == kStored);
  CHECK(tab->damage().size() == (missing ? 0U : 1U));
  check_bytes(*tab, *disk);
  value_of(tab->fold());
  CHECK(found_in(disk) == kStored);
  // Nothing of the old checkpoint stays behind.
  CHECK(disk->values.size() == 3);
  check_bytes(*tab, *disk);
}

TEST_CASE("damage to any byte of a segment costs at most one memory, which is told and set aside",
          "[journal]") {
  const Disk original = make_store();
  const std::string key = only_key(*original, "segment/");
  const std::size_t size = original->values[key].size();
  for (std::size_t byte = 0; byte < size; ++byte) {
    INFO("byte " << byte);
    auto disk = std::make_shared<FakeDisk>(*original);
    flip(disk->values[key], byte);
    const std::unique_ptr<Tab> tab = opened(disk, 2);
    REQUIRE(tab->damage().size() == 1);
    CHECK(tab->damage()[0].code == ErrorCode::kCorrupt);
    CHECK(tab->damage()[0].message.starts_with(key + " is damaged"));
    CHECK_FALSE(tab->has_image());
    // Deleted d is an entry too: without its tombstone it is simply not there.
    std::size_t lost = 0;
    for (const auto& [id, text] : kStored) {
      const Texts texts = tab->texts();
      const auto found = texts.find(id);
      if (found == texts.end()) ++lost;
      if (found != texts.end()) CHECK(found->second == text);
    }
    CHECK(lost <= 1);
    CHECK_FALSE(tab->texts().contains("d"));
    value_of(tab->fold());
    // Set aside is what could not be read, and nothing else.
    const std::string aside = disk->values["damaged/" + key];
    for (const auto& [id, text] : kStored)
      CHECK_FALSE((tab->texts().contains(id) && aside.find(text) != std::string::npos));
    const std::unique_ptr<Tab> next = opened(disk, 3);
    CHECK(next->damage().empty());
    CHECK(next->texts() == tab->texts());
    value_of(next->fold());
    CHECK(disk->values["damaged/" + key] == aside);
  }
}

TEST_CASE("damage to any byte of a log record costs no more than that record, told and set aside",
          "[journal]") {
  const Disk original = make_store();
  const std::string key = original->keys("log/").front();  // the one that adds e
  std::size_t lost = 0;
  for (std::size_t byte = 0; byte < original->values[key].size(); ++byte) {
    INFO("byte " << byte);
    auto disk = std::make_shared<FakeDisk>(*original);
    flip(disk->values[key], byte);
    const std::string damaged = disk->values[key];
    const std::unique_ptr<Tab> tab = opened(disk, 2);
    REQUIRE(tab->damage().size() == 1);
    CHECK(tab->damage()[0].message.starts_with(key + " is damaged"));
    Texts expected = kStored;
    if (!tab->texts().contains("e")) expected.erase("e");
    lost += kStored.size() - expected.size();
    CHECK(tab->texts() == expected);
    value_of(tab->fold());
    const std::string aside = disk->values["damaged/" + key];
    if (expected.contains("e")) {
      CHECK(aside.find("text e") == std::string::npos);
    } else {
      CHECK(aside == damaged);
    }
    CHECK(found_in(disk) == expected);
  }
  // A byte of its own text, at least.
  CHECK(lost >= std::string_view("text e").size());
}

TEST_CASE("what is damaged for one tab comes back from another that read it before", "[journal]") {
  for (const std::string prefix : {"log/", "segment/"}) {
    INFO(prefix);
    const Disk disk = make_store();
    const std::unique_ptr<Tab> knows = opened(disk, 2);
    std::string& value = disk->values[disk->keys(prefix).front()];
    value.resize(value.size() / 4);
    const std::unique_ptr<Tab> tab = opened(disk, 3);
    CHECK(tab->damage().size() == 1);
    CHECK(tab->texts() != kStored);
    value_of(knows->fold());
    value_of(tab->fold());
    CHECK(tab->texts() == kStored);
    CHECK(found_in(disk) == kStored);
  }
}

TEST_CASE("what was set aside goes with the last memory", "[journal]") {
  const Disk disk = make_store();
  std::string& value = disk->values[disk->keys("log/").front()];
  flip(value, value.find("text e"));
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  value_of(tab->fold());
  for (const std::string id : {"a", "b"})
    value_of(tab->write(tab->remove(id)));
  value_of(tab->fold());
  CHECK(disk->keys("damaged/").size() == 1);
  value_of(tab->write(tab->remove("c")));
  value_of(tab->fold());
  CHECK(disk->keys("damaged/").empty());
  CHECK(found_in(disk).empty());
}

TEST_CASE("an update outlives the record of its add", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  value_of(tab->write(tab->add("a", "text a")));
  value_of(tab->write(tab->update("a", "text a, changed")));
  std::string& record = disk->values[disk->keys("log/").front()];
  flip(record, record.find("text a"));
  const std::unique_ptr<Tab> next = opened(disk, 2);
  CHECK(next->texts() == Texts{{"a", "text a, changed"}});
  value_of(next->fold());
  CHECK(found_in(disk) == Texts{{"a", "text a, changed"}});
}

TEST_CASE("keys in the log that nobody wrote are told once and set aside", "[journal]") {
  const Disk disk = make_store();
  const std::vector<std::string> keys{"log/", "log/x", "log/0123456789abcdef/0123456789a",
                                      "log/0123456789abcdeg/000000000001",
                                      "log/0123456789abcdef-000000000001"};
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  const std::unique_ptr<Tab> early = opened(disk, 3);
  const std::string record = disk->values[disk->keys("log/").front()];
  for (const std::string& key : keys)
    disk->values[key] = record;
  SECTION("met when opening") {
    const std::unique_ptr<Tab> later = opened(disk, 4);
    CHECK(later->damage().size() == keys.size());
    value_of(later->read());
    CHECK(later->damage().size() == keys.size());
    value_of(later->fold());
  }
  SECTION("met as news") {
    for (int i = 0; i < 3; ++i)
      value_of(early->read());
    CHECK(early->damage().size() == keys.size());
    value_of(early->fold());
  }
  for (const std::string& key : keys) {
    CHECK(disk->values["damaged/" + key] == record);
    CHECK_FALSE(disk->values.contains(key));
  }
  CHECK(found_in(disk) == kStored);
}

TEST_CASE("what a newer version wrote is refused and stays as it is", "[journal]") {
  const Disk disk = make_store();
  const auto check_refused = [&](std::string key, FrameKind kind) {
    INFO(key);
    disk->values[key] = seal(kind, "from the future", kFormatVersion + 1);
    const auto before = disk->values;
    Tab tab(disk, 2);
    const Error error = error_of(tab.open());
    CHECK(error.code == ErrorCode::kCorrupt);
    CHECK(error.message ==
          "the store was written by a newer version of agent-memory-wasm than this one, which "
          "reads formats up to 2");
    CHECK_FALSE(error.retryable);
    CHECK(disk->values == before);
    CHECK(tab.script().count(StorageCall::Kind::kWrite) == 0);
  };
  SECTION("log") { check_refused(disk->keys("log/").back(), FrameKind::kOperations); }
  SECTION("log, under a key of its own") { check_refused("log/new", FrameKind::kOperations); }
  SECTION("head") { check_refused(only_key(*disk, "head/"), FrameKind::kHead); }
  SECTION("segment") { check_refused(only_key(*disk, "segment/"), FrameKind::kEntries); }
  SECTION("image") { check_refused(only_key(*disk, "image/"), FrameKind::kImage); }
}

TEST_CASE("what a newer version writes meanwhile is never folded away", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  const std::string key = "log/00000000000000ff/000000000001";
  const std::string value = seal(FrameKind::kOperations, "new", kFormatVersion + 1);
  disk->values[key] = value;
  for (int i = 0; i < 3; ++i) {
    CHECK(error_of(tab->read()).code == ErrorCode::kCorrupt);
    CHECK(error_of(tab->fold()).code == ErrorCode::kCorrupt);
  }
  CHECK(disk->values[key] == value);
  value_of(tab->write(tab->add("f", "text f")));
  CHECK(disk->values[key] == value);
}

// ---------------------------------------------------------------------------------- together

TEST_CASE("two journals see what the other wrote", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> left = opened(disk, 1);
  const std::unique_ptr<Tab> right = opened(disk, 2);
  value_of(left->write(left->add("a", "text a")));
  value_of(right->read());
  CHECK(right->texts() == left->texts());
  value_of(right->write(right->update("a", "changed")));
  value_of(right->write(right->add("b", "text b")));
  value_of(left->read());
  CHECK(left->texts() == Texts{{"a", "changed"}, {"b", "text b"}});
  value_of(left->write(left->remove("a")));
  value_of(right->read());
  CHECK(right->texts() == Texts{{"b", "text b"}});
}

TEST_CASE("a fold by another is noticed without reading again what is known", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> left = opened(disk, 2);
  const std::unique_ptr<Tab> right = opened(disk, 3);
  value_of(left->fold());
  right->script().calls.clear();
  value_of(right->read());
  for (const StorageCall& call : right->script().calls) {
    CHECK_FALSE(call.key.starts_with("segment/"));
  }
  CHECK(right->texts() == kStored);
  check_bytes(*right, *disk);
  CHECK_FALSE(right->journal().is_fold_due(kStart));
}

TEST_CASE("what was folded between two readings is not missed for what came after it",
          "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> writer = opened(disk, 1);
  const std::unique_ptr<Tab> reader = opened(disk, 2);
  value_of(writer->write(writer->add("a", "text a")));
  value_of(writer->fold());
  value_of(writer->write(writer->add("b", "text b")));
  value_of(reader->read());
  CHECK(reader->texts() == writer->texts());
  value_of(reader->fold());
  CHECK(found_in(disk) == writer->texts());
}

TEST_CASE("a fold over a checkpoint whose head was lost hides nothing from others", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> reader = opened(disk, 1);
  const std::unique_ptr<Tab> writer = opened(disk, 2);
  value_of(writer->write(writer->add("a", "text a")));
  value_of(writer->fold());
  disk->values.erase(only_key(*disk, "head/"));
  value_of(opened(disk, 3)->fold());
  value_of(reader->read());
  CHECK(reader->texts() == writer->texts());
  value_of(reader->fold());
  CHECK(found_in(disk) == writer->texts());
}

TEST_CASE("two folds at once leave two checkpoints, which the next one merges", "[journal]") {
  const Disk disk = make_store();
  Pump pump;
  const std::unique_ptr<Tab> left = opened(disk, 2);
  const std::unique_ptr<Tab> right = opened(disk, 3);
  for (Tab* tab : {left.get(), right.get()}) {
    tab->script().without_locks = true;
    tab->script().pump = &pump;
  }
  Started<Result<void>> one(left->fold());
  Started<Result<void>> two(right->fold());
  pump.run_all();
  value_of(one.take());
  value_of(two.take());
  CHECK(disk->keys("head/").size() == 2);
  CHECK(found_in(disk) == kStored);
  const std::unique_ptr<Tab> next = opened(disk, 4);
  CHECK(next->journal().is_fold_due(kStart));
  value_of(next->fold());
  CHECK(disk->keys("head/").size() == 1);
  CHECK(disk->values.size() == 3);
  CHECK(found_in(disk) == kStored);
}

TEST_CASE("a store that never stands still is not read in part", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> other = opened(disk, 2);
  int number = 0;
  const auto disturb = [&](const StorageCall& call) {
    if (call.key != "head/") return;
    value_of(other->write(other->add("n" + std::to_string(number), "text")));
    ++number;
    value_of(other->fold());
  };
  SECTION("when opening") {
    Tab tab(disk, 3);
    tab.script().before = disturb;
    const Error error = error_of(tab.open());
    CHECK(error.code == ErrorCode::kStorage);
    CHECK(error.retryable);
    tab.script().before = nullptr;
    value_of(tab.open());
    CHECK(tab.texts() == other->texts());
  }
  SECTION("when reading news") {
    const std::unique_ptr<Tab> tab = opened(disk, 3);
    tab->script().before = disturb;
    const Error error = error_of(tab->read());
    CHECK(error.code == ErrorCode::kStorage);
    CHECK(error.retryable);
    tab->script().before = nullptr;
    value_of(tab->read());
    CHECK(tab->texts() == other->texts());
  }
}

namespace {

/// Two or three tabs, each with a script of its own, over one store, in one order of events.
class Race {
 public:
  using Script = std::function<Task<void>(Tab*)>;

  Race(const std::vector<Script>& scripts, bool locks) : disk_(make_store()) {
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      tabs_.push_back(opened(disk_, 10 + i));
      tabs_.back()->script().pump = &pump_;
      tabs_.back()->script().without_locks = !locks;
    }
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      running_.push_back(std::make_unique<Started<void>>(scripts[i](tabs_[i].get())));
    }
  }

  [[nodiscard]] Pump& pump() { return pump_; }

  /// All is done: what was acknowledged is what everybody sees and what the disk holds.
  void check() {
    Acknowledged acknowledged;
    for (const auto& each : running_)
      REQUIRE(each->done());
    const std::unique_ptr<Tab> first = opened(make_store(), 99);
    MemoryTable expected;
    for (EntryIndex i = 0; i < first->table().size(); ++i)
      expected.merge(first->table()[i]);
    for (const auto& tab : tabs_) {
      for (const Operation& each : tab->acknowledged())
        expected.apply(each);
    }
    const Texts texts = texts_of(expected);
    REQUIRE(found_in(disk_) == texts);
    for (const auto& tab : tabs_) {
      tab->script().pump = nullptr;
      value_of(tab->read());
      REQUIRE(tab->texts() == texts);
    }
    value_of(tabs_.front()->fold());
    REQUIRE(found_in(disk_) == texts);
    value_of(tabs_.back()->read());
    REQUIRE(tabs_.back()->texts() == texts);
    check_bytes(*tabs_.back(), *disk_);
  }

 private:
  Disk disk_;
  Pump pump_;
  std::vector<std::unique_ptr<Tab>> tabs_;
  std::vector<std::unique_ptr<Started<void>>> running_;
};

/// Runs every order of events that two tabs' steps can have.
std::size_t run_all_orders(const std::vector<Race::Script>& scripts, bool locks) {
  std::size_t orders = 0;
  std::vector<std::size_t> choices;  // at each point with a choice, which one was taken
  for (;;) {
    Race race(scripts, locks);
    std::vector<std::size_t> widths;
    for (std::size_t point = 0; race.pump().waiting() > 0; ++point) {
      if (point == choices.size()) choices.push_back(0);
      widths.push_back(race.pump().waiting());
      race.pump().run(choices[point]);
    }
    race.check();
    ++orders;
    while (!choices.empty() && choices.back() + 1 >= widths[choices.size() - 1])
      choices.pop_back();
    if (choices.empty()) return orders;
    ++choices.back();
  }
}

Task<void> write_then_fold(Tab* tab) {
  Operation operation = tab->add("x", "text x");
  value_of(co_await tab->write(operation));
  operation = tab->update("a", "x's a");
  value_of(co_await tab->write(operation));
  value_of(co_await tab->fold());
}
Task<void> remove_then_read(Tab* tab) {
  Operation operation = tab->remove("a");
  value_of(co_await tab->write(operation));
  operation = tab->add("y", "text y");
  value_of(co_await tab->write(operation));
  value_of(co_await tab->read());
}
Task<void> fold_then_write(Tab* tab) {
  value_of(co_await tab->fold());
  Operation operation = tab->add("z", "text z");
  value_of(co_await tab->write(operation));
  operation = tab->update("b", "z's b");
  value_of(co_await tab->write(operation));
}
Task<void> all_sorts(Tab* tab) {
  Operation operation = tab->add("w" + std::to_string(tab->table().size()), "text w");
  value_of(co_await tab->write(operation));
  value_of(co_await tab->fold());
  operation = tab->remove("c");
  value_of(co_await tab->write(operation));
  value_of(co_await tab->read());
  operation = tab->update("e", "w's e");
  value_of(co_await tab->write(operation));
  value_of(co_await tab->fold());
}

}  // namespace

TEST_CASE("every order of one tab that folds and one that writes loses nothing",
          "[journal][property]") {
  // Each call waits twice, before it takes effect and before it answers.
  CHECK(run_all_orders({write_then_fold,
                        [](Tab* tab) -> Task<void> {
                          Operation operation = tab->remove("a");
                          value_of(co_await tab->write(operation));
                        }},
                       true) > 100);
}

TEST_CASE("random orders of tabs that fold and write at once lose nothing", "[journal][property]") {
  const std::vector<std::vector<Race::Script>> casts{
      {write_then_fold, remove_then_read},
      {write_then_fold, fold_then_write},
      {fold_then_write, fold_then_write, write_then_fold},
      {all_sorts, all_sorts, remove_then_read},
      {all_sorts, write_then_fold, fold_then_write, all_sorts}};
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    for (std::size_t cast = 0; cast < casts.size(); ++cast) {
      for (const bool locks : {true, false}) {
        INFO("seed " << seed << ", cast " << cast << ", locks " << locks);
        FakeRandom random(seed);
        Race race(casts[cast], locks);
        race.pump().run_all(random);
        race.check();
      }
    }
  }
}

TEST_CASE("random runs of three tabs, some of which crash, lose nothing", "[journal][property]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    FakeRandom random(seed);
    auto disk = std::make_shared<FakeDisk>();
    std::vector<std::unique_ptr<Tab>> tabs;
    MemoryTable expected;
    std::uint64_t writer = 0;
    for (int step = 0; step < 60; ++step) {
      if (tabs.size() < 3) {
        tabs.push_back(opened(disk, ++writer));
        REQUIRE(tabs.back()->texts() == texts_of(expected));
      }
      const std::size_t at = random.below(tabs.size());
      Tab& tab = *tabs[at];
      const std::string id(1, static_cast<char>('a' + random.below(6)));
      std::optional<Operation> operation;
      switch (random.below(8)) {
        case 0:
        case 1:
          if (!tab.texts().contains(id)) operation = tab.add(id, "step " + std::to_string(step));
          break;
        case 2:
        case 3:
          if (tab.texts().contains(id)) operation = tab.update(id, "step " + std::to_string(step));
          break;
        case 4:
          if (tab.texts().contains(id)) operation = tab.remove(id);
          break;
        case 5:
          value_of(tab.fold());
          break;
        case 6:
          value_of(tab.read());
          break;
        default:
          tabs.erase(tabs.begin() + static_cast<std::ptrdiff_t>(at));
          break;
      }
      if (!operation) continue;
      value_of(tab.write(*operation));
      expected.apply(*operation);
    }
    REQUIRE(found_in(disk) == texts_of(expected));
    for (const auto& tab : tabs) {
      value_of(tab->read());
      REQUIRE(tab->texts() == texts_of(expected));
    }
  }
}

// ------------------------------------------------------------------------------------- growth

TEST_CASE("a head that counts more than there can be is damaged, and costs no time", "[journal]") {
  for (const bool segments : {true, false}) {
    const Disk disk = make_store();
    CheckpointHead head;
    const std::string key = only_key(*disk, "head/");
    REQUIRE(decode_head(unseal(FrameKind::kHead, disk->values[key]).payload, head));
    (segments ? head.segments : head.image_parts) = std::uint64_t{1} << 62;
    (segments ? head.segment_bytes : head.image_bytes) = ~std::uint64_t{0};
    disk->values[key] = seal(FrameKind::kHead, encode_head(head));
    const std::unique_ptr<Tab> tab = opened(disk, 2);
    CHECK(tab->texts() == kStored);
    REQUIRE(tab->damage().size() == 1);
    CHECK(tab->damage()[0].message == key + " is damaged; the checkpoint is read without it");
    value_of(tab->fold());
    CHECK(found_in(disk) == kStored);
    check_bytes(*tab, *disk);
  }
}

TEST_CASE("a head names few writers however many there were, and hides nothing", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  // They read what there is now and again, or once and never again.
  const std::unique_ptr<Tab> reader = opened(disk, 1000);
  const std::unique_ptr<Tab> sleeper = opened(disk, 1001);
  Texts expected;
  for (std::uint64_t writer = 1; writer <= 300; ++writer) {
    const std::unique_ptr<Tab> tab = opened(disk, writer);
    REQUIRE(tab->texts() == expected);
    const std::string id = std::to_string(writer);
    value_of(tab->write(tab->add(id, "by " + id)));
    expected[id] = "by " + id;
    if (writer % 3 == 0) value_of(tab->fold());
    if (writer % 20 != 0) continue;
    value_of(reader->read());
    REQUIRE(reader->texts() == expected);
    if (writer % 40 == 0) value_of(reader->fold());
    check_bytes(*reader, *disk);
  }
  CHECK(only_key(*disk, "head/").size() > 0);
  CHECK(disk->values[only_key(*disk, "head/")].size() < 1024);
  CHECK(found_in(disk) == expected);
  value_of(sleeper->read());
  CHECK(sleeper->texts() == expected);
  value_of(sleeper->write(sleeper->add("last", "by a sleeper")));
  expected["last"] = "by a sleeper";
  value_of(sleeper->fold());
  value_of(reader->read());
  CHECK(reader->texts() == expected);
  CHECK(found_in(disk) == expected);
}

TEST_CASE("who meets a new mark forgets the writers and records that it stands for", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const auto marks = [&] {
    CheckpointHead head;
    const std::string& value = disk->values[only_key(*disk, "head/")];
    REQUIRE(decode_head(unseal(FrameKind::kHead, value).payload, head));
    return head.folded;
  };
  const std::unique_ptr<Tab> reader = opened(disk, 1000);
  for (std::uint64_t writer = 1; writer <= 80; ++writer) {
    const std::unique_ptr<Tab> tab = opened(disk, writer);
    value_of(tab->write(tab->add(std::to_string(writer), "text")));
    // So these are records of the log to it.
    if (writer == 10) value_of(reader->read());
    if (writer == 80) value_of(tab->fold());
  }
  const std::vector<WriterProgress> named = marks();
  REQUIRE(named.size() == 1);
  CHECK(named[0].sequence == 0);
  value_of(reader->read());
  CHECK(reader->texts().size() == 80);
  check_bytes(*reader, *disk);
  // Others that know the mark need not read everything again for what the reader folds.
  value_of(reader->write(reader->add("last", "text")));
  value_of(reader->fold());
  const std::vector<WriterProgress> then = marks();
  CHECK(then.size() == 2);
  CHECK(std::any_of(then.begin(), then.end(), [&](const WriterProgress& each) {
    return each.writer == named[0].writer && each.sequence == 0;
  }));
}

TEST_CASE("no value is too large for a store that bounds them, and a write is all or nothing",
          "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  std::vector<MemoryEntry> operations;
  Texts expected;
  for (int i = 0; i < 500; ++i) {
    const std::string id = std::to_string(i);
    expected[id] = std::string(1000 + static_cast<std::size_t>(i % 7) * 3000, 'x');
    operations.push_back(to_entry(tab->add(id, expected[id])));
  }
  tab->script().fail_next(ErrorCode::kStorage);
  CHECK_FALSE(run_ready(tab->journal().append(&operations)).has_value());
  CHECK(disk->values.empty());
  const std::size_t writes = tab->script().count(StorageCall::Kind::kWrite);
  value_of(tab->journal().append(&operations));
  CHECK(tab->script().count(StorageCall::Kind::kWrite) == writes + 1);
  CHECK(disk->values.size() > 2);
  for (const auto& [key, value] : disk->values)
    CHECK(value.size() <= 2'000'000);
  CHECK(found_in(disk) == expected);
}

TEST_CASE("deletions in a large store wait for others, but for no more than a day", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  for (const std::string id : {"a", "b", "c"})
    value_of(tab->write(tab->add(id, "text " + id)));
  tab->pad_images(std::size_t{5} << 20);
  value_of(tab->fold());
  value_of(tab->write(tab->remove("a")));
  const std::unique_ptr<Tab> next = opened(disk, 2);
  for (Tab* const each : {tab.get(), next.get()}) {
    const Journal& journal = each->journal();
    CHECK_FALSE(journal.is_fold_due(kStart));
    CHECK_FALSE(journal.is_fold_due(kStart + kDay - 1));
    CHECK(journal.is_fold_due(kStart + kDay));
  }
  value_of(tab->fold());
  CHECK_FALSE(tab->journal().is_fold_due(kStart + kDay));
}

TEST_CASE("a fold leaves out tombstones as soon as nobody can need them", "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  value_of(tab->fold(kStart + kTombstoneLifeMs - 1));
  CHECK(opened(disk, 3)->table().find("d").has_value());
  value_of(tab->fold(kStart + kTombstoneLifeMs));
  CHECK_FALSE(opened(disk, 4)->table().find("d").has_value());
  CHECK(found_in(disk) == kStored);
}

// ------------------------------------------------------------------------- writes of unknown fate

TEST_CASE("a write that failed although it was made is found, and what follows does not undo it",
          "[journal]") {
  const Disk disk = make_store();
  const std::unique_ptr<Tab> tab = opened(disk, 2);
  const std::unique_ptr<Tab> other = opened(disk, 3);
  Texts expected = kStored;
  tab->script().fail_after_write = true;
  for (const std::string id : {"p", "q"}) {
    tab->script().fail_next(ErrorCode::kStorage);
    CHECK_FALSE(run_ready(tab->write(tab->add(id, "text " + id))).has_value());
    expected[id] = "text " + id;
    value_of(tab->write(tab->add(id + id, "text " + id)));
    expected[id + id] = "text " + id;
    value_of(other->read());
    CHECK(other->texts() == expected);
    CHECK(found_in(disk) == expected);
    value_of(tab->read());
    CHECK(tab->texts() == expected);
  }
  value_of(tab->fold());
  CHECK(found_in(disk) == expected);
  check_bytes(*tab, *disk);
}

// --------------------------------------------------------------------------------- a full disk

TEST_CASE("a delete finds room on a disk that is full to the last byte", "[journal]") {
  auto disk = std::make_shared<FakeDisk>();
  const std::unique_ptr<Tab> tab = opened(disk, 1);
  for (const std::string id : {"a", "b"})
    value_of(tab->write(tab->add(id, "text " + id)));
  tab->pad_images(100);
  value_of(tab->fold());
  disk->capacity = disk->bytes();
  CHECK(error_of(tab->write(tab->add("c", "c"))).code == ErrorCode::kQuotaExceeded);
  CHECK(error_of(tab->write(tab->update("b", "c"))).code == ErrorCode::kQuotaExceeded);
  CHECK(disk->keys("image/").size() == 1);
  value_of(tab->write(tab->remove("a")));
  check_bytes(*tab, *disk);
  CHECK(found_in(disk) == Texts{{"b", "text b"}});
  const std::unique_ptr<Tab> again = opened(disk, 2);
  check_bytes(*again, *disk);
  value_of(again->fold());
  CHECK(found_in(disk) == Texts{{"b", "text b"}});
}
