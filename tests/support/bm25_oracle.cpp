// SPDX-License-Identifier: MIT
#include "support/bm25_oracle.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/time.hpp"
#include "index/dates.hpp"

namespace agent_memory::testing {
namespace {

double rounded(double score) { return std::round(score * 1e9) / 1e9; }

bool is_on(const DateMention& date, TimestampMs time_ms) {
  const CivilDate day = civil_date(time_ms);
  if (date.every_month != 0) {
    return date.every_month == day.month && (date.every_day == 0 || date.every_day == day.day);
  }
  return std::any_of(date.ranges.begin(), date.ranges.end(),
                     [&](const TimeRange& range) { return range.contains(time_ms); });
}

}  // namespace

IndexDocument Bm25Oracle::Document::view() const {
  return {.identity = identity, .text = text, .name = name, .time_ms = time_ms};
}

void Bm25Oracle::add(DocumentId id, Document document) {
  documents_.emplace(id, std::move(document));
}

Bm25Oracle::Terms Bm25Oracle::terms_of(std::string_view text) {
  TermList list;
  analyzer_.analyze(text, list);
  Terms terms;
  for (std::size_t i = 0; i < list.size(); ++i)
    ++terms[std::string(list[i])];
  return terms;
}

std::map<DocumentId, double> Bm25Oracle::keyword_scores(const IndexQuery& query) {
  constexpr double kK1 = 0.9;
  constexpr double kB = 0.4;
  // A user's statistics are those of all the user's memories; others' those of what they may see.
  std::vector<const std::pair<const DocumentId, Document>*> collection;
  for (const auto& entry : documents_) {
    const Identity& identity = entry.second.identity;
    const bool counts = query.identity.user_id ? identity.user_id == query.identity.user_id
                                               : is_visible(identity, query.identity);
    if (counts) collection.push_back(&entry);
  }

  std::map<DocumentId, Terms> texts;
  std::map<DocumentId, Terms> names;
  std::map<std::string, double> with_term;
  double total_length = 0;
  for (const auto* entry : collection) {
    Terms& terms = texts[entry->first] = terms_of(entry->second.text);
    names[entry->first] = terms_of(entry->second.name);
    for (const auto& [term, count] : names[entry->first])
      terms[term] += count;
    for (const auto& [term, count] : terms) {
      with_term[term] += 1;
      total_length += count;
    }
  }
  const auto size = static_cast<double>(collection.size());
  const auto idf = [&](double with) { return std::log(1 + (size - with + 0.5) / (with + 0.5)); };

  TermList list;
  analyzer_.analyze_query(query.text, list);
  std::set<std::string> wanted;
  for (std::size_t i = 0; i < list.size(); ++i)
    wanted.emplace(list[i]);
  std::vector<std::pair<DateMention, double>> dates;
  double most = 0;
  for (const std::string& term : wanted)
    most += idf(with_term[term]);
  for (const DateMention& date : find_dates(query.text, query.now_ms)) {
    double with = 0;
    for (const auto* entry : collection)
      with += is_on(date, entry->second.time_ms) ? 1 : 0;
    dates.emplace_back(date, idf(with));
    most += idf(with);
  }

  std::map<DocumentId, double> scores;
  for (const auto* entry : collection) {
    const auto& [id, document] = *entry;
    if (!is_visible(document.identity, query.identity)) continue;
    double length = 0;
    for (const auto& [term, count] : texts[id])
      length += count;
    double score = 0;
    bool named = false;
    for (const std::string& term : wanted) {
      const auto found = texts[id].find(term);
      if (found == texts[id].end()) continue;
      const double frequency = found->second;
      const double norm = kK1 * (1 - kB + kB * length / (total_length / size));
      score += idf(with_term[term]) * frequency / (frequency + norm);
      named = named || names[id].contains(term);
    }
    for (const auto& [date, weight] : dates)
      score += is_on(date, document.time_ms) ? weight : 0;
    if (score == 0) continue;
    score /= most;
    scores[id] = rounded(named ? 1 - (1 - score) * (1 - score) : score);
  }
  return scores;
}

std::vector<IndexHit> Bm25Oracle::search(const IndexQuery& query) {
  std::vector<IndexHit> hits;
  const auto add = [&](DocumentId id, double keyword) {
    const double age = static_cast<double>(query.now_ms - documents_[id].time_ms);
    const double recency = std::pow(0.5, std::max(age, 0.0) / query.half_life_ms);
    double score = keyword;
    if (query.strategy == RetrievalStrategy::kRecency) score = recency;
    if (query.strategy == RetrievalStrategy::kHybrid) score = keyword * (0.85 + 0.15 * recency);
    score = rounded(score);
    if (score < query.min_score || (query.accept && !query.accept(id))) return;
    hits.push_back({.document = id,
                    .score = score,
                    .keyword = keyword,
                    .recency = rounded(recency),
                    .terms = {}});
  };
  if (query.strategy == RetrievalStrategy::kRecency) {
    for (const auto& [id, document] : documents_) {
      if (is_visible(document.identity, query.identity)) add(id, 0);
    }
  } else {
    for (const auto& [id, score] : keyword_scores(query))
      add(id, score);
  }
  std::sort(hits.begin(), hits.end(), [&](const IndexHit& left, const IndexHit& right) {
    if (left.score != right.score) return left.score > right.score;
    const TimestampMs left_time = documents_[left.document].time_ms;
    const TimestampMs right_time = documents_[right.document].time_ms;
    if (left_time != right_time) return left_time > right_time;
    return query.precedes(left.document, right.document);
  });
  if (hits.size() > query.top_k) hits.resize(query.top_k);
  return hits;
}

}  // namespace agent_memory::testing
