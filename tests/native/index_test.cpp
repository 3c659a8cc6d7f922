// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/time.hpp"
#include "index/bm25.hpp"
#include "index/byte_arena.hpp"
#include "index/dates.hpp"
#include "index/memory_index.hpp"
#include "index/postings.hpp"
#include "index/scoring.hpp"
#include "index/term_dictionary.hpp"
#include "support/images.hpp"
#include "support/ranking_oracle.hpp"

namespace agent_memory {
namespace {

using testing::image_of;
using testing::RankingOracle;
using Document = RankingOracle::Document;

constexpr TimestampMs kMinute = 60'000;
constexpr TimestampMs kDay = 86'400'000;
const TimestampMs kNow =
    timestamp_of({.year = 2026, .month = 2, .day = 4}) + kDay / 2;  // Wednesday

TimestampMs day(int year, int month, int day_of_month) {
  return timestamp_of({.year = year, .month = month, .day = day_of_month}) + kDay / 3;
}

Identity user(std::string id) {
  return {.user_id = std::move(id), .agent_id = std::nullopt, .run_id = std::nullopt};
}

IndexQuery query_for(std::string_view text, Identity identity = user("ann")) {
  IndexQuery query;
  query.text = text;
  query.identity = std::move(identity);
  query.now_ms = kNow;
  query.half_life_ms = 30.0 * kDay;
  query.precedes = [](DocumentId left, DocumentId right) { return left < right; };
  return query;
}

struct Said {
  std::string_view text;
  TimestampMs time_ms = kNow - kDay;
  std::string_view name = {};
};

/// An index over what ann's memories say, numbered from 0.
MemoryIndex index_of(std::initializer_list<Said> all) {
  MemoryIndex index;
  DocumentId id = 0;
  for (const Said& said : all) {
    index.add(
        id++,
        {.identity = user("ann"), .text = said.text, .name = said.name, .time_ms = said.time_ms});
  }
  return index;
}

std::vector<DocumentId> documents(const std::vector<IndexHit>& hits) {
  std::vector<DocumentId> ids;
  for (const IndexHit& hit : hits)
    ids.push_back(hit.document);
  return ids;
}

std::vector<DocumentId> found(MemoryIndex& index, std::string_view text) {
  return documents(index.search(query_for(text)));
}

using Ids = std::vector<DocumentId>;

/// Random documents and queries over few enough words that everything matches something.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  template <typename T, std::size_t N>
  const T& any(const std::array<T, N>& of) {
    return of[below(N)];
  }

  std::string words(std::uint32_t most) {
    static const std::array<std::string, 24> kWords{"tea",          "coffee",
                                                    "lisbon",       "Anna",
                                                    "running",      "the",
                                                    "camera",       "mountain",
                                                    "guitar",       "may",
                                                    "2025",         "bread",
                                                    "blue",         "house",
                                                    "painted",      "sister",
                                                    "works",        "3",
                                                    "garden",       "rain",
                                                    "\xE8\x8C\xB6", "\xE6\x9D\xB1\xE4\xBA\xAC",
                                                    "caf\xC3\xA9",  "Boris"};
    std::string text;
    for (std::uint32_t count = below(most + 1); count > 0; --count) {
      // The product makes the first words more frequent than the last.
      text += kWords[below(24) * below(25) / 24] + " ";
    }
    return text;
  }
  std::string question() {
    static const std::array<std::string, 8> kDates{
        "", "when", "in may", "2025", "yesterday", "last week", "3 April", "2026-01-03"};
    return words(5) + any(kUnsaid) + any(kDates);
  }
  Identity identity() {
    static const std::array<std::optional<std::string>, 4> kIds{std::nullopt, "a", "b",
                                                                std::nullopt};
    return {.user_id = any(kIds), .agent_id = any(kIds), .run_id = any(kIds)};
  }
  Document document() {
    static const std::array<std::string, 4> kNames{"", "Anna", "Boris", "Anna Garden"};
    static const std::array<std::string, 4> kEnds{"", "?", "yesterday.", "? [image]"};
    static const std::array<std::optional<Role>, 3> kRoles{std::nullopt, Role::kUser,
                                                           Role::kAssistant};
    return {.identity = identity(),
            .text = words(12) + any(kForeign) + any(kEnds),
            .name = any(kNames),
            .role = any(kRoles),
            // Few days and minutes, so that times tie and turns are near each other.
            .time_ms = kNow - kDay * below(40) * below(10) + kDay * 3 + kMinute * 7 * below(6)};
  }
  RetrievalStrategy strategy() {
    static const std::array<RetrievalStrategy, 4> kStrategies{
        RetrievalStrategy::kSemanticSearch, RetrievalStrategy::kSemanticSearch,
        RetrievalStrategy::kHybrid, RetrievalStrategy::kRecency};
    return any(kStrategies);
  }
  /// `text` must outlive the query.
  IndexQuery query(const std::string& text, Identity identity) {
    IndexQuery query = query_for(text, std::move(identity));
    query.strategy = strategy();
    query.top_k = below(4) == 0 ? 1000 : 1 + below(8);
    if (below(4) == 0) query.min_score = below(50) / 100.0;
    if (below(4) == 0) query.accept = [](DocumentId id) { return id % 3 != 0; };
    return query;
  }
  std::mt19937& engine() { return random_; }

 private:
  /// Forms of a word that has no stemmer, function words, and what looks like the words above.
  inline static const std::array<std::string, 12> kForeign{
      "",
      "",
      "",
      "",
      "",
      "mounting ",
      "gardner ",
      "der H\xC3\xA4user ",
      "und Hausherr ",
      "\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xB0 ",
      "\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD1\x83 ",
      "caf\xC3\xA9s "};
  inline static const std::array<std::string, 12> kUnsaid{
      "",
      "",
      "",
      "mountian ",
      "giutar guitarr ",
      "gardenn ",
      "H\xC3\xA4usern ",
      "wo ist das Hausherrn ",
      "caf\xC3\xA9 ",
      "\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xB8 ",
      "\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xB0 ",
      "hauser sisterly "};

