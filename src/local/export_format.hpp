// SPDX-License-Identifier: MIT
#pragma once

// The export file: JSON Lines. The first line is a header, each further line one memory with its
// whole history. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/result.hpp"

#include "journal/entry.hpp"

namespace agent_memory {

/// A memory as it stands in a file.
struct ExportedMemory {
  MemoryRecord record;
  /// Oldest first; at least one step.
  std::vector<HistoryEntry> history;
};

std::string export_header(std::size_t memories);
std::string export_line(const MemoryEntry& entry);

/// Reads the memory of one line. Fails as `parse_export` does.
Result<ExportedMemory> parse_exported(const JsonValue& line, std::size_t number = 1);

/// Reads a whole file. The first malformed line fails all of it: kInvalidArgument, field `json`,
/// "json line 7: memory must be a string, got 3". Blank lines are skipped; a file without any
/// line is malformed. Unknown members are ignored.
Result<std::vector<ExportedMemory>> parse_export(std::string_view json_lines);

}  // namespace agent_memory
