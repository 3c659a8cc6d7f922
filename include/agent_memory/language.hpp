// SPDX-License-Identifier: MIT
#pragma once

// Languages beside English: what a provider is opened with, so that the forms of a word are found
// as one.

#include <cstddef>
#include <memory>
#include <string_view>

namespace agent_memory {

/// The most languages that a provider can be opened with.
inline constexpr std::size_t kMaxLanguages = 15;

/// What is known of a language. Calls must answer the same for ever; what they return lives as long
/// as the language, but for the stem.
class LanguagePort {
 public:
  /// No word that is stemmed is longer, in bytes.
  static constexpr std::size_t kMaxWordBytes = 64;

  virtual ~LanguagePort() = default;
  /// Names the language and what is done with it: where one of these changes, so must the id, for
  /// texts are then indexed anew.
  [[nodiscard]] virtual std::string_view id() const = 0;
  /// Its function words, lower case, with a blank between them. They are not searched for, and tell
  /// the language of a text.
  [[nodiscard]] virtual std::string_view stop_words() const = 0;
  /// Its letters: of a language in Latin letters those that are none of a-z, and not all of its
  /// neighbours have, for they tell it too; of another, all small ones.
  [[nodiscard]] virtual std::string_view letters() const = 0;
  /// The stem of a word: lower case, UTF-8, marks and letters composed. Never empty, at most
  /// kMaxWordBytes, valid until the next call.
  virtual std::string_view stem(std::string_view word) = 0;
};

/// English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish or Russian, by its English
/// name in small letters; nullptr for any other.
std::shared_ptr<LanguagePort> make_language(std::string_view name);

}  // namespace agent_memory
