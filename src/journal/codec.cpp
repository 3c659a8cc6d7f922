// SPDX-License-Identifier: MIT
#include "journal/codec.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "journal/bytes.hpp"
#include "journal/checksum.hpp"

namespace agent_memory {
namespace {

constexpr std::string_view kMagic = "AM";

// Which optional parts of a record are there.
constexpr std::uint64_t kHasUser = 1U << 0U;
constexpr std::uint64_t kHasAgent = 1U << 1U;
constexpr std::uint64_t kHasRun = 1U << 2U;
constexpr std::uint64_t kHasName = 1U << 3U;
constexpr std::uint64_t kHasMetadata = 1U << 4U;
constexpr std::uint64_t kHasExpiry = 1U << 5U;
constexpr std::uint64_t kIsUser = 1U << 6U;
constexpr std::uint64_t kIsAssistant = 1U << 7U;

void put_stamp(ByteWriter& out, Stamp stamp) {
  out.put_varint(stamp.time);
  if (!stamp.is_never()) out.put_u64(stamp.writer);
}

Stamp read_stamp(ByteReader& in) {
  Stamp stamp;
  stamp.time = in.varint();
  if (!stamp.is_never()) stamp.writer = in.u64();
  return stamp;
}

void put_optional(ByteWriter& out, const std::optional<std::string>& value) {
  if (value) out.put_string(*value);
}

// Differences of times wrap around, so that whatever is read is a time.
std::int64_t difference(TimestampMs left, TimestampMs right) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(left) -
                                   static_cast<std::uint64_t>(right));
}
TimestampMs sum(TimestampMs time, std::int64_t by) {
  return static_cast<TimestampMs>(static_cast<std::uint64_t>(time) +
                                  static_cast<std::uint64_t>(by));
}

void put_record(ByteWriter& out, const MemoryRecord& record) {
  const auto flag = [](bool present, std::uint64_t bit) { return present ? bit : 0; };
  out.put_string(record.id);
  out.put_varint(flag(record.identity.user_id.has_value(), kHasUser) |
                 flag(record.identity.agent_id.has_value(), kHasAgent) |
                 flag(record.identity.run_id.has_value(), kHasRun) |
                 flag(record.name.has_value(), kHasName) |
                 flag(!record.metadata.empty(), kHasMetadata) |
                 flag(record.expires_at_ms.has_value(), kHasExpiry) |
                 flag(record.role == Role::kUser, kIsUser) |
                 flag(record.role == Role::kAssistant, kIsAssistant));
  put_optional(out, record.identity.user_id);
  put_optional(out, record.identity.agent_id);
  put_optional(out, record.identity.run_id);
  put_optional(out, record.name);
  if (!record.metadata.empty()) out.put_string(dump_json(record.metadata));
  if (record.expires_at_ms) out.put_signed(*record.expires_at_ms);
  out.put_signed(record.created_at_ms);
  out.put_signed(difference(record.updated_at_ms, record.created_at_ms));
  out.put_string(record.memory);
}

MemoryRecord read_record(ByteReader& in) {
  MemoryRecord record;
  record.id = in.string();
  const std::uint64_t flags = in.varint();
  const auto optional_string = [&](std::uint64_t bit) {
    return (flags & bit) != 0 ? std::optional(std::string(in.string())) : std::nullopt;
  };
  record.identity.user_id = optional_string(kHasUser);
  record.identity.agent_id = optional_string(kHasAgent);
  record.identity.run_id = optional_string(kHasRun);
  record.name = optional_string(kHasName);
  if ((flags & kHasMetadata) != 0) {
    const Result<JsonValue> metadata = parse_json(in.string());
    const JsonObject* object = metadata ? metadata->if_object() : nullptr;
    if (object != nullptr) {
      record.metadata = *object;
    } else {
      in.fail();
    }
  }
  if ((flags & kHasExpiry) != 0) record.expires_at_ms = in.signed_varint();
  if ((flags & kIsUser) != 0) record.role = Role::kUser;
  if ((flags & kIsAssistant) != 0) record.role = Role::kAssistant;
  record.created_at_ms = in.signed_varint();
  record.updated_at_ms = sum(record.created_at_ms, in.signed_varint());
  record.memory = in.string();
  return record;
}

std::optional<MemoryEvent> read_event(ByteReader& in) {
  const std::uint8_t value = in.byte();
  if (value > static_cast<std::uint8_t>(MemoryEvent::kDelete)) return std::nullopt;
  return static_cast<MemoryEvent>(value);
}

// What a step of a history need not say, because the entry does.
constexpr std::uint8_t kCurrentText = 1U << 0U;
constexpr std::uint8_t kCurrentLife = 1U << 1U;

