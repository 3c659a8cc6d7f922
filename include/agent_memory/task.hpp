// SPDX-License-Identifier: MIT
#pragma once

// Task<T>: a lazy coroutine, the one way in which this library waits. It knows no event loop:
// whoever completes an I/O operation resumes the coroutine that waits for it.
//
// Awaiting a child uses `bool await_suspend`: the child is run at once and, if it finished
// without suspending, the parent just goes on. The textbook form (returning a handle) overflows
// the stack in wasm and in debug builds after some thousand awaits that are ready at once.

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "agent_memory/result.hpp"

namespace agent_memory {

template <typename T>
class Task;

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;
  bool started_by_parent = false;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      // While the parent is still inside its own await_suspend it must not be resumed: it will
      // see that this task is done and go on by itself.
      TaskPromiseBase& promise = self.promise();
      if (!promise.started_by_parent && promise.continuation) promise.continuation.resume();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // The core is built without exceptions; anything that gets here is a defect.
  void unhandled_exception() const noexcept { __builtin_trap(); }
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <typename U = T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace detail

/// A computation that starts when it is awaited (or `start`ed) and may suspend. Move-only; owns
/// its frame. Destroying a suspended task destroys all that it waits for.
template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    promise_type& promise = handle_.promise();
    promise.continuation = parent;
    promise.started_by_parent = true;
    handle_.resume();
    promise.started_by_parent = false;
    return !handle_.done();
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

  /// Runs a task that nobody awaits up to its first suspension. At most once.
  void start() { handle_.resume(); }
  /// Whether the result is there.
  [[nodiscard]] bool done() const { return handle_.done(); }
  /// The result of a task that is `done()`. At most once.
  T take() {
    if (!handle_.done()) __builtin_trap();
    return await_resume();
  }

 private:
  Handle handle_;
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
}  // namespace agent_memory
