// SPDX-License-Identifier: MIT
#pragma once

// Enumerators <-> public names, by tables that list each pair once.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace agent_memory {

template <typename E, std::size_t N>
constexpr std::string_view name_of(const std::array<std::pair<E, std::string_view>, N>& table,
                                   E value) {
  for (const auto& [candidate, name] : table) {
    if (candidate == value) return name;
  }
  __builtin_trap();  // an enumerator without a row
}

template <typename E, std::size_t N>
constexpr std::optional<E> value_of(const std::array<std::pair<E, std::string_view>, N>& table,
                                    std::string_view name) {
  for (const auto& [value, candidate] : table) {
    if (candidate == name) return value;
  }
  return std::nullopt;
}

/// "'user', 'agent'": the names of a table, for error messages.
template <typename E, std::size_t N>
std::string list_names(const std::array<std::pair<E, std::string_view>, N>& table) {
  std::string out;
  for (const auto& [value, name] : table) {
    if (!out.empty()) out += ", ";
    out.append("'").append(name).append("'");
  }
  return out;
}

}  // namespace agent_memory
