// SPDX-License-Identifier: MIT
#pragma once

// A provider that answers what a test tells it to, and remembers what it was asked.

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent_memory/provider.hpp"

#include "support/tasks.hpp"

namespace agent_memory::testing {

class ScriptedProvider final : public MemoryProvider {
 public:
  struct Retrieve {
    std::string query;
    RetrieveOptions options;
  };
  struct Store {
    MessageInput messages;
    StoreOptions options;
  };

  /// Where calls wait before they answer; null: nowhere.
  Pump* pump = nullptr;
  /// Taken one a call; where there is none, nothing is found, stored or deleted.
  std::deque<Result<std::vector<RetrievedMemory>>> retrieve_answers;
  std::deque<Result<std::vector<StoredMemory>>> store_answers;
  std::deque<Result<std::vector<RetrievedMemory>>> list_answers;
  std::deque<Result<bool>> delete_answers;

  std::vector<Retrieve> retrieved;
  std::vector<Store> stored;
  std::vector<ListOptions> listed;
  std::vector<std::string> deleted;

  Async<std::vector<RetrievedMemory>> retrieve_memories(std::string query,
                                                        RetrieveOptions options) override {
    retrieved.push_back({std::move(query), std::move(options)});
    auto answer = next(retrieve_answers);
    co_await Pump::Awaiter(pump);
    co_return answer;
  }
  Async<std::vector<StoredMemory>> store_memories(MessageInput messages,
                                                  StoreOptions options) override {
    stored.push_back({std::move(messages), std::move(options)});
    auto answer = next(store_answers);
    co_await Pump::Awaiter(pump);
    co_return answer;
  }
  Async<std::vector<RetrievedMemory>> get_all_memories(ListOptions options) override {
    listed.push_back(std::move(options));
    auto answer = next(list_answers);
    co_await Pump::Awaiter(pump);
    co_return answer;
  }
  Async<bool> delete_memory(std::string memory_id) override {
    deleted.push_back(std::move(memory_id));
    auto answer = next(delete_answers);
    co_await Pump::Awaiter(pump);
    co_return answer;
  }

 private:
  template <typename T>
  static Result<T> next(std::deque<Result<T>>& answers) {
    if (answers.empty()) return T{};
    Result<T> answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
};

}  // namespace agent_memory::testing
