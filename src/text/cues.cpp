// SPDX-License-Identifier: MIT
#include "text/cues.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>

#include "base/sort.hpp"

namespace agent_memory {
namespace {

/// Beside those of ASCII.
constexpr std::array<std::string_view, 5> kEndMarks{"。", "！", "？", "؟", "।"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The next word of ASCII letters from `at` on, in lower case; empty at the end.
std::string_view next_word(std::string_view text, std::size_t& at, std::array<char, 8>& buffer) {
  while (at < text.size() && !is_letter(text[at]))
    ++at;
  std::size_t size = 0;
  for (; at < text.size() && is_letter(text[at]); ++at) {
    if (size < buffer.size()) buffer[size++] = static_cast<char>(text[at] | 0x20);
  }
  return {buffer.data(), size};
}

std::size_t first_letter(std::string_view term) {
  return term.empty() ? 0 : static_cast<unsigned char>(term.front()) % 32U;
}

std::uint32_t size_bit(std::string_view term) { return 1U << (term.size() % 32); }

}  // namespace

bool asks(std::string_view text) {
  for (std::size_t at = text.size(); at-- > 0;) {
    const char byte = text[at];
    if (byte == '.' || byte == '!' || byte == '?') return byte == '?';
    if (static_cast<unsigned char>(byte) < 0xC0) continue;
    for (const std::string_view mark : kEndMarks) {
      if (text.substr(at).starts_with(mark)) return mark == "？" || mark == "؟";
    }
  }
  return false;
}

bool asks_for_time(std::string_view query) {
  std::array<char, 8> buffer{};
  enum class Before { kOther, kHow, kWhich } before = Before::kOther;
  for (std::size_t at = 0; at < query.size();) {
    const std::string_view word = next_word(query, at, buffer);
    if (word == "when" || (before == Before::kHow && word == "long")) return true;
    if (before == Before::kWhich &&
        (word == "date" || word == "day" || word == "month" || word == "year" || word == "time")) {
      return true;
    }
    before = word == "how"                       ? Before::kHow
             : word == "which" || word == "what" ? Before::kWhich
                                                 : Before::kOther;
  }
  return false;
}

TimeWords::TimeWords(Analyzer& analyzer) {
  TermList terms;
  analyzer.analyze(kWords, terms);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    terms_.emplace_back(terms[i]);
    sizes_[first_letter(terms[i])] |= size_bit(terms[i]);
  }
  sort_stably(terms_, std::less<>());
}

bool TimeWords::any_of(const TermList& terms) const {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    // Nearly all are told from them by this alone.
    if ((sizes_[first_letter(terms[i])] & size_bit(terms[i])) == 0) continue;
    const auto place = std::lower_bound(terms_.begin(), terms_.end(), terms[i]);
    if (place != terms_.end() && *place == terms[i]) return true;
  }
  return false;
}

}  // namespace agent_memory
