// SPDX-License-Identifier: MIT
#pragma once

// MemoryProvider: the four operations that every kind of memory offers.

#include <string>
#include <vector>

#include "agent_memory/task.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory {

/// Somewhere that memories live. Calls may overlap; each is validated before it does anything,
/// and one that fails has changed nothing.
class MemoryProvider {
 public:
  virtual ~MemoryProvider() = default;

  /// The memories that best answer `query` within the identity's walls, best first.
  virtual Async<std::vector<RetrievedMemory>> retrieve_memories(std::string query,
                                                                RetrieveOptions options) = 0;
  /// Stores what was said in `messages`. Completes once the memories are durable. One receipt a
  /// memory, in the order of the messages.
  virtual Async<std::vector<StoredMemory>> store_memories(MessageInput messages,
                                                          StoreOptions options) = 0;
  /// All memories within the identity's walls, newest first.
  virtual Async<std::vector<RetrievedMemory>> get_all_memories(ListOptions options) = 0;
  /// False where there was no such memory.
  virtual Async<bool> delete_memory(std::string memory_id) = 0;
};

/// For providers of one's own: answers every operation with kNotImplemented, naming it.
class BaseMemoryProvider : public MemoryProvider {
 public:
  Async<std::vector<RetrievedMemory>> retrieve_memories(std::string query,
                                                        RetrieveOptions options) override;
  Async<std::vector<StoredMemory>> store_memories(MessageInput messages,
                                                  StoreOptions options) override;
  Async<std::vector<RetrievedMemory>> get_all_memories(ListOptions options) override;
  Async<bool> delete_memory(std::string memory_id) override;
};

}  // namespace agent_memory
