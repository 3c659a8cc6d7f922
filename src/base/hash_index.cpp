// SPDX-License-Identifier: MIT
#include "base/hash_index.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace agent_memory {
namespace {

constexpr std::size_t kMinPlaces = 16;

std::size_t places_for(std::size_t numbers) {
  return std::max(kMinPlaces, std::bit_ceil(numbers + numbers / 4 + 1));
}

}  // namespace

std::uint32_t HashIndex::next(Search& search) const {
  if (places_.empty()) return kNone;
  for (;;) {
    const Place& place = places_[search.place];
    if (place.number == kNone) return kNone;
    search.place = (search.place + 1) & mask_;
    if (place.hash == search.hash && place.number != kErased) return place.number;
  }
}

void HashIndex::insert(std::uint32_t hash, std::uint32_t number) {
  if ((taken_ + 1) * 5 > places_.size() * 4) rehash(places_for((taken_ - erased_ + 1) * 5 / 4));
  std::size_t place = hash & mask_;
  while (places_[place].number != kNone)
    place = (place + 1) & mask_;
  places_[place] = {.hash = hash, .number = number};
  ++taken_;
}

void HashIndex::erase(std::uint32_t hash, std::uint32_t number) {
  Search at = search(hash);
  for (std::uint32_t found = next(at); found != kNone; found = next(at)) {
    if (found != number) continue;
    places_[(at.place - 1) & mask_].number = kErased;
    ++erased_;
    return;
  }
}

void HashIndex::reserve(std::size_t numbers) {
  if (places_for(numbers) > places_.size()) rehash(places_for(numbers));
}

void HashIndex::clear() { *this = {}; }

void HashIndex::rehash(std::size_t places) {
  const std::vector<Place> old = std::exchange(places_, std::vector<Place>(places));
  mask_ = places - 1;
  taken_ = 0;
  erased_ = 0;
  for (const Place& each : old) {
    if (each.number < kErased) insert(each.hash, each.number);
  }
}

}  // namespace agent_memory
