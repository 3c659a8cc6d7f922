// SPDX-License-Identifier: MIT
#include "text/english.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <api.h>
#include <stem_UTF_8_english.h>

namespace agent_memory::detail {
namespace {

// Contractions stand here without their apostrophe, as many type them. Left out, for they may be
// what is asked for: may (the month), like, want, need, know, get, one, never, new, good, and what
// a missing apostrophe turns into another word (ill, well, shell, wed, id). No and not are stop
// words: a question seldom repeats them, and ranking by them finds every refusal.
constexpr std::string_view kStopWords =
    "a an the "
    "i me my mine myself we us our ours ourselves you your yours yourself yourselves "
    "he him his himself she her hers herself it its itself they them their theirs themselves "
    "this that these those here there "
    "what which who whom whose when where why how "
    "am is are was were be been being do does did doing done have has had having "
    "will would shall should can could might must cannot ought "
    "and or but nor if then than because as while until so though although whether "
    "of at by for with about against between into through during before after above below to from "
    "up down in out on off over under within without upon via per "
    "again once just only also too very really quite more most much many some any all both each "
    "few "
    "other others another such own same no not even still yet ever "
    "dont cant wont isnt arent wasnt werent didnt doesnt hasnt havent hadnt shouldnt wouldnt "
    "couldnt "
    "mustnt mightnt neednt aint im ive youre youve theyre theyve thats whats hes shes lets let "
    "gonna gotta wanna etc ";

// Groups: what to use, then what it is used for. The first is stemmed in its place, so that went
// meets going. Left out, for they are words of their own: rose, wound, lay, bore, bit, ground,
// dove.
constexpr std::string_view kForms =
    // Verbs.
    "arise arose arisen|awake awoke awoken|beat beaten|become became|begin began begun|bend bent|"
    "bite bitten|bleed bled|blow blew blown|break broke broken|breed bred|bring brought|build "
    "built|"
    "burn burnt|buy bought|catch caught|choose chose chosen|cling clung|come came|creep crept|"
    "deal dealt|dig dug|draw drew drawn|dream dreamt|drink drank drunk|drive drove driven|"
    "eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought|find found|flee fled|"
    "fly flew flown|forbid forbade forbidden|forget forgot forgotten|forgive forgave forgiven|"
    "freeze froze frozen|get got gotten|give gave given|go went gone goes|grow grew grown|hang "
    "hung|"
    "hear heard|hide hid hidden|hold held|keep kept|kneel knelt|know knew known|lay laid|lead led|"
    "lean leant|leap leapt|learn learnt|leave left|lend lent|light lit|lose lost|make made|"
    "mean meant|meet met|mistake mistook mistaken|overcome overcame|oversleep overslept|pay paid|"
    "prove proven|rebuild rebuilt|redo redid redone|rewrite rewrote rewritten|ride rode ridden|"
    "ring rang rung|rise risen|run ran|say said|see saw seen|seek sought|sell sold|send sent|"
    "sew sewn|shake shook shaken|shine shone|shoot shot|show shown|shrink shrank shrunk|"
    "sing sang sung|sink sank sunk|sit sat|sleep slept|slide slid|speak spoke spoken|speed sped|"
    "spell spelt|spend spent|spill spilt|spin spun|spit spat|spoil spoilt|spring sprang sprung|"
    "stand stood|steal stole stolen|stick stuck|sting stung|stink stank stunk|"
    "strike struck stricken|strive strove striven|swear swore sworn|sweep swept|swell swollen|"
    "swim swam swum|swing swung|take took taken|teach taught|tear tore torn|tell told|"
    "think thought|throw threw thrown|tread trod trodden|undergo underwent undergone undergoes|"
    "understand understood|undo undid undone undoes|wake woke woken|wear wore worn|weave wove "
    "woven|"
    "weep wept|win won|withdraw withdrew withdrawn|write wrote written|"
    // Plurals.
    "analysis analyses|bacterium bacteria|businessman businessmen|cactus cacti|calf calves|"
    "crisis crises|criterion criteria|curriculum curricula|diagnosis diagnoses|elf elves|"
    "fireman firemen|fisherman fishermen|foot feet|fungus fungi|gentleman gentlemen|goose geese|"
    "grandchild grandchildren grandkid grandkids|half halves|hoof hooves|hypothesis hypotheses|"
    "knife knives|loaf loaves|man men|matrix matrices|mouse mice|ox oxen|person people|"
    "phenomenon phenomena|policeman policemen|salesman salesmen|scarf scarves|shelf shelves|"
    "snowman snowmen|thesis theses|thief thieves|tooth teeth|wife wives|wolf wolves|"
    "woman women|"
    // Near words: short for, at home, or British for.
    "bicycle bike bikes biked biking|birthday bday|child children kid kids|christmas xmas|"
    "father dad dads daddy daddies|"
    "favorite fave faves fav favourite favourites|grandfather grandpa grandpas granddad grandad|"
    "grandmother grandma grandmas granny grandmom|husband hubby|math maths mathematics|"
    "mother mom moms mommy mum mums mummy mama mamma|phone telephone telephones cellphone "
    "cellphones|"
    "photo photos picture pictures pic pics photograph photographs|plane airplane airplanes "
    "aeroplane|"
    "refrigerator fridge fridges|television tv tvs telly|university uni|vegetable veggie veggies|"
    "january jan|february feb|august aug|september sep sept|october oct|november nov|december dec|"
    "behavior behaviour|cancel cancelled cancelling|center centre centres|color colour colours|"
    "cozy cosy|flavor flavour flavours|gray grey|harbor harbour|honor honour|humor humour|"
    "jewelry jewellery|labor labour|neighbor neighbour neighbours|neighborhood neighbourhood|"
    "organize organise organised organising|pajamas pyjamas|program programme programmes|"
    "realize realise realised realising|recognize recognise recognised|rumor rumour|"
    "theater theatre theatres|travel travelled travelling|traveler traveller travellers|";

// Function words of other languages, folded: German, French, Spanish, Portuguese, Italian, Dutch,
// the Scandinavian languages, Polish, Turkish, Indonesian. Left out, for they are English too: die,
// hat, man, war, come, son, mine, den, bin, per, min, pour, sur, dove, dan.
constexpr std::string_view kForeign =
    "der das dem des ein eine einen einem einer ich nicht und ist sind mit wie wo wer wann warum "
    "welche welcher mein meine dein deine sein seine ihr ihre er sie wir uns auf fur zu zum zur "
    "von vom bei aus nach uber habe haben wird auch sich "
    "le la les un une du est sont je tu il elle nous vous que qui quoi dans pas avec mon ma mes "
    "ton "
    "ta sa ses et ou au aux ce cette quand comment "
    "el los las una y es esta mi mis su sus cual quien donde cuando como por para con del al lo "
    "os um uma da dos em na nao quem onde quando meu minha seu sua "
    "gli della di che chi non mio mia suo sono nel alla "
    "het een ik niet van waar wat mijn jouw zijn op te "
    "och att det som jag inte mitt ett med og jeg ikke hvor "
    "nie jest jak gdzie ve bir bu ne nerede icin ile yang ini itu saya apa ";

// Stop words that other languages have as well, and that so tell nothing.
constexpr std::string_view kAmbiguous =
    " a all am an as at be by do for has he in is it me no of on or over so to under was we will ";

constexpr std::size_t kStopWordsEnd = kStopWords.size();
constexpr std::size_t kForeignEnd = kStopWordsEnd + kForeign.size();

constexpr bool is_letter(char byte) { return byte >= 'a' && byte <= 'z'; }

constexpr std::string_view text_at(std::size_t offset) {
  if (offset < kStopWordsEnd) return kStopWords.substr(offset);
  if (offset < kForeignEnd) return kForeign.substr(offset - kStopWordsEnd);
  return kForms.substr(offset - kForeignEnd);
}

constexpr std::string_view word_at(std::size_t offset) {
  const std::string_view text = text_at(offset);
  std::size_t size = 0;
  while (is_letter(text[size]))
    ++size;
  return text.substr(0, size);
}

std::size_t hash_word(std::string_view word) {
  std::uint32_t hash = 2166136261;
  for (const char byte : word)
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 16777619;
  return hash ^ (hash >> 15);
}

}  // namespace

Lexicon::Lexicon() {
  const std::size_t end = kForeignEnd + kForms.size();
  for (std::size_t offset = 0; offset < end;) {
    const std::string_view word = word_at(offset);
    std::size_t slot = hash_word(word) % kSlots;
    while (slots_[slot] != 0)
      slot = (slot + 1) % kSlots;
    slots_[slot] = static_cast<std::uint16_t>(offset + 1);
    offset += word.size() + 1;
  }
}

Lexicon::Entry Lexicon::find(std::string_view word) const {
  for (std::size_t slot = hash_word(word) % kSlots; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
    std::size_t offset = slots_[slot] - 1U;
    if (word_at(offset) != word) continue;
    if (offset < kStopWordsEnd)
      return {.is_found = true, .is_stop_word = true, .is_foreign = false, .base = {}};
    if (offset < kForeignEnd)
      return {.is_found = true, .is_stop_word = false, .is_foreign = true, .base = word};
    offset -= kForeignEnd;
    const std::size_t bar = kForms.substr(0, offset).rfind('|');
    const std::size_t group = bar == std::string_view::npos ? 0 : bar + 1;
    return {.is_found = true,
            .is_stop_word = false,
            .is_foreign = false,
            .base = word_at(kForeignEnd + group)};
  }
  return {};
}

English::English() : stemmer_(english_UTF_8_create_env()), cached_(std::size_t{1} << kCachedBits) {}

English::~English() {
  if (stemmer_ != nullptr) english_UTF_8_close_env(stemmer_);
}

std::string_view English::term(const WordBuffer& word) {
  static_assert(std::endian::native == std::endian::little);  // the first letter is the low byte
  Key key{};
  if (word.size() > sizeof key) return stem(word.view());
  std::memcpy(key.data(), word.data(), sizeof key);
  // What is behind the word is left from an older one.
  const auto first_bytes = [](std::uint64_t bytes, std::size_t count) {
    return count >= 8 ? bytes : bytes & ~(~std::uint64_t{0} << (8 * count));
  };
  key[0] = first_bytes(key[0], word.size());
  key[1] = first_bytes(key[1], word.size() < 8 ? 0 : word.size() - 8);

  std::uint64_t hash = key[0] * 0x9E3779B97F4A7C15U ^ key[1] * 0xC2B2AE3D27D4EB4FU;
  hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15U;
  Cached& slot = cached_[static_cast<std::size_t>(hash >> (64 - kCachedBits))];
  if (slot.key == key) return {slot.term, slot.size};

  const Lexicon::Entry entry = lexicon_.find(word.view());
  std::string_view term;
  if (!entry.is_stop_word) term = stem(entry.is_found ? entry.base : word.view());
  if (term.size() > sizeof slot.term) return term;
  slot.key = key;
  slot.size = static_cast<std::uint8_t>(term.size());
  std::copy(term.begin(), term.end(), slot.term);
  return {slot.term, slot.size};
}

int English::evidence(std::string_view word) const {
  const Lexicon::Entry entry = lexicon_.find(word);
  if (entry.is_foreign) return -1;
  if (!entry.is_stop_word) return 0;
  for (std::size_t at = kAmbiguous.find(word); at != std::string_view::npos;
       at = kAmbiguous.find(word, at + 1)) {
    if (kAmbiguous[at - 1] == ' ' && kAmbiguous[at + word.size()] == ' ') return 0;
  }
  return 1;
}

std::string_view English::stem(std::string_view word) {
  if (stemmer_ == nullptr) return word;
  const auto* const letters = reinterpret_cast<const symbol*>(word.data());
  if (SN_set_current(stemmer_, static_cast<int>(word.size()), letters) != 0 ||
      english_UTF_8_stem(stemmer_) < 0) {
    // Out of memory: its state is of no use any more, and words stay whole from here on.
    english_UTF_8_close_env(stemmer_);
    stemmer_ = nullptr;
    return word;
  }
  return {reinterpret_cast<const char*>(stemmer_->p), static_cast<std::size_t>(stemmer_->l)};
}

}  // namespace agent_memory::detail
