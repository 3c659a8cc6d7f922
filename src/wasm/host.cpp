// SPDX-License-Identifier: MIT
#include "wasm/host.hpp"

#include <unordered_map>
#include <utility>

#include <emscripten/em_js.h>

#include "wasm/wire.hpp"

// Module.host is given to the module when it is made (js/src/core/load.ts). Bytes are copied out
// before anything else happens: the memory may move when it grows.

// clang-format off: it takes JavaScript's operators apart
EM_JS(void, agent_memory_host_call,
      (std::uint32_t ticket, int target, std::uint32_t id, int method, const char* data,
       std::size_t size),
      { Module["host"]["call"](ticket, target, id, method, HEAPU8.slice(data, data + size)); });
EM_JS(void, agent_memory_host_deliver,
      (std::uint32_t ticket, int ok, const char* data, std::size_t size),
      { Module["host"]["deliver"](ticket, ok !== 0, HEAPU8.subarray(data, data + size)); });
EM_JS(void, agent_memory_host_notify, (std::uint32_t owner, const char* data, std::size_t size),
      { Module["host"]["notify"](owner, HEAPU8.subarray(data, data + size)); });
EM_JS(void, agent_memory_host_progress, (std::uint32_t ticket, double done, double total),
      { Module["host"]["progress"](ticket, done, total); });
EM_JS(double, agent_memory_host_now, (std::uint32_t owner),
      { return Module["host"]["now"](owner); });
EM_JS(std::uint32_t, agent_memory_host_random, (), { return Module["host"]["random"](); });
// clang-format on

namespace agent_memory::wasm {
namespace {

struct Tickets {
  std::uint32_t last = 0;
  std::unordered_map<std::uint32_t, HostCall*> waiting;
};

Tickets& tickets() {
  static Tickets instance;
  return instance;
}

}  // namespace

void HostCall::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  const std::uint32_t ticket = ++tickets().last;
  tickets().waiting.emplace(ticket, this);
  agent_memory_host_call(ticket, static_cast<int>(target_), target_id_, method_, arguments_.data(),
                         arguments_.size());
}

Result<std::string> HostCall::await_resume() {
  if (!ok_) return decode_error(answer_);
  return std::move(answer_);
}

void HostCall::settle(std::uint32_t ticket, bool ok, std::string bytes) {
  const auto found = tickets().waiting.find(ticket);
  if (found == tickets().waiting.end()) return;
  HostCall* call = found->second;
  tickets().waiting.erase(found);
  call->ok_ = ok;
  call->answer_ = std::move(bytes);
  call->waiter_.resume();
}

void host_send(Target target, std::uint32_t target_id, int method, std::string_view arguments) {
  agent_memory_host_call(0, static_cast<int>(target), target_id, method, arguments.data(),
                         arguments.size());
}

void host_deliver(std::uint32_t ticket, bool ok, std::string_view json) {
  agent_memory_host_deliver(ticket, ok ? 1 : 0, json.data(), json.size());
}

void host_notify(std::uint32_t owner, std::string_view json) {
  agent_memory_host_notify(owner, json.data(), json.size());
}

void host_progress(std::uint32_t ticket, double done, double total) {
  agent_memory_host_progress(ticket, done, total);
}

double host_now(std::uint32_t owner) { return agent_memory_host_now(owner); }

std::uint64_t host_random() {
  const std::uint64_t high = agent_memory_host_random();
  return (high << 32U) | agent_memory_host_random();
}

}  // namespace agent_memory::wasm
