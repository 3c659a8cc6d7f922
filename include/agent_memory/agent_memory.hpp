// SPDX-License-Identifier: MIT
#pragma once

// All of the public C++ API.

#include "agent_memory/config.hpp"
#include "agent_memory/context.hpp"
#include "agent_memory/error.hpp"
#include "agent_memory/json_value.hpp"
#include "agent_memory/language.hpp"
#include "agent_memory/local_provider.hpp"
#include "agent_memory/mem0_provider.hpp"
#include "agent_memory/ports.hpp"
#include "agent_memory/provider.hpp"
#include "agent_memory/result.hpp"
#include "agent_memory/session.hpp"
#include "agent_memory/task.hpp"
#include "agent_memory/types.hpp"
