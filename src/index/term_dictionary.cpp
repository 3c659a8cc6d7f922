// SPDX-License-Identifier: MIT
#include "index/term_dictionary.hpp"

#include <bit>

#include "index/columns.hpp"

namespace agent_memory {
namespace {

constexpr std::size_t kMinPlaces = 16;

// FNV-1a, then the finalizer of MurmurHash3 because the table looks at the low bits alone.
std::uint32_t hash(std::string_view text) {
  std::uint32_t value = 2166136261U;
  for (const char c : text)
    value = (value ^ static_cast<std::uint8_t>(c)) * 16777619U;
  value = (value ^ (value >> 16)) * 0x85EBCA6BU;
  value = (value ^ (value >> 13)) * 0xC2B2AE35U;
  return value ^ (value >> 16);
}

}  // namespace

std::optional<TermDictionary> TermDictionary::from_columns(std::string bytes,
                                                           std::vector<std::uint32_t> begins) {
  TermDictionary dictionary;
  dictionary.bytes_.assign(bytes.begin(), bytes.end());
  dictionary.begins_ = std::move(begins);
  const std::uint32_t size = dictionary.size();
  if (size == 0) return dictionary;
  dictionary.places_.assign(std::bit_ceil(std::max(kMinPlaces, std::size_t{size} * 4 / 3 + 1)), 0);
  for (std::uint32_t number = 0; number < size; ++number) {
    std::uint32_t& place = dictionary.places_[dictionary.locate(dictionary[number])];
    if (place != 0) return std::nullopt;
    place = number + 1;
  }
  return dictionary;
}

std::size_t TermDictionary::locate(std::string_view text) const {
  const std::size_t mask = places_.size() - 1;
  std::size_t place = hash(text) & mask;
  while (places_[place] != 0 && (*this)[places_[place] - 1] != text)
    place = (place + 1) & mask;
  return place;
}

std::uint32_t TermDictionary::find(std::string_view text) const {
  if (places_.empty()) return kNone;
  return places_[locate(text)] - 1;  // a free place, 0, becomes kNone
}

std::uint32_t TermDictionary::intern(std::string_view text) {
  if ((std::size_t{size()} + 1) * 4 > places_.size() * 3) {
    rehash(std::max(kMinPlaces, places_.size() * 2));
  }
  const std::size_t place = locate(text);
  if (places_[place] == 0) {
    const std::size_t end = bytes_.size() + text.size();
    if (end > bytes_.capacity()) bytes_.reserve(end + end / 4);
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    append_tight(begins_, static_cast<std::uint32_t>(end));
    places_[place] = size();
  }
  return places_[place] - 1;
}

void TermDictionary::rehash(std::size_t places) {
  places_.assign(places, 0);
  for (std::uint32_t number = 0; number < size(); ++number) {
    places_[locate((*this)[number])] = number + 1;
  }
}

}  // namespace agent_memory
