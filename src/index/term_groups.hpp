// SPDX-License-Identifier: MIT
#pragma once

// Which terms of the documents stand for a term of a query: it alone, those that its word has in
// other languages, or those that look like it; and the documents that have one of them.

#include <cstdint>
#include <string>
#include <vector>

#include "index/bm25.hpp"
#include "index/postings.hpp"
#include "index/query_terms.hpp"
#include "index/term_expansion.hpp"
#include "index/walls.hpp"

namespace agent_memory {

/// A term of one part of a selection that stands for one of a query's.
struct GroupTerm {
  std::uint32_t part = 0;
  TermVariant variant;
};

/// Whether any living document of the selection has the term.
bool is_used(const std::string& term, const Selection& selection);

/// What stands for `term` of `terms`, part by part; nothing where it stands for itself alone. One
/// that does so in several ways is there several times, and the greatest of its weights counts.
/// Costs a look at each part's dictionary where the term wants variants, and next to nothing where
/// it does not. `is_known`: is_used(term.text, selection).
std::vector<GroupTerm> find_group(const QueryTerms& terms, const QueryTerm& term, bool is_known,
                                  const Selection& selection);

/// A living document that has a term of a group.
struct GroupPosting {
  std::uint32_t part = 0;
  Slot slot = 0;
  /// The term's term_share times its weight; of several terms the most.
  float share = 0;
  bool speaker = false;
};

/// Appends the documents of a group by part, each once. Costs their postings, and 4 bytes for each
/// document of the part.
void append_documents(const std::vector<GroupTerm>& group, const Selection& selection,
                      const TermShares& share, std::vector<GroupPosting>& postings);

}  // namespace agent_memory
