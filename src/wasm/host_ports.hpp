// SPDX-License-Identifier: MIT
#pragma once

// The core's ports, answered by JavaScript.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent_memory/agent_memory.hpp"

namespace agent_memory::wasm {

/// An abort flag that knows which JavaScript operation it belongs to, so that a JavaScript
/// provider can be given that operation's own signal. Every flag in this room is one.
class OperationAbort final : public AbortFlag {
 public:
  explicit OperationAbort(std::uint32_t ticket);
  OperationAbort(const OperationAbort&) = delete;
  OperationAbort& operator=(const OperationAbort&) = delete;
  ~OperationAbort();
  [[nodiscard]] std::uint32_t ticket() const { return ticket_; }

  /// Aborts the operation: whether it will change nothing, so that nobody need wait for it.
  static bool abort(std::uint32_t ticket);

 private:
  std::uint32_t ticket_;
  /// All there are, as a list: few.
  OperationAbort* next_;
};

/// The StoragePort that js/src registered under `id`.
std::unique_ptr<StoragePort> make_host_storage(std::uint32_t id, std::string kind);
/// Called by JavaScript when the watched storage `id` was changed elsewhere.
void on_host_storage_changed(std::uint32_t id);

/// The languages of the provider `owner`, as its options describe them: a list of id, stopWords
/// and letters. English is the core's own, and its id is all that is needed.
Result<std::vector<std::shared_ptr<LanguagePort>>> make_host_languages(std::uint32_t owner,
                                                                       const JsonValue& json);

std::shared_ptr<ClockPort> make_host_clock(std::uint32_t owner);
std::shared_ptr<RandomPort> make_host_random(std::uint32_t owner);

/// The JavaScript object that js/src registered as a provider under `id`.
std::shared_ptr<MemoryProvider> make_host_provider(std::uint32_t id);

}  // namespace agent_memory::wasm
