// SPDX-License-Identifier: MIT
// The index and its image: the input is a script of documents and searches, and of changes to the
// image. A true image gives an index that answers alike; a changed one is refused, or gives an
// index that answers without harm.

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "index/memory_index.hpp"
#include "support/fakes.hpp"
#include "support/images.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;
using testing::image_of;

/// One of 27, from three tables of none, "a" and "b".
Identity identity_of(unsigned number) {
  const auto id = [](unsigned value) {
    if (value % 3 == 0) return std::optional<std::string>();
    return std::optional<std::string>(value % 3 == 1 ? "a" : "b");
  };
  return {.user_id = id(number), .agent_id = id(number / 3), .run_id = id(number / 9)};
}

class Scenario {
 public:
  explicit Scenario(fuzzing::Input input) : input_(input) {}

  void play() {
    constexpr int kMaxSteps = 200;
    for (int i = 0; i < kMaxSteps && !input_.done(); ++i)
      step();
    ask("green tea in oslo", identity_of(0));
    ask("who is a?", identity_of(1));
    check_image();
  }

 private:
  void step() {
    switch (input_.byte()) {
      case 'a':
        return add();
      case 'd':
        return remove();
      case 's': {
        const Identity identity = identity_of(input_.byte());
        strategy_ = static_cast<RetrievalStrategy>(input_.byte() % 3);
        return ask(input_.line(), identity);
      }
      case 'm':
        changes_.push_back({input_.byte(), input_.below(1U << 16U), input_.number()});
        return;
      default:
        return;
    }
  }

  void add() {
    IndexDocument document;
    document.identity = identity_of(input_.byte());
    document.time_ms =
        testing::kStart - static_cast<TimestampMs>(input_.below(1U << 16U)) * 600'000;
    document.name = input_.line();
    document.text = input_.line();
    index_.add(next_, document);
    documents_[next_++] = document;
  }

  void remove() {
    if (documents_.empty()) return;
    const std::size_t at = input_.below(documents_.size());
    const auto document = std::next(documents_.begin(), static_cast<std::ptrdiff_t>(at));
    index_.remove(document->first, document->second);
    documents_.erase(document);
  }

  [[nodiscard]] IndexQuery query_of(std::string_view text, const Identity& identity) const {
    IndexQuery query;
    query.text = text;
    query.identity = identity;
    query.top_k = 1 + text.size() % 20;
    query.strategy = strategy_;
    query.min_score = text.size() % 4 == 0 ? 0.25 : 0;
    query.now_ms = testing::kStart;
    query.half_life_ms = 30.0 * testing::kDay;
    query.explain = text.size() % 2 == 0;
    query.precedes = [](DocumentId left, DocumentId right) { return left > right; };
    return query;
  }

  static void check_hits(const std::vector<IndexHit>& hits, const IndexQuery& query) {
    check(hits.size() <= query.top_k, "no more hits than asked for");
    std::set<DocumentId> seen;
    for (std::size_t i = 0; i < hits.size(); ++i) {
      const IndexHit& hit = hits[i];
      check(hit.score >= query.min_score && hit.score <= 1, "a score is in 0..1");
      check(hit.keyword >= 0 && hit.keyword <= 1, "a keyword score is in 0..1");
      check(hit.recency >= 0 && hit.recency <= 1, "a recency is in 0..1");
      check(i == 0 || hits[i - 1].score >= hit.score, "scores descend");
      check(seen.insert(hit.document).second, "no document twice");
    }
  }

  void ask(std::string_view text, const Identity& identity) {
    const IndexQuery query = query_of(text, identity);
    const std::vector<IndexHit> hits = index_.search(query);
    check_hits(hits, query);
    for (const IndexHit& hit : hits) {
      const auto document = documents_.find(hit.document);
      check(document != documents_.end(), "what was removed is not found");
      check(is_visible(document->second.identity, identity), "nothing is found behind a wall");
    }
    check(are_equal(hits, index_.search(query)), "the same search gives the same");
    asked_.emplace_back(text, identity);
  }

  static bool are_equal(const std::vector<IndexHit>& left, const std::vector<IndexHit>& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const IndexHit& a, const IndexHit& b) {
                        return a.document == b.document && a.score == b.score &&
                               a.keyword == b.keyword && a.recency == b.recency &&
                               a.terms == b.terms;
                      });
  }

  void check_image() {
    std::vector<DocumentId> order;
    for (const auto& [document, added] : documents_)
      order.push_back(document);
    IndexImage image = image_of(index_, order);
    auto copy = MemoryIndex::from_image(image, order.size());
    check(copy.has_value(), "an image is read");
    check(copy->size() == order.size(), "an image has all documents");
    for (const auto& [text, identity] : asked_) {
      const IndexQuery query = query_of(text, identity);
      std::vector<IndexHit> hits = copy->search(query);
      for (IndexHit& hit : hits)
        hit.document = order[hit.document];
      check(are_equal(hits, index_.search(query)), "an index from an image answers alike");
    }
    check(!MemoryIndex::from_image(image, order.size() + 1), "an image is of so many documents");

    if (changes_.empty()) return;
    for (const Change& each : changes_)
      each.apply(image);
    auto changed = MemoryIndex::from_image(image, order.size());
    if (!changed) return;
    for (const auto& [text, identity] : asked_) {
      const IndexQuery query = query_of(text, identity);
      const std::vector<IndexHit> hits = changed->search(query);
      check_hits(hits, query);
      check(std::all_of(hits.begin(), hits.end(),
                        [&](const IndexHit& hit) { return hit.document < order.size(); }),
            "what is found is there");
    }
    // It is an index like any other.
    for (DocumentId id = 0; id < order.size(); id += 2)
      changed->remove(id, documents_.at(order[id]));
    changed->add(
        static_cast<DocumentId>(order.size()),
        {.identity = identity_of(1), .text = "tea", .name = "Ann", .time_ms = testing::kStart});
    std::vector<DocumentId> left;
    for (DocumentId id = 1; id < order.size(); id += 2)
      left.push_back(id);
    left.push_back(static_cast<DocumentId>(order.size()));
    const IndexQuery query = query_of("tea", identity_of(1));
    check_hits(changed->search(query), query);
    check(image_of(*changed, left).version == image.version, "a changed index gives an image");
  }

  /// Sets one number of an image, whatever its sections hold.
  struct Change {
    std::size_t section;
    std::size_t position;
    std::uint32_t value;

    void apply(IndexImage& image) const {
      if (image.sections.empty()) return;
      std::string& bytes = image.sections[section % image.sections.size()];
      if (bytes.empty()) return;
      const std::size_t at = position % bytes.size() / sizeof value * sizeof value;
      std::memcpy(bytes.data() + at, &value, std::min(sizeof value, bytes.size() - at));
    }
  };

  fuzzing::Input input_;
  MemoryIndex index_;
  DocumentId next_ = 0;
  RetrievalStrategy strategy_ = RetrievalStrategy::kSemanticSearch;
  std::map<DocumentId, IndexDocument> documents_;
  std::vector<std::pair<std::string, Identity>> asked_;
  std::vector<Change> changes_;
};

}  // namespace
}  // namespace agent_memory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  agent_memory::Scenario(agent_memory::fuzzing::Input(data, size)).play();
  return 0;
}
