// SPDX-License-Identifier: MIT
#pragma once

// Short ways to write the values that tests pass around.

#include <string_view>

#include "agent_memory/types.hpp"

namespace agent_memory::testing {

/// A T with all defaults but for what `change` sets. Not inline, because GCC 12 then takes the
/// strings of empty optionals for uninitialised ones that are destroyed.
template <typename T, typename Change>
[[gnu::noinline]] T with(Change change) {
  T value;
  change(value);
  return value;
}

/// An empty string stands for an id that is not given.
Identity ids(std::string_view user, std::string_view agent = {}, std::string_view run = {});

/// JSON with ' for ", which reads better inside C++.
JsonValue json(std::string_view text);
Metadata metadata(std::string_view text);

}  // namespace agent_memory::testing
