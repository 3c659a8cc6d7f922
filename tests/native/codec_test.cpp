// SPDX-License-Identifier: MIT
#include "journal/codec.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "journal/bytes.hpp"
#include "journal/memory_table.hpp"
#include "journal/segment.hpp"
#include "local/ids.hpp"
#include "support/fakes.hpp"
#include "support/records.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

/// Entries as a table makes them: live, updated, deleted, added again.
MemoryTable random_table(FakeRandom& random, std::size_t count) {
  MemoryTable table;
  HybridClock clock(random.next());
  for (std::size_t i = 0; i < count; ++i) {
    Operation operation;
    operation.at_ms = kStart;
    operation.record = random_record(random);
    operation.stamp = clock.next(kStart);
    table.apply(operation);
    const Stamp generation = operation.stamp;
    for (std::size_t more = random.below(4); more > 0; --more) {
      operation.kind = random.once_in(3) ? MemoryEvent::kDelete : MemoryEvent::kUpdate;
      operation.generation = generation;
      operation.stamp = clock.next(kStart);
      operation.record.memory += "!";
      table.apply(operation);
    }
  }
  return table;
}

std::vector<MemoryEntry> entries_of(const MemoryTable& table) {
  std::vector<MemoryEntry> entries;
  for (EntryIndex i = 0; i < table.size(); ++i)
    entries.push_back(table[i]);
  return entries;
}

/// A segment of them.
std::string encoded(const std::vector<MemoryEntry>& entries) {
  SegmentEncoder encoder;
  EntryPacker packer;
  for (const MemoryEntry& each : entries)
    encoder.add(packer.pack(each));
  std::string out;
  encoder.finish(out);
  return out;
}

std::vector<MemoryEntry> decoded(std::string_view segment, bool is_whole) {
  Origins origins;
  SegmentReader reader(segment, is_whole, origins);
  std::vector<MemoryEntry> entries;
  while (const std::optional<PackedEntry> entry = reader.next())
    entries.push_back(entry->entry());
  return entries;
}

/// How many of `entries` are in `found`; it must hold nothing else, and keep their order.
std::size_t count_found(const std::vector<MemoryEntry>& found,
                        const std::vector<MemoryEntry>& entries) {
  std::size_t next = 0;
  for (const MemoryEntry& each : entries) {
    if (next < found.size() && shown(found[next]) == shown(each)) ++next;
  }
  REQUIRE(next == found.size());
  return next;
}

CheckpointHead make_head() {
  CheckpointHead head;
  head.folded = {{1, 2}, {0xFFFFFFFFFFFFFFFF, 300}};
  head.segments = 3;
  head.segment_bytes = 1 << 20;
  head.image_parts = 4;
  head.image_bytes = 77;
  head.live = 500;
  return head;
}

ViewImage make_image() {
  ViewImage image;
  image.version = 0xFFFFFFFF;
  image.sections = {"", std::string("a\0b", 3), "\xE6\x97\xA5", std::string(100, 'x'), ""};
  return image;
}

std::vector<std::string> parts_of(ViewImage image, std::size_t part_bytes) {
  ImageEncoder encoder(std::move(image), part_bytes);
  std::vector<std::string> parts;
  while (std::optional<std::string> part = encoder.next())
    parts.push_back(*std::move(part));
  return parts;
}

std::optional<ViewImage> image_of(const std::vector<std::string>& parts, std::size_t limit) {
  ImageDecoder decoder(limit);
  for (const std::string& part : parts) {
    if (!decoder.take(part)) return std::nullopt;
  }
  return decoder.finish();
}

std::string random_bytes(FakeRandom& random, std::size_t most) {
  std::string bytes(random.below(most), '\0');
  for (char& each : bytes)
    each = static_cast<char>(random.below(256));
  return bytes;
}

/// Reads `payload` as everything that it could be. What comes of it is of no interest, only that
/// it ends well.
void read_as_anything(std::string_view payload) {
  for (const bool is_whole : {false, true}) {
    MemoryTable table;
    table.load({.value = std::string(payload), .begin = 0, .is_whole = is_whole});
    CHECK(encoded(entries_of(table)).size() >= 16);
  }
  CheckpointHead head;
  if (decode_head(payload, head)) CHECK_NOTHROW(encode_head(head));
  if (auto image = image_of({std::string(payload)}, payload.size())) {
    CHECK_NOTHROW(parts_of(*std::move(image), 10));
  }
}

}  // namespace

