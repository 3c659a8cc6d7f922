// SPDX-License-Identifier: MIT
#include "support/ranking_oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "base/time.hpp"
#include "index/dates.hpp"
#include "index/term_dictionary.hpp"
#include "index/term_expansion.hpp"

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

IndexDocument RankingOracle::Document::view() const {
  return {.identity = identity, .text = text, .name = name, .role = role, .time_ms = time_ms};
}

void RankingOracle::add(DocumentId id, Document document) {
  documents_.emplace(id, std::move(document));
}

RankingOracle::Terms RankingOracle::terms_of(std::string_view text) {
  TermList list;
  analyzer_.analyze(text, list);
  Terms terms;
  for (std::size_t i = 0; i < list.size(); ++i)
    ++terms[std::string(list[i])];
  return terms;
}

std::vector<RankingOracle::Ranked> RankingOracle::rank_by_keyword(const IndexQuery& query) {
  constexpr double kK1 = 0.9;
  constexpr double kB = 0.4;
  constexpr double kHalfHourMs = 30.0 * 60 * 1000;
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
  const double average_length = total_length == 0 ? 1 : total_length / size;
  const auto idf = [&](double with) { return std::log(1 + (size - with + 0.5) / (with + 0.5)); };

  // What is said in each part of the index: behind one user's wall, or of one agent and run
  // without.
  using Part = std::array<std::optional<std::string>, 3>;
  const auto part_of = [](const Identity& identity) {
    return identity.user_id ? Part{identity.user_id, std::nullopt, std::nullopt}
                            : Part{std::nullopt, identity.agent_id, identity.run_id};
  };
  std::map<Part, TermDictionary> dictionaries;
  for (const auto* entry : collection) {
    TermDictionary& dictionary = dictionaries[part_of(entry->second.identity)];
    for (const auto& [term, count] : texts[entry->first])
      dictionary.intern(term);
  }
  double foreign = 0;
  for (const std::string& term : analyzer_.foreign_terms())
    foreign += with_term.contains(term) ? with_term[term] : 0;

  // The query's terms and dates with their weights, heaviest first.
  struct Wanted {
    std::string term;
    const DateMention* date = nullptr;
    double documents = 0;
    double idf = 0;
    double weight = 0;
    /// By part of the index, what stands for the term there, and how far.
    std::map<Part, std::map<std::string, double>> variants = {};
  };
  std::vector<Wanted> wanted;
  TermList list;
  analyzer_.analyze_query(query.text, list);
  std::map<std::string, Variants> distinct;
  for (std::size_t i = 0; i < list.size(); ++i)
    distinct.emplace(list[i], list.variants(i));
  for (const auto& [term, variants] : distinct) {
    Wanted each{.term = term, .date = nullptr, .documents = 0, .idf = 0, .weight = 0};
    const bool are_texts_foreign = foreign * 10 >= size;
    const bool is_expanded = variants == Variants::kAlways ||
                             (variants == Variants::kUndecided && are_texts_foreign) ||
                             (variants != Variants::kNone && !with_term.contains(term));
    const auto purpose = variants == Variants::kIfMistyped ||
                                 (variants == Variants::kUndecided && !are_texts_foreign)
                             ? TermExpansion::Purpose::kTypingErrors
                             : TermExpansion::Purpose::kForms;
    for (const auto& [part, dictionary] : dictionaries) {
      each.variants[part][term] = 1;
      if (!is_expanded) continue;
      for (const TermVariant& variant :
           TermExpansion().expand(dictionary, term, [](std::uint32_t) { return true; }, purpose))
        each.variants[part][std::string(dictionary[variant.term])] = variant.weight;
    }
    for (const auto* entry : collection) {
      const auto& group = each.variants[part_of(entry->second.identity)];
      each.documents += std::any_of(group.begin(), group.end(), [&](const auto& variant) {
        return texts[entry->first].contains(variant.first);
      });
    }
    each.idf = idf(each.documents);
    wanted.push_back(std::move(each));
  }
  const std::vector<DateMention> dates = find_dates(query.text, query.now_ms);
  for (const DateMention& date : dates) {
    double with = 0;
    for (const auto* entry : collection)
      with += is_on(date, entry->second.time_ms) ? 1 : 0;
    wanted.push_back({.term = {}, .date = &date, .documents = with, .idf = idf(with), .weight = 0});
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const Wanted& left, const Wanted& right) { return left.idf > right.idf; });
  double sum = 0;
  for (const Wanted& each : wanted)
    sum += each.idf;
  double full = 0;
  for (Wanted& each : wanted) {
    each.weight = std::max(1.0, std::round(each.idf / sum * 65000));
    full += each.weight;
  }
  std::erase_if(wanted, [](const Wanted& each) { return each.documents == 0; });
  if (wanted.size() > 500) wanted.resize(500);

  // What each document matches by itself.
  struct Own {
    float bm25 = 0;
    double matched = 0;
    std::set<std::size_t> terms;
    bool named = false;
    [[nodiscard]] double words(double full_weight) const {
      return static_cast<double>(bm25) / full_weight * (matched / full_weight);
    }
  };
  std::map<DocumentId, Own> owns;
  for (const auto* entry : collection) {
    const auto& [id, document] = *entry;
    if (!is_visible(document.identity, query.identity)) continue;
    double length = 0;
    for (const auto& [term, count] : texts[id])
      length += count;
    const double norm = kK1 * (1 - kB + kB * length / average_length);
    Own& own = owns[id];
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto weight = static_cast<float>(wanted[i].weight);
      if (wanted[i].date != nullptr) {
        if (!is_on(*wanted[i].date, document.time_ms)) continue;
        own.bm25 += weight;
      } else {
        float best = -1;
        for (const auto& [term, likeness] : wanted[i].variants[part_of(document.identity)]) {
          const auto found = texts[id].find(term);
          if (found == texts[id].end()) continue;
          const double frequency = found->second;
          best = std::max(best, static_cast<float>(likeness) *
                                    static_cast<float>(frequency / (frequency + norm)));
          own.named = own.named || names[id].contains(term);
        }
        if (best < 0) continue;
        own.bm25 += weight * best;
      }
      own.matched += wanted[i].weight;
      own.terms.insert(i);
    }
  }

  // The turns of each agent and run, oldest first; and where each stands in its thread.
  using Key = std::array<std::optional<std::string>, 3>;
  std::map<Key, std::vector<DocumentId>> threads;
  const auto key_of = [&](DocumentId id) {
    const Identity& identity = documents_[id].identity;
    return Key{identity.user_id, identity.agent_id, identity.run_id};
  };
  for (const auto& [id, own] : owns)
    threads[key_of(id)].push_back(id);
  std::map<DocumentId, std::ptrdiff_t> places;
  for (auto& [key, thread] : threads) {
    std::sort(thread.begin(), thread.end(), [&](DocumentId left, DocumentId right) {
      const TimestampMs left_time = documents_[left].time_ms;
      const TimestampMs right_time = documents_[right].time_ms;
      return left_time != right_time ? left_time < right_time : query.precedes(right, left);
    });
    for (std::size_t i = 0; i < thread.size(); ++i)
      places[thread[i]] = static_cast<std::ptrdiff_t>(i);
  }
  const auto are_one_talk = [&](DocumentId before, DocumentId after) {
    const double apart_ms =
        static_cast<double>(documents_[after].time_ms - documents_[before].time_ms);
    return apart_ms <= kHalfHourMs && (documents_[after].identity.run_id.has_value() ||
                                       documents_[before].role != documents_[after].role);
  };
  // The turn so many after that one, or before it; nullopt where the talk does not reach so far.
  const auto turn_at = [&](DocumentId id, int steps) -> std::optional<DocumentId> {
    const std::vector<DocumentId>& thread = threads[key_of(id)];
    std::ptrdiff_t place = places[id];
    for (; steps != 0; steps += steps < 0 ? 1 : -1) {
      const auto next = place + (steps < 0 ? -1 : 1);
      if (next < 0 || next >= static_cast<std::ptrdiff_t>(thread.size())) return std::nullopt;
      const auto at = [&](std::ptrdiff_t i) { return thread[static_cast<std::size_t>(i)]; };
      if (!are_one_talk(at(std::min(place, next)), at(std::max(place, next)))) return std::nullopt;
      place = next;
    }
    return thread[static_cast<std::size_t>(place)];
  };

  const bool asks_when = asks_for_time(query.text);
  std::vector<Ranked> ranked;
  for (const auto& [id, own] : owns) {
    const std::optional<DocumentId> before = turn_at(id, -1);
    const std::optional<DocumentId> after = turn_at(id, 1);
    const bool answers = before && asks(documents_[*before].text);
    if (own.terms.empty() && !(answers && !owns[*before].terms.empty())) continue;
    double keyword = own.words(full);
    if (own.named) keyword = 1 - (1 - keyword) * (1 - keyword);
    double context = 0;
    const std::array<std::pair<int, double>, 4> kNeighbours{
        {{-1, answers ? 1.75 : 0.7}, {-2, 0.6}, {1, 0.6}, {2, 0.4}}};
    for (const auto& [steps, weight] : kNeighbours) {
      const std::optional<DocumentId> neighbour = turn_at(id, steps);
      const double apart_ms = !neighbour
                                  ? kHalfHourMs
                                  : std::abs(static_cast<double>(documents_[*neighbour].time_ms -
                                                                 documents_[id].time_ms));
      const double faded = std::min(1.0, apart_ms / kHalfHourMs);
      const double lent = neighbour ? owns[*neighbour].words(full) : 0;
      context += weight * (lent * (1 - faded) + 0.4 * own.words(full) * faded);
    }
    std::set<std::size_t> around;
    for (int steps = -8; steps <= 8; ++steps) {
      const std::optional<DocumentId> turn = turn_at(id, steps);
      if (turn) around.insert(owns[*turn].terms.begin(), owns[*turn].terms.end());
    }
    for (const std::size_t i : around)
      context += i < 15 ? 0.2 * wanted[i].weight / full : 0;
    double strength = keyword + context;
    if (own.named) strength *= 1.8;
    TermList said;
    analyzer_.analyze(documents_[id].text, said);
    if (asks_when && time_words_.any_of(said)) strength *= 1.7;
    if (own.terms.empty()) strength *= 0.5;
    if (after && asks(documents_[id].text)) strength *= 0.85;
    if (query.strategy == RetrievalStrategy::kHybrid) {
      const double matched = own.matched / full;
      strength *= 1 - 0.25 * std::pow(matched, 3) * (1 - recency_of(query, id));
    }
    ranked.push_back(
        {.document = id,
         .strength = std::max(rounded(strength), 1e-9),
         .keyword = rounded(keyword),
         .context = before || after ? std::optional(rounded(context / 3.55)) : std::nullopt});
  }
  return ranked;
}

