// SPDX-License-Identifier: MIT
#include "agent_memory/task.hpp"

namespace agent_memory {

void detail::TaskPromiseBase::finish() const {
  // While the parent is still inside its own await_suspend it must not be resumed: it will see
  // that this task is done and go on by itself.
  if (!started_by_parent && continuation) continuation.resume();
}

bool AnyTask::await_suspend(std::coroutine_handle<> parent) {
  promise_->continuation = parent;
  if (!promise_->is_started) {
    promise_->started_by_parent = true;
    handle_.resume();
    promise_->started_by_parent = false;
  }
  return !handle_.done();
}

}  // namespace agent_memory
