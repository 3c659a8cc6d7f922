// SPDX-License-Identifier: MIT
//
// What JavaScript sees of the core: the providers, MemoryContext, MemorySession, the config and
// the enums. Each method is one crossing: a ticket and JSON go in, the result is delivered under
// the ticket. js/src/core/module.ts types these names.

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include <emscripten/bind.h>

#include "agent_memory/agent_memory.hpp"

#include "base/detached.hpp"
#include "base/json.hpp"
#include "wasm/host.hpp"
#include "wasm/host_ports.hpp"
#include "wasm/wire.hpp"

namespace agent_memory::wasm {
namespace {

// ------------------------------------------------------------------------------------ operations

using Aborts = std::unordered_map<std::uint32_t, std::weak_ptr<OperationAbort>>;

Aborts& aborts() {
  static Aborts instance;
  return instance;
}

AbortToken make_abort(std::uint32_t ticket) {
  auto flag = std::make_shared<OperationAbort>(ticket);
  aborts()[ticket] = flag;
  return flag;
}

/// Whether the operation will change nothing, so that nobody need wait for it.
bool abort_operation(std::uint32_t ticket) {
  const auto found = aborts().find(ticket);
  if (found == aborts().end()) return false;
  const auto flag = found->second.lock();
  if (!flag) return false;
  flag->request();
  return !flag->committed();
}

void deliver(std::uint32_t ticket, const Error& error) {
  aborts().erase(ticket);
  host_deliver(ticket, false, dump_json(encode(error)));
}

template <typename T>
void deliver(std::uint32_t ticket, const Result<T>& result) {
  if (!result) return deliver(ticket, result.error());
  aborts().erase(ticket);
  if constexpr (std::is_void_v<T>) {
    host_deliver(ticket, true, "null");
  } else {
    host_deliver(ticket, true, dump_json(encode(*result)));
  }
}

/// Runs an operation to its end and delivers its result. `owner` is what it works on.
template <typename T>
Detached run(std::uint32_t ticket, [[maybe_unused]] std::shared_ptr<void> owner,
             Async<T> operation) {
  const Result<T> result = co_await operation;
  deliver(ticket, result);
}

/// An argument that is a JSON string.
Result<std::string> string_from(const std::string& json_text, std::string_view field) {
  const Result<JsonValue> json = decode_json(json_text, field);
  if (!json) return json.error();
  return decode_string(*json, field);
}

// ------------------------------------------------------------------------------------- providers

/// A provider as MemoryContext and MemorySession take it, whatever it is.
class ProviderHandle {
 public:
  virtual ~ProviderHandle() = default;
  [[nodiscard]] virtual std::shared_ptr<MemoryProvider> provider() const = 0;
};

/// A JavaScript object with the four methods.
class HostProviderHandle final : public ProviderHandle {
 public:
  explicit HostProviderHandle(std::uint32_t id) : provider_(make_host_provider(id)) {}
  [[nodiscard]] std::shared_ptr<MemoryProvider> provider() const override { return provider_; }

 private:
  std::shared_ptr<MemoryProvider> provider_;
};

class LocalProviderHandle final : public ProviderHandle {
 public:
  [[nodiscard]] std::shared_ptr<MemoryProvider> provider() const override { return local_; }

  /// Opens the storage that JavaScript registered under `id`; the same number names the provider
  /// in notices and its clock. At most once.
  void open(std::uint32_t ticket, std::uint32_t id, std::string kind,
            const std::string& options_json) {
    const Result<JsonValue> json = decode_json(options_json, "options");
    if (!json) return deliver(ticket, json.error());
    Result<LocalProviderOptions> options = decode_local_options(*json);
    if (!options) return deliver(ticket, options.error());
    open_detached(*this, ticket, id, std::move(kind), *options);
  }

  void retrieve_memories(std::uint32_t ticket, const std::string& query_json,
                         const std::string& options_json) {
    Result<std::string> query = string_from(query_json, "query");
    if (!query) return deliver(ticket, query.error());
    Result<RetrieveOptions> options =
        options_from<RetrieveOptions>(options_json, ticket, decode_retrieve_options);
    if (!options) return deliver(ticket, options.error());
    run(ticket, local_, local_->retrieve_memories(*std::move(query), *std::move(options)));
  }

  void store_memories(std::uint32_t ticket, const std::string& messages_json,
                      const std::string& options_json) {
    Result<JsonValue> messages = decode_json(messages_json, "messages");
    if (!messages) return deliver(ticket, messages.error());
    Result<StoreOptions> options =
        options_from<StoreOptions>(options_json, ticket, decode_store_options);
    if (!options) return deliver(ticket, options.error());
    run(ticket, local_, local_->store_memories(*std::move(messages), *std::move(options)));
  }

