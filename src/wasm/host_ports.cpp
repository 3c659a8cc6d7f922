// SPDX-License-Identifier: MIT
#include "wasm/host_ports.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "text/english.hpp"
#include "wasm/host.hpp"
#include "wasm/packing.hpp"
#include "wasm/wire.hpp"

namespace agent_memory::wasm {
namespace {

class HostStorage final : public StoragePort {
 public:
  HostStorage(std::uint32_t id, std::string kind)
      : id_(id), kind_(std::move(kind)), next_(std::exchange(first, this)) {}
  HostStorage(const HostStorage&) = delete;
  HostStorage& operator=(const HostStorage&) = delete;
  ~HostStorage() override {
    HostStorage** at = &first;
    while (*at != this)
      at = &(*at)->next_;
    *at = next_;
  }

  static void tell(std::uint32_t id) {
    for (HostStorage* each = first; each != nullptr; each = each->next_) {
      if (each->id_ != id || !each->changed_) continue;
      const std::function<void()> changed = each->changed_;  // it may end the watch
      return changed();
    }
  }

  [[nodiscard]] std::string kind() const override { return kind_; }

  Async<std::optional<std::string>> get(std::string key) override {
    return call<std::optional<std::string>>(StorageMethod::kGet, std::move(key),
                                            [](std::string answer) {
                                              std::optional<std::string> value;
                                              if (!answer.empty() && answer.front() != 0)
                                                value.emplace(answer, 1);
                                              return value;
                                            });
  }

  Async<void> write(WriteBatch batch) override {
    std::string packed;
    // One at a time, so that a large batch is never here as a whole, and the thread has time for
    // other work in between; JavaScript keeps them for the write that follows.
    for (KeyValue next; batch.more && batch.more(next);) {
      if (!next.key.empty()) {
        packed.clear();
        packed.reserve(next.key.size() + next.value.size() + 16);
        put_u32(packed, 1);
        put_string(packed, next.key);
        put_string(packed, next.value);
        put_u32(packed, 0);
        host_send(Target::kStorage, id_, static_cast<int>(StorageMethod::kStage), packed);
      }
      Result<void> paused = co_await call(StorageMethod::kPause, std::string());
      if (!paused) co_return std::move(paused).error();
    }
    packed.clear();
    put_u32(packed, batch.put.size());
    for (const KeyValue& each : batch.put) {
      put_string(packed, each.key);
      put_string(packed, each.value);
    }
    put_u32(packed, batch.remove.size());
    for (const std::string& key : batch.remove)
      put_string(packed, key);
    Result<void> written = co_await call(StorageMethod::kWrite, std::move(packed));
    co_return written;
  }

  Async<std::vector<KeyValue>> scan(std::string prefix, std::string after,
                                    std::size_t limit) override {
    std::string packed;
    put_u32(packed, limit);
    put_string(packed, prefix);
    put_string(packed, after);
    return call<std::vector<KeyValue>>(StorageMethod::kScan, std::move(packed), read_pairs);
  }

  void watch(std::function<void()> changed) override {
    changed_ = std::move(changed);
    host_send(Target::kStorage, id_, static_cast<int>(StorageMethod::kWatch), {});
  }

  Async<bool> try_lock(std::string name) override {
    return call<bool>(StorageMethod::kTryLock, std::move(name),
                      [](std::string answer) { return !answer.empty() && answer.front() != 0; });
  }

  void unlock(std::string name) override {
    host_send(Target::kStorage, id_, static_cast<int>(StorageMethod::kUnlock), name);
  }

  Async<void> close() override {
    changed_ = nullptr;
    return call(StorageMethod::kClose, std::string());
  }

 private:
  static std::vector<KeyValue> read_pairs(std::string answer) {
    Unpacker in(answer);
    std::vector<KeyValue> pairs(in.u32());
    std::string_view value;
    for (KeyValue& pair : pairs) {
      pair.key = in.string();
      value = in.view();
      if (&pair != &pairs.back() || value.size() < answer.size() / 2) pair.value = value;
    }
    if (!pairs.empty() && pairs.back().value.size() != value.size()) {
      // Most of the answer: it keeps the room, for fresh pages are dearer than moving bytes.
      answer.erase(0, answer.size() - value.size());
      pairs.back().value = std::move(answer);
    }
    return pairs;
  }

  // What waits is here alone: each of the methods as a coroutine would be some 200 bytes more.

  /// What `read` makes of the answer.
  template <typename T>
  Async<T> call(StorageMethod method, std::string arguments, T (*read)(std::string answer)) {
    Result<std::string> answer =
        co_await HostCall(Target::kStorage, id_, static_cast<int>(method), std::move(arguments));
    if (!answer) co_return std::move(answer).error();
    co_return read(*std::move(answer));
  }
  Async<void> call(StorageMethod method, std::string arguments) {
    Result<std::string> answer =
        co_await HostCall(Target::kStorage, id_, static_cast<int>(method), std::move(arguments));
    if (!answer) co_return std::move(answer).error();
    co_return Result<void>();
  }

  std::uint32_t id_;
  std::string kind_;
  std::function<void()> changed_;
  /// All there are, as a list: few.
  HostStorage* next_;
  inline static HostStorage* first = nullptr;
};

class HostLanguage final : public LanguagePort {
 public:
  HostLanguage(std::uint32_t owner, std::uint32_t number, std::string id, std::string stop_words,
               std::string letters)
      : owner_(owner),
        number_(number),
        id_(std::move(id)),
        stop_words_(std::move(stop_words)),
        letters_(std::move(letters)) {}

