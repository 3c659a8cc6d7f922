// SPDX-License-Identifier: MIT
// Opening a store: the input is a script that fills a disk through the journal, damages it, and
// opens it again. An undamaged store gives back what went in; any other one opens with what is
// whole, or is refused as corrupt; and what was read once survives a fold.

#include "journal/journal.hpp"

#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "fuzz/fuzz.hpp"
#include "support/fake_storage.hpp"
#include "support/records.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;
using testing::FakeDisk;
using testing::FakeStorage;
using testing::shown;

template <typename T>
T run(Task<T> task) {
  task.start();
  check(task.done(), "nothing waits on a storage that does not");
  return task.take();
}

/// What is known, as text, by id.
using Contents = std::map<std::string, std::string>;

Contents contents(const MemoryTable& table) {
  Contents all;
  for (EntryIndex i = 0; i < table.size(); ++i)
    all[table[i].record.id] = shown(table[i]);
  return all;
}

bool are_equal(const Contents& left, const Contents& right) {
  for (const auto& [id, entry] : left) {
    const auto other = right.find(id);
    if (other == right.end() || other->second != entry) {
      std::fprintf(stderr, "expected %s\n", entry.c_str());
      if (other != right.end()) std::fprintf(stderr, "found    %s\n", other->second.c_str());
    }
  }
  return left == right;
}

/// A journal on a connection of its own, with all that it has read and appended.
class Tab {
 public:
  Tab(const std::shared_ptr<FakeDisk>& disk, std::uint64_t writer)
      : storage_(disk), journal_(storage_, writer), clock_(writer) {}

  [[nodiscard]] const MemoryTable& table() const { return table_; }
  [[nodiscard]] std::size_t damage() const { return damage_; }
  [[nodiscard]] const std::optional<ViewImage>& image() const { return image_; }

  bool open() { return take(run(journal_.open())); }
  bool read_news() { return take(run(journal_.read_news())); }

  void append(MemoryEvent kind, std::string id, std::string_view text) {
    Operation operation;
    operation.kind = kind;
    operation.stamp = clock_.next(testing::kStart);
    operation.at_ms = testing::kStart;
    operation.record.id = std::move(id);
    const auto entry = table_.find(operation.record.id);
    if (kind == MemoryEvent::kUpdate && entry) operation.generation = table_[*entry].generation;
    if (kind != MemoryEvent::kDelete) {
      operation.record.memory = text;
      operation.record.metadata = {{"length", static_cast<double>(text.size())}};
      if (text.size() % 3 == 0) operation.record.identity.user_id = text.substr(0, 4);
      operation.record.created_at_ms = testing::kStart - static_cast<TimestampMs>(text.size());
      operation.record.updated_at_ms = testing::kStart;
    }
    const std::vector<MemoryEntry> operations{to_entry(std::move(operation))};
    check(run(journal_.append(&operations)).has_value(), "a storage that works takes operations");
    table_.merge(operations.front());
  }
  ViewImage fold() {
    std::vector<EntryIndex> order;
    for (EntryIndex i = 0; i < table_.size(); ++i) {
      if (table_.packed(i).is_live()) order.push_back(i);
    }
    const ViewImage image{.version = static_cast<std::uint32_t>(table_.size()),
                          .sections = {std::string(3 * order.size(), 'i'), "", "x"}};
    const auto make_image = [&image]() -> std::optional<ViewImage> { return image; };
    // At time 0 no tombstone is old, whatever damage made of its stamp.
    check(
        run(journal_.fold(table_, order, make_image, clock_.next(testing::kStart), 0)).has_value(),
        "a storage that works takes a fold");
    check(!journal_.is_fold_due(testing::kStart), "after a fold none is due");
    return image;
  }

 private:
  bool take(Result<JournalNews> news) {
    if (!news) {
      check(news.error().code == ErrorCode::kCorrupt, "what does not open is corrupt");
      return false;
    }
    damage_ += news->damage.size();
    for (StoredSegment& segment : news->segments)
      table_.load(std::move(segment));
    for (StoredSegment& record : news->records)
      table_.load(std::move(record));
    clock_.observe(table_.newest());
    image_ = std::move(news->image);
    return true;
  }
  FakeStorage storage_;
  Journal journal_;
  HybridClock clock_;
  MemoryTable table_;
  std::optional<ViewImage> image_;
  std::size_t damage_ = 0;
};

class Scenario {
 public:
  explicit Scenario(fuzzing::Input input) : input_(input) {}

