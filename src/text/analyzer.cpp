// SPDX-License-Identifier: MIT
#include "text/analyzer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.hpp"
#include "text/folding.hpp"
#include "text/vocabulary.hpp"
#include "text/word_buffer.hpp"

namespace agent_memory {
namespace {

using detail::Vocabulary;
using detail::WordBuffer;

/// The small letter or digit that an ASCII byte stands for; 0 for what separates.
constexpr std::array<char, 256> kAsciiWord = [] {
  std::array<char, 256> table{};
  for (std::size_t c = '0'; c <= '9'; ++c) {
    table[c] = static_cast<char>(c);
  }
  for (std::size_t c = 'a'; c <= 'z'; ++c) {
    table[c] = table[c - 32] = static_cast<char>(c);
  }
  return table;
}();

char ascii_word(char byte) { return kAsciiWord[static_cast<unsigned char>(byte)]; }
bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }
bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

constexpr std::string_view kRussianI = "\xD0\xB8";

/// What is written onto a word with an apostrophe and means another.
bool is_clitic(std::string_view part) {
  return part == "s" || part == "ll" || part == "re" || part == "ve" || part == "d" || part == "m";
}

/// The French or Italian word that lost its vowel: l'eau, d'accord, qu'elle, dell'amica.
bool is_elided(std::string_view part) {
  constexpr std::string_view kLetters = "cdjlmnst";
  if (part.size() < 2) return !part.empty() && kLetters.find(part[0]) != std::string_view::npos;
  constexpr std::string_view kWords = " qu un all dall dell nell sull quell ";
  const std::size_t found = kWords.find(part);
  return found != std::string_view::npos && kWords[found - 1] == ' ' &&
         kWords[found + part.size()] == ' ';
}

void drop_apostrophes(WordBuffer& word) {
  for (;;) {
    const std::size_t last = word.view().rfind('\'');
    if (last == std::string_view::npos) return;
    if (!is_clitic(word.view().substr(last + 1))) break;
    word.keep(0, last);
  }
  const std::size_t first = word.view().find('\'');
  if (is_elided(word.view().substr(0, first)) && word.size() > first + 2) {
    word.keep(first + 1, word.size());
  }
  word.erase('\'');
}

/// "8th" and "7pm" say 8 and 7.
void drop_number_suffix(WordBuffer& word) {
  const std::size_t digits = word.size() - 2;
  const std::string_view suffix = word.view().substr(digits);
  if (suffix != "st" && suffix != "nd" && suffix != "rd" && suffix != "th" && suffix != "am" &&
      suffix != "pm") {
    return;
  }
  if (std::all_of(word.data(), word.data() + digits, is_digit)) word.keep(0, digits);
}

/// Emoji and other little pictures, each a word of its own; skin tones only modify one.
bool is_pictograph(char32_t c) {
  const bool is_skin_tone = c >= 0x1F3FB && c <= 0x1F3FF;
  return ((c >= 0x2600 && c <= 0x27BF) || (c >= 0x1F300 && c <= 0x1FAFF)) && !is_skin_tone;
}

}  // namespace

/// Reads a text once from start to end. Words of ASCII, nearly all there are, take a short path;
/// the first other byte in a word sends it the long way, code point by code point.
class Analyzer::Segmenter {
 public:
  explicit Segmenter(std::vector<std::shared_ptr<LanguagePort>> languages)
      : vocabulary_(std::move(languages)) {}

  void analyze(std::string_view text, TermList& out);
  void analyze_query(std::string_view text, TermList& out);
  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  /// What becomes of a word at its end.
  enum class Purpose { kVote, kText, kQuery, kQueryWithStopWords };

  enum class Run { kNone, kWord, kUnspaced, kHangul };

  static constexpr std::size_t kMaxLetterBytes = 20;

  /// What was seen of a word while it was read, as bits.
  enum Shape : std::uint8_t {
    kLetters = 0,
    kHasDigit = 1,
    kHasApostrophe = 2,
    /// A letter that is none of a-z.
    kHasOther = 4,
    /// A letter that became one of a-z, or lost a mark.
    kHasFolded = 8,
  };

  void read(std::string_view text, Purpose purpose);
  void find_language(std::string_view text);
  // Both return where to go on.
  std::size_t read_ascii_word(std::string_view text, std::size_t begin);
  std::size_t read_long_way(std::string_view text, std::size_t begin);
  void take(char32_t letter);
  void take_word(char32_t letter);
  void take_unspaced(char32_t letter);
  void take_unspaced_mark(char32_t mark);
  void take_hangul(char32_t letter);
  void take_spelling(char32_t letter, const Folded& folded);
  void end_run();
  void end_word();
  void end_letters();
  void end_query_letters(Vocabulary::Number language, std::string_view term,
                         const WordBuffer& spelling);
  void end_unspaced_letter();
  void end_hangul();