void put_step(ByteWriter& out, const HistoryStep& step, const MemoryEntry& entry) {
  const bool current_text = step.stamp == entry.changed && step.entry.memory == entry.record.memory;
  const bool current_life = step.generation == entry.generation;
  put_stamp(out, step.stamp);
  out.put_byte(static_cast<std::uint8_t>(step.entry.event));
  out.put_signed(step.entry.at_ms);
  out.put_byte(static_cast<std::uint8_t>((current_text ? kCurrentText : 0U) |
                                         (current_life ? kCurrentLife : 0U)));
  if (!current_life) put_stamp(out, step.generation);
  if (!current_text) out.put_string(step.entry.memory);
}

bool read_step(ByteReader& in, HistoryStep& step, const MemoryEntry& entry) {
  step.stamp = read_stamp(in);
  const std::optional<MemoryEvent> event = read_event(in);
  if (!event) return false;
  step.entry.event = *event;
  step.entry.at_ms = in.signed_varint();
  const std::uint8_t flags = in.byte();
  step.generation = (flags & kCurrentLife) != 0 ? entry.generation : read_stamp(in);
  step.entry.memory =
      (flags & kCurrentText) != 0 ? std::string_view(entry.record.memory) : in.string();
  return in.ok();
}

void put_entry(ByteWriter& out, const MemoryEntry& entry) {
  put_record(out, entry.record);
  put_stamp(out, entry.generation);
  put_stamp(out, entry.changed);
  put_stamp(out, entry.deleted);
  out.put_varint(entry.history.size());
  for (const HistoryStep& step : entry.history)
    put_step(out, step, entry);
}

bool read_entry(ByteReader& in, MemoryEntry& entry) {
  entry.record = read_record(in);
  entry.generation = read_stamp(in);
  entry.changed = read_stamp(in);
  entry.deleted = read_stamp(in);
  const std::size_t steps = in.size();
  entry.history.reserve(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    if (!read_step(in, entry.history.emplace_back(), entry)) return false;
  }
  return in.ok() && in.at_end() && !entry.record.id.empty();
}

// Before each entry: its size, and checksums of the size and of the entry. With one of its own the
// size tells cheaply whether an entry may begin somewhere.
constexpr std::size_t kEntryHeaderBytes = 12;

/// The entry that begins where `bytes` do, or nullopt.
std::optional<std::string_view> entry_at(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint32_t size = in.u32();
  const std::uint32_t size_checksum = in.u32();
  const std::uint32_t checksum = in.u32();
  if (!in.ok() || crc32c(bytes.substr(0, sizeof size)) != size_checksum) return std::nullopt;
  const std::string_view entry = in.bytes(size);
  if (!in.ok() || crc32c(entry) != checksum) return std::nullopt;
  return entry;
}

}  // namespace

std::string seal(FrameKind kind, std::string_view payload, std::uint8_t version) {
  ByteWriter checked;
  checked.put_byte(version);
  checked.put_byte(static_cast<std::uint8_t>(kind));
  checked.put_bytes(payload);
  ByteWriter out;
  out.put_bytes(kMagic);
  out.put_u32(crc32c(checked.bytes()));
  out.put_bytes(checked.bytes());
  return out.take();
}

Unsealed unseal(FrameKind kind, std::string_view frame) {
  ByteReader in(frame);
  const bool has_magic = in.bytes(kMagic.size()) == kMagic;
  const std::uint32_t checksum = in.u32();
  const std::string_view checked = frame.substr(frame.size() - in.remaining());
  const std::uint8_t version = in.byte();
  const std::uint8_t stored_kind = in.byte();
  const std::string_view payload = in.bytes(in.remaining());
  const bool whole = in.ok() && has_magic && version != 0 && crc32c(checked) == checksum;
  if (whole && version > kFormatVersion) return {Damage::kNewerVersion, {}};
  const bool fits = whole && stored_kind == static_cast<std::uint8_t>(kind);
  return {fits ? Damage::kNone : Damage::kCorrupt, payload};
}

std::string encode_operations(const std::vector<Operation>& operations) {
  ByteWriter out;
  out.put_varint(operations.size());
  for (const Operation& operation : operations) {
    out.put_byte(static_cast<std::uint8_t>(operation.kind));
    put_stamp(out, operation.stamp);
    out.put_signed(operation.at_ms);
    if (operation.kind == MemoryEvent::kDelete) {
      out.put_string(operation.record.id);
      continue;
    }
    if (operation.kind == MemoryEvent::kUpdate) put_stamp(out, operation.generation);
    put_record(out, operation.record);
  }
  return out.take();
}

bool decode_operations(std::string_view payload, std::vector<Operation>& out) {
  ByteReader in(payload);
  const std::size_t count = in.size();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    Operation operation;
    const std::optional<MemoryEvent> kind = read_event(in);
    if (!kind) return false;
    operation.kind = *kind;
    operation.stamp = read_stamp(in);
    operation.at_ms = in.signed_varint();
    if (operation.kind == MemoryEvent::kDelete) {
      operation.record.id = in.string();
    } else {
      if (operation.kind == MemoryEvent::kUpdate) operation.generation = read_stamp(in);
      operation.record = read_record(in);
    }
    if (!in.ok() || operation.record.id.empty() || operation.stamp.is_never()) return false;
    out.push_back(std::move(operation));
  }
  return in.ok() && in.at_end();
}

