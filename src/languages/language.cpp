// SPDX-License-Identifier: MIT
#include "agent_memory/language.hpp"

#include <cstddef>

#include <api.h>

#include "languages/snowball.hpp"
#include "text/english.hpp"

namespace agent_memory {
namespace {

using languages::SnowballLanguage;

class Language final : public LanguagePort {
 public:
  explicit Language(const SnowballLanguage& snowball)
      : snowball_(snowball), stemmer_(snowball.make()) {}
  Language(const Language&) = delete;
  Language& operator=(const Language&) = delete;
  ~Language() override {
    if (stemmer_ != nullptr) snowball_.free(stemmer_);
  }

  [[nodiscard]] std::string_view id() const override { return snowball_.id; }
  [[nodiscard]] std::string_view stop_words() const override { return snowball_.stop_words; }
  [[nodiscard]] std::string_view letters() const override { return snowball_.letters; }

  std::string_view stem(std::string_view word) override {
    const auto* const letters = reinterpret_cast<const symbol*>(word.data());
    if (stemmer_ == nullptr ||
        SN_set_current(stemmer_, static_cast<int>(word.size()), letters) != 0 ||
        snowball_.stem(stemmer_) < 0) {
      return word;
    }
    const std::string_view stem(reinterpret_cast<const char*>(stemmer_->p),
                                static_cast<std::size_t>(stemmer_->l));
    return stem.empty() || stem.size() > kMaxWordBytes ? word : stem;
  }

 private:
  const SnowballLanguage& snowball_;
  SN_env* stemmer_;
};

}  // namespace

std::shared_ptr<LanguagePort> make_language(std::string_view name) {
  if (name == "english") return std::make_shared<detail::English>();
  for (const SnowballLanguage& snowball : languages::kSnowball) {
    const std::string_view id = snowball.id;
    if (name == id.substr(0, id.find('-'))) return std::make_shared<Language>(snowball);
  }
  return nullptr;
}

}  // namespace agent_memory
