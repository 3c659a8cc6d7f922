// SPDX-License-Identifier: MIT
#include "local/store.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "messages/equality.hpp"

namespace agent_memory {
namespace {

// The image of the store is that of the index with one section behind it: the fingerprints of the
// live memories and this number. Raised when equality_key changes.
constexpr std::uint64_t kFingerprintVersion = 1;

/// FNV-1a, 64 bits. Only narrows down: equality is decided on the keys themselves.
std::uint64_t hash(std::string_view bytes) {
  std::uint64_t value = 0xCBF29CE484222325U;
  for (const char byte : bytes) {
    value = (value ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3U;
  }
  return value;
}

void append_part(std::string& key, const std::optional<std::string>& part) {
  // Lengths keep parts apart whatever they hold.
  key.append(part ? std::to_string(part->size()) : "-").append(":");
  if (part) key.append(*part);
}

IndexDocument to_document(const MemoryRecord& record) {
  return {.identity = record.identity,
          .text = record.memory,
          .name = record.name ? std::string_view(*record.name) : std::string_view(),
          .time_ms = record.created_at_ms};
}

}  // namespace

std::string equality_key(const MemoryRecord& record) {
  std::string key;
  append_part(key, record.identity.user_id);
  append_part(key, record.identity.agent_id);
  append_part(key, record.identity.run_id);
  append_part(key, record.name);
  if (record.role) key.append(role_name(*record.role));
  return key.append("\n").append(normalize_for_equality(record.memory));
}

bool is_newer(const MemoryRecord& left, const MemoryRecord& right) {
  if (left.created_at_ms != right.created_at_ms) return left.created_at_ms > right.created_at_ms;
  return left.id > right.id;
}

void Store::load(std::vector<MemoryEntry> entries, std::optional<ViewImage> image) {
  for (MemoryEntry& entry : entries)
    table_.merge(std::move(entry));
  // The image numbers the live entries 0..n-1, which they are only if they came first.
  bool live_first = true;
  for (EntryIndex i = 0; i < table_.size(); ++i) {
    live_first = live_first && table_[i].is_live() == (i < table_.live());
  }
  if (image && live_first && load_image(*std::move(image))) return;
  for (EntryIndex i = 0; i < table_.size(); ++i) {
    if (table_[i].is_live()) add_to_views(i);
  }
}

bool Store::load_image(ViewImage image) {
  const std::size_t live = table_.live();
  std::vector<std::uint64_t> fingerprints(live + 1);
  const std::size_t bytes = fingerprints.size() * sizeof(std::uint64_t);
  if (image.sections.empty() || image.sections.back().size() != bytes) return false;
  std::memcpy(fingerprints.data(), image.sections.back().data(), bytes);
  if (fingerprints.back() != kFingerprintVersion) return false;
  image.sections.pop_back();
  std::optional<MemoryIndex> index = MemoryIndex::from_image(
      {.version = image.version, .sections = std::move(image.sections)}, live);
  if (!index) return false;
  index_ = *std::move(index);
  for (std::size_t i = 0; i < live; ++i)
    note_viewed(static_cast<EntryIndex>(i), fingerprints[i]);
  return true;
}

Store::Changed Store::apply(Operation operation) {
  return follow(table_.apply(std::move(operation)));
}

Store::Changed Store::merge(MemoryEntry entry) { return follow(table_.merge(std::move(entry))); }

Store::Changed Store::follow(MemoryTable::Applied applied) {
  const MemoryEntry& entry = table_[applied.index];
  switch (applied.effect) {
    case Effect::kNone:
      return std::nullopt;
    case Effect::kAdded:
      add_to_views(applied.index);
      return Change{MemoryEvent::kAdd, entry.record};
    case Effect::kChanged:
      remove_from_views(applied.index);
      add_to_views(applied.index);
      return Change{MemoryEvent::kUpdate, entry.record};
    case Effect::kRemoved:
      remove_from_views(applied.index);
      return Change{MemoryEvent::kDelete, entry.record};
  }
  __builtin_trap();
}

void Store::add_to_views(EntryIndex index) {
  const MemoryRecord& record = table_[index].record;
  index_.add(index, to_document(record));
  note_viewed(index, hash(equality_key(record)));
}

void Store::note_viewed(EntryIndex index, std::uint64_t fingerprint) {
  if (viewed_.size() <= index) viewed_.resize(table_.size());
  const bool expires = table_[index].record.expires_at_ms.has_value();
  viewed_[index] = {.fingerprint = fingerprint, .present = true, .expires = expires};
  by_fingerprint_.emplace(fingerprint, index);
  if (expires) ++expiring_;
}

void Store::remove_from_views(EntryIndex index) {
  index_.remove(index);
  const Viewed viewed = std::exchange(viewed_[index], {});
  const auto [begin, end] = by_fingerprint_.equal_range(viewed.fingerprint);
  const auto at = std::find_if(begin, end, [&](const auto& each) { return each.second == index; });
  if (at != end) by_fingerprint_.erase(at);
  if (viewed.expires) --expiring_;
}

std::optional<EntryIndex> Store::find_equal(
    std::string_view key, const std::function<bool(const MemoryRecord&)>& accept) const {
  const auto [begin, end] = by_fingerprint_.equal_range(hash(key));
  std::optional<EntryIndex> found;
  for (auto each = begin; each != end; ++each) {
    const MemoryRecord& candidate = table_[each->second].record;
    if (equality_key(candidate) != key || !accept(candidate)) continue;
    if (!found || candidate.id < table_[*found].record.id) found = each->second;
  }
  return found;
}

std::vector<IndexHit> Store::search(IndexQuery query) {
  query.precedes = [this](DocumentId left, DocumentId right) {
    return table_[left].record.id > table_[right].record.id;
  };
  return index_.search(query);
}

std::vector<EntryIndex> Store::live_order() const {
  std::vector<EntryIndex> order;
  order.reserve(table_.live());
  for (EntryIndex i = 0; i < table_.size(); ++i) {
    if (table_[i].is_live()) order.push_back(i);
  }
  return order;
}

ViewImage Store::image(const std::vector<EntryIndex>& order) const {
  IndexImage index_image = index_.image(order);
  ViewImage image{.version = index_image.version, .sections = std::move(index_image.sections)};
  std::vector<std::uint64_t> fingerprints;
  fingerprints.reserve(order.size() + 1);
  for (const EntryIndex index : order)
    fingerprints.push_back(viewed_[index].fingerprint);
  fingerprints.push_back(kFingerprintVersion);
  image.sections.emplace_back(reinterpret_cast<const char*>(fingerprints.data()),
                              fingerprints.size() * sizeof(std::uint64_t));
  return image;
}

}  // namespace agent_memory