  Vocabulary vocabulary_;
  /// Of the words in Latin letters.
  Vocabulary::Number language_ = Vocabulary::kNone;
  Vocabulary::Votes votes_{};
  TermList* out_ = nullptr;
  Purpose purpose_ = Purpose::kText;
  /// What the words so far say about the language: above 0 for English.
  int evidence_ = 0;
  std::uint32_t position_ = 0;

  Run run_ = Run::kNone;
  /// The letter that a mark may compose with.
  char32_t last_ = 0;
  WordBuffer word_;
  /// The word as it was written, in small letters; only where a language wants that.
  WordBuffer spelling_;
  char32_t last_spelled_ = 0;
  std::uint8_t shape_ = kLetters;
  bool apostrophe_is_pending_ = false;
  /// Of an unspaced run: this letter with its marks, from pair_split_ on, behind the one before.
  WordBuffer pair_;
  std::size_t pair_split_ = 0;
  std::array<char32_t, WordBuffer::kCapacity / 3> syllables_{};
  std::size_t syllable_count_ = 0;
};

void Analyzer::Segmenter::analyze(std::string_view text, TermList& out) {
  out_ = &out;
  find_language(text);
  read(text, Purpose::kText);
}

void Analyzer::Segmenter::analyze_query(std::string_view text, TermList& out) {
  out_ = &out;
  find_language(text);
  const std::size_t before = out.size();
  evidence_ = 0;
  read(text, Purpose::kQuery);
  if (out.size() == before) return read(text, Purpose::kQueryWithStopWords);
  if (evidence_ > 0 || !vocabulary_.is_english(language_)) return;
  for (std::size_t i = before; i < out.size(); ++i) {
    if (out.variants(i) != Variants::kIfMistyped) continue;
    out.set_variants(i, evidence_ < 0 ? Variants::kAlways : Variants::kUndecided);
  }
}

void Analyzer::Segmenter::find_language(std::string_view text) {
  language_ = vocabulary_.first_latin();
  if (!vocabulary_.has_choice()) return;
  votes_ = {};
  read(text, Purpose::kVote);
  language_ = vocabulary_.elect(votes_);
}

void Analyzer::Segmenter::read(std::string_view text, Purpose purpose) {
  purpose_ = purpose;
  position_ = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (ascii_word(text[i]) != 0) {
      i = read_ascii_word(text, i);
    } else if (is_ascii(text[i])) {
      ++i;
    } else {
      i = read_long_way(text, i);
    }
  }
}

std::size_t Analyzer::Segmenter::read_ascii_word(std::string_view text, std::size_t begin) {
  char* const word = word_.data();
  std::size_t size = 0;
  bool has_digit = false;
  bool has_apostrophe = false;
  std::size_t i = begin;
  for (; i < text.size(); ++i) {
    char byte = ascii_word(text[i]);
    if (byte == 0) {
      // A word that goes on in another alphabet, or may: from the start, the long way.
      if (!is_ascii(text[i])) return read_long_way(text, begin);
      if (text[i] != '\'' || i + 1 == text.size() || is_digit(text[i + 1])) break;
      if (!is_ascii(text[i + 1])) return read_long_way(text, begin);
      if (ascii_word(text[i + 1]) == 0) break;
      byte = '\'';
      has_apostrophe = true;
    }
    has_digit = has_digit || is_digit(byte);
    if (size < WordBuffer::kCapacity) word[size++] = byte;
  }
  word_.resize(size);
  shape_ = static_cast<std::uint8_t>((has_digit ? kHasDigit : 0) |
                                     (has_apostrophe ? kHasApostrophe : 0));
  end_word();
  return i;
}

std::size_t Analyzer::Segmenter::read_long_way(std::string_view text, std::size_t begin) {
  std::size_t i = begin;
  do {
    const char32_t letter = decode_utf8(text, i);
    const Folded folded = fold_for_search(letter);
    for (std::uint32_t part = 0; part < folded.size; ++part)
      take(folded.code_points[part]);
    if (run_ == Run::kWord) take_spelling(letter, folded);
  } while (i < text.size() && (run_ != Run::kNone || !is_ascii(text[i])));
  end_run();
  return i;
}

