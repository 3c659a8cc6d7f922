// SPDX-License-Identifier: MIT
#include "support/values.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "support/tasks.hpp"

namespace agent_memory::testing {

Identity ids(std::string_view user, std::string_view agent, std::string_view run) {
  Identity identity;
  if (!user.empty()) identity.user_id = user;
  if (!agent.empty()) identity.agent_id = agent;
  if (!run.empty()) identity.run_id = run;
  return identity;
}

JsonValue json(std::string_view text) {
  std::string quoted(text);
  std::replace(quoted.begin(), quoted.end(), '\'', '"');
  return value_of(parse_json(quoted));
}

Metadata metadata(std::string_view text) {
  const JsonValue value = json(text);
  REQUIRE(value.if_object() != nullptr);
  return *value.if_object();
}

}  // namespace agent_memory::testing
