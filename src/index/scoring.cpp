// SPDX-License-Identifier: MIT
#include "index/scoring.hpp"

#include <cmath>

#include "base/exponential.hpp"

namespace agent_memory {

double round_score(double score) { return static_cast<double>(std::llround(score * 1e9)) / 1e9; }

double recency(TimestampMs time_ms, TimestampMs now_ms, double half_life_ms) {
  if (time_ms >= now_ms) return 1.0;
  const double age_ms = static_cast<double>(now_ms) - static_cast<double>(time_ms);
  return power_of_two(-age_ms / half_life_ms);
}

namespace {
// The regression's coefficients.
constexpr double kIntercept = 1.336;
constexpr double kBehindBest = 4.626;
constexpr double kCrowd = -1.813;
constexpr double kStrengthOfBest = 0.901;
}  // namespace

Calibration::Calibration(std::span<const double> best_strengths) : best_(best_strengths.front()) {
  double crowd = 0;
  for (const double strength : best_strengths) {
    const double relative = strength / best_;
    crowd += relative * relative * relative;
  }
  offset_ =
      kIntercept + kCrowd * natural_logarithm(crowd) + kStrengthOfBest * natural_logarithm(best_);
}

double Calibration::score(double strength) const {
  const double logit = offset_ + kBehindBest * natural_logarithm(strength / best_);
  return round_score(1.0 / (1.0 + exponential(-logit)));
}

}  // namespace agent_memory
