// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

namespace agent_memory {

/// Lets so many coroutines at a time through, in the order of arrival. Single-threaded.
class AsyncSemaphore {
 public:
  explicit AsyncSemaphore(std::uint32_t places) : free_(places) {}

  /// Holds a place; lets the next one through when it goes.
  class [[nodiscard]] Lock {
   public:
    /// Holds nothing.
    Lock() = default;
    explicit Lock(AsyncSemaphore* places) : places_(places) {}
    Lock(Lock&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Lock& operator=(Lock&&) = delete;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
      if (places_ != nullptr) places_->release();
    }

   private:
    AsyncSemaphore* places_ = nullptr;
  };

  class Awaiter {
   public:
    explicit Awaiter(AsyncSemaphore* places) : places_(places) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    /// A coroutine that is destroyed while it waits leaves the queue.
    ~Awaiter() {
      if (waiter_) places_->leave(this);
    }
    bool await_ready() const noexcept { return places_->take(); }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      Awaiter** last = &places_->first_;
      while (*last != nullptr)
        last = &(*last)->next_;
      *last = this;
    }
    Lock await_resume() { return Lock(places_); }

   private:
    friend class AsyncSemaphore;
    AsyncSemaphore* places_;
    /// Null unless it waits.
    std::coroutine_handle<> waiter_;
    Awaiter* next_ = nullptr;
  };

  /// `AsyncSemaphore::Lock lock = co_await places.acquire();`
  Awaiter acquire() { return Awaiter(this); }

 private:
  bool take() {
    if (free_ == 0) return false;
    --free_;
    return true;
  }

  /// Lets those through that wait, one after another in a loop: however many go right through,
  /// the stack stays as deep as it is. Whoever releases keeps this alive meanwhile.
  void release() {
    ++free_;
    if (releasing_) return;
    releasing_ = true;
    while (first_ != nullptr && take()) {
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

  std::uint32_t free_;
  bool releasing_ = false;
  /// A list through those that wait, each in a coroutine of its own.
  Awaiter* first_ = nullptr;
};

/// One at a time.
class AsyncMutex : public AsyncSemaphore {
 public:
  AsyncMutex() : AsyncSemaphore(1) {}
};

}  // namespace agent_memory
