// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "index/memory_index.hpp"
#include "index/postings.hpp"

namespace agent_memory {

/// A document that a search may return.
struct Candidate {
  double score = 0;
  double keyword = 0;
  TimestampMs time_ms = 0;
  DocumentId document = 0;
  Slot slot = 0;
  /// Its place among the selection's parts.
  std::uint32_t part = 0;
};

/// The best of the candidates that the query accepts: a heap of at most query.top_k, the worst on
/// top.
class TopK {
 public:
  explicit TopK(const IndexQuery& query) : query_(query) {}

  [[nodiscard]] bool full() const { return heap_.size() >= query_.top_k; }
  /// What a candidate must reach to have a chance.
  [[nodiscard]] double threshold() const {
    return full() && !heap_.empty() ? std::max(heap_.front().score, query_.min_score)
                                    : query_.min_score;
  }
  /// The one that goes next; nullptr while there is room.
  [[nodiscard]] const Candidate* worst() const {
    return full() && !heap_.empty() ? &heap_.front() : nullptr;
  }

  void offer(const Candidate& candidate) {
    if (query_.top_k == 0 || candidate.score < query_.min_score) return;
    if (full() && !before(candidate, heap_.front())) return;
    if (query_.accept && !query_.accept(candidate.document)) return;
    const auto order = [this](const Candidate& left, const Candidate& right) {
      return before(left, right);
    };
    if (full()) {
      std::pop_heap(heap_.begin(), heap_.end(), order);
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), order);
  }

  /// Best first; leaves nothing behind.
  std::vector<Candidate> take() {
    std::sort_heap(
        heap_.begin(), heap_.end(),
        [this](const Candidate& left, const Candidate& right) { return before(left, right); });
    return std::exchange(heap_, {});
  }

 private:
  [[nodiscard]] bool before(const Candidate& left, const Candidate& right) const {
    if (left.score != right.score) return left.score > right.score;
    if (left.time_ms != right.time_ms) return left.time_ms > right.time_ms;
    if (query_.precedes) {
      if (query_.precedes(left.document, right.document)) return true;
      if (query_.precedes(right.document, left.document)) return false;
    }
    return left.document < right.document;
  }

  const IndexQuery& query_;
  std::vector<Candidate> heap_;
};

}  // namespace agent_memory
