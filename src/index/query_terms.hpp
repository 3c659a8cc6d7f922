// SPDX-License-Identifier: MIT
#pragma once

// What a query looks for: its distinct terms and the dates it mentions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/dates.hpp"
#include "text/analyzer.hpp"

namespace agent_memory {

struct QueryTerm {
  std::string text;
  /// Which others may stand for it, by looking like it; and those that do in other languages.
  Variants variants = Variants::kNone;
  std::vector<std::string> alternatives = {};
};

struct QueryTerms {
  /// Distinct, in the order of their bytes: a term that is asked for twice counts once.
  std::vector<QueryTerm> terms;
  /// Analyzer::foreign_terms.
  const std::vector<std::string>* foreign_terms = nullptr;
  std::vector<DateMention> dates;
};

QueryTerms analyze_query(Analyzer& analyzer, std::string_view text, TimestampMs now_ms);

/// The words of `query`, as it has them and in its order, that stand for the terms and dates whose
/// places in `analyzed` are marked as matched.
std::vector<std::string> words_behind(Analyzer& analyzer, std::string_view query,
                                      const QueryTerms& analyzed,
                                      const std::vector<bool>& terms_matched,
                                      const std::vector<bool>& dates_matched);

}  // namespace agent_memory