  [[nodiscard]] std::string_view id() const override { return id_; }
  [[nodiscard]] std::string_view stop_words() const override { return stop_words_; }
  [[nodiscard]] std::string_view letters() const override { return letters_; }
  std::string_view stem(std::string_view word) override {
    std::copy(word.begin(), word.end(), word_);
    const std::size_t size = host_stem(owner_, number_, word_, word.size());
    return size == 0 || size > kMaxWordBytes ? word : std::string_view(word_, size);
  }

 private:
  std::uint32_t owner_;
  std::uint32_t number_;
  std::string id_;
  std::string stop_words_;
  std::string letters_;
  char word_[kMaxWordBytes] = {};
};

class HostClock final : public ClockPort {
 public:
  explicit HostClock(std::uint32_t owner) : owner_(owner) {}
  TimestampMs now_ms() override { return static_cast<TimestampMs>(host_now(owner_)); }

 private:
  std::uint32_t owner_;
};

class HostRandom final : public RandomPort {
 public:
  explicit HostRandom(std::uint32_t owner) : owner_(owner) {}
  std::uint64_t next() override { return host_random(owner_); }

 private:
  std::uint32_t owner_;
};

class HostProvider final : public MemoryProvider {
 public:
  explicit HostProvider(std::uint32_t id) : id_(id) {}

  Async<std::vector<RetrievedMemory>> retrieve_memories(std::string query,
                                                        RetrieveOptions options) override {
    return ask(ProviderMethod::kRetrieve,
               begin(options.abort, options, JsonValue(std::move(query))), decode_retrieved);
  }

  Async<std::vector<StoredMemory>> store_memories(MessageInput messages,
                                                  StoreOptions options) override {
    return ask(ProviderMethod::kStore, begin(options.abort, options, messages), decode_stored);
  }

  Async<std::vector<RetrievedMemory>> get_all_memories(ListOptions options) override {
    return ask(ProviderMethod::kGetAll, begin(options.abort, options, JsonValue()),
               decode_retrieved);
  }

  Async<bool> delete_memory(std::string memory_id) override {
    return ask(ProviderMethod::kDelete,
               begin(AbortToken(), ListOptions(), JsonValue(std::move(memory_id))), decode_boolean);
  }

 private:
  template <typename Options>
  static Packer begin(const AbortToken& abort, const Options& options, const JsonValue& argument) {
    Packer out;
    out.object();
    out.put_json("argument", argument);
    out.key("options");
    pack(out, options);
    if (abort) {
      abort->commit();  // the provider has the signal itself, and the last word
      const auto ticket = static_cast<const OperationAbort&>(*abort).ticket();
      out.put("operation", static_cast<double>(ticket));
    }
    out.end();
    return out;
  }

  template <typename T>
  Async<T> ask(ProviderMethod method, Packer call, Result<T> (*read)(const JsonValue& answer)) {
    Result<std::string> answer =
        co_await HostCall(Target::kProvider, id_, static_cast<int>(method),
                          std::string(call.values()), std::string(call.text()));
    if (!answer) co_return std::move(answer).error();
    co_return read(unpack(*answer));
  }

  std::uint32_t id_;
};

OperationAbort* first_abort = nullptr;

}  // namespace

OperationAbort::OperationAbort(std::uint32_t ticket)
    : ticket_(ticket), next_(std::exchange(first_abort, this)) {}

OperationAbort::~OperationAbort() {
  OperationAbort** at = &first_abort;
  while (*at != this)
    at = &(*at)->next_;
  *at = next_;
}

bool OperationAbort::abort(std::uint32_t ticket) {
  OperationAbort* at = first_abort;
  while (at != nullptr && at->ticket_ != ticket)
    at = at->next_;
  if (at == nullptr) return false;
  at->request();
  return !at->committed();
}

std::unique_ptr<StoragePort> make_host_storage(std::uint32_t id, std::string kind) {
  return std::make_unique<HostStorage>(id, std::move(kind));
}

void on_host_storage_changed(std::uint32_t id) { HostStorage::tell(id); }

Result<std::vector<std::shared_ptr<LanguagePort>>> make_host_languages(std::uint32_t owner,
                                                                       const JsonValue& json) {
  std::vector<std::shared_ptr<LanguagePort>> languages;
  Error wrong = Error::invalid("languages", "must be 1 to " + std::to_string(kMaxLanguages) +
                                                " languages, as languages() gives them");
  const JsonArray* list = json.if_array();
  if (list == nullptr || list->empty() || list->size() > kMaxLanguages) return wrong;
  for (const JsonValue& each : *list) {
    const std::string* id = each.find_string("id");
    const std::string* stop_words = each.find_string("stopWords");
    const std::string* letters = each.find_string("letters");
    const auto number = static_cast<std::uint32_t>(languages.size());
    if (id != nullptr && *id == detail::English::kId) {
      languages.push_back(std::make_shared<detail::English>());
    } else if (id != nullptr && stop_words != nullptr && letters != nullptr) {
      languages.push_back(
          std::make_shared<HostLanguage>(owner, number, *id, *stop_words, *letters));
    } else {
      return wrong;
    }
  }
  return languages;
}

std::shared_ptr<ClockPort> make_host_clock(std::uint32_t owner) {
  return std::make_shared<HostClock>(owner);
}
std::shared_ptr<RandomPort> make_host_random(std::uint32_t owner) {
  return std::make_shared<HostRandom>(owner);
}
std::shared_ptr<MemoryProvider> make_host_provider(std::uint32_t id) {
  return std::make_shared<HostProvider>(id);
}

}  // namespace agent_memory::wasm
