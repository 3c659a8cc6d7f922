// SPDX-License-Identifier: MIT
//
// Mem0's module, which only those load who have a Mem0Provider: the boundary is that of
// bindings.cpp, with few operations behind it and without glue. Its host is js/src/core/mem0.ts.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <emscripten/em_macros.h>

#include "agent_memory/mem0_provider.hpp"

#include "wasm/calls.hpp"
#include "wasm/host.hpp"
#include "wasm/host_ports.hpp"
#include "wasm/packing.hpp"
#include "wasm/wire.hpp"

namespace agent_memory::wasm {
namespace {

// ------------------------------------------------------------------------------------------ ports

std::string for_operation(const AbortToken& abort) {
  std::string packed;
  put_u32(packed, abort ? static_cast<const OperationAbort&>(*abort).ticket() : 0);
  return packed;
}

/// What js/src/core/http.ts answers.
enum class Outcome : std::uint32_t { kAnswered, kUnreachable, kTimeout, kAborted, kTooLong };

class HostHttp final : public HttpPort {
 public:
  explicit HostHttp(std::uint32_t id) : id_(id) {}

  Async<HttpResponse> send(HttpRequest request) override {
    std::string packed = for_operation(request.abort);
    put_u32(packed, static_cast<std::size_t>(request.timeout_ms));
    put_u32(packed, kMaxBodyBytes);
    put_string(packed, request.method);
    put_string(packed, request.url);
    put_u32(packed, request.headers.size());
    for (const HttpHeader& each : request.headers) {
      put_string(packed, each.name);
      put_string(packed, each.value);
    }
    put_u32(packed, request.body ? 1 : 0);
    put_string(packed, request.body.value_or(std::string()));
    Result<std::string> answer = co_await HostCall(
        Target::kPort, id_, static_cast<int>(HttpMethod::kSend), std::move(packed));
    if (!answer) co_return std::move(answer).error();
    Unpacker in(*answer);
    const auto outcome = static_cast<Outcome>(in.u32());
    if (outcome != Outcome::kAnswered) co_return failure(outcome, in.string(), request);
    HttpResponse response;
    response.status = static_cast<int>(in.u32());
    response.content_type = in.string();
    response.retry_after = in.string();
    response.body = in.string();
    co_return std::move(response);
  }

 private:
  static Error failure(Outcome outcome, const std::string& reason, const HttpRequest& request) {
    switch (outcome) {
      case Outcome::kTimeout:
        return {.code = ErrorCode::kTimeout,
                .message = "did not answer within " + std::to_string(request.timeout_ms) + " ms",
                .retryable = true};
      case Outcome::kAborted:
        return {.code = ErrorCode::kAborted, .message = "the operation was aborted"};
      case Outcome::kTooLong:
        return {.code = ErrorCode::kProvider,
                .message = "answered with more than " + std::to_string(kMaxBodyBytes) + " bytes"};
      default:
        return {.code = ErrorCode::kProvider,
                .message = "could not be reached: " + reason,
                .retryable = true};
    }
  }

  std::uint32_t id_;
};

class HostTimer final : public TimerPort {
 public:
  explicit HostTimer(std::uint32_t id) : id_(id) {}

  Task<void> sleep(std::int64_t duration_ms, AbortToken abort) override {
    std::string packed = for_operation(abort);
    put_u32(packed, static_cast<std::size_t>(duration_ms));
    // That it is over is all there is to know, however it ended.
    (void)co_await HostCall(Target::kPort, id_, static_cast<int>(HttpMethod::kSleep),
                            std::move(packed));
  }

