// SPDX-License-Identifier: MIT
#pragma once

// Partitions <-> the flat arrays of an IndexImage.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "index/memory_index.hpp"
#include "index/walls.hpp"

namespace agent_memory {

/// The image of all partitions behind `walls`; document d is written as renumbered[d].
/// `fingerprint`, of 24 bits, is the analyzer's that their terms are of.
IndexImage make_image(const Walls& walls, const std::vector<DocumentId>& renumbered,
                      std::uint32_t fingerprint);

/// The partitions that `image` describes, or nullopt where it does not hold together or is of
/// another version or fingerprint. Whether the documents' numbers are right is not checked.
std::optional<Walls> read_image(IndexImage image, std::uint32_t fingerprint);

}  // namespace agent_memory
