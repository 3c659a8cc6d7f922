// SPDX-License-Identifier: MIT
// Journal decoding: any bytes are decoded or refused, and what was decoded is the same after it
// was encoded and decoded again. The first byte says what the others are taken for.

#include "journal/codec.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "journal/bytes.hpp"
#include "journal/checksum.hpp"
#include "support/records.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;
using testing::shown;

void check_operations(std::string_view payload) {
  std::vector<Operation> operations;
  if (!decode_operations(payload, operations)) return;
  const std::string encoded = encode_operations(operations);
  std::vector<Operation> again;
  check(decode_operations(encoded, again), "encoded operations decode");
  check(shown(again) == shown(operations), "operations survive encoding");
  check(encode_operations(again) == encoded, "equal operations give equal bytes");
}

std::string encoded(const std::vector<MemoryEntry>& entries) {
  std::vector<const MemoryEntry*> pointers;
  for (const MemoryEntry& each : entries)
    pointers.push_back(&each);
  return encode_entries(pointers);
}

std::size_t check_entries(std::string_view payload) {
  std::vector<MemoryEntry> entries;
  decode_entries(payload, entries);
  const std::string bytes = encoded(entries);
  std::vector<MemoryEntry> again;
  check(decode_entries(bytes, again), "encoded entries decode");
  check(shown(again) == shown(entries), "entries survive encoding");
  check(encoded(again) == bytes, "equal entries give equal bytes");
  return entries.size();
}

/// `bytes` as an entry whose checksums hold, with half a copy before it.
void check_entry(std::string_view bytes) {
  ByteWriter size;
  size.put_u32(static_cast<std::uint32_t>(bytes.size()));
  ByteWriter whole;
  whole.put_bytes(size.bytes());
  whole.put_u32(crc32c(size.bytes()));
  whole.put_u32(crc32c(bytes));
  whole.put_bytes(bytes);
  const std::size_t found = check_entries(whole.bytes());
  const std::string damaged = whole.bytes().substr(0, whole.bytes().size() / 2) + whole.bytes();
  check(check_entries(damaged) >= found, "damage takes only the entries that it touched");
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
    case 'o':
      check_operations(input.rest());
      break;
    case 'e':
      check_entries(input.rest());
      break;
    case 'c':
      check_entry(input.rest());
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
