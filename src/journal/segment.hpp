// SPDX-License-Identifier: MIT
#pragma once

// Segments: many packed entries as one stored value. Origins, entries, origins again: were they
// there once, a damaged byte in them would cost every entry. Each entry has a checksum of its own,
// looked at where that of the whole value does not hold.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash_index.hpp"
#include "journal/packed_entry.hpp"

namespace agent_memory {

/// The origins of entries that are kept together, each once.
class Origins {
 public:
  /// The number of `origin`, a new one where it has none.
  std::uint32_t intern(std::string_view origin);
  /// Says that `intern` will not be called again.
  void finish() { index_.clear(); }
  /// Empty where there is no such number. Valid until the next `intern`.
  [[nodiscard]] std::string_view operator[](std::uint32_t number) const;
  /// Bytes in RAM without spare room.
  [[nodiscard]] std::size_t bytes() const {
    return bytes_.size() + begins_.size() * sizeof(std::uint32_t);
  }

  void put(ByteWriter& out) const;
  /// Nullopt where the bytes do not hold together.
  static std::optional<Origins> read(std::string_view bytes);

 private:
  std::string bytes_;
  std::vector<std::uint32_t> begins_{0};
  HashIndex index_;
};

class SegmentEncoder {
 public:
  void add(const PackedEntry& entry);
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// How many bytes `finish` would append.
  [[nodiscard]] std::size_t size() const;
  /// Appends the segment to `out` and begins a new one.
  void finish(std::string& out);

 private:
  Origins origins_;
  std::string entries_;
};

/// A segment as it was stored.
struct StoredSegment {
  std::string value;
  /// Where the payload begins.
  std::size_t begin = 0;
  /// Whether the checksum of the value holds.
  bool is_whole = false;

  [[nodiscard]] std::string_view payload() const { return std::string_view(value).substr(begin); }
};

/// Reads a segment's entries: of a whole one those from the first on, each where the one before
/// ends; of a damaged one those whose own checksum holds, wherever they are.
class SegmentReader {
 public:
  /// Reads the origins into `origins`, to which the entries refer.
  SegmentReader(std::string_view payload, bool is_whole, Origins& origins);

  /// The next entry; nullopt after the last. Valid as long as the payload and the origins.
  std::optional<PackedEntry> next();
  /// Where the entry that `next` returned begins in the payload, and how many bytes it has.
  [[nodiscard]] std::size_t offset() const { return at_ - size_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::string_view payload_;
  bool is_whole_;
  const Origins& origins_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::size_t size_ = 0;
};

}  // namespace agent_memory