  std::mt19937 random_;
};

void check_same(const std::vector<IndexHit>& actual, const std::vector<IndexHit>& expected) {
  REQUIRE(documents(actual) == documents(expected));
  for (std::size_t i = 0; i < actual.size(); ++i) {
    CHECK(std::abs(actual[i].score - expected[i].score) <= 1e-9);
    CHECK(std::abs(actual[i].keyword - expected[i].keyword) <= 1e-9);
    CHECK(std::abs(actual[i].recency - expected[i].recency) <= 1e-9);
    REQUIRE(actual[i].context.has_value() == expected[i].context.has_value());
    CHECK(std::abs(actual[i].context.value_or(0) - expected[i].context.value_or(0)) <= 1e-9);
    CHECK(actual[i].score >= 0);
    CHECK(actual[i].score <= 1);
  }
}

void check_against(MemoryIndex& index, RankingOracle& oracle, Generator& generate, int searches) {
  CHECK(index.size() == oracle.documents().size());
  for (int i = 0; i < searches; ++i) {
    const std::string text = generate.question();
    const IndexQuery query = generate.query(text, generate.identity());
    INFO("query: " << text << ", strategy " << static_cast<int>(query.strategy));
    check_same(index.search(query), oracle.search(query));
  }
}

void remove(MemoryIndex& index, RankingOracle& oracle, DocumentId id) {
  const auto found = oracle.documents().find(id);
  index.remove(id, found != oracle.documents().end() ? found->second.view() : IndexDocument());
  oracle.remove(id);
}

/// Adds, changes and removes at random, in both.
void churn(MemoryIndex& index, RankingOracle& oracle, Generator& generate, int steps,
           std::uint32_t ids, std::uint32_t removals_in_4) {
  for (int step = 0; step < steps; ++step) {
    const DocumentId id = generate.below(ids);
    const bool present = oracle.documents().contains(id);
    remove(index, oracle, id);
    if (present && generate.below(4) < removals_in_4) continue;
    const Document document = generate.document();
    index.add(id, document.view());
    oracle.add(id, document);
  }
}

std::vector<DocumentId> shuffled_ids(const RankingOracle& oracle, Generator& generate) {
  std::vector<DocumentId> order;
  for (const auto& [id, document] : oracle.documents())
    order.push_back(id);
  std::shuffle(order.begin(), order.end(), generate.engine());
  return order;
}

RankingOracle renumbered(const RankingOracle& oracle, const std::vector<DocumentId>& order) {
  RankingOracle result;
  for (std::size_t i = 0; i < order.size(); ++i) {
    result.add(static_cast<DocumentId>(i), oracle.documents().at(order[i]));
  }
  return result;
}

}  // namespace

// ------------------------------------------------------------------------------------ properties

TEST_CASE("the index answers as brute force does, whatever was added and removed", "[index]") {
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    Generator generate(seed);
    MemoryIndex index;
    RankingOracle oracle;
    for (int round = 0; round < 6; ++round) {
      INFO("seed " << seed << ", round " << round);
      churn(index, oracle, generate, 80, 150, round % 2 == 0 ? 1 : 3);
      check_against(index, oracle, generate, 25);
    }
  }
}

TEST_CASE("an index that was emptied is as new", "[index]") {
  Generator generate(99);
  MemoryIndex index;
  RankingOracle oracle;
  churn(index, oracle, generate, 300, 100, 1);
  for (DocumentId id = 0; id < 100; ++id) {
    remove(index, oracle, id);
  }
  CHECK(index.size() == 0);
  CHECK(found(index, "tea").empty());
  index.remove(3, {});
  CHECK(image_of(index, {}).sections == image_of(MemoryIndex(), {}).sections);
  churn(index, oracle, generate, 100, 50, 1);
  check_against(index, oracle, generate, 20);
}

TEST_CASE("a partition of many windows answers as brute force does", "[index]") {
  Generator generate(7);
  MemoryIndex index;
  RankingOracle oracle;
  const auto search = [&] {
    for (const char* text : {"sister guitar", "the garden of Anna in may", "Boris painted 3 houses",
                             "rain yesterday", "nothing known"}) {
      for (const auto strategy : {RetrievalStrategy::kSemanticSearch, RetrievalStrategy::kHybrid,
                                  RetrievalStrategy::kRecency}) {
        IndexQuery query = query_for(text);
        query.strategy = strategy;
        query.top_k = 25;
        INFO(text);
        check_same(index.search(query), oracle.search(query));
      }
    }
  };
  const auto add = [&](DocumentId id) {
    Document document = generate.document();
    document.identity = user("ann");
    // Long texts among them, and words that nobody else has.
    if (id % 1000 == 0) document.text += generate.words(300);
    document.text += " word" + std::to_string(id % 3000);
    index.add(id, document.view());
    oracle.add(id, document);
  };
  for (DocumentId id = 0; id < 9500; ++id)
    add(id);
  search();
  for (DocumentId id = 0; id < 9500; id += 2 + id % 3) {
    remove(index, oracle, id);
  }
  search();
  std::vector<DocumentId> order = shuffled_ids(oracle, generate);
  auto loaded = MemoryIndex::from_image(image_of(index, order), order.size());
  REQUIRE(loaded);
  oracle = renumbered(oracle, order);
  index = *std::move(loaded);
  search();
  for (auto id = static_cast<DocumentId>(order.size()); id < order.size() + 3000; ++id)
    add(id);
  search();
}

TEST_CASE("long talks answer as brute force does, one after the other or at once",
          "[index][talk]") {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    Generator generate(seed * 77);
    MemoryIndex index;
    RankingOracle oracle;
    const std::array<std::string, 3> runs{"a", "b", "c"};
    // From an odd seed's middle on, two talks go on at once.
    std::string run = "a";
    for (DocumentId id = 0; id < 600; ++id) {
      if (id % 60 == 0 || (seed % 2 == 1 && id > 300 && generate.below(3) == 0)) {
        run = generate.any(runs);
      }
      Document document = generate.document();
      // Most turns match nothing that is asked, so that what they take from others decides.
      if (generate.below(3) != 0) document.text = "so it goes" + std::to_string(id % 50);
      document.identity = user("ann");
      document.identity.run_id = run;
      document.time_ms = kNow + kMinute / 3 * id;
      index.add(id, document.view());
      oracle.add(id, document);
    }
    const auto search = [&](int searches) {
      for (int i = 0; i < searches; ++i) {
        std::string text = "goes" + std::to_string(generate.below(50));
        if (i % 2 == 0) text += " " + generate.question();
        IndexQuery query = generate.query(text, user("ann"));
        query.top_k = 1 + generate.below(30);
        INFO("seed " << seed << ", query: " << text);
        check_same(index.search(query), oracle.search(query));
      }
    };
    search(40);
    // Gaps, some of them several turns wide.
    for (int removed = 0; removed < 25; ++removed) {
      const DocumentId first = generate.below(600);
      const DocumentId end = first + 1 + generate.below(removed % 5 == 0 ? 40 : 5);
      for (DocumentId id = first; id < end; ++id) {
        remove(index, oracle, id);
      }
    }
    search(40);
  }
}

