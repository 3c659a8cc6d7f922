// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace agent_memory {

/// Appends the form in which two texts are compared for being the same memory: case and
/// compatibility forms folded, typographic quotes too, runs of white space made one blank, blanks
/// at the ends and closing punctuation (. ! ? ... and their CJK forms) dropped, unless there is
/// nothing else. Diacritics and word order count. Precomposed and decomposed text are the same.
/// Always UTF-8; a form is its own form. What `out` holds before is no part of it.
void append_normalized(std::string& out, std::string_view text);

}  // namespace agent_memory