  void get_all_memories(std::uint32_t ticket, const std::string& options_json) {
    Result<ListOptions> options =
        options_from<ListOptions>(options_json, ticket, decode_list_options);
    if (!options) return deliver(ticket, options.error());
    run(ticket, local_, local_->get_all_memories(*std::move(options)));
  }

  void delete_memory(std::uint32_t ticket, const std::string& id_json) {
    Result<std::string> id = string_from(id_json, "memory_id");
    if (!id) return deliver(ticket, id.error());
    run(ticket, local_, local_->delete_memory(*std::move(id)));
  }

  void get_memory(std::uint32_t ticket, const std::string& id_json) {
    Result<std::string> id = string_from(id_json, "memory_id");
    if (!id) return deliver(ticket, id.error());
    run(ticket, local_, local_->get_memory(*std::move(id)));
  }

  void update_memory(std::uint32_t ticket, const std::string& id_json,
                     const std::string& change_json) {
    Result<std::string> id = string_from(id_json, "memory_id");
    if (!id) return deliver(ticket, id.error());
    const Result<JsonValue> json = decode_json(change_json, "change");
    if (!json) return deliver(ticket, json.error());
    Result<MemoryChange> change = decode_memory_change(*json);
    if (!change) return deliver(ticket, change.error());
    run(ticket, local_, local_->update_memory(*std::move(id), *std::move(change)));
  }

  void history(std::uint32_t ticket, const std::string& id_json) {
    Result<std::string> id = string_from(id_json, "memory_id");
    if (!id) return deliver(ticket, id.error());
    run(ticket, local_, local_->history(*std::move(id)));
  }

  void delete_all_memories(std::uint32_t ticket, const std::string& options_json) {
    const Result<JsonValue> json = decode_json(options_json, "options");
    if (!json) return deliver(ticket, json.error());
    Result<DeleteAllOptions> options = decode_delete_all_options(*json);
    if (!options) return deliver(ticket, options.error());
    run(ticket, local_, local_->delete_all_memories(*std::move(options)));
  }

  void export_memories(std::uint32_t ticket, const std::string& identity_json) {
    const Result<JsonValue> json = decode_json(identity_json, "options");
    if (!json) return deliver(ticket, json.error());
    std::optional<Identity> identity;
    if (!json->is_null()) {
      Result<Identity> decoded = decode_identity(*json);
      if (!decoded) return deliver(ticket, decoded.error());
      identity = *std::move(decoded);
    }
    run(ticket, local_, local_->export_memories(std::move(identity)));
  }

  void import_memories(std::uint32_t ticket, std::string json_lines) {
    const auto on_progress = [ticket](std::int64_t done, std::int64_t total) {
      host_progress(ticket, static_cast<double>(done), static_cast<double>(total));
    };
    run(ticket, local_, local_->import_memories(std::move(json_lines), on_progress));
  }

  void status(std::uint32_t ticket) { run(ticket, local_, local_->status()); }
  void maintain(std::uint32_t ticket) { run(ticket, local_, local_->maintain()); }
  [[nodiscard]] bool is_maintenance_due() const { return local_->is_maintenance_due(); }
  void close(std::uint32_t ticket) { run(ticket, local_, local_->close()); }

 private:
  static Detached open_detached(LocalProviderHandle& self, std::uint32_t ticket, std::uint32_t id,
                                std::string kind, LocalProviderOptions options) {
    const auto on_notice = [id](const LocalNotice& notice) {
      host_notify(id, dump_json(encode(notice)));
    };
    std::unique_ptr<StoragePort> storage = make_host_storage(id, std::move(kind));
    std::shared_ptr<ClockPort> clock = make_host_clock(id);
    Result<std::shared_ptr<LocalProvider>> opened = co_await LocalProvider::open(
        std::move(storage), std::move(clock), make_host_random(), options, on_notice);
    if (!opened) {
      deliver(ticket, opened.error());
      co_return;
    }
    self.local_ = *std::move(opened);  // js/src keeps the handle until `ticket` is delivered
    deliver(ticket, Result<void>());
  }

  template <typename Options>
  static Result<Options> options_from(const std::string& json_text, std::uint32_t ticket,
                                      Result<Options> (*decode)(const JsonValue&)) {
    const Result<JsonValue> json = decode_json(json_text, "options");
    if (!json) return json.error();
    Result<Options> options = decode(*json);
    if (options) options->abort = make_abort(ticket);
    return options;
  }

