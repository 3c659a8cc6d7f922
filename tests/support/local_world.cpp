// SPDX-License-Identifier: MIT
#include "support/local_world.hpp"

#include "base/json.hpp"

namespace agent_memory::testing {

std::vector<StoredMemory> store(LocalProvider& provider, MessageInput messages, Identity identity) {
  StoreOptions options;
  options.identity = std::move(identity);
  return value_of(provider.store_memories(std::move(messages), std::move(options)));
}

std::string store_one(LocalProvider& provider, MessageInput messages, Identity identity) {
  const std::vector<StoredMemory> stored =
      store(provider, std::move(messages), std::move(identity));
  REQUIRE(stored.size() == 1);
  return stored.front().id;
}

std::vector<RetrievedMemory> search(LocalProvider& provider, std::string query, Identity identity) {
  RetrieveOptions options;
  options.identity = std::move(identity);
  options.top_k = 100;
  return value_of(provider.retrieve_memories(std::move(query), std::move(options)));
}

std::vector<RetrievedMemory> list(LocalProvider& provider, Identity identity) {
  ListOptions options;
  options.identity = std::move(identity);
  return value_of(provider.get_all_memories(std::move(options)));
}

std::vector<std::string> texts_of(const std::vector<RetrievedMemory>& memories) {
  std::vector<std::string> texts;
  for (const RetrievedMemory& each : memories)
    texts.push_back(each.memory);
  return texts;
}

std::map<std::string, std::string> everything_in(LocalProvider& provider) {
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