TEST_CASE("a loaded image answers as the index it is of, and goes on", "[index][image]") {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    Generator generate(seed * 1000);
    MemoryIndex index;
    RankingOracle oracle;
    churn(index, oracle, generate, 250, 150, 1);
    for (int round = 0; round < 3; ++round) {
      const std::vector<DocumentId> order = shuffled_ids(oracle, generate);
      auto loaded = MemoryIndex::from_image(image_of(index, order), order.size());
      REQUIRE(loaded);
      index = *std::move(loaded);
      oracle = renumbered(oracle, order);
      check_against(index, oracle, generate, 15);
      churn(index, oracle, generate, 60, 200, round == 1 ? 3 : 1);
      check_against(index, oracle, generate, 15);
    }
  }
}

TEST_CASE("an image is made in pieces, and searches in between are the same as ever",
          "[index][image]") {
  Generator generate(9);
  MemoryIndex index;
  for (DocumentId id = 0; id < 8000; ++id) {
    const std::string text = generate.words(60);
    index.add(id, {.identity = user(id % 10 == 0 ? "bob" : "ann"),
                   .text = text,
                   .time_ms = kNow - id * kMinute});
  }
  const std::string text = generate.words(3);
  const IndexQuery query = query_for(text);
  const std::vector<IndexHit> expected = index.search(query);
  REQUIRE(expected.size() == query.top_k);
  std::vector<DocumentId> order(8000);
  std::iota(order.begin(), order.end(), 0U);
  const IndexImage undisturbed = image_of(index, order);

  const auto pieces = index.image(order);
  std::optional<IndexImage> image;
  std::size_t calls = 0;
  for (; !image; ++calls) {
    image = pieces();
    const std::vector<IndexHit> hits = index.search(query);
    REQUIRE(hits.size() == expected.size());
    for (std::size_t i = 0; i < hits.size(); ++i)
      REQUIRE((hits[i].document == expected[i].document && hits[i].score == expected[i].score));
  }
  // Both partitions are appended in four calls and one returns it: the others gather the larger
  // one.
  CHECK(calls > 10);
  CHECK(image->sections == undisturbed.sections);
}

TEST_CASE("images that were tampered with are refused or work, and never crash", "[index][image]") {
  Generator generate(5);
  MemoryIndex index;
  RankingOracle oracle;
  churn(index, oracle, generate, 120, 60, 1);
  const std::vector<DocumentId> order = shuffled_ids(oracle, generate);
  const IndexImage image = image_of(index, order);
  const auto use = [&](const IndexImage& tampered, std::size_t documents_claimed) {
    auto loaded = MemoryIndex::from_image(tampered, documents_claimed);
    if (!loaded) return false;
    CHECK(loaded->size() == documents_claimed);
    for (const auto& identity : {user("a"), user("b"), Identity{}}) {
      IndexQuery query = query_for("tea Anna camera in may", identity);
      query.explain = true;
      query.top_k = 100;
      for (const IndexHit& hit : loaded->search(query))
        CHECK(hit.document < documents_claimed);
      query.strategy = RetrievalStrategy::kRecency;
      for (const IndexHit& hit : loaded->search(query))
        CHECK(hit.document < documents_claimed);
    }
    const Document document = generate.document();
    loaded->add(static_cast<DocumentId>(documents_claimed), document.view());
    for (DocumentId id = 0; id <= documents_claimed; ++id)
      loaded->remove(id, document.view());
    CHECK(loaded->size() == 0);
    return true;
  };
  REQUIRE(use(image, order.size()));
  CHECK_FALSE(MemoryIndex::from_image(image, order.size() + 1));
  CHECK_FALSE(MemoryIndex::from_image(image, order.size() - 1));
  CHECK_FALSE(MemoryIndex::from_image({}, 0));
  CHECK(MemoryIndex::from_image(image_of(MemoryIndex(), {}), 0));
  IndexImage next = image;
  ++next.version;
  CHECK_FALSE(MemoryIndex::from_image(next, order.size()));

  for (std::size_t i = 0; i < image.sections.size(); ++i) {
    for (const std::size_t more : {1, 4}) {
      IndexImage longer = image;
      longer.sections[i].append(more, '\0');
      CHECK_FALSE(MemoryIndex::from_image(longer, order.size()));
    }
  }

  int worked = 0;
  for (int round = 0; round < 6000; ++round) {
    IndexImage tampered = image;
    for (std::uint32_t times = 1 + generate.below(3); times > 0; --times) {
      const auto count = static_cast<std::uint32_t>(tampered.sections.size());
      std::string& section = tampered.sections[generate.below(count)];
      const auto numbers = static_cast<std::uint32_t>(section.size() / sizeof(std::uint32_t));
      if (section.empty()) continue;
      if (generate.below(2) == 0 || numbers == 0) {
        if (generate.below(8) == 0) {
          section.pop_back();
        } else {
          section[generate.below(static_cast<std::uint32_t>(section.size()))] =
              static_cast<char>(generate.below(256));
        }
        continue;
      }
      char* place = section.data() + generate.below(numbers) * sizeof(std::uint32_t);
      std::uint32_t number = 0;
      std::memcpy(&number, place, sizeof(number));
      switch (generate.below(4)) {
        case 0:
          number = generate.below(300);
          break;
        case 1:
          number += generate.below(2) == 0 ? 1U : 0xFFFFFFFFU;
          break;
        case 2:
          number = 0xFFFFFFFFU - generate.below(3);
          break;
        default:
          number ^= 1U << generate.below(32);
      }
      std::memcpy(place, &number, sizeof(number));
      if (generate.below(8) == 0) section.resize(section.size() - sizeof(std::uint32_t));
    }
    worked += use(tampered, order.size()) ? 1 : 0;
  }
  INFO(worked << " of 6000 loaded");
  CHECK(worked < 3000);
}

