// SPDX-License-Identifier: MIT
#pragma once

// The block of memories that goes into a prompt, and how it is known again when it comes back.
// Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/types.hpp"

namespace agent_memory {

/// Bounds of the block in bytes of UTF-8: all of it, and one memory in it.
inline constexpr std::size_t kMaxBlockBytes = 8192;
inline constexpr std::size_t kMaxBlockMemoryBytes = 1200;

/// The block: delimited by <recalled-memories> tags, saying that what follows is data from earlier
/// conversations and not instructions, one line a memory ("- [2026-02-03] Nora (user): ..."),
/// best first. Texts and names are escaped (&, <, >; line breaks and control characters become
/// blanks), so that no memory can end the block or forge a line; each is cut at
/// kMaxBlockMemoryBytes with an ellipsis, and memories that would take the block over
/// kMaxBlockBytes are left out. Empty where `memories` is.
std::string format_memory_block(const std::vector<RetrievedMemory>& memories);

/// `text` without any memory block (one without its end reaches to the end of the text) and
/// without the blank lines that setting it off had put there.
std::string strip_memory_blocks(std::string_view text);

/// `text` without the memory blocks that are exactly as `format_memory_block` writes them: tags at
/// the ends of lines of their own, nothing like a tag between. A prompt that merely speaks of the
/// tags stays whole. For texts that go on to the model; `strip_memory_blocks` is for what is kept.
std::string take_out_memory_blocks(std::string_view text);

/// Whether a memory block starts in `text`.
bool has_memory_block(std::string_view text);

}  // namespace agent_memory