 private:
  std::uint32_t id_;
};

// ------------------------------------------------------------------------------------- operations

using Provider = std::shared_ptr<Mem0Provider>;
using Call = CallOn<Provider>;

struct Known {
  std::uint32_t id;
  Provider provider;
};

/// All providers; few.
std::vector<Known>& providers() {
  static std::vector<Known> instance;
  return instance;
}

void pack(Packer& out, const StoreOutcome& outcome) {
  out.object();
  out.key("stored");
  wasm::pack(out, outcome.stored);
  if (outcome.error) {
    out.key("error");
    wasm::pack(out, *outcome.error);
  }
  out.end();
}

void deliver_outcome(AnyTask& task, std::uint32_t ticket) {
  const auto result = task.take_as<Result<StoreOutcome>>();
  if (!result) return deliver_error(ticket, result.error());
  Packer out;
  pack(out, *result);
  host_deliver(ticket, Delivery::kResult, out);
}

/// The names of the keys, as bindings.cpp has them.
Result<void> names(Call& call) {
  deliver(call.ticket, std::vector<std::string>{std::string(kKeys)});
  return {};
}

/// [options]
Result<void> open(Call& call) {
  Mem0ProviderOptions options;
  if (auto decoded = decode(call.argument(0), options); !decoded) return decoded;
  Result<Provider> made = Mem0Provider::make(
      std::move(options), std::make_shared<HostHttp>(call.id), std::make_shared<HostTimer>(call.id),
      make_host_clock(call.id), make_host_random(call.id));
  if (!made) return std::move(made).error();
  providers().push_back({call.id, *std::move(made)});
  deliver(call.ticket, true);
  return {};
}

/// Forgets the provider. What is under way on it ends by itself.
Result<void> free_provider(Call& call) {
  std::erase_if(providers(), [&](const Known& each) { return each.id == call.id; });
  deliver(call.ticket, true);
  return {};
}

/// [query, options]
Result<void> retrieve_memories(Call& call) {
  Result<std::string> query = decode_string(call.argument(0), "query");
  if (!query) return std::move(query).error();
  RetrieveOptions options;
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  options.abort = call.abort();
  return run(call, call.object->retrieve_memories(*std::move(query), std::move(options)));
}

/// [messages, options]
Result<void> store_memories(Call& call) {
  StoreOptions options;
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  options.abort = call.abort();
  auto task = call.object->store_in_batches(std::move(call.argument(0)), std::move(options));
  drive(call.ticket, std::move(call.object), std::move(task), &deliver_outcome);
  return {};
}

/// [options]
Result<void> get_all_memories(Call& call) {
  ListOptions options;
  if (auto decoded = decode(call.argument(0), options); !decoded) return decoded;
  options.abort = call.abort();
  return run(call, call.object->get_all_memories(std::move(options)));
}

/// [id]
Result<void> delete_memory(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object->delete_memory(*std::move(id), call.abort()));
}

/// [id]
Result<void> get_memory(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object->get_memory(*std::move(id), call.abort()));
}

/// [id, change]
Result<void> update_memory(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  MemoryChange change;
  if (auto decoded = decode(call.argument(1), change); !decoded) return decoded;
  return run(call, call.object->update_memory(*std::move(id), std::move(change), call.abort()));
}

/// [id]
Result<void> history(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object->history(*std::move(id), call.abort()));
}

/// [identity]
Result<void> delete_all_memories(Call& call) {
  Identity identity;
  if (auto decoded = decode(call.argument(0), identity); !decoded) return decoded;
  return run(call, call.object->delete_all_memories(std::move(identity), call.abort()));
}

/// By the numbers of js/src/core/module.ts: those that bindings.cpp has too mean the same here.
constexpr Result<void> (*kOperations[])(Call& call) = {
    names,         nullptr,    nullptr,           nullptr,        nullptr,
    free_provider, open,       retrieve_memories, store_memories, get_all_memories,
    delete_memory, get_memory, update_memory,     history,        delete_all_memories,
};

void start(std::uint32_t operation, std::uint32_t id, std::uint32_t ticket, bool has_signal) {
  Call call{ticket, id, has_signal, nullptr, {}};
  for (const Known& each : providers()) {
    if (each.id == id) call.object = each.provider;
  }
  JsonValue arguments = unpack(std::exchange(incoming(), {}));
  if (JsonArray* list = arguments.if_array()) call.arguments = std::move(*list);
  const Result<void> started = kOperations[operation](call);
  if (!started) deliver_error(ticket, started.error());
}

}  // namespace
}  // namespace agent_memory::wasm

/// The one crossing from JavaScript; see bindings.cpp.
extern "C" EMSCRIPTEN_KEEPALIVE std::uint32_t request(std::uint32_t what, std::uint32_t id,
                                                      std::uint32_t ticket,
                                                      std::uint32_t argument) {
  using namespace agent_memory::wasm;
  switch (static_cast<Request>(what)) {
    case Request::kReserve:
      return reserve_incoming(argument);
    case Request::kSettle:
      HostCall::settle(ticket, argument != 0);
      return 0;
    case Request::kAbort:
      return OperationAbort::abort(ticket) ? 1 : 0;
    case Request::kChanged:
    case Request::kHear:
      return 0;
    case Request::kOperation:
      break;
  }
  start(what - static_cast<std::uint32_t>(Request::kOperation), id, ticket, argument != 0);
  return 0;
}
