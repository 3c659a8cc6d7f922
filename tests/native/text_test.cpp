// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/utf8.hpp"
#include "text/analyzer.hpp"
#include "text/cues.hpp"
#include "text/folding.hpp"

namespace agent_memory {
namespace {

using Strings = std::vector<std::string>;
using Positions = std::vector<std::uint32_t>;

Strings to_strings(const TermList& list) {
  Strings strings;
  for (std::size_t i = 0; i < list.size(); ++i)
    strings.emplace_back(list[i]);
  return strings;
}

Strings terms(std::string_view text) {
  Analyzer analyzer;
  TermList list;
  analyzer.analyze(text, list);
  return to_strings(list);
}

Strings query_terms(std::string_view text) {
  Analyzer analyzer;
  TermList list;
  analyzer.analyze_query(text, list);
  return to_strings(list);
}

Positions positions(std::string_view text) {
  Analyzer analyzer;
  TermList list;
  analyzer.analyze(text, list);
  Positions result;
  for (std::size_t i = 0; i < list.size(); ++i)
    result.push_back(list.position(i));
  return result;
}

bool has(const Strings& strings, std::string_view wanted) {
  return std::find(strings.begin(), strings.end(), wanted) != strings.end();
}

/// What holds for the terms of any bytes whatever.
bool are_sound(const TermList& list) {
  std::uint32_t position = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string_view term = list[i];
    if (term.empty() || term.size() > 64 || to_valid_utf8(std::string(term)) != term) return false;
    if (std::any_of(term.begin(), term.end(), [](char c) { return c >= 0 && c <= 0x20; }))
      return false;
    if (list.position(i) < position) return false;
    position = list.position(i);
  }
  return true;
}

/// Letters with one canonical mark, in three rows: the mark, the letters without, the letters with.
struct Marked {
  std::string_view mark;
  std::string_view plain;
  std::string_view composed;
};
constexpr Marked kMarked[] = {
    {"\u0300", "AEIOUaeiouÜüNnЕИеиĒēŌōWwÂâĂăÊêÔôƠơƯưYyἀἁ",
     "ÀÈÌÒÙàèìòùǛǜǸǹЀЍѐѝḔḕṐṑẀẁẦầẰằỀềỒồỜờỪừỲỳἂἃ"},
    {"\u0300", "ἈἉἐἑἘἙἠἡἨἩἰἱἸἹὀὁὈὉὐὑὙὠὡὨὩαεηιουωΑΕΗϊΙϋΥΟ",
     "ἊἋἒἓἚἛἢἣἪἫἲἳἺἻὂὃὊὋὒὓὛὢὣὪὫὰὲὴὶὸὺὼᾺῈῊῒῚῢῪῸ"},
    {"\u0300", "Ω", "Ὼ"},
    {"\u0301", "AEIOUYaeiouyCcLlNnRrSsZzÜüGgÅåÆæØøΑΕΗΙΟΥ",
     "ÁÉÍÓÚÝáéíóúýĆćĹĺŃńŔŕŚśŹźǗǘǴǵǺǻǼǽǾǿΆΈΉΊΌΎ"},
    {"\u0301", "ΩϊαεηιϋουωϒГКгкÇçĒēÏïKkMmÕõŌōPpŨũWwÂâĂăÊ",
     "ΏΐάέήίΰόύώϓЃЌѓќḈḉḖḗḮḯḰḱḾḿṌṍṒṓṔṕṸṹẂẃẤấẮắẾ"},
    {"\u0301", "êÔôƠơƯưἀἁἈἉἐἑἘἙἠἡἨἩἰἱἸἹὀὁὈὉὐὑὙὠὡὨὩ", "ếỐốỚớỨứἄἅἌἍἔἕἜἝἤἥἬἭἴἵἼἽὄὅὌὍὔὕὝὤὥὬὭ"},
    {"\u0302", "AEIOUaeiouCcGgHhJjSsWwYyZzẠạẸẹỌọ", "ÂÊÎÔÛâêîôûĈĉĜĝĤĥĴĵŜŝŴŵŶŷẐẑẬậỆệỘộ"},
    {"\u0303", "ANOanoIiUuVvÂâĂăEeÊêÔôƠơƯưYy", "ÃÑÕãñõĨĩŨũṼṽẪẫẴẵẼẽỄễỖỗỠỡỮữỸỹ"},
    {"\u0304", "AaEeIiOoUuÜüÄäȦȧÆæǪǫÖöÕõȮȯYyИиУуGgḶḷṚṛαΑ",
     "ĀāĒēĪīŌōŪūǕǖǞǟǠǡǢǣǬǭȪȫȬȭȰȱȲȳӢӣӮӯḠḡḸḹṜṝᾱᾹ"},
    {"\u0304", "ιΙυΥ", "ῑῙῡῩ"},
    {"\u0306", "AaEeGgIiOoUuУИиуЖжАаЕеȨȩẠạαΑιΙυΥ", "ĂăĔĕĞğĬĭŎŏŬŭЎЙйўӁӂӐӑӖӗḜḝẶặᾰᾸῐῘῠῨ"},
    {"\u0307", "CcEeGgIZzAaOoBbDdFfHhMmNnPpRrSsŚśŠšṢṣTtW",
     "ĊċĖėĠġİŻżȦȧȮȯḂḃḊḋḞḟḢḣṀṁṄṅṖṗṘṙṠṡṤṥṦṧṨṩṪṫẆ"},
    {"\u0307", "wXxYyſ", "ẇẊẋẎẏẛ"},
    {"\u0308", "AEIOUaeiouyYΙΥιυϒЕІеіАаӘәЖжЗзИиОоӨөЭэУуЧ",
     "ÄËÏÖÜäëïöüÿŸΪΫϊϋϔЁЇёїӒӓӚӛӜӝӞӟӤӥӦӧӪӫӬӭӰӱӴ"},
    {"\u0308", "чЫыHhÕõŪūWwXxt", "ӵӸӹḦḧṎṏṺṻẄẅẌẍẗ"},
    {"\u0309", "AaÂâĂăEeÊêIiOoÔôƠơUuƯưYy", "ẢảẨẩẲẳẺẻỂểỈỉỎỏỔổỞởỦủỬửỶỷ"},
    {"\u030A", "AaUuwy", "ÅåŮůẘẙ"},
    {"\u030B", "OoUuУу", "ŐőŰűӲӳ"},
    {"\u030C", "CcDdEeLlNnRrSsTtZzAaIiOoUuÜüGgKkƷʒjHh", "ČčĎďĚěĽľŇňŘřŠšŤťŽžǍǎǏǐǑǒǓǔǙǚǦǧǨǩǮǯǰȞȟ"},
    {"\u030F", "AaEeIiOoRrUuѴѵ", "ȀȁȄȅȈȉȌȍȐȑȔȕѶѷ"},
    {"\u0311", "AaEeIiOoRrUu", "ȂȃȆȇȊȋȎȏȒȓȖȗ"},
    {"\u0313", "αΑεΕηΗιΙοΟυωΩρ", "ἀἈἐἘἠἨἰἸὀὈὐὠὨῤ"},
    {"\u0314", "αΑεΕηΗιΙοΟυΥωΩρΡ", "ἁἉἑἙἡἩἱἹὁὉὑὙὡὩῥῬ"},
    {"\u031B", "OoUu", "ƠơƯư"},
    {"\u0323", "BbDdHhKkLlMmNnRrSsTtVvWwZzAaEeIiOoƠơUuƯư",
     "ḄḅḌḍḤḥḲḳḶḷṂṃṆṇṚṛṢṣṬṭṾṿẈẉẒẓẠạẸẹỊịỌọỢợỤụỰự"},
    {"\u0323", "Yy", "Ỵỵ"},
    {"\u0324", "Uu", "Ṳṳ"},
    {"\u0325", "Aa", "Ḁḁ"},
    {"\u0326", "SsTt", "ȘșȚț"},
    {"\u0327", "CcGgKkLlNnRrSsTtEeDdHh", "ÇçĢģĶķĻļŅņŖŗŞşŢţȨȩḐḑḨḩ"},
    {"\u0328", "AaEeIiUuOo", "ĄąĘęĮįŲųǪǫ"},
    {"\u032D", "DdEeLlNnTtUu", "ḒḓḘḙḼḽṊṋṰṱṶṷ"},
    {"\u032E", "Hh", "Ḫḫ"},
    {"\u0330", "EeIiUu", "ḚḛḬḭṴṵ"},
    {"\u0331", "BbDdKkLlNnRrTtZzh", "ḆḇḎḏḴḵḺḻṈṉṞṟṮṯẔẕẖ"},
    {"\u0342", "ἀἁἈἉἠἡἨἩἰἱἸἹὐὑὙὠὡὨὩαηιϊυϋω", "ἆἇἎἏἦἧἮἯἶἷἾἿὖὗὟὦὧὮὯᾶῆῖῗῦῧῶ"},
    {"\u0345", "ἀἁἂἃἄἅἆἇἈἉἊἋἌἍἎἏἠἡἢἣἤἥἦἧἨἩἪἫἬἭἮἯὠὡὢὣὤὥὦὧ",
     "ᾀᾁᾂᾃᾄᾅᾆᾇᾈᾉᾊᾋᾌᾍᾎᾏᾐᾑᾒᾓᾔᾕᾖᾗᾘᾙᾚᾛᾜᾝᾞᾟᾠᾡᾢᾣᾤᾥᾦᾧ"},
    {"\u0345", "ὨὩὪὫὬὭὮὯὰαάᾶΑὴηήῆΗὼωώῶΩ", "ᾨᾩᾪᾫᾬᾭᾮᾯᾲᾳᾴᾷᾼῂῃῄῇῌῲῳῴῷῼ"},
};

TEST_CASE("a term list hands back what was appended, and starts anew when cleared", "[text]") {
  TermList list;
  CHECK(list.empty());
  list.append("one", 0);
  list.append("", 1);
  list.append("three", 7);
  REQUIRE(list.size() == 3);
  CHECK(list[0] == "one");
  CHECK(list[1].empty());
  CHECK(list[2] == "three");
  CHECK(list.position(2) == 7);
  list.clear();
  CHECK(list.empty());
  list.append("four", 1);
  CHECK(list[0] == "four");
}

TEST_CASE("words are cut at blanks, punctuation, symbols and controls, and are lower case",
          "[text]") {
  CHECK(terms("Lisbon, Porto; (Faro)!") == Strings{"lisbon", "porto", "faro"});
  CHECK(terms("green\ttea\nblack\rcoffee") == Strings{"green", "tea", "black", "coffe"});
  CHECK(terms(std::string_view("green\0tea\x01\x1F\x7F", 12)) == Strings{"green", "tea"});
  CHECK(terms("snake_case path/file.txt") == Strings{"snake", "case", "path", "file", "txt"});
  CHECK(terms("anna@example.org") == Strings{"anna", "exampl", "org"});
  CHECK(terms("tea\u2014milk\u2026sugar\u00A0honey") == Strings{"tea", "milk", "sugar", "honey"});
  CHECK(terms("tea\u2122 \u00A9 milk\u2192") == Strings{"tea", "milk"});
  CHECK(terms("").empty());
  CHECK(terms(" .,;!? \u2014 \u2192 ").empty());
}

TEST_CASE("an apostrophe between letters stays inside a word, whichever it is", "[text]") {
  CHECK(terms("O'Brien O\u2019Brien O\uFF07Brien O\u02BCBrien") == Strings(4, "obrien"));
  CHECK(terms("'lisbon' \u2018lisbon\u2019 lisbon'") == Strings(3, "lisbon"));
  CHECK(terms("rock'n'roll") == Strings{"rocknrol"});
  CHECK(terms("5'10") == Strings{"5", "10"});
  CHECK(terms("tea''milk tea'-milk") == Strings{"tea", "milk", "tea", "milk"});
  CHECK(terms("\u043F'\u044F\u0442\u044C") == Strings{"\u043F\u044F\u0442\u044C"});
}

TEST_CASE("a final 's and the other short verbs go", "[text]") {
  CHECK(terms("Alice's ALICE\u2019S Alice'll Alice'd") == Strings(4, "alic"));
  CHECK(terms("the cats' 90's") == Strings{"cat", "90"});
  CHECK(terms("I'm you're they've she'd've it's let's who'd").empty());
  CHECK(terms("don't don\u2019t dont can't won't isn't shouldn't").empty());
}

TEST_CASE("French and Italian articles before an apostrophe go", "[text]") {
  CHECK(terms("l'\u00E9cole") == terms("\u00E9cole"));
  CHECK(terms("L\u2019\u00C9cole") == terms("\u00E9cole"));
  CHECK(terms("qu'Alice d'Artagnan") == terms("Alice Artagnan"));
}

TEST_CASE("positions count words, stop words too", "[text]") {
  CHECK(positions("the cat sat on the mat") == Positions{1, 2, 5});
  CHECK(positions("Alice's tea isn't 3.5 euros") == Positions{0, 1, 3, 4, 5});
  CHECK(positions("\u00E9t\u00E9 in \u0420\u0438\u043C") == Positions{0, 2});
}

TEST_CASE("each text is counted from zero, behind what the list has", "[text]") {
  Analyzer analyzer;
  TermList list;
  analyzer.analyze("green tea", list);
  analyzer.analyze("black tea", list);
  CHECK(to_strings(list) == Strings{"green", "tea", "black", "tea"});
  CHECK(list.position(2) == 0);
  CHECK(list.position(3) == 1);
}

TEST_CASE("English words are stemmed", "[text]") {
  CHECK(terms("running runs run") == Strings(3, "run"));
  CHECK(terms("studies studied studying") == Strings(3, "studi"));
  CHECK(terms("happiness happily") == Strings{"happi", "happili"});
  CHECK(terms("internationalizations") == terms("internationalization"));
  // The cached answer is the first answer.
  Analyzer analyzer;
  TermList list;
  for (int i = 0; i < 3; ++i)
    analyzer.analyze("studies went", list);
  CHECK(to_strings(list) == Strings{"studi", "go", "studi", "go", "studi", "go"});
}

TEST_CASE("many words through one analyzer give what each gives alone", "[text]") {
  std::mt19937 random(7);
  Analyzer shared;
  for (int i = 0; i < 20000; ++i) {
    std::string word;
    for (auto left = 1 + random() % 18; left > 0; --left) {
      word.push_back(static_cast<char>('a' + random() % (i % 2 == 0 ? 3 : 26)));
    }
    TermList first;
    shared.analyze(word, first);
    TermList again;
    shared.analyze(word, again);
    REQUIRE(to_strings(first) == to_strings(again));
    if (i % 100 == 0) REQUIRE(to_strings(first) == terms(word));
  }
}

TEST_CASE("an irregular form has the term of its base form", "[text]") {
  const std::pair<const char*, const char*> forms[] = {{"went", "going"},
                                                       {"gone", "go"},
                                                       {"goes", "go"},
                                                       {"bought", "buying"},
                                                       {"taught", "teach"},
                                                       {"written", "write"},
                                                       {"swum", "swims"},
                                                       {"mice", "mouse"},
                                                       {"women", "woman"},
                                                       {"feet", "foot"},
                                                       {"children", "child"},
                                                       {"wolves", "wolf"},
                                                       {"people", "persons"},
                                                       {"began", "beginning"},
                                                       {"lost", "losing"},
                                                       {"arose", "arise"},
                                                       {"travelling", "traveled"}};
  for (const auto& [form, base] : forms) {
    CAPTURE(form, base);
    CHECK(terms(form) == terms(base));
  }
  CHECK(terms("rose") != terms("rise"));
  CHECK(terms("better") != terms("good"));
}

TEST_CASE("a near word has the term of its neighbour", "[text]") {
  const std::pair<const char*, const char*> words[] = {
      {"Mom", "mother"},           {"mum's", "mothers"},  {"dad", "father"},
      {"pics", "photo"},           {"TV", "televisions"}, {"photographs", "pictures"},
      {"bike", "bicycles"},        {"kids", "children"},  {"favourite", "favorite"},
      {"grandma", "grandmothers"}, {"Nov", "November"}};
  for (const auto& [word, near] : words) {
    CAPTURE(word, near);
    CHECK(terms(word) == terms(near));
  }
}

TEST_CASE("stop words are left out of texts", "[text]") {
  CHECK(terms("What did the two of them not do with it, and why?") == Strings{"two"});
  CHECK(terms("WHO WHAT Where when").empty());
  CHECK(terms("may like want never good") == Strings{"may", "like", "want", "never", "good"});
}

TEST_CASE("a query of stop words alone keeps them, any other does without", "[text]") {
  CHECK(query_terms("who is he?") == Strings{"who", "is", "he"});
  CHECK(query_terms("who is Alice?") == Strings{"alic"});
  CHECK(query_terms("Isn't it?") == Strings{"isnt", "it"});
  CHECK(query_terms("...").empty());
  CHECK(query_terms("").empty());
  Analyzer analyzer;
  TermList list;
  analyzer.analyze("green tea", list);
  analyzer.analyze_query("who is he?", list);
  CHECK(to_strings(list) == Strings{"green", "tea", "who", "is", "he"});
  CHECK(list.position(4) == 2);
}

TEST_CASE("a query says which of its words other forms are to be looked for", "[text]") {
  const auto variants = [](std::string_view text) {
    Analyzer analyzer;
    TermList list;
    analyzer.analyze_query(text, list);
    std::vector<Variants> all;
    for (std::size_t i = 0; i < list.size(); ++i)
      all.push_back(list.variants(i));
    return all;
  };
  constexpr Variants kMistyped = Variants::kIfMistyped;
  constexpr Variants kAlways = Variants::kAlways;
  constexpr Variants kNone = Variants::kNone;
  using All = std::vector<Variants>;
  CHECK(variants("what tea does Alice drink?") == All(3, kMistyped));
  CHECK(variants("green tea") == All(2, Variants::kUndecided));
  CHECK(variants("in 2026 on 8th gpt4") == All{kNone, kNone, kNone});
  // Letters of no English word.
  CHECK(variants("\u043A\u043D\u0438\u0433\u0438") == All{kAlways});
  CHECK(variants("H\u00E4user Ha\u0308user Stra\u00DFe") == All(3, kAlways));
  // Pieces of words are other forms already.
  CHECK(variants("\u6771\u4EAC") == All(3, kNone));
  CHECK(variants("\uC11C\uC6B8\uC5D0") == All(4, kNone));
  // Words of a sentence in another language.
  CHECK(variants("wo ist meine Wohnung") == All(4, kAlways));
  CHECK(variants("donde esta mi casa") == All(4, kAlways));
  CHECK(variants("the house of der Mann") == All(3, Variants::kUndecided));
  CHECK(variants("Wohnung in Berlin") == All(2, Variants::kUndecided));
}

TEST_CASE("foreign terms are in nearly every text of other languages, and in no English one",
          "[text]") {
  const auto has_some = [](std::string_view text) {
    const Analyzer analyzer;
    const Strings of_text = terms(text);
    const Strings& foreign = analyzer.foreign_terms();
    return std::any_of(foreign.begin(), foreign.end(),
                       [&](const std::string& term) { return has(of_text, term); });
  };
  CHECK(has_some("Ich suche eine Wohnung in Berlin, die nicht zu teuer ist."));
  CHECK(has_some("Je cherche un appartement que je peux payer."));
  CHECK(has_some("Busco un apartamento con balc\u00F3n en el centro."));
  CHECK(has_some("Cerco un appartamento che non sia troppo caro."));
  CHECK(has_some("Ik zoek een huis in Utrecht."));
  CHECK(has_some("Jag letar efter ett hus och en b\u00E5t."));
  CHECK_FALSE(has_some("I am looking for a flat in Berlin that is not too expensive."));
  CHECK_FALSE(has_some("She said that we could come over on Sunday and eat with them."));
}

TEST_CASE("numbers give their parts and names with digits stay whole", "[text]") {
  CHECK(terms("3.5 2026-11-22 7:30 1,000") ==
        Strings{"3", "5", "2026", "11", "22", "7", "30", "1", "000"});
  CHECK(terms("gpt4 V2 B2B 4k mp3s") == Strings{"gpt4", "v2", "b2b", "4k", "mp3s"});
  CHECK(terms("1st 2nd 3rd 8th 7pm 7:30am") == Strings{"1", "2", "3", "8", "7", "7", "30"});
  CHECK(terms("th pm x8th 8the") == Strings{"th", "pm", "x8th", "8the"});
}

TEST_CASE("digits of other scripts are the same digits", "[text]") {
  const Strings year{"2026"};
  CHECK(terms("\u0662\u0660\u0662\u0666") == year);                  // Arabic
  CHECK(terms("\u06F2\u06F0\u06F2\u06F6") == year);                  // Persian
  CHECK(terms("\u0968\u0966\u0968\u096C") == year);                  // Devanagari
  CHECK(terms("\u0E52\u0E50\u0E52\u0E56") == year);                  // Thai
  CHECK(terms("\uFF12\uFF10\uFF12\uFF16") == year);                  // full width
  CHECK(terms("\U0001D7D0\U0001D7CE\U0001D7D0\U0001D7D4") == year);  // bold
}

TEST_CASE("case, diacritics, width and ligatures are folded", "[text]") {
  CHECK(terms("CAF\u00C9 caf\u00E9 cafe") == Strings(3, "cafe"));
  CHECK(terms("\uFF26\uFF55\uFF4C\uFF4C") == Strings{"full"});
  CHECK(terms("\uFB01ne o\uFB03ce") == terms("fine office"));
  CHECK(terms("Stra\u00DFe STRASSE STRA\u1E9EE") == Strings(3, "strass"));
  CHECK(terms("\u00C6r\u00F8 \u0141\u00F3d\u017A \u0110\u1EB7ng \u0152uvre \u00DE\u00F3r") ==
        terms("aero lodz dang oeuvre thor"));
  CHECK(terms("\u0130stanbul istanbul \u0131stanbul") == Strings(3, "istanbul"));
  CHECK(terms("\U0001D5EF\U0001D5FC\U0001D5F9\U0001D5F1") == Strings{"bold"});
  CHECK(terms("\u01C4") == Strings{"dz"});
  CHECK(terms("so\u00ADft zero\u200Dwidth\uFEFF") == terms("soft zerowidth"));
}

TEST_CASE("a folded word of a-z is English, any other is not stemmed", "[text]") {
  CHECK(terms("r\u00E9sum\u00E9s") == terms("resumes"));
  CHECK(terms("\u0442he") == Strings{"\u0442he"});
  CHECK(terms("runn\u0438ng") == Strings{"runn\u0438ng"});
}

TEST_CASE("Greek is folded: case, accents, final sigma", "[text]") {
  CHECK(terms("ΣΊΣΥΦΟΣ Σίσυφος σισυφοσ") == Strings(3, "σισυφοσ"));
  CHECK(terms("Ἀθῆναι") == terms("αθηναι"));
  CHECK(terms("\u00B5") == terms("\u03BC"));
}

TEST_CASE("Cyrillic is folded: case, and yo to ye, but short i stays a letter", "[text]") {
  CHECK(terms("Ёлка ёлка елка") == Strings(3, "елка"));
  CHECK(terms("МОЙ мой") == Strings(2, "мой"));
  CHECK(terms("мой") != terms("мои"));
  CHECK(terms("мо\u0438\u0306") == Strings{"мой"});
  CHECK(terms("Мы любим Москву")[2] == "москву");
}

TEST_CASE("Armenian and Georgian capitals are folded", "[text]") {
  CHECK(terms("ՀԱՅԱՍՏԱՆ") == terms("Հայաստան"));
  CHECK(terms("ᲗᲑᲘᲚᲘᲡᲘ") == terms("თბილისი"));
}

TEST_CASE("precomposed and decomposed letters give the same terms", "[text]") {
  Analyzer analyzer;
  for (const Marked& row : kMarked) {
    std::size_t plain = 0;
    std::size_t composed = 0;
    while (plain < row.plain.size()) {
      // In a word that is none of English, for a stop word would prove nothing.
      std::string apart = "\u0436";
      append_utf8(apart, decode_utf8(row.plain, plain));
      apart.append(row.mark).append("z");
      std::string whole = "\u0436";
      append_utf8(whole, decode_utf8(row.composed, composed));
      whole += "z";
      TermList both;
      analyzer.analyze(apart, both);
      analyzer.analyze(whole, both);
      CAPTURE(apart, whole);
      REQUIRE(both.size() == 2);
      CHECK(both[0] == both[1]);
    }
    CHECK(composed == row.composed.size());
  }
  CHECK(terms("이") == terms("\u110B\u1175"));
  CHECK(terms("한국") == terms("\u1112\u1161\u11AB\u1100\u116E\u11A8"));
  CHECK(terms("ガギパ") == terms("カ\u3099キ\u3099ハ\u309A"));
  CHECK(terms("がぱゔ") == terms("か\u3099は\u309Aう\u3099"));
  CHECK(terms("\u0958\u09DC") == terms("\u0915\u093C\u09A1\u09BC"));
}

TEST_CASE("terms are their own terms where nothing is stemmed", "[text]") {
  for (const char* const text :
       {"Ёлка", "Σίσυφος", "नमस्ते", "مَرْحَبًا", "2026", "gpt4", "שָׁלוֹם", "ՀԱՅԱՍՏԱՆ"}) {
    const Strings once = terms(text);
    REQUIRE(once.size() == 1);
    CHECK(terms(once[0]) == once);
  }
}

TEST_CASE("Han and kana give each character and each pair", "[text]") {
  CHECK(terms("東京タワー") ==
        Strings{"東", "東京", "京", "京タ", "タ", "タワ", "ワ", "ワー", "ー"});
  CHECK(positions("東京タ") == Positions{0, 0, 1, 1, 2});
  CHECK(terms("我") == Strings{"我"});
  CHECK(terms("東京。大阪") == Strings{"東", "東京", "京", "大", "大阪", "阪"});
  CHECK(terms("iPhone15を") == Strings{"iphone15", "を"});
  CHECK(terms("3月") == Strings{"3", "月"});
  CHECK(terms("\U00020000\U00020001") ==
        Strings{"\U00020000", "\U00020000\U00020001", "\U00020001"});
}

TEST_CASE("a Chinese or Japanese question shares its pairs with the text", "[text]") {
  const Strings text = terms("我们昨天去了河边的新餐厅");
  for (const char* const pair : {"餐厅", "河边", "昨天"})
    CHECK(has(text, pair));
  CHECK(has(terms("昨日は東京駅で寿司を食べました"), "東京"));
}

TEST_CASE("half-width kana are whole kana", "[text]") {
  CHECK(terms("ｶﾞｷﾞﾊﾟｱｰ") == terms("ガギパアー"));
}

TEST_CASE("Thai, Lao, Khmer and Burmese give each letter with its marks, and each pair", "[text]") {
  CHECK(terms("กินข้าว") == Strings{"กิ", "กิน", "น", "นข้", "ข้", "ข้า", "า", "าว", "ว"});
  for (const char* const text : {"ສະບາຍດີ", "សួស្តី", "မင်္ဂလာပါ"}) {
    CAPTURE(text);
    CHECK(terms(text).size() > 3);
  }
  // The same word, found in the middle of a text without blanks.
  const Strings text = terms("ฉันอยากกินข้าวผัด");
  for (const std::string& term : terms("กินข้าว"))
    CHECK(has(text, term));
  CHECK(terms("ม 5")[1] == "5");
}

TEST_CASE("marks without their letter are nothing, however many", "[text]") {
  CHECK(terms("\u0301 \u3099 \u0E31").empty());
  std::string text = "ก";
  for (int i = 0; i < 1000; ++i)
    text += "\u0E31";
  const Strings found = terms(text);
  REQUIRE(found.size() == 1);
  CHECK(found[0].size() <= 64);
}

TEST_CASE("a Korean word is found under another particle", "[text]") {
  CHECK(terms("학교에서") == Strings{"학교에서", "학교", "교에", "에서"});
  CHECK(has(terms("학교에서"), "학교"));
  CHECK(has(terms("책을"), terms("책")[0]));
  CHECK(terms("한국") == Strings{"한국", "한"});
  CHECK(positions("학교에서 책을") == Positions{0, 0, 0, 0, 1, 1});
  CHECK(terms("GPT는") == Strings{"gpt", "는"});
  CHECK(terms("ㅋㅋㅋ")[0] == "ㅋㅋㅋ");
}

TEST_CASE("Hindi words keep their marks", "[text]") {
  CHECK(terms("नमस्ते दुनिया") == Strings{"नमस्ते", "दुनिया"});
  CHECK(terms("वह हिन्दी बोलती है।")[1] == "हिन्दी");
}

TEST_CASE("Arabic is found without its vowel signs, tatweel and alef forms", "[text]") {
  CHECK(terms("مَرْحَبًا") == terms("مرحبا"));
  CHECK(terms("العـــربية") == terms("العربيه"));
  CHECK(terms("أحمد إسلام آمن") == terms("احمد اسلام امن"));
  CHECK(terms("ﻣﺮﺣﺒﺎ") == terms("مرحبا"));
  CHECK(terms("می\u200Cخواهم") == terms("میخواهم"));
}

TEST_CASE("Hebrew is found without its points", "[text]") {
  CHECK(terms("שָׁלוֹם עוֹלָם") == terms("שלום עולם"));
}

TEST_CASE("what is not UTF-8 separates words", "[text]") {
  CHECK(terms("green\xFFtea\x80milk\xC3") == Strings{"green", "tea", "milk"});
  CHECK(terms("green\xED\xA0\x80tea") == Strings{"green", "tea"});  // a lone surrogate
  CHECK(terms("\xED\xA0\xBD\xED\xB8\x80").empty());                 // CESU-8
  CHECK(terms("caf\xC3\xA9\xC3") == Strings{"cafe"});
  CHECK(terms("\xC0\x80\xF4\x90\x80\x80\xFE").empty());
}

TEST_CASE("any bytes give sound terms", "[text]") {
  std::mt19937 random(42);
  Analyzer analyzer;
  TermList list;
  const std::string_view pieces[] = {
      "a",          "don't", "'",      "\u2019",       "é", "e\u0301", "\u0306", "и",
      "й",          "漢",    "か",     "\u3099",       "กิ", "한",      "\u1112", "\u1161",
      "\u11AB",     "क्",     "\u200D", "8th",          "ß", "ﬃ",       "…",      "\U0001F600",
      "\U0001D400", "\xFF",  "\xE0",   "\xED\xA0\x80", " "};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto left = random() % 200; left > 0; --left) {
      if (round % 3 == 0) {
        text.push_back(static_cast<char>(random() & 0xFF));
      } else if (round % 3 == 1) {
        text += pieces[random() % std::size(pieces)];
      } else {
        append_utf8(text,
                    static_cast<char32_t>(random() % (random() % 2 == 0 ? 0x3000 : 0x110000)));
      }
    }
    list.clear();
    analyzer.analyze(text, list);
    REQUIRE(are_sound(list));
    const Strings before = to_strings(list);
    list.clear();
    analyzer.analyze(to_valid_utf8(text), list);
    REQUIRE(to_strings(list) == before);
    list.clear();
    analyzer.analyze_query(text, list);
    REQUIRE(are_sound(list));
  }
}

