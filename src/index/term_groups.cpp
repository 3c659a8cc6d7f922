// SPDX-License-Identifier: MIT
#include "index/term_groups.hpp"

#include <algorithm>
#include <cstddef>

namespace agent_memory {
namespace {

/// Where so many documents have a function word of other languages, these are searched as well:
/// one in ten. Of English texts 2 in 1000 have one.
constexpr std::uint64_t kForeignOneIn = 10;

bool has_foreign_texts(const QueryTerms& terms, const Selection& selection) {
  std::uint64_t documents = 0;
  std::uint64_t foreign = 0;
  for (const Selection::Part& part : selection.parts) {
    documents += part.partition->live();
    foreign += part.partition->foreign_count(*terms.foreign_terms);
  }
  return foreign * kForeignOneIn >= documents;
}

}  // namespace

bool is_used(const std::string& term, const Selection& selection) {
  return std::any_of(
      selection.parts.begin(), selection.parts.end(), [&](const Selection::Part& part) {
        const std::uint32_t number = part.partition->find_term(term);
        return number != TermDictionary::kNone && part.partition->live_count(number) != 0;
      });
}

std::vector<GroupTerm> find_group(const QueryTerms& terms, const QueryTerm& term, bool is_known,
                                  const Selection& selection) {
  std::vector<GroupTerm> group;
  Variants variants = term.variants;
  if (variants == Variants::kUndecided) {
    variants = has_foreign_texts(terms, selection) ? Variants::kAlways : Variants::kIfMistyped;
  }
  const auto purpose = variants == Variants::kIfMistyped ? TermExpansion::Purpose::kTypingErrors
                                                         : TermExpansion::Purpose::kForms;
  if (variants != Variants::kAlways && variants != Variants::kNone) {
    for (const std::string& each : term.alternatives)
      is_known = is_known || is_used(each, selection);
    if (is_known) variants = Variants::kNone;
  }
  if (variants == Variants::kNone && term.alternatives.empty()) return group;

  for (std::uint32_t part = 0; part < selection.parts.size(); ++part) {
    const Partition& partition = *selection.parts[part].partition;
    const auto add_word = [&](const std::string& word) {
      if (variants != Variants::kNone) {
        for (const TermVariant& variant : partition.variants(word, purpose))
          group.push_back({.part = part, .variant = variant});
      } else if (const std::uint32_t number = partition.find_term(word);
                 number != TermDictionary::kNone) {
        group.push_back({.part = part, .variant = {.term = number, .weight = 1}});
      }
    };
    add_word(term.text);
    for (const std::string& each : term.alternatives)
      add_word(each);
  }
  return group;
}

void append_documents(const std::vector<GroupTerm>& group, const Selection& selection,
                      const TermShares& share, std::vector<GroupPosting>& postings) {
  // By slot of one part, one more than the place of its posting.
  std::vector<std::uint32_t> places;
  std::size_t places_of = selection.parts.size();
  for (const GroupTerm& term : group) {
    const std::uint32_t part = term.part;
    const Partition& partition = *selection.parts[part].partition;
    if (part != places_of) places.assign(partition.slots(), 0);
    places_of = part;
    const auto weight = static_cast<float>(term.variant.weight);
    partition.cursor(term.variant.term).visit_until(kNoSlot, [&](const Posting& posting) {
      const std::uint32_t length = partition.length(posting.slot);
      if (length == 0) return;  // dead
      std::uint32_t& place = places[posting.slot];
      if (place == 0) {
        postings.push_back({.part = part, .slot = posting.slot, .share = 0, .speaker = false});
        place = static_cast<std::uint32_t>(postings.size());
      }
      GroupPosting& merged = postings[place - 1];
      merged.share = std::max(merged.share, weight * share(posting.frequency, length));
      merged.speaker = merged.speaker || posting.speaker;
    });
  }
}

}  // namespace agent_memory
