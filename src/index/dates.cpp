// SPDX-License-Identifier: MIT
#include "index/dates.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/sort.hpp"
#include "base/time.hpp"

namespace agent_memory {
namespace {

constexpr std::size_t kMaxMentions = 4;
constexpr TimestampMs kDayMs = 86'400'000;
constexpr int kFirstYear = 1900;
constexpr int kLastYear = 2100;

constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays{"monday", "tuesday",  "wednesday", "thursday",
                                                    "friday", "saturday", "sunday"};
constexpr std::array<std::string_view, 13> kNumbers{"",     "one",    "two",   "three", "four",
                                                    "five", "six",    "seven", "eight", "nine",
                                                    "ten",  "eleven", "twelve"};
/// What comes before the name of a month that is also another word: "in may", not "I may".
constexpr std::array<std::string_view, 11> kBeforeMonth{
    "in", "last", "this", "since", "until", "during", "of", "early", "late", "mid", "and"};

// ------------------------------------------------------------------------------------- calendar

bool is_day(int year, int month, int day) {
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  const CivilDate same = civil_date(timestamp_of({.year = year, .month = month, .day = day}));
  return same.month == month && same.day == day;
}

TimestampMs day_of(TimestampMs time) { return timestamp_of(civil_date(time)); }

TimeRange days_from(TimestampMs first, int count) { return {first, first + kDayMs * count}; }

TimeRange day_range(int year, int month, int day) {
  return days_from(timestamp_of({.year = year, .month = month, .day = day}), 1);
}

/// The month that is `months` after the January of `year`; `months` may be negative.
TimestampMs month_start(int year, int months) {
  const int years = months >= 0 ? months / 12 : -((11 - months) / 12);
  return timestamp_of({.year = year + years, .month = months - years * 12 + 1, .day = 1});
}

TimeRange month_range(int year, int month) {
  return {month_start(year, month - 1), month_start(year, month)};
}

TimeRange year_range(int year) { return {month_start(year, 0), month_start(year, 12)}; }

/// 0 for Monday. 1970-01-01 was a Thursday.
int weekday(TimestampMs midnight) {
  return static_cast<int>(((midnight / kDayMs + 3) % 7 + 7) % 7);
}

// ---------------------------------------------------------------------------------------- words

/// A run of letters, in lower case, or of digits.
struct Word {
  std::size_t begin = 0;
  std::size_t size = 0;
  std::string text;
  bool is_number = false;
  /// The byte before it, where only that one separates it from the word before; else 0.
  char joint = 0;
  /// Whether nothing at all separates it from the word before: "8th".
  bool attached = false;
  bool is_capital = false;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Bytes of other alphabets count as letters, so that "mai\xCC\x88" is no "mai".
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<std::uint8_t>(c) >= 0x80;
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    const bool number = is_digit(text[at]);
    if (!number && !is_letter(text[at])) {
      ++at;
      continue;
    }
    Word word;
    word.begin = at;
    word.is_number = number;
    word.is_capital = text[at] >= 'A' && text[at] <= 'Z';
    if (!words.empty()) {
      const std::size_t gap = at - (words.back().begin + words.back().size);
      word.attached = gap == 0;
      if (gap == 1) word.joint = text[at - 1];
    }
    while (at < text.size() && (number ? is_digit(text[at]) : is_letter(text[at]))) {
      const char c = text[at++];
      word.text.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    word.size = at - word.begin;
    words.push_back(std::move(word));
  }
  return words;
}

template <std::size_t N>
int index_in(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

// --------------------------------------------------------------------------------------- parser

class DateParser {
 public:
  DateParser(std::string_view text, TimestampMs now_ms)
      : words_(words_of(text)), now_(now_ms), today_(civil_date(now_ms)) {}

  std::vector<DateMention> run() {
    std::vector<DateMention> mentions;
    while (at_ < words_.size() && mentions.size() < kMaxMentions) {
      const std::size_t first = at_;
      DateMention mention;
      if (!(numeric(mention) || day_and_month(mention) || month_and_day(mention) ||
            month(mention) || relative(mention) || year(mention))) {
        at_ = first + 1;
        continue;
      }
      mention.begin = words_[first].begin;
      mention.size = words_[at_ - 1].begin + words_[at_ - 1].size - mention.begin;
      mentions.push_back(std::move(mention));
    }
    return mentions;
  }

 private:
  [[nodiscard]] bool is(std::size_t at, std::string_view text) const {
    return at < words_.size() && words_[at].text == text;
  }
  template <std::size_t N>
  [[nodiscard]] bool is_one_of(std::size_t at, const std::array<std::string_view, N>& texts) const {
    return at < words_.size() && index_in(texts, words_[at].text) >= 0;
  }
  /// The digits at `at` as a number, if there are between `least` and `most` of them.
  [[nodiscard]] std::optional<int> digits(std::size_t at, std::size_t least,
                                          std::size_t most) const {
    if (at >= words_.size() || !words_[at].is_number) return std::nullopt;
    const std::string& text = words_[at].text;
    if (text.size() < least || text.size() > most) return std::nullopt;
    int value = 0;
    for (const char c : text)
      value = value * 10 + (c - '0');
    return value;
  }
  [[nodiscard]] std::optional<int> year_at(std::size_t at) const {
    const auto value = digits(at, 4, 4);
    return value && *value >= kFirstYear && *value <= kLastYear ? value : std::nullopt;
  }
  /// A month by its name or the usual short form of at least three letters; 0 where there is none.
  [[nodiscard]] int month_at(std::size_t at) const {
    if (at >= words_.size() || words_[at].text.size() < 3) return 0;
    const std::string& text = words_[at].text;
    if (text == "sept") return 9;
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (kMonths[i] == text || kMonths[i].substr(0, 3) == text) return static_cast<int>(i) + 1;
    }
    return 0;
  }
  /// "8", "8th".
  [[nodiscard]] std::optional<int> day_at(std::size_t at, std::size_t& after) const {
    const auto value = digits(at, 1, 2);
    if (!value || *value < 1 || *value > 31) return std::nullopt;
    constexpr std::array<std::string_view, 4> kEndings{"st", "nd", "rd", "th"};
    const bool ordinal = is_one_of(at + 1, kEndings) && words_[at + 1].attached;
    after = at + (ordinal ? 2 : 1);
    return value;
  }

  void set_day(DateMention& mention, int month, int day) {
    if (const auto year = year_at(at_); year && is_day(*year, month, day)) {
      mention.ranges = {day_range(*year, month, day)};
      ++at_;
    } else {
      mention.every_month = month;
      mention.every_day = day;
    }
  }

  /// 2023-05-08, 2023/05/08, 2023-05, 05/08/2023, 8.5.2023.
  bool numeric(DateMention& mention) {
    const auto joined = [&](std::size_t at) {
      if (at >= words_.size()) return '\0';
      const char joint = words_[at].joint;
      return joint == '-' || joint == '/' || joint == '.' ? joint : '\0';
    };
    const char joint = joined(at_ + 1);
    if (joint == '\0') return false;
    const auto middle = digits(at_ + 1, 1, 2);
    if (!middle) return false;
    const bool three = joined(at_ + 2) == joint;
    if (const auto year = year_at(at_)) {
      const auto day = three ? digits(at_ + 2, 1, 2) : std::nullopt;
      if (day && is_day(*year, *middle, *day)) {
        mention.ranges = {day_range(*year, *middle, *day)};
        at_ += 3;
        return true;
      }
      if (three || joint == '.' || *middle < 1 || *middle > 12) return false;
      mention.ranges = {month_range(*year, *middle)};
      at_ += 2;
      return true;
    }
    const auto first = digits(at_, 1, 2);
    const auto year = three ? year_at(at_ + 2) : std::nullopt;
    if (!first || !year) return false;
    // Day first everywhere; with slashes and hyphens also month first: who wrote it is unknown.
    if (is_day(*year, *middle, *first)) mention.ranges.push_back(day_range(*year, *middle, *first));
    if (joint != '.' && *first != *middle && is_day(*year, *first, *middle)) {
      mention.ranges.push_back(day_range(*year, *first, *middle));
    }
    at_ += 3;
    return !mention.ranges.empty();
  }

  /// 8 May, 8th of May 2023.
  bool day_and_month(DateMention& mention) {
    std::size_t next = 0;
    const auto day = day_at(at_, next);
    if (!day) return false;
    if (is(next, "of")) ++next;
    const int month = month_at(next);
    if (month == 0) return false;
    at_ = next + 1;
    set_day(mention, month, *day);
    return true;
  }

  /// May 8, May 8th, 2023.
  bool month_and_day(DateMention& mention) {
    const int month = month_at(at_);
    std::size_t next = 0;
    if (month == 0) return false;
    const auto day = day_at(at_ + 1, next);
    if (!day) return false;
    at_ = next;
    set_day(mention, month, *day);
    return true;
  }

  /// May 2023, in June.
  bool month(DateMention& mention) {
    const int month = month_at(at_);
    if (month == 0) return false;
    if (const auto year = year_at(at_ + 1)) {
      mention.ranges = {month_range(*year, month)};
      at_ += 2;
      return true;
    }
    const Word& word = words_[at_];
    if (word.text != kMonths[static_cast<std::size_t>(month - 1)]) return false;
    const bool ambiguous = word.text == "may" || word.text == "march";
    const bool announced = at_ > 0 && is_one_of(at_ - 1, kBeforeMonth);
    if (ambiguous && !announced && !(word.is_capital && at_ > 0)) return false;
    mention.every_month = month;
    ++at_;
    return true;
  }

  /// A year that is no part of a longer number: not 3.2023 or 2023:15.
  bool year(DateMention& mention) {
    const auto value = year_at(at_);
    const auto in_number = [&](std::size_t at) {
      return at < words_.size() && words_[at].is_number && words_[at].joint != 0 &&
             words_[at].joint != ' ' && words_[at].joint != '-';
    };
    if (!value || words_[at_].attached || in_number(at_) || in_number(at_ + 1)) return false;
    mention.ranges = {year_range(*value)};
    ++at_;
    return true;
  }

  bool relative(DateMention& mention) {
    const auto found = [&](TimeRange range, std::size_t words) {
      mention.ranges = {range};
      at_ += words;
      return true;
    };
    const TimestampMs today = day_of(now_);
    if (is(at_, "today")) return found(days_from(today, 1), 1);
    if (is(at_, "yesterday")) return found(days_from(today - kDayMs, 1), 1);
    if (is(at_, "this") || is(at_, "last") || is(at_, "past") || is(at_, "previous")) {
      const int back = is(at_, "this") ? 0 : 1;
      if (const auto range = unit_before(at_ + 1, back)) return found(*range, 2);
      if (back == 1) return last_month_or_weekday(mention) || last_units(mention);
      return false;
    }
    std::size_t next = at_;
    const auto count = count_at(next);
    if (!count || !is(next + 1, "ago")) return false;
    const auto range = unit_before(singular(next), *count, true);
    return range ? found(*range, next + 2 - at_) : false;
  }

  /// "last May", "last Monday": the one before now.
  bool last_month_or_weekday(DateMention& mention) {
    const int month = month_at(at_ + 1);
    if (month != 0) {
      mention.ranges = {month_range(today_.year - (month < today_.month ? 0 : 1), month)};
      at_ += 2;
      return true;
    }
    if (at_ + 1 >= words_.size()) return false;
    const int day = index_in(kWeekdays, words_[at_ + 1].text);
    if (day < 0) return false;
    const TimestampMs today = day_of(now_);
    mention.ranges = {days_from(today - ((weekday(today) - day + 6) % 7 + 1) * kDayMs, 1)};
    at_ += 2;
    return true;
  }

  /// "last three days", today included.
  bool last_units(DateMention& mention) {
    std::size_t next = at_ + 1;
    const auto count = count_at(next);
    if (!count) return false;
    const auto range = unit_before(singular(next), *count, true);
    if (!range) return false;
    mention.ranges = {{range->from, day_of(now_) + kDayMs}};
    at_ = next + 1;
    return true;
  }

  /// "3", "three", "a", "a couple of"; `at` moves past it.
  std::optional<int> count_at(std::size_t& at) const {
    if (const auto value = digits(at, 1, 3)) {
      ++at;
      return value;
    }
    if (at >= words_.size()) return std::nullopt;
    const bool article = is(at, "a") || is(at, "an");
    if (article && is(at + 1, "couple")) {
      at += is(at + 2, "of") ? 3 : 2;
      return 2;
    }
    const int number = article ? 1 : index_in(kNumbers, words_[at].text);
    if (number < 1) return std::nullopt;
    ++at;
    return number;
  }

  [[nodiscard]] std::string_view singular(std::size_t at) const {
    if (at >= words_.size()) return {};
    std::string_view text = words_[at].text;
    if (text.ends_with('s')) text.remove_suffix(1);
    return text;
  }

  [[nodiscard]] std::optional<TimeRange> unit_before(std::size_t at, int count) const {
    return at < words_.size() ? unit_before(words_[at].text, count, false) : std::nullopt;
  }
  /// The day, week, month or year `count` before the one of now. Weeks begin on Monday; where
  /// they are counted from today ("two weeks ago"), they are the seven days around that day.
  [[nodiscard]] std::optional<TimeRange> unit_before(std::string_view unit, int count,
                                                     bool from_today) const {
    const TimestampMs today = day_of(now_);
    if (unit == "day" && from_today) return days_from(today - kDayMs * count, 1);
    if (unit == "week") {
      const TimestampMs back = today - kDayMs * 7 * count;
      return days_from(back - (from_today ? 3 : weekday(today)) * kDayMs, 7);
    }
    const int month = today_.month - 1;
    if (unit == "month") {
      return TimeRange{month_start(today_.year, month - count),
                       month_start(today_.year, month - count + 1)};
    }
    if (unit == "year") return year_range(today_.year - count);
    return std::nullopt;
  }

  std::vector<Word> words_;
  TimestampMs now_;
  CivilDate today_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<DateMention> find_dates(std::string_view text, TimestampMs now_ms) {
  return DateParser(text, now_ms).run();
}

std::vector<TimeRange> ranges_between(const DateMention& mention, TimestampMs earliest,
                                      TimestampMs latest) {
  std::vector<TimeRange> ranges = mention.ranges;
  if (mention.every_month != 0 && earliest <= latest) {
    const int first = std::max(kFirstYear, civil_date(earliest).year);
    const int last = std::min(kLastYear, civil_date(latest).year);
    for (int year = first; year <= last; ++year) {
      if (mention.every_day == 0) {
        ranges.push_back(month_range(year, mention.every_month));
      } else if (is_day(year, mention.every_month, mention.every_day)) {
        ranges.push_back(day_range(year, mention.every_month, mention.every_day));
      }
    }
  }
  sort_stably(ranges,
              [](const TimeRange& left, const TimeRange& right) { return left.from < right.from; });
  return ranges;
}

}  // namespace agent_memory
