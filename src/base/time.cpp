// SPDX-License-Identifier: MIT
#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace agent_memory {
namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// Source: H. Hinnant, days_from_civil.
std::int64_t days_from_civil(CivilDate date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = floor_divide(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year =
      (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

/// Reads fixed fields off the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  bool skip(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  /// Digits after a decimal point as milliseconds; what is finer is cut.
  std::optional<int> fraction_ms() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return std::nullopt;
    int value = 0;
    int scale = 100;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value += (rest_.front() - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace

CivilDate civil_date(TimestampMs time) {
  const std::int64_t days = floor_divide(time, kMsPerDay) + 719468;
  const std::int64_t era = floor_divide(days, 146097);
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
  return {.year = static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0)),
          .month = static_cast<int>(month),
          .day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
}

TimestampMs timestamp_of(CivilDate date) { return days_from_civil(date) * kMsPerDay; }

std::string format_iso8601(TimestampMs time) {
  time = std::clamp(time, kMinTimestampMs, kMaxTimestampMs);
  const CivilDate date = civil_date(time);
  const std::int64_t ms = time - floor_divide(time, kMsPerDay) * kMsPerDay;
  std::string out;
  append_padded(out, date.year, 4);
  append_padded(out += '-', date.month, 2);
  append_padded(out += '-', date.day, 2);
  append_padded(out += 'T', ms / 3'600'000, 2);
  append_padded(out += ':', ms / 60'000 % 60, 2);
  append_padded(out += ':', ms / 1000 % 60, 2);
  append_padded(out += '.', ms % 1000, 3);
  return out += 'Z';
}

std::optional<TimestampMs> parse_iso8601(std::string_view text) {
  Cursor cursor(text);
  const auto year = cursor.digits(4);
  if (!year || !cursor.skip("-")) return std::nullopt;
  const auto month = cursor.digits(2);
  if (!month || *month < 1 || *month > 12 || !cursor.skip("-")) return std::nullopt;
  const auto day = cursor.digits(2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  std::int64_t time = timestamp_of({.year = *year, .month = *month, .day = *day});
  if (cursor.at_end()) return time;

  if (!cursor.skip("Tt ")) return std::nullopt;
  const auto hour = cursor.digits(2);
  if (!hour || *hour > 24 || !cursor.skip(":")) return std::nullopt;
  const auto minute = cursor.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  std::int64_t into_hour = *minute * 60'000LL;
  if (cursor.skip(":")) {
    const auto second = cursor.digits(2);
    if (!second || *second > 60) return std::nullopt;
    into_hour += *second * 1000LL;
    if (cursor.skip(".,")) {
      const auto fraction = cursor.fraction_ms();
      if (!fraction) return std::nullopt;
      into_hour += *fraction;
    }
  }
  if (*hour == 24 && into_hour > 0) return std::nullopt;  // 24:00 is the end of the day
  time += *hour * 3'600'000LL + into_hour;
  if (!cursor.at_end() && !cursor.skip("Zz")) {
    const bool west = cursor.skip("-");
    if (!west && !cursor.skip("+")) return std::nullopt;
    const auto offset_hours = cursor.digits(2);
    if (!offset_hours || *offset_hours > 23) return std::nullopt;
    cursor.skip(":");
    const auto offset_minutes = cursor.at_end() ? std::optional<int>(0) : cursor.digits(2);
    if (!offset_minutes || *offset_minutes > 59) return std::nullopt;
    const std::int64_t offset = *offset_hours * 3'600'000LL + *offset_minutes * 60'000LL;
    time += west ? offset : -offset;
  }
  if (!cursor.at_end() || time < kMinTimestampMs || time > kMaxTimestampMs) return std::nullopt;
  return time;
}

}  // namespace agent_memory
