// SPDX-License-Identifier: MIT
#include "index/term_expansion.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "base/utf8.hpp"

namespace agent_memory {
namespace {

bool everything(std::uint32_t /*term*/) { return true; }

TermDictionary dictionary_of(const std::vector<std::string>& terms) {
  TermDictionary dictionary;
  for (const std::string& term : terms)
    dictionary.intern(term);
  return dictionary;
}

using Words = std::vector<std::string>;

Words words(const TermDictionary& dictionary, const std::vector<TermVariant>& variants) {
  Words found;
  for (const TermVariant& variant : variants)
    found.emplace_back(dictionary[variant.term]);
  return found;
}

Words expand(const Words& terms, std::string_view word) {
  const TermDictionary dictionary = dictionary_of(terms);
  return words(dictionary, TermExpansion().expand(dictionary, word, everything));
}

/// The same by definition: every term is looked at, with pairs of letters as text.
std::vector<std::pair<double, std::string>> by_definition(const Words& terms,
                                                          const std::string& word) {
  const auto letters = [](std::string_view text) {
    std::vector<char32_t> all;
    for (std::size_t i = 0; i < text.size();)
      all.push_back(decode_utf8(text, i));
    return all;
  };
  const auto pairs = [](std::vector<char32_t> all) {
    all.insert(all.begin(), 0);
    all.push_back(0);
    std::map<std::pair<char32_t, char32_t>, int> counted;
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
      ++counted[{all[i], all[i + 1]}];
    return counted;
  };
  std::vector<std::pair<double, std::string>> found;
  const auto left = letters(word);
  const bool is_known = std::find(terms.begin(), terms.end(), word) != terms.end();
  for (const std::string& term : terms) {
    const auto right = letters(term);
    if (term == word) {
      found.emplace_back(-1, term);
      continue;
    }
    if (left.size() < 4 || right.size() < 3) continue;
    double shared = 0;
    auto others = pairs(right);
    for (const auto& [pair, count] : pairs(left))
      shared += std::min(count, others[pair]);
    double beginning = 0;
    while (beginning < static_cast<double>(std::min(left.size(), right.size())) &&
           left[static_cast<std::size_t>(beginning)] == right[static_cast<std::size_t>(beginning)])
      ++beginning;
    const auto both = static_cast<double>(left.size() + right.size());
    const double dice = 2 * shared / (both + 2);
    const double like = (dice + std::max(dice, 2 * beginning / both)) / 2;
    if (like >= 0.55) found.emplace_back(is_known ? -like * 0.75 : -like, term);
  }
  std::sort(found.begin(), found.end());
  if (found.size() > TermExpansion::kMaxVariants) found.resize(TermExpansion::kMaxVariants);
  for (auto& each : found)
    each.first = -each.first;
  return found;
}

TEST_CASE("a word stands for its other forms and for what was meant by a typing error",
          "[expansion]") {
  CHECK(expand({"berlin", "wohnung", "wohnen"}, "wohnungen") == Words{"wohnung", "wohnen"});
  CHECK(expand({"москва", "книга"}, "москву") == Words{"москва"});
  CHECK(expand({"evlerimiz", "kitap"}, "evlerimizde") == Words{"evlerimiz"});
  CHECK(expand({"كتاب", "بيت"}, "الكتاب") == Words{"كتاب"});
  CHECK(expand({"restaurant", "street"}, "restuarant") == Words{"restaurant"});
  CHECK(expand({"caroline", "carolina"}, "carolin") == Words{"carolina", "caroline"});
  CHECK(expand({"green", "tea"}, "guitar").empty());
}

TEST_CASE("the word itself comes first, and beside it the others weigh less", "[expansion]") {
  const TermDictionary dictionary = dictionary_of({"wohnung", "wohnungen"});
  TermExpansion expansion;
  const auto known = expansion.expand(dictionary, "wohnungen", everything);
  REQUIRE(words(dictionary, known) == Words{"wohnungen", "wohnung"});
  CHECK(known[0].weight == 1);
  const auto unknown =
      expansion.expand(dictionary, "wohnungen", [](std::uint32_t term) { return term == 0; });
  REQUIRE(words(dictionary, unknown) == Words{"wohnung"});
  CHECK(unknown[0].weight < 1);
  CHECK(known[1].weight == Catch::Approx(0.75 * unknown[0].weight));
}

TEST_CASE("a typing error stands for what is very like it and begins as it does", "[expansion]") {
  const auto errors = [](const Words& terms, std::string_view word) {
    const TermDictionary dictionary = dictionary_of(terms);
    return words(dictionary, TermExpansion().expand(dictionary, word, everything,
                                                    TermExpansion::Purpose::kTypingErrors));
  };
  CHECK(errors({"restaurant", "street"}, "restuarant") == Words{"restaurant"});
  CHECK(errors({"restaurant", "street"}, "resaurant") == Words{"restaurant"});
  CHECK(errors({"restaurant", "street"}, "restawrant") == Words{"restaurant"});
  CHECK(errors({"stone"}, "estonia").empty());
  CHECK(expand({"company"}, "compare") == Words{"company"});
  CHECK(errors({"company"}, "compare").empty());
}

TEST_CASE("a term without letters, as a made-up image may have, looks like nothing",
          "[expansion]") {
  const auto dictionary = TermDictionary::from_columns("teas", {0, 4, 4});
  REQUIRE(dictionary);
  TermExpansion expansion;
  const auto all = [](std::uint32_t) { return true; };
  const std::vector<TermVariant> variants = expansion.expand(*dictionary, "tease", all);
  REQUIRE(variants.size() == 1);
  CHECK(variants[0].term == 0);
}

TEST_CASE("a short word stands for itself alone", "[expansion]") {
  CHECK(expand({"tea", "team", "teas"}, "tea") == Words{"tea"});
  CHECK(expand({"team"}, "tea").empty());
  CHECK(expand({"team"}, "").empty());
  CHECK(expand({}, "wohnungen").empty());
}

TEST_CASE("terms that nothing uses any more take nobody's place", "[expansion]") {
  Words terms;
  for (char c = 'a'; c <= 'z'; ++c)
    terms.push_back(std::string("wohnung") + c);
  const TermDictionary dictionary = dictionary_of(terms);
  TermExpansion expansion;
  CHECK(expansion.expand(dictionary, "wohnungen", everything).size() ==
        TermExpansion::kMaxVariants);
  const auto last =
      expansion.expand(dictionary, "wohnungen", [](std::uint32_t term) { return term >= 20; });
  CHECK(words(dictionary, last).size() == 6);
}

TEST_CASE("what is added to the dictionary is found", "[expansion]") {
  TermDictionary dictionary = dictionary_of({"berlin"});
  TermExpansion expansion;
  CHECK(expansion.expand(dictionary, "wohnungen", everything).empty());
  dictionary.intern("wohnung");
  CHECK(words(dictionary, expansion.expand(dictionary, "wohnungen", everything)) ==
        Words{"wohnung"});
}

TEST_CASE("variants are those of the definition, in its order", "[expansion]") {
  std::mt19937 random(11);
  const std::string_view letters[] = {"a", "b", "c", "ж", "и", "é", "語"};
  const auto any_word = [&] {
    std::string word;
    const bool is_long = random() % 50 == 0;
    for (auto left = 1 + random() % (is_long ? 60 : 9); left > 0; --left) {
      const std::string_view letter = letters[random() % 7];
      if (word.size() + letter.size() <= 64) word += letter;
    }
    return word;
  };
  for (int round = 0; round < 20; ++round) {
    Words terms;
    for (int i = 0; i < 300; ++i) {
      std::string word = any_word();
      if (std::find(terms.begin(), terms.end(), word) == terms.end()) terms.push_back(word);
    }
    const TermDictionary dictionary = dictionary_of(terms);
    TermExpansion expansion;
    for (int i = 0; i < 60; ++i) {
      const std::string word = i % 3 == 0 ? terms[random() % terms.size()] : any_word();
      CAPTURE(word);
      const auto found = expansion.expand(dictionary, word, everything);
      const auto wanted = by_definition(terms, word);
      REQUIRE(found.size() == wanted.size());
      for (std::size_t k = 0; k < found.size(); ++k) {
        REQUIRE(dictionary[found[k].term] == wanted[k].second);
        REQUIRE(found[k].weight == Catch::Approx(wanted[k].first));
      }
      // The second answer is the first.
      REQUIRE(words(dictionary, expansion.expand(dictionary, word, everything)) ==
              words(dictionary, found));
    }
  }
}

}  // namespace
}  // namespace agent_memory
