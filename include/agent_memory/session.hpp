// SPDX-License-Identifier: MIT
#pragma once

// MemorySession: the agent's loop. Makes every field of MemoryConfig do what it says.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/context.hpp"

namespace agent_memory {

/// One change to a list of messages, to be made in order. Either a message is inserted before
/// `index`, or `field` of the message at `index` becomes `value`.
struct MessageEdit {
  std::size_t index = 0;
  /// Set for a replacement of one field; nullopt for an insertion, whose message is `value`.
  std::optional<std::string> field;
  JsonValue value;
};

/// What a model request should carry.
struct PreparedRequest {
  std::vector<MessageEdit> edits;
  std::vector<RetrievedMemory> memories;
  /// The memory block as it stands in the messages; empty where nothing was remembered.
  std::string prompt;
};

/// `messages` with the edits made, in order.
JsonArray apply_edits(JsonArray messages, const std::vector<MessageEdit>& edits);

/// `scope` decides which ids hold:
///   kUser: user_id for retrieving, with agent_id and run_id noted when storing;
///   kRun: run_id, and user_id if there is one;
///   kAgent: agent_id alone, knowledge that all its users share;
///   kGlobal: none.
/// A missing id is kInvalidArgument, and so are malformed messages; one that is too long to be a
/// memory is left out and told to `on_error`. Whatever the provider answers
/// fails open as in MemoryContext (messages unchanged, nothing stored); what could not be stored
/// stays waiting and is tried again with the next turn. What the provider refuses for good
/// (kInvalidArgument, kNotImplemented) is told and dropped: of several messages those that it
/// refuses alone. Calls may overlap.
class MemorySession {
 public:
  MemorySession(std::shared_ptr<MemoryProvider> provider, MemoryContextOptions options);

  /// Before each model request. Searches for what the last user message says, unless
  /// `auto_retrieve` is off.
  Async<PreparedRequest> before_model_request(JsonValue messages);
  /// After each run: counts a turn and, every `store_after_turns` turns, stores what is new. Takes
  /// the whole history or only its new messages. Never stores what was injected.
  Async<std::vector<StoredMemory>> after_run(JsonValue messages);
  /// Stores what is still waiting for `store_after_turns`.
  Async<std::vector<StoredMemory>> flush();

 private:
  /// What is new in `messages` since the last call, waiting to be stored.
  Result<void> note_new(const JsonValue& messages);
  Async<std::vector<StoredMemory>> store_waiting(std::string operation);
  /// The ids that hold, or which one is missing.
  [[nodiscard]] Result<Identity> scoped_identity(bool storing) const;
  [[nodiscard]] bool absorb(const Error& error, std::string_view operation) const;

  std::shared_ptr<MemoryProvider> provider_;
  MemoryContextOptions options_;
  /// Fingerprints of all messages that were noted, oldest first.
  std::vector<std::uint64_t> seen_;
  JsonArray waiting_;
  /// Whether the last try to store failed: the next turn tries again.
  bool retries_ = false;
  std::int64_t turns_ = 0;
};

}  // namespace agent_memory
