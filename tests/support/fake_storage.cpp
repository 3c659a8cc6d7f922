// SPDX-License-Identifier: MIT
#include "support/fake_storage.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace agent_memory::testing {

// ------------------------------------------------------------------------------------ the disk

std::size_t FakeDisk::bytes() const {
  std::size_t sum = 0;
  for (const auto& [key, value] : values)
    sum += value.size();
  return sum;
}

std::vector<std::string> FakeDisk::keys(std::string_view prefix) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : values) {
    if (key.starts_with(prefix)) found.push_back(key);
  }
  return found;
}

void FakeDisk::apply(const WriteBatch& batch) {
  for (const KeyValue& each : batch.put)
    values[each.key] = each.value;
  for (const std::string& key : batch.remove)
    values.erase(key);
}

void FakeDisk::tell_others(const FakeStorage* writer) {
  if (notify == Notify::kNever) return;
  for (FakeStorage* each : open_) {
    if (each != writer && each->changed_) undelivered_.push_back(each);
  }
  if (notify == Notify::kAtOnce) deliver();
}

void FakeDisk::deliver() {
  while (!undelivered_.empty()) {
    FakeStorage* next = undelivered_.front();
    undelivered_.pop_front();
    // What is told may close the storage: the callback is not to be its part any more.
    const std::function<void()> changed = next->changed_;
    if (changed) changed();
  }
}

// --------------------------------------------------------------------------------- the storage

std::size_t StorageScript::count(StorageCall::Kind kind) const {
  return static_cast<std::size_t>(std::count_if(
      calls.begin(), calls.end(), [&](const StorageCall& call) { return call.kind == kind; }));
}

FakeStorage::FakeStorage(std::shared_ptr<FakeDisk> disk, std::shared_ptr<StorageScript> script)
    : disk_(std::move(disk)), script_(std::move(script)) {
  disk_->open_.push_back(this);
}

FakeStorage::FakeStorage(std::shared_ptr<FakeDisk> disk)
    : FakeStorage(std::move(disk), std::make_shared<StorageScript>()) {}

void FakeStorage::leave() {
  closed_ = true;
  changed_ = nullptr;
  std::erase(disk_->open_, this);
  std::erase(disk_->undelivered_, this);
  std::erase_if(disk_->locks_, [this](const auto& lock) { return lock.second == this; });
}

std::optional<Error> FakeStorage::dead() const {
  if (closed_) return Error{.code = ErrorCode::kClosed, .message = "the fake storage is closed"};
  if (script_->disconnected || script_->calls.size() > script_->crash_at) {
    return Error{.code = ErrorCode::kStorage, .message = "the connection is lost"};
  }
  return std::nullopt;
}

std::optional<Error> FakeStorage::enter(StorageCall call) {
  if (script_->before) script_->before(call);
  const std::size_t number = script_->calls.size();
  script_->calls.push_back(std::move(call));
  if (auto error = dead()) return error;
  return number == script_->fail_at ? std::optional(script_->error) : std::nullopt;
}

std::optional<Error> FakeStorage::over_quota(const WriteBatch& batch) const {
  const Error error{.code = ErrorCode::kQuotaExceeded, .message = "the fake disk is full"};
  if (disk_->full && !batch.put.empty()) return error;
  if (!disk_->capacity) return std::nullopt;
  std::size_t before = 0;
  std::size_t after = 0;
  const auto size_of = [&](const std::string& key) {
    const auto found = disk_->values.find(key);
    return found == disk_->values.end() ? 0 : found->second.size();
  };
  for (const KeyValue& each : batch.put) {
    before += size_of(each.key);
    after += each.value.size();
  }
  for (const std::string& key : batch.remove)
    before += size_of(key);
  const bool grows = after > before;
  if (!grows || disk_->bytes() - before + after <= *disk_->capacity) return std::nullopt;
  return error;
}

Async<std::optional<std::string>> FakeStorage::get(std::string key) {
  std::optional<Error> error = enter({StorageCall::Kind::kGet, key});
  co_await Pump::Awaiter(script_->pump);
  if (!error) error = dead();
  if (error) co_return *std::move(error);
  const auto found = disk_->values.find(key);
  std::optional<std::string> value;
  if (found != disk_->values.end()) value = found->second;
  co_await Pump::Awaiter(script_->pump);
  co_return value;
}

Async<void> FakeStorage::write(WriteBatch batch) {
  for (KeyValue next; batch.more && batch.more(next);)
    if (!next.key.empty()) batch.put.push_back(std::move(next));
  const bool crashes = script_->calls.size() == script_->crash_at;
  const std::string first = batch.put.empty() ? std::string() : batch.put.front().key;
  std::optional<Error> error = enter({StorageCall::Kind::kWrite, first});
  co_await Pump::Awaiter(script_->pump);
  const bool is_made = crashes ? script_->crash_after_write : script_->fail_after_write;
  if (error && is_made) disk_->apply(batch);
  if (!error) error = dead();
  if (!error) error = over_quota(batch);
  if (error) co_return *std::move(error);
  disk_->apply(batch);
  disk_->tell_others(this);
  co_await Pump::Awaiter(script_->pump);
  co_return Result<void>();
}

Async<std::vector<KeyValue>> FakeStorage::scan(std::string prefix, std::string after,
                                               std::size_t limit) {
  std::optional<Error> error = enter({StorageCall::Kind::kScan, prefix});
  co_await Pump::Awaiter(script_->pump);
  if (!error) error = dead();
  if (error) co_return *std::move(error);
  std::vector<KeyValue> found;
  for (auto at = disk_->values.lower_bound(std::max(prefix, after));
       at != disk_->values.end() && found.size() < limit && at->first.starts_with(prefix); ++at) {
    if (at->first > after) found.push_back({at->first, at->second});
  }
  co_await Pump::Awaiter(script_->pump);
  co_return found;
}

void FakeStorage::watch(std::function<void()> changed) { changed_ = std::move(changed); }

Async<bool> FakeStorage::try_lock(std::string name) {
  std::optional<Error> error = enter({StorageCall::Kind::kTryLock, name});
  co_await Pump::Awaiter(script_->pump);
  if (!error) error = dead();
  if (error) co_return *std::move(error);
  if (script_->without_locks) co_return true;
  co_return !script_->refuse_locks && disk_->locks_.try_emplace(name, this).second;
}

void FakeStorage::unlock(std::string name) {
  const auto held = disk_->locks_.find(name);
  if (held != disk_->locks_.end() && held->second == this) disk_->locks_.erase(held);
}

Async<void> FakeStorage::close() {
  if (closed_) co_return Result<void>();
  std::optional<Error> error = enter({StorageCall::Kind::kClose, {}});
  co_await Pump::Awaiter(script_->pump);
  leave();
  if (error) co_return *std::move(error);
  co_return Result<void>();
}

}  // namespace agent_memory::testing
