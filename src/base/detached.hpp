// SPDX-License-Identifier: MIT
#pragma once

#include <coroutine>

namespace agent_memory {

/// A coroutine that runs by itself and frees itself when it ends. Whatever it uses must be kept
/// alive by its own parameters, taken by value.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { __builtin_trap(); }
  };
};

}  // namespace agent_memory
