// SPDX-License-Identifier: MIT
#pragma once

// Heads and the index's image as bytes, and the frames around all bytes. Every stored value is a
// frame: magic, checksum (32 bits of XXH64) of all that follows, format version, kind, payload.
// These eight bytes mean the same in every version, so that a newer one is never taken for damage,
// nor damage for a newer one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/result.hpp"

namespace agent_memory {

/// The stored format. Raised when old readers could misread new bytes; a reader refuses a greater
/// one with kCorrupt and touches nothing.
inline constexpr std::uint8_t kFormatVersion = 2;

/// What a frame holds. Operations and entries are segments (segment.hpp).
enum class FrameKind : std::uint8_t { kOperations = 1, kEntries = 2, kHead = 3, kImage = 4 };

inline constexpr std::size_t kFrameHeaderBytes = 8;

/// The header of a frame. The payload is appended; then `close_frame` makes the checksum.
std::string open_frame(FrameKind kind, std::uint8_t version = kFormatVersion);
void close_frame(std::string& frame);
/// All three steps.
std::string seal(FrameKind kind, std::string_view payload, std::uint8_t version = kFormatVersion);

/// What is wrong with a stored value.
enum class Damage : std::uint8_t { kNone, kCorrupt, kNewerVersion };
struct Unsealed {
  Damage damage = Damage::kNone;
  /// A view into the frame. Where the damage is kCorrupt: what is left of the payload, untrusted.
  std::string_view payload;
};
Unsealed unseal(FrameKind kind, std::string_view frame);

/// Up to which sequence number of each writer something is known.
struct WriterProgress {
  std::uint64_t writer = 0;
  std::uint64_t sequence = 0;
};

/// What a checkpoint says about itself. Sizes are those of the stored values.
struct CheckpointHead {
  std::vector<WriterProgress> folded;
  std::uint64_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t image_parts = 0;
  std::uint64_t image_bytes = 0;
  /// How many of its entries are live; they come first.
  std::uint64_t live = 0;
};
std::string encode_head(const CheckpointHead& head);
/// False where it is none, or counts more values than its bytes can be.
bool decode_head(std::string_view payload, CheckpointHead& out);

/// A view as `index` and `local` make and read it: raw bytes that mean nothing to the journal.
struct ViewImage {
  std::uint32_t version = 0;
  std::vector<std::string> sections;
};

/// Cuts an image into payloads of `part_bytes`, and frees each section once it is cut.
class ImageEncoder {
 public:
  ImageEncoder(ViewImage image, std::size_t part_bytes);
  /// The next payload; nullopt after the last.
  std::optional<std::string> next();

 private:
  std::size_t part_bytes_;
  /// The directory, then the sections.
  std::vector<std::string> pieces_;
  std::size_t piece_ = 0;
  std::size_t offset_ = 0;
};

/// Puts the payloads together again, each byte straight to its place.
class ImageDecoder {
 public:
  /// An image that says it takes more than `limit` bytes is refused.
  explicit ImageDecoder(std::uint64_t limit) : limit_(limit) {}
  /// Takes the next payload; false where it is none.
  bool take(std::string_view payload);
  /// The image, or nullopt where payloads are missing.
  std::optional<ViewImage> finish();

 private:
  bool read_directory(std::string_view& payload);

  std::uint64_t limit_;
  bool has_directory_ = false;
  ViewImage image_;
  std::size_t section_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace agent_memory
