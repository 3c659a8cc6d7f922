// SPDX-License-Identifier: MIT
#pragma once

// Which memories a filter should match, worked out from the filter's JSON each time: nothing is
// compiled, and none of what `Filter` is made of is used.

#include "agent_memory/json_value.hpp"

#include "index/filter.hpp"

namespace agent_memory::testing {

/// Whether `filter` matches. It must be well-formed (`Filter::compile` takes it); icontains knows
/// the case of ASCII letters alone.
bool oracle_matches(const JsonValue& filter, const FilterSubject& subject);

}  // namespace agent_memory::testing
