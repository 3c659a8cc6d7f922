// SPDX-License-Identifier: MIT
#include "journal/memory_table.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace agent_memory {
namespace {

// A chunk is a part of all there is, so that what is free in it weighs little.
constexpr std::size_t kMinChunkBytes = std::size_t{4} << 10;
constexpr std::size_t kMaxChunkBytes = std::size_t{256} << 10;
/// More chunks than this are as large as they can be.
constexpr std::size_t kManyChunks = 1024;
constexpr std::size_t kHugeChunkBytes = (std::size_t{1} << 20) - 64;
constexpr std::size_t kMaxChunks = 4096;

std::uint32_t hash_id(PackedId id) { return hash32(id.bytes); }

bool add_history(MemoryEntry& entry, HistoryStep step) {
  if (step.is_mark()) {
    const HistoryStep* known = entry.mark();
    if (known != nullptr && step.stamp < known->stamp) return false;
    if (known != nullptr && step.stamp != known->stamp) {
      std::erase_if(entry.history, [](const HistoryStep& each) { return each.is_mark(); });
    }
  }
  const auto at = std::lower_bound(
      entry.history.begin(), entry.history.end(), step,
      [](const HistoryStep& left, const HistoryStep& right) { return left.stamp < right.stamp; });
  if (at != entry.history.end() && at->stamp == step.stamp) return false;
  entry.history.insert(at, std::move(step));
  return true;
}

/// What was deleted is forgotten: its texts go, that it was there stays.
void forget_deleted(MemoryEntry& entry) {
  for (HistoryStep& step : entry.history) {
    if (step.generation <= entry.deleted && !step.is_mark()) step.entry.memory.clear();
  }
  if (entry.is_live()) return;
  std::string id = std::move(entry.record.id);
  entry.record = MemoryRecord{};
  entry.record.id = std::move(id);
  entry.generation = {};
  entry.changed = {};
}

/// What of a history is forgotten depends on each step and on how many are newer, of which none is
/// forgotten before it: the same in any order, too. Marks are no part of it.
void bound_history(MemoryEntry& entry) {
  std::vector<HistoryStep>& steps = entry.history;
  std::size_t age = 0;
  auto kept = steps.end();
  for (auto step = steps.end(); step != steps.begin();) {
    --step;
    if (!step->is_mark()) {
      if (++age > kHistorySteps) continue;
      // What the memory says now is kept with it, and takes no room here.
      const bool is_current = step->stamp == entry.changed;
      if (!is_current && age * step->entry.memory.size() > kHistoryBytes)
        step->entry.memory.clear();
    }
    --kept;
    if (kept != step) *kept = std::move(*step);
  }
  steps.erase(steps.begin(), kept);
}

/// Each part takes the greater of two, or both: the same in any order and however often. Whether
/// anything came of it.
bool merge_into(MemoryEntry& entry, MemoryEntry incoming) {
  bool changed = false;
  for (HistoryStep& step : incoming.history)
    changed = add_history(entry, std::move(step)) || changed;
  if (incoming.deleted > entry.deleted) {
    entry.deleted = incoming.deleted;
    changed = true;
  }
  if (std::pair(incoming.generation, incoming.changed) >
      std::pair(entry.generation, entry.changed)) {
    entry.generation = incoming.generation;
    entry.changed = incoming.changed;
    entry.record = std::move(incoming.record);
    changed = true;
  }
  if (changed && !entry.deleted.is_never()) forget_deleted(entry);
  if (changed) bound_history(entry);
  return changed;
}

}  // namespace

// ------------------------------------------------------------------------------------- reading

PlacedEntry MemoryTable::placed(Address address) const {
  const std::string_view bytes = chunks_[chunk_of(address)]->bytes;
  return take_packed(bytes.substr(address & ((Address{1} << kOffsetBits) - 1)), false);
}

PackedEntry MemoryTable::packed(EntryIndex index) const {
  const Address address = addresses_[index];
  const PlacedEntry entry = placed(address);
  return {.flags = entry.flags,
          .origin = chunks_[chunk_of(address)]->origins[entry.origin],
          .rest = entry.rest};
}

std::optional<EntryIndex> MemoryTable::find(std::string_view id) const {
  return find(IdPacker(id).packed());
}

