// SPDX-License-Identifier: MIT
// Journal decoding: any bytes are decoded or refused, and what was decoded is the same after it
// was encoded and decoded again. The first byte says what the others are taken for.

#include "journal/codec.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "journal/memory_table.hpp"
#include "journal/segment.hpp"
#include "support/records.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;
using testing::shown;

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

void check_entries(const std::vector<MemoryEntry>& entries) {
  const std::string segment = encoded(entries);
  const std::vector<MemoryEntry> again = decoded(segment, true);
  check(shown(again) == shown(entries), "entries survive encoding");
  check(encoded(again) == segment, "equal entries give equal bytes");
  check(shown(decoded(segment, false)) == shown(entries), "each entry has a checksum that holds");
  const std::string damaged = segment.substr(0, segment.size() / 2) + segment;
  check(decoded(damaged, false).size() >= entries.size(),
        "damage takes only the entries that it touched");
}

/// Any bytes, as a value whose checksum holds and as one whose checksum does not.
void check_segment(std::string_view payload) {
  const bool is_whole = payload.size() % 2 == 0;
  for (const MemoryEntry& each : decoded(payload, is_whole))
    check(!each.record.id.empty(), "an entry has an id");
  MemoryTable table;
  constexpr std::string_view kHeader = "12345678";
  table.load({.value = std::string(kHeader).append(payload),
              .begin = kHeader.size(),
              .is_whole = is_whole});
  MemoryTable copy;
  for (EntryIndex i = 0; i < table.size(); ++i) {
    copy.merge(table[i]);
    check(table.find(table[i].record.id) == i, "an entry is found by its id");
  }
  check(copy.size() == table.size(), "no id is there twice");
}

/// A packed entry: flags, origin up to the first line break, rest.
void check_entry(fuzzing::Input input) {
  PackedEntry packed;
  packed.flags = input.byte();
  packed.origin = input.line();
  packed.rest = input.rest();
  const MemoryEntry entry = packed.entry();
  const EntryFields fields = packed.fields();
  check(packed.newest() == packed.newest(), "a stamp is read alike twice");
  check(packed.id() == fields.id, "an id is read alike alone and with the rest");
  if (fields.ok) check_entries({entry, entry});
}

void check_head(std::string_view payload) {
  CheckpointHead head;
  if (!decode_head(payload, head)) return;
  const std::string bytes = encode_head(head);
  CheckpointHead again;
  check(decode_head(bytes, again), "an encoded head decodes");
  check(encode_head(again) == bytes, "equal heads give equal bytes");
  check(again.segments == head.segments && again.segment_bytes == head.segment_bytes &&
            again.image_parts == head.image_parts && again.image_bytes == head.image_bytes &&
            again.live == head.live &&
            std::equal(again.folded.begin(), again.folded.end(), head.folded.begin(),
                       head.folded.end(),
                       [](const WriterProgress& left, const WriterProgress& right) {
                         return left.writer == right.writer && left.sequence == right.sequence;
                       }),
        "a head survives encoding");
}

/// The first byte says how large the parts are to be, the second one how many there are.
void check_image(fuzzing::Input input) {
  constexpr std::uint64_t kLimit = 1U << 20U;
  const std::size_t more_bytes = 1 + input.byte();
  const std::size_t parts = 1 + input.byte() % 4;
  ImageDecoder decoder(kLimit);
  const std::string_view rest = input.rest();
  for (std::size_t i = 0; i < parts; ++i) {
    const std::size_t begin = rest.size() * i / parts;
    if (!decoder.take(rest.substr(begin, rest.size() * (i + 1) / parts - begin))) return;
  }
  const std::optional<ViewImage> image = decoder.finish();
  if (!image) return;
  // The directory fits a part: a version, and ten bytes at most for a number or size.
  ImageEncoder encoder(*image, 4 + 10 * (1 + image->sections.size()) + more_bytes);
  ImageDecoder again(kLimit);
  while (const std::optional<std::string> part = encoder.next())
    check(again.take(*part), "each part of an encoded image is taken");
  const std::optional<ViewImage> decoded = again.finish();
  check(decoded && decoded->version == image->version && decoded->sections == image->sections,
        "an image survives encoding");
}

void check_frame(FrameKind kind, std::string_view bytes) {
  unseal(kind, bytes);
  std::string frame = seal(kind, bytes);
  const Unsealed whole = unseal(kind, frame);
  check(whole.damage == Damage::kNone && whole.payload == bytes, "what is sealed is unsealed");
  check(
      unseal(kind, std::string_view(frame).substr(0, frame.size() - 1)).damage == Damage::kCorrupt,
      "a frame that was cut is damaged");
  const std::string newer = seal(kind, bytes, kFormatVersion + 1);
  check(unseal(kind, newer).damage == Damage::kNewerVersion, "a newer frame is known for one");
  char& changed = frame[bytes.size() % frame.size()];
  changed = static_cast<char>(changed ^ 0x10);
  check(unseal(kind, frame).damage == Damage::kCorrupt, "a frame with a wrong bit is damaged");
}

}  // namespace
}  // namespace agent_memory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent_memory;
  fuzzing::Input input(data, size);
  switch (input.byte()) {
    case 's':
      check_segment(input.rest());
      break;
    case 'e':
      check_entry(input);
      break;
    case 'h':
      check_head(input.rest());
      break;
    case 'i':
      check_image(input);
      break;
    default:
      check_frame(static_cast<FrameKind>(1 + size % 4), input.rest());
      break;
  }
  return 0;
}