// --------------------------------------------------------------------------------------- bytes

TEST_CASE("integers of every size come back", "[codec]") {
  ByteWriter out;
  const std::vector<std::uint64_t> values{
      0, 1, 127, 128, 16383, 16384, 0xFFFFFFFF, std::numeric_limits<std::uint64_t>::max()};
  const std::vector<std::int64_t> signed_values{0,
                                                -1,
                                                1,
                                                -64,
                                                64,
                                                std::numeric_limits<std::int64_t>::min(),
                                                std::numeric_limits<std::int64_t>::max()};
  for (const std::uint64_t value : values)
    out.put_varint(value);
  for (const std::int64_t value : signed_values)
    out.put_signed(value);
  for (const std::uint64_t value : values)
    out.put_u64(value);
  ByteReader in(out.bytes());
  for (const std::uint64_t value : values)
    CHECK(in.varint() == value);
  for (const std::int64_t value : signed_values)
    CHECK(in.signed_varint() == value);
  for (const std::uint64_t value : values)
    CHECK(in.u64() == value);
  CHECK(in.ok());
  CHECK(in.at_end());
}

TEST_CASE("after a failed read every later one fails", "[codec]") {
  ByteReader in(std::string_view("\x01\x02", 2));
  CHECK(in.u32() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.byte() == 0);
  CHECK(in.string().empty());
  CHECK(in.u32s().empty());
  CHECK_FALSE(in.ok());
}

TEST_CASE("a length that goes past the end is no length", "[codec]") {
  ByteReader text(std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01xyz", 13));
  CHECK(text.string().empty());
  CHECK_FALSE(text.ok());
  ByteReader numbers(std::string_view("\x02\x01\x02\x03\x04\x05\x06\x07", 8));
  CHECK(numbers.u32s().empty());
  CHECK_FALSE(numbers.ok());
  ByteReader endless(std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 11));
  CHECK(endless.varint() == 0);
  CHECK_FALSE(endless.ok());
}

// --------------------------------------------------------------------------------- round trips

TEST_CASE("entries come back as they went", "[codec]") {
  FakeRandom random(2);
  for (int i = 0; i < 500; ++i) {
    const std::vector<MemoryEntry> entries = entries_of(random_table(random, random.below(5)));
    REQUIRE(shown(decoded(encoded(entries), false)) == shown(entries));
    REQUIRE(shown(decoded(encoded(entries), true)) == shown(entries));
  }
}

TEST_CASE("operations come back as the entries that say what they do", "[codec]") {
  FakeRandom random(1);
  for (int i = 0; i < 500; ++i) {
    std::vector<MemoryEntry> operations;
    for (std::size_t count = random.below(5); count > 0; --count)
      operations.push_back(entry_of(random_operation(random)));
    REQUIRE(shown(decoded(encoded(operations), false)) == shown(operations));
  }
}

TEST_CASE("ids of every form come back, and only equal ones are equal when packed", "[codec]") {
  const std::vector<std::string> ids{
      "a",
      "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506",
      "0192F3A4-5b6c-7d8e-9fa0-b1c2d3e4f506",
      "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f507",
      "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f50",
      "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f5060",
      "0192f3a4-5b6c-7d8e-9fa0+b1c2d3e4f506",
      "0192f3a4-5b6c-7d8e-9fag-b1c2d3e4f506",
      "0192f3a45b6c-7d8e-9fa0-b1c2d3e4f506--",
      "\x01\x92\xf3\xa4\x5b\x6c\x7d\x8e\x9f\xa0\xb1\xc2\xd3\xe4\xf5\x06"};
  for (const std::string& id : ids) {
    CHECK(IdPacker(id).packed().unpacked() == id);
    for (const std::string& other : ids) {
      const IdPacker left(id);
      const IdPacker right(other);
      CHECK((left.packed() == right.packed()) == (id == other));
    }
  }
  CHECK(IdPacker(ids[1]).packed().bytes.size() == 16);
}