void Analyzer::Segmenter::take(char32_t letter) {
  switch (class_of(letter)) {
    case CharClass::kWord:
      return take_word(letter);
    case CharClass::kUnspaced:
      return take_unspaced(letter);
    case CharClass::kHangul:
      return take_hangul(letter);
    case CharClass::kUnspacedMark:
      return take_unspaced_mark(letter);
    case CharClass::kIgnorable:
      return;
    case CharClass::kDiacritic:
      if (run_ == Run::kWord) shape_ |= kHasFolded;
      // Of a word, only the Russian short i; in a word that is cut it may be missing.
      if (run_ == Run::kWord && compose(last_, letter) != 0 && word_.view().ends_with(kRussianI)) {
        last_ = compose(last_, letter);
        word_.resize(word_.size() - kRussianI.size());
        word_.append(last_);
      }
      return;
    case CharClass::kSeparator:
      if (letter == '\'' && run_ == Run::kWord && !apostrophe_is_pending_) {
        apostrophe_is_pending_ = true;
        return;
      }
      end_run();
      if (is_pictograph(letter)) {
        take_word(letter);
        end_run();
      }
      return;
  }
}

void Analyzer::Segmenter::take_spelling(char32_t letter, const Folded& folded) {
  const char32_t first = folded.code_points[0];
  if (letter >= 0x80 && first >= 'a' && first <= 'z') shape_ |= kHasFolded;
  if (!vocabulary_.needs_spelling() || folded.size == 0) return;
  const bool is_mark = class_of(first) == CharClass::kDiacritic;
  if (!is_mark && class_of(first) != CharClass::kWord) return;
  char32_t spelled = 0;
  if (is_mark) {
    spelled = last_spelled_ < 0x80 ? compose_latin(last_spelled_, letter)
                                   : compose(last_spelled_, letter);
    if (spelled == 0) return;
    spelling_.resize(spelling_.size() - (last_spelled_ < 0x80 ? 1 : 2));
  } else {
    spelled = letter < 0x80 || first >= 0x80 ? 0 : spelled_small(letter);
  }
  if (spelled != 0) {
    spelling_.append(spelled);
    last_spelled_ = spelled;
    return;
  }
  for (std::uint32_t part = 0; part < folded.size; ++part) {
    if (class_of(folded.code_points[part]) != CharClass::kWord) continue;
    spelling_.append(folded.code_points[part]);
    last_spelled_ = folded.code_points[part];
  }
}

void Analyzer::Segmenter::take_word(char32_t letter) {
  const bool letter_is_digit = letter >= '0' && letter <= '9';
  if (run_ != Run::kWord || (apostrophe_is_pending_ && letter_is_digit)) {
    end_run();
    run_ = Run::kWord;
    word_.clear();
    spelling_.clear();
    shape_ = kLetters;
  }
  if (apostrophe_is_pending_) {
    apostrophe_is_pending_ = false;
    shape_ |= kHasApostrophe;
    word_.append(U'\'');
    if (vocabulary_.needs_spelling()) spelling_.append(U'\'');
  }
  shape_ |= letter_is_digit ? kHasDigit : letter >= 0x80 ? kHasOther : kLetters;
  word_.append(letter);
  last_ = letter;
}

void Analyzer::Segmenter::take_unspaced(char32_t letter) {
  if (run_ != Run::kUnspaced) {
    end_run();
    run_ = Run::kUnspaced;
    pair_.clear();
  } else {
    end_unspaced_letter();
  }
  pair_split_ = pair_.size();
  pair_.append(letter);
  last_ = letter;
}

void Analyzer::Segmenter::take_unspaced_mark(char32_t mark) {
  // A mark without a letter is nothing to search for; more marks than any letter has are noise.
  if (run_ != Run::kUnspaced) return end_run();
  if (const char32_t whole = compose(last_, mark); whole != 0) {
    pair_.resize(pair_split_);
    pair_.append(whole);
  } else if (pair_.size() - pair_split_ < kMaxLetterBytes) {
    pair_.append(mark);
  }
  last_ = mark;
}

void Analyzer::Segmenter::take_hangul(char32_t letter) {
  if (run_ != Run::kHangul) {
    end_run();
    run_ = Run::kHangul;
  }
  if (syllable_count_ > 0) {
    char32_t& last = syllables_[syllable_count_ - 1];
    if (const char32_t whole = compose(last, letter); whole != 0) {
      last = whole;
      return;
    }
  }
  if (syllable_count_ == syllables_.size()) end_hangul();
  syllables_[syllable_count_++] = letter;
}

void Analyzer::Segmenter::end_run() {
  switch (run_) {
    case Run::kNone:
      break;
    case Run::kWord:
      end_word();
      break;
    case Run::kUnspaced:
      end_unspaced_letter();
      break;
    case Run::kHangul:
      end_hangul();
      break;
  }
  run_ = Run::kNone;
  apostrophe_is_pending_ = false;
}

