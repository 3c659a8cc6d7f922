// SPDX-License-Identifier: MIT
#pragma once

// A memory as few bytes: the form in which entries lie in segments and in RAM alike, so that what
// was read need not be unpacked before somebody asks for it.
//
// An entry is flags, origin and rest. The origin is what many memories share (whose they are, who
// spoke, which writer stored them); it is kept once for many entries, which have a number for it.
// What almost every memory has is not said: an id that is a UUID takes 16 bytes, one whose first
// bytes are its stamp spares the stamp, and a memory that was added and never changed needs no
// history.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "journal/bytes.hpp"
#include "journal/entry.hpp"

namespace agent_memory {

/// A memory's id, packed.
struct PackedId {
  /// 16 bytes where it is a UUID, else the id.
  std::string_view bytes;
  bool is_uuid = false;

  static constexpr std::size_t kUnpackedUuid = 36;
  /// In `room` where it is a UUID.
  [[nodiscard]] std::string_view unpack(char (&room)[kUnpackedUuid]) const;
  [[nodiscard]] std::string unpacked() const;
  friend bool operator==(const PackedId&, const PackedId&) = default;
};

/// Packs an id, which must outlive it.
class IdPacker {
 public:
  explicit IdPacker(std::string_view id);
  [[nodiscard]] PackedId packed() const {
    return {.bytes = is_uuid_ ? std::string_view(uuid_, sizeof(uuid_)) : id_, .is_uuid = is_uuid_};
  }

 private:
  std::string_view id_;
  char uuid_[16] = {};
  bool is_uuid_ = false;
};

/// Views into the bytes that an entry was packed into.
struct EntryFields {
  PackedId id;
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> agent_id;
  std::optional<std::string_view> run_id;
  std::optional<std::string_view> name;
  std::optional<Role> role;
  TimestampMs created_at_ms = 0;
  TimestampMs updated_at_ms = 0;
  std::optional<TimestampMs> expires_at_ms;
  /// JSON; empty for none.
  std::string_view metadata;
  std::string_view memory;
  Stamp generation;
  Stamp changed;
  Stamp deleted;
  /// Whether the history is the kAdd alone; else it is `step_count` packed steps.
  bool has_one_step = false;
  std::size_t step_count = 0;
  std::string_view steps;
  /// False where the bytes do not hold together; then the rest is what could be read.
  bool ok = true;
};

/// Metadata as an entry has it; none where it is no object.
Metadata read_metadata(std::string_view json);

/// An entry, packed: views that whoever holds the bytes must keep alive.
struct PackedEntry {
  std::uint8_t flags = 0;
  std::string_view origin;
  std::string_view rest;

  [[nodiscard]] bool is_live() const;
  /// Not live, and not because its kAdd has not come yet, or never will.
  [[nodiscard]] bool is_deleted() const;
  /// See MemoryEntry.
  [[nodiscard]] bool is_unsettled() const;
  /// Whether it has a mark whose note says anything.
  [[nodiscard]] bool has_note() const;
  [[nodiscard]] bool expires() const;
  /// Later than any time where it never expires.
  [[nodiscard]] TimestampMs expires_at_ms() const;
  [[nodiscard]] PackedId id() const;
  /// The newest of all stamps in it.
  [[nodiscard]] Stamp newest() const;
  [[nodiscard]] EntryFields fields() const;
  [[nodiscard]] MemoryRecord record() const;
  [[nodiscard]] MemoryEntry entry() const;

  friend bool operator==(const PackedEntry&, const PackedEntry&) = default;
};

/// Packs entries, and keeps the memory for it. What it returns is valid until the next one.
class EntryPacker {
 public:
  PackedEntry pack(const MemoryEntry& entry);

 private:
  ByteWriter origin_;
  ByteWriter rest_;
};

/// Appends the bytes of an entry, a header before them: a byte that no UTF-8 has, the size, and
/// room for a checksum, which is made if `is_checked`. `origin` is the number of its origin.
void put_packed(std::string& out, const PackedEntry& entry, std::uint32_t origin, bool is_checked);

/// The most bytes that put_packed appends for it.
std::size_t packed_size_bound(const PackedEntry& entry);

/// An entry as put_packed wrote it.
struct PlacedEntry {
  /// Its size with the header; 0 where there is none.
  std::size_t size = 0;
  std::uint32_t origin = 0;
  std::uint8_t flags = 0;
  std::string_view rest;
};
/// Reads the entry that `bytes` begin with, and with `is_checked` only if its checksum holds.
PlacedEntry take_packed(std::string_view bytes, bool is_checked);

}  // namespace agent_memory
