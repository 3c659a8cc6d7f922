// SPDX-License-Identifier: MIT
#pragma once

// Mem0Provider: memory in Mem0, on its hosted platform or on a server of one's own, over HTTP.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/ports.hpp"
#include "agent_memory/provider.hpp"

namespace agent_memory {

/// Mem0's two HTTP APIs, which share neither paths nor shapes.
enum class Mem0Api : std::uint8_t { kPlatform, kSelfHosted };

inline constexpr std::string_view kMem0PlatformUrl = "https://api.mem0.ai";

struct Mem0ProviderOptions {
  /// Of the platform, or of a self-hosted server. Empty: none is sent; a proxy, or `headers`, has
  /// it. Printable ASCII. Never in a message.
  std::string api_key = {};
  /// Absolute, or a path where the host has a page. What lies behind it is that of the API.
  std::string base_url = std::string(kMem0PlatformUrl);
  Mem0Api api = Mem0Api::kPlatform;
  /// Sent with every request, over those that it has by itself. Their values are never in a
  /// message.
  std::vector<HttpHeader> headers = {};
  /// Per attempt; 1 to 10 minutes.
  std::int64_t timeout_ms = 10'000;
  /// After the first attempt, for failures that may pass; 0 to 10.
  std::int64_t max_retries = 2;
  /// Let Mem0 extract facts, or keep the messages as they are.
  bool infer = true;
  /// Wait until an accepted add is done, or answer at once with what is there.
  bool wait_for_completion = true;
};

/// Fails with kInvalidArgument on the first field outside its bounds.
Result<void> validate(const Mem0ProviderOptions& options);

/// What came of storing: long messages go in several requests, and one may fail where others did
/// not.
struct StoreOutcome {
  std::vector<StoredMemory> stored;
  /// What kept the rest from being stored; its message says which messages those are.
  std::optional<Error> error;
};

/// What our calls mean on Mem0, and what cannot be said there, is in docs/mem0.md. In short: an
/// identity has at least one id, and each id narrows; kHybrid is kSemanticSearch with the newer of
/// equal scores first; kRecency lists; what one API has no way to say is kInvalidArgument.
///
/// At most kMaxInFlight requests are under way at once; further ones wait their turn. What fails in
/// a way that may pass is tried again, with growing pauses; an add only if it was refused, or where
/// adding twice does no harm. Aborting ends a wait or a request, unless it is one that changes
/// something: that is waited for.
///
/// Fails with kUnauthorized, kRateLimited, kTimeout, or kProvider; `status` is the HTTP status.
class Mem0Provider : public BaseMemoryProvider {
 public:
  static constexpr std::uint32_t kMaxInFlight = 4;

  /// Asks nobody anything. kInvalidArgument where an option is out of bounds.
  static Result<std::shared_ptr<Mem0Provider>> make(Mem0ProviderOptions options,
                                                    std::shared_ptr<HttpPort> http,
                                                    std::shared_ptr<TimerPort> timer,
                                                    std::shared_ptr<ClockPort> clock,
                                                    std::shared_ptr<RandomPort> random);

  /// `store_memories` with what was stored even where something was not. Fails only where nothing
  /// was.
  virtual Async<StoreOutcome> store_in_batches(MessageInput messages, StoreOptions options) = 0;
  /// False where there was no such memory.
  virtual Async<bool> delete_memory(std::string memory_id, AbortToken abort) = 0;
  Async<bool> delete_memory(std::string memory_id) override {
    return delete_memory(std::move(memory_id), nullptr);
  }
  /// The memory, whoever's it is, or nullopt.
  virtual Async<std::optional<RetrievedMemory>> get_memory(std::string memory_id,
                                                           AbortToken abort) = 0;
  /// Changes text, metadata (as a whole) or both. kNotFound where there is no such memory.
  virtual Async<StoredMemory> update_memory(std::string memory_id, MemoryChange change,
                                            AbortToken abort) = 0;
  /// What happened to one memory, oldest first. Empty where the id was never seen.
  virtual Async<std::vector<HistoryEntry>> history(std::string memory_id, AbortToken abort) = 0;
  /// Deletes all that the identity sees. Refuses one without ids.
  virtual Async<void> delete_all_memories(Identity identity, AbortToken abort) = 0;
};

}  // namespace agent_memory
