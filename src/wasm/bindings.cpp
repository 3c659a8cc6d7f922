// SPDX-License-Identifier: MIT
//
// What JavaScript sees of the core: one function, bound once. It names an operation, the object
// that it works on and a ticket; the arguments lie in `incoming()`, packed, and the result is
// delivered under the ticket. js/src/core/module.ts has the numbers.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <emscripten/bind.h>

#include "agent_memory/agent_memory.hpp"

#include "base/detached.hpp"
#include "wasm/calls.hpp"
#include "wasm/host.hpp"
#include "wasm/host_ports.hpp"
#include "wasm/wire.hpp"

namespace agent_memory::wasm {
namespace {

// --------------------------------------------------------------------------------------- objects

/// What JavaScript knows under a number: a provider, a context or a session, with all that is
/// needed to answer for it.
struct Object {
  std::uint32_t id = 0;
  /// Of a provider: itself, as contexts and sessions take it.
  std::shared_ptr<MemoryProvider> provider;
  /// The same, of a local one.
  std::shared_ptr<LocalProvider> local;
  std::shared_ptr<MemoryContext> context;
  std::shared_ptr<MemorySession> session;
  /// Of a local provider: whether anybody listens to what changes. Those from elsewhere may be a
  /// reason for maintenance, and are told in any case.
  bool is_heard = true;
};

/// All objects; few.
std::vector<Object>& objects() {
  static std::vector<Object> instance;
  return instance;
}

/// The object with that number, or one that is nothing.
Object find_object(std::uint32_t id) {
  for (const Object& each : objects()) {
    if (each.id == id) return each;
  }
  return {};
}

void hear(std::uint32_t id, bool is_heard) {
  for (Object& each : objects()) {
    if (each.id == id) each.is_heard = is_heard;
  }
}

// ------------------------------------------------------------------------------------ operations

using Call = CallOn<Object>;

Error is_closed() {
  return {.code = ErrorCode::kClosed, .message = "the memory provider is closed"};
}

// ------------------------------------------------------------------------- the local provider

/// [kind, options]. The storage and the clock are those that JavaScript registered under the number
/// that the provider will have. At most once.
Detached open_detached(std::uint32_t ticket, std::uint32_t id, std::string kind,
                       LocalProviderOptions options) {
  const auto on_notice = [id](const LocalNotice& notice) {
    Packer out;
    const ChangeNotice* change = std::get_if<ChangeNotice>(&notice);
    if (change != nullptr && !find_object(id).is_heard) {
      if (!change->elsewhere) return;
      pack(out, ChangeNotice{.stored = {}, .elsewhere = true});
    } else {
      pack(out, notice);
    }
    host_notify(id, out);
  };
  Result<std::shared_ptr<LocalProvider>> opened =
      co_await LocalProvider::open(make_host_storage(id, std::move(kind)), make_host_clock(id),
                                   make_host_random(id), std::move(options), on_notice);
  if (!opened) {
    deliver_error(ticket, opened.error());
    co_return;
  }
  Object made;
  made.id = id;
  made.provider = made.local = *std::move(opened);
  objects().push_back(std::move(made));
  deliver(ticket, std::optional<bool>());
}

Result<void> open(Call& call) {
  Result<std::string> kind = decode_string(call.argument(0), "kind");
  if (!kind) return std::move(kind).error();
  LocalProviderOptions options;
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  if (const JsonValue* list = call.argument(1).find("languages")) {
    auto languages = make_host_languages(call.id, *list);
    if (!languages) return std::move(languages).error();
    options.languages = *std::move(languages);
  }
  open_detached(call.ticket, call.id, *std::move(kind), std::move(options));
  return {};
}

/// Delivers what `visit_all_of` shows.
template <typename Visit>
Result<void> deliver_visited(Call& call, const Visit& visit_all_of) {
  Packer out;
  const std::size_t list = out.list();
  std::size_t count = 0;
  Result<void> visited = visit_all_of([&](const MemoryView& memory) {
    pack(out, memory);
    ++count;
  });
  if (!visited) return visited;
  out.end_list(list, count);
  host_deliver(call.ticket, Delivery::kResult, out);
  return {};
}

/// [query, options]
Result<void> retrieve_memories(Call& call) {
  Result<std::string> query = decode_string(call.argument(0), "query");
  if (!query) return std::move(query).error();
  RetrieveOptions options;
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  options.abort = call.abort();
  return deliver_visited(call, [&](const MemoryVisitor& visit) {
    return call.object.local->visit_retrieved(*query, std::move(options), visit);
  });
}

/// [messages, options]
Result<void> store_memories(Call& call) {
  StoreOptions options;
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  options.abort = call.abort();
  options.on_writing = [ticket = call.ticket](const std::vector<StoredMemory>& stored) {
    Packer out;
    pack(out, stored);
    host_deliver(ticket, Delivery::kExpected, out);
  };
  return run(call,
             call.object.local->store_memories(std::move(call.argument(0)), std::move(options)));
}

/// [options]
Result<void> get_all_memories(Call& call) {
  ListOptions options;
  if (auto decoded = decode(call.argument(0), options); !decoded) return decoded;
  options.abort = call.abort();
  return deliver_visited(call, [&](const MemoryVisitor& visit) {
    return call.object.local->visit_all(options, visit);
  });
}

/// [id]
Result<void> delete_memory(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object.local->delete_memory(*std::move(id)));
}

/// [id]
Result<void> get_memory(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object.local->get_memory(*std::move(id)));
}

