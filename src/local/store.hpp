// SPDX-License-Identifier: MIT
#pragma once

// What LocalProvider holds in RAM: the merged memories, the index over the live ones, and which
// texts are there already. Synchronous.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "index/memory_index.hpp"
#include "journal/codec.hpp"
#include "journal/memory_table.hpp"

namespace agent_memory {

/// Equal for two records that are the same memory: same scope, same speaker, same text but for
/// case, white space and closing punctuation.
std::string equality_key(const MemoryRecord& record);

/// Whether `left` comes before `right` where the newest comes first: later time, then later id.
bool is_newer(const MemoryRecord& left, const MemoryRecord& right);

class Store {
 public:
  /// A live memory changed: how, and what it is now (for kDelete: only its id).
  struct Change {
    MemoryEvent event = MemoryEvent::kAdd;
    MemoryRecord record;
  };
  using Changed = std::optional<Change>;

  /// Fills an empty store. An image that fits spares cutting texts into terms.
  void load(std::vector<MemoryEntry> entries, std::optional<ViewImage> image);
  Changed apply(Operation operation);
  Changed merge(MemoryEntry entry);

  [[nodiscard]] std::vector<IndexHit> search(IndexQuery query);
  [[nodiscard]] std::optional<EntryIndex> find(std::string_view id) const {
    return table_.find(id);
  }
  /// The live memory with that equality_key that `accept` answers true for; of several the one
  /// with the first id.
  [[nodiscard]] std::optional<EntryIndex> find_equal(
      std::string_view key, const std::function<bool(const MemoryRecord&)>& accept) const;
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] const MemoryEntry& operator[](EntryIndex index) const { return table_[index]; }
  [[nodiscard]] const MemoryTable& table() const { return table_; }
  /// Whether any live memory has a time to expire.
  [[nodiscard]] bool has_expiring() const { return expiring_ > 0; }

  /// The live memories, and the view over them in that order, as `load` takes them back.
  [[nodiscard]] std::vector<EntryIndex> live_order() const;
  [[nodiscard]] ViewImage image(const std::vector<EntryIndex>& order) const;

 private:
  /// What the views know of one entry.
  struct Viewed {
    std::uint64_t fingerprint = 0;
    bool present = false;
    bool expires = false;
  };

  Changed follow(MemoryTable::Applied applied);
  bool load_image(ViewImage image);
  void add_to_views(EntryIndex index);
  void note_viewed(EntryIndex index, std::uint64_t fingerprint);
  void remove_from_views(EntryIndex index);

  MemoryTable table_;
  MemoryIndex index_;
  /// Entries by the hash of their equality key.
  std::unordered_multimap<std::uint64_t, EntryIndex> by_fingerprint_;
  std::vector<Viewed> viewed_;
  std::size_t expiring_ = 0;
};

}  // namespace agent_memory
