// SPDX-License-Identifier: MIT
#pragma once

// The searchable view of all memories: postings, statistics and times, walled by identity.
// Synchronous, deterministic, no I/O. It holds no texts and is never the only copy of anything.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/language.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory {

/// The caller's number for a document: dense, reused only after `remove`.
using DocumentId = std::uint32_t;

struct IndexDocument {
  Identity identity;
  std::string_view text;
  /// The speaker; searchable.
  std::string_view name = {};
  /// Who said it: where there is no run, turns of one role that follow each other are notes.
  std::optional<Role> role = std::nullopt;
  /// When it was said; searchable by year, month and day, and what recency goes by.
  TimestampMs time_ms = 0;
};

struct IndexQuery {
  std::string_view text;
  Identity identity;
  std::size_t top_k = 5;
  RetrievalStrategy strategy = RetrievalStrategy::kSemanticSearch;
  double min_score = 0.0;
  TimestampMs now_ms = 0;
  double half_life_ms = 1.0;
  bool explain = false;
  /// Documents it answers false for are not found; they still count in the statistics. Asked only
  /// about documents that would otherwise be among the best so far. Empty: all.
  std::function<bool(DocumentId)> accept;
  /// The last word on ties: whether `left` comes before `right`. A strict order, the same at every
  /// search: turns of the same time are taken to have been said in the opposite order.
  std::function<bool(DocumentId left, DocumentId right)> precedes;
};

struct IndexHit {
  DocumentId document = 0;
  /// 0..1, rounded to 1e-9.
  double score = 0;
  /// What its own words bring.
  double keyword = 0;
  double recency = 0;
  /// What the turns around it add; nullopt where there are none.
  std::optional<double> context;
  /// The query's words that matched, as the query wrote them; only with `explain`.
  std::vector<std::string> terms;
};

/// The index as flat arrays, documents renumbered 0..n-1 in the order given to `image`. What a
/// checkpoint keeps; loading it cuts no text into terms. Opaque to everybody but the index.
struct IndexImage {
  /// Raises when the arrays or the analysis change meaning: an image of another version is
  /// refused and the index is built from the texts.
  std::uint32_t version = 0;
  /// Any bytes; numbers as they lie in RAM, little-endian.
  std::vector<std::string> sections;
};

/// An inverted index per wall. Costs: add and remove, the words of the document; search, the
/// postings of the query's words inside the identity's walls.
class MemoryIndex {
 public:
  /// Over texts in these languages; without any, English.
  explicit MemoryIndex(std::vector<std::shared_ptr<LanguagePort>> languages = {});
  ~MemoryIndex();
  MemoryIndex(MemoryIndex&&) noexcept;
  MemoryIndex& operator=(MemoryIndex&&) noexcept;

  /// Adds a document. `id` must not be present.
  void add(DocumentId id, const IndexDocument& document);
  /// Takes it out, and out of all statistics: afterwards every search answers as if it had never
  /// been there. `document` as it was added, of which text and name are looked at. Without effect
  /// where it is not present.
  void remove(DocumentId id, const IndexDocument& document);
  /// How many documents there are.
  [[nodiscard]] std::size_t size() const;
  /// Best first. Ties in score go to the later time, then to `precedes`.
  [[nodiscard]] std::vector<IndexHit> search(const IndexQuery& query);

  /// Makes the image of the index over exactly `order`, all of which must be present: each call
  /// does a piece of the work, and the last returns it. In between the index may be searched, but
  /// must not change.
  [[nodiscard]] std::function<std::optional<IndexImage>()> image(
      const std::vector<DocumentId>& order) const;
  /// The index that `image` describes, with documents 0..`documents`-1; nullopt where the image
  /// is of another version or other languages, does not hold together, or is not over that many
  /// documents.
  static std::optional<MemoryIndex> from_image(
      IndexImage image, std::size_t documents,
      std::vector<std::shared_ptr<LanguagePort>> languages = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace agent_memory
