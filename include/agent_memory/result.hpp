// SPDX-License-Identifier: MIT
#pragma once

// Result<T>: the part of C++23's std::expected<T, Error> that this library uses, under the same
// names, so that it can become an alias one day. Reading the side that is not there is a
// programming error and traps.

#include <type_traits>
#include <utility>
#include <variant>

#include "agent_memory/error.hpp"

namespace agent_memory {

/// A value, or the Error that stands in its place.
template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<T, Error>);

 public:
  // Both conversions are implicit on purpose: `return value;` and `return error;` read as meant.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & { return *checked(std::get_if<0>(&state_)); }
  [[nodiscard]] const T& value() const& { return *checked(std::get_if<0>(&state_)); }
  [[nodiscard]] T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }
  [[nodiscard]] Error& error() & { return *checked(std::get_if<1>(&state_)); }
  [[nodiscard]] const Error& error() const& { return *checked(std::get_if<1>(&state_)); }
  [[nodiscard]] Error&& error() && { return std::move(*checked(std::get_if<1>(&state_))); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  template <typename P>
  static P* checked(P* pointer) {
    if (pointer == nullptr) __builtin_trap();
    return pointer;
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const& {
    const Error* error = std::get_if<1>(&state_);
    if (error == nullptr) __builtin_trap();
    return *error;
  }
  [[nodiscard]] Error&& error() && {
    Error* error = std::get_if<1>(&state_);
    if (error == nullptr) __builtin_trap();
    return std::move(*error);
  }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace agent_memory
