// SPDX-License-Identifier: MIT
#include "index/byte_arena.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace agent_memory {
namespace {

constexpr std::size_t kMinBlock = 16;
constexpr std::size_t kMaxPage = std::size_t{1} << 16;
constexpr std::size_t kMinPage = 256;
/// Larger blocks are pages of their own.
constexpr std::size_t kMaxSharedBlock = 4096;
constexpr ByteArena::Address kNone = 0xFFFFFFFF;

/// Four sizes to each power of two: 16 20 24 28 32 40 48 56 64 80 ... This is the binary logarithm
/// of the step from `size`, at least 16, to the next.
unsigned step_bits(std::size_t size) { return static_cast<unsigned>(std::bit_width(size)) - 3; }

std::size_t round_down(std::size_t size) { return size >> step_bits(size) << step_bits(size); }

std::size_t size_class(std::size_t capacity) {
  const unsigned bits = step_bits(capacity);
  return (bits - 2) * std::size_t{4} + ((capacity >> bits) - 4);
}

}  // namespace

std::size_t ByteArena::capacity_for(std::size_t size) {
  if (size <= kMinBlock) return kMinBlock;
  return round_down(size - 1) + (std::size_t{1} << step_bits(size - 1));
}

ByteArena::Address ByteArena::allocate(std::size_t capacity) {
  if (capacity > kMaxSharedBlock) return add_page(capacity);
  const std::size_t kind = size_class(capacity);
  if (kind < free_blocks_.size() && free_blocks_[kind] != kNone) {
    const Address address = free_blocks_[kind];
    std::memcpy(&free_blocks_[kind], at(address), sizeof(Address));
    return address;
  }
  if (rest_ < capacity) {
    give_away_rest();
    page_size_ = std::clamp(page_size_ * 2, std::max(kMinPage, capacity), kMaxPage);
    next_ = add_page(page_size_);
    rest_ = page_size_;
  }
  const Address address = next_;
  next_ += static_cast<Address>(capacity);
  rest_ -= capacity;
  return address;
}

void ByteArena::release(Address address, std::size_t capacity) {
  if (capacity > kMaxSharedBlock) {
    pages_[address >> kOffsetBits].reset();
    free_pages_.push_back(address >> kOffsetBits);
    return;
  }
  const std::size_t kind = size_class(capacity);
  if (kind >= free_blocks_.size()) free_blocks_.resize(kind + 1, kNone);
  std::memcpy(at(address), &free_blocks_[kind], sizeof(Address));
  free_blocks_[kind] = address;
}

ByteArena::Address ByteArena::add_page(std::size_t size) {
  auto page = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  Address number = static_cast<Address>(pages_.size());
  if (free_pages_.empty()) {
    pages_.push_back(std::move(page));
  } else {
    number = free_pages_.back();
    free_pages_.pop_back();
    pages_[number] = std::move(page);
  }
  return number << kOffsetBits;
}

void ByteArena::give_away_rest() {
  while (rest_ >= kMinBlock) {
    const std::size_t capacity = std::min(round_down(rest_), kMaxSharedBlock);
    release(next_, capacity);
    next_ += static_cast<Address>(capacity);
    rest_ -= capacity;
  }
}

}  // namespace agent_memory
