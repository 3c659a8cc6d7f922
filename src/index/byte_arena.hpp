// SPDX-License-Identifier: MIT
#pragma once

// Memory for many small byte lists that grow: blocks of few sizes, and what one list outgrew is
// another's next.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace agent_memory {

class ByteArena {
 public:
  using Address = std::uint32_t;

  /// The size of the block that `size` bytes get: at most a quarter more, from 16 on.
  static std::size_t capacity_for(std::size_t size);

  /// A block of `capacity` bytes, which must be a value of `capacity_for`.
  Address allocate(std::size_t capacity);
  void release(Address address, std::size_t capacity);
  /// The block's bytes; they stay where they are until it is released.
  [[nodiscard]] std::uint8_t* at(Address address) {
    return pages_[address >> kOffsetBits].get() + (address & kOffsetMask);
  }
  [[nodiscard]] const std::uint8_t* at(Address address) const {
    return pages_[address >> kOffsetBits].get() + (address & kOffsetMask);
  }

 private:
  static constexpr unsigned kOffsetBits = 16;
  static constexpr Address kOffsetMask = (Address{1} << kOffsetBits) - 1;

  Address add_page(std::size_t size);
  /// Makes free blocks of what is left of the last page.
  void give_away_rest();

  std::vector<std::unique_ptr<std::uint8_t[]>> pages_;
  std::vector<Address> free_pages_;
  /// The first free block of each size; each begins with the address of the next.
  std::vector<Address> free_blocks_;
  Address next_ = 0;
  std::size_t rest_ = 0;
  std::size_t page_size_ = 0;
};

}  // namespace agent_memory