TEST_CASE("every code point alone and inside a word gives sound terms", "[text]") {
  Analyzer analyzer;
  TermList list;
  for (char32_t c = 0; c < 0x110000; c += c < 0x20000 ? 1 : 97) {
    std::string text = "x";
    append_utf8(text, c);
    text += "y ";
    append_utf8(text, c);
    list.clear();
    analyzer.analyze(text, list);
    if (!are_sound(list)) FAIL("U+" << std::hex << static_cast<std::uint32_t>(c));
  }
}

TEST_CASE("a long word is cut at 64 bytes, between letters", "[text]") {
  const std::string ascii(1000, 'x');
  CHECK(terms(ascii + " tea") == Strings{ascii.substr(0, 64), "tea"});
  std::string cyrillic = "x";
  for (int i = 0; i < 100; ++i)
    cyrillic += "ж";
  const Strings cut = terms(cyrillic);
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].size() == 63);
  CHECK(cyrillic.starts_with(cut[0]));
  // A mark that would join what did not fit.
  std::string combined(63, 'x');
  CHECK(terms(combined + "\u0438\u0306") == Strings{combined});
}

TEST_CASE("ten megabytes of anything take linear time", "[text]") {
  const auto repeat = [](std::string_view piece) {
    std::string text;
    while (text.size() < 10'000'000)
      text += piece;
    return text;
  };
  Analyzer analyzer;
  TermList list;
  for (const char* const piece :
       {"a", "a'", "'", "\u0301", "e\u0301", "ж", "漢", "ก\u0E31", "한", "\u1161", "\xFF", "aé"}) {
    list.clear();
    analyzer.analyze(repeat(piece), list);
    CHECK(list.size() <= 10'000'000);
  }
}

