// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace agent_memory {

/// Numbers of things that are kept elsewhere, by a hash of each: 10 to 20 bytes a number. Which of
/// the numbers under one hash is meant is for the caller to see.
class HashIndex {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// Where a search stands; ends when the index changes.
  struct Search {
    std::uint32_t hash = 0;
    std::size_t place = 0;
  };
  [[nodiscard]] Search search(std::uint32_t hash) const {
    return {.hash = hash, .place = hash & mask_};
  }
  /// The next number under the hash; kNone after the last.
  std::uint32_t next(Search& search) const;

  /// `number` must be less than kNone - 1, and not be there under that hash.
  void insert(std::uint32_t hash, std::uint32_t number);
  void erase(std::uint32_t hash, std::uint32_t number);
  /// Makes room for so many at once.
  void reserve(std::size_t numbers);
  void clear();

  /// Calls `visit(hash, number)` for each, in no order.
  template <typename Visitor>
  void visit(Visitor visit) const {
    for (const Place& place : places_) {
      if (place.number < kErased) visit(place.hash, place.number);
    }
  }

 private:
  static constexpr std::uint32_t kErased = kNone - 1;
  struct Place {
    std::uint32_t hash = 0;
    std::uint32_t number = kNone;
  };

  void rehash(std::size_t places);

  /// A power of two of them, or none; at most four in five taken.
  std::vector<Place> places_;
  std::size_t mask_ = 0;
  /// What is in them, and what was.
  std::size_t taken_ = 0;
  std::size_t erased_ = 0;
};

}  // namespace agent_memory
