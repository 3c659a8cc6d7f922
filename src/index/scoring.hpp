// SPDX-License-Identifier: MIT
#pragma once

// How the parts of a score become one number in 0..1. Pure.

#include "agent_memory/types.hpp"

namespace agent_memory {

/// To nine digits, so that the last bits of log and exp2, which differ between C libraries, decide
/// no order.
double round_score(double score);
inline constexpr double kScoreStep = 1e-9;

/// 1 for what was said now, or will be; 1/2 one half-life ago; 1/4 two half-lives ago.
double recency(TimestampMs time_ms, TimestampMs now_ms, double half_life_ms);

/// The keyword score of a document whose speaker the query names: twice as much where it is low,
/// never more than 1. A question that names somebody is most often answered by that person's own
/// words: R@10 on LoCoMo's development half 0.659 -> 0.683, MRR 0.519 -> 0.549.
inline double with_named_speaker(double keyword) { return keyword * (2.0 - keyword); }

/// Relevance with a small say for recency: the newer of two equally relevant memories wins, a
/// clearly more relevant one is never overtaken. At most `keyword`.
inline double hybrid_score(double keyword, double recency) {
  // 0.10 to 0.25 costs no recall on LoCoMo; 1 does.
  constexpr double kRecencyWeight = 0.15;
  return keyword * (1.0 - kRecencyWeight + kRecencyWeight * recency);
}

}  // namespace agent_memory
