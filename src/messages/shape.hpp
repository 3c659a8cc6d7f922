// SPDX-License-Identifier: MIT
#pragma once

// Which chat format a message is in, told by its members alone, and who speaks in it. Reading and
// injecting agree on the formats because both ask here. Pure.

#include <cstdint>
#include <string_view>

#include "agent_memory/json_value.hpp"

namespace agent_memory {

enum class Shape : std::uint8_t {
  kText,         ///< A bare string.
  kContent,      ///< {role, content}: OpenAI, Vercel ModelMessage, Anthropic, Responses.
  kParts,        ///< {role, parts}: Vercel UIMessage; older ones have a content string as well.
  kConstructor,  ///< {lc, type: 'constructor', id, kwargs}: LangChain, serialised.
  kStored,       ///< {type, data}: LangChain's StoredMessage.
  kTyped,        ///< {type, content}: LangChain, plain.
  kPydantic,     ///< {kind, parts}: pydantic-ai.
  kItem,         ///< {type, ...}: a Responses item other than a message.
  kUnknown,      ///< Nothing that tells.
};

enum class Speaker : std::uint8_t { kUser, kAssistant, kSystem, kOther };

Shape shape_of(const JsonValue& message);

/// Whose words the message holds. A pydantic-ai request counts as the user's, although it may hold
/// system prompts and tool results too.
Speaker speaker_of(const JsonValue& message, Shape shape);

/// The member in which LangChain's wrapped shapes keep the message proper: 'kwargs', 'data', or
/// empty for the others.
std::string_view wrapper_of(Shape shape);

/// The object that holds content and name: the message, or what its wrapper holds; nullptr where
/// the wrapper is missing.
const JsonValue* body_of(const JsonValue& message, Shape shape);

/// Whether `part` has that member with that string.
bool has_tag(const JsonValue& part, std::string_view key, std::string_view tag);

/// Whether `part` is a text part: {type: 'text' | 'input_text' | 'output_text', text}.
bool is_text_part(const JsonValue& part);

}  // namespace agent_memory
