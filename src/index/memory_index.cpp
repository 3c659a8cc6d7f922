// SPDX-License-Identifier: MIT
#include "index/memory_index.hpp"

#include <algorithm>
#include <utility>

#include "index/columns.hpp"
#include "index/image.hpp"
#include "index/query_terms.hpp"
#include "index/ranker.hpp"
#include "index/scoring.hpp"
#include "index/walls.hpp"
#include "text/analyzer.hpp"
#include "text/cues.hpp"

namespace agent_memory {

struct MemoryIndex::State {
  explicit State(std::vector<std::shared_ptr<LanguagePort>> languages)
      : analyzer(std::move(languages)) {}

  /// Where a document is.
  struct Location {
    static constexpr Walls::PartitionId kNowhere = 0xFFFFFFFF;
    Walls::PartitionId partition = kNowhere;
    Slot slot = 0;
  };

  [[nodiscard]] bool contains(DocumentId id) const {
    return id < locations.size() && locations[id].partition != Location::kNowhere;
  }
  /// Into `text` and `name`.
  void analyze(const IndexDocument& document) {
    text.clear();
    name.clear();
    analyzer.analyze(document.text, text);
    analyzer.analyze(document.name, name);
  }
  void locate_documents_of(Walls::PartitionId id) {
    const Partition& partition = walls[id];
    for (Slot slot = 0; slot < partition.slots(); ++slot) {
      if (partition.is_live(slot)) locations[partition.document(slot)] = {id, slot};
    }
  }

  Walls walls;
  std::vector<Location> locations;
  std::size_t size = 0;
  Analyzer analyzer;
  TimeWords time_words{analyzer};
  Ranker ranker;
  // Kept for their memory.
  TermList text;
  TermList name;
};

MemoryIndex::MemoryIndex(std::vector<std::shared_ptr<LanguagePort>> languages)
    : state_(std::make_unique<State>(std::move(languages))) {}
MemoryIndex::~MemoryIndex() = default;
MemoryIndex::MemoryIndex(MemoryIndex&&) noexcept = default;
MemoryIndex& MemoryIndex::operator=(MemoryIndex&&) noexcept = default;

void MemoryIndex::add(DocumentId id, const IndexDocument& document) {
  State& state = *state_;
  state.analyze(document);
  const Walls::PartitionId partition = state.walls.open(document.identity);
  // Behind a wall without a user, agent and run are the same for all.
  const bool has_user = document.identity.user_id.has_value();
  const Slot slot = state.walls[partition].add(id, document.time_ms,
                                               has_user ? document.identity.agent_id : std::nullopt,
                                               has_user ? document.identity.run_id : std::nullopt,
                                               {.asks = asks(document.text),
                                                .tells_time = state.time_words.any_of(state.text),
                                                .in_run = document.identity.run_id.has_value(),
                                                .role = document.role},
                                               state.text, state.name);
  while (state.locations.size() <= id)
    append_tight(state.locations, State::Location{});
  state.locations[id] = {partition, slot};
  ++state.size;
}

void MemoryIndex::remove(DocumentId id, const IndexDocument& document) {
  State& state = *state_;
  if (!state.contains(id)) return;
  const State::Location location = std::exchange(state.locations[id], {});
  --state.size;
  Partition& partition = state.walls[location.partition];
  state.analyze(document);
  partition.remove(location.slot, state.text, state.name);
  if (partition.live() == 0) {
    state.walls.close(location.partition);
  } else if (partition.is_sparse()) {
    partition.compact();
    state.locate_documents_of(location.partition);
  }
}

std::size_t MemoryIndex::size() const { return state_->size; }

std::vector<IndexHit> MemoryIndex::search(const IndexQuery& query) {
  State& state = *state_;
  const Selection selection = state.walls.select(query.identity);
  if (selection.parts.empty() || query.top_k == 0) return {};
  const bool by_keyword = query.strategy != RetrievalStrategy::kRecency;
  QueryTerms terms;
  std::vector<Candidate> ranked;
  std::vector<double> best;
  if (by_keyword) {
    const auto is_earlier = [&](DocumentId left, DocumentId right) {
      return query.precedes ? query.precedes(right, left) : left < right;
    };
    for (const Selection::Part& part : selection.parts)
      part.partition->link(is_earlier);
    terms = analyze_query(state.analyzer, query.text, query.now_ms);
    ranked = state.ranker.by_keyword(query, std::max(query.top_k, kRivals), terms, selection);
    for (std::size_t i = 0; i < ranked.size() && i < kRivals; ++i)
      best.push_back(ranked[i].strength);
    if (ranked.size() > query.top_k) ranked.resize(query.top_k);
  } else {
    ranked = Ranker::by_time(query, selection);
  }
  if (ranked.empty()) return {};

  std::optional<Calibration> calibration;
  if (by_keyword) calibration.emplace(best);
  for (Candidate& candidate : ranked) {
    // From here on the score.
    if (calibration) candidate.strength = calibration->score(candidate.strength);
  }
  std::erase_if(ranked,
                [&](const Candidate& candidate) { return candidate.strength < query.min_score; });
  std::vector<IndexHit> hits;
  hits.reserve(ranked.size());
  for (const Candidate& candidate : ranked) {
    hits.push_back(
        {.document = candidate.document,
         .score = candidate.strength,
         .keyword = round_score(candidate.keyword),
         .recency = round_score(recency(candidate.time_ms, query.now_ms, query.half_life_ms)),
         .context =
             candidate.context ? std::optional(round_score(*candidate.context)) : std::nullopt,
         .terms = {}});
  }
  if (query.explain && by_keyword) {
    const std::vector<Ranker::Matches> matches = Ranker::matches(ranked, terms, selection);
    for (std::size_t i = 0; i < hits.size(); ++i) {
      hits[i].terms =
          words_behind(state.analyzer, query.text, terms, matches[i].terms, matches[i].dates);
    }
  }
  return hits;
}

std::function<std::optional<IndexImage>()> MemoryIndex::image(
    const std::vector<DocumentId>& order) const {
  std::vector<DocumentId> renumbered(state_->locations.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    renumbered[order[i]] = static_cast<DocumentId>(i);
  const auto maker = std::make_shared<ImageMaker>(state_->walls, std::move(renumbered),
                                                  state_->analyzer.fingerprint());
  return [maker] { return maker->next(); };
}

std::optional<MemoryIndex> MemoryIndex::from_image(
    IndexImage image, std::size_t documents, std::vector<std::shared_ptr<LanguagePort>> languages) {
  MemoryIndex index(std::move(languages));
  State& state = *index.state_;
  auto walls = read_image(std::move(image), state.analyzer.fingerprint());
  if (!walls) return std::nullopt;
  state.walls = *std::move(walls);
  for (Walls::PartitionId id = 0; id < state.walls.size(); ++id) {
    state.size += state.walls[id].live();
  }
  if (state.size != documents) return std::nullopt;
  // So many documents, all numbers below that, none twice: each is there once.
  state.locations.resize(documents);
  for (Walls::PartitionId id = 0; id < state.walls.size(); ++id) {
    const Partition& partition = state.walls[id];
    for (Slot slot = 0; slot < partition.slots(); ++slot) {
      const DocumentId document = partition.document(slot);
      if (document >= documents || state.contains(document)) return std::nullopt;
      state.locations[document] = {id, slot};
    }
  }
  return index;
}

}  // namespace agent_memory
