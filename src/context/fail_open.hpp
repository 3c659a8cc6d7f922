// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "agent_memory/context.hpp"

namespace agent_memory {

/// Tells `options.on_error` and answers true where the error must not end an agent's run.
bool fails_open(const MemoryContextOptions& options, const Error& error,
                std::string_view operation);

}  // namespace agent_memory
