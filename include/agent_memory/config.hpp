// SPDX-License-Identifier: MIT
#pragma once

// MemoryConfig: nine fields that say how an agent uses its memory. MemoryContext and
// MemorySession read every one of them.

#include <cstdint>

#include "agent_memory/result.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory {

struct MemoryConfig {
  /// Store conversations as memories after each run.
  bool auto_store = true;
  /// Retrieve relevant memories before each model request.
  bool auto_retrieve = true;
  RetrievalStrategy retrieval_strategy = RetrievalStrategy::kSemanticSearch;
  /// How many memories to retrieve; at least 1.
  std::int64_t top_k = 5;
  /// Memories that score less are left out; 0.0 to 1.0.
  double min_relevance_score = 0.0;
  /// Store after this many turns of conversation; at least 1.
  std::int64_t store_after_turns = 1;
  /// Put the memories into the system prompt (true) or into a message of their own (false).
  bool memory_summary_in_system = true;
  /// Which ids hold; see MemorySession.
  MemoryScope scope = MemoryScope::kUser;
  /// Merged into the metadata of everything stored.
  Metadata metadata;
};

/// Fails with kInvalidArgument on the first field outside its bounds, naming the field, the bound
/// and the value.
Result<void> validate(const MemoryConfig& config);

/// The checks that every provider makes before it does anything.
Result<void> validate(const Identity& identity);
Result<void> validate(const RetrieveOptions& options);
Result<void> validate(const StoreOptions& options);
Result<void> validate(const ListOptions& options);
/// A query: not blank, at most kMaxTextBytes long.
Result<void> validate_query(std::string_view query);

/// The longest text that one memory, or a query, may have: 1 MiB of UTF-8.
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;
/// The longest user_id, agent_id or run_id, in bytes of UTF-8. An id is not empty.
inline constexpr std::size_t kMaxIdBytes = 1024;
/// The largest metadata object, in bytes of JSON.
inline constexpr std::size_t kMaxMetadataBytes = std::size_t{64} << 10;
/// How deep metadata may nest: {} is 1. What is stored can always be read back and exported.
inline constexpr int kMaxMetadataDepth = 64;

}  // namespace agent_memory
