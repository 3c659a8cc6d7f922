// SPDX-License-Identifier: MIT
#pragma once

// HTTP and a timer that a test holds in its hand.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent_memory/ports.hpp"

#include "support/fakes.hpp"
#include "support/tasks.hpp"

namespace agent_memory::testing {

inline HttpResponse http_response(int status, std::string body, std::string retry_after = {}) {
  return {.status = status,
          .content_type = "application/json",
          .retry_after = std::move(retry_after),
          .body = std::move(body)};
}

/// How a port says that nobody answered.
inline Error unreachable() {
  return {.code = ErrorCode::kProvider, .message = "could not be reached", .retryable = true};
}
inline Error timed_out() {
  return {.code = ErrorCode::kTimeout, .message = "did not answer in time", .retryable = true};
}

/// Answers what `server` says; with a pump, when the test likes.
class FakeHttp final : public HttpPort {
 public:
  std::function<Result<HttpResponse>(const HttpRequest& request)> server;
  Pump* pump = nullptr;
  std::vector<HttpRequest> requests;
  std::size_t in_flight = 0;
  std::size_t most_in_flight = 0;

  Async<HttpResponse> send(HttpRequest request) override {
    requests.push_back(request);
    most_in_flight = std::max(most_in_flight, ++in_flight);
    Result<HttpResponse> response = server(request);
    co_await Pump::Awaiter(pump);
    --in_flight;
    if (request.abort && request.abort->requested()) {
      co_return Error{.code = ErrorCode::kAborted, .message = "was aborted"};
    }
    co_return response;
  }
};

/// Lets time pass at once, and notes how long.
class FakeTimer final : public TimerPort {
 public:
  explicit FakeTimer(FakeClock* clock) : clock_(clock) {}

  std::vector<std::int64_t> pauses;
  /// Called in the middle of every pause.
  std::function<void()> meanwhile;

  Task<void> sleep(std::int64_t duration_ms, AbortToken) override {
    pauses.push_back(duration_ms);
    if (meanwhile) meanwhile();
    clock_->advance(duration_ms);
    co_return;
  }

 private:
  FakeClock* clock_;
};

}  // namespace agent_memory::testing
