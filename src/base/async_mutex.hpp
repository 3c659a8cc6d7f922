// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>
#include <deque>
#include <utility>

namespace agent_memory {

/// Lets one coroutine at a time through, in the order of arrival. Single-threaded.
class AsyncMutex {
 public:
  /// Holds the mutex; lets the next one through when it goes.
  class [[nodiscard]] Lock {
   public:
    explicit Lock(AsyncMutex* mutex) : mutex_(mutex) {}
    Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Lock& operator=(Lock&&) = delete;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
      if (mutex_ != nullptr) mutex_->release();
    }

   private:
    AsyncMutex* mutex_;
  };

  struct Awaiter {
    AsyncMutex* mutex;
    bool await_ready() const noexcept { return !std::exchange(mutex->held_, true); }
    void await_suspend(std::coroutine_handle<> waiter) const {
      mutex->waiting_.push_back(waiter);
    }
    Lock await_resume() const { return Lock(mutex); }
  };

  /// `AsyncMutex::Lock lock = co_await mutex.acquire();`
  Awaiter acquire() { return Awaiter{this}; }

 private:
  void release() {
    if (waiting_.empty()) {
      held_ = false;
      return;
    }
    const std::coroutine_handle<> next = waiting_.front();
    waiting_.pop_front();
    next.resume();  // the mutex stays held: it passes from hand to hand
  }

  bool held_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace agent_memory
