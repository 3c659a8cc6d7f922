// SPDX-License-Identifier: MIT
#include "agent_memory/types.hpp"

#include <array>

#include "base/names.hpp"
#include "base/visibility.hpp"

namespace agent_memory {
namespace {

constexpr std::array<std::pair<MemoryScope, std::string_view>, 4> kScopeNames{{
    {MemoryScope::kUser, "user"},
    {MemoryScope::kAgent, "agent"},
    {MemoryScope::kRun, "run"},
    {MemoryScope::kGlobal, "global"},
}};
constexpr std::array<std::pair<RetrievalStrategy, std::string_view>, 3> kStrategyNames{{
    {RetrievalStrategy::kSemanticSearch, "semantic_search"},
    {RetrievalStrategy::kRecency, "recency"},
    {RetrievalStrategy::kHybrid, "hybrid"},
}};
constexpr std::array<std::pair<Role, std::string_view>, 2> kRoleNames{{
    {Role::kUser, "user"},
    {Role::kAssistant, "assistant"},
}};
constexpr std::array<std::pair<MemoryEvent, std::string_view>, 4> kEventNames{{
    {MemoryEvent::kAdd, "ADD"},
    {MemoryEvent::kUpdate, "UPDATE"},
    {MemoryEvent::kDelete, "DELETE"},
    {MemoryEvent::kNoop, "NOOP"},
}};

}  // namespace

std::string_view memory_scope_name(MemoryScope scope) { return name_of(kScopeNames, scope); }
std::string_view retrieval_strategy_name(RetrievalStrategy strategy) {
  return name_of(kStrategyNames, strategy);
}
std::string_view role_name(Role role) { return name_of(kRoleNames, role); }
std::string_view memory_event_name(MemoryEvent event) { return name_of(kEventNames, event); }

std::optional<MemoryScope> memory_scope_from_name(std::string_view name) {
  return value_of(kScopeNames, name);
}
std::optional<RetrievalStrategy> retrieval_strategy_from_name(std::string_view name) {
  return value_of(kStrategyNames, name);
}
std::optional<Role> role_from_name(std::string_view name) { return value_of(kRoleNames, name); }
std::optional<MemoryEvent> memory_event_from_name(std::string_view name) {
  return value_of(kEventNames, name);
}

bool is_visible(const Identity& memory, const Identity& call) {
  return is_visible_to(memory, call);
}

}  // namespace agent_memory
