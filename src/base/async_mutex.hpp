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

  class Awaiter {
   public:
    explicit Awaiter(AsyncMutex* mutex) : mutex_(mutex) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    /// A coroutine that is destroyed while it waits leaves the queue.
    ~Awaiter() {
      if (waiter_) std::erase(mutex_->waiting_, waiter_);
    }
    bool await_ready() const noexcept { return !std::exchange(mutex_->held_, true); }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      mutex_->waiting_.push_back(waiter);
    }
    Lock await_resume() {
      waiter_ = nullptr;
      return Lock(mutex_);
    }

   private:
    AsyncMutex* mutex_;
    std::coroutine_handle<> waiter_;
  };

  /// `AsyncMutex::Lock lock = co_await mutex.acquire();`
  Awaiter acquire() { return Awaiter(this); }

 private:
  /// Lets those through that wait, one after another in a loop: however many go right through,
  /// the stack stays as deep as it is. Whoever releases keeps the mutex alive meanwhile.
  void release() {
    held_ = false;
    if (releasing_) return;
    releasing_ = true;
    while (!held_ && !waiting_.empty()) {
      held_ = true;
      const std::coroutine_handle<> next = waiting_.front();
      waiting_.pop_front();
      next.resume();
    }
    releasing_ = false;
  }

  bool held_ = false;
  bool releasing_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace agent_memory
