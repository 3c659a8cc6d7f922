// SPDX-License-Identifier: MIT
#include "index/term_expansion.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>

#include "base/sort.hpp"
#include "base/utf8.hpp"

namespace agent_memory {
namespace {

// Chosen on half of some thousand queries with inflected words in ten languages.
constexpr double kMinLikeness = 0.55;
/// A letter more, less, another or two changed in a word of six. Chosen so that unknown words of
/// English questions find no worse than without.
constexpr double kMinTypingErrorLikeness = 0.7;

/// A term is 64 bytes at most; its 64th letter is not looked at.
constexpr std::size_t kMaxLetters = 63;
constexpr std::size_t kMinTermLetters = 3;

/// A word's letters, and the pairs of neighbours among them and its two ends.
class Letters {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): only what is used, of 264 bytes
  explicit Letters(std::string_view word) {
    letters_[0] = 0;
    for (std::size_t i = 0; i < word.size() && size_ < kMaxLetters;) {
      letters_[++size_] = decode_utf8(word, i);
    }
    letters_[size_ + 1] = 0;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t pairs() const { return size_ + 1; }
  [[nodiscard]] std::uint64_t pair(std::size_t i) const {
    return std::uint64_t{letters_[i]} << 32 | letters_[i + 1];
  }
  [[nodiscard]] std::size_t shared_pairs(const Letters& other) const {
    std::uint64_t taken = 0;
    std::size_t shared = 0;
    for (std::size_t i = 0; i < pairs(); ++i) {
      for (std::size_t k = 0; k < other.pairs(); ++k) {
        const std::uint64_t bit = std::uint64_t{1} << k;
        if (letters_[i] != other.letters_[k] || pair(i) != other.pair(k) || (taken & bit) != 0)
          continue;
        taken |= bit;
        ++shared;
        break;
      }
    }
    return shared;
  }
  [[nodiscard]] std::size_t shared_beginning(const Letters& other) const {
    std::size_t shared = 0;
    while (shared < std::min(size_, other.size_) &&
           letters_[shared + 1] == other.letters_[shared + 1])
      ++shared;
    return shared;
  }

 private:
  /// From 1 on, with a 0 on either side.
  std::array<char32_t, kMaxLetters + 2> letters_;
  std::size_t size_ = 0;
};

// A sketch has the number of letters in its upper six bits (63 for more) and below them a bit for
// each pair. Terms whose sketch says that they cannot share enough are not looked at.
constexpr unsigned kPairBits = 58;
constexpr std::uint64_t kAllPairs = (std::uint64_t{1} << kPairBits) - 1;

std::uint64_t sketch(const Letters& word) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < word.pairs(); ++i) {
    const std::uint64_t mixed = word.pair(i) * 0x9E3779B97F4A7C15U;
    bits |= std::uint64_t{1} << ((mixed >> 32) * kPairBits >> 32);
  }
  return bits | std::uint64_t{std::min<std::size_t>(word.size(), 63)} << kPairBits;
}

/// Between the share of pairs in common (Dice's coefficient) and, where that is more, the share of
/// the beginning in common: endings differ from form to form.
double likeness(const Letters& left, const Letters& right) {
  const auto of = [](std::size_t shared, std::size_t all) {
    return 2 * static_cast<double>(shared) / static_cast<double>(all);
  };
  const double pairs = of(left.shared_pairs(right), left.pairs() + right.pairs());
  const double beginning = of(left.shared_beginning(right), left.size() + right.size());
  return (pairs + std::max(pairs, beginning)) / 2;
}

/// How many pairs a term of each length must share with a word of `letters`. A beginning in common
/// is that many pairs in common, so likeness is at most pairs * (1 + 1 / letters of both).
std::array<std::uint8_t, kMaxLetters + 1> pairs_needed(std::size_t letters, double min_likeness) {
  std::array<std::uint8_t, kMaxLetters + 1> needed{};
  for (std::size_t size = 0; size < needed.size(); ++size) {
    const auto both = static_cast<double>(letters + size);
    const double pairs = min_likeness * (both + 2) / (2 * (1 + 1 / both));
    // Up, but for what rounding added.
    const double whole = std::ceil(pairs - 1e-9);
    needed[size] = static_cast<std::uint8_t>(size < kMinTermLetters ? 255 : whole);
  }
  needed[63] = 1;
  return needed;
}

}  // namespace

void TermExpansion::catch_up(const TermDictionary& dictionary) {
  for (; known_ < dictionary.size(); ++known_) {
    const std::string_view text = dictionary[known_];
    Bucket& bucket = buckets_[bucket_of(text)];
    bucket.terms.push_back(known_);
    bucket.sketches.push_back(sketch(Letters(text)));
  }
}

std::vector<TermVariant> TermExpansion::look_alikes(const TermDictionary& dictionary,
                                                    std::string_view word, Purpose purpose) {
  std::vector<TermVariant> found;
  const Letters letters(word);
  if (letters.size() < kMinLetters) return found;
  catch_up(dictionary);

  const bool is_typing_error = purpose == Purpose::kTypingErrors;
  const double min_likeness = is_typing_error ? kMinTypingErrorLikeness : kMinLikeness;
  const std::uint64_t wanted = sketch(letters) & kAllPairs;
  // Pairs that fell on one bit are counted as if the term had them all.
  const auto hidden =
      static_cast<unsigned>(letters.pairs()) - static_cast<unsigned>(std::popcount(wanted));
  const std::array<std::uint8_t, kMaxLetters + 1> needed =
      pairs_needed(letters.size(), min_likeness);
  const std::span<const Bucket> buckets =
      is_typing_error ? std::span<const Bucket>(buckets_).subspan(bucket_of(word), 1) : buckets_;
  for (const Bucket& bucket : buckets) {
    for (std::size_t i = 0; i < bucket.sketches.size(); ++i) {
      const std::uint64_t each = bucket.sketches[i];
      if (static_cast<unsigned>(std::popcount(each & wanted)) + hidden < needed[each >> kPairBits])
        continue;
      const std::uint32_t term = bucket.terms[i];
      const std::string_view text = dictionary[term];
      if (is_typing_error && text[0] != word[0]) continue;
      const double like = likeness(letters, Letters(text));
      if (like >= min_likeness) found.push_back({term, like});
    }
  }
  sort_stably(found, [&](const TermVariant& left, const TermVariant& right) {
    if (left.weight != right.weight) return left.weight > right.weight;
    return dictionary[left.term] < dictionary[right.term];
  });
  return found;
}

}  // namespace agent_memory
