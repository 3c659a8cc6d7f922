// SPDX-License-Identifier: MIT
#pragma once

// The state that a set of operations describes, whatever their order and however often each is
// applied: what makes it safe for many tabs to write without a lock.
//
// Entries stay packed. Those that a segment brought lie in the segment as it was read; others in
// chunks of the same form. What an entry leaves behind when it changes is reclaimed when a third of
// its chunk is such.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_index.hpp"
#include "journal/entry.hpp"
#include "journal/packed_entry.hpp"
#include "journal/segment.hpp"

namespace agent_memory {

/// How much of a memory's history is kept, marks apart: its newest steps, and the text of the nth
/// of them, counted from the newest, as long as n times its bytes are not more than kHistoryBytes.
/// So a hundred short texts are kept, of long ones fewer, and an entry with the largest text and
/// metadata fits into one value of the journal: all the texts together take at most 5.2 times
/// kHistoryBytes.
inline constexpr std::size_t kHistorySteps = 100;
inline constexpr std::size_t kHistoryBytes = std::size_t{100} << 10;

/// Position of an entry in the table; an id keeps its position.
using EntryIndex = std::uint32_t;

/// What an operation did to the live memories.
enum class Effect : std::uint8_t { kNone, kAdded, kChanged, kRemoved };

class MemoryTable {
 public:
  struct Applied {
    explicit Applied(EntryIndex entry) : index(entry) {}

    Effect effect = Effect::kNone;
    EntryIndex index = 0;
    /// Where it has an effect: the memory as it is now (of one that was removed: its id).
    MemoryRecord record;
    /// The memory that it changed or removed.
    std::optional<MemoryRecord> before;
  };

  /// Merges an operation. Constant time but for the memory's own history.
  Applied apply(Operation operation);
  /// Merges another store's whole knowledge of one memory.
  Applied merge(MemoryEntry entry);
  /// The same, without unpacking what is known.
  Applied merge(const PackedEntry& entry);
  /// Merges a segment and keeps its bytes. Some 50 ns an entry that is new.
  void load(StoredSegment segment);

  [[nodiscard]] std::size_t size() const { return addresses_.size(); }
  /// The entry, packed. Valid until the table changes.
  [[nodiscard]] PackedEntry packed(EntryIndex index) const;
  [[nodiscard]] MemoryEntry operator[](EntryIndex index) const { return packed(index).entry(); }
  /// The entry under that id, live or not.
  [[nodiscard]] std::optional<EntryIndex> find(std::string_view id) const;
  [[nodiscard]] std::size_t live() const { return live_; }
  /// How many of the live ones have a time to expire.
  [[nodiscard]] std::size_t expiring() const { return expiring_; }
  /// No live one expires before. Early is no certainty.
  [[nodiscard]] TimestampMs soonest_expiry_ms() const { return soonest_expiry_ms_; }
  /// The live ones that have expired. Afterwards `soonest_expiry_ms` is certain.
  std::vector<EntryIndex> find_expired(TimestampMs now_ms);
  /// Whether the live ones are those at 0..live()-1. False is no certainty.
  [[nodiscard]] bool live_come_first() const { return live_ == live_end_; }
  /// The newest of all stamps.
  [[nodiscard]] Stamp newest() const { return newest_; }
  /// Bytes in RAM, without the tables of ids and addresses.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  /// Chunk and offset.
  using Address = std::uint32_t;
  static constexpr unsigned kOffsetBits = 20;
  static constexpr std::uint32_t kNoChunk = 0xFFFFFFFF;

  struct Chunk {
    std::string bytes;
    Origins origins;
    /// Where the first entry begins; each is followed by the next.
    std::size_t begin = 0;
    /// How many of the bytes belong to no entry any more.
    std::size_t dead = 0;
  };

  [[nodiscard]] static std::uint32_t chunk_of(Address address) { return address >> kOffsetBits; }
  [[nodiscard]] PlacedEntry placed(Address address) const;
  [[nodiscard]] std::optional<EntryIndex> find(PackedId id) const;
  Applied add(const PackedEntry& entry);
  void insert(PackedId id, Address address);
  void note(const PackedEntry& entry, EntryIndex index);
  Address place(const PackedEntry& entry);
  std::uint32_t add_chunk(std::string bytes);
  void drop(Address address);
  void reclaim_if_worth(std::uint32_t chunk);

  std::vector<Address> addresses_;
  HashIndex by_id_;
  /// By number; nullptr where it was freed.
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> free_chunks_;
  /// The chunk that takes new entries, and the one that is being read: not to be reclaimed.
  std::uint32_t open_chunk_ = kNoChunk;
  std::uint32_t loading_chunk_ = kNoChunk;
  std::size_t bytes_ = 0;
  std::size_t live_ = 0;
  std::size_t live_end_ = 0;
  std::size_t expiring_ = 0;
  TimestampMs soonest_expiry_ms_ = kMaxTimestampMs + 1;
  Stamp newest_;
  EntryPacker packer_;
};

}  // namespace agent_memory
