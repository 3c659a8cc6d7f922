// SPDX-License-Identifier: MIT
#include "support/simulated_disk.hpp"

#include <algorithm>
#include <utility>

namespace agent_memory::testing {
namespace {

Error failed(std::string message) {
  return {.code = ErrorCode::kStorage, .message = std::move(message), .retryable = true};
}

}  // namespace

/// `co_await Waiting(disk, connection, is_write, effect)`: until the disk has done and answered it.
class Waiting {
 public:
  Waiting(SimulatedDisk& disk, std::shared_ptr<Connection> connection, bool is_write,
          std::function<void()> effect)
      : disk_(disk), call_(std::make_shared<SimulatedDisk::Call>()) {
    call_->connection = std::move(connection);
    call_->is_write = is_write;
    call_->effect = std::move(effect);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { std::erase(disk_.waiting_, call_); }

  bool await_ready() const noexcept { return call_->connection->dead; }
  void await_suspend(std::coroutine_handle<> waiter) {
    call_->waiter = waiter;
    disk_.waiting_.push_back(call_);
  }
  void await_resume() const noexcept {}

 private:
  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Call> call_;
};

class SimulatedStorage final : public StoragePort {
 public:
  SimulatedStorage(SimulatedDisk& disk, std::shared_ptr<Connection> connection)
      : disk_(disk), connection_(std::move(connection)) {}
  SimulatedStorage(const SimulatedStorage&) = delete;
  SimulatedStorage& operator=(const SimulatedStorage&) = delete;
  ~SimulatedStorage() override { leave(); }

  [[nodiscard]] std::string kind() const override { return "simulated"; }

  Async<std::optional<std::string>> get(std::string key) override {
    Result<std::optional<std::string>> result{std::optional<std::string>()};
    co_await Waiting(disk_, connection_, false, [&] {
      if (auto error = refusal()) {
        result = *std::move(error);
      } else if (const auto at = disk_.values.find(key); at != disk_.values.end()) {
        result = std::optional(at->second);
      }
    });
    if (auto error = gone()) co_return *std::move(error);
    co_return result;
  }

  Async<void> write(WriteBatch batch) override {
    for (KeyValue next; batch.more && batch.more(next);)
      if (!next.key.empty()) batch.put.push_back(std::move(next));
    Result<void> result;
    co_await Waiting(disk_, connection_, true, [&] {
      if (auto error = refusal()) {
        result = *std::move(error);
      } else {
        result = disk_.write(*connection_, batch);
      }
    });
    if (auto error = gone()) co_return *std::move(error);
    co_return result;
  }

  Async<std::vector<KeyValue>> scan(std::string prefix, std::string after,
                                    std::size_t limit) override {
    Result<std::vector<KeyValue>> result{std::vector<KeyValue>()};
    co_await Waiting(disk_, connection_, false, [&] {
      if (auto error = refusal()) {
        result = *std::move(error);
        return;
      }
      std::vector<KeyValue> found;
      for (auto at = disk_.values.lower_bound(std::max(prefix, after));
           at != disk_.values.end() && found.size() < limit && at->first.starts_with(prefix);
           ++at) {
        if (at->first > after) found.push_back({at->first, at->second});
      }
      result = std::move(found);
    });
    if (auto error = gone()) co_return *std::move(error);
    co_return result;
  }

  void watch(std::function<void()> changed) override { connection_->changed = std::move(changed); }

  Async<bool> try_lock(std::string name) override {
    Result<bool> result{true};
    co_await Waiting(disk_, connection_, false, [&] {
      if (auto error = refusal()) {
        result = *std::move(error);
      } else if (disk_.locks) {
        result = disk_.locked_.try_emplace(name, connection_.get()).second;
      }
    });
    if (auto error = gone()) co_return *std::move(error);
    co_return result;
  }

  void unlock(std::string name) override {
    const auto held = disk_.locked_.find(name);
    if (held != disk_.locked_.end() && held->second == connection_.get()) {
      disk_.locked_.erase(held);
    }
  }

  Async<void> close() override {
    co_await Waiting(disk_, connection_, false, [&] { leave(); });
    if (connection_->dead) co_return failed("crashed");
    co_return Result<void>();
  }

