// SPDX-License-Identifier: MIT
#pragma once

// Terms that look like a word: other forms of it, where no stemmer knows its language, and what
// was meant by a typing error.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "index/term_dictionary.hpp"

namespace agent_memory {

/// One of the terms that a word of a query stands for.
struct TermVariant {
  std::uint32_t term = 0;
  /// 0..1: how far it counts as the word.
  double weight = 0;
};

/// Finds look-alikes in one dictionary, by the pairs of letters they share and how they begin.
/// Holds 8 bytes for each of its terms, from the first need on, and what was found last.
class TermExpansion {
 public:
  static constexpr std::size_t kMaxVariants = 16;
  /// Shorter words have look-alikes that mean something else.
  static constexpr std::size_t kMinLetters = 4;

  /// The terms of `dictionary`, always the same one and only ever growing, that `word` may stand
  /// for: itself, with weight 1, then its look-alikes, best first; at most kMaxVariants, of those
  /// that `is_used` answers true for. Ties are in the order of the bytes, so that the answer does
  /// not depend on how the dictionary came about. Where `word` itself is used the others weigh
  /// less: it may be all that was meant. Some 1 ns a term; answers are kept until the dictionary
  /// grows.
  std::vector<TermVariant> expand(const TermDictionary& dictionary, std::string_view word,
                                  const std::function<bool(std::uint32_t term)>& is_used);

 private:
  struct Found {
    std::string word;
    std::vector<TermVariant> variants;
  };

  /// All look-alikes, used or not, best first.
  const std::vector<TermVariant>& look_alikes(const TermDictionary& dictionary,
                                              std::string_view word);

  std::vector<std::uint64_t> sketches_;
  /// The last answers, about the first `sketches_.size()` terms.
  std::array<Found, 16> found_;
  std::size_t next_found_ = 0;
};

}  // namespace agent_memory
