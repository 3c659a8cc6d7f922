// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "index/memory_index.hpp"
#include "index/postings.hpp"

namespace agent_memory {

/// A document that a search may return.
struct Candidate {
  /// What it is ranked by.
  double strength = 0;
  double keyword = 0;
  std::optional<double> context = std::nullopt;
  TimestampMs time_ms = 0;
  DocumentId document = 0;
  Slot slot = 0;
  /// Its place among the selection's parts.
  std::uint32_t part = 0;
};

/// The best of the candidates that the query accepts: a heap of at most `size`, the worst on top.
class TopK {
 public:
  TopK(const IndexQuery& query, std::size_t size) : query_(query), size_(size) {}

  /// The one that goes next; nullptr while there is room.
  [[nodiscard]] const Candidate* worst() const {
    return heap_.size() >= size_ && !heap_.empty() ? &heap_.front() : nullptr;
  }
  /// What a candidate must reach to have a chance.
  [[nodiscard]] double threshold() const { return worst() != nullptr ? worst()->strength : 0; }

  void offer(const Candidate& candidate) {
    if (size_ == 0 || (worst() != nullptr && !before(candidate, *worst()))) return;
    if (query_.accept && !query_.accept(candidate.document)) return;
    const auto order = [this](const Candidate& left, const Candidate& right) {
      return before(left, right);
    };
    if (worst() != nullptr) {
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
    if (left.strength != right.strength) return left.strength > right.strength;
    if (left.time_ms != right.time_ms) return left.time_ms > right.time_ms;
    if (query_.precedes) {
      if (query_.precedes(left.document, right.document)) return true;
      if (query_.precedes(right.document, left.document)) return false;
    }
    return left.document < right.document;
  }

  const IndexQuery& query_;
  std::size_t size_;
  std::vector<Candidate> heap_;
};

}  // namespace agent_memory
