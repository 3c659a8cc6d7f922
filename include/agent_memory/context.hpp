// SPDX-License-Identifier: MIT
#pragma once

// MemoryContext: a provider's operations within one run of an agent.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/config.hpp"
#include "agent_memory/provider.hpp"

namespace agent_memory {

struct MemoryContextOptions {
  /// Ids that hold for every call that does not give its own.
  Identity identity;
  MemoryConfig config;
  /// A failing provider gives an empty result, told to `on_error`; an agent's run goes on.
  bool fail_open = true;
  std::function<void(const Error& error, std::string_view operation)> on_error;
};

/// A search within a context; what is not given comes from the context's identity and config.
struct ContextSearch {
  Identity identity;
  std::optional<std::int64_t> top_k;
  std::optional<RetrievalStrategy> strategy;
  std::optional<double> min_relevance_score;
  Metadata metadata;
  JsonValue filters;
  bool explain = false;
  AbortToken abort;
};

/// Remembers what it retrieved and stored. Bad input is kInvalidArgument whatever `fail_open`
/// says, and kAborted stays kAborted: both are the caller's doing. Everything else that a provider
/// answers fails open.
class MemoryContext {
 public:
  MemoryContext(std::shared_ptr<MemoryProvider> provider, MemoryContextOptions options);

  Async<std::vector<RetrievedMemory>> search(std::string query, ContextSearch search);
  /// The config's metadata is merged under that of the call.
  Async<std::vector<StoredMemory>> add(MessageInput messages, StoreOptions options);
  Async<std::vector<RetrievedMemory>> get_all(ListOptions options);
  Async<bool> remove(std::string memory_id);

  /// All that `search` returned so far, in that order; a memory found twice is there twice.
  [[nodiscard]] const std::vector<RetrievedMemory>& retrieved_memories() const {
    return retrieved_;
  }
  /// All that `add` stored so far.
  [[nodiscard]] const std::vector<StoredMemory>& stored_memories() const { return stored_; }

 private:
  [[nodiscard]] Identity identity_for(Identity given) const;
  /// Whether `error` is to be told to `on_error` instead of the caller; tells it.
  [[nodiscard]] bool absorb(const Error& error, std::string_view operation) const;

  std::shared_ptr<MemoryProvider> provider_;
  MemoryContextOptions options_;
  std::vector<RetrievedMemory> retrieved_;
  std::vector<StoredMemory> stored_;
};

}  // namespace agent_memory
