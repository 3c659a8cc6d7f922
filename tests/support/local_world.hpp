// SPDX-License-Identifier: MIT
#pragma once

// Local providers over one disk, and what they say.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent_memory/local_provider.hpp"
#include "base/json.hpp"
#include "support/fake_storage.hpp"
#include "support/fakes.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

namespace agent_memory::testing {

/// The notices of one provider.
struct Heard {
  std::vector<ChangeNotice> changes;
  std::vector<ErrorNotice> errors;
  int closed = 0;

  void take(const LocalNotice& notice) {
    if (const auto* change = std::get_if<ChangeNotice>(&notice)) changes.push_back(*change);
    if (const auto* error = std::get_if<ErrorNotice>(&notice)) errors.push_back(*error);
    if (std::holds_alternative<ClosedNotice>(notice)) ++closed;
  }
};

/// A provider with the strings that its storage hangs on.
struct Local {
  std::shared_ptr<LocalProvider> provider;
  std::shared_ptr<StorageScript> script = std::make_shared<StorageScript>();
  std::shared_ptr<Heard> heard = std::make_shared<Heard>();

  LocalProvider* operator->() const { return provider.get(); }
  LocalProvider& operator*() const { return *provider; }
};

class World {
 public:
  explicit World(std::uint64_t seed = 1) : seed_(seed) {}

  std::shared_ptr<FakeDisk> disk = std::make_shared<FakeDisk>();
  std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();

  Async<std::shared_ptr<LocalProvider>> opening(const Local& local,
                                                LocalProviderOptions options = {}) {
    return LocalProvider::open(std::make_unique<FakeStorage>(disk, local.script), clock,
                               std::make_shared<FakeRandom>(++seed_), options,
                               [heard = local.heard](const LocalNotice& notice) {
                                 heard->take(notice);
                               });
  }
  Local open(LocalProviderOptions options = {}) {
    Local local;
    local.provider = value_of(opening(local, options));
    return local;
  }

 private:
  std::uint64_t seed_;
};

inline std::vector<StoredMemory> store(LocalProvider& provider, MessageInput messages,
                                       Identity identity = {}) {
  StoreOptions options;
  options.identity = std::move(identity);
  return value_of(provider.store_memories(std::move(messages), std::move(options)));
}
inline std::string store_one(LocalProvider& provider, MessageInput messages,
                             Identity identity = {}) {
  const std::vector<StoredMemory> stored =
      store(provider, std::move(messages), std::move(identity));
  REQUIRE(stored.size() == 1);
  return stored.front().id;
}

inline std::vector<RetrievedMemory> search(LocalProvider& provider, std::string query,
                                           Identity identity = {}) {
  RetrieveOptions options;
  options.identity = std::move(identity);
  options.top_k = 100;
  return value_of(provider.retrieve_memories(std::move(query), std::move(options)));
}
inline std::vector<RetrievedMemory> list(LocalProvider& provider, Identity identity = {}) {
  ListOptions options;
  options.identity = std::move(identity);
  return value_of(provider.get_all_memories(std::move(options)));
}

inline std::vector<std::string> texts_of(const std::vector<RetrievedMemory>& memories) {
  std::vector<std::string> texts;
  for (const RetrievedMemory& each : memories) texts.push_back(each.memory);
  return texts;
}

/// Everybody's memories with all that is known of them, by id.
inline std::map<std::string, std::string> everything_in(LocalProvider& provider) {
  const std::string lines = value_of(provider.export_memories(std::nullopt));
  std::map<std::string, std::string> everything;
  std::size_t begin = lines.find('\n') + 1;  // after the header
  while (begin < lines.size()) {
    const std::size_t end = lines.find('\n', begin);
    std::string line = lines.substr(begin, end - begin);
    const JsonValue memory = value_of(parse_json(line));
    REQUIRE(memory.find_string("id") != nullptr);
    everything[*memory.find_string("id")] = std::move(line);
    begin = end + 1;
  }
  return everything;
}

}  // namespace agent_memory::testing