// ----------------------------------------------------------------------------------------- walls

TEST_CASE("a search finds exactly what its identity may see", "[index][walls]") {
  Generator generate(3);
  MemoryIndex index;
  RankingOracle oracle;
  for (DocumentId id = 0; id < 300; ++id) {
    Document document = generate.document();
    document.text += " tea";
    index.add(id, document.view());
    oracle.add(id, document);
  }
  for (int i = 0; i < 200; ++i) {
    const Identity call = generate.identity();
    Ids visible;
    for (const auto& [id, document] : oracle.documents()) {
      if (is_visible(document.identity, call)) visible.push_back(id);
    }
    for (const auto strategy : {RetrievalStrategy::kSemanticSearch, RetrievalStrategy::kHybrid,
                                RetrievalStrategy::kRecency}) {
      IndexQuery query = query_for("tea", call);
      query.strategy = strategy;
      query.top_k = 1000;
      Ids hits = documents(index.search(query));
      std::sort(hits.begin(), hits.end());
      CHECK(hits == visible);
    }
  }
}

TEST_CASE("one user's memories do not move another's scores", "[index][walls]") {
  MemoryIndex index = index_of({{"green tea"}, {"black tea and green coffee"}, {"bread"}});
  const std::vector<IndexHit> before = index.search(query_for("green tea"));
  DocumentId id = 10;
  for (const auto& identity : std::initializer_list<Identity>{
           user("bob"),
           {},
           {.user_id = std::nullopt, .agent_id = "ann", .run_id = std::nullopt},
           {.user_id = std::nullopt, .agent_id = std::nullopt, .run_id = "ann"}}) {
    for (int i = 0; i < 50; ++i) {
      index.add(id++, {.identity = identity, .text = "green tea and green paint", .name = "tea"});
    }
  }
  check_same(index.search(query_for("green tea")), before);
  const Identity agent{.user_id = std::nullopt, .agent_id = "ann", .run_id = std::nullopt};
  const std::vector<IndexHit> agents = index.search(query_for("tea", agent));
  for (int i = 0; i < 30; ++i) {
    index.add(id++, {.identity = {.user_id = std::nullopt, .agent_id = "cid", .run_id = "ann"},
                     .text = "tea tea tea",
                     .name = {}});
  }
  check_same(index.search(query_for("tea", agent)), agents);
}

TEST_CASE("an empty id is an id", "[index][walls]") {
  MemoryIndex index;
  index.add(0, {.identity = user(""), .text = "tea", .name = {}});
  index.add(1, {.identity = {}, .text = "tea", .name = {}});
  index.add(2, {.identity = {.user_id = std::nullopt, .agent_id = "", .run_id = std::nullopt},
                .text = "tea",
                .name = {}});
  CHECK(documents(index.search(query_for("tea", user("")))) == Ids{0});
  CHECK(documents(index.search(query_for("tea", {}))) == Ids{1});
}

// --------------------------------------------------------------------------------------- ranking

TEST_CASE("BM25 and its parts have the values of their formulas", "[index][bm25]") {
  CHECK(std::abs(inverse_document_frequency(10, 0) - std::log(22.0)) < 1e-12);
  CHECK(std::abs(inverse_document_frequency(10, 10) - std::log(1 + 0.5 / 10.5)) < 1e-12);
  CHECK(std::abs(term_share(2, length_norm(10, 10)) - 2 / 2.9) < 1e-12);
  TermShares shares(7);
  shares.fit(12.5);
  for (const std::uint32_t frequency : {1U, 2U, 3U, 4U, 70000U}) {
    for (const std::uint32_t length : {0U, 1U, 127U, 128U, 65535U}) {
      CHECK(shares(frequency, length) ==
            static_cast<float>(term_share(frequency, length_norm(length, 12.5))));
    }
  }
  CHECK(recency(kNow, kNow, 10) == 1);
  CHECK(recency(kNow + 5, kNow, 10) == 1);
  CHECK(recency(kNow - 20, kNow, 10) == 0.25);
  CHECK(round_score(0.12345678949) == 0.123456789);
}

TEST_CASE("scores of one word are comparable between queries", "[index]") {
  MemoryIndex index = index_of({{"tea"}, {"coffee"}, {"bread"}, {"tea and bread"}});
  const double one = index.search(query_for("coffee"))[0].score;
  const double half = index.search(query_for("coffee zebra"))[0].score;
  CHECK(one > 0.5);
  CHECK(half < one * 0.6);
  // Asking twice for the same changes nothing.
  CHECK(index.search(query_for("coffee Coffee coffees"))[0].score == one);
}

TEST_CASE("of equal scores the later comes first, then the one that precedes", "[index]") {
  MemoryIndex index = index_of({{"green tea", kNow - 3 * kDay},
                                {"green tea", kNow - kDay},
                                {"green tea", kNow - 3 * kDay},
                                {"green tea", kNow - 2 * kDay}});
  IndexQuery query = query_for("green tea");
  CHECK(documents(index.search(query)) == Ids{1, 3, 0, 2});
  query.precedes = [](DocumentId left, DocumentId right) { return left > right; };
  CHECK(documents(index.search(query)) == Ids{1, 3, 2, 0});
  query.top_k = 3;
  CHECK(documents(index.search(query)) == Ids{1, 3, 2});
  query.strategy = RetrievalStrategy::kRecency;
  CHECK(documents(index.search(query)) == Ids{1, 3, 2});
  query.top_k = 0;
  CHECK(index.search(query).empty());
}

TEST_CASE("of more equal memories than are asked for the latest are found", "[index]") {
  // Beside others of several lengths: the strength is rounded up among some and down among others.
  for (int words = 0; words < 12; ++words) {
    std::string text = "bread";
    for (int i = 0; i < words; ++i)
      text += " word" + std::to_string(i);
    MemoryIndex index;
    index.add(100, {.identity = user("ann"), .text = text, .time_ms = kNow});
    for (DocumentId id = 0; id < 40; ++id) {
      index.add(id, {.identity = user("ann"), .text = "tea", .time_ms = kNow + kDay * id});
    }
    INFO(text);
    IndexQuery query = query_for("tea");
    query.top_k = 3;
    CHECK(documents(index.search(query)) == Ids{39, 38, 37});
  }
}

