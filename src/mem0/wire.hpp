// SPDX-License-Identifier: MIT
#pragma once

// What is said over HTTP: our calls as requests of either API, and answers read. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/mem0_provider.hpp"

#include "mem0/retry.hpp"

namespace agent_memory::mem0 {

// -------------------------------------------------------------------------------------- requests

/// A request, but for what all have in common.
struct Call {
  std::string method;
  /// With the query; starts with a slash.
  std::string path;
  std::optional<JsonObject> body = std::nullopt;
  /// The memory that it is about, if it is about one.
  std::string memory_id = {};
  Repeat repeat = Repeat::kHarmless;
  /// Whether it changes something: then it is not given up half way.
  bool is_write = false;
  /// Whether it asks for a page that need not be there.
  bool is_further_page = false;
};

/// The request as it goes out: only headers that are needed, so that a browser's preflight asks for
/// as little as may be.
HttpRequest to_request(const Mem0ProviderOptions& options, const Call& call, AbortToken abort);

/// How many memories one page of the platform has; it has so many by itself.
inline constexpr std::int64_t kPageSize = 100;
/// What one answer of either API can hold at most.
inline constexpr std::int64_t kMaxResults = 1000;
/// Messages in one add, and their text in bytes. Mem0 publishes no limit of either: these keep one
/// extraction to what a model reads well.
inline constexpr std::size_t kMaxMessagesPerAdd = 100;
inline constexpr std::size_t kMaxBytesPerAdd = std::size_t{256} << 10;
/// Memories in one batch of the platform.
inline constexpr std::size_t kMaxBatch = 1000;

// Each checks its arguments, and fails with kInvalidArgument where the API has no way to say them.

/// A search by relevance.
Result<Call> search_call(const Mem0ProviderOptions& options, const std::string& query,
                         const RetrieveOptions& search);
/// One page of a list; of a self-hosted server, which has no pages, all that it lists. `metadata`
/// must be held by every memory.
Result<Call> list_call(const Mem0ProviderOptions& options, const Identity& identity,
                       const Metadata& metadata, const JsonValue& filters, std::int64_t page);
Result<Call> get_call(const Mem0ProviderOptions& options, const std::string& memory_id);
Result<Call> history_call(const Mem0ProviderOptions& options, const std::string& memory_id);
Result<Call> delete_call(const Mem0ProviderOptions& options, const std::string& memory_id);
Result<Call> update_call(const Mem0ProviderOptions& options, const std::string& memory_id,
                         const MemoryChange& change);
/// Nullopt where one request cannot say it: of several ids the platform looks at one.
Result<std::optional<Call>> delete_all_call(const Mem0ProviderOptions& options,
                                            const Identity& identity);
/// At most kMaxBatch ids; the platform only.
Call delete_batch_call(const std::vector<std::string>& memory_ids);
/// The platform only.
Call event_call(const std::string& event_id);

/// A part of what is to be stored, small enough for one request.
struct AddBatch {
  Call call;
  /// Which of the caller's messages: from `first` to `last`.
  std::size_t first = 0;
  std::size_t last = 0;
};
/// What is said in `messages`, in order, as requests. Without anything said: none. Messages that
/// are kept as they are and were said at different times go in different requests, for each has one
/// time; of a conversation that facts are taken from, the time is that of its last message.
Result<std::vector<AddBatch>> add_batches(const Mem0ProviderOptions& options,
                                          const MessageInput& messages, const StoreOptions& store);

// --------------------------------------------------------------------------------------- answers

/// An answer, whatever it says.
struct Answer {
  int status = 0;
  /// Null where `is_json` is false.
  JsonValue body;
  bool is_json = false;
  /// Whether it says nothing at all.
  bool is_empty = false;
  /// What a person would be shown: of an error, what the server says about it, without secrets and
  /// not long.
  std::string text;
  /// `code` in the body; empty without.
  std::string code;
  /// The Retry-After header.
  std::string retry_after;
  /// Whether an attempt before this one may have done what was asked.
  bool in_doubt = false;

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

/// `text` without the key, and without what the caller's headers say.
std::string redacted(const Mem0ProviderOptions& options, std::string text);

Answer read_answer(const Mem0ProviderOptions& options, const HttpResponse& response);

/// The error that an answer is that was not `ok`.
Error error_of(const Answer& answer);
/// Whether it says that there is no such memory (never where none is asked for): 404 with words to
/// that effect (another 404 is a wrong address), or what the APIs say of an id that is none of
/// theirs.
bool is_missing(const Answer& answer, std::string_view memory_id);
/// Whether it says that there is no such page, of a call that asks for one.
bool is_past_the_end(const Answer& answer);
/// Fails where it is no JSON: that is what is wrong with it.
Result<void> require_json(const Answer& answer);

struct Page {
  std::vector<RetrievedMemory> memories;
  bool has_more = false;
};
/// Memories in any of the shapes that Mem0 had over time: {results}, {memories}, or an array.
/// kProvider, naming the place, where one has no id or text; what else is of another type counts as
/// not said.
Result<Page> read_page(const Answer& answer);
/// One memory, or null.
Result<std::optional<RetrievedMemory>> read_memory(const Answer& answer);
/// Oldest first.
Result<std::vector<HistoryEntry>> read_history(const Answer& answer);

/// What became of an add.
struct AddResult {
  std::vector<StoredMemory> stored;
  /// Where it is not over: whom to ask.
  std::vector<std::string> pending_events;
};
/// kProvider where it failed. `metadata` is what was sent along.
Result<AddResult> read_add(const Answer& answer, const Metadata& metadata);
/// Of the event: nullopt where it is not over.
Result<std::optional<std::vector<StoredMemory>>> read_event(const Answer& answer,
                                                            const Metadata& metadata);
/// Whom to ask whether a deletion is over; nullopt where it is.
std::optional<std::string> read_deletion(const Answer& answer);

}  // namespace agent_memory::mem0