 private:
  [[nodiscard]] std::optional<Error> gone() const {
    if (connection_->dead) return failed("crashed");
    return std::nullopt;
  }
  /// Why it does not take effect.
  [[nodiscard]] std::optional<Error> refusal() const {
    if (connection_->closed) {
      return Error{.code = ErrorCode::kClosed, .message = "the simulated storage is closed"};
    }
    if (disk_.failing != 0 && disk_.random_.once_in(disk_.failing)) return failed("it failed");
    return std::nullopt;
  }
  void leave() {
    connection_->closed = true;
    connection_->changed = nullptr;
    std::erase_if(disk_.locked_,
                  [&](const auto& lock) { return lock.second == connection_.get(); });
    std::erase(disk_.connections_, connection_);
  }

  SimulatedDisk& disk_;
  std::shared_ptr<Connection> connection_;
};

std::unique_ptr<StoragePort> SimulatedDisk::connect(std::shared_ptr<Connection> connection) {
  connections_.push_back(connection);
  return std::make_unique<SimulatedStorage>(*this, std::move(connection));
}

std::size_t SimulatedDisk::bytes() const {
  std::size_t sum = 0;
  for (const auto& [key, value] : values)
    sum += value.size();
  return sum;
}

void SimulatedDisk::step() {
  const std::shared_ptr<Call> call = waiting_[random_.below(waiting_.size())];
  if (!call->took_effect) {
    call->took_effect = true;
    if (call->waiter) {
      ++effects;
      call->effect();
      return;
    }
  }
  std::erase(waiting_, call);
  if (call->waiter) {
    call->waiter.resume();
  } else if (!call->connection->dead) {
    call->effect();
  }
}

void SimulatedDisk::crash(Connection& connection) {
  const std::vector<std::shared_ptr<Call>> waiting = waiting_;  // an effect adds notices to it
  for (const auto& call : waiting) {
    if (call->connection.get() != &connection || call->took_effect) continue;
    if (call->is_write && random_.once_in(2)) call->effect();
    call->took_effect = true;
  }
  connection.dead = true;
  connection.changed = nullptr;
  std::erase_if(locked_, [&](const auto& lock) { return lock.second == &connection; });
  // Nobody is there to hear it, but coroutines want to end.
  for (;;) {
    const auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& call) {
      return call->connection.get() == &connection;
    });
    if (at == waiting_.end()) return;
    const std::shared_ptr<Call> call = *at;
    waiting_.erase(at);
    if (call->waiter) call->waiter.resume();
  }
}

std::size_t SimulatedDisk::lose_power() {
  if (unsynced_.empty()) return 0;
  const std::size_t lost = random_.below(unsynced_.size()) + 1;
  values = unsynced_[unsynced_.size() - lost];
  unsynced_.resize(unsynced_.size() - lost);
  return lost;
}

Result<void> SimulatedDisk::write(const Connection& connection, const WriteBatch& batch) {
  std::size_t before = 0;
  std::size_t after = 0;
  const auto size_of = [&](const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::size_t{0} : found->second.size();
  };
  for (const KeyValue& each : batch.put) {
    before += size_of(each.key);
    after += each.value.size();
  }
  for (const std::string& key : batch.remove)
    before += size_of(key);
  if (capacity && after > before && bytes() - before + after > *capacity) {
    return Error{.code = ErrorCode::kQuotaExceeded, .message = "the simulated disk is full"};
  }
  if (!is_strict) unsynced_.push_back(values);
  for (const KeyValue& each : batch.put)
    values[each.key] = each.value;
  for (const std::string& key : batch.remove)
    values.erase(key);
  const bool is_unclear = unclear != 0 && random_.once_in(unclear);
  if (on_write) on_write(connection, batch, is_unclear);
  tell_others(connection);
  if (is_unclear) return failed("it failed, or so it seems");
  return {};
}

void SimulatedDisk::tell_others(const Connection& writer) {
  if (!notifies) return;
  for (const std::shared_ptr<Connection>& each : connections_) {
    if (each.get() == &writer || !each->changed || each->dead || each->is_deaf) continue;
    if (std::exchange(each->has_notice, true)) continue;
    auto notice = std::make_shared<Call>();
    notice->connection = each;
    notice->effect = [connection = each] {
      connection->has_notice = false;
      const std::function<void()> changed = connection->changed;
      if (changed) changed();
    };
    waiting_.push_back(std::move(notice));
  }
}

}  // namespace agent_memory::testing
