// SPDX-License-Identifier: MIT
#include "journal/segment.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace agent_memory {
namespace {

/// Of the origins: their size and checksum, before the first copy and behind the second.
constexpr std::size_t kLabelBytes = 8;

void put_label(ByteWriter& out, std::string_view origins) {
  out.put_u32(static_cast<std::uint32_t>(origins.size()));
  out.put_u32(hash32(origins));
}

std::optional<std::string_view> checked(std::string_view label, std::string_view bytes,
                                        bool from_front, bool is_whole) {
  ByteReader in(label);
  const std::uint32_t size = in.u32();
  const std::uint32_t checksum = in.u32();
  if (!in.ok() || size > bytes.size()) return std::nullopt;
  bytes = from_front ? bytes.substr(0, size) : bytes.substr(bytes.size() - size);
  if (!is_whole && hash32(bytes) != checksum) return std::nullopt;
  return bytes;
}

/// Whether it is an id, in the form that ids are packed into.
bool is_packed_id(PackedId id) {
  return !id.bytes.empty() && (id.is_uuid || !IdPacker(id.bytes).packed().is_uuid);
}

}  // namespace

std::uint32_t Origins::intern(std::string_view origin) {
  const std::uint32_t hash = hash32(origin);
  HashIndex::Search search = index_.search(hash);
  for (std::uint32_t number = index_.next(search); number != HashIndex::kNone;
       number = index_.next(search)) {
    if ((*this)[number] == origin) return number;
  }
  const auto number = static_cast<std::uint32_t>(begins_.size() - 1);
  bytes_.append(origin);
  begins_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  index_.insert(hash, number);
  return number;
}

std::string_view Origins::operator[](std::uint32_t number) const {
  if (number >= begins_.size() - 1) return {};
  return std::string_view(bytes_).substr(begins_[number], begins_[number + 1] - begins_[number]);
}

void Origins::put(ByteWriter& out) const {
  out.put_varint(begins_.size() - 1);
  for (std::size_t i = 1; i < begins_.size(); ++i)
    out.put_varint(begins_[i] - begins_[i - 1]);
  out.put_bytes(bytes_);
}

std::optional<Origins> Origins::read(std::string_view bytes) {
  ByteReader in(bytes);
  Origins out;
  const std::size_t count = in.size();
  out.begins_.reserve(count + 1);
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < count; ++i) {
    end += in.size();
    out.begins_.push_back(static_cast<std::uint32_t>(end));
  }
  if (!in.ok() || end != in.remaining()) return std::nullopt;
  out.bytes_ = in.bytes(in.remaining());
  return out;
}

void SegmentEncoder::add(const PackedEntry& entry) {
  put_packed(entries_, entry, origins_.intern(entry.origin), true);
}

std::size_t SegmentEncoder::size() const {
  return entries_.size() + 2 * (kLabelBytes + origins_.bytes());
}

void SegmentEncoder::finish(std::string& out) {
  ByteWriter origins;
  origins_.put(origins);
  ByteWriter label;
  put_label(label, origins.bytes());
  out.reserve(out.size() + entries_.size() + 2 * (kLabelBytes + origins.bytes().size()));
  out.append(label.bytes()).append(origins.bytes());
  out.append(entries_);
  out.append(origins.bytes()).append(label.bytes());
  entries_.clear();
  origins_ = {};
}

SegmentReader::SegmentReader(std::string_view payload, bool is_whole, Origins& origins)
    : payload_(payload), is_whole_(is_whole), origins_(origins), end_(payload.size()) {
  if (payload.size() < 2 * kLabelBytes) return;
  const auto first =
      checked(payload.substr(0, kLabelBytes), payload.substr(kLabelBytes), true, is_whole);
  const std::string_view before_label = payload.substr(0, payload.size() - kLabelBytes);
  const auto second = checked(payload.substr(before_label.size()), before_label, false, is_whole);
  if (first) at_ = kLabelBytes + first->size();
  if (second) end_ = std::max(at_, before_label.size() - second->size());
  std::optional<Origins> read;
  if (first) read = Origins::read(*first);
  if (!read && second) read = Origins::read(*second);
  if (read) origins = *std::move(read);
}

std::optional<PackedEntry> SegmentReader::next() {
  while (at_ < end_) {
    const PlacedEntry placed = take_packed(payload_.substr(at_, end_ - at_), !is_whole_);
    size_ = placed.size;
    if (size_ == 0 && is_whole_) return std::nullopt;
    at_ += std::max<std::size_t>(size_, 1);  // damaged: the next one is wherever one is found
    const std::string_view origin = origins_[placed.origin];
    const PackedEntry entry{.flags = placed.flags, .origin = origin, .rest = placed.rest};
    if (size_ == 0 || origin.empty() || !is_packed_id(entry.id())) continue;
    return entry;
  }
  return std::nullopt;
}

}  // namespace agent_memory