TEST_CASE("a word among very many unknown ones is found, with a score next to nothing", "[index]") {
  MemoryIndex index;
  for (DocumentId id = 0; id < 50; ++id)
    index.add(id, {.identity = user("ann"), .text = "tea", .time_ms = kNow});
  std::string text = "tea";
  for (int i = 0; i < 3000; ++i)
    text += " unknown" + std::to_string(i);
  for (const std::size_t size : {text.size(), text.size() / 3, text.size() / 9, text.size() / 27}) {
    const std::vector<IndexHit> hits = index.search(query_for(text.substr(0, size)));
    for (const IndexHit& hit : hits) {
      CHECK(hit.score >= 0);
      CHECK(hit.score < 0.1);
    }
  }
  CHECK(index.search(query_for(text)).size() == 5);
}

TEST_CASE("RECENCY ranks by age whatever the query says", "[index]") {
  MemoryIndex index = index_of(
      {{"tea", kNow - 30 * kDay}, {"", kNow + kDay}, {"coffee", kNow - 60 * kDay}, {"x", kNow}});
  IndexQuery query = query_for("");
  query.strategy = RetrievalStrategy::kRecency;
  const std::vector<IndexHit> hits = index.search(query);
  REQUIRE(documents(hits) == Ids{1, 3, 0, 2});
  CHECK(hits[0].score == 1);
  CHECK(hits[1].score == 1);
  CHECK(hits[2].score == 0.5);
  CHECK(hits[3].score == 0.25);
  CHECK(hits[3].recency == 0.25);
  CHECK(hits[3].keyword == 0);
  query.min_score = 0.5;
  CHECK(documents(index.search(query)) == Ids{1, 3, 0});
}

TEST_CASE("HYBRID puts the newer of equally relevant first and leaves the rest", "[index]") {
  MemoryIndex index = index_of({{"green tea in the morning", kNow - 300 * kDay},
                                {"green paint for the door", kNow - kDay},
                                {"red paint for the wall", kNow - 200 * kDay},
                                {"red paint for the roof", kNow - 2 * kDay}});
  IndexQuery query = query_for("green tea");
  query.strategy = RetrievalStrategy::kHybrid;
  CHECK(documents(index.search(query)) == Ids{0, 1});
  query.text = "red paint";
  CHECK(documents(index.search(query)) == Ids{3, 2, 1});
  const std::vector<IndexHit> hits = index.search(query);
  CHECK(hits[1].keyword == hits[0].keyword);
  CHECK(hits[1].score < hits[0].score);
}

TEST_CASE("a score below min_score is no hit", "[index]") {
  MemoryIndex index = index_of({{"green tea"}, {"green paint"}, {"bread"}});
  IndexQuery query = query_for("green tea");
  const std::vector<IndexHit> all = index.search(query);
  REQUIRE(all.size() == 2);
  query.min_score = all[1].score;
  CHECK(index.search(query).size() == 2);
  query.min_score = all[1].score + 1e-9;
  CHECK(documents(index.search(query)) == Ids{0});
}

TEST_CASE("a threshold that only the speaker's name lifts a memory over does not lose it",
          "[index]") {
  MemoryIndex index = index_of({{"Anna, Anna!", kNow, "Anna"}, {"bread"}, {"rain"}, {"paint"}});
  IndexQuery query = query_for("Anna zebra");
  const std::vector<IndexHit> hits = index.search(query);
  REQUIRE(documents(hits) == Ids{0});
  query.min_score = hits[0].score;
  CHECK(documents(index.search(query)) == Ids{0});
}

TEST_CASE("the speaker's name is found, and what the named one said comes first", "[index]") {
  MemoryIndex index = index_of({{"I went hiking with Caroline", kNow, "Melanie"},
                                {"I went hiking", kNow - kDay, "Caroline"},
                                {"the weather is fine", kNow - kDay, "Caroline"},
                                {"the weather is fine", kNow, "Melanie"}});
  CHECK(found(index, "Where did Caroline go hiking?")[0] == 1);
  CHECK(found(index, "What did Caroline say?").size() == 3);
  CHECK(found(index, "what did melanie say about the weather")[0] == 3);
}

TEST_CASE("texts of any script, or none, can be searched", "[index]") {
  MemoryIndex index =
      index_of({{"\xE5\xBD\xBC\xE5\xA5\xB3\xE5\x96\x9C\xE6\xAC\xA2\xE7\xBB\xBF\xE8\x8C\xB6"},
                {"\xE4\xBB\x96\xE4\xBD\x8F\xE5\x9C\xA8\xE4\xB8\x8A\xE6\xB5\xB7"},
                {"\xFF\xFE\x80 broken bytes"},
                {""}});
  CHECK(found(index, "\xE7\xBB\xBF\xE8\x8C\xB6")[0] == 0);  // green tea
  CHECK(found(index, "\xE4\xB8\x8A\xE6\xB5\xB7")[0] == 1);  // Shanghai
  CHECK(found(index, "broken") == Ids{2});
  CHECK(found(index, "?!").empty());
  CHECK(found(index, "").empty());
}

TEST_CASE("a word that nobody says stands for what it was meant to be", "[index][variants]") {
  MemoryIndex index = index_of({{"my bicycle is blue"}, {"blue rain"}, {"the company is blue"}});
  IndexQuery query = query_for("bycicle");
  query.explain = true;
  const std::vector<IndexHit> hits = index.search(query);
  REQUIRE(documents(hits) == Ids{0});
  CHECK(hits[0].terms == std::vector<std::string>{"bycicle"});
  CHECK(hits[0].score < index.search(query_for("bicycle"))[0].score);
  // What is no error but another word.
  CHECK(found(index, "compute").empty());
}

TEST_CASE("a word that somebody says stands for itself, and for nobody once it is gone",
          "[index][variants]") {
  MemoryIndex index = index_of({{"the counter is wet"}, {"I saw counters"}, {"a countess came"}});
  CHECK(found(index, "what about the counter?") == Ids{0, 1});
  index.remove(0, {.identity = {}, .text = "the counter is wet"});
  index.remove(1, {.identity = {}, .text = "I saw counters"});
  CHECK(found(index, "what about the counter?") == Ids{2});
  CHECK(found(index, "what about the countess?") == Ids{2});
}

