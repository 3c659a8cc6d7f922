// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "journal/stamp.hpp"

namespace agent_memory {

/// A UUID version 7 (RFC 9562) whose time and order are those of `stamp`: ids that one writer
/// makes sort as they were made.
std::string make_memory_id(Stamp stamp, std::uint64_t random);

}  // namespace agent_memory