TEST_CASE("an analyzer may be moved", "[text]") {
  Analyzer first;
  Analyzer second = std::move(first);
  TermList list;
  second.analyze("went", list);
  Analyzer third;
  third = std::move(second);
  third.analyze("went", list);
  CHECK(to_strings(list) == Strings{"go", "go"});
}

TEST_CASE("each emoji is a word of its own, whatever its skin tone", "[text]") {
  Analyzer analyzer;
  TermList list;
  analyzer.analyze("sushi\U0001F363\U0001F363 \U0001F44D\U0001F3FD", list);
  CHECK(to_strings(list) == Strings{"sushi", "\U0001F363", "\U0001F363", "\U0001F44D"});
}

}  // namespace
TEST_CASE("a text asks where its last sentence ends in a question mark", "[text]") {
  CHECK(asks("Where?"));
  CHECK(asks("I am fine. And you? [image: a cat]"));
  CHECK(asks("\xE4\xBD\xA0\xE5\x91\xA2\xEF\xBC\x9F"));  // full-width
  CHECK(asks("\xD9\x83\xD9\x8A\xD9\x81\xD8\x9F"));      // Arabic
  CHECK_FALSE(asks("Really? I thought so."));
  CHECK_FALSE(asks("no mark at all"));
  CHECK_FALSE(asks(""));
}

TEST_CASE("a query asks for a time with when, how long and which day", "[text]") {
  for (const std::string_view query :
       {"When did he go?", "since when", "How long ago?", "In which month", "what year was it"}) {
    INFO(query);
    CHECK(asks_for_time(query));
  }
  for (const std::string_view query : {"", "whenever", "how was the long day", "which of them",
                                       "the time of my life", "What did he do that day?"}) {
    INFO(query);
    CHECK_FALSE(asks_for_time(query));
  }
}

TEST_CASE("time words are known in all their forms", "[text]") {
  Analyzer analyzer;
  const TimeWords time_words(analyzer);
  const auto tells = [&](std::string_view text) {
    TermList terms;
    analyzer.analyze(text, terms);
    return time_words.any_of(terms);
  };
  CHECK(tells("two WEEKS ago"));
  CHECK(tells("on Mondays"));
  CHECK(tells("last summer"));
  CHECK_FALSE(tells("a violin and bread"));
  CHECK_FALSE(tells(""));
}

}  // namespace agent_memory