TEST_CASE("a document with several forms of a word counts once, with the best",
          "[index][variants]") {
  // Book, in Russian: nominative, accusative and instrumental.
  const std::string_view query = "\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xB0";
  MemoryIndex index = index_of(
      {{"\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xB0 \xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD1\x83 "
        "\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xBE\xD0\xB9"},
       {"\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD0\xB0 tea coffee"},
       {"\xD0\xBA\xD0\xBD\xD0\xB8\xD0\xB3\xD1\x83 tea coffee"},
       {"bread"}});
  const std::vector<IndexHit> hits = index.search(query_for(query));
  // The same length, and the form that was asked for as often.
  REQUIRE(documents(hits) == Ids{0, 1, 2});
  CHECK(hits[0].keyword == hits[1].keyword);
  CHECK(hits[2].keyword < hits[1].keyword);
}

TEST_CASE("explain names the words that matched as the query wrote them", "[index]") {
  MemoryIndex index =
      index_of({{"She paints houses", day(2023, 5, 8)},
                {"He drinks tea", day(2023, 6, 1)},
                {"\xE5\xA5\xB9\xE5\x96\x9D\xE7\xBB\xBF\xE8\x8C\xB6", day(2024, 6, 1)}});
  IndexQuery query = query_for("Painting, HOUSE or tea-leaves in May 2023?");
  query.explain = true;
  std::vector<IndexHit> hits = index.search(query);
  REQUIRE(documents(hits) == Ids{0, 1});
  CHECK(hits[0].terms == std::vector<std::string>{"Painting", "HOUSE", "May 2023"});
  CHECK(hits[1].terms == std::vector<std::string>{"tea"});
  CHECK(hits[0].recency < 1);
  query.text = "\xE7\xBB\xBF\xE8\x8C\xB6";
  hits = index.search(query);
  REQUIRE(documents(hits) == Ids{2});
  CHECK(hits[0].terms.size() == 3);  // both characters and the pair
  query.explain = false;
  CHECK(index.search(query)[0].terms.empty());
}

TEST_CASE("accept decides what exists for a search", "[index]") {
  MemoryIndex index = index_of({{"tea"}, {"tea"}, {"tea"}, {"tea"}});
  IndexQuery query = query_for("tea");
  query.top_k = 2;
  query.accept = [](DocumentId id) { return id >= 2; };
  CHECK(documents(index.search(query)) == Ids{2, 3});
  query.strategy = RetrievalStrategy::kRecency;
  CHECK(documents(index.search(query)) == Ids{2, 3});
}

// ----------------------------------------------------------------------------------------- talks

namespace {

struct Turn {
  std::string_view text;
  TimestampMs time_ms = kNow;
  Role role = Role::kUser;
};

/// Ann's turns in one run, or in none; numbered from 0.
MemoryIndex talk_of(std::initializer_list<Turn> turns, std::optional<std::string> run = "r") {
  MemoryIndex index;
  DocumentId id = 0;
  for (const Turn& turn : turns) {
    Identity identity = user("ann");
    identity.run_id = run;
    index.add(
        id++,
        {.identity = identity, .text = turn.text, .role = turn.role, .time_ms = turn.time_ms});
  }
  return index;
}

IndexQuery talk_query(std::string_view text) {
  IndexQuery query = query_for(text);
  // Turns of one time were said in the order of their numbers.
  query.precedes = [](DocumentId left, DocumentId right) { return left > right; };
  return query;
}

}  // namespace

TEST_CASE("an answer is found by the words of its question", "[index][talk]") {
  MemoryIndex index = talk_of({{"The violin is out of tune."},
                               {"What is your favourite instrument?"},
                               {"The cello, since school."},
                               {"I bought bread."}});
  const std::vector<IndexHit> hits = index.search(talk_query("favourite instrument"));
  REQUIRE(documents(hits) == Ids{1, 2});
  CHECK(hits[1].keyword == 0);
  CHECK(hits[1].context.value_or(0) > 0);
}

TEST_CASE("of two turns that match alike the one among matching turns comes first",
          "[index][talk]") {
  MemoryIndex index = talk_of({{"I painted a lake."},
                               {"It rained.", kNow + kMinute},
                               {"I painted a wall.", kNow + kDay},
                               {"The sunrise over the lake was red.", kNow + kDay + kMinute}});
  CHECK(documents(index.search(talk_query("painted the lake at sunrise")))[0] == 3);
  CHECK(documents(index.search(talk_query("what did she paint near the sunrise")))[0] == 3);
  CHECK(documents(index.search(talk_query("painted")))[0] == 2);
  CHECK(documents(index.search(talk_query("painted sunrise"))).front() == 3);
}

TEST_CASE("turns lend nothing over a pause, to other runs, or among notes", "[index][talk]") {
  const auto context = [](MemoryIndex index) {
    return index.search(talk_query("violin"))[0].context.has_value();
  };
  CHECK(context(talk_of({{"a violin"}, {"bread", kNow + 30 * kMinute}})));
  CHECK_FALSE(context(talk_of({{"a violin"}, {"bread", kNow + 31 * kMinute}})));
  CHECK_FALSE(context(talk_of({{"a violin"}, {"bread"}}, std::nullopt)));
  CHECK(context(talk_of({{"a violin"}, {"bread", kNow, Role::kAssistant}}, std::nullopt)));

  MemoryIndex index = talk_of({{"a violin"}});
  Identity other = user("ann");
  other.run_id = "s";
  index.add(1, {.identity = other, .text = "bread", .time_ms = kNow});
  CHECK_FALSE(index.search(talk_query("violin"))[0].context.has_value());
}

TEST_CASE("a note that says it all comes before turns of a talk that say half", "[index][talk]") {
  MemoryIndex index = talk_of({{"I bought a green hat."},
                               {"I saw green hills."},
                               {"A green door."},
                               {"We had tea."},
                               {"The tea was cold."}});
  index.add(9, {.identity = user("ann"), .text = "I like green tea", .time_ms = kNow - 90 * kDay});
  CHECK(documents(index.search(talk_query("green tea")))[0] == 9);
}

