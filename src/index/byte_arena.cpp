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

/// Four sizes to each power of two: 16 20 24 28 32 40 48 56 64 80 ...
std::size_t step_of(std::size_t size) { return std::bit_floor(size) / 4; }

std::size_t size_class(std::size_t capacity) {
  const auto power = static_cast<std::size_t>(std::bit_width(capacity)) - 1;
  return (power - 4) * 4 + (capacity - std::bit_floor(capacity)) / step_of(capacity);
}

}  // namespace

std::size_t ByteArena::capacity_for(std::size_t size) {
  if (size <= kMinBlock) return kMinBlock;
  const std::size_t step = step_of(size - 1);
  return (size + step - 1) / step * step;
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
    const std::size_t step = step_of(rest_);
    const std::size_t capacity = std::min(rest_ / step * step, kMaxSharedBlock);
    release(next_, capacity);
    next_ += static_cast<Address>(capacity);
    rest_ -= capacity;
  }
}

}  // namespace agent_memory
