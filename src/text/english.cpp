// SPDX-License-Identifier: MIT
#include "text/english.hpp"

#include <cstddef>

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
// the Scandinavian languages, Polish, Turkish, Indonesian. Left out, for they are English words of
// another kind: die, hat, man, war, come, son, mine, den, bin, per, min, pour, sur, dove, dan.
constexpr std::string_view kForeign =
    // The most frequent ones first, up to the bar.
    "der und ist ich nicht das ein le les est que une el los en con una por il di che non sono "
    "het een ik van niet och att det jag inte nie jest ze bir ve bu ei se etta hogy nem az na "
    "si la de ja yang itu | "
    "dem des eine einen einem einer sind mit wie wo wer wann warum welche welcher mein meine "
    "dein deine sein seine ihr ihre er sie wir uns auf fur zu zum zur von vom bei aus nach uber "
    "habe haben wird auch sich un du sont je tu elle nous vous qui quoi dans pas avec mon ma "
    "mes ton ta sa ses et ou au aux ce cette quand comment las y es esta mi mis su sus cual "
    "quien donde cuando como para del al lo os um uma da dos em nao quem onde quando meu minha "
    "seu sua gli della chi mio mia suo nel alla waar wat mijn jouw zijn op te som mitt ett med "
    "og jeg ikke hvor jak gdzie ne nerede icin ile ini saya apa "
    // English stop words, which tell nothing.
    "a all am an as at be by do for has he in is it me no of on or over so to under was we will ";

constexpr bool is_letter(char byte) { return byte >= 'a' && byte <= 'z'; }

constexpr std::string_view form_at(std::size_t offset) {
  std::size_t size = 0;
  while (is_letter(kForms[offset + size]))
    ++size;
  return kForms.substr(offset, size);
}

std::size_t hash_word(std::string_view word) {
  std::uint32_t hash = 2166136261;
  for (const char byte : word)
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 16777619;
  return hash ^ (hash >> 15);
}

}  // namespace

std::string_view foreign_words() { return kForeign; }

std::string_view frequent_foreign_words() { return kForeign.substr(0, kForeign.find('|')); }

English::English() : stemmer_(english_UTF_8_create_env()) {
  for (std::size_t offset = 0; offset < kForms.size();) {
    const std::string_view form = form_at(offset);
    std::size_t slot = hash_word(form) % kSlots;
    while (slots_[slot] != 0)
      slot = (slot + 1) % kSlots;
    slots_[slot] = static_cast<std::uint16_t>(offset + 1);
    offset += form.size() + 1;
  }
}

English::~English() {
  if (stemmer_ != nullptr) english_UTF_8_close_env(stemmer_);
}

std::string_view English::stop_words() const { return kStopWords; }

std::string_view English::base(std::string_view word) const {
  for (std::size_t slot = hash_word(word) % kSlots; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
    const std::size_t offset = slots_[slot] - 1U;
    if (form_at(offset) != word) continue;
    const std::size_t bar = kForms.substr(0, offset).rfind('|');
    return form_at(bar == std::string_view::npos ? 0 : bar + 1);
  }
  return word;
}

std::string_view English::stem(std::string_view word) {
  if (stemmer_ == nullptr) return word;
  const std::string_view whole = base(word);
  const auto* const letters = reinterpret_cast<const symbol*>(whole.data());
  if (SN_set_current(stemmer_, static_cast<int>(whole.size()), letters) != 0 ||
      english_UTF_8_stem(stemmer_) < 0) {
    // Out of memory: its state is of no use any more, and words stay whole from here on.
    english_UTF_8_close_env(stemmer_);
    stemmer_ = nullptr;
    return whole;
  }
  return {reinterpret_cast<const char*>(stemmer_->p), static_cast<std::size_t>(stemmer_->l)};
}

}  // namespace agent_memory::detail
