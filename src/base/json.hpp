// SPDX-License-Identifier: MIT
#pragma once

// JSON text <-> JsonValue. Text is read by nlohmann_json, which json.cpp alone knows, or where the
// platform brings a reader along by that one (src/wasm/host.cpp).

#include <cstddef>
#include <string>
#include <string_view>

#include "agent_memory/json_value.hpp"
#include "agent_memory/result.hpp"

namespace agent_memory {

/// Deeper nesting is refused, so that no value can exhaust the stack.
inline constexpr int kMaxJsonDepth = 128;

/// What is said of JSON that nests deeper.
std::string too_deep();

/// Parses strict JSON (UTF-8). The error is kInvalidArgument without a field; its message says
/// what is wrong and, from nlohmann_json, at which byte. A key that stands twice keeps its last
/// value.
Result<JsonValue> parse_json(std::string_view text);

/// Compact JSON; invalid UTF-8 becomes U+FFFD, numbers without a fraction print without one.
std::string dump_json(const JsonValue& value);

/// How an error message shows a value: short JSON, cut after 60 bytes.
std::string describe(const JsonValue& value);

}  // namespace agent_memory