void Analyzer::Segmenter::end_word() {
  if ((shape_ & kHasApostrophe) != 0) {
    drop_apostrophes(word_);
    if (spelling_.size() != 0) drop_apostrophes(spelling_);
  }
  if ((shape_ & kHasDigit) == 0) {
    end_letters();
  } else if (purpose_ != Purpose::kVote) {
    if (word_.size() > 2) drop_number_suffix(word_);
    out_->append(word_.view(), position_);
  }
  ++position_;
  spelling_.clear();
}

void Analyzer::Segmenter::end_letters() {
  if (purpose_ == Purpose::kVote) {
    return vocabulary_.vote(word_.view(), spelling_.view(), votes_);
  }
  Vocabulary::Number language = language_;
  if ((shape_ & kHasOther) != 0) {
    std::size_t end = 0;
    language = vocabulary_.language_of(decode_utf8(word_.view(), end));
  }
  if (language == Vocabulary::kNone) {
    return out_->append(word_.view(), position_, Variants::kAlways);
  }
  const WordBuffer& spelling = spelling_.size() == 0 ? word_ : spelling_;
  const std::string_view term = vocabulary_.term(language, word_, spelling);
  if (purpose_ == Purpose::kText) {
    if (!term.empty()) out_->append(term, position_);
    return;
  }
  end_query_letters(language, term, spelling);
}

void Analyzer::Segmenter::end_query_letters(Vocabulary::Number language, std::string_view term,
                                            const WordBuffer& spelling) {
  const bool is_english = vocabulary_.is_english(language);
  const bool is_folded = (shape_ & kHasFolded) != 0;
  if (is_english && !is_folded) {
    evidence_ += vocabulary_.evidence_of_english(language, word_.view());
  }
  if (term.empty()) {
    if (purpose_ == Purpose::kQueryWithStopWords) out_->append(word_.view(), position_);
    return;
  }
  const std::size_t first = out_->size();
  out_->append(term, position_,
               !is_english ? Variants::kIfUnknown
               : is_folded ? Variants::kAlways
                           : Variants::kIfMistyped);
  if (!vocabulary_.has_choice() || language != language_) return;
  for (Vocabulary::Number other = 0; other < vocabulary_.size(); ++other) {
    if (other == language || !vocabulary_.is_latin(other)) continue;
    const std::string_view alternative = vocabulary_.term(other, word_, spelling);
    bool is_new = !alternative.empty();
    for (std::size_t i = first; is_new && i < out_->size(); ++i)
      is_new = (*out_)[i] != alternative;
    if (is_new) out_->append_alternative(alternative);
  }
}

void Analyzer::Segmenter::end_unspaced_letter() {
  if (purpose_ != Purpose::kVote) {
    if (pair_split_ > 0) out_->append(pair_.view(), position_ - 1);
    out_->append(pair_.view().substr(pair_split_), position_);
  }
  ++position_;
  pair_.keep(pair_split_, pair_.size());
}

void Analyzer::Segmenter::end_hangul() {
  const auto append = [&](std::size_t begin, std::size_t count) {
    word_.clear();
    for (std::size_t i = begin; i < begin + count; ++i)
      word_.append(syllables_[i]);
    if (purpose_ != Purpose::kVote) out_->append(word_.view(), position_);
  };
  append(0, syllable_count_);
  if (syllable_count_ == 2 || syllable_count_ == 3) append(0, 1);
  for (std::size_t i = 0; syllable_count_ > 2 && i + 2 <= syllable_count_; ++i)
    append(i, 2);
  ++position_;
  syllable_count_ = 0;
}

Analyzer::Analyzer(std::vector<std::shared_ptr<LanguagePort>> languages)
    : segmenter_(std::make_unique<Segmenter>(std::move(languages))) {}
Analyzer::~Analyzer() = default;
Analyzer::Analyzer(Analyzer&& other) noexcept = default;
Analyzer& Analyzer::operator=(Analyzer&& other) noexcept = default;

void Analyzer::analyze(std::string_view text, TermList& out) { segmenter_->analyze(text, out); }

void Analyzer::analyze_query(std::string_view text, TermList& out) {
  segmenter_->analyze_query(text, out);
}

const std::vector<std::string>& Analyzer::foreign_terms() const {
  return segmenter_->vocabulary().foreign_terms();
}

std::uint32_t Analyzer::fingerprint() const { return segmenter_->vocabulary().fingerprint(); }

}  // namespace agent_memory
