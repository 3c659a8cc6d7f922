// SPDX-License-Identifier: MIT
#include "index/query_terms.hpp"

#include <algorithm>
#include <cstddef>

#include "base/sort.hpp"
#include "base/utf8.hpp"

namespace agent_memory {
namespace {

bool is_ascii_word(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Whether `c` can be in a word. Only has to be right where a piece is shown: cutting too little
/// shows a term instead of a word.
bool is_word(char32_t c) {
  if (c < 0x80) return is_ascii_word(c) || c == '\'';
  const bool punctuation = c < 0xC0 || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x206F) ||
                           (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) ||
                           (c >= 0xFF01 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) ||
                           c == kReplacementCharacter;
  return !punctuation || c == 0x2019;
}

/// The next piece of `text` without blanks or punctuation; empty at the end.
std::string_view next_piece(std::string_view text, std::size_t& at) {
  std::size_t begin = at;
  while (at < text.size()) {
    const std::size_t here = at;
    if (!is_word(decode_utf8(text, at))) {
      if (here > begin) return text.substr(begin, here - begin);
      begin = at;
    }
  }
  return text.substr(begin);
}

}  // namespace

[[gnu::noinline]] QueryTerms analyze_query(Analyzer& analyzer, std::string_view text,
                                           TimestampMs now_ms) {
  TermList found;
  analyzer.analyze_query(text, found);
  QueryTerms analyzed;
  analyzed.foreign_terms = &analyzer.foreign_terms();
  analyzed.terms.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found.is_alternative(i)) {
      analyzed.terms.back().alternatives.emplace_back(found[i]);
    } else {
      analyzed.terms.push_back({.text = std::string(found[i]), .variants = found.variants(i)});
    }
  }
  sort_stably(analyzed.terms,
              [](const QueryTerm& left, const QueryTerm& right) { return left.text < right.text; });
  const auto is_same = [](const QueryTerm& left, const QueryTerm& right) {
    return left.text == right.text;
  };
  analyzed.terms.erase(std::unique(analyzed.terms.begin(), analyzed.terms.end(), is_same),
                       analyzed.terms.end());
  analyzed.dates = find_dates(text, now_ms);
  return analyzed;
}

[[gnu::noinline]] std::vector<std::string> words_behind(Analyzer& analyzer, std::string_view query,
                                                        const QueryTerms& analyzed,
                                                        const std::vector<bool>& terms_matched,
                                                        const std::vector<bool>& dates_matched) {
  std::vector<std::string> words;
  const auto add = [&](std::string_view word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.emplace_back(word);
  };
  std::size_t next_date = 0;
  const auto add_dates_before = [&](std::size_t end) {
    for (; next_date < analyzed.dates.size(); ++next_date) {
      const DateMention& date = analyzed.dates[next_date];
      if (date.begin >= end) break;
      if (dates_matched[next_date]) add(query.substr(date.begin, date.size));
    }
  };

  TermList terms;
  for (std::size_t at = 0; at < query.size();) {
    const std::string_view piece = next_piece(query, at);
    if (piece.empty()) break;
    add_dates_before(at);
    terms.clear();
    analyzer.analyze_query(piece, terms);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      if (terms.is_alternative(i)) continue;
      const auto place = std::lower_bound(
          analyzed.terms.begin(), analyzed.terms.end(), terms[i],
          [](const QueryTerm& term, std::string_view text) { return term.text < text; });
      if (place == analyzed.terms.end() || place->text != terms[i]) continue;
      if (!terms_matched[static_cast<std::size_t>(place - analyzed.terms.begin())]) continue;
      // Without blanks to part them, the terms are what comes closest to words.
      add(terms.position(0) == terms.position(terms.size() - 1) ? piece : terms[i]);
    }
  }
  return words;
}

}  // namespace agent_memory
