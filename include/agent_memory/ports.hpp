// SPDX-License-Identifier: MIT
#pragma once

// What the host supplies: a store, HTTP, a clock, a timer, randomness. Small on purpose, so that
// anything can implement them and tests can make every step of them fail.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent_memory/task.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory {

struct KeyValue {
  std::string key;
  std::string value;
};

struct WriteBatch {
  std::vector<KeyValue> put;
  std::vector<std::string> remove;
  /// Where it is not empty: gives further pairs to put, one a call, and false after the last; so
  /// that a large batch need not be in memory at once. A pair without a key is none: a call is a
  /// piece of work, after which there may be time for other things. Asked before the store is.
  std::function<bool(KeyValue&)> more;
};

/// Ordered bytes under string keys. Keys are ASCII; order is byte order.
///
/// Every call may suspend, and several may be under way at once. A call that fails has changed
/// nothing. Absence is not an error. Implementations never throw.
class StoragePort {
 public:
  virtual ~StoragePort() = default;

  /// One name for logs and `status()`: "indexeddb", "memory", ….
  [[nodiscard]] virtual std::string kind() const = 0;
  /// The value under `key`, or nullopt.
  virtual Async<std::optional<std::string>> get(std::string key) = 0;
  /// Applies all of `batch` or none of it, durably, before completing. A caller that writes the
  /// same batch again leaves `more` empty.
  virtual Async<void> write(WriteBatch batch) = 0;
  /// Up to `limit` pairs whose key starts with `prefix` and is greater than `after` (empty: from
  /// the start), in key order.
  virtual Async<std::vector<KeyValue>> scan(std::string prefix, std::string after,
                                            std::size_t limit) = 0;
  /// Calls `changed` whenever another context wrote to the same store, until `close`. A store
  /// that cannot be shared, or cannot tell, never calls.
  virtual void watch(std::function<void()> changed) = 0;
  /// Tries to become the one holder of `name` among all contexts that share the store. False:
  /// somebody else is; do not do the work now. Advice that saves work: correctness never rests on
  /// it. A store that cannot tell answers true.
  virtual Async<bool> try_lock(std::string name) = 0;
  /// Gives back what `try_lock` gave. Without effect where it is not held.
  virtual void unlock(std::string name) = 0;
  /// Releases the store. Twice is fine.
  virtual Async<void> close() = 0;
};

struct HttpHeader {
  /// Lower case.
  std::string name;
  std::string value;

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

struct HttpRequest {
  std::string method;
  /// Absolute; or, where the host has a page to be relative to, a path.
  std::string url;
  std::vector<HttpHeader> headers;
  std::optional<std::string> body;
  /// From sending to the last byte of the answer.
  std::int64_t timeout_ms = 0;
  /// Where it is set, the request is given up as soon as it is requested.
  AbortToken abort;
};

struct HttpResponse {
  int status = 0;
  /// The headers of these names, as they came; empty where there was none, or none that may be
  /// seen.
  std::string content_type;
  std::string retry_after;
  /// As it came: maybe not UTF-8.
  std::string body;
};

/// HTTP, one request at a time: no redirect is followed, and the answer to one is what came.
///
/// Any answer is a success, whatever its status. Fails with kTimeout, with kAborted, and with
/// kProvider, retryable, where there was no answer or it broke off; not retryable, where the answer
/// was longer than kMaxBodyBytes. Messages end a sentence that begins with who was asked: "could
/// not be reached: …".
class HttpPort {
 public:
  static constexpr std::size_t kMaxBodyBytes = std::size_t{32} << 20;

  virtual ~HttpPort() = default;
  virtual Async<HttpResponse> send(HttpRequest request) = 0;
};

/// Waiting.
class TimerPort {
 public:
  virtual ~TimerPort() = default;
  /// Completes after so long, or as soon as `abort` (which may be null) is requested.
  virtual Task<void> sleep(std::int64_t duration_ms, AbortToken abort) = 0;
};

/// The wall clock. It may jump; the journal's logical clock copes.
class ClockPort {
 public:
  virtual ~ClockPort() = default;
  [[nodiscard]] virtual TimestampMs now_ms() = 0;
};

/// Unpredictable bits, for ids and writer names.
class RandomPort {
 public:
  virtual ~RandomPort() = default;
  [[nodiscard]] virtual std::uint64_t next() = 0;
};

}  // namespace agent_memory
