// SPDX-License-Identifier: MIT
#include "base/sort.hpp"

#include <algorithm>

namespace agent_memory::detail {

std::vector<std::uint32_t> sorted_order(std::size_t count,
                                        bool (*is_before)(const void*, std::uint32_t,
                                                          std::uint32_t),
                                        const void* context) {
  std::vector<std::uint32_t> order(count);
  std::vector<std::uint32_t> merged(count);
  for (std::size_t i = 0; i < count; ++i)
    order[i] = static_cast<std::uint32_t>(i);
  // A merge sort from below: runs of 1, 2, 4, ….
  for (std::size_t run = 1; run < count; run *= 2) {
    for (std::size_t begin = 0; begin < count; begin += 2 * run) {
      std::size_t left = begin;
      const std::size_t middle = std::min(begin + run, count);
      std::size_t right = middle;
      const std::size_t end = std::min(middle + run, count);
      for (std::size_t out = begin; out < end; ++out) {
        const bool takes_right =
            left == middle || (right < end && is_before(context, order[right], order[left]));
        merged[out] = takes_right ? order[right++] : order[left++];
      }
    }
    order.swap(merged);
  }
  return order;
}

}  // namespace agent_memory::detail
