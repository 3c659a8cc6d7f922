// SPDX-License-Identifier: MIT
#pragma once

// What English knows about a word beside its stem: irregular forms and near words.

#include <array>
#include <cstdint>
#include <string_view>

#include "agent_memory/language.hpp"

struct SN_env;

namespace agent_memory::detail {

/// Function words of other languages, folded, with a blank between them; English ones among them
/// tell nothing.
std::string_view foreign_words();
/// Those that a text of any length has some of.
std::string_view frequent_foreign_words();

class English final : public LanguagePort {
 public:
  English();
  English(const English&) = delete;
  English& operator=(const English&) = delete;
  ~English() override;

  [[nodiscard]] std::string_view id() const override { return kId; }
  [[nodiscard]] std::string_view stop_words() const override;
  /// None: a word that has other letters after folding is none of English.
  [[nodiscard]] std::string_view letters() const override { return {}; }
  std::string_view stem(std::string_view word) override;

  static constexpr std::string_view kId = "english";

 private:
  /// What to use instead of an irregular form or a near word; others stay themselves.
  [[nodiscard]] std::string_view base(std::string_view word) const;

  static constexpr std::size_t kSlots = 1024;
  /// Where a form begins in the text of all forms, plus one; 0 for none. Linear probing.
  std::array<std::uint16_t, kSlots> slots_{};
  SN_env* stemmer_;
};

}  // namespace agent_memory::detail