  void play() {
    constexpr int kMaxSteps = 100;
    for (int i = 0; i < kMaxSteps && !input_.done(); ++i) {
      if (!step()) return;
    }
    if (!tab_ && !open()) return;
    tab_->append(MemoryEvent::kAdd, "last", "words");
    tab_->fold();
    const auto before = contents(tab_->table());
    Tab after(disk_, ++writer_);
    check(after.open(), "a store that was folded opens");
    check(are_equal(before, contents(after.table())), "what was read from a store survives a fold");
    check(after.damage() == 0, "a fold leaves no damage behind");
    check(after.image().has_value(), "a fold leaves an image behind");
  }

 private:
  /// False where the store does not open any more, as a newer version's.
  bool step() {
    switch (input_.byte()) {
      case 'a':
        return append(MemoryEvent::kAdd);
      case 'u':
        return append(MemoryEvent::kUpdate);
      case 'd':
        return append(MemoryEvent::kDelete);
      case 'f':
        if (!tab_ && !open()) return false;
        image_ = tab_->fold();
        return true;
      case 'r':
        return open();
      case 'n':
        return watch();
      case 'x':
        return damage([&](std::string& value) {
          if (value.empty()) return;
          char& byte = value[input_.below(value.size())];
          byte = static_cast<char>(byte ^ input_.byte());
        });
      case 'l':
        return damage([&](std::string& value) { value.resize(input_.below(value.size() + 8)); });
      case 's':
        // The checksum holds, what it covers does not.
        return damage([&](std::string& value) {
          constexpr std::size_t kHeader = 8;
          if (value.size() < kHeader) return;
          const auto kind = static_cast<FrameKind>(value[kHeader - 1]);
          std::string payload = value.substr(kHeader);
          if (!payload.empty()) {
            char& byte = payload[input_.below(payload.size())];
            byte = static_cast<char>(byte ^ input_.byte());
          }
          value = seal(kind, payload);
        });
      case 'k':
        return damage([&](std::string&) { disk_->values.erase(key()); });
      case 'c':
        return damage([&](std::string& value) {
          const std::string copied = value;
          disk_->values[std::string(input_.line())] = copied;
        });
      case 'p':
        return damage([&](std::string&) {
          const auto kind = static_cast<FrameKind>(input_.byte());
          std::string key(input_.line());
          disk_->values[std::move(key)] = seal(kind, input_.line());
        });
      default:
        return true;
    }
  }

  bool append(MemoryEvent kind) {
    if (!tab_ && !open()) return false;
    std::string id = std::to_string(input_.byte() % 8);
    tab_->append(kind, std::move(id), input_.line());
    image_.reset();
    return true;
  }

  bool open() {
    const bool was_open = tab_ != nullptr;
    const auto before = was_open ? contents(tab_->table()) : contents(MemoryTable());
    tab_ = std::make_unique<Tab>(disk_, ++writer_);
    const bool opened = tab_->open();
    if (is_damaged_) return opened;
    check(opened, "an undamaged store opens");
    check(!was_open || are_equal(before, contents(tab_->table())),
          "a store gives back what went in");
    check(tab_->damage() == 0, "an undamaged store has no damage");
    if (image_ && tab_->image()) {
      check(tab_->image()->sections == image_->sections, "an image comes back as it went in");
    }
    check(!image_ || tab_->image(), "an image comes back");
    return true;
  }

  /// Another tab opens the store, or reads what came since.
  bool watch() {
    if (!tab_ && !open()) return false;
    const bool is_new = other_ == nullptr;
    if (is_new) other_ = std::make_unique<Tab>(disk_, ++writer_);
    const bool read = is_new ? other_->open() : other_->read_news();
    if (is_damaged_) return read;
    check(read, "an undamaged store is read");
    check(are_equal(contents(tab_->table()), contents(other_->table())),
          "a tab that reads the news knows what the other knows");
    return true;
  }

  std::string key() {
    if (disk_->values.empty()) return {};
    const std::size_t at = input_.below(disk_->values.size());
    return std::next(disk_->values.begin(), static_cast<std::ptrdiff_t>(at))->first;
  }

  /// Changes one value while nobody has the store open.
  template <typename Change>
  bool damage(const Change& change) {
    tab_.reset();
    other_.reset();
    image_.reset();
    is_damaged_ = true;
    std::string unused;
    const auto found = disk_->values.find(key());
    change(found == disk_->values.end() ? unused : found->second);
    return true;
  }

  fuzzing::Input input_;
  std::shared_ptr<FakeDisk> disk_ = std::make_shared<FakeDisk>();
  std::uint64_t writer_ = 0;
  bool is_damaged_ = false;
  std::unique_ptr<Tab> tab_;
  std::unique_ptr<Tab> other_;
  /// What the last fold wrote, if nothing came after it.
  std::optional<ViewImage> image_;
};

}  // namespace
}  // namespace agent_memory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  agent_memory::Scenario(agent_memory::fuzzing::Input(data, size)).play();
  return 0;
}
