// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "index/memory_index.hpp"

namespace agent_memory::testing {

/// The image of the index over `order`, all pieces at once.
inline IndexImage image_of(const MemoryIndex& index, const std::vector<DocumentId>& order) {
  const auto pieces = index.image(order);
  std::optional<IndexImage> image;
  while (!image)
    image = pieces();
  return *std::move(image);
}

}  // namespace agent_memory::testing
