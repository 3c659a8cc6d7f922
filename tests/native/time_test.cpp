// SPDX-License-Identifier: MIT
#include "base/time.hpp"

#include <limits>
#include <string>
#include <string_view>

#include <catch2/catch_test_macros.hpp>

#include "support/fakes.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

TEST_CASE("a time is written in UTC with milliseconds", "[time]") {
  CHECK(format_iso8601(0) == "1970-01-01T00:00:00.000Z");
  CHECK(format_iso8601(kStart) == "2026-02-03T22:25:50.123Z");
  CHECK(format_iso8601(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(format_iso8601(kMinTimestampMs) == "0000-01-01T00:00:00.000Z");
  CHECK(format_iso8601(kMaxTimestampMs) == "9999-12-31T23:59:59.999Z");
  CHECK(format_iso8601(951782400000) == "2000-02-29T00:00:00.000Z");
}

TEST_CASE("a time outside the years that can be written is written as the nearest", "[time]") {
  CHECK(format_iso8601(std::numeric_limits<TimestampMs>::min()) == "0000-01-01T00:00:00.000Z");
  CHECK(format_iso8601(std::numeric_limits<TimestampMs>::max()) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("every time that is written is read back", "[time]") {
  FakeRandom random(1);
  const auto span = static_cast<std::uint64_t>(kMaxTimestampMs - kMinTimestampMs) + 1;
  for (int i = 0; i < 20'000; ++i) {
    const TimestampMs time = kMinTimestampMs + static_cast<TimestampMs>(random.next() % span);
    REQUIRE(parse_iso8601(format_iso8601(time)) == time);
  }
  CHECK(parse_iso8601(format_iso8601(kMinTimestampMs)) == kMinTimestampMs);
  CHECK(parse_iso8601(format_iso8601(kMaxTimestampMs)) == kMaxTimestampMs);
}

TEST_CASE("RFC 3339 and its relatives are read", "[time]") {
  CHECK(parse_iso8601("2026-02-03T22:25:50.123Z") == kStart);
  CHECK(parse_iso8601("2026-02-03t22:25:50.123z") == kStart);
  CHECK(parse_iso8601("2026-02-03 22:25:50.123") == kStart);
  CHECK(parse_iso8601("2026-02-03T22:25:50,123Z") == kStart);
  CHECK(parse_iso8601("2026-02-03T22:25:50.123999999Z") == kStart);
  CHECK(parse_iso8601("2026-02-03T23:25:50.123+01:00") == kStart);
  CHECK(parse_iso8601("2026-02-04T03:55:50.123+0530") == kStart);
  CHECK(parse_iso8601("2026-02-03T17:25:50.123-05") == kStart);
  CHECK(parse_iso8601("2026-02-03T22:25:50.1Z") == kStart - 23);
  CHECK(parse_iso8601("2026-02-03T22:25Z") == kStart - 50'123);
  CHECK(parse_iso8601("2026-02-03") == 1770076800000);
  CHECK(parse_iso8601("2024-02-29") == 1709164800000);
  CHECK(parse_iso8601("0000-02-29").has_value());
  CHECK(parse_iso8601("2026-02-03T24:00:00Z") == parse_iso8601("2026-02-04"));
  CHECK(parse_iso8601("2016-12-31T23:59:60Z") == parse_iso8601("2017-01-01"));
}

TEST_CASE("what is no time is not read", "[time]") {
  for (const std::string_view text : {"",
                                      "2026",
                                      "2026-2-3",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-02-30",
                                      "2025-02-29",
                                      "1900-02-29",
                                      "2026-02-00",
                                      "2026-02-03T",
                                      "2026-02-03 ",
                                      "2026-02-03T25:00",
                                      "2026-02-03T24:30",
                                      "2026-02-03T24:00:01Z",
                                      "2026-02-03T24:00:00.001Z",
                                      "2026-02-03T22:60",
                                      "2026-02-03T22:25:61",
                                      "2026-02-03T22:25:50.Z",
                                      "2026-02-03T22:25:50Zx",
                                      "2026-02-03T22:25:50+24:00",
                                      "2026-02-03T22:25:50+01:60",
                                      "2026-02-03T22:25:50+1",
                                      "2026-02-03T22:25:50+",
                                      "x026-02-03",
                                      "2026/02/03",
                                      "-026-02-03",
                                      "20260203T222550Z",
                                      "now",
                                      "1770157550123",
                                      " 2026-02-03"}) {
    INFO(text);
    CHECK_FALSE(parse_iso8601(text));
  }
  CHECK_FALSE(parse_iso8601(std::string_view("2026-02-03\0", 11)));
}

TEST_CASE("an offset may not lead out of the years that can be written", "[time]") {
  CHECK_FALSE(parse_iso8601("0000-01-01T00:00:00+00:01"));
  CHECK_FALSE(parse_iso8601("9999-12-31T23:59:59-00:01"));
  CHECK(parse_iso8601("0000-01-01T00:01:00+00:01") == kMinTimestampMs);
}

TEST_CASE("days and dates lead to each other", "[time]") {
  for (TimestampMs day = -800'000; day < 2'900'000; day += 331) {
    const CivilDate date = civil_date(day * kDay + kDay - 1);
    REQUIRE(timestamp_of(date) == day * kDay);
  }
  const CivilDate date = civil_date(kStart);
  CHECK(date.year == 2026);
  CHECK(date.month == 2);
  CHECK(date.day == 3);
}
