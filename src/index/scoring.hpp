// SPDX-License-Identifier: MIT
#pragma once

// How what is known of a document becomes a strength to rank by, and strengths become scores that
// mean something. Pure. What each part is worth was measured on conversations: docs/retrieval.md.

#include <cstddef>
#include <span>

#include "agent_memory/types.hpp"

namespace agent_memory {

/// To nine digits, so that the last bits of log and exp, which differ between C libraries, decide
/// no order.
double round_score(double score);
inline constexpr double kScoreStep = 1e-9;

/// 1 for what was said now, or will be; 1/2 one half-life ago; 1/4 two half-lives ago.
double recency(TimestampMs time_ms, TimestampMs now_ms, double half_life_ms);

// ------------------------------------------------------------------------------------- strengths

/// What a document's own words bring: its BM25 score times the share of the query's weight that it
/// matches, each 0..1. Nearly all of a query counts for far more than half of it twice.
inline double word_strength(double bm25, double matched) { return bm25 * matched; }

/// The same where the query names the speaker: a question that names somebody is most often
/// answered by that person's own words. Twice as much where it is low, never more than 1.
inline double with_named_speaker(double strength) { return strength * (2.0 - strength); }

/// What a turn takes from its neighbours' own words: in a talk, the words of a question are often
/// in the turn before the one that answers it.
namespace context_weight {
inline constexpr double kBefore = 0.7;
/// Where the turn before asks something.
inline constexpr double kBeforeAsking = 1.75;
inline constexpr double kTwoBefore = 0.6;
inline constexpr double kAfter = 0.6;
inline constexpr double kTwoAfter = 0.4;
/// Where there is no neighbour, or the further away in time it is, this much of the document's own
/// strength stands for it: or a note would come after every turn of a talk about the same.
inline constexpr double kMissing = 0.4;
/// Of the share of the query's weight that the turns around it match together.
inline constexpr double kSurroundings = 0.2;
/// How many turns to either side these are.
inline constexpr int kSurroundingTurns = 8;
/// The most that all neighbours together can bring of the strongest one's strength.
inline constexpr double kSum = kBeforeAsking + kTwoBefore + kAfter + kTwoAfter;
}  // namespace context_weight

/// Factors on all of it.
inline constexpr double kNamedSpeakerFactor = 1.8;
/// The query asks for a time and the document tells one.
inline constexpr double kTellsTimeFactor = 1.7;
/// The document matches nothing itself, but answers a turn that does: it comes after that turn.
inline constexpr double kAnswerFactor = 0.5;
/// The document asks something, and the talk goes on.
inline constexpr double kAskingFactor = 0.85;

/// HYBRID: takes from an old memory up to a quarter, the more the more of the query it matches. Of
/// two that say equally much the newer comes first; what matches little is not sorted by age.
inline double with_recency(double strength, double matched, double recency) {
  constexpr double kRecencyWeight = 0.25;
  return strength * (1.0 - kRecencyWeight * matched * matched * matched * (1.0 - recency));
}

// ---------------------------------------------------------------------------------------- scores

/// How many of the best a score takes into account.
inline constexpr std::size_t kRivals = 10;

/// Turns the strength of one hit of a search into the probability that it is relevant, given the
/// strengths of the best kRivals hits of that search, best first and at least one. Rises with
/// `strength`: the order stays. A logistic regression on LoCoMo's development half, with questions
/// asked of the wrong conversation among the data, over how far the hit is behind the best, how
/// many are as good as the best, and how strong the best is.
class Calibration {
 public:
  explicit Calibration(std::span<const double> best_strengths);
  [[nodiscard]] double score(double strength) const;

 private:
  double best_;
  double offset_;
};

}  // namespace agent_memory
