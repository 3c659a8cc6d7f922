// SPDX-License-Identifier: MIT
#pragma once

// Local providers over one disk, and what they say.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent_memory/local_provider.hpp"

#include "support/fake_storage.hpp"
#include "support/fakes.hpp"
#include "support/tasks.hpp"

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
    return LocalProvider::open(
        std::make_unique<FakeStorage>(disk, local.script), clock,
        std::make_shared<FakeRandom>(++seed_), options,
        [heard = local.heard](const LocalNotice& notice) { heard->take(notice); });
  }
  Local open(LocalProviderOptions options = {}) {
    Local local;
    local.provider = value_of(opening(local, options));
    return local;
  }

 private:
  std::uint64_t seed_;
};

std::vector<StoredMemory> store(LocalProvider& provider, MessageInput messages,
                                Identity identity = {});
/// The id of the one memory that `messages` make.
std::string store_one(LocalProvider& provider, MessageInput messages, Identity identity = {});

/// Up to a hundred memories.
std::vector<RetrievedMemory> search(LocalProvider& provider, std::string query,
                                    Identity identity = {});
std::vector<RetrievedMemory> list(LocalProvider& provider, Identity identity = {});

std::vector<std::string> texts_of(const std::vector<RetrievedMemory>& memories);

/// Everybody's memories with all that is known of them, by id.
std::map<std::string, std::string> everything_in(LocalProvider& provider);

}  // namespace agent_memory::testing
