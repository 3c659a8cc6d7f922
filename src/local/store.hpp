// SPDX-License-Identifier: MIT
#pragma once

// What LocalProvider holds in RAM: the merged memories, the index over the live ones, and which
// texts are there already. Synchronous.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_index.hpp"
#include "index/memory_index.hpp"
#include "journal/codec.hpp"
#include "journal/memory_table.hpp"

namespace agent_memory {

/// Equal for two records that are the same memory: same scope, same speaker, same text but for
/// case, white space and closing punctuation.
std::string equality_key(const MemoryRecord& record);
/// The same of many records of one identity.
class EqualityKeys {
 public:
  explicit EqualityKeys(const Identity& identity);
  /// Valid until the next.
  const std::string& of(const MemoryRecord& record);

 private:
  std::string key_;
  /// How much of it all have.
  std::size_t shared_;
};
/// What the store finds such keys by.
std::uint32_t equality_hash(std::string_view key);

class Store {
 public:
  /// Of texts in these languages; without any, English.
  explicit Store(std::vector<std::shared_ptr<LanguagePort>> languages = {})
      : languages_(std::move(languages)), index_(languages_) {}

  /// A live memory changed: how, and what it is now (for kDelete: only its id).
  struct Change {
    MemoryEvent event = MemoryEvent::kAdd;
    MemoryRecord record;
  };
  using Changed = std::optional<Change>;

  /// Fills an empty store. An image that fits spares cutting texts into terms.
  void load(std::vector<StoredSegment> segments, std::optional<ViewImage> image);
  /// `hash`: the equality_hash of what it adds, where it is known already.
  Changed merge(MemoryEntry entry, std::optional<std::uint32_t> hash = std::nullopt);
  Changed merge(const PackedEntry& entry);
  /// As `merge` of each, which the next call does that asks for anything: whoever waits for less
  /// need not wait for that. As many `hashes`.
  void merge_soon(std::vector<MemoryEntry> entries,
                  std::vector<std::optional<std::uint32_t>> hashes);

  [[nodiscard]] std::vector<IndexHit> search(IndexQuery query);
  [[nodiscard]] std::optional<EntryIndex> find(std::string_view id) { return table().find(id); }
  /// The live memory with that equality_key (`hash`: its equality_hash) that `accept` answers true
  /// for; of several the one with the first id.
  [[nodiscard]] std::optional<MemoryRecord> find_equal(
      std::string_view key, std::uint32_t hash,
      const std::function<bool(const MemoryRecord&)>& accept);
  [[nodiscard]] std::size_t size() { return table().size(); }
  [[nodiscard]] PackedEntry operator[](EntryIndex index) { return table().packed(index); }
  [[nodiscard]] const MemoryTable& table() { return caught_up(); }
  /// Whether any live memory has a time to expire.
  [[nodiscard]] bool has_expiring() { return table().expiring() > 0; }
  [[nodiscard]] TimestampMs soonest_expiry_ms() { return table().soonest_expiry_ms(); }
  std::vector<EntryIndex> find_expired(TimestampMs now_ms) {
    return caught_up().find_expired(now_ms);
  }
  /// Whether the id of `left` comes before that of `right`.
  [[nodiscard]] bool has_lesser_id(EntryIndex left, EntryIndex right);

  /// The live memories, and the view over them in that order, as `load` takes them back.
  [[nodiscard]] std::vector<EntryIndex> live_order();
  /// A piece of the work a call; the last returns it. Nothing may be merged in between.
  [[nodiscard]] std::function<std::optional<ViewImage>()> image(std::vector<EntryIndex> order);

 private:
  /// The table, once what is pending was merged.
  MemoryTable& caught_up();
  Changed follow(MemoryTable::Applied applied, std::optional<std::uint32_t> hash);
  bool load_image(ViewImage image);
  void add_to_views(EntryIndex index, const MemoryRecord& record,
                    std::optional<std::uint32_t> hash);
  void remove_from_views(EntryIndex index, const MemoryRecord& record);

  MemoryTable table_;
  std::vector<std::shared_ptr<LanguagePort>> languages_;
  MemoryIndex index_;
  /// What is to be merged before anything is looked at.
  std::vector<MemoryEntry> pending_;
  std::vector<std::optional<std::uint32_t>> pending_hashes_;
  /// Live entries by the hash of their equality key.
  HashIndex by_equality_;
};

}  // namespace agent_memory
