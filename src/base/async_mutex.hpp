// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>
#include <utility>

namespace agent_memory {

/// Lets one coroutine at a time through, in the order of arrival. Single-threaded.
class AsyncMutex {
 public:
  /// Holds the mutex; lets the next one through when it goes.
  class [[nodiscard]] Lock {
   public:
    /// Holds nothing.
    Lock() = default;
    explicit Lock(AsyncMutex* mutex) : mutex_(mutex) {}
    Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Lock& operator=(Lock&&) = delete;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
      if (mutex_ != nullptr) mutex_->release();
    }

   private:
    AsyncMutex* mutex_ = nullptr;
  };

  class Awaiter {
   public:
    explicit Awaiter(AsyncMutex* mutex) : mutex_(mutex) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    /// A coroutine that is destroyed while it waits leaves the queue.
    ~Awaiter() {
      if (waiter_) mutex_->leave(this);
    }
    bool await_ready() const noexcept { return !std::exchange(mutex_->held_, true); }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      Awaiter** last = &mutex_->first_;
      while (*last != nullptr)
        last = &(*last)->next_;
      *last = this;
    }
    Lock await_resume() { return Lock(mutex_); }

   private:
    friend class AsyncMutex;
    AsyncMutex* mutex_;
    /// Null unless it waits.
    std::coroutine_handle<> waiter_;
    Awaiter* next_ = nullptr;
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
    while (!held_ && first_ != nullptr) {
      held_ = true;
      const std::coroutine_handle<> next = first_->waiter_;
      leave(first_);
      next.resume();
    }
    releasing_ = false;
  }

  void leave(Awaiter* awaiter) {
    Awaiter** at = &first_;
    while (*at != awaiter)
      at = &(*at)->next_;
    *at = awaiter->next_;
    awaiter->waiter_ = nullptr;
  }

  bool held_ = false;
  bool releasing_ = false;
  /// A list through those that wait, each in a coroutine of its own.
  Awaiter* first_ = nullptr;
};

}  // namespace agent_memory
