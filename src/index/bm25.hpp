// SPDX-License-Identifier: MIT
#pragma once

// BM25 as pure functions. Source: S. Robertson and H. Zaragoza, "The Probabilistic Relevance
// Framework: BM25 and Beyond" (2009); the idf is the one of Lucene's BM25Similarity, which is
// never negative. The constant factor k1 + 1 is left out: scores are normalised, it would cancel.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/exponential.hpp"

namespace agent_memory {

/// k1: how soon a repeated word stops counting for more. Words hardly repeat within a message;
/// 0.6 to 1.6 measure alike on conversations, and 0.9 is what Anserini found for passages.
inline constexpr double kTermSaturation = 0.9;
/// b: how much long documents are held back. Messages want 0 to 0.4, abstracts and articles 0.75;
/// 0.4 is safe for both.
inline constexpr double kLengthWeight = 0.4;

/// How much a term tells apart, where `with_term` of `documents` have it: ln(1+(N-n+.5)/(n+.5)).
inline double inverse_document_frequency(std::uint64_t documents, std::uint64_t with_term) {
  const auto all = static_cast<double>(documents);
  const auto with = static_cast<double>(with_term);
  return natural_logarithm(1.0 + (all - with + 0.5) / (with + 0.5));
}

/// What a document's length adds to the term frequency's denominator.
inline double length_norm(double length, double average_length) {
  return kTermSaturation * (1.0 - kLengthWeight + kLengthWeight * length / average_length);
}

/// The share, below 1, of its idf that a term brings to a document.
inline double term_share(double frequency, double norm) { return frequency / (frequency + norm); }

/// The same for many documents of one collection, the usual cases read from a table.
class TermShares {
 public:
  explicit TermShares(double average_length = 1) { fit(average_length); }

  /// For another collection, or the same after a change. Costs nothing where the average is what it
  /// was.
  void fit(double average_length) {
    if (average_length == average_length_) return;
    average_length_ = average_length;
    for (std::size_t at = 0; at < table_.size(); ++at) {
      table_[at] = compute(static_cast<std::uint32_t>(at / kLengths) + 1,
                           static_cast<std::uint32_t>(at % kLengths));
    }
  }

  [[nodiscard]] float operator()(std::uint32_t frequency, std::uint32_t length) const {
    if (frequency <= kFrequencies && length < kLengths)
      return table_[(frequency - 1) * kLengths + length];
    return compute(frequency, length);
  }

 private:
  static constexpr std::uint32_t kFrequencies = 3;
  static constexpr std::uint32_t kLengths = 128;

  [[nodiscard]] float compute(std::uint32_t frequency, std::uint32_t length) const {
    return static_cast<float>(term_share(frequency, length_norm(length, average_length_)));
  }

  double average_length_ = 0;
  std::array<float, std::size_t{kFrequencies} * kLengths> table_{};
};

}  // namespace agent_memory
