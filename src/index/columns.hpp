// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace agent_memory {

/// push_back that leaves a fifth of slack instead of half: there is one such vector per field of
/// every document, and memory counts for more than a copy here and there.
template <typename T>
void append_tight(std::vector<T>& column, T value) {
  if (column.size() == column.capacity()) column.reserve(column.size() + column.size() / 4 + 4);
  column.push_back(std::move(value));
}

}  // namespace agent_memory