TEST_CASE("turns that arrive out of order stand where their times put them", "[index][talk]") {
  for (const int count : {10, 300}) {
    MemoryIndex in_order;
    MemoryIndex reversed;
    Identity identity = user("ann");
    identity.run_id = "r";
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i)
      texts.push_back((i % 7 == 0   ? "violin"
                       : i % 5 == 0 ? "what now?"
                                    : "bread") +
                      std::string(" word") + std::to_string(i));
    const auto document = [&](int i) {
      return IndexDocument{.identity = identity,
                           .text = texts[static_cast<std::size_t>(i)],
                           .time_ms = kNow + kMinute * i};
    };
    const auto add = [&](MemoryIndex& index, int i) {
      index.add(static_cast<DocumentId>(i), document(i));
    };
    for (int i = 0; i < count; ++i)
      add(in_order, i);
    for (int i = count; i-- > 0;)
      add(reversed, i);
    IndexQuery query = talk_query("violin word11 word56");
    query.top_k = 50;
    check_same(reversed.search(query), in_order.search(query));
    // Late ones find their place among the linked.
    for (const int late : {3, count / 2}) {
      in_order.remove(static_cast<DocumentId>(late), document(late));
      check_same(in_order.search(query), [&] {
        MemoryIndex fresh;
        for (int i = 0; i < count; ++i) {
          if (i != late) add(fresh, i);
        }
        return fresh.search(query);
      }());
      add(in_order, late);
      check_same(in_order.search(query), reversed.search(query));
    }
  }
}

TEST_CASE("asked when, what tells a time comes first", "[index][talk]") {
  MemoryIndex index = index_of({{"I visited my aunt, she is fine"},
                                {"I visited my aunt yesterday"},
                                {"I visited my aunt and we laughed"}});
  CHECK(found(index, "When did she visit her aunt?")[0] == 1);
}

TEST_CASE("a score is lower where many are as good and where little matches", "[index]") {
  MemoryIndex index = index_of({{"violin"}, {"bread"}, {"bread"}, {"bread"}, {"bread"}});
  const auto best = [&](std::string_view text) { return index.search(query_for(text))[0].score; };
  CHECK(best("violin") > 0.6);
  CHECK(best("bread") < best("violin"));
  CHECK(best("violin zebra piano") < 0.4);
  IndexQuery query = query_for("bread");
  const double of_all = index.search(query)[0].score;
  query.top_k = 1;
  CHECK(index.search(query)[0].score == of_all);
}

// ----------------------------------------------------------------------------------------- dates

