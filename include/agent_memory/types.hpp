// SPDX-License-Identifier: MIT
#pragma once

// The values that go in and out of every provider. Plain data: copyable, comparable, no lifetime.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/json_value.hpp"

namespace agent_memory {

/// Milliseconds since 1970-01-01T00:00:00Z. Between the years 0 and 9999.
using TimestampMs = std::int64_t;

/// What callers attach to a memory: any JSON object.
using Metadata = JsonObject;

/// Chat messages in any of the shapes of `messages/parse.hpp`, as JSON: a string, or an array.
using MessageInput = JsonValue;

/// Which ids hold for a session's operations; see MemorySession.
enum class MemoryScope : std::uint8_t { kUser, kAgent, kRun, kGlobal };

/// How memories are ranked.
enum class RetrievalStrategy : std::uint8_t {
  kSemanticSearch,  ///< By relevance to the query: keyword relevance (BM25).
  kRecency,         ///< Newest first, whatever the query says.
  kHybrid,          ///< Relevance first, the newer of equally relevant memories before the older.
};

enum class Role : std::uint8_t { kUser, kAssistant };

/// What happened to a memory. NOOP: an equal one stood there already.
enum class MemoryEvent : std::uint8_t { kAdd, kUpdate, kDelete, kNoop };

/// Public names: 'user', 'semantic_search', 'assistant', 'ADD', ….
std::string_view memory_scope_name(MemoryScope scope);
std::string_view retrieval_strategy_name(RetrievalStrategy strategy);
std::string_view role_name(Role role);
std::string_view memory_event_name(MemoryEvent event);
std::optional<MemoryScope> memory_scope_from_name(std::string_view name);
std::optional<RetrievalStrategy> retrieval_strategy_from_name(std::string_view name);
std::optional<Role> role_from_name(std::string_view name);
std::optional<MemoryEvent> memory_event_from_name(std::string_view name);

/// Who a memory belongs to. A memory is shown to a call if and only if
///   - their user_id is the same (both without one counts as the same);
///   - the call gives no agent_id, or the memory's; the call gives no run_id, or the memory's;
///   - a call without any id sees only memories without any id: the global ones.
struct Identity {
  std::optional<std::string> user_id;
  std::optional<std::string> agent_id;
  std::optional<std::string> run_id;

  [[nodiscard]] bool empty() const { return !user_id && !agent_id && !run_id; }
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// The rule above: whether a call that gives `call` may see a memory stored under `memory`.
bool is_visible(const Identity& memory, const Identity& call);

/// The parts of a score, each in 0..1, and the terms of the query that matched.
struct Explanation {
  double keyword = 0;
  double recency = 0;
  /// From the messages around it; nullopt where the provider does not look at them.
  std::optional<double> context = std::nullopt;
  /// From vectors; nullopt where there are none.
  std::optional<double> semantic = std::nullopt;
  std::vector<std::string> terms;
};

/// A memory as it is found.
struct RetrievedMemory {
  std::string id;
  std::string memory;
  /// 0..1, comparable between queries.
  double score = 1.0;
  Metadata metadata;
  /// Nullopt where a remote provider does not say.
  std::optional<TimestampMs> created_at_ms;
  std::optional<TimestampMs> updated_at_ms;
  Identity identity;
  std::optional<Role> role;
  std::optional<std::string> name;
  std::optional<Explanation> explanation;
};

/// The same, not copied: valid only while it is shown.
struct MemoryView {
  std::string_view id;
  std::string_view memory;
  double score = 1.0;
  /// JSON of an object, or empty.
  std::string_view metadata;
  std::optional<TimestampMs> created_at_ms;
  std::optional<TimestampMs> updated_at_ms;
  std::optional<std::string_view> user_id;
  std::optional<std::string_view> agent_id;
  std::optional<std::string_view> run_id;
  std::optional<std::string_view> name;
  std::optional<Role> role;
  const Explanation* explanation = nullptr;
};
using MemoryVisitor = std::function<void(const MemoryView&)>;

/// The receipt for one memory that a call stored, changed, deleted or found to be there already.
struct StoredMemory {
  std::string id;
  std::string memory;
  MemoryEvent event = MemoryEvent::kAdd;
  Metadata metadata;
};

/// What to change of a memory: its text, its metadata (as a whole), or both.
struct MemoryChange {
  std::optional<std::string> memory;
  std::optional<Metadata> metadata;
};

/// One step of a memory's history.
struct HistoryEntry {
  MemoryEvent event = MemoryEvent::kAdd;
  std::string memory;
  TimestampMs at_ms = 0;
};

/// Set by whoever wants an operation to end early; read by the operation. Shared, single-threaded.
/// An operation that was aborted fails with kAborted and has changed nothing; one whose write is
/// already on its way completes.
class AbortFlag {
 public:
  void request() { requested_ = true; }
  [[nodiscard]] bool requested() const { return requested_; }
  /// Said by the operation when it can no longer be taken back: it will complete.
  void commit() const { committed_ = true; }
  [[nodiscard]] bool committed() const { return committed_; }

 private:
  bool requested_ = false;
  mutable bool committed_ = false;
};
using AbortToken = std::shared_ptr<const AbortFlag>;

/// Options of a search. Defaults are those of MemoryConfig.
struct RetrieveOptions {
  Identity identity;
  /// At least 1.
  std::int64_t top_k = 5;
  /// Keep only memories whose metadata holds all of these.
  Metadata metadata;
  /// Mem0's filter grammar, see `index/filter.hpp`; null for none.
  JsonValue filters;
  RetrievalStrategy strategy = RetrievalStrategy::kSemanticSearch;
  /// 0.0 to 1.0; memories that score less are left out.
  double min_relevance_score = 0.0;
  /// Fill in RetrievedMemory::explanation.
  bool explain = false;
  AbortToken abort;
};

/// Options of a store.
struct StoreOptions {
  Identity identity;
  /// Merged into the metadata of everything stored.
  Metadata metadata;
  /// When the messages were said, where they carry no time of their own. Default: now.
  std::optional<TimestampMs> timestamp_ms;
  /// When the memories end. Default: never.
  std::optional<TimestampMs> expires_at_ms;
  AbortToken abort;
  /// Where it is set a provider may tell it what the result will be as soon as the write is under
  /// way, so that it can be made use of as soon as that succeeds; the result itself is then empty.
  std::function<void(const std::vector<StoredMemory>&)> on_writing = nullptr;
};

/// Options of a listing.
struct ListOptions {
  Identity identity;
  /// At least 1. Default: all.
  std::optional<std::int64_t> limit;
  /// How many to skip; at least 0.
  std::int64_t offset = 0;
  JsonValue filters;
  AbortToken abort;
};

}  // namespace agent_memory