  std::shared_ptr<LocalProvider> local_;
};

// --------------------------------------------------------------------------- context and session

/// Options of a context or session: {identity fields, config, failOpen}. `owner` names it in
/// notices. The first call on it reports what is wrong with them.
Result<MemoryContextOptions> decode_context_options(std::uint32_t owner,
                                                    const std::string& options_json) {
  const Result<JsonValue> json = decode_json(options_json, "options");
  if (!json) return json.error();
  Result<Identity> identity = decode_identity(*json);
  if (!identity) return std::move(identity).error();
  const JsonValue* config_json = json->find("config");
  Result<MemoryConfig> config = decode_config(config_json == nullptr ? JsonValue() : *config_json);
  if (!config) return std::move(config).error();
  MemoryContextOptions options;
  options.identity = *std::move(identity);
  options.config = *std::move(config);
  if (const JsonValue* fail_open = json->find("failOpen")) {
    const bool* value = fail_open->if_bool();
    if (value == nullptr) {
      return Error::invalid("fail_open", "must be true or false, got " + describe(*fail_open));
    }
    options.fail_open = *value;
  }
  options.on_error = [owner](const Error& error, std::string_view operation) {
    host_notify(owner, dump_json(JsonObject{{"type", "error"},
                                            {"operation", to_camel_case(operation)},
                                            {"error", encode(error)}}));
  };
  return options;
}

class MemoryContextHandle {
 public:
  MemoryContextHandle(const ProviderHandle& provider, std::uint32_t owner,
                      const std::string& options_json)
      : options_(decode_context_options(owner, options_json)) {
    if (options_) context_ = std::make_shared<MemoryContext>(provider.provider(), *options_);
  }

  void search(std::uint32_t ticket, const std::string& query_json,
              const std::string& options_json) {
    if (!options_) return deliver(ticket, options_.error());
    Result<std::string> query = string_from(query_json, "query");
    if (!query) return deliver(ticket, query.error());
    const Result<JsonValue> json = decode_json(options_json, "options");
    if (!json) return deliver(ticket, json.error());
    Result<ContextSearch> search = decode_context_search(*json);
    if (!search) return deliver(ticket, search.error());
    search->abort = make_abort(ticket);
    run(ticket, context_, context_->search(*std::move(query), *std::move(search)));
  }

  void add(std::uint32_t ticket, const std::string& messages_json,
           const std::string& options_json) {
    if (!options_) return deliver(ticket, options_.error());
    Result<JsonValue> messages = decode_json(messages_json, "messages");
    if (!messages) return deliver(ticket, messages.error());
    const Result<JsonValue> json = decode_json(options_json, "options");
    if (!json) return deliver(ticket, json.error());
    Result<StoreOptions> options = decode_store_options(*json);
    if (!options) return deliver(ticket, options.error());
    options->abort = make_abort(ticket);
    run(ticket, context_, context_->add(*std::move(messages), *std::move(options)));
  }

  void get_all(std::uint32_t ticket, const std::string& options_json) {
    if (!options_) return deliver(ticket, options_.error());
    const Result<JsonValue> json = decode_json(options_json, "options");
    if (!json) return deliver(ticket, json.error());
    Result<ListOptions> options = decode_list_options(*json);
    if (!options) return deliver(ticket, options.error());
    options->abort = make_abort(ticket);
    run(ticket, context_, context_->get_all(*std::move(options)));
  }

  void remove(std::uint32_t ticket, const std::string& id_json) {
    if (!options_) return deliver(ticket, options_.error());
    Result<std::string> id = string_from(id_json, "memory_id");
    if (!id) return deliver(ticket, id.error());
    run(ticket, context_, context_->remove(*std::move(id)));
  }

  /// JSON of what was retrieved or stored since there were `from` of them.
  [[nodiscard]] std::string retrieved_since(std::uint32_t from) const {
    if (!options_) return "[]";
    return json_since(context_->retrieved_memories(), from);
  }
  [[nodiscard]] std::string stored_since(std::uint32_t from) const {
    if (!options_) return "[]";
    return json_since(context_->stored_memories(), from);
  }

 private:
  template <typename T>
  static std::string json_since(const std::vector<T>& all, std::size_t from) {
    JsonArray out;
    for (std::size_t i = from; i < all.size(); ++i)
      out.push_back(encode(all[i]));
    return dump_json(std::move(out));
  }

  Result<MemoryContextOptions> options_;
  std::shared_ptr<MemoryContext> context_;
};

class MemorySessionHandle {
 public:
  MemorySessionHandle(const ProviderHandle& provider, std::uint32_t owner,
                      const std::string& options_json)
      : options_(decode_context_options(owner, options_json)) {
    if (options_) session_ = std::make_shared<MemorySession>(provider.provider(), *options_);
  }

