// SPDX-License-Identifier: MIT
#pragma once

// What the form of a text tells about it, beside its words: whether it asks, and whether it is
// about a time. English only where it is about words; elsewhere nothing is claimed. Pure.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/analyzer.hpp"

namespace agent_memory {

/// Whether the last mark that ends a sentence in `text` is a question mark of any script.
bool asks(std::string_view text);

/// Whether `query` asks for a time: "when ...", "how long ...", "which month ...".
bool asks_for_time(std::string_view query);

/// The terms of words that tell a time: "yesterday", "June", "ago", "weekend", ....
class TimeWords {
 public:
  explicit TimeWords(Analyzer& analyzer);
  /// Whether any of `terms` is one.
  [[nodiscard]] bool any_of(const TermList& terms) const;

 private:
  // Stop words and "may" say nothing about a time, and are not here.
  static constexpr std::string_view kWords =
      "ago april august autumn day december february friday january july june last march "
      "monday month morning next november october recently saturday season september since soon "
      "spring summer sunday thursday today tomorrow tonight tuesday wednesday week weekend winter "
      "year yesterday";

  /// Ascending.
  std::vector<std::string> terms_;
  /// By first letter, a bit for each size that they have.
  std::array<std::uint32_t, 32> sizes_{};
};

}  // namespace agent_memory
