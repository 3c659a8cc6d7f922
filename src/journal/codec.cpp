// SPDX-License-Identifier: MIT
#include "journal/codec.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/hash.hpp"
#include "journal/bytes.hpp"

namespace agent_memory {
namespace {

constexpr std::string_view kMagic = "AM";
/// Behind magic and checksum.
constexpr std::size_t kCheckedFrom = 6;
/// Of a checkpoint. As many segments are some 60 GB.
constexpr std::uint64_t kMaxParts = std::uint64_t{1} << 16;

bool is_possible(std::uint64_t parts, std::uint64_t bytes) {
  return parts <= kMaxParts && parts * kFrameHeaderBytes <= bytes;
}

}  // namespace

std::string open_frame(FrameKind kind, std::uint8_t version) {
  ByteWriter out;
  out.put_bytes(kMagic);
  out.put_u32(0);
  out.put_byte(version);
  out.put_byte(static_cast<std::uint8_t>(kind));
  return out.to_string();
}

void close_frame(std::string& frame) {
  const std::uint32_t checksum = hash32(std::string_view(frame).substr(kCheckedFrom));
  std::memcpy(frame.data() + kMagic.size(), &checksum, sizeof(checksum));
}

std::string seal(FrameKind kind, std::string_view payload, std::uint8_t version) {
  std::string frame = open_frame(kind, version);
  frame.append(payload);
  close_frame(frame);
  return frame;
}

Unsealed unseal(FrameKind kind, std::string_view frame) {
  ByteReader in(frame);
  const bool has_magic = in.bytes(kMagic.size()) == kMagic;
  const std::uint32_t checksum = in.u32();
  const std::string_view checked = frame.substr(frame.size() - in.remaining());
  const std::uint8_t version = in.byte();
  const std::uint8_t stored_kind = in.byte();
  const std::string_view payload = in.bytes(in.remaining());
  const bool whole = in.ok() && has_magic && version != 0 && hash32(checked) == checksum;
  if (whole && version > kFormatVersion) return {Damage::kNewerVersion, {}};
  const bool fits =
      whole && version == kFormatVersion && stored_kind == static_cast<std::uint8_t>(kind);
  return {fits ? Damage::kNone : Damage::kCorrupt, payload};
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
  return out.to_string();
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
  return in.ok() && in.at_end() && is_possible(out.segments, out.segment_bytes) &&
         is_possible(out.image_parts, out.image_bytes);
}

// The directory: version, number of sections, the size of each. It fits a part.

ImageEncoder::ImageEncoder(ViewImage image, std::size_t part_bytes) : part_bytes_(part_bytes) {
  ByteWriter directory;
  directory.put_u32(image.version);
  directory.put_varint(image.sections.size());
  for (const std::string& section : image.sections)
    directory.put_varint(section.size());
  pieces_.reserve(image.sections.size() + 1);
  pieces_.push_back(directory.to_string());
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
