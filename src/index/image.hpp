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
IndexImage make_image(const Walls& walls, const std::vector<DocumentId>& renumbered);

/// The partitions that `image` describes, or nullopt where it does not hold together. Whether the
/// documents' numbers are right is not checked.
std::optional<Walls> read_image(IndexImage image);

}  // namespace agent_memory