  void before_model_request(std::uint32_t ticket, const std::string& messages_json) {
    if (!options_) return deliver(ticket, options_.error());
    Result<JsonValue> messages = decode_json(messages_json, "messages");
    if (!messages) return deliver(ticket, messages.error());
    run(ticket, session_, session_->before_model_request(*std::move(messages)));
  }

  void after_run(std::uint32_t ticket, const std::string& messages_json) {
    if (!options_) return deliver(ticket, options_.error());
    Result<JsonValue> messages = decode_json(messages_json, "messages");
    if (!messages) return deliver(ticket, messages.error());
    run(ticket, session_, session_->after_run(*std::move(messages)));
  }

  void flush(std::uint32_t ticket) {
    if (!options_) return deliver(ticket, options_.error());
    run(ticket, session_, session_->flush());
  }

 private:
  Result<MemoryContextOptions> options_;
  std::shared_ptr<MemorySession> session_;
};

// ---------------------------------------------------------------------------------- configuration

/// A whole MemoryConfig out of a part of one, validated.
void complete_config(std::uint32_t ticket, const std::string& config_json) {
  const Result<JsonValue> json = decode_json(config_json, "config");
  if (!json) return deliver(ticket, json.error());
  deliver(ticket, decode_config(*json));
}

}  // namespace
}  // namespace agent_memory::wasm

EMSCRIPTEN_BINDINGS(agent_memory) {
  namespace em = emscripten;
  using namespace agent_memory;        // NOLINT(google-build-using-namespace): names of the table
  using namespace agent_memory::wasm;  // NOLINT(google-build-using-namespace)

  em::enum_<MemoryScope>("MemoryScope")
      .value("USER", MemoryScope::kUser)
      .value("AGENT", MemoryScope::kAgent)
      .value("RUN", MemoryScope::kRun)
      .value("GLOBAL", MemoryScope::kGlobal);
  em::enum_<RetrievalStrategy>("RetrievalStrategy")
      .value("SEMANTIC_SEARCH", RetrievalStrategy::kSemanticSearch)
      .value("RECENCY", RetrievalStrategy::kRecency)
      .value("HYBRID", RetrievalStrategy::kHybrid);

  em::class_<ProviderHandle>("Provider");
  em::class_<HostProviderHandle, em::base<ProviderHandle>>("HostProvider")
      .constructor<std::uint32_t>();
  em::class_<LocalProviderHandle, em::base<ProviderHandle>>("LocalProvider")
      .constructor<>()
      .function("open", &LocalProviderHandle::open)
      .function("retrieveMemories", &LocalProviderHandle::retrieve_memories)
      .function("storeMemories", &LocalProviderHandle::store_memories)
      .function("getAllMemories", &LocalProviderHandle::get_all_memories)
      .function("deleteMemory", &LocalProviderHandle::delete_memory)
      .function("getMemory", &LocalProviderHandle::get_memory)
      .function("updateMemory", &LocalProviderHandle::update_memory)
      .function("history", &LocalProviderHandle::history)
      .function("deleteAllMemories", &LocalProviderHandle::delete_all_memories)
      .function("exportMemories", &LocalProviderHandle::export_memories)
      .function("importMemories", &LocalProviderHandle::import_memories)
      .function("status", &LocalProviderHandle::status)
      .function("maintain", &LocalProviderHandle::maintain)
      .function("isMaintenanceDue", &LocalProviderHandle::is_maintenance_due)
      .function("close", &LocalProviderHandle::close);

  em::class_<MemoryContextHandle>("MemoryContext")
      .constructor<const ProviderHandle&, std::uint32_t, const std::string&>()
      .function("search", &MemoryContextHandle::search)
      .function("add", &MemoryContextHandle::add)
      .function("getAll", &MemoryContextHandle::get_all)
      .function("delete_", &MemoryContextHandle::remove)
      .function("retrievedSince", &MemoryContextHandle::retrieved_since)
      .function("storedSince", &MemoryContextHandle::stored_since);
  em::class_<MemorySessionHandle>("MemorySession")
      .constructor<const ProviderHandle&, std::uint32_t, const std::string&>()
      .function("beforeModelRequest", &MemorySessionHandle::before_model_request)
      .function("afterRun", &MemorySessionHandle::after_run)
      .function("flush", &MemorySessionHandle::flush);

  em::function("completeConfig", &complete_config);
  em::function("settle", &HostCall::settle);
  em::function("abortOperation", &abort_operation);
  em::function("storageChanged", &on_host_storage_changed);
  em::function("errorCodes", em::optional_override([] {
                 std::string names;
                 for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
                   if (code > 0) names += ',';
                   names += error_code_name(static_cast<ErrorCode>(code));
                 }
                 return names;
               }));
}