TEST_CASE("a memory that was only added takes few bytes beside its text", "[codec]") {
  MemoryTable table;
  HybridClock clock(7);
  std::string text;
  for (std::size_t i = 0; i < 1000; ++i) {
    Operation operation;
    operation.stamp = clock.next(kStart);
    operation.at_ms = kStart;
    operation.record = with<MemoryRecord>([&](MemoryRecord& it) {
      it.id = make_memory_id(operation.stamp, i);
      it.memory = "memory number " + std::to_string(i);
      it.identity.user_id = "a user whose name is long";
      it.identity.run_id = "a run of this user";
      it.role = Role::kUser;
      it.created_at_ms = it.updated_at_ms = kStart;
    });
    text += operation.record.memory;
    table.apply(operation);
  }
  CHECK(encoded(entries_of(table)).size() < text.size() + 30 * table.size());
}

TEST_CASE("times at the ends of their type come back too", "[codec]") {
  for (const std::uint64_t time : {std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max()}) {
    Operation operation;
    operation.stamp = {.time = time, .writer = 1};
    operation.record.id = "a";
    operation.record.created_at_ms = std::numeric_limits<TimestampMs>::min();
    operation.record.updated_at_ms = std::numeric_limits<TimestampMs>::max();
    operation.at_ms = operation.record.created_at_ms;
    const std::vector<MemoryEntry> entries{to_entry(operation)};
    CHECK(shown(decoded(encoded(entries), false)) == shown(entries));
  }
}

TEST_CASE("heads and images come back as they went", "[codec]") {
  CheckpointHead head;
  REQUIRE(decode_head(encode_head(make_head()), head));
  CHECK(encode_head(head) == encode_head(make_head()));
  CHECK(head.segments == 3);
  CHECK(head.segment_bytes == 1 << 20);
  CHECK(head.image_parts == 4);
  CHECK(head.image_bytes == 77);
  CHECK(head.live == 500);
  REQUIRE(head.folded.size() == 2);
  CHECK(head.folded[1].sequence == 300);

  for (const std::size_t part_bytes : {10, 11, 64, 1000}) {
    const std::vector<std::string> parts = parts_of(make_image(), part_bytes);
    for (const std::string& part : parts)
      CHECK(part.size() <= part_bytes);
    const std::optional<ViewImage> image = image_of(parts, 106);
    REQUIRE(image);
    CHECK(image->version == make_image().version);
    CHECK(image->sections == make_image().sections);
  }
}

TEST_CASE("an image is whole or not there", "[codec]") {
  const std::vector<std::string> parts = parts_of(make_image(), 50);
  REQUIRE(parts.size() > 2);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::vector<std::string> fewer = parts;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_FALSE(image_of(fewer, 1000));
  }
  std::vector<std::string> more = parts;
  more.emplace_back("x");
  CHECK_FALSE(image_of(more, 1000));
  CHECK_FALSE(image_of({}, 1000));
  // Nor may a few bytes ask for any amount of memory.
  CHECK_FALSE(image_of(parts, 105));
}

TEST_CASE("a frame gives back its payload, to who asks for that kind", "[codec]") {
  const std::string frame = seal(FrameKind::kEntries, "payload");
  CHECK(unseal(FrameKind::kEntries, frame).damage == Damage::kNone);
  CHECK(unseal(FrameKind::kEntries, frame).payload == "payload");
  CHECK(unseal(FrameKind::kHead, frame).damage == Damage::kCorrupt);
  CHECK(unseal(FrameKind::kHead, seal(FrameKind::kHead, "")).damage == Damage::kNone);
}

// -------------------------------------------------------------------------------------- damage

TEST_CASE("every changed byte and every missing end of a frame is detected", "[codec]") {
  FakeRandom random(3);
  const std::string frame =
      seal(FrameKind::kOperations, encoded(entries_of(random_table(random, 3))));
  for (std::size_t i = 0; i < frame.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string flipped = frame;
      flipped[i] = static_cast<char>(static_cast<unsigned char>(flipped[i]) ^ (1U << bit));
      INFO("byte " << i << " bit " << bit);
      // Also in the version: what looks newer but does not add up is damaged.
      REQUIRE(unseal(FrameKind::kOperations, flipped).damage == Damage::kCorrupt);
    }
    REQUIRE(unseal(FrameKind::kOperations, frame.substr(0, i)).damage == Damage::kCorrupt);
  }
  CHECK(unseal(FrameKind::kOperations, frame + "x").damage == Damage::kCorrupt);
}

