// SPDX-License-Identifier: MIT
#pragma once

// An operation that JavaScript starts: its arguments in, its result out. What bindings of whatever
// module have in common.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/detached.hpp"
#include "wasm/host.hpp"
#include "wasm/host_ports.hpp"
#include "wasm/wire.hpp"

namespace agent_memory::wasm {

/// What JavaScript may ask for. Kept in step with js/src/core/module.ts.
enum class Request : std::uint32_t { kReserve, kSettle, kAbort, kChanged, kHear, kOperation };

/// Where JavaScript may write so many bytes, for `incoming()`. Megabytes that are overwritten need
/// no zeros before.
inline std::uint32_t reserve_incoming(std::uint32_t bytes) {
  incoming().resize_and_overwrite(bytes, [](char*, std::size_t size) { return size; });
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(incoming().data()));
}

/// One call of JavaScript's.
template <typename Object>
struct CallOn {
  std::uint32_t ticket;
  std::uint32_t id;
  bool has_signal;
  /// A copy, so that it lives as long as the operation.
  Object object;
  JsonArray arguments;

  [[nodiscard]] AbortToken abort() const {
    return has_signal ? std::make_shared<OperationAbort>(ticket) : nullptr;
  }
  JsonValue& argument(std::size_t index) {
    while (arguments.size() <= index)
      arguments.emplace_back();
    return arguments[index];
  }
};

inline void deliver_error(std::uint32_t ticket, const Error& error) {
  Packer out;
  pack(out, error);
  host_deliver(ticket, Delivery::kError, out);
}

template <typename T>
void deliver(std::uint32_t ticket, const T& value) {
  Packer out;
  pack(out, value);
  host_deliver(ticket, Delivery::kResult, out);
}

template <typename T>
void deliver_result(AnyTask& task, std::uint32_t ticket) {
  const auto result = task.take_as<Result<T>>();
  if (!result) return deliver_error(ticket, result.error());
  if constexpr (std::is_void_v<T>) {
    deliver(ticket, std::optional<bool>());
  } else {
    deliver(ticket, *result);
  }
}

/// Runs an operation to its end and delivers its result. `owner` is what it works on.
template <typename Object>
Detached drive(std::uint32_t ticket, [[maybe_unused]] Object owner, AnyTask task,
               void (*deliver_to)(AnyTask& done, std::uint32_t ticket)) {
  co_await task;
  deliver_to(task, ticket);
}

template <typename T, typename Object>
Result<void> run(CallOn<Object>& call, Async<T> task) {
  drive(call.ticket, std::move(call.object), std::move(task), &deliver_result<T>);
  return {};
}

}  // namespace agent_memory::wasm