/// [id, change]
Result<void> update_memory(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  MemoryChange change;
  if (auto decoded = decode(call.argument(1), change); !decoded) return decoded;
  return run(call, call.object.local->update_memory(*std::move(id), std::move(change)));
}

/// [id]
Result<void> history(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object.local->history(*std::move(id)));
}

/// [options]
Result<void> delete_all_memories(Call& call) {
  DeleteAllOptions options;
  if (auto decoded = decode(call.argument(0), options); !decoded) return decoded;
  return run(call, call.object.local->delete_all_memories(std::move(options)));
}

/// [identity or null]
Result<void> export_memories(Call& call) {
  std::optional<Identity> identity;
  if (!call.argument(0).is_null()) {
    if (auto decoded = decode(call.argument(0), identity.emplace()); !decoded) return decoded;
  }
  return run(call, call.object.local->export_memories(std::move(identity)));
}

/// [JSON Lines]
Result<void> import_memories(Call& call) {
  Result<std::string> json_lines = decode_string(call.argument(0), "json");
  if (!json_lines) return std::move(json_lines).error();
  call.arguments.clear();
  const auto on_progress = [ticket = call.ticket](std::int64_t done, std::int64_t total) {
    host_progress(ticket, static_cast<double>(done), static_cast<double>(total));
  };
  return run(call, call.object.local->import_memories(*std::move(json_lines), on_progress));
}

/// [ids, how many unsettled ones (0: all that have a note), identity]
Result<void> sync_states(Call& call) {
  SyncQuery query;
  if (const JsonArray* ids = call.argument(0).if_array()) {
    for (const JsonValue& id : *ids)
      query.ids.push_back(id.if_string() == nullptr ? std::string() : *id.if_string());
  }
  const double* limit = call.argument(1).if_number();
  if (limit != nullptr && *limit > 0) query.unsettled = static_cast<std::int64_t>(*limit);
  if (auto decoded = decode(call.argument(2), query.identity); !decoded) return decoded;
  Packer out;
  const std::size_t list = out.list();
  std::size_t count = 0;
  Result<void> visited = call.object.local->visit_sync_states(query, [&](const SyncView& state) {
    pack(out, state);
    ++count;
  });
  if (!visited) return visited;
  out.end_list(list, count);
  host_deliver(call.ticket, Delivery::kResult, out);
  return {};
}

/// [steps]
Result<void> settle(Call& call) {
  JsonArray* steps = call.argument(0).if_array();
  return run(call, call.object.local->settle(steps == nullptr ? JsonArray() : std::move(*steps)));
}

Result<void> status(Call& call) { return run(call, call.object.local->status()); }
Result<void> refresh(Call& call) { return run(call, call.object.local->refresh()); }
Result<void> maintain(Call& call) { return run(call, call.object.local->maintain()); }
Result<void> close(Call& call) { return run(call, call.object.local->close()); }
Result<void> is_maintenance_due(Call& call) {
  deliver(call.ticket, call.object.local->is_maintenance_due());
  return {};
}

