// SPDX-License-Identifier: MIT
#pragma once

// Strings <-> dense numbers, in the order in which they were first seen.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent_memory {

/// An open-addressing hash table over one run of bytes: about 11 bytes a string beside its own.
class TermDictionary {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  TermDictionary() = default;
  /// String i is the bytes from begins[i] to begins[i + 1]; `begins` ascends from 0 to
  /// bytes.size(). Nullopt where two strings are equal.
  static std::optional<TermDictionary> from_columns(std::string bytes,
                                                    std::vector<std::uint32_t> begins);

  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(begins_.size() - 1);
  }
  /// Valid until the next `intern`.
  [[nodiscard]] std::string_view operator[](std::uint32_t number) const {
    return std::string_view(bytes_.data() + begins_[number], begins_[number + 1] - begins_[number]);
  }
  /// The number of `text`, or kNone.
  [[nodiscard]] std::uint32_t find(std::string_view text) const;
  /// The number of `text`, a new one where it has none.
  std::uint32_t intern(std::string_view text);

 private:
  /// The place in the table that holds `text`, or the free one where it belongs.
  [[nodiscard]] std::size_t locate(std::string_view text) const;
  void rehash(std::size_t places);

  std::vector<char> bytes_;
  std::vector<std::uint32_t> begins_{0};
  /// Numbers plus one, 0 for a free place; a power of two in size, at most 3/4 full.
  std::vector<std::uint32_t> places_;
};

}  // namespace agent_memory