TEST_CASE("a frame of a newer version is recognised whatever it holds", "[codec]") {
  for (const int newer : {kFormatVersion + 1, 255}) {
    const auto version = static_cast<std::uint8_t>(newer);
    const std::string frame = seal(FrameKind::kHead, "who knows", version);
    CHECK(unseal(FrameKind::kHead, frame).damage == Damage::kNewerVersion);
    CHECK(unseal(FrameKind::kHead, frame).payload.empty());
    CHECK(unseal(FrameKind::kEntries, frame).damage == Damage::kNewerVersion);
  }
  CHECK(unseal(FrameKind::kHead, seal(FrameKind::kHead, "x", 0)).damage == Damage::kCorrupt);
}

TEST_CASE("a damaged byte costs no entry but the one that it is in", "[codec]") {
  FakeRandom random(4);
  const std::vector<MemoryEntry> entries = entries_of(random_table(random, 3));
  const std::string segment = encoded(entries);
  std::size_t costless = 0;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x80U}) {
      std::string damaged = segment;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ flip);
      INFO("byte " << i);
      const std::size_t found = count_found(decoded(damaged, false), entries);
      REQUIRE(found >= entries.size() - 1);
      costless += found - (entries.size() - 1);
    }
  }
  // What entries share is there twice.
  CHECK(costless > 0);
  CHECK(costless < 2 * segment.size());
}

TEST_CASE("a segment that was cut short gives the entries that are whole", "[codec]") {
  FakeRandom random(5);
  const std::vector<MemoryEntry> entries = entries_of(random_table(random, 4));
  const std::string segment = encoded(entries);
  std::size_t most = 0;
  for (std::size_t size = 0; size < segment.size(); ++size) {
    const std::size_t found =
        count_found(decoded(std::string_view(segment).substr(0, size), false), entries);
    REQUIRE(found >= most);
    most = found;
  }
  CHECK(most == entries.size());
}

TEST_CASE("a segment that lost its beginning gives the entries that are whole", "[codec]") {
  FakeRandom random(5);
  const std::vector<MemoryEntry> entries = entries_of(random_table(random, 4));
  const std::string segment = encoded(entries);
  std::size_t least = entries.size();
  for (std::size_t size = 0; size < segment.size(); ++size) {
    const std::size_t found =
        count_found(decoded(std::string_view(segment).substr(size), false), entries);
    REQUIRE(found <= least);
    least = found;
  }
  CHECK(least == 0);
}

TEST_CASE("a hole in a segment costs the entries that it touches", "[codec]") {
  FakeRandom random(6);
  const std::vector<MemoryEntry> entries = entries_of(random_table(random, 5));
  const std::string segment = encoded(entries);
  EntryPacker packer;
  const std::size_t second = segment.find(packer.pack(entries[1]).rest);
  const std::size_t bytes_of_second = packer.pack(entries[1]).rest.size();
  REQUIRE(second != std::string::npos);
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{5}, bytes_of_second / 2}) {
    std::string holed = segment;
    holed.erase(second, bytes);
    CHECK(shown(decoded(holed, false)) ==
          shown(std::vector{entries[0], entries[2], entries[3], entries[4]}));
  }
}

TEST_CASE("no bytes, random or nearly right, break the reader", "[codec]") {
  FakeRandom random(7);
  for (int i = 0; i < 20'000; ++i)
    read_as_anything(random_bytes(random, 80));
  const std::vector<std::string> payloads{encoded(entries_of(random_table(random, 4))),
                                          encode_head(make_head()),
                                          parts_of(make_image(), 1000)[0]};
  for (int i = 0; i < 20'000; ++i) {
    std::string payload = random.pick(payloads);
    for (std::size_t edits = 1 + random.below(3); edits > 0; --edits) {
      payload[random.below(payload.size())] = static_cast<char>(random.below(256));
    }
    if (random.once_in(4)) payload.resize(random.below(payload.size()));
    read_as_anything(payload);
    unseal(FrameKind::kEntries, payload);
  }
}

TEST_CASE("an entry without an id is not one", "[codec]") {
  MemoryEntry entry;
  entry.generation = entry.changed = {.time = 1, .writer = 1};
  CHECK(decoded(encoded({entry}), true).empty());
  entry.record.id = "a";
  CHECK(decoded(encoded({entry}), true).size() == 1);
}

TEST_CASE("a damaged segment of a megabyte is read in reasonable time", "[codec]") {
  // The worst to search: every byte might begin an entry.
  for (const char byte : {'\0', '\x7F', '\xFF'}) {
    CHECK(decoded(std::string(std::size_t{1} << 20, byte), false).empty());
  }
}