// --------------------------------------------------------------------------- context and session

/// The object for a JavaScript provider, which is known under the same number there.
Result<void> make_provider(Call& call) {
  Object made;
  made.id = call.id;
  made.provider = make_host_provider(call.id);
  objects().push_back(std::move(made));
  deliver(call.ticket, true);
  return {};
}

/// [number of the provider, options]. The number of the new object names it in notices.
Result<void> make_agent(Call& call, bool is_session) {
  const double* id = call.argument(0).if_number();
  Object made = find_object(id == nullptr ? 0 : static_cast<std::uint32_t>(*id));
  if (!made.provider) return is_closed();
  MemoryContextOptions options;
  options.on_error = [owner = call.id](const Error& error, std::string_view operation) {
    Packer out;
    pack_error_event(out, error, operation);
    host_notify(owner, out);
  };
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  made.id = call.id;
  made.local = nullptr;
  if (is_session) {
    made.session = std::make_shared<MemorySession>(made.provider, std::move(options));
  } else {
    made.context = std::make_shared<MemoryContext>(made.provider, std::move(options));
  }
  objects().push_back(std::move(made));
  deliver(call.ticket, true);
  return {};
}
Result<void> make_context(Call& call) { return make_agent(call, false); }
Result<void> make_session(Call& call) { return make_agent(call, true); }

/// [query, options]
Result<void> search(Call& call) {
  Result<std::string> query = decode_string(call.argument(0), "query");
  if (!query) return std::move(query).error();
  ContextSearch search;
  if (auto decoded = decode(call.argument(1), search); !decoded) return decoded;
  search.abort = call.abort();
  return run(call, call.object.context->search(*std::move(query), std::move(search)));
}

/// [messages, options]
Result<void> add(Call& call) {
  StoreOptions options;
  if (auto decoded = decode(call.argument(1), options); !decoded) return decoded;
  options.abort = call.abort();
  return run(call, call.object.context->add(std::move(call.argument(0)), std::move(options)));
}

/// [options]
Result<void> get_all(Call& call) {
  ListOptions options;
  if (auto decoded = decode(call.argument(0), options); !decoded) return decoded;
  options.abort = call.abort();
  return run(call, call.object.context->get_all(std::move(options)));
}

/// [id]
Result<void> remove(Call& call) {
  Result<std::string> id = decode_string(call.argument(0), "memory_id");
  if (!id) return std::move(id).error();
  return run(call, call.object.context->remove(*std::move(id)));
}

/// [number]: those that were retrieved, or stored, since there were so many.
template <typename T>
Result<void> deliver_since(Call& call, const std::vector<T>& all) {
  const double* from = call.argument(0).if_number();
  const std::size_t begin = from == nullptr ? 0 : static_cast<std::size_t>(*from);
  Packer out;
  out.array(all.size() - begin);
  for (std::size_t i = begin; i < all.size(); ++i)
    pack(out, all[i]);
  host_deliver(call.ticket, Delivery::kResult, out);
  return {};
}
Result<void> retrieved_since(Call& call) {
  return deliver_since(call, call.object.context->retrieved_memories());
}
Result<void> stored_since(Call& call) {
  return deliver_since(call, call.object.context->stored_memories());
}

/// [messages]
Result<void> before_model_request(Call& call) {
  return run(call, call.object.session->before_model_request(std::move(call.argument(0))));
}
/// [messages]
Result<void> after_run(Call& call) {
  return run(call, call.object.session->after_run(std::move(call.argument(0))));
}
Result<void> flush(Call& call) { return run(call, call.object.session->flush()); }

// ---------------------------------------------------------------------------------- the rest

/// [config]: a whole MemoryConfig out of a part of one, validated.
Result<void> complete_config(Call& call) {
  MemoryConfig config;
  if (auto decoded = decode(call.argument(0), config); !decoded) return decoded;
  deliver(call.ticket, config);
  return {};
}

/// The names that both sides must know: keys, error codes, scopes, strategies.
Result<void> names(Call& call) {
  std::vector<std::string> names{std::string(kKeys), {}, {}, {}};
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i)
    names[1].append(error_code_name(static_cast<ErrorCode>(i))).append(",");
  for (int i = 0; i <= static_cast<int>(MemoryScope::kGlobal); ++i)
    names[2].append(memory_scope_name(static_cast<MemoryScope>(i))).append(",");
  for (int i = 0; i <= static_cast<int>(RetrievalStrategy::kHybrid); ++i)
    names[3].append(retrieval_strategy_name(static_cast<RetrievalStrategy>(i))).append(",");
  deliver(call.ticket, names);
  return {};
}

