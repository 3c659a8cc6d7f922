// SPDX-License-Identifier: MIT
#include "messages/equality.hpp"

#include <random>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "base/utf8.hpp"

namespace agent_memory {
namespace {

std::string normalize_for_equality(std::string_view text) {
  std::string out;
  append_normalized(out, text);
  return out;
}

bool are_equal(std::string_view a, std::string_view b) {
  return normalize_for_equality(a) == normalize_for_equality(b);
}

TEST_CASE("texts that differ in case, blanks and closing punctuation are the same memory",
          "[text]") {
  CHECK(normalize_for_equality("  Likes \t\n Green  TEA . ") == "likes green tea");
  CHECK(are_equal("Likes tea", "likes tea!!!"));
  CHECK(are_equal("Likes tea", "Likes tea ?! ..."));
  CHECK(are_equal("Likes tea", "Likes\u00A0tea\u2026"));
  CHECK(are_equal("お茶が好き", "お茶が好き。"));
  CHECK(are_equal("お茶が好き", "お茶が好き！？"));
  CHECK(are_equal("お茶が好き", "お茶が好き\uFF61\uFF0E"));
  CHECK(are_equal("चाय पसंद है", "चाय पसंद है।"));
}

TEST_CASE("punctuation inside a text counts", "[text]") {
  CHECK_FALSE(are_equal("v1.2", "v12"));
  CHECK_FALSE(are_equal("No. Tea", "No Tea"));
  CHECK_FALSE(are_equal("tea, milk", "tea milk"));
  CHECK_FALSE(are_equal("(tea)", "tea"));
}

TEST_CASE("compatibility forms and typographic quotes are the plain ones", "[text]") {
  CHECK(are_equal("ＦＵＬＬ　ｗｉｄｔｈ", "full width"));
  CHECK(are_equal("o\uFB03ce", "office"));
  CHECK(are_equal("ｶﾞｷﾞ", "ガギ"));
  CHECK(are_equal("Straße", "STRASSE"));
  CHECK(are_equal("don\u2019t \u201Cstop\u201D", "don't \"stop\""));
  CHECK(are_equal("wait\u2026 what", "wait... what"));
  CHECK(are_equal("so\u00ADft", "soft"));
}

TEST_CASE("diacritics and word order count, how a letter is encoded does not", "[text]") {
  CHECK_FALSE(are_equal("r\u00E9sum\u00E9", "resume"));
  CHECK_FALSE(are_equal("øl", "ol"));
  CHECK_FALSE(are_equal("мой", "мои"));
  CHECK_FALSE(are_equal("tea likes", "likes tea"));
  CHECK(are_equal("r\u00E9sum\u00E9", "R\u0045\u0301SUME\u0301"));
  CHECK(are_equal("Việt", "Vie\u0323\u0302t"));
  CHECK(are_equal("мой", "мо\u0438\u0306"));
  CHECK(are_equal("한국", "\u1112\u1161\u11AB\u1100\u116E\u11A8"));
  CHECK(are_equal("ガ", "カ\u3099"));
}

TEST_CASE("what has nothing but punctuation keeps it", "[text]") {
  CHECK(normalize_for_equality(" ?! ") == "?!");
  CHECK_FALSE(are_equal("?", "!"));
  CHECK(normalize_for_equality("").empty());
  CHECK(normalize_for_equality(" \n\u3000").empty());
}

TEST_CASE("of ASCII the form is small letters, one blank of several, and no closing punctuation",
          "[text]") {
  std::mt19937 random(7);
  constexpr std::string_view kBytes = "aZ m9-.!?,  \t\n'";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = random() % 50; left > 0; --left) {
      // Of all that can be printed, or of few that come often.
      text.push_back(round % 2 == 0 ? static_cast<char>(' ' + random() % 95)
                                    : kBytes[random() % kBytes.size()]);
    }
    std::string expected;
    for (const char c : text) {
      const bool is_blank = c == ' ' || c == '\t' || c == '\n';
      if (is_blank && (expected.empty() || expected.back() == ' ')) continue;
      const bool is_capital = c >= 'A' && c <= 'Z';
      expected.push_back(is_blank ? ' ' : is_capital ? static_cast<char>(c - 'A' + 'a') : c);
    }
    const std::size_t content = expected.find_last_not_of(" .!?");
    const std::size_t end = content == std::string::npos ? expected.find_last_not_of(' ') : content;
    expected.resize(end == std::string::npos ? 0 : end + 1);
    CAPTURE(text);
    REQUIRE(normalize_for_equality(text) == expected);
  }
}

TEST_CASE("the form of any bytes is UTF-8 and its own form", "[text]") {
  std::mt19937 random(42);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = random() % 100; left > 0; --left) {
      if (round % 2 == 0) {
        text.push_back(static_cast<char>(random() & 0xFF));
      } else {
        append_utf8(text, static_cast<char32_t>(random() % (random() % 2 == 0 ? 0x3100 : 0x20000)));
      }
    }
    const std::string form = normalize_for_equality(text);
    CAPTURE(text);
    REQUIRE(to_valid_utf8(form) == form);
    REQUIRE(normalize_for_equality(form) == form);
    REQUIRE(normalize_for_equality(to_valid_utf8(text)) == form);
  }
}

}  // namespace
}  // namespace agent_memory