double RankingOracle::recency_of(const IndexQuery& query, DocumentId id) {
  const double age = static_cast<double>(query.now_ms - documents_[id].time_ms);
  return std::pow(0.5, std::max(age, 0.0) / query.half_life_ms);
}

std::vector<IndexHit> RankingOracle::search(const IndexQuery& query) {
  std::vector<Ranked> ranked;
  const bool by_time = query.strategy == RetrievalStrategy::kRecency;
  if (by_time) {
    for (const auto& [id, document] : documents_) {
      if (!is_visible(document.identity, query.identity)) continue;
      ranked.push_back({.document = id,
                        .strength = rounded(recency_of(query, id)),
                        .keyword = 0,
                        .context = std::nullopt});
    }
  } else {
    ranked = rank_by_keyword(query);
  }
  std::erase_if(ranked,
                [&](const Ranked& each) { return query.accept && !query.accept(each.document); });
  std::sort(ranked.begin(), ranked.end(), [&](const Ranked& left, const Ranked& right) {
    if (left.strength != right.strength) return left.strength > right.strength;
    const TimestampMs left_time = documents_[left.document].time_ms;
    const TimestampMs right_time = documents_[right.document].time_ms;
    if (left_time != right_time) return left_time > right_time;
    return query.precedes(left.document, right.document);
  });
  double crowd = 0;
  for (std::size_t i = 0; i < ranked.size() && i < 10; ++i)
    crowd += std::pow(ranked[i].strength / ranked[0].strength, 3);
  std::vector<IndexHit> hits;
  for (std::size_t i = 0; i < ranked.size() && hits.size() < query.top_k; ++i) {
    const Ranked& each = ranked[i];
    double score = each.strength;
    if (!by_time) {
      const double logit = 1.336 - 1.813 * std::log(crowd) + 0.901 * std::log(ranked[0].strength) +
                           4.626 * std::log(each.strength / ranked[0].strength);
      score = rounded(1 / (1 + std::exp(-logit)));
    }
    if (score < query.min_score) continue;
    hits.push_back({.document = each.document,
                    .score = score,
                    .keyword = each.keyword,
                    .recency = rounded(recency_of(query, each.document)),
                    .context = each.context,
                    .terms = {}});
  }
  return hits;
}

}  // namespace agent_memory::testing
