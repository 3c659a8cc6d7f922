// SPDX-License-Identifier: MIT
#pragma once

// Terms that look like a word: other forms of it, where no stemmer knows its language, and what
// was meant by a typing error.

#include <array>
#include <cstddef>
#include <cstdint>
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
/// Holds 12 bytes for each of its terms, from the first need on.
class TermExpansion {
 public:
  static constexpr std::size_t kMaxVariants = 16;
  /// Shorter words have look-alikes that mean something else.
  static constexpr std::size_t kMinLetters = 4;

  /// What look-alikes are wanted for.
  enum class Purpose {
    kForms,
    /// Where the other forms are known: what is very like the word and begins with its letter.
    kTypingErrors,
  };

  /// The terms of `dictionary`, always the same one and only ever growing, that `word` may stand
  /// for: itself, with weight 1, then its look-alikes, best first; at most kMaxVariants, of those
  /// that `is_used` answers true for. Ties are in the order of the bytes, so that the answer does
  /// not depend on how the dictionary came about. Where `word` itself is used the others weigh
  /// less: it may be all that was meant. Some 1 ns a term; for typing errors, a term that begins
  /// with the same letter.
  template <typename IsUsed>
  std::vector<TermVariant> expand(const TermDictionary& dictionary, std::string_view word,
                                  const IsUsed& is_used, Purpose purpose = Purpose::kForms);

 private:
  /// What a look-alike is worth beside the word itself.
  static constexpr double kBesideTheWord = 0.75;

  /// All look-alikes, used or not, best first; the word itself may be one.
  std::vector<TermVariant> look_alikes(const TermDictionary& dictionary, std::string_view word,
                                       Purpose purpose);

  /// Of terms whose first bytes are the same modulo kBuckets: all that a typing error can be.
  struct Bucket {
    std::vector<std::uint32_t> terms;
    std::vector<std::uint64_t> sketches;
  };
  static constexpr std::size_t kBuckets = 32;
  static std::size_t bucket_of(std::string_view term) {
    // Empty only in an image that somebody made up.
    return term.empty() ? 0 : static_cast<unsigned char>(term[0]) % kBuckets;
  }
  /// Takes in what the dictionary has gained.
  void catch_up(const TermDictionary& dictionary);

  std::array<Bucket, kBuckets> buckets_;
  std::uint32_t known_ = 0;
};

template <typename IsUsed>
std::vector<TermVariant> TermExpansion::expand(const TermDictionary& dictionary,
                                               std::string_view word, const IsUsed& is_used,
                                               Purpose purpose) {
  std::vector<TermVariant> variants;
  const std::uint32_t itself = dictionary.find(word);
  double weight = 1;
  if (itself != TermDictionary::kNone && is_used(itself)) {
    variants.push_back({itself, weight});
    weight = kBesideTheWord;
  }
  for (const TermVariant& found : look_alikes(dictionary, word, purpose)) {
    if (variants.size() == kMaxVariants) break;
    if (found.term == itself || !is_used(found.term)) continue;
    variants.push_back({found.term, found.weight * weight});
  }
  return variants;
}

}  // namespace agent_memory
