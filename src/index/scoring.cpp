// SPDX-License-Identifier: MIT
#include "index/scoring.hpp"

#include <cmath>

namespace agent_memory {

double round_score(double score) { return static_cast<double>(std::llround(score * 1e9)) / 1e9; }

double recency(TimestampMs time_ms, TimestampMs now_ms, double half_life_ms) {
  if (time_ms >= now_ms) return 1.0;
  const double age_ms = static_cast<double>(now_ms) - static_cast<double>(time_ms);
  return std::exp2(-age_ms / half_life_ms);
}

}  // namespace agent_memory
