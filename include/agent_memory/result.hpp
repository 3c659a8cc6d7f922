// SPDX-License-Identifier: MIT
#pragma once

// Result<T>: the part of C++23's std::expected<T, Error> that this library uses, under the same
// names, so that it can become an alias one day. Reading the side that is not there is a
// programming error and traps.

#include <type_traits>
#include <utility>

#include "agent_memory/error.hpp"

namespace agent_memory {

namespace detail {

/// An Error or none, one pointer wide: results are moved much more often than they fail.
class ErrorSlot {
 public:
  ErrorSlot() = default;
  explicit ErrorSlot(Error&& error);
  ErrorSlot(const ErrorSlot& other);
  ErrorSlot(ErrorSlot&& other) noexcept : error_(std::exchange(other.error_, nullptr)) {}
  ErrorSlot& operator=(ErrorSlot other) noexcept {
    std::swap(error_, other.error_);
    return *this;
  }
  ~ErrorSlot() {
    if (error_ != nullptr) destroy();
  }

  [[nodiscard]] bool empty() const { return error_ == nullptr; }
  [[nodiscard]] Error& operator*() const {
    if (error_ == nullptr) __builtin_trap();
    return *error_;
  }

 private:
  void destroy();
  Error* error_ = nullptr;
};

}  // namespace detail

/// A value, or the Error that stands in its place. T must have a default.
template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<T, Error>);

 public:
  // The conversions are implicit on purpose: `return value;` and `return error;` read as meant.
  Result(T value) : value_(std::move(value)) {}
  Result(Error&& error) : error_(std::move(error)) {}
  Result(const Error& error) : Result(Error(error)) {}

  [[nodiscard]] bool has_value() const { return error_.empty(); }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & {
    check();
    return value_;
  }
  [[nodiscard]] const T& value() const& {
    check();
    return value_;
  }
  [[nodiscard]] T&& value() && {
    check();
    return std::move(value_);
  }
  [[nodiscard]] Error& error() & { return *error_; }
  [[nodiscard]] const Error& error() const& { return *error_; }
  [[nodiscard]] Error&& error() && { return std::move(*error_); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void check() const {
    if (!has_value()) __builtin_trap();
  }

  detail::ErrorSlot error_;
  T value_{};
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error&& error) : error_(std::move(error)) {}
  Result(const Error& error) : Result(Error(error)) {}

  [[nodiscard]] bool has_value() const { return error_.empty(); }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const& { return *error_; }
  [[nodiscard]] Error&& error() && { return std::move(*error_); }

 private:
  detail::ErrorSlot error_;
};

}  // namespace agent_memory
