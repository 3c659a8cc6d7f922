// SPDX-License-Identifier: MIT
#include "wasm/host.hpp"

#include <utility>

#include <emscripten/em_js.h>

#include "base/json.hpp"
#include "wasm/wire.hpp"

// The host is given to the module when it is made (js/src/core); it reads the memory by itself. It
// does so before anything else happens: the memory may move when it grows.
//
// HOST_METHOD(type, name, method, parameters, arguments): in a module with Emscripten's glue
// `Module.host` has the method, in one without it is imported as it is.
// NOLINTBEGIN(bugprone-macro-parentheses): a type and parameters cannot be in parentheses
#ifdef AGENT_MEMORY_NO_GLUE
#define HOST_METHOD(type, name, method, parameters, arguments) \
  extern "C" __attribute__((import_module("host"), import_name(#method))) type name parameters;
#else
#define HOST_METHOD(type, name, method, parameters, arguments) \
  EM_JS(type, name, parameters, { return Module["host"][#method] arguments; });
#endif
// NOLINTEND(bugprone-macro-parentheses)

HOST_METHOD(void, agent_memory_host_call, call,
            (std::uint32_t ticket, int target, std::uint32_t id, int method, const char* values,
             std::size_t size, const char* text, std::size_t text_size),
            (ticket, target, id, method, values, size, text, text_size))
HOST_METHOD(void, agent_memory_host_deliver, deliver,
            (std::uint32_t ticket, int delivery, const char* values, const char* text,
             std::size_t text_size),
            (ticket, delivery, values, text, text_size))
HOST_METHOD(void, agent_memory_host_notify, notify,
            (std::uint32_t owner, const char* values, const char* text, std::size_t text_size),
            (owner, values, text, text_size))
HOST_METHOD(void, agent_memory_host_progress, progress,
            (std::uint32_t ticket, double done, double total), (ticket, done, total))
HOST_METHOD(int, agent_memory_host_parse, parse, (const char* text, std::size_t size), (text, size))
HOST_METHOD(double, agent_memory_host_now, now, (std::uint32_t owner), (owner))
HOST_METHOD(std::size_t, agent_memory_host_stem, stem,
            (std::uint32_t owner, std::uint32_t number, char* word, std::size_t size),
            (owner, number, word, size))
HOST_METHOD(std::uint32_t, agent_memory_host_random, random, (std::uint32_t owner), (owner))

namespace agent_memory {

/// In place of the definition in base/json.cpp: the platform reads JSON, so that the download need
/// not bring a second reader along. Of what is not JSON it does not say where.
Result<JsonValue> parse_json(std::string_view text) {
  const int depth = agent_memory_host_parse(text.data(), text.size());
  if (depth > 0) return wasm::unpack(std::exchange(wasm::incoming(), {}));
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = depth == 0 ? std::string("is not JSON") : too_deep()};
}

namespace wasm {
namespace {

std::uint32_t last_ticket = 0;
HostCall* waiting = nullptr;

}  // namespace

std::string& incoming() {
  static std::string bytes;
  return bytes;
}

void HostCall::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  ticket_ = ++last_ticket;
  next_ = std::exchange(waiting, this);
  const std::string arguments = std::move(arguments_);
  const std::string text = std::move(text_);
  agent_memory_host_call(ticket_, static_cast<int>(target_), target_id_, method_, arguments.data(),
                         arguments.size(), text.data(), text.size());
}

Result<std::string> HostCall::await_resume() {
  if (!ok_) return decode_error(unpack(answer_));
  return std::move(answer_);
}

HostCall::~HostCall() {
  for (HostCall** at = &waiting; *at != nullptr; at = &(*at)->next_) {
    if (*at != this) continue;
    *at = next_;
    return;
  }
}

void HostCall::settle(std::uint32_t ticket, bool ok) {
  for (HostCall** at = &waiting; *at != nullptr; at = &(*at)->next_) {
    HostCall* call = *at;
    if (call->ticket_ != ticket) continue;
    *at = call->next_;
    call->ok_ = ok;
    call->answer_ = std::exchange(incoming(), {});
    return call->waiter_.resume();
  }
}

void host_send(Target target, std::uint32_t target_id, int method, std::string_view arguments) {
  agent_memory_host_call(0, static_cast<int>(target), target_id, method, arguments.data(),
                         arguments.size(), nullptr, 0);
}

void host_deliver(std::uint32_t ticket, Delivery delivery, const Packer& value) {
  agent_memory_host_deliver(ticket, static_cast<int>(delivery), value.values().data(),
                            value.text().data(), value.text().size());
}

void host_notify(std::uint32_t owner, const Packer& event) {
  agent_memory_host_notify(owner, event.values().data(), event.text().data(), event.text().size());
}

void host_progress(std::uint32_t ticket, double done, double total) {
  agent_memory_host_progress(ticket, done, total);
}

double host_now(std::uint32_t owner) { return agent_memory_host_now(owner); }

std::size_t host_stem(std::uint32_t owner, std::uint32_t number, char* word, std::size_t size) {
  return agent_memory_host_stem(owner, number, word, size);
}

std::uint64_t host_random(std::uint32_t owner) {
  const std::uint64_t high = agent_memory_host_random(owner);
  return (high << 32U) | agent_memory_host_random(owner);
}

}  // namespace wasm
}  // namespace agent_memory
