// SPDX-License-Identifier: MIT
// Text segmentation: any bytes are cut into terms, and the terms keep what analyzer.hpp promises.

#include "text/analyzer.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/utf8.hpp"
#include "fuzz/fuzz.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;

void check_terms(const TermList& terms, std::string_view text) {
  constexpr std::size_t kMaxTermBytes = 64;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::string_view term = terms[i];
    check(!term.empty(), "a term is not empty");
    check(term.size() <= kMaxTermBytes, "a term is 64 bytes at most");
    check(std::none_of(term.begin(), term.end(),
                       [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; }),
          "a term has no control characters");
    check(to_valid_utf8(std::string(term)) == term, "a term is UTF-8");
    check(i == 0 || terms.position(i - 1) <= terms.position(i), "positions ascend");
    bytes += term.size();
  }
  check(bytes <= 16 * text.size() + 64, "terms are linear in the text");
}

bool are_equal(const TermList& left, const TermList& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] != right[i] || left.position(i) != right.position(i)) return false;
  }
  return true;
}

void turn_ascii_case(std::string& text) {
  for (char& byte : text) {
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) byte ^= 0x20;
  }
}

}  // namespace
}  // namespace agent_memory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent_memory;
  // It has seen all inputs so far.
  static Analyzer used;
  std::string text(reinterpret_cast<const char*>(data), size);

  TermList terms;
  used.analyze(text, terms);
  check_terms(terms, text);
  TermList again;
  used.analyze(std::string(text), again);
  check(are_equal(terms, again), "the same text gives the same terms");
  if (size % 8 == 0) {  // an analyzer is large: not every time
    again.clear();
    Analyzer().analyze(text, again);
    check(are_equal(terms, again), "what a text gives does not depend on what was read before");
  }

  TermList query;
  used.analyze_query(text, query);
  check_terms(query, text);
  check(terms.empty() || are_equal(terms, query), "a query that has terms has those of the text");

  static Analyzer of_many({make_language("french"), make_language("german"),
                           make_language("russian"), make_language("english")});
  TermList foreign;
  of_many.analyze(text, foreign);
  check_terms(foreign, text);
  query.clear();
  of_many.analyze_query(text, query);
  check_terms(query, text);

  turn_ascii_case(text);
  again.clear();
  used.analyze(text, again);
  check(are_equal(terms, again), "case does not matter");
  again.clear();
  of_many.analyze(text, again);
  check(are_equal(foreign, again), "case does not matter in any language");
  return 0;
}
