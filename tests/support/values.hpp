// SPDX-License-Identifier: MIT
#pragma once

// Short ways to write the values that tests pass around.

#include <optional>
#include <string>
#include <string_view>

#include "agent_memory/types.hpp"
#include "base/json.hpp"
#include "support/tasks.hpp"

namespace agent_memory::testing {

/// A T with all defaults but for what `change` sets.
template <typename T, typename Change>
T with(Change change) {
  T value;
  change(value);
  return value;
}

/// An empty string stands for an id that is not given.
inline Identity ids(std::string_view user, std::string_view agent = {}, std::string_view run = {}) {
  const auto given = [](std::string_view id) {
    return id.empty() ? std::nullopt : std::optional(std::string(id));
  };
  Identity identity;
  identity.user_id = given(user);
  identity.agent_id = given(agent);
  identity.run_id = given(run);
  return identity;
}

/// JSON with ' for ", which reads better inside C++.
inline JsonValue json(std::string_view text) {
  std::string quoted(text);
  for (char& c : quoted) c = c == '\'' ? '"' : c;
  return value_of(parse_json(quoted));
}

inline Metadata metadata(std::string_view text) {
  const JsonValue value = json(text);
  REQUIRE(value.if_object() != nullptr);
  return *value.if_object();
}

}  // namespace agent_memory::testing
