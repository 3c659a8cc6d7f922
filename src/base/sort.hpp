// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace agent_memory {

namespace detail {

/// The indexes 0 to `count` - 1 in the order that `is_before` makes of them; of equal ones the
/// smaller first. Takes n log n comparisons.
std::vector<std::uint32_t> sorted_order(std::size_t count,
                                        bool (*is_before)(const void* context, std::uint32_t left,
                                                          std::uint32_t right),
                                        const void* context);

}  // namespace detail

/// As std::stable_sort, by one routine for all types: the standard's own are 700 bytes of the
/// download for each. For what is not sorted once per memory.
template <typename T, typename Less>
void sort_stably(std::vector<T>& items, const Less& is_less) {
  struct Context {
    const T* items;
    const Less& is_less;
  };
  const Context context{items.data(), is_less};
  const std::vector<std::uint32_t> order = detail::sorted_order(
      items.size(),
      [](const void* erased, std::uint32_t left, std::uint32_t right) -> bool {
        const Context& known = *static_cast<const Context*>(erased);
        return known.is_less(known.items[left], known.items[right]);
      },
      &context);
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const std::uint32_t index : order)
    sorted.push_back(std::move(items[index]));
  items = std::move(sorted);
}

}  // namespace agent_memory
