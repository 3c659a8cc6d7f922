// SPDX-License-Identifier: MIT
#pragma once

// Scores what a call may see and keeps the best. How: docs/retrieval.md.

#include <cstdint>
#include <vector>

#include "index/bm25.hpp"
#include "index/memory_index.hpp"
#include "index/query_terms.hpp"
#include "index/top_k.hpp"
#include "index/walls.hpp"

namespace agent_memory {

/// Keeps its working memory between searches: 9 bytes for each document of the largest partition.
class Ranker {
 public:
  /// By keyword, for SEMANTIC_SEARCH and HYBRID: the best `count` of what matches a term or a
  /// date, or follows a turn that matches and asks. Costs the postings of the query's terms, and
  /// one pass over 8 bytes a document.
  std::vector<Candidate> by_keyword(const IndexQuery& query, std::size_t count,
                                    const QueryTerms& terms, const Selection& selection);
  /// By time alone, for RECENCY; the strength is the recency.
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
  class Pass;

  /// As the last search needed them.
  TermShares shares_;
  /// By slot, all zero between searches: the sum of the matched terms' weights, each times its
  /// term_share; and what was matched, packed (see `cell` in query_plan.hpp).
  std::vector<float> sums_;
  std::vector<std::uint32_t> cells_;
  /// The same of blocks of slots, with some on each side that have nothing.
  std::vector<float> strengths_;
  std::vector<std::uint32_t> block_cells_;
};

}  // namespace agent_memory
