// SPDX-License-Identifier: MIT
#pragma once

// UTF-8 as it comes: decoding never fails, bad bytes become U+FFFD.

#include <cstddef>
#include <string>
#include <string_view>

namespace agent_memory {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

/// The code point that starts at `position`, which moves past it. A byte sequence that is not
/// UTF-8 (overlong forms and surrogates included) gives kReplacementCharacter for its maximal
/// valid prefix, as the WHATWG Encoding Standard has it. `position` must be < text.size().
char32_t decode_utf8(std::string_view text, std::size_t& position);

/// Appends `code_point`; what is not a Unicode scalar value becomes U+FFFD.
void append_utf8(std::string& out, char32_t code_point);

/// `text` with everything that is not UTF-8 replaced; itself where it all is.
std::string to_valid_utf8(std::string text);

/// At most `max_bytes` of `text`, never ending inside a code point.
std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes);

/// Whether there is nothing but white space (as Unicode has it) and control characters.
bool is_blank(std::string_view text);

}  // namespace agent_memory
