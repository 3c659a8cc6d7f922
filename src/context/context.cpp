// SPDX-License-Identifier: MIT
#include "agent_memory/context.hpp"

#include <utility>

#include "context/fail_open.hpp"

namespace agent_memory {

bool fails_open(const MemoryContextOptions& options, const Error& error,
                std::string_view operation) {
  if (!options.fail_open || error.code == ErrorCode::kAborted) return false;
  if (options.on_error) options.on_error(error, operation);
  return true;
}

MemoryContext::MemoryContext(std::shared_ptr<MemoryProvider> provider, MemoryContextOptions options)
    : provider_(std::move(provider)), options_(std::move(options)) {}

Identity MemoryContext::identity_for(Identity given) const {
  if (!given.user_id) given.user_id = options_.identity.user_id;
  if (!given.agent_id) given.agent_id = options_.identity.agent_id;
  if (!given.run_id) given.run_id = options_.identity.run_id;
  return given;
}

bool MemoryContext::absorb(const Error& error, std::string_view operation) const {
  return error.code != ErrorCode::kInvalidArgument && fails_open(options_, error, operation);
}

Async<std::vector<RetrievedMemory>> MemoryContext::search(std::string query, ContextSearch search) {
  const MemoryConfig& config = options_.config;
  RetrieveOptions options{
      .identity = identity_for(std::move(search.identity)),
      .top_k = search.top_k.value_or(config.top_k),
      .metadata = std::move(search.metadata),
      .filters = std::move(search.filters),
      .strategy = search.strategy.value_or(config.retrieval_strategy),
      .min_relevance_score = search.min_relevance_score.value_or(config.min_relevance_score),
      .explain = search.explain,
      .abort = std::move(search.abort)};
  if (auto checked = validate(config); !checked) co_return std::move(checked).error();
  if (auto checked = validate_query(query); !checked) co_return std::move(checked).error();
  if (auto checked = validate(options); !checked) co_return std::move(checked).error();
  Result<std::vector<RetrievedMemory>> found =
      co_await provider_->retrieve_memories(std::move(query), std::move(options));
  if (!found) {
    if (absorb(found.error(), "search")) co_return std::vector<RetrievedMemory>();
    co_return std::move(found).error();
  }
  retrieved_.insert(retrieved_.end(), found->begin(), found->end());
  co_return *std::move(found);
}

Async<std::vector<StoredMemory>> MemoryContext::add(MessageInput messages, StoreOptions options) {
  options.identity = identity_for(std::move(options.identity));
  options.metadata = merge_members(options_.config.metadata, options.metadata);
  if (auto checked = validate(options_.config); !checked) co_return std::move(checked).error();
  if (auto checked = validate(options); !checked) co_return std::move(checked).error();
  Result<std::vector<StoredMemory>> stored =
      co_await provider_->store_memories(std::move(messages), std::move(options));
  if (!stored) {
    if (absorb(stored.error(), "add")) co_return std::vector<StoredMemory>();
    co_return std::move(stored).error();
  }
  stored_.insert(stored_.end(), stored->begin(), stored->end());
  co_return *std::move(stored);
}

Async<std::vector<RetrievedMemory>> MemoryContext::get_all(ListOptions options) {
  options.identity = identity_for(std::move(options.identity));
  if (auto checked = validate(options); !checked) co_return std::move(checked).error();
  Result<std::vector<RetrievedMemory>> memories =
      co_await provider_->get_all_memories(std::move(options));
  if (!memories && absorb(memories.error(), "get_all")) {
    co_return std::vector<RetrievedMemory>();
  }
  co_return memories;
}

Async<bool> MemoryContext::remove(std::string memory_id) {
  if (memory_id.empty()) co_return Error::invalid("memory_id", "must not be empty");
  Result<bool> deleted = co_await provider_->delete_memory(std::move(memory_id));
  if (!deleted && absorb(deleted.error(), "delete")) co_return false;
  co_return deleted;
}

}  // namespace agent_memory
