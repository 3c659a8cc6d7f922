// SPDX-License-Identifier: MIT
#include "index/partition.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/time.hpp"
#include "index/columns.hpp"

namespace agent_memory {
namespace {

/// Longer documents count as so long; their last terms hardly change a score.
constexpr std::uint64_t kMaxLength = std::numeric_limits<std::uint16_t>::max();

std::uint16_t stored_length(std::uint64_t terms) {
  return static_cast<std::uint16_t>(std::min(terms, kMaxLength));
}

bool are_begins(const std::vector<std::uint32_t>& begins, std::size_t bytes) {
  return !begins.empty() && begins.front() == 0 && begins.back() == bytes &&
         std::is_sorted(begins.begin(), begins.end());
}

bool are_ids(const std::vector<std::uint32_t>& column, std::size_t slots, std::size_t ids) {
  return column.empty() ||
         (column.size() == slots &&
          std::all_of(column.begin(), column.end(), [&](std::uint32_t id) { return id <= ids; }));
}

/// Whether every list decodes, ascends, stays within the slots and has as many postings as it
/// says, and the frequencies of each document add up to its length.
bool are_postings(const PostingLists::Frozen& lists, const std::vector<std::uint16_t>& lengths) {
  std::vector<std::uint16_t> sums(lengths.size());
  for (std::size_t term = 0; term < lists.counts.size(); ++term) {
    const std::uint8_t* at = lists.bytes.data() + lists.begins[term];
    const std::uint8_t* end = lists.bytes.data() + lists.begins[term + 1];
    std::uint32_t count = 0;
    Slot expected = 0;
    for (; at != end; ++count) {
      Posting posting;
      at = decode_posting_checked(at, end, expected, posting);
      if (at == nullptr || posting.slot >= lengths.size()) return false;
      sums[posting.slot] = stored_length(std::uint64_t{sums[posting.slot]} + posting.frequency);
      expected = posting.slot + 1;
    }
    if (count == 0 || count != lists.counts[term]) return false;
  }
  return std::equal(sums.begin(), sums.end(), lengths.begin(), lengths.end());
}

}  // namespace

std::optional<Partition> Partition::from_columns(PartitionColumns columns) {
  const std::size_t slots = columns.documents.size();
  const PostingLists::Frozen& lists = columns.postings;
  const bool consistent =
      slots < kNoSlot / 8 && columns.times.size() == slots && columns.lengths.size() == slots &&
      columns.traits.size() == slots && are_begins(columns.ids.begins, columns.ids.bytes.size()) &&
      are_begins(columns.terms.begins, columns.terms.bytes.size()) &&
      are_begins(lists.begins, lists.bytes.size()) &&
      lists.begins.size() == columns.terms.begins.size() &&
      lists.counts.size() + 1 == lists.begins.size() &&
      are_ids(columns.agents, slots, columns.ids.begins.size() - 1) &&
      are_ids(columns.runs, slots, columns.ids.begins.size() - 1) &&
      std::all_of(
          columns.times.begin(), columns.times.end(),
          [](TimestampMs time) { return time >= kMinTimestampMs && time <= kMaxTimestampMs; }) &&
      are_postings(lists, columns.lengths);
  if (!consistent) return std::nullopt;

  auto ids =
      TermDictionary::from_columns(std::move(columns.ids.bytes), std::move(columns.ids.begins));
  auto terms =
      TermDictionary::from_columns(std::move(columns.terms.bytes), std::move(columns.terms.begins));
  if (!ids || !terms) return std::nullopt;

  Partition partition;
  partition.ids_ = *std::move(ids);
  partition.terms_ = *std::move(terms);
  partition.documents_ = std::move(columns.documents);
  partition.times_ = std::move(columns.times);
  partition.lengths_ = std::move(columns.lengths);
  partition.traits_ = std::move(columns.traits);
  partition.agents_ = std::move(columns.agents);
  partition.runs_ = std::move(columns.runs);
  partition.postings_ = PostingLists(std::move(columns.postings));
  for (Slot slot = 0; slot < slots; ++slot) {
    partition.total_length_ += partition.lengths_[slot];
    partition.extend_window(slot, partition.times_[slot]);
  }
  return partition;
}

bool Partition::extend(PartitionImage& image, std::size_t pieces) const {
  PartitionColumns& columns = image.columns;
  std::vector<Slot>& renumbered = image.renumbered;
  if (renumbered.empty()) {
    renumbered.reserve(documents_.size());
    image.new_ids.resize(ids_.size() + std::size_t{1});
    columns.documents.reserve(live());
    columns.times.reserve(live());
    columns.lengths.reserve(live());
    columns.traits.reserve(live());
    if (!agents_.empty()) columns.agents.reserve(live());
    if (!runs_.empty()) columns.runs.reserve(live());
  }
  const auto renumber_id = [&](std::uint32_t id) {
    std::uint32_t& new_id = image.new_ids[id];
    if (id != 0 && new_id == 0) {
      columns.ids.append(ids_[id - 1]);
      new_id = static_cast<std::uint32_t>(columns.ids.begins.size() - 1);
    }
    return new_id;
  };
  std::size_t done = 0;
  for (; renumbered.size() < documents_.size() && done < pieces; ++done) {
    const auto slot = static_cast<Slot>(renumbered.size());
    renumbered.push_back(kNoSlot);
    if (!is_live(slot)) continue;
    renumbered.back() = static_cast<Slot>(columns.documents.size());
    columns.documents.push_back(documents_[slot]);
    columns.times.push_back(times_[slot]);
    columns.lengths.push_back(lengths_[slot]);
    columns.traits.push_back(traits_[slot]);
    if (!agents_.empty()) columns.agents.push_back(renumber_id(agents_[slot]));
    if (!runs_.empty()) columns.runs.push_back(renumber_id(runs_[slot]));
  }
  std::array<std::uint8_t, kMaxPostingBytes> bytes{};
  for (; image.next_term < terms_.size() && done < pieces; ++image.next_term) {
    std::uint32_t count = 0;
    Slot expected = 0;
    cursor(image.next_term).visit_until(kNoSlot, [&](Posting posting) {
      posting.slot = renumbered[posting.slot];
      if (posting.slot == kNoSlot) return;
      columns.postings.bytes.insert(columns.postings.bytes.end(), bytes.data(),
                                    encode_posting(posting, expected, bytes.data()));
      expected = posting.slot + 1;
      ++count;
    });
    done += posting_count(image.next_term);
    if (count == 0) continue;
    columns.terms.append(terms_[image.next_term]);
    columns.postings.begins.push_back(static_cast<std::uint32_t>(columns.postings.bytes.size()));
    columns.postings.counts.push_back(count);
  }
  return renumbered.size() < documents_.size() || image.next_term < terms_.size();
}

Slot Partition::add(DocumentId document, TimestampMs time_ms,
                    const std::optional<std::string>& agent_id,
                    const std::optional<std::string>& run_id, Traits traits, const TermList& text,
                    const TermList& name) {
  const Slot slot = slots();
  foreign_count_.reset();
  time_ms = std::clamp(time_ms, kMinTimestampMs, kMaxTimestampMs);
  append_tight(documents_, document);
  append_tight(times_, time_ms);
  append_tight(traits_, pack(traits));
  set_id(agents_, agent_id);
  set_id(runs_, run_id);
  extend_window(slot, time_ms);

  // A term that is both said and in the speaker's name sorts its two kinds side by side.
  std::vector<std::uint64_t> occurrences;
  occurrences.reserve(text.size() + name.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    occurrences.push_back(std::uint64_t{terms_.intern(text[i])} * 2);
  }
  for (std::size_t i = 0; i < name.size(); ++i) {
    occurrences.push_back(std::uint64_t{terms_.intern(name[i])} * 2 + 1);
  }
  std::sort(occurrences.begin(), occurrences.end());
  for (std::size_t i = 0; i < occurrences.size();) {
    const std::uint64_t term = occurrences[i] / 2;
    Posting posting{.slot = slot, .frequency = 0};
    for (; i < occurrences.size() && occurrences[i] / 2 == term; ++i) {
      ++posting.frequency;
      posting.speaker = occurrences[i] % 2 == 1;
    }
    postings_.append(static_cast<std::uint32_t>(term), posting);
  }
  append_tight(lengths_, stored_length(occurrences.size()));
  total_length_ += lengths_[slot];
  return slot;
}

void Partition::remove(Slot slot, const TermList& text, const TermList& name) {
  if (slot < linked_) {
    const Slot before = std::exchange(previous_[slot], kNoSlot);
    const Slot after = std::exchange(next_[slot], kNoSlot);
    if (before != kNoSlot) next_[before] = after;
    if (after != kNoSlot) {
      previous_[after] = before;
      if (before != kNoSlot) note_order(before, after);
    } else {
      last_of_thread_[thread_of(slot)] = before;
    }
  }
  foreign_count_.reset();
  std::vector<std::uint64_t> terms;  // of 64 bits, as they are sorted in `add`: one routine does
  for (const TermList* list : {&text, &name}) {
    for (std::size_t i = 0; i < list->size(); ++i)
      terms.push_back(find_term((*list)[i]));
  }
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  dead_counts_.resize(terms_.size());
  for (const std::uint64_t term : terms) {
    if (term != TermDictionary::kNone) ++dead_counts_[static_cast<std::size_t>(term)];
  }
  total_length_ -= lengths_[slot];
  lengths_[slot] = 0;
  documents_[slot] = kDead;
  ++dead_;
}

void Partition::compact() {
  PartitionImage image;
  extend(image, std::numeric_limits<std::size_t>::max());
  image.columns.postings.bytes.shrink_to_fit();
  image.columns.postings.begins.shrink_to_fit();
  image.columns.terms.begins.shrink_to_fit();
  if (auto compacted = from_columns(std::move(image.columns))) *this = *std::move(compacted);
}

std::vector<TermVariant> Partition::variants(std::string_view word,
                                             TermExpansion::Purpose purpose) const {
  if (!expansion_) expansion_ = std::make_unique<TermExpansion>();
  return expansion_->expand(
      terms_, word, [&](std::uint32_t term) { return live_count(term) != 0; }, purpose);
}

std::uint64_t Partition::foreign_count(const std::vector<std::string>& terms) const {
  if (foreign_count_) return *foreign_count_;
  std::uint64_t count = 0;
  for (const std::string& term : terms) {
    const std::uint32_t number = find_term(term);
    if (number != TermDictionary::kNone) count += live_count(number);
  }
  foreign_count_ = count;
  return count;
}

std::optional<Partition::View> Partition::view(const std::optional<std::string>& agent_id,
                                               const std::optional<std::string>& run_id) const {
  View view;
  const auto resolve = [&](const std::optional<std::string>& id, std::uint32_t& wanted,
                           const std::vector<std::uint32_t>& column) {
    if (!id) return true;
    const std::uint32_t number = ids_.find(*id);
    if (number == TermDictionary::kNone || column.empty()) return false;
    wanted = number + 1;
    return true;
  };
  if (!resolve(agent_id, view.agent, agents_) || !resolve(run_id, view.run, runs_)) {
    return std::nullopt;
  }
  return view;
}

std::uint8_t Partition::pack(Traits traits) {
  const unsigned role = traits.role ? static_cast<unsigned>(*traits.role) + 1 : 0;
  return static_cast<std::uint8_t>((traits.asks ? kAsks : 0U) |
                                   (traits.tells_time ? kTellsTime : 0U) |
                                   (traits.in_run ? kInRun : 0U) | role << kRoleShift);
}

std::uint32_t Partition::thread_of(Slot slot) {
  const std::array<std::uint32_t, 2> ids{agents_.empty() ? 0 : agents_[slot],
                                         runs_.empty() ? 0 : runs_[slot]};
  const std::uint32_t thread =
      threads_.intern({reinterpret_cast<const char*>(ids.data()), sizeof ids});
  if (thread == last_of_thread_.size()) append_tight(last_of_thread_, kNoSlot);
  return thread;
}

void Partition::link_between(Slot before, Slot slot, Slot after, std::uint32_t thread) {
  previous_[slot] = before;
  next_[slot] = after;
  if (before != kNoSlot) {
    next_[before] = slot;
    note_order(before, slot);
  }
  if (after != kNoSlot) {
    previous_[after] = slot;
    note_order(slot, after);
  } else {
    last_of_thread_[thread] = slot;
  }
}

void Partition::note_order(Slot before, Slot after) {
  if (before + 1 == after || !are_one_talk(before, after)) return;
  out_of_order_[before / kBlockSlots] = 1;
  out_of_order_[after / kBlockSlots] = 1;
}

void Partition::extend_window(Slot slot, TimestampMs time_ms) {
  if (slot % kWindowSlots == 0) window_times_.push_back({time_ms, time_ms + 1});
  TimeRange& times = window_times_.back();
  times = {std::min(times.from, time_ms), std::max(times.to, time_ms + 1)};
}

void Partition::set_id(std::vector<std::uint32_t>& column, const std::optional<std::string>& id) {
  if (id && column.empty()) column.resize(documents_.size() - 1);
  if (id || !column.empty()) append_tight(column, id ? ids_.intern(*id) + 1 : 0U);
}

}  // namespace agent_memory