/// Forgets the object. What is under way on it ends by itself.
Result<void> free_object(Call& call) {
  std::erase_if(objects(), [&](const Object& each) { return each.id == call.id; });
  deliver(call.ticket, true);
  return {};
}

/// What an operation needs of its object.
enum class Needs : std::uint8_t { kNothing, kLocal, kContext, kSession };

struct Operation {
  Result<void> (*start)(Call& call);
  Needs needs;
};

/// Kept in step with `Operation` in js/src/core/module.ts, from its first operation on.
constexpr Operation kOperations[] = {
    {names, Needs::kNothing},
    {complete_config, Needs::kNothing},
    {make_provider, Needs::kNothing},
    {make_context, Needs::kNothing},
    {make_session, Needs::kNothing},
    {free_object, Needs::kNothing},
    {open, Needs::kNothing},
    {retrieve_memories, Needs::kLocal},
    {store_memories, Needs::kLocal},
    {get_all_memories, Needs::kLocal},
    {delete_memory, Needs::kLocal},
    {get_memory, Needs::kLocal},
    {update_memory, Needs::kLocal},
    {history, Needs::kLocal},
    {delete_all_memories, Needs::kLocal},
    {export_memories, Needs::kLocal},
    {import_memories, Needs::kLocal},
    {status, Needs::kLocal},
    {maintain, Needs::kLocal},
    {is_maintenance_due, Needs::kLocal},
    {close, Needs::kLocal},
    {search, Needs::kContext},
    {add, Needs::kContext},
    {get_all, Needs::kContext},
    {remove, Needs::kContext},
    {retrieved_since, Needs::kContext},
    {stored_since, Needs::kContext},
    {before_model_request, Needs::kSession},
    {after_run, Needs::kSession},
    {flush, Needs::kSession},
    {refresh, Needs::kLocal},
    {sync_states, Needs::kLocal},
    {settle, Needs::kLocal},
};

bool has(const Object& object, Needs needs) {
  switch (needs) {
    case Needs::kNothing:
      return true;
    case Needs::kLocal:
      return object.local != nullptr;
    case Needs::kContext:
      return object.context != nullptr;
    case Needs::kSession:
      return object.session != nullptr;
  }
  return false;
}

void start(std::uint32_t operation, std::uint32_t id, std::uint32_t ticket, bool has_signal) {
  Call call{ticket, id, has_signal, find_object(id), {}};
  JsonValue arguments = unpack(std::exchange(incoming(), {}));
  if (JsonArray* list = arguments.if_array()) call.arguments = std::move(*list);
  const Operation& chosen = kOperations[operation];
  const Result<void> started =
      has(call.object, chosen.needs) ? chosen.start(call) : Result<void>(is_closed());
  if (!started) deliver_error(ticket, started.error());
}

/// The one crossing from JavaScript.
std::uint32_t request(std::uint32_t what, std::uint32_t id, std::uint32_t ticket,
                      std::uint32_t argument) {
  switch (static_cast<Request>(what)) {
    case Request::kReserve:  // where so many bytes may be written
      return reserve_incoming(argument);
    case Request::kSettle:  // the answer to a port's call: whether it is one, or an error
      HostCall::settle(ticket, argument != 0);
      return 0;
    case Request::kAbort:  // whether the operation will change nothing
      return OperationAbort::abort(ticket) ? 1 : 0;
    case Request::kChanged:  // a watched storage
      on_host_storage_changed(id);
      return 0;
    case Request::kHear:  // whether a provider's changes are listened to; else only those from
                          // elsewhere are told, without memories
      hear(id, argument != 0);
      return 0;
    case Request::kOperation:
      break;
  }
  start(what - static_cast<std::uint32_t>(Request::kOperation), id, ticket, argument != 0);
  return 0;
}

}  // namespace
}  // namespace agent_memory::wasm

EMSCRIPTEN_BINDINGS(agent_memory) { emscripten::function("request", &agent_memory::wasm::request); }
