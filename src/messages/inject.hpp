// SPDX-License-Identifier: MIT
#pragma once

// Puts a memory block into a list of messages, in the messages' own shape. Pure.

#include <string_view>
#include <vector>

#include "agent_memory/session.hpp"

namespace agent_memory {

/// The edits that put `block` into `messages` (already known to parse), and take any earlier
/// block out of system's and user's messages. With `in_system`: into the first system message
/// (appended after a blank line, or as a part of its own), or as a new system message at the start
/// where there is none; pydantic-ai: as a system-prompt part of the first request, after those
/// that are there; Anthropic (told by its block kinds: tool_use, tool_result, image/document with
/// source, thinking), which has no system messages: as the first text block of the last user
/// message. Without `in_system`: as a user message of its own right before the last user message.
/// An empty block only takes earlier ones out. A list without any message gets no edit.
///
/// The last user message is the last one in which the user speaks: tool results do not count, as
/// nothing may come between them and their call. Edits cannot remove a message and no model API
/// takes an empty one, so what held a block and nothing else holds an empty block afterwards, until
/// the next one takes its place. Whatever is injected, `parse_messages` reads the same from the
/// list; injecting the same block again gives no edits.
std::vector<MessageEdit> inject_memory_block(const JsonArray& messages, std::string_view block,
                                             bool in_system);

}  // namespace agent_memory
