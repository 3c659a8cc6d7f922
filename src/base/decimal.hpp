// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace agent_memory {

/// Appends a finite number as JavaScript writes it: the fewest digits that are read back as the
/// same double (subnormal ones may have more). -0 becomes 0.
void append_number(std::string& out, double value);

}  // namespace agent_memory
