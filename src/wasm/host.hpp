// SPDX-License-Identifier: MIT
#pragma once

// The JavaScript side, as this side sees it: calls that are answered later, and calls that are
// not. Everything in flight is a number; nothing here holds a JavaScript object.

#include <coroutine>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent_memory/result.hpp"

#include "wasm/values.hpp"

namespace agent_memory::wasm {

/// Kept in step with js/src/core/bridge.ts.
enum class Target : int { kStorage = 0, kProvider = 1, kPort = 2 };
enum class StorageMethod : int {
  kGet = 0,
  kWrite = 1,
  kScan = 2,
  kTryLock = 3,
  kUnlock = 4,
  kWatch = 5,
  kClose = 6,
  kStage = 7,
  kPause = 8,
};
enum class ProviderMethod : int { kRetrieve = 0, kStore = 1, kGetAll = 2, kDelete = 3 };
/// Kept in step with js/src/core/http.ts. What is sent begins with the operation that it is for, 0
/// for none: the port is given that one's signal.
enum class HttpMethod : int { kSend = 0, kSleep = 1 };

/// What JavaScript hands over: it asks for room, writes there and then calls; the callee takes it.
std::string& incoming();

/// A call to a JavaScript port, awaited: its answer's bytes, or the error that JavaScript made of
/// a rejection. Several may be under way.
class HostCall {
 public:
  /// `arguments` are copied before await_suspend is over; `text` belongs to packed ones.
  HostCall(Target target, std::uint32_t target_id, int method, std::string arguments,
           std::string text = {})
      : target_(target),
        target_id_(target_id),
        method_(method),
        arguments_(std::move(arguments)),
        text_(std::move(text)) {}
  HostCall(const HostCall&) = delete;
  HostCall& operator=(const HostCall&) = delete;
  ~HostCall();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  Result<std::string> await_resume();

  /// Called by JavaScript when the answer is there, in `incoming()`. An unknown ticket is ignored.
  static void settle(std::uint32_t ticket, bool ok);

 private:
  Target target_;
  std::uint32_t target_id_;
  int method_;
  std::string arguments_;
  std::string text_;
  std::uint32_t ticket_ = 0;
  std::coroutine_handle<> waiter_;
  bool ok_ = false;
  std::string answer_;
  /// The calls that wait are a list: there are few.
  HostCall* next_ = nullptr;
};

/// A call that nobody waits for.
void host_send(Target target, std::uint32_t target_id, int method, std::string_view arguments);
/// What becomes of the operation that JavaScript started under `ticket`: its error, its result, or
/// what its result will be unless it fails. Kept in step with js/src/core/bridge.ts.
enum class Delivery : int { kError = 0, kResult = 1, kExpected = 2 };
void host_deliver(std::uint32_t ticket, Delivery delivery, const Packer& value);
/// An event of the provider or context that JavaScript made under `owner`.
void host_notify(std::uint32_t owner, const Packer& event);
/// Progress of the operation under `ticket`.
void host_progress(std::uint32_t ticket, double done, double total);
/// The clock that the provider was opened with.
double host_now(std::uint32_t owner);
/// Drawn for the provider `owner`.
std::uint64_t host_random(std::uint32_t owner);
/// Stems the first `size` of the 64 bytes at `word`, in their place, with the language that
/// JavaScript has under `number` for the provider `owner`. How long the stem is.
std::size_t host_stem(std::uint32_t owner, std::uint32_t number, char* word, std::size_t size);

}  // namespace agent_memory::wasm
