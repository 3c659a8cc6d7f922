// SPDX-License-Identifier: MIT
#pragma once

// Partitions <-> the flat arrays of an IndexImage.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "index/memory_index.hpp"
#include "index/walls.hpp"

namespace agent_memory {

/// Makes the image of all partitions behind `walls`, a piece at a time; document d is written as
/// renumbered[d]. `fingerprint`, of 24 bits, is the analyzer's that their terms are of.
class ImageMaker {
 public:
  ImageMaker(const Walls& walls, std::vector<DocumentId> renumbered, std::uint32_t fingerprint);
  /// Does the next piece of work. The image once there is no more to do, and then it is gone.
  std::optional<IndexImage> next();

 private:
  void append(const Identity& wall, const PartitionColumns& columns, std::size_t part);

  const Walls& walls_;
  std::vector<DocumentId> renumbered_;
  Walls::PartitionId partition_ = 0;
  /// Of the partition that is worked at, and how many parts of them the image has.
  PartitionImage columns_;
  std::size_t appended_ = 0;
  IndexImage image_;
};

/// The partitions that `image` describes, or nullopt where it does not hold together or is of
/// another version or fingerprint. Whether the documents' numbers are right is not checked.
std::optional<Walls> read_image(IndexImage image, std::uint32_t fingerprint);

}  // namespace agent_memory
