// SPDX-License-Identifier: MIT
#pragma once

// Every chat format in, one list of who said what out. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent_memory/result.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory {

/// What one speaker said at once. `text` is not blank, holds no injected memory block, and is
/// valid UTF-8.
struct SpokenMessage {
  Role role = Role::kUser;
  std::string text;
  std::optional<std::string> name;
  std::optional<TimestampMs> time_ms;
  /// Index of the message in the input that it came from.
  std::size_t source = 0;
};

/// What to do with a text over kMaxTextBytes, which no memory can hold.
enum class LongTexts : std::uint8_t { kRefuse, kKeep };

/// Reads a string (one user message) or an array of messages, each in any of these shapes, also
/// mixed: OpenAI chat messages (also Responses items); Vercel AI SDK ModelMessage and UIMessage;
/// Anthropic messages; LangChain messages (serialised `lc` constructors, StoredMessage
/// {type, data}, and plain {type|role, content}); pydantic-ai's ModelRequest and ModelResponse.
///
/// System, developer, tool and function messages, thinking/reasoning, tool calls and results,
/// retries, images, files and unknown part kinds are left out, never failed on. Adjacent text
/// parts are joined without a separator, text parts with something else between them by a newline
/// (pydantic-ai's rule); a pydantic-ai request gives one message per user-prompt part.
///
/// Fails with kInvalidArgument, naming index and field ("messages[2].role must be a string, got
/// 7"), where the input is neither string nor array, a message is not an object (or a string), its
/// role/kind is missing or not a string, its content is of a type that no format has, or (unless
/// `long_texts` says to keep it) its text is over kMaxTextBytes. Null content is none; content that
/// is missing is none where the assistant (or pydantic-ai) speaks and an error where a user does. A
/// role nobody knows is skipped. A time that does not parse counts as none.
Result<std::vector<SpokenMessage>> parse_messages(const MessageInput& input,
                                                  LongTexts long_texts = LongTexts::kRefuse);

}  // namespace agent_memory
