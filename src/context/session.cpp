// SPDX-License-Identifier: MIT
#include "agent_memory/session.hpp"

#include <algorithm>
#include <utility>

#include "base/time.hpp"
#include "base/utf8.hpp"
#include "context/fail_open.hpp"
#include "messages/inject.hpp"
#include "messages/memory_block.hpp"
#include "messages/parse.hpp"

namespace agent_memory {
namespace {

// A question is in the first lines of what a user pastes; the rest would only cost time.
constexpr std::size_t kMaxQueryBytes = 16384;

/// FNV-1a, 64 bits, over role and text. A collision costs one message its storing, once in 2^64.
std::uint64_t fingerprint(const SpokenMessage& message) {
  std::uint64_t value = 0xCBF29CE484222325U;
  const auto mix = [&](char byte) {
    value = (value ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3U;
  };
  mix(message.role == Role::kUser ? 'u' : 'a');
  for (const char byte : message.text)
    mix(byte);
  return value;
}

/// How many of the first of `current` were there before: the last of `seen` (a caller who passes
/// the whole history, or a window of it) or most of `seen` (a history whose end was rewritten:
/// `seen` forgets the end that it had). A caller who passes only new messages repeats none; one who
/// says again what came first is heard again, for storing twice does no harm and dropping would.
std::size_t match_known(std::vector<std::uint64_t>& seen,
                        const std::vector<std::uint64_t>& current) {
  for (std::size_t length = std::min(seen.size(), current.size()); length > 0; --length) {
    if (std::equal(current.begin(), current.begin() + static_cast<std::ptrdiff_t>(length),
                   seen.end() - static_cast<std::ptrdiff_t>(length))) {
      return length;
    }
  }
  const auto common = std::mismatch(seen.begin(), seen.end(), current.begin(), current.end());
  const auto length = static_cast<std::size_t>(common.first - seen.begin());
  if (length < 2 || length < seen.size() / 2) return 0;
  seen.resize(length);
  return length;
}

/// What to search for: the beginning of what was said, from its first word on.
std::string query_from(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return std::string(truncate_utf8(text, kMaxQueryBytes));
}

/// Whether trying again would end the same way.
bool is_refusal(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kNotImplemented;
}

Error too_long(const SpokenMessage& message) {
  return Error::invalid("messages[" + std::to_string(message.source) + "]",
                        "must be at most " + std::to_string(kMaxTextBytes) +
                            " bytes to be remembered, got " + std::to_string(message.text.size()));
}

JsonValue to_chat_message(const SpokenMessage& message) {
  JsonObject out{{"role", role_name(message.role)}, {"content", message.text}};
  if (message.name) out.push_back({"name", *message.name});
  if (message.time_ms) out.push_back({"timestamp", format_iso8601(*message.time_ms)});
  return out;
}

}  // namespace

MemorySession::MemorySession(std::shared_ptr<MemoryProvider> provider, MemoryContextOptions options)
    : provider_(std::move(provider)), options_(std::move(options)) {}

bool MemorySession::absorb(const Error& error, std::string_view operation) const {
  return fails_open(options_, error, operation);
}

Result<Identity> MemorySession::scoped_identity(bool storing) const {
  const Identity& given = options_.identity;
  if (auto checked = validate(given); !checked) return std::move(checked).error();
  if (auto checked = validate(options_.config); !checked) return std::move(checked).error();
  const auto missing = [&](std::string_view field) {
    return Error::invalid(std::string(field), std::string("must be given for the scope '")
                                                  .append(memory_scope_name(options_.config.scope))
                                                  .append("'"));
  };
  Identity out;
  switch (options_.config.scope) {
    case MemoryScope::kUser:
      if (!given.user_id) return missing("user_id");
      out = given;
      if (!storing) out.agent_id = out.run_id = std::nullopt;
      return out;
    case MemoryScope::kRun:
      if (!given.run_id) return missing("run_id");
      out.user_id = given.user_id;
      out.run_id = given.run_id;
      return out;
    case MemoryScope::kAgent:
      if (!given.agent_id) return missing("agent_id");
      out.agent_id = given.agent_id;
      return out;
    case MemoryScope::kGlobal:
      return out;
  }
  __builtin_trap();
}

Async<PreparedRequest> MemorySession::before_model_request(JsonValue messages) {
  constexpr std::string_view kOperation = "before_model_request";
  Result<Identity> identity = scoped_identity(false);
  if (!identity) co_return std::move(identity).error();
  const Result<std::vector<SpokenMessage>> spoken = parse_messages(messages, LongTexts::kKeep);
  if (!spoken) co_return spoken.error();
  const JsonArray* list = messages.if_array();
  if (list == nullptr) co_return Error::invalid("messages", "must be an array");
  const auto last_user =
      std::find_if(spoken->rbegin(), spoken->rend(),
                   [](const SpokenMessage& each) { return each.role == Role::kUser; });
  if (!options_.config.auto_retrieve || last_user == spoken->rend()) co_return PreparedRequest{};

  RetrieveOptions options{.identity = *std::move(identity),
                          .top_k = options_.config.top_k,
                          .metadata = {},
                          .filters = {},
                          .strategy = options_.config.retrieval_strategy,
                          .min_relevance_score = options_.config.min_relevance_score,
                          .explain = false,
                          .abort = nullptr};
  std::string query = query_from(last_user->text);
  Result<std::vector<RetrievedMemory>> found =
      co_await provider_->retrieve_memories(std::move(query), std::move(options));
  if (!found) {
    if (absorb(found.error(), kOperation)) co_return PreparedRequest{};
    co_return std::move(found).error();
  }
  PreparedRequest request;
  request.prompt = format_memory_block(*found);
  request.edits =
      inject_memory_block(*list, request.prompt, options_.config.memory_summary_in_system);
  request.memories = *std::move(found);
  co_return request;
}

Result<void> MemorySession::note_new(const JsonValue& messages) {
  const Result<std::vector<SpokenMessage>> spoken = parse_messages(messages, LongTexts::kKeep);
  if (!spoken) return spoken.error();
  std::vector<std::uint64_t> fingerprints;
  fingerprints.reserve(spoken->size());
  for (const SpokenMessage& message : *spoken)
    fingerprints.push_back(fingerprint(message));
  for (std::size_t i = match_known(seen_, fingerprints); i < spoken->size(); ++i) {
    seen_.push_back(fingerprints[i]);
    const SpokenMessage& message = (*spoken)[i];
    if (message.text.size() <= kMaxTextBytes) {
      waiting_.push_back(to_chat_message(message));
    } else if (options_.on_error) {
      // Somebody pasted a file: no reason to end the agent's run, or to lose what else was said.
      options_.on_error(too_long(message), "after_run");
    }
  }
  return {};
}

Async<std::vector<StoredMemory>> MemorySession::after_run(JsonValue messages) {
  Result<Identity> identity = scoped_identity(true);
  if (!identity) co_return std::move(identity).error();
  if (!options_.config.auto_store) co_return std::vector<StoredMemory>();
  Result<void> noted = note_new(messages);
  if (!noted) co_return std::move(noted).error();
  ++turns_;
  const bool due = turns_ % options_.config.store_after_turns == 0;
  if (!due && !retries_) co_return std::vector<StoredMemory>();
  Result<std::vector<StoredMemory>> stored = co_await store_waiting("after_run");
  co_return stored;
}

Async<std::vector<StoredMemory>> MemorySession::flush() {
  Result<std::vector<StoredMemory>> stored = co_await store_waiting("flush");
  co_return stored;
}

Async<std::vector<StoredMemory>> MemorySession::store_waiting(std::string operation) {
  Result<Identity> identity = scoped_identity(true);
  if (!identity) co_return std::move(identity).error();
  if (waiting_.empty()) co_return std::vector<StoredMemory>();
  JsonArray batch = std::exchange(waiting_, {});
  retries_ = false;
  const StoreOptions options{.identity = *std::move(identity),
                             .metadata = options_.config.metadata,
                             .timestamp_ms = std::nullopt,
                             .expires_at_ms = std::nullopt,
                             .abort = nullptr};
  std::vector<StoredMemory> all;
  bool one_by_one = false;
  while (!batch.empty()) {
    JsonArray now = one_by_one ? JsonArray{batch.front()} : batch;
    Result<std::vector<StoredMemory>> stored =
        co_await provider_->store_memories(std::move(now), options);
    const bool is_refused = !stored && is_refusal(stored.error());
    if (is_refused && !one_by_one && batch.size() > 1 &&
        stored.error().code == ErrorCode::kInvalidArgument) {
      one_by_one = true;  // one of them may be at fault, and not the others
      continue;
    }
    if (stored || is_refused) {
      batch.erase(batch.begin(), one_by_one ? batch.begin() + 1 : batch.end());
    }
    if (stored) {
      all.insert(all.end(), stored->begin(), stored->end());
      continue;
    }
    const bool is_absorbed = absorb(stored.error(), operation);
    if (is_refused && is_absorbed) continue;
    waiting_.insert(waiting_.begin(), batch.begin(), batch.end());
    retries_ = !batch.empty();
    if (is_absorbed) co_return all;
    co_return stored;
  }
  co_return all;
}

}  // namespace agent_memory
