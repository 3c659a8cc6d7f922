// SPDX-License-Identifier: MIT
#pragma once

// Scores what a call may see and keeps the best.

#include <array>
#include <cstdint>
#include <vector>

#include "index/bm25.hpp"
#include "index/memory_index.hpp"
#include "index/query_terms.hpp"
#include "index/top_k.hpp"
#include "index/walls.hpp"

namespace agent_memory {

/// Keeps its working memory between searches; the size of one window, whatever the index's.
class Ranker {
 public:
  /// By keyword, for SEMANTIC_SEARCH and HYBRID. At least one term or date matches.
  std::vector<Candidate> by_keyword(const IndexQuery& query, const QueryTerms& terms,
                                    const Selection& selection);
  /// By time alone, for RECENCY.
  static std::vector<Candidate> by_time(const IndexQuery& query, const Selection& selection);

  /// For one candidate, which of the terms and dates it matches.
  struct Matches {
    std::vector<bool> terms;
    std::vector<bool> dates;
  };
  /// The same for each of `candidates`.
  static std::vector<Matches> matches(const std::vector<Candidate>& candidates,
                                      const QueryTerms& terms, const Selection& selection);

 private:
  using Bits = std::array<std::uint64_t, kWindowSlots / 64>;

  /// A term of the query on its way through one partition's documents.
  struct ActiveTerm {
    PostingCursor cursor;
    double weight;
    double weight_from_here;
  };

  /// Adds a term's part to the scores of one window; of those that have one already, or of all.
  template <bool OnlyTouched>
  void score_window(const Selection::Part& part, std::size_t window, ActiveTerm& term,
                    const TermShares& share);
  /// Offers the window's scores to `best`, and clears them.
  void collect_window(const IndexQuery& query, std::uint32_t number, const Selection::Part& part,
                      std::size_t window, TopK& best);
  void touch(Slot at, double score) {
    scores_[at] += score;
    touched_[at / 64] |= std::uint64_t{1} << (at % 64);
  }

  /// The window's scores by slot. All zero between windows.
  std::array<double, kWindowSlots> scores_{};
  /// Slots with a score, and slots whose speaker the query names.
  Bits touched_{};
  Bits speakers_{};
};

}  // namespace agent_memory
