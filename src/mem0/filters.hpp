// SPDX-License-Identifier: MIT
#pragma once

// This library's filter grammar (index/filter.hpp) as each of Mem0's two APIs has it. Pure.
//
// Neither API refuses all that it does not understand: the platform drops an OR that stands beside
// an AND, a self-hosted server takes the last of two conditions on one field, and an id inside of
// AND for the one outside. What comes out here is of the forms that both honour; what has none is
// kInvalidArgument, field `filters`.

#include <cstdint>

#include "agent_memory/result.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory::mem0 {

/// Whom a platform's filter is for: the search fails on keywords, the list has no metadata of its
/// own.
enum class Endpoint : std::uint8_t { kSearch, kList };

/// The `filters` of the platform: the identity, what `metadata` must hold and `filters`, all of
/// them to be met. Without any but the identity: {user_id, agent_id, run_id}, those that are given;
/// else {AND: [...]}.
///
/// Fields: user_id agent_id run_id app_id (eq ne in nin, '*'); created_at updated_at timestamp
/// expiration_date (gt gte lt lte eq ne in nin); categories (eq in contains); id (eq in ne nin);
/// memory (contains icontains, of a list only); metadata, and any other name as one of its keys (eq
/// ne in nin contains). No field is compared with null.
/// Fails where neither the identity nor `filters` names an entity, for then the platform would.
Result<JsonObject> platform_filters(const Identity& identity, const Metadata& metadata,
                                    const JsonValue& filters, Endpoint endpoint);

/// The `filters` of a self-hosted server: the identity, beside it what `metadata` must hold and
/// `filters`.
///
/// Fields: role, name; metadata, and any other name as one of its keys; with every operator. The
/// ids are those of the identity alone. AND, OR and NOT do not nest in one another, there is one
/// OR, and a field has each operator once.
Result<JsonObject> self_hosted_filters(const Identity& identity, const Metadata& metadata,
                                       const JsonValue& filters);

/// {user_id, agent_id, run_id}: those that are given.
JsonObject identity_members(const Identity& identity);

}  // namespace agent_memory::mem0
