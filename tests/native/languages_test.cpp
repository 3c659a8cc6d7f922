// SPDX-License-Identifier: MIT
#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/language.hpp"

#include "base/json.hpp"
#include "index/memory_index.hpp"
#include "support/images.hpp"
#include "text/analyzer.hpp"

namespace agent_memory {
namespace {

using testing::image_of;

using Strings = std::vector<std::string>;
using Languages = std::vector<std::shared_ptr<LanguagePort>>;

Languages languages(const Strings& names) {
  Languages made;
  for (const std::string& name : names)
    made.push_back(make_language(name));
  return made;
}

/// The terms of a text; an alternative has a slash before it.
Strings terms(const Strings& names, std::string_view text, bool is_query = false) {
  Analyzer analyzer(languages(names));
  TermList list;
  if (is_query) {
    analyzer.analyze_query(text, list);
  } else {
    analyzer.analyze(text, list);
  }
  Strings strings;
  for (std::size_t i = 0; i < list.size(); ++i) {
    strings.push_back(list.is_alternative(i) ? "/" : "");
    strings.back() += list[i];
  }
  return strings;
}

Strings query_terms(const Strings& names, std::string_view text) {
  return terms(names, text, true);
}

std::uint32_t fingerprint(const Strings& names) { return Analyzer(languages(names)).fingerprint(); }

TEST_CASE("stems are Snowball's own", "[languages]") {
  std::ifstream file(std::string(AGENT_MEMORY_CASES) + "/stems.json");
  std::stringstream text;
  text << file.rdbuf();
  const Result<JsonValue> cases = parse_json(text.str());
  REQUIRE(cases);
  REQUIRE(cases->if_array()->size() == 8);
  for (const JsonValue& each : *cases->if_array()) {
    const std::shared_ptr<LanguagePort> language = make_language(*each.find_string("language"));
    REQUIRE(language);
    for (const JsonValue& pair : *each.find("stems")->if_array()) {
      CAPTURE(*pair.if_string());
      const std::string_view both = *pair.if_string();
      const std::size_t blank = both.find(' ');
      CHECK(language->stem(both.substr(0, blank)) == both.substr(blank + 1));
    }
  }
}

TEST_CASE("an article without its vowel is none of the word, however that is spelled",
          "[languages]") {
  const Strings word = terms({"french"}, "\u00E9glise");
  CHECK(terms({"french"}, "l'\u00E9glise") == word);
  CHECK(terms({"french"}, "L\u2019e\u0301glise") == word);
  CHECK(terms({"french", "english"}, "l'\u00E9glise") == word);
  CHECK(terms({"italian"}, "dell'universit\u00E0") == terms({"italian"}, "universit\u00E0"));
}

TEST_CASE("a language is asked for by its English name", "[languages]") {
  CHECK(make_language("english")->id() == "english");
  CHECK(make_language("german")->id().starts_with("german-"));
  CHECK(make_language("German") == nullptr);
  CHECK(make_language("klingon") == nullptr);
  CHECK(make_language("") == nullptr);
}

TEST_CASE("all forms of a word have one term, with and without marks", "[languages]") {
  CHECK(terms({"german"}, "Haus Häuser HÄUSERN Ha\u0308user") == Strings(4, "haus"));
  CHECK(terms({"german"}, "Straße Straßen STRASSE") == Strings(3, "strass"));
  CHECK(terms({"french"}, "l'école écoles d’école") == Strings(3, "ecol"));
  CHECK(terms({"french"}, "\u0153uvres oeuvre") == Strings(2, "oeuvr"));
  CHECK(terms({"spanish"}, "montaña montañas MONTAN\u0303A") == Strings(3, "montan"));
  CHECK(terms({"portuguese"}, "canção canções") == Strings{"canca", "canco"});
  CHECK(terms({"italian"}, "l'amica dell'amica amiche") == Strings(3, "amic"));
  CHECK(terms({"dutch"}, "boeken boek") == Strings(2, "boek"));
  CHECK(terms({"swedish"}, "bilar bilen bil") == Strings(3, "bil"));
  CHECK(terms({"russian"}, "книга книги КНИГОЙ кни\u0301гу") == Strings(4, "книг"));
  CHECK(terms({"russian"}, "мо\u0438\u0306 зелёный зеленый").size() == 2);
}

TEST_CASE("stop words of the language are left out, of others they stay", "[languages]") {
  CHECK(terms({"german"}, "Ich suche eine Wohnung für meine Tochter") ==
        Strings{"such", "wohnung", "tocht"});
  CHECK(terms({"german"}, "fur uber").empty());  // typed without their marks
  CHECK(terms({"german"}, "the of").size() == 2);
  CHECK(query_terms({"german"}, "wer ist das") == Strings{"wer", "ist", "das"});
}

TEST_CASE("each text is in the language it looks most like", "[languages]") {
  const Strings both{"english", "german", "french"};
  CHECK(terms(both, "Wir suchen die Häuser") == terms({"german"}, "Wir suchen die Häuser"));
  CHECK(terms(both, "The houses were running") == terms({"english"}, "The houses were running"));
  CHECK(terms(both, "J'ai vu les maisons") == terms({"french"}, "J'ai vu les maisons"));
  // Letters tell it too.
  CHECK(terms(both, "Schöne Grüße") == terms({"german"}, "Schöne Grüße"));
  // Nothing tells it: the first.
  CHECK(terms(both, "Tina Berlin") == terms({"english"}, "Tina Berlin"));
  CHECK(terms({"german", "english"}, "Tina Wohnungen") == terms({"german"}, "Tina Wohnungen"));
  // One text does not speak for the next.
  Analyzer analyzer(languages(both));
  TermList list;
  analyzer.analyze("Wir suchen die Häuser", list);
  list.clear();
  analyzer.analyze("running", list);
  CHECK(list[0] == "run");
}

TEST_CASE("words in other letters are of the language that writes with them", "[languages]") {
  CHECK(terms({"english", "russian"}, "The books: книги и running") ==
        Strings{"book", "книг", "run"});
  CHECK(terms({"russian"}, "The books, книги") == Strings{"the", "books", "книг"});
  CHECK(terms({"russian"}, "βιβλία") == terms({}, "βιβλία"));
}

TEST_CASE("a query has each language's term for a word", "[languages]") {
  CHECK(query_terms({"german", "english"}, "running Wohnungen") ==
        Strings{"running", "/run", "wohnung", "/wohnungen"});
  CHECK(query_terms({"german", "english"}, "where are the running shoes") ==
        Strings{"run", "/running", "shoe", "/shoes"});
  CHECK(query_terms({"english"}, "running") == Strings{"run"});
}

TEST_CASE("digits, Han and Hangul are of no language", "[languages]") {
  for (const char* text : {"2026 gpt4 8th", "東京に行った", "서울에 갔다", "กรุงเทพ", "😀"}) {
    CAPTURE(text);
    CHECK(terms({"german", "english"}, text) == terms({}, text));
  }
}

TEST_CASE("other languages have another fingerprint", "[languages]") {
  CHECK(fingerprint({}) == 0);
  CHECK(fingerprint({"english"}) == 0);
  CHECK(fingerprint({"german"}) != 0);
  CHECK(fingerprint({"german"}) != fingerprint({"french"}));
  CHECK(fingerprint({"german", "english"}) != fingerprint({"english", "german"}));
  CHECK(fingerprint({"german", "english"}) == fingerprint({"german", "english"}));
  CHECK(fingerprint({"russian"}) < (1U << 24U));
}

TEST_CASE("an image over other languages is refused", "[languages]") {
  MemoryIndex index(languages({"german"}));
  IndexDocument document;
  document.text = "Ich suche eine Wohnung";
  index.add(0, document);
  const IndexImage image = image_of(index, {0});
  CHECK_FALSE(MemoryIndex::from_image(image, 1));
  CHECK_FALSE(MemoryIndex::from_image(image, 1, languages({"german", "english"})));
  auto again = MemoryIndex::from_image(image, 1, languages({"german"}));
  REQUIRE(again);
  IndexQuery query;
  query.text = "Wohnungen";
  CHECK(again->search(query).size() == 1);
}

}  // namespace
}  // namespace agent_memory
