// SPDX-License-Identifier: MIT
#pragma once

// Errors are values: a stable code for programs, a sentence for people, and whether a retry may
// help. Nothing in the core throws, prints or aborts.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace agent_memory {

/// What went wrong, for programs. The names (`error_code_name`) are part of the public contract
/// and are never renamed.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  ///< The caller's input is wrong; `Error::field` names the argument.
  kNotFound,         ///< No such memory.
  kNotImplemented,   ///< The provider does not offer this operation.
  kStorage,          ///< The store failed; `Error::retryable` says whether trying again may help.
  kQuotaExceeded,    ///< The store is full. Deleting still works.
  kCorrupt,          ///< Stored bytes do not decode, or a newer version wrote them.
  kProvider,         ///< A provider other than the local one failed.
  kUnauthorized,     ///< A remote provider refused the credentials.
  kRateLimited,      ///< A remote provider asked for fewer requests.
  kTimeout,          ///< No answer in time.
  kAborted,          ///< The caller's abort signal fired; nothing was changed.
  kClosed,           ///< The provider was closed.
  kInternal,         ///< A defect of this library.
};

/// The code's public name: `invalid_argument`, `not_found`, ….
std::string_view error_code_name(ErrorCode code);

/// The code with that public name, or nullopt.
std::optional<ErrorCode> error_code_from_name(std::string_view name);

/// One failure. `message` names the thing, its bound and the value: "top_k must be at least 1,
/// got 0". Where `field` is set, `message` starts with it, so that a boundary with another naming
/// convention can rename both at once.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  bool retryable = false;
  std::optional<std::string> field = std::nullopt;
  /// The HTTP status, where there was one.
  std::optional<int> status = std::nullopt;
  /// A number under which the host keeps its original error, 0 if there is none.
  std::uint32_t host_cause = 0;

  /// `field` `rule`: Error::invalid("top_k", "must be at least 1, got 0").
  static Error invalid(std::string field, std::string_view rule) {
    std::string message = field;
    message.append(" ").append(rule);
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = std::move(message),
                 .field = std::move(field)};
  }
  static Error corrupt(std::string message) {
    return Error{.code = ErrorCode::kCorrupt, .message = std::move(message)};
  }
};

}  // namespace agent_memory
