// SPDX-License-Identifier: MIT
#pragma once

// What MemoryIndex should answer, worked out from scratch at every search: no index, no
// partitions, nothing kept but the documents.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/memory_index.hpp"
#include "text/analyzer.hpp"
#include "text/cues.hpp"

namespace agent_memory::testing {

class RankingOracle {
 public:
  struct Document {
    Identity identity;
    std::string text;
    std::string name;
    std::optional<Role> role;
    TimestampMs time_ms = 0;

    [[nodiscard]] IndexDocument view() const;
  };

  void add(DocumentId id, Document document);
  void remove(DocumentId id) { documents_.erase(id); }
  [[nodiscard]] const std::map<DocumentId, Document>& documents() const { return documents_; }
  /// Hits without `terms`.
  [[nodiscard]] std::vector<IndexHit> search(const IndexQuery& query);

 private:
  using Terms = std::map<std::string, int>;

  Terms terms_of(std::string_view text);
  struct Ranked {
    DocumentId document = 0;
    double strength = 0;
    double keyword = 0;
    std::optional<double> context;
  };
  std::vector<Ranked> rank_by_keyword(const IndexQuery& query);
  double recency_of(const IndexQuery& query, DocumentId id);

  std::map<DocumentId, Document> documents_;
  Analyzer analyzer_;
  TimeWords time_words_{analyzer_};
};

}  // namespace agent_memory::testing
