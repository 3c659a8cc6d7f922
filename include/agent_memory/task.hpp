// SPDX-License-Identifier: MIT
#pragma once

// Task<T>: a lazy coroutine, the one way in which this library waits. It knows no event loop:
// whoever completes an I/O operation resumes the coroutine that waits for it.
//
// Awaiting a child uses `bool await_suspend`: the child is run at once and, if it finished
// without suspending, the parent just goes on. The textbook form (returning a handle) overflows
// the stack in wasm and in debug builds after some thousand awaits that are ready at once.

#include <coroutine>
#include <memory>
#include <type_traits>
#include <utility>

#include "agent_memory/result.hpp"

namespace agent_memory {

template <typename T>
class Task;

namespace detail {

// What does not depend on T is compiled once: a library like this one is mostly co_awaits.

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;
  bool started_by_parent = false;
  /// Whether it runs already when it is awaited.
  bool is_started = false;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      self.promise().finish();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // The core is built without exceptions; anything that gets here is a defect.
  void unhandled_exception() const noexcept { __builtin_trap(); }

 private:
  void finish() const;
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  union {
    T value;
  };
  bool has_value = false;

  TaskPromise() noexcept {}
  ~TaskPromise() {
    if (has_value) std::destroy_at(&value);
  }
  TaskPromise(const TaskPromise&) = delete;
  TaskPromise& operator=(const TaskPromise&) = delete;

  Task<T> get_return_object();
  template <typename U = T>
  void return_value(U&& result) {
    std::construct_at(&value, std::forward<U>(result));
    has_value = true;
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace detail

/// A task of whatever type: what can be said about it without its result.
class [[nodiscard]] AnyTask {
 public:
  AnyTask(AnyTask&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), promise_(other.promise_) {}
  AnyTask& operator=(AnyTask&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(promise_, other.promise_);
    return *this;
  }
  AnyTask(const AnyTask&) = delete;
  AnyTask& operator=(const AnyTask&) = delete;
  ~AnyTask() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent);
  /// Nothing, where it is awaited as any task: the result can be taken afterwards.
  void await_resume() const noexcept {}

  /// Runs a task up to its first suspension. At most once; it may be awaited afterwards, so that
  /// what is done in between is done while it waits.
  void start() {
    promise_->is_started = true;
    handle_.resume();
  }
  /// Whether the result is there.
  [[nodiscard]] bool done() const { return handle_.done(); }
  /// The result of a `Task<T>` that is `done()`. At most once.
  template <typename T>
  T take_as() {
    if (!done()) __builtin_trap();
    return std::move(static_cast<detail::TaskPromise<T>*>(promise_)->value);
  }

 protected:
  AnyTask(std::coroutine_handle<> handle, detail::TaskPromiseBase* promise)
      : handle_(handle), promise_(promise) {}

  std::coroutine_handle<> handle_;
  detail::TaskPromiseBase* promise_;
};

/// A computation that starts when it is awaited (or `start`ed) and may suspend. Move-only; owns
/// its frame. Destroying a suspended task destroys all that it waits for.
template <typename T>
class [[nodiscard]] Task : public AnyTask {
 public:
  using promise_type = detail::TaskPromise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : AnyTask(handle, &handle.promise()) {}

  T await_resume() {
    if constexpr (!std::is_void_v<T>) {
      return std::move(static_cast<promise_type*>(promise_)->value);
    }
  }

  /// The result of a task that is `done()`. At most once.
  T take() {
    if constexpr (!std::is_void_v<T>) return take_as<T>();
  }
};

/// What every operation with I/O returns: later, a value or an Error.
template <typename T>
using Async = Task<Result<T>>;

namespace detail {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}

inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace detail

/// A task that has its result already.
template <typename T>
Task<T> done_task(T value) {
  co_return std::move(value);
}

}  // namespace agent_memory
