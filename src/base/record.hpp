// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent_memory/types.hpp"

namespace agent_memory {

/// One memory as the local store keeps it.
struct MemoryRecord {
  std::string id;
  std::string memory;
  Metadata metadata;
  Identity identity;
  std::optional<Role> role;
  std::optional<std::string> name;
  /// When it was said.
  TimestampMs created_at_ms = 0;
  TimestampMs updated_at_ms = 0;
  std::optional<TimestampMs> expires_at_ms;
};

/// A part of a memory, where it has one, as a string of its own.
inline std::optional<std::string> to_owned(const std::optional<std::string_view>& part) {
  return part ? std::optional(std::string(*part)) : std::nullopt;
}

}  // namespace agent_memory
