// SPDX-License-Identifier: MIT
#pragma once

// A disk for simulations. What its users ask of it waits, takes effect and is answered in an order
// that a seed decides. Users crash with writes under way, writes fail, some of them although they
// took effect, the power goes and takes unsynced writes with it.

#include <coroutine>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent_memory/ports.hpp"

#include "support/fakes.hpp"

namespace agent_memory::testing {

/// One open storage on a simulated disk, as a tab has it.
struct Connection {
  int owner = 0;
  /// Crashed: whatever is asked fails, and nothing takes effect.
  bool dead = false;
  bool closed = false;
  std::function<void()> changed;
  bool has_notice = false;
  /// Whether it is told nothing.
  bool is_deaf = false;
};

class SimulatedDisk {
 public:
  using Values = std::map<std::string, std::string>;

  explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

  Values values;
  /// A write that would make the values take more, and the disk grow, fails with kQuotaExceeded.
  std::optional<std::size_t> capacity;
  /// One call in so many fails with kStorage and has no effect; 0: none.
  std::size_t failing = 0;
  /// One write in so many takes effect and yet fails with kStorage; 0: none.
  std::size_t unclear = 0;
  /// Whether others are told of a write.
  bool notifies = true;
  /// Whether `try_lock` is any good.
  bool locks = true;
  /// Whether a write is safe as soon as it took effect; else when `sync` is called.
  bool is_strict = true;
  /// Called with each write that takes effect. `is_unclear`: it is answered with an error.
  std::function<void(const Connection&, const WriteBatch&, bool is_unclear)> on_write;
  /// How often something was read or written so far, and after how many times to stop.
  std::size_t effects = 0;
  std::size_t stop_after = static_cast<std::size_t>(-1);

  std::unique_ptr<StoragePort> connect(std::shared_ptr<Connection> connection);

  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool is_idle() const { return waiting_.empty(); }
  [[nodiscard]] bool is_stopped() const { return effects >= stop_after; }
  /// Lets one of those that wait take effect, or be answered.
  void step();
  /// Whoever has it is gone. A write that is under way may have taken effect before.
  void crash(Connection& connection);
  /// All writes so far are safe from a loss of power.
  void sync() { unsynced_.clear(); }
  /// Takes the last of the unsynced writes, some or all; how many.
  std::size_t lose_power();

 private:
  friend class SimulatedStorage;
  friend class Waiting;

  struct Call {
    std::shared_ptr<Connection> connection;
    std::function<void()> effect;
    bool is_write = false;
    bool took_effect = false;
    std::coroutine_handle<> waiter = nullptr;
  };

  Result<void> write(const Connection& connection, const WriteBatch& batch);
  void tell_others(const Connection& writer);

  FakeRandom random_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Call>> waiting_;
  std::map<std::string, const Connection*> locked_;
  /// The values before each write that is not safe.
  std::vector<Values> unsynced_;
};

}  // namespace agent_memory::testing
