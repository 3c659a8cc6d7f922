// SPDX-License-Identifier: MIT
#include "base/hash.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

namespace agent_memory {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

static_assert(std::endian::native == std::endian::little, "words are read as they lie in RAM");

template <typename Word>
Word take(std::string_view& bytes) {
  Word word = 0;
  std::memcpy(&word, bytes.data(), sizeof(word));
  bytes.remove_prefix(sizeof(word));
  return word;
}

std::uint64_t round(std::uint64_t sum, std::uint64_t word) {
  return std::rotl(sum + word * kPrime2, 31) * kPrime1;
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  const std::uint64_t size = bytes.size();
  std::uint64_t hash = seed + kPrime5;
  if (size >= 32) {
    std::uint64_t sum1 = seed + kPrime1 + kPrime2;
    std::uint64_t sum2 = seed + kPrime2;
    std::uint64_t sum3 = seed;
    std::uint64_t sum4 = seed - kPrime1;
    while (bytes.size() >= 32) {
      sum1 = round(sum1, take<std::uint64_t>(bytes));
      sum2 = round(sum2, take<std::uint64_t>(bytes));
      sum3 = round(sum3, take<std::uint64_t>(bytes));
      sum4 = round(sum4, take<std::uint64_t>(bytes));
    }
    hash = std::rotl(sum1, 1) + std::rotl(sum2, 7) + std::rotl(sum3, 12) + std::rotl(sum4, 18);
    for (const std::uint64_t sum : {sum1, sum2, sum3, sum4})
      hash = (hash ^ round(0, sum)) * kPrime1 + kPrime4;
  }
  hash += size;
  while (bytes.size() >= 8)
    hash = std::rotl(hash ^ round(0, take<std::uint64_t>(bytes)), 27) * kPrime1 + kPrime4;
  if (bytes.size() >= 4)
    hash = std::rotl(hash ^ (take<std::uint32_t>(bytes) * kPrime1), 23) * kPrime2 + kPrime3;
  while (!bytes.empty())
    hash = std::rotl(hash ^ (take<std::uint8_t>(bytes) * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace agent_memory
