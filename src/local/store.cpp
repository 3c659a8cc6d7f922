// SPDX-License-Identifier: MIT
#include "local/store.hpp"

#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/hash.hpp"
#include "messages/equality.hpp"

namespace agent_memory {
namespace {

// The image of the store is that of the index with one section behind it: the equality hashes of
// the live memories and this number. Raised when equality_key or its hash changes.
constexpr std::uint32_t kEqualityVersion = 2;

void append_part(std::string& key, const std::optional<std::string>& part) {
  // Lengths keep parts apart whatever they hold.
  if (!part) {
    key.append("-:");
    return;
  }
  char length[24];
  char* const end = std::end(length);
  char* at = end;
  *--at = ':';
  std::size_t left = part->size();
  do {
    *--at = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left != 0);
  key.append(at, static_cast<std::size_t>(end - at)).append(*part);
}

IndexDocument to_document(const MemoryRecord& record) {
  return {.identity = record.identity,
          .text = record.memory,
          .name = record.name ? std::string_view(*record.name) : std::string_view(),
          .role = record.role,
          .time_ms = record.created_at_ms};
}

}  // namespace

EqualityKeys::EqualityKeys(const Identity& identity) {
  append_part(key_, identity.user_id);
  append_part(key_, identity.agent_id);
  append_part(key_, identity.run_id);
  shared_ = key_.size();
}

const std::string& EqualityKeys::of(const MemoryRecord& record) {
  key_.resize(shared_);
  append_part(key_, record.name);
  if (record.role) key_.append(role_name(*record.role));
  key_.push_back('\n');
  append_normalized(key_, record.memory);
  return key_;
}

std::string equality_key(const MemoryRecord& record) {
  return EqualityKeys(record.identity).of(record);
}

std::uint32_t equality_hash(std::string_view key) { return hash32(key); }

void Store::load(std::vector<StoredSegment> segments, std::optional<ViewImage> image) {
  for (StoredSegment& segment : segments)
    table_.load(std::move(segment));
  // The image numbers the live entries 0..n-1, which they are only if they came first.
  if (image && table_.live_come_first() && load_image(*std::move(image))) return;
  for (EntryIndex i = 0; i < table_.size(); ++i) {
    const PackedEntry entry = table_.packed(i);
    if (entry.is_live()) add_to_views(i, entry.record(), std::nullopt);
  }
}

bool Store::load_image(ViewImage image) {
  const std::size_t live = table_.live();
  std::vector<std::uint32_t> hashes(live + 1);
  const std::size_t bytes = hashes.size() * sizeof(std::uint32_t);
  if (image.sections.empty() || image.sections.back().size() != bytes) return false;
  std::memcpy(hashes.data(), image.sections.back().data(), bytes);
  if (hashes.back() != kEqualityVersion) return false;
  image.sections.pop_back();
  std::optional<MemoryIndex> index = MemoryIndex::from_image(
      {.version = image.version, .sections = std::move(image.sections)}, live, languages_);
  if (!index) return false;
  index_ = *std::move(index);
  by_equality_.reserve(live);
  for (std::size_t i = 0; i < live; ++i)
    by_equality_.insert(hashes[i], static_cast<EntryIndex>(i));
  return true;
}

Store::Changed Store::merge(MemoryEntry entry, std::optional<std::uint32_t> hash) {
  return follow(caught_up().merge(std::move(entry)), hash);
}

Store::Changed Store::merge(const PackedEntry& entry) {
  return follow(caught_up().merge(entry), std::nullopt);
}

void Store::merge_soon(std::vector<MemoryEntry> entries,
                       std::vector<std::optional<std::uint32_t>> hashes) {
  caught_up();
  pending_ = std::move(entries);
  pending_hashes_ = std::move(hashes);
}

MemoryTable& Store::caught_up() {
  for (std::size_t i = 0; i < pending_.size(); ++i)
    follow(table_.merge(std::move(pending_[i])), pending_hashes_[i]);
  pending_.clear();
  return table_;
}

Store::Changed Store::follow(MemoryTable::Applied applied, std::optional<std::uint32_t> hash) {
  if (applied.effect == Effect::kNone) return std::nullopt;
  if (applied.before) remove_from_views(applied.index, *applied.before);
  if (applied.effect == Effect::kRemoved) {
    return Change{MemoryEvent::kDelete, std::move(applied.record)};
  }
  add_to_views(applied.index, applied.record, hash);
  const bool is_new = applied.effect == Effect::kAdded;
  return Change{is_new ? MemoryEvent::kAdd : MemoryEvent::kUpdate, std::move(applied.record)};
}

void Store::add_to_views(EntryIndex index, const MemoryRecord& record,
                         std::optional<std::uint32_t> hash) {
  index_.add(index, to_document(record));
  by_equality_.insert(hash ? *hash : equality_hash(equality_key(record)), index);
}

void Store::remove_from_views(EntryIndex index, const MemoryRecord& record) {
  index_.remove(index, to_document(record));
  by_equality_.erase(equality_hash(equality_key(record)), index);
}

std::optional<MemoryRecord> Store::find_equal(
    std::string_view key, std::uint32_t hash,
    const std::function<bool(const MemoryRecord&)>& accept) {
  caught_up();
  std::optional<MemoryRecord> found;
  HashIndex::Search search = by_equality_.search(hash);
  for (EntryIndex index = by_equality_.next(search); index != HashIndex::kNone;
       index = by_equality_.next(search)) {
    MemoryRecord candidate = table_.packed(index).record();
    if (equality_key(candidate) != key || !accept(candidate)) continue;
    if (!found || candidate.id < found->id) found = std::move(candidate);
  }
  return found;
}

bool Store::has_lesser_id(EntryIndex left, EntryIndex right) {
  const PackedId left_id = table().packed(left).id();
  const PackedId right_id = table().packed(right).id();
  // Packed, UUIDs keep their order.
  if (left_id.is_uuid == right_id.is_uuid) return left_id.bytes < right_id.bytes;
  return left_id.unpacked() < right_id.unpacked();
}

std::vector<IndexHit> Store::search(IndexQuery query) {
  caught_up();
  query.precedes = [this](DocumentId left, DocumentId right) { return has_lesser_id(right, left); };
  return index_.search(query);
}

std::vector<EntryIndex> Store::live_order() {
  caught_up();
  std::vector<EntryIndex> order;
  order.reserve(table_.live());
  for (EntryIndex i = 0; i < table_.size(); ++i) {
    if (table_.packed(i).is_live()) order.push_back(i);
  }
  return order;
}

std::function<std::optional<ViewImage>()> Store::image(std::vector<EntryIndex> order) {
  caught_up();
  auto index_image = index_.image(order);
  return [this, order = std::move(order),
          index_image = std::move(index_image)]() -> std::optional<ViewImage> {
    std::optional<IndexImage> made = index_image();
    if (!made) return std::nullopt;
    std::vector<std::uint32_t> by_entry(table_.size());
    by_equality_.visit([&](std::uint32_t hash, EntryIndex index) { by_entry[index] = hash; });
    std::vector<std::uint32_t> hashes;
    hashes.reserve(order.size() + 1);
    for (const EntryIndex index : order)
      hashes.push_back(by_entry[index]);
    hashes.push_back(kEqualityVersion);
    made->sections.emplace_back(reinterpret_cast<const char*>(hashes.data()),
                                hashes.size() * sizeof(std::uint32_t));
    return ViewImage{.version = made->version, .sections = std::move(made->sections)};
  };
}

}  // namespace agent_memory
