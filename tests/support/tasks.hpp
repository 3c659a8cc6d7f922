// SPDX-License-Identifier: MIT
#pragma once

// Running coroutines from tests: at once where nothing waits, or step by step.

#include <coroutine>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/task.hpp"

namespace agent_memory::testing {

/// The result of a task that does not wait for anything.
template <typename T>
T run_ready(Task<T> task) {
  task.start();
  REQUIRE(task.done());
  return task.take();
}

/// The value of a result that must be one.
template <typename T>
T value_of(Result<T> result) {
  if (!result) FAIL("failed: " << result.error().message);
  return std::move(result).value();
}
inline void value_of(const Result<void>& result) {
  if (!result) FAIL("failed: " << result.error().message);
}
template <typename T>
T value_of(Async<T> task) {
  return value_of(run_ready(std::move(task)));
}

/// The error of a result that must be one.
template <typename T>
Error error_of(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error();
}
template <typename T>
Error error_of(Async<T> task) {
  return error_of(run_ready(std::move(task)));
}

/// A task under way: started, maybe waiting.
template <typename T>
class Started {
 public:
  explicit Started(Task<T> task) : task_(std::move(task)) { task_.start(); }

  [[nodiscard]] bool done() const { return task_.done(); }
  T take() {
    REQUIRE(task_.done());
    return task_.take();
  }

 private:
  Task<T> task_;
};

/// Calls that wait until the test lets them go on, in the order that it likes. Outlives them.
class Pump {
 public:
  class Awaiter {
   public:
    explicit Awaiter(Pump* pump) : pump_(pump) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (pump_ != nullptr) std::erase(pump_->parked_, handle_);
    }
    /// Without a pump nothing waits.
    bool await_ready() const noexcept { return pump_ == nullptr; }
    void await_suspend(std::coroutine_handle<> handle) {
      handle_ = handle;
      pump_->parked_.push_back(handle);
    }
    void await_resume() const noexcept {}

   private:
    Pump* pump_;
    std::coroutine_handle<> handle_ = nullptr;
  };

  [[nodiscard]] std::size_t waiting() const { return parked_.size(); }
  void run(std::size_t position) {
    REQUIRE(position < parked_.size());
    const auto at = parked_.begin() + static_cast<std::ptrdiff_t>(position);
    const std::coroutine_handle<> handle = *at;
    parked_.erase(at);
    handle.resume();
  }
  void run_first() { run(0); }
  void run_last() { run(parked_.size() - 1); }
  /// Until nothing waits any more.
  void run_all() {
    while (waiting() > 0)
      run_first();
  }
  /// Until nothing waits, each time the one that `random` says.
  template <typename Random>
  void run_all(Random& random) {
    while (waiting() > 0)
      run(static_cast<std::size_t>(random.next() % waiting()));
  }

 private:
  std::deque<std::coroutine_handle<>> parked_;
};

/// The result of a task whose calls wait in `pump`.
template <typename T>
T run_with(Pump& pump, Task<T> task) {
  Started<T> started(std::move(task));
  while (!started.done()) {
    REQUIRE(pump.waiting() > 0);
    pump.run_first();
  }
  return started.take();
}

}  // namespace agent_memory::testing
