// SPDX-License-Identifier: MIT
#pragma once

// A disk that several storages may share, as tabs share a database, and storages that can fail at
// every step, complete in any order, and crash.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent_memory/ports.hpp"

#include "support/tasks.hpp"

namespace agent_memory::testing {

class FakeStorage;

/// What is left when everybody has gone.
class FakeDisk {
 public:
  std::map<std::string, std::string> values;
  /// A write that would make the values take more, and the disk grow, fails with kQuotaExceeded.
  std::optional<std::size_t> capacity;
  /// Writes that put anything fail with kQuotaExceeded.
  bool full = false;

  enum class Notify { kAtOnce, kWhenDelivered, kNever };
  Notify notify = Notify::kAtOnce;
  /// Tells the storages what kWhenDelivered has held back.
  void deliver();

  /// Bytes of all values.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::vector<std::string> keys(std::string_view prefix) const;

 private:
  friend class FakeStorage;

  void apply(const WriteBatch& batch);
  void tell_others(const FakeStorage* writer);

  std::vector<FakeStorage*> open_;
  std::map<std::string, const FakeStorage*> locks_;
  std::deque<FakeStorage*> undelivered_;
};

/// What was asked of a storage.
struct StorageCall {
  enum class Kind { kGet, kWrite, kScan, kTryLock, kClose };
  Kind kind = Kind::kGet;
  /// The key, the prefix or the name.
  std::string key;
};

/// What a storage is to do, set from outside and shared with it: a provider owns its storage.
struct StorageScript {
  static constexpr std::size_t kNever = static_cast<std::size_t>(-1);

  /// Where calls wait before they take effect, and again before they answer; null: nowhere.
  Pump* pump = nullptr;
  /// The call with this number (counted from 0) fails with `error` and has no effect.
  std::size_t fail_at = kNever;
  Error error{.code = ErrorCode::kStorage, .message = "the fake storage failed", .retryable = true};
  /// Whether a write that fails so was made all the same.
  bool fail_after_write = false;
  /// From the call with this number on nothing reaches the disk and every call fails.
  std::size_t crash_at = kNever;
  /// Whether a write that crashes was made before.
  bool crash_after_write = false;
  /// Whether the connection is lost: every call fails.
  bool disconnected = false;
  /// Whether `try_lock` answers that somebody else holds the lock.
  bool refuse_locks = false;
  /// Whether `try_lock` always succeeds, as where a runtime has no locks.
  bool without_locks = false;
  /// Called before each call takes effect.
  std::function<void(const StorageCall&)> before;

  /// All calls so far.
  std::vector<StorageCall> calls;

  void fail_next(ErrorCode code) {
    fail_at = calls.size();
    error.code = code;
  }
  [[nodiscard]] std::size_t count(StorageCall::Kind kind) const;
};

class FakeStorage final : public StoragePort {
 public:
  FakeStorage(std::shared_ptr<FakeDisk> disk, std::shared_ptr<StorageScript> script);
  explicit FakeStorage(std::shared_ptr<FakeDisk> disk);
  FakeStorage(const FakeStorage&) = delete;
  FakeStorage& operator=(const FakeStorage&) = delete;
  ~FakeStorage() override { leave(); }

  [[nodiscard]] StorageScript& script() { return *script_; }

  [[nodiscard]] std::string kind() const override { return "fake"; }
  Async<std::optional<std::string>> get(std::string key) override;
  Async<void> write(WriteBatch batch) override;
  Async<std::vector<KeyValue>> scan(std::string prefix, std::string after,
                                    std::size_t limit) override;
  void watch(std::function<void()> changed) override;
  Async<bool> try_lock(std::string name) override;
  void unlock(std::string name) override;
  Async<void> close() override;

 private:
  friend class FakeDisk;

  /// Notes the call; the error that it is to fail with, if any.
  std::optional<Error> enter(StorageCall call);
  [[nodiscard]] std::optional<Error> dead() const;
  [[nodiscard]] std::optional<Error> over_quota(const WriteBatch& batch) const;
  void leave();

  std::shared_ptr<FakeDisk> disk_;
  std::shared_ptr<StorageScript> script_;
  std::function<void()> changed_;
  bool closed_ = false;
};

}  // namespace agent_memory::testing
