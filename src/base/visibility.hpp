// SPDX-License-Identifier: MIT
#pragma once

#include "agent_memory/types.hpp"

namespace agent_memory {

/// The rule of Identity for whatever holds a memory's ids as optional strings or views of them.
template <typename Ids>
bool is_visible_to(const Ids& memory, const Identity& call) {
  if (call.empty()) return !memory.user_id && !memory.agent_id && !memory.run_id;
  return memory.user_id == call.user_id && (!call.agent_id || memory.agent_id == call.agent_id) &&
         (!call.run_id || memory.run_id == call.run_id);
}

}  // namespace agent_memory