std::string encode_entries(const std::vector<const MemoryEntry*>& entries) {
  ByteWriter out;
  for (const MemoryEntry* entry : entries) {
    ByteWriter bytes;
    put_entry(bytes, *entry);
    ByteWriter size;
    size.put_u32(static_cast<std::uint32_t>(bytes.bytes().size()));
    out.put_bytes(size.bytes());
    out.put_u32(crc32c(size.bytes()));
    out.put_u32(crc32c(bytes.bytes()));
    out.put_bytes(bytes.bytes());
  }
  return out.take();
}

bool decode_entries(std::string_view payload, std::vector<MemoryEntry>& out) {
  bool whole = true;
  while (!payload.empty()) {
    const std::optional<std::string_view> bytes = entry_at(payload);
    if (!bytes) {
      // Damaged: the next one is wherever one is found.
      whole = false;
      payload.remove_prefix(1);
      continue;
    }
    payload.remove_prefix(kEntryHeaderBytes + bytes->size());
    ByteReader in(*bytes);
    MemoryEntry entry;
    if (read_entry(in, entry)) {
      out.push_back(std::move(entry));
    } else {
      whole = false;
    }
  }
  return whole;
}

std::string encode_head(const CheckpointHead& head) {
  ByteWriter out;
  out.put_varint(head.segments);
  out.put_varint(head.segment_bytes);
  out.put_varint(head.image_parts);
  out.put_varint(head.image_bytes);
  out.put_varint(head.live);
  out.put_varint(head.folded.size());
  for (const WriterProgress& progress : head.folded) {
    out.put_u64(progress.writer);
    out.put_varint(progress.sequence);
  }
  return out.take();
}

bool decode_head(std::string_view payload, CheckpointHead& out) {
  ByteReader in(payload);
  out.segments = in.varint();
  out.segment_bytes = in.varint();
  out.image_parts = in.varint();
  out.image_bytes = in.varint();
  out.live = in.varint();
  const std::size_t writers = in.size();
  for (std::size_t i = 0; i < writers && in.ok(); ++i) {
    const std::uint64_t writer = in.u64();
    out.folded.push_back({writer, in.varint()});
  }
  return in.ok() && in.at_end();
}

// The directory: version, number of sections, the size of each. It fits a part.

ImageEncoder::ImageEncoder(ViewImage image, std::size_t part_bytes) : part_bytes_(part_bytes) {
  ByteWriter directory;
  directory.put_u32(image.version);
  directory.put_varint(image.sections.size());
  for (const std::string& section : image.sections)
    directory.put_varint(section.size());
  pieces_.reserve(image.sections.size() + 1);
  pieces_.push_back(directory.take());
  for (std::string& section : image.sections)
    pieces_.push_back(std::move(section));
}

std::optional<std::string> ImageEncoder::next() {
  if (piece_ == pieces_.size()) return std::nullopt;
  std::string payload;
  payload.reserve(part_bytes_);
  while (piece_ < pieces_.size() && payload.size() < part_bytes_) {
    const std::size_t taken =
        std::min(pieces_[piece_].size() - offset_, part_bytes_ - payload.size());
    payload.append(pieces_[piece_], offset_, taken);
    offset_ += taken;
    if (offset_ < pieces_[piece_].size()) break;
    std::string().swap(pieces_[piece_++]);
    offset_ = 0;
  }
  return payload;
}

bool ImageDecoder::read_directory(std::string_view& payload) {
  ByteReader in(payload);
  image_.version = in.u32();
  const std::size_t count = in.size();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t size = in.varint();
    if (size > limit_) return false;
    limit_ -= size;
    image_.sections.emplace_back(static_cast<std::size_t>(size), '\0');
  }
  payload.remove_prefix(payload.size() - in.remaining());
  return in.ok();
}

bool ImageDecoder::take(std::string_view payload) {
  if (!has_directory_ && !read_directory(payload)) return false;
  has_directory_ = true;
  for (; section_ < image_.sections.size(); ++section_, filled_ = 0) {
    std::string& section = image_.sections[section_];
    const std::size_t taken = std::min(section.size() - filled_, payload.size());
    payload.copy(section.data() + filled_, taken);
    payload.remove_prefix(taken);
    filled_ += taken;
    if (filled_ < section.size()) break;
  }
  return payload.empty();
}

std::optional<ViewImage> ImageDecoder::finish() {
  if (!has_directory_ || section_ < image_.sections.size()) return std::nullopt;
  return std::move(image_);
}

}  // namespace agent_memory