TEST_CASE("memories are found by the day they were said", "[index][dates]") {
  MemoryIndex index = index_of({{"we met", day(2023, 5, 8)},
                                {"we met", day(2023, 5, 20)},
                                {"we met", day(2023, 11, 8)},
                                {"we met", day(2024, 5, 8)},
                                {"we met", kNow - kDay},
                                {"we met", kNow - 8 * kDay}});
  const auto said = [&](std::string_view text) {
    Ids ids = found(index, text);
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  CHECK(said("May 2023") == Ids{0, 1});
  CHECK(said("8 May") == Ids{0, 3});
  CHECK(said("on the 8th of May, 2023") == Ids{0});
  CHECK(said("2023-05-08") == Ids{0});
  CHECK(said("05/08/2023") == Ids{0});
  CHECK(said("08.05.2023") == Ids{0});
  CHECK(said("in 2023") == Ids{0, 1, 2});
  CHECK(said("in May") == Ids{0, 1, 3});
  CHECK(said("yesterday") == Ids{4});
  CHECK(said("last week") == Ids{5});
  CHECK(found(index, "Where did we meet in November 2023?")[0] == 2);
}

TEST_CASE("a date is a bonus: what matches in text and day comes before either", "[index][dates]") {
  MemoryIndex index = index_of({{"green tea in a cup", day(2023, 6, 8)},
                                {"green tea in a cup", day(2023, 5, 8)},
                                {"the weather is fine", day(2023, 5, 8)}});
  CHECK(found(index, "green tea on 8 May 2023") == Ids{1, 0, 2});
}

TEST_CASE("dates in queries mean what people mean", "[dates]") {
  // now: Wednesday, 2026-02-04
  const auto range = [](CivilDate from, CivilDate to) {
    return std::vector<TimeRange>{{timestamp_of(from), timestamp_of(to)}};
  };
  const auto meaning = [](std::string_view text) {
    const std::vector<DateMention> dates = find_dates(text, kNow);
    if (dates.size() != 1) return std::vector<TimeRange>{};
    return ranges_between(dates[0], day(2022, 7, 1), day(2024, 3, 1));
  };
  const std::vector<TimeRange> none;
  CHECK(meaning("2023-05-08") == range({2023, 5, 8}, {2023, 5, 9}));
  CHECK(meaning("at 2023-05-08T10:30:00Z") == range({2023, 5, 8}, {2023, 5, 9}));
  CHECK(meaning("2023/5/8") == range({2023, 5, 8}, {2023, 5, 9}));
  CHECK(meaning("2023-05") == range({2023, 5, 1}, {2023, 6, 1}));
  CHECK(meaning("31.12.2023") == range({2023, 12, 31}, {2024, 1, 1}));
  CHECK(meaning("12/31/2023") == range({2023, 12, 31}, {2024, 1, 1}));
  CHECK(meaning("05/08/2023").size() == 2);
  CHECK(meaning("31.02.2023") == none);
  CHECK(meaning("May 8th, 2023") == range({2023, 5, 8}, {2023, 5, 9}));
  CHECK(meaning("8th of May 2023") == range({2023, 5, 8}, {2023, 5, 9}));
  CHECK(meaning("Sept 3 2023") == range({2023, 9, 3}, {2023, 9, 4}));
  CHECK(meaning("february 2024") == range({2024, 2, 1}, {2024, 3, 1}));
  CHECK(meaning("in december") ==
        std::vector<TimeRange>{{timestamp_of({2022, 12, 1}), timestamp_of({2023, 1, 1})},
                               {timestamp_of({2023, 12, 1}), timestamp_of({2024, 1, 1})},
                               {timestamp_of({2024, 12, 1}), timestamp_of({2025, 1, 1})}});
  CHECK(meaning("29 February") == range({2024, 2, 29}, {2024, 3, 1}));
  CHECK(meaning("in 2023?") == range({2023, 1, 1}, {2024, 1, 1}));
  CHECK(meaning("today") == range({2026, 2, 4}, {2026, 2, 5}));
  CHECK(meaning("Yesterday!") == range({2026, 2, 3}, {2026, 2, 4}));
  CHECK(meaning("this week") == range({2026, 2, 2}, {2026, 2, 9}));
  CHECK(meaning("last week") == range({2026, 1, 26}, {2026, 2, 2}));
  CHECK(meaning("last month") == range({2026, 1, 1}, {2026, 2, 1}));
  CHECK(meaning("last year") == range({2025, 1, 1}, {2026, 1, 1}));
  CHECK(meaning("3 days ago") == range({2026, 2, 1}, {2026, 2, 2}));
  CHECK(meaning("two weeks ago") == range({2026, 1, 18}, {2026, 1, 25}));
  CHECK(meaning("a month ago") == range({2026, 1, 1}, {2026, 2, 1}));
  CHECK(meaning("14 months ago") == range({2024, 12, 1}, {2025, 1, 1}));
  CHECK(meaning("a couple of years ago") == range({2024, 1, 1}, {2025, 1, 1}));
  CHECK(meaning("last 3 days") == range({2026, 2, 1}, {2026, 2, 5}));
  CHECK(meaning("last May") == range({2025, 5, 1}, {2025, 6, 1}));
  CHECK(meaning("last January") == range({2026, 1, 1}, {2026, 2, 1}));
  CHECK(meaning("last Friday") == range({2026, 1, 30}, {2026, 1, 31}));
  CHECK(meaning("last Wednesday") == range({2026, 1, 28}, {2026, 1, 29}));
  CHECK(meaning("Did it rain in May") != none);
  for (const char* text : {"what may happen", "they march on", "May I ask", "call 2023:15",
                           "version 3.2023", "room 12345", "8 of them", "last", "ago", "3 days",
                           "mai\xCC\x88 8", "99/99/2023", "", "last 3"}) {
    INFO(text);
    CHECK(find_dates(text, kNow).empty());
  }
  CHECK(find_dates("2020 2021 2022 2023 2024", kNow).size() == 4);
  const DateMention mention = find_dates("what was on May 8, 2023 then", kNow)[0];
  CHECK(mention.begin == 12);
  CHECK(mention.size == 11);
}

// ---------------------------------------------------------------------------------------- pieces

TEST_CASE("posting lists give back what was appended", "[index][postings]") {
  std::mt19937 random(1);
  PostingLists lists;
  std::vector<std::vector<Posting>> expected(40);
  std::vector<Slot> next(40, 0);
  for (std::uint32_t term = 0; term < 40; ++term) {
    for (int i = 0; i < (term < 3 ? 20000 : static_cast<int>(term)) + 1; ++i) {
      const std::uint32_t kind = static_cast<std::uint32_t>(random() % 10);
      const Posting posting{
          .slot = next[term] + static_cast<Slot>(random() % (kind == 0 ? 9000 : 4)),
          .frequency = kind < 7 ? 1 : static_cast<std::uint32_t>(random() % 9) + 1,
          .speaker = kind == 3};
      next[term] = posting.slot + 1;
      expected[term].push_back(posting);
      lists.append(term, posting);
    }
  }
  lists.append(5, {.slot = (1U << 29) - 2, .frequency = 0xFFFFFFFF, .speaker = true});
  expected[5].push_back({.slot = (1U << 29) - 2, .frequency = 0xFFFFFFFF, .speaker = true});
  for (std::uint32_t term = 0; term < 40; ++term) {
    REQUIRE(lists.count(term) == expected[term].size());
    PostingCursor cursor = lists.cursor(term);
    for (const Posting& posting : expected[term]) {
      REQUIRE((*cursor).slot == posting.slot);
      REQUIRE((*cursor).frequency == posting.frequency);
      REQUIRE((*cursor).speaker == posting.speaker);
      cursor.advance();
    }
    CHECK(cursor.slot() == kNoSlot);
    std::size_t visited = 0;
    lists.cursor(term).visit_until(expected[term].back().slot, [&](const Posting&) { ++visited; });
    CHECK(visited + 1 == expected[term].size());
  }
}

TEST_CASE("arena blocks hold what was asked for and are used again", "[index][arena]") {
  std::size_t previous = 0;
  for (std::size_t size = 1; size < 20000; ++size) {
    const std::size_t capacity = ByteArena::capacity_for(size);
    REQUIRE(capacity >= size);
    REQUIRE(capacity >= previous);
    REQUIRE(capacity <= std::max<std::size_t>(16, size + size / 4 + 4));
    REQUIRE(ByteArena::capacity_for(capacity) == capacity);
    previous = capacity;
  }
  std::mt19937 random(2);
  ByteArena arena;
  struct Block {
    ByteArena::Address address;
    std::size_t capacity;
    std::uint8_t mark;
  };
  std::vector<Block> blocks;
  const auto is_intact = [&](const Block& block) {
    const std::uint8_t* bytes = arena.at(block.address);
    return std::all_of(bytes, bytes + block.capacity,
                       [&](std::uint8_t byte) { return byte == block.mark; });
  };
  for (int round = 0; round < 20000; ++round) {
    if (blocks.size() < 300 || random() % 2 == 0) {
      const std::size_t capacity =
          ByteArena::capacity_for(random() % (random() % 20 == 0 ? 9000 : 200) + 1);
      const Block block{.address = arena.allocate(capacity),
                        .capacity = capacity,
                        .mark = static_cast<std::uint8_t>(random())};
      std::fill_n(arena.at(block.address), capacity, block.mark);
      blocks.push_back(block);
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      REQUIRE(is_intact(blocks.back()));
      arena.release(blocks.back().address, blocks.back().capacity);
      blocks.pop_back();
    }
  }
  CHECK(std::all_of(blocks.begin(), blocks.end(), is_intact));
}

TEST_CASE("a dictionary numbers strings once", "[index][dictionary]") {
  TermDictionary dictionary;
  CHECK(dictionary.find("tea") == TermDictionary::kNone);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    REQUIRE(dictionary.intern("term" + std::to_string(i)) == i);
    REQUIRE(dictionary.intern("term" + std::to_string(i / 2)) == i / 2);
  }
  CHECK(dictionary.size() == 5000);
  CHECK(dictionary.find("term4999") == 4999);
  CHECK(dictionary[4999] == "term4999");
  CHECK(dictionary.find("term5000") == TermDictionary::kNone);
  CHECK(dictionary.intern("") == 5000);
  CHECK(dictionary.find("") == 5000);
  CHECK(TermDictionary::from_columns("teabread", {0, 3, 8})->find("bread") == 1);
  CHECK_FALSE(TermDictionary::from_columns("teatea", {0, 3, 6}));
}

}  // namespace agent_memory
