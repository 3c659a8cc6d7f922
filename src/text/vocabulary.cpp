// SPDX-License-Identifier: MIT
#include "text/vocabulary.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/hash.hpp"
#include "base/utf8.hpp"
#include "text/english.hpp"
#include "text/folding.hpp"

namespace agent_memory::detail {
namespace {

/// A word of letters alone as the segmenter folds it.
void fold_word(std::string_view word, WordBuffer& folded) {
  folded.clear();
  for (std::size_t i = 0; i < word.size();) {
    const Folded letters = fold_for_search(decode_utf8(word, i));
    for (std::uint32_t k = 0; k < letters.size; ++k) {
      if (class_of(letters.code_points[k]) == CharClass::kWord)
        folded.append(letters.code_points[k]);
    }
  }
}

std::u32string letters_of(std::string_view text) {
  std::u32string letters;
  for (std::size_t i = 0; i < text.size();)
    letters.push_back(decode_utf8(text, i));
  return letters;
}

constexpr char32_t kFirstAfterLatin = 0x370;

}  // namespace

void WordOwners::add(std::string_view words, Bits owner) {
  WordBuffer folded;
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    fold_word(words.substr(begin, end - begin), folded);
    begin = end + 1;
    if (folded.size() == 0) continue;
    std::uint32_t number = number_of(folded.view());
    if (number == HashIndex::kNone) {
      number = static_cast<std::uint32_t>(words_.size());
      by_hash_.insert(hash32(folded.view()), number);
      words_.push_back({.begin = static_cast<std::uint32_t>(text_.size()),
                        .size = static_cast<std::uint32_t>(folded.size())});
      text_.append(folded.view());
    }
    words_[number].owners = static_cast<Bits>(words_[number].owners | owner);
  }
}

WordOwners::Bits WordOwners::find(std::string_view word) const {
  const std::uint32_t number = number_of(word);
  return number == HashIndex::kNone ? Bits{0} : words_[number].owners;
}

std::uint32_t WordOwners::number_of(std::string_view word) const {
  HashIndex::Search search = by_hash_.search(hash32(word));
  for (;;) {
    const std::uint32_t number = by_hash_.next(search);
    if (number == HashIndex::kNone ||
        std::string_view(text_).substr(words_[number].begin, words_[number].size) == word) {
      return number;
    }
  }
}

Vocabulary::Vocabulary(std::vector<std::shared_ptr<LanguagePort>> languages)
    : cached_(std::size_t{1} << kFewestCachedBits) {
  if (languages.empty()) languages.push_back(std::make_shared<English>());
  if (languages.size() > kMaxLanguages) languages.resize(kMaxLanguages);
  std::string ids;
  for (std::shared_ptr<LanguagePort>& port : languages) {
    const Number number = languages_.size();
    Language language{
        .port = std::move(port), .letters = {}, .is_english = false, .is_latin = true};
    language.letters = letters_of(language.port->letters());
    language.is_english = language.port->id() == English::kId;
    language.is_latin = language.letters.empty() || language.letters[0] < kFirstAfterLatin;
    stop_words_.add(language.port->stop_words(), bit(number));
    if (language.is_english) {
      stop_words_.add(foreign_words(), kForeign);
      note_foreign_terms(*language.port);
    }
    ids.append(language.port->id()).append(" ");
    if (language.is_latin && latin_count_++ == 0) first_latin_ = number;
    needs_spelling_ = needs_spelling_ || !language.is_english;
    languages_.push_back(std::move(language));
  }
  if (needs_spelling_ || size() > 1) fingerprint_ = hash32(ids) >> 8;
}

void Vocabulary::note_foreign_terms(LanguagePort& english) {
  const std::string_view words = frequent_foreign_words();
  for (std::size_t begin = 0; begin < words.size();) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    const std::string_view term = english.stem(words.substr(begin, end - begin));
    begin = end + 1;
    if (std::find(foreign_terms_.begin(), foreign_terms_.end(), term) == foreign_terms_.end())
      foreign_terms_.emplace_back(term);
  }
}

