// SPDX-License-Identifier: MIT
//
// Times MemoryIndex by itself, natively, so that a profiler can look into it. Reads what
// bench/corpus-file.mjs writes:
//
//   agent_memory_bench corpus.tsv [search passes]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "index/memory_index.hpp"

namespace {

using agent_memory::DocumentId;
using agent_memory::MemoryIndex;
using Clock = std::chrono::steady_clock;

constexpr DocumentId kRunLength = 1000;
/// How many documents are added and removed one at a time.
constexpr DocumentId kSingles = 1000;

struct Message {
  agent_memory::TimestampMs time_ms = 0;
  std::string name;
  std::string text;
};

struct Corpus {
  std::vector<Message> messages;
  std::vector<std::string> queries;
};

/// What stands before the next tab, which is taken off `line` with it.
std::string next_field(std::string& line) {
  const std::size_t end = std::min(line.find('\t'), line.size());
  std::string field = line.substr(0, end);
  line.erase(0, end + 1);
  return field;
}

Corpus read_corpus(const char* path) {
  Corpus corpus;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::string kind = next_field(line);
    const std::string time = next_field(line);
    std::string name = next_field(line);
    if (kind == "query") {
      corpus.queries.push_back(std::move(line));
    } else {
      corpus.messages.push_back({std::atoll(time.c_str()), std::move(name), std::move(line)});
    }
  }
  return corpus;
}

agent_memory::IndexDocument document_of(DocumentId id, const Message& message) {
  agent_memory::IndexDocument document;
  document.identity.user_id = "ada";
  document.identity.run_id = std::to_string(id / kRunLength);
  document.text = message.text;
  document.name = message.name;
  document.time_ms = message.time_ms;
  return document;
}

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void time_searches(MemoryIndex& index, const Corpus& corpus, int passes) {
  agent_memory::IndexQuery query;
  query.identity.user_id = "ada";
  query.top_k = 10;
  query.now_ms = corpus.messages.back().time_ms;
  std::vector<double> best(corpus.queries.size(), 1e12);
  std::size_t found = 0;
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t i = 0; i < best.size(); ++i) {
      query.text = corpus.queries[i];
      const auto start = Clock::now();
      const auto hits = index.search(query);
      best[i] = std::min(best[i], us_since(start));
      found += hits.size();
    }
  }
  const double sum = std::accumulate(best.begin(), best.end(), 0.0);
  std::printf("search  p50 %.1f us  p99 %.1f us  mean %.1f us  (%zu hits)\n", quantile(best, 0.5),
              quantile(best, 0.99), sum / static_cast<double>(best.size()), found);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s corpus.tsv [search passes]\n", arguments[0]);
    return 1;
  }
  const Corpus corpus = read_corpus(arguments[1]);
  const int passes = count > 2 ? std::atoi(arguments[2]) : 5;
  const auto size = static_cast<DocumentId>(corpus.messages.size());
  if (size == 0 || corpus.queries.empty() || passes < 1) {
    std::fprintf(stderr, "%s: nothing to measure\n", arguments[0]);
    return 1;
  }

  MemoryIndex index;
  auto start = Clock::now();
  for (DocumentId id = 0; id < size; ++id)
    index.add(id, document_of(id, corpus.messages[id]));
  std::printf("build   %.0f ms, %u messages\n", us_since(start) / 1000, size);

  time_searches(index, corpus, passes);

  const DocumentId singles = std::min(kSingles, size);
  start = Clock::now();
  for (DocumentId id = 0; id < singles; ++id)
    index.remove(id, document_of(id, corpus.messages[id]));
  std::printf("remove  %.2f us each\n", us_since(start) / singles);
  start = Clock::now();
  for (DocumentId id = 0; id < singles; ++id)
    index.add(id, document_of(id, corpus.messages[id]));
  std::printf("add     %.2f us each\n", us_since(start) / singles);

  std::vector<DocumentId> order(size);
  std::iota(order.begin(), order.end(), 0);
  start = Clock::now();
  const auto pieces = index.image(order);
  std::optional<agent_memory::IndexImage> made;
  while (!made)
    made = pieces();
  agent_memory::IndexImage image = *std::move(made);
  std::size_t bytes = 0;
  for (const std::string& section : image.sections)
    bytes += section.size();
  std::printf("image   %.1f ms, %zu bytes\n", us_since(start) / 1000, bytes);
  start = Clock::now();
  std::optional<MemoryIndex> loaded = MemoryIndex::from_image(std::move(image), size);
  if (!loaded) {
    std::fprintf(stderr, "%s: the image could not be loaded\n", arguments[0]);
    return 1;
  }
  std::printf("load    %.1f ms\n", us_since(start) / 1000);
  time_searches(*loaded, corpus, passes);
}
