// SPDX-License-Identifier: MIT
#include "journal/packed_entry.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.hpp"
#include "base/json.hpp"

namespace agent_memory {
namespace {

/// Of an entry.
enum Flag : std::uint8_t {
  kUuid = 1U << 0U,
  /// The history is one kAdd at `created_at_ms`, whose stamp is that of the entry. It lives.
  kOneStep = 1U << 1U,
  /// The id is a UUID version 7 of that stamp.
  kStampInId = 1U << 2U,
  kExpires = 1U << 3U,
  kMetadata = 1U << 4U,
  kUpdated = 1U << 5U,
  kLive = 1U << 6U,
  /// It has a mark and is settled. Where this is not said, it is to be found out.
  kSettled = 1U << 7U,
};

/// Of an origin.
enum OriginFlag : std::uint8_t {
  kUser = 1U << 0U,
  kAgent = 1U << 1U,
  kRun = 1U << 2U,
  kName = 1U << 3U,
  kSaidByUser = 1U << 4U,
  kSaidByAssistant = 1U << 5U,
};

/// Of a step of a history, above the two bits of its event: what it need not say.
enum StepFlag : std::uint8_t {
  /// Its text is that of the entry.
  kCurrentText = 1U << 2U,
  /// Its life is that of the entry, or begins with it, or there is none.
  kCurrentLife = 1U << 3U,
  kOwnLife = 1U << 4U,
  kNoLife = 1U << 5U,
  /// Its stamp is of the origin's writer.
  kSameWriter = 1U << 6U,
};
constexpr std::uint8_t kEventBits = 3;

constexpr char kMarker = '\xFF';
constexpr std::size_t kUuidBytes = 16;

bool has_stamp_in_id(std::uint8_t flags) {
  constexpr std::uint8_t kNeeded = kUuid | kOneStep | kStampInId;
  return (flags & kNeeded) == kNeeded;
}

std::uint8_t flag_if(bool condition, std::uint8_t flag) { return condition ? flag : 0; }

bool is_dash(std::size_t place) { return place == 8 || place == 13 || place == 18 || place == 23; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// What a UUID version 7 says of its stamp; 0 for other versions.
std::uint64_t stamp_time_of(std::string_view uuid) {
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < 8; ++i)
    high = high << 8U | static_cast<std::uint8_t>(uuid[i]);
  if ((high >> 12U & 0xFU) != 7) return 0;
  return (high >> 16U) << 12U | (high & 0xFFFU);
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

/// Writes and reads stamps near one: differences in time, and the writer only where it is another.
class NearStamps {
 public:
  explicit NearStamps(Stamp base) : base_(base) {}

  [[nodiscard]] bool is_same_writer(Stamp stamp) const { return stamp.writer == base_.writer; }
  void put(ByteWriter& out, Stamp stamp, bool same_writer) const {
    out.put_signed(static_cast<std::int64_t>(stamp.time - base_.time));
    if (!same_writer) out.put_u64(stamp.writer);
  }
  Stamp read(ByteReader& in, bool same_writer) const {
    Stamp stamp;
    stamp.time = base_.time + static_cast<std::uint64_t>(in.signed_varint());
    stamp.writer = same_writer ? base_.writer : in.u64();
    return stamp;
  }

 private:
  Stamp base_;
};

void put_origin(ByteWriter& out, const MemoryRecord& record, std::uint64_t writer) {
  const std::pair<const std::optional<std::string>&, std::uint8_t> parts[] = {
      {record.identity.user_id, kUser},
      {record.identity.agent_id, kAgent},
      {record.identity.run_id, kRun},
      {record.name, kName}};
  auto flags =
      static_cast<std::uint8_t>(flag_if(record.role == Role::kUser, kSaidByUser) |
                                flag_if(record.role == Role::kAssistant, kSaidByAssistant));
  for (const auto& [part, flag] : parts)
    flags |= flag_if(part.has_value(), flag);
  out.put_byte(flags);
  for (const auto& [part, flag] : parts) {
    if (part) out.put_string(*part);
  }
  out.put_u64(writer);
}

std::uint64_t read_origin(std::string_view bytes, EntryFields& out) {
  ByteReader in(bytes);
  const std::uint8_t flags = in.byte();
  for (const auto& [part, flag] : {std::pair(&out.user_id, kUser), std::pair(&out.agent_id, kAgent),
                                   std::pair(&out.run_id, kRun), std::pair(&out.name, kName)}) {
    if ((flags & flag) != 0) *part = in.string();
  }
  if ((flags & kSaidByUser) != 0) out.role = Role::kUser;
  if ((flags & kSaidByAssistant) != 0) out.role = Role::kAssistant;
  const std::uint64_t writer = in.u64();
  out.ok = out.ok && in.ok();
  return writer;
}

bool has_one_step(const MemoryEntry& entry) {
  if (entry.history.size() != 1 || !entry.deleted.is_never() || entry.generation.is_never() ||
      entry.generation != entry.changed) {
    return false;
  }
  const HistoryStep& step = entry.history.front();
  return step.stamp == entry.changed && step.generation == entry.generation &&
         step.entry.event == MemoryEvent::kAdd && step.entry.at_ms == entry.record.created_at_ms &&
         step.entry.memory == entry.record.memory;
}

void put_step(ByteWriter& out, const HistoryStep& step, const MemoryEntry& entry) {
  const NearStamps near(entry.version());
  const bool same_writer = near.is_same_writer(step.stamp);
  const bool current_text = step.stamp == entry.changed && step.entry.memory == entry.record.memory;
  std::uint8_t life = 0;
  if (step.generation == entry.generation) {
    life = kCurrentLife;
  } else if (step.generation == step.stamp) {
    life = kOwnLife;
  } else if (step.generation == Stamp{}) {
    life = kNoLife;
  }
  out.put_byte(static_cast<std::uint8_t>(static_cast<unsigned>(step.entry.event) | life |
                                         flag_if(current_text, kCurrentText) |
                                         flag_if(same_writer, kSameWriter)));
  near.put(out, step.stamp, same_writer);
  out.put_signed(difference(step.entry.at_ms, step.stamp.ms()));
  if (life == 0) near.put(out, step.generation, false);
  if (!current_text) out.put_string(step.entry.memory);
}

HistoryStep read_step(ByteReader& in, const EntryFields& fields) {
  const NearStamps near(std::max({fields.generation, fields.changed, fields.deleted}));
  HistoryStep step;
  const std::uint8_t flags = in.byte();
  step.entry.event = static_cast<MemoryEvent>(flags & kEventBits);
  step.stamp = near.read(in, (flags & kSameWriter) != 0);
  step.entry.at_ms = sum(step.stamp.ms(), in.signed_varint());
  if ((flags & kCurrentLife) != 0) {
    step.generation = fields.generation;
  } else if ((flags & kOwnLife) != 0) {
    step.generation = step.stamp;
  } else if ((flags & kNoLife) == 0) {
    step.generation = near.read(in, false);
  }
  step.entry.memory = (flags & kCurrentText) != 0 ? fields.memory : in.string();
  return step;
}

/// The three stamps, of which any may be never: two bits for each, then what is not said by them.
void put_stamps(ByteWriter& out, const MemoryEntry& entry) {
  const Stamp base = entry.version();
  const NearStamps near(base);
  const Stamp stamps[] = {entry.generation, entry.changed, entry.deleted};
  unsigned kinds = 0;
  for (unsigned i = 0; i < 3; ++i) {
    const unsigned kind = stamps[i] == Stamp{} ? 0 : near.is_same_writer(stamps[i]) ? 1 : 2;
    kinds |= kind << (2 * i);
  }
  out.put_byte(static_cast<std::uint8_t>(kinds));
  out.put_varint(base.time);
  for (unsigned i = 0; i < 3; ++i) {
    const unsigned kind = kinds >> (2 * i) & 3U;
    if (kind != 0) near.put(out, stamps[i], kind == 1);
  }
}

void read_stamps(ByteReader& in, std::uint64_t writer, EntryFields& out) {
  const unsigned kinds = in.byte();
  const NearStamps near({.time = in.varint(), .writer = writer});
  Stamp* const stamps[] = {&out.generation, &out.changed, &out.deleted};
  for (unsigned i = 0; i < 3; ++i) {
    const unsigned kind = kinds >> (2 * i) & 3U;
    if (kind != 0) *stamps[i] = near.read(in, kind == 1);
  }
}

MemoryRecord to_record(const EntryFields& fields) {
  MemoryRecord record;
  record.id = fields.id.unpacked();
  record.memory = fields.memory;
  record.metadata = read_metadata(fields.metadata);
  record.identity = {.user_id = to_owned(fields.user_id),
                     .agent_id = to_owned(fields.agent_id),
                     .run_id = to_owned(fields.run_id)};
  record.role = fields.role;
  record.name = to_owned(fields.name);
  record.created_at_ms = fields.created_at_ms;
  record.updated_at_ms = fields.updated_at_ms;
  record.expires_at_ms = fields.expires_at_ms;
  return record;
}

}  // namespace

Metadata read_metadata(std::string_view json) {
  if (json.empty()) return {};
  const Result<JsonValue> metadata = parse_json(json);
  return metadata && metadata->if_object() != nullptr ? *metadata->if_object() : Metadata();
}

std::string_view PackedId::unpack(char (&room)[kUnpackedUuid]) const {
  if (!is_uuid) return bytes;
  const auto digit = [](unsigned value) {
    return static_cast<char>(value < 10 ? '0' + value : 'a' - 10 + value);
  };
  char* out = room;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    *out++ = digit(byte >> 4U);
    *out++ = digit(byte & 0xFU);
    if (is_dash(static_cast<std::size_t>(out - room))) *out++ = '-';
  }
  return {room, kUnpackedUuid};
}
std::string PackedId::unpacked() const {
  char room[kUnpackedUuid];
  return std::string(unpack(room));
}

IdPacker::IdPacker(std::string_view id) : id_(id) {
  if (id.size() != 36) return;
  int high = -1;
  std::size_t byte = 0;
  for (std::size_t place = 0; place < id.size(); ++place) {
    if (is_dash(place)) {
      if (id[place] != '-') return;
      continue;
    }
    const int digit = hex_digit(id[place]);
    if (digit < 0) return;
    if (high < 0) {
      high = digit;
    } else {
      uuid_[byte++] = static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  is_uuid_ = true;
}

bool PackedEntry::is_live() const { return (flags & kLive) != 0; }
bool PackedEntry::is_deleted() const { return !is_live() && !fields().deleted.is_never(); }
bool PackedEntry::is_unsettled() const {
  // What was added and no more has no mark.
  if ((flags & (kSettled | kOneStep)) != 0) return (flags & kSettled) == 0;
  return entry().is_unsettled();
}
bool PackedEntry::expires() const { return (flags & kExpires) != 0; }
TimestampMs PackedEntry::expires_at_ms() const {
  constexpr TimestampMs kNever = kMaxTimestampMs + 1;
  return expires() ? fields().expires_at_ms.value_or(kNever) : kNever;
}

bool PackedEntry::has_note() const {
  if ((flags & kOneStep) != 0) return false;
  const MemoryEntry unpacked = entry();
  return unpacked.mark() != nullptr && !unpacked.mark()->entry.memory.empty();
}

PackedId PackedEntry::id() const {
  ByteReader in(rest);
  const bool is_uuid = (flags & kUuid) != 0;
  return {.bytes = is_uuid ? in.bytes(kUuidBytes) : in.string(), .is_uuid = is_uuid};
}

Stamp PackedEntry::newest() const {
  if (has_stamp_in_id(flags) && rest.size() >= kUuidBytes && origin.size() >= 8) {
    Stamp stamp{.time = stamp_time_of(rest.substr(0, kUuidBytes)), .writer = 0};
    std::memcpy(&stamp.writer, origin.data() + origin.size() - 8, 8);
    return stamp;
  }
  const EntryFields parsed = fields();
  Stamp stamp = std::max({parsed.changed, parsed.generation, parsed.deleted});
  ByteReader in(parsed.steps);
  for (std::size_t i = 0; i < parsed.step_count && in.ok(); ++i)
    stamp = std::max(stamp, read_step(in, parsed).stamp);
  return stamp;
}

EntryFields PackedEntry::fields() const {
  EntryFields out;
  const std::uint64_t writer = read_origin(origin, out);
  ByteReader in(rest);
  const bool is_uuid = (flags & kUuid) != 0;
  out.id = {.bytes = is_uuid ? in.bytes(kUuidBytes) : in.string(), .is_uuid = is_uuid};
  out.has_one_step = (flags & kOneStep) != 0;
  TimestampMs base = 0;
  if (out.has_one_step) {
    const bool in_id = has_stamp_in_id(flags) && out.id.bytes.size() == kUuidBytes;
    out.changed = {.time = in_id ? stamp_time_of(out.id.bytes) : in.varint(), .writer = writer};
    out.generation = out.changed;
    base = out.changed.ms();
    out.step_count = 1;
  }
  out.created_at_ms = sum(base, in.signed_varint());
  out.updated_at_ms = out.created_at_ms;
  if ((flags & kUpdated) != 0) out.updated_at_ms = sum(out.created_at_ms, in.signed_varint());
  if ((flags & kExpires) != 0) out.expires_at_ms = in.signed_varint();
  if ((flags & kMetadata) != 0) out.metadata = in.string();
  if (!out.has_one_step) {
    read_stamps(in, writer, out);
    out.step_count = in.size();
    out.steps = in.string();
  }
  out.memory = in.bytes(in.remaining());
  out.ok = out.ok && in.ok() && !out.id.bytes.empty();
  return out;
}

MemoryRecord PackedEntry::record() const { return to_record(fields()); }

MemoryEntry PackedEntry::entry() const {
  const EntryFields parsed = fields();
  MemoryEntry entry;
  entry.record = to_record(parsed);
  entry.generation = parsed.generation;
  entry.changed = parsed.changed;
  entry.deleted = parsed.deleted;
  if (parsed.has_one_step) {
    entry.history.push_back({parsed.changed,
                             parsed.generation,
                             {MemoryEvent::kAdd, entry.record.memory, entry.record.created_at_ms}});
    return entry;
  }
  ByteReader in(parsed.steps);
  for (std::size_t i = 0; i < parsed.step_count && in.ok(); ++i)
    entry.history.push_back(read_step(in, parsed));
  return entry;
}

PackedEntry EntryPacker::pack(const MemoryEntry& entry) {
  const MemoryRecord& record = entry.record;
  const IdPacker packer(record.id);
  const PackedId id = packer.packed();
  const bool one_step = has_one_step(entry);
  const bool in_id = one_step && id.is_uuid && stamp_time_of(id.bytes) == entry.changed.time;
  const auto flags = static_cast<std::uint8_t>(
      flag_if(id.is_uuid, kUuid) | flag_if(one_step, kOneStep) | flag_if(in_id, kStampInId) |
      flag_if(record.expires_at_ms.has_value(), kExpires) |
      flag_if(!record.metadata.empty(), kMetadata) |
      flag_if(record.updated_at_ms != record.created_at_ms, kUpdated) |
      flag_if(entry.is_live(), kLive) |
      flag_if(entry.mark() != nullptr && !entry.is_unsettled(), kSettled));

  origin_.clear();
  put_origin(origin_, record, entry.version().writer);
  rest_.clear();
  if (id.is_uuid) {
    rest_.put_bytes(id.bytes);
  } else {
    rest_.put_string(record.id);
  }
  if (one_step && !in_id) rest_.put_varint(entry.changed.time);
  rest_.put_signed(difference(record.created_at_ms, one_step ? entry.changed.ms() : 0));
  if ((flags & kUpdated) != 0) {
    rest_.put_signed(difference(record.updated_at_ms, record.created_at_ms));
  }
  if (record.expires_at_ms) rest_.put_signed(*record.expires_at_ms);
  if (!record.metadata.empty()) rest_.put_string(dump_json(record.metadata));
  if (!one_step) {
    put_stamps(rest_, entry);
    ByteWriter steps;
    for (const HistoryStep& step : entry.history)
      put_step(steps, step, entry);
    rest_.put_varint(entry.history.size());
    rest_.put_string(steps.bytes());
  }
  rest_.put_bytes(record.memory);
  return {.flags = flags, .origin = origin_.bytes(), .rest = rest_.bytes()};
}

std::size_t packed_size_bound(const PackedEntry& entry) {
  // Marker, size, checksum, flags, origin.
  return entry.rest.size() + 1 + 5 + 4 + 1 + 5;
}

void put_packed(std::string& out, const PackedEntry& entry, std::uint32_t origin, bool is_checked) {
  std::size_t origin_size = 1;
  for (std::uint32_t more = origin; more >= 0x80; more >>= 7U)
    ++origin_size;
  const std::size_t size = 1 + origin_size + entry.rest.size();

  char head[1 + 5 + 4 + 1 + 5];  // marker, size, checksum, flags, origin
  std::size_t head_size = 0;
  const auto put_varint = [&](std::size_t value) {
    for (; value >= 0x80; value >>= 7U)
      head[head_size++] = static_cast<char>(value | 0x80U);
    head[head_size++] = static_cast<char>(value);
  };
  head[head_size++] = kMarker;
  put_varint(size);
  std::uint32_t checksum = 0;
  const std::size_t checksum_at = out.size() + head_size;
  std::memcpy(head + head_size, &checksum, sizeof(checksum));
  head_size += sizeof(checksum);
  head[head_size++] = static_cast<char>(entry.flags);
  put_varint(origin);
  out.append(head, head_size).append(entry.rest);
  if (!is_checked) return;
  checksum = hash32(std::string_view(out).substr(checksum_at + sizeof(checksum)), size);
  std::memcpy(out.data() + checksum_at, &checksum, sizeof(checksum));
}

PlacedEntry take_packed(std::string_view bytes, bool is_checked) {
  if (bytes.empty() || bytes.front() != kMarker) return {};
  ByteReader in(bytes.substr(1));
  const std::uint64_t size = in.varint();
  const std::uint32_t checksum = in.u32();
  if (!in.ok() || size == 0 || size > in.remaining()) return {};
  const std::string_view body = in.bytes(static_cast<std::size_t>(size));
  if (is_checked && hash32(body, size) != checksum) return {};
  ByteReader parts(body);
  PlacedEntry out;
  out.size = bytes.size() - in.remaining();
  out.flags = parts.byte();
  out.origin = static_cast<std::uint32_t>(parts.varint());
  out.rest = parts.bytes(parts.remaining());
  return parts.ok() ? out : PlacedEntry{};
}

}  // namespace agent_memory