Vocabulary::Number Vocabulary::language_of(char32_t letter) const {
  for (Number number = 0; number < size(); ++number) {
    const Language& language = languages_[number];
    if (!language.is_latin && language.letters.find(letter) != std::u32string::npos) return number;
  }
  return kNone;
}

void Vocabulary::vote(std::string_view folded, std::string_view spelling, Votes& votes) const {
  const WordOwners::Bits owners = stop_words_.find(folded);
  for (Number number = 0; number < size(); ++number) {
    if ((owners & bit(number)) != 0) ++votes[number];
    for (std::size_t i = 0; i < spelling.size();) {
      if (languages_[number].letters.find(decode_utf8(spelling, i)) == std::u32string::npos)
        continue;
      ++votes[number];
      break;
    }
  }
}

Vocabulary::Number Vocabulary::elect(const Votes& votes) const {
  Number elected = first_latin_;
  for (Number number = 0; number < size(); ++number) {
    if (is_latin(number) && votes[number] > votes[elected]) elected = number;
  }
  return elected;
}

int Vocabulary::evidence_of_english(Number english, std::string_view folded) const {
  const WordOwners::Bits owners = stop_words_.find(folded);
  return ((owners & bit(english)) != 0 ? 1 : 0) - ((owners & kForeign) != 0 ? 1 : 0);
}

Vocabulary::Key Vocabulary::key_of(const WordBuffer& word) {
  static_assert(std::endian::native == std::endian::little);  // the first letter is the low byte
  Key key{};
  // What is behind the word is left from an older one.
  const auto first_bytes = [](std::uint64_t bytes, std::size_t count) {
    return count >= 8 ? bytes : bytes & ~(~std::uint64_t{0} << (8 * count));
  };
  const std::size_t size = word.size();
  std::memcpy(key.data(), word.data(), size <= 16 ? 16 : sizeof key);
  key[0] = first_bytes(key[0], size);
  key[1] = first_bytes(key[1], size < 8 ? 0 : size - 8);
  if (size > 16) key[2] = first_bytes(key[2], size - 16);
  return key;
}

Vocabulary::Cached& Vocabulary::cached(const Key& key, Number language) {
  std::uint64_t hashed = key[0] * 0x9E3779B97F4A7C15U ^ key[1] * 0xC2B2AE3D27D4EB4FU ^ language;
  if (key[2] != 0) hashed ^= key[2] * 0x165667B19E3779F9U;
  hashed = (hashed ^ (hashed >> 32)) * 0x9E3779B97F4A7C15U;
  return cached_[static_cast<std::size_t>(hashed >> (64 - cached_bits_))];
}

void Vocabulary::grow_cache() {
  cached_bits_ += 1;
  came_ = 0;
  const std::vector<Cached> old =
      std::exchange(cached_, std::vector<Cached>(std::size_t{1} << cached_bits_));
  for (const Cached& each : old)
    cached(each.key, each.language) = each;
}

std::string_view Vocabulary::term(Number language, const WordBuffer& folded,
                                  const WordBuffer& spelling) {
  const WordBuffer& word = languages_[language].is_english ? folded : spelling;
  if (word.size() > sizeof(Key)) return find_term(language, folded.view(), word.view());
  const Key key = key_of(word);
  const Cached& known = cached(key, language);
  if (known.key == key && known.language == language) return {known.term, known.size};

  const std::string_view term = find_term(language, folded.view(), word.view());
  if (term.size() > sizeof known.term) return term;
  if (++came_ > cached_.size() && cached_bits_ < kMostCachedBits) grow_cache();
  Cached& slot = cached(key, language);
  slot.key = key;
  slot.language = static_cast<std::uint8_t>(language);
  slot.size = static_cast<std::uint8_t>(term.size());
  std::copy(term.begin(), term.end(), slot.term);
  return {slot.term, slot.size};
}

std::string_view Vocabulary::find_term(Number language, std::string_view folded,
                                       std::string_view word) {
  if ((stop_words_.find(folded) & bit(language)) != 0) return {};
  const std::string_view stem = languages_[language].port->stem(word);
  if (languages_[language].is_english) return stem;
  fold_word(stem, found_);
  return found_.size() == 0 ? folded : found_.view();
}

}  // namespace agent_memory::detail