std::optional<EntryIndex> MemoryTable::find(PackedId id) const {
  HashIndex::Search search = by_id_.search(hash_id(id));
  for (EntryIndex index = by_id_.next(search); index != HashIndex::kNone;
       index = by_id_.next(search)) {
    if (packed(index).id() == id) return index;
  }
  return std::nullopt;
}

std::vector<EntryIndex> MemoryTable::find_expired(TimestampMs now_ms) {
  std::vector<EntryIndex> expired;
  if (soonest_expiry_ms_ > now_ms) return expired;
  soonest_expiry_ms_ = kMaxTimestampMs + 1;
  for (EntryIndex index = 0; index < size(); ++index) {
    const PackedEntry entry = packed(index);
    if (!entry.is_live() || !entry.expires()) continue;
    const TimestampMs expires_at_ms = entry.expires_at_ms();
    soonest_expiry_ms_ = std::min(soonest_expiry_ms_, expires_at_ms);
    if (expires_at_ms <= now_ms) expired.push_back(index);
  }
  return expired;
}

// ------------------------------------------------------------------------------------- merging

MemoryTable::Applied MemoryTable::apply(Operation operation) {
  return merge(to_entry(std::move(operation)));
}

MemoryTable::Applied MemoryTable::merge(const PackedEntry& entry) {
  const std::optional<EntryIndex> found = find(entry.id());
  if (found && packed(*found) == entry) return Applied(*found);
  if (found) return merge(entry.entry());
  Applied applied = add(entry);
  if (applied.effect == Effect::kAdded) applied.record = entry.record();
  return applied;
}

/// Adds an entry whose id is not there.
MemoryTable::Applied MemoryTable::add(const PackedEntry& entry) {
  const auto index = static_cast<EntryIndex>(size());
  insert(entry.id(), place(entry));
  note(entry, index);
  Applied applied(index);
  if (entry.is_live()) applied.effect = Effect::kAdded;
  return applied;
}

MemoryTable::Applied MemoryTable::merge(MemoryEntry incoming) {
  const std::optional<EntryIndex> found = find(incoming.record.id);
  if (!found) {
    if (!incoming.deleted.is_never()) forget_deleted(incoming);
    Applied applied = add(packer_.pack(incoming));
    applied.record = std::move(incoming.record);
    return applied;
  }
  const PackedEntry before = packed(*found);
  const bool was_live = before.is_live();
  MemoryEntry merged = before.entry();
  const Stamp was_changed = merged.changed;
  MemoryRecord record = merged.record;
  Applied applied(*found);
  if (!merge_into(merged, std::move(incoming))) return applied;
  if (was_live) {
    --live_;
    if (before.expires()) --expiring_;
  }
  const PackedEntry entry = packer_.pack(merged);
  const Address old = std::exchange(addresses_[*found], place(entry));
  note(entry, *found);
  if (!was_live && entry.is_live()) {
    applied.effect = Effect::kAdded;
  } else if (was_live && (!entry.is_live() || merged.changed != was_changed)) {
    applied.effect = entry.is_live() ? Effect::kChanged : Effect::kRemoved;
    applied.before = std::move(record);
  }
  applied.record = std::move(merged.record);
  drop(old);
  return applied;
}

void MemoryTable::insert(PackedId id, Address address) {
  by_id_.insert(hash_id(id), static_cast<EntryIndex>(size()));
  if (addresses_.size() == addresses_.capacity()) {
    addresses_.reserve(addresses_.size() + addresses_.size() / 4 + 16);
  }
  addresses_.push_back(address);
}

/// Counts an entry that came to its position.
void MemoryTable::note(const PackedEntry& entry, EntryIndex index) {
  newest_ = std::max(newest_, entry.newest());
  if (!entry.is_live()) return;
  ++live_;
  if (entry.expires()) {
    ++expiring_;
    soonest_expiry_ms_ = std::min(soonest_expiry_ms_, entry.expires_at_ms());
  }
  live_end_ = std::max(live_end_, std::size_t{index} + 1);
}

void MemoryTable::load(StoredSegment segment) {
  const bool is_kept = segment.is_whole && chunks_.size() < kMaxChunks / 2;
  Chunk passing;
  Chunk* chunk = &passing;
  if (is_kept) {
    loading_chunk_ = add_chunk(std::move(segment.value));
    chunk = chunks_[loading_chunk_].get();
  } else {
    passing.bytes = std::move(segment.value);
  }
  SegmentReader reader(std::string_view(chunk->bytes).substr(segment.begin), segment.is_whole,
                       chunk->origins);
  std::size_t used = 0;
  while (const std::optional<PackedEntry> entry = reader.next()) {
    const PackedId id = entry->id();
    const std::size_t offset = segment.begin + reader.offset();
    if (!is_kept || offset >> kOffsetBits != 0 || find(id)) {
      merge(*entry);
      continue;
    }
    if (used == 0) chunk->begin = offset;
    used += reader.size();
    insert(id, loading_chunk_ << kOffsetBits | static_cast<Address>(offset));
    note(*entry, static_cast<EntryIndex>(size() - 1));
  }
  if (!is_kept) return;
  chunk->dead += chunk->bytes.size() - used;
  reclaim_if_worth(std::exchange(loading_chunk_, kNoChunk));
}

// -------------------------------------------------------------------------------------- chunks

std::uint32_t MemoryTable::add_chunk(std::string bytes) {
  auto chunk = std::make_unique<Chunk>();
  chunk->bytes = std::move(bytes);
  bytes_ += chunk->bytes.capacity();
  auto number = static_cast<std::uint32_t>(chunks_.size());
  if (free_chunks_.empty()) {
    if (number == kMaxChunks) __builtin_trap();  // gigabytes
    chunks_.push_back(std::move(chunk));
  } else {
    number = free_chunks_.back();
    free_chunks_.pop_back();
    chunks_[number] = std::move(chunk);
  }
  return number;
}

MemoryTable::Address MemoryTable::place(const PackedEntry& entry) {
  const std::size_t size = packed_size_bound(entry);
  // Reclaiming one may open another, and fill it.
  while (open_chunk_ != kNoChunk &&
         chunks_[open_chunk_]->bytes.capacity() - chunks_[open_chunk_]->bytes.size() < size) {
    const std::uint32_t full = std::exchange(open_chunk_, kNoChunk);
    chunks_[full]->origins.finish();
    reclaim_if_worth(full);
  }
  if (open_chunk_ == kNoChunk) {
    const std::size_t usual = chunks_.size() < kManyChunks
                                  ? std::clamp(bytes_ / 8, kMinChunkBytes, kMaxChunkBytes)
                                  : kHugeChunkBytes;
    std::string bytes;
    bytes.reserve(std::max(usual, size));
    open_chunk_ = add_chunk(std::move(bytes));
  }
  Chunk& chunk = *chunks_[open_chunk_];
  const std::size_t offset = chunk.bytes.size();
  put_packed(chunk.bytes, entry, chunk.origins.intern(entry.origin), false);
  return open_chunk_ << kOffsetBits | static_cast<Address>(offset);
}

void MemoryTable::drop(Address address) {
  const std::uint32_t number = chunk_of(address);
  chunks_[number]->dead += placed(address).size;
  if (number != open_chunk_ && number != loading_chunk_) reclaim_if_worth(number);
}

/// Moves what is left in a chunk, and frees it.
void MemoryTable::reclaim_if_worth(std::uint32_t number) {
  const Chunk& chunk = *chunks_[number];
  if (chunk.dead <= chunk.bytes.size() / 3) return;
  const std::string_view bytes = chunk.bytes;
  for (std::size_t offset = chunk.begin; offset >> kOffsetBits == 0;) {
    const PlacedEntry entry = take_packed(bytes.substr(std::min(offset, bytes.size())), false);
    if (entry.size == 0) break;
    const PackedEntry packed{
        .flags = entry.flags, .origin = chunk.origins[entry.origin], .rest = entry.rest};
    const Address address = number << kOffsetBits | static_cast<Address>(offset);
    const std::optional<EntryIndex> index = find(packed.id());
    if (index && addresses_[*index] == address) addresses_[*index] = place(packed);
    offset += entry.size;
  }
  bytes_ -= chunk.bytes.capacity();
  chunks_[number].reset();
  free_chunks_.push_back(number);
}

}  // namespace agent_memory
