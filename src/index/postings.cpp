// SPDX-License-Identifier: MIT
#include "index/postings.hpp"

#include <algorithm>
#include <utility>

#include "index/columns.hpp"

namespace agent_memory {
namespace {

std::uint8_t* write_varint(std::uint32_t value, std::uint8_t* out) {
  for (; value >= 0x80; value >>= 7)
    *out++ = static_cast<std::uint8_t>(value | 0x80U);
  *out++ = static_cast<std::uint8_t>(value);
  return out;
}

}  // namespace

std::uint8_t* encode_posting(const Posting& posting, Slot expected, std::uint8_t* out) {
  const std::uint32_t frequency = std::min(posting.frequency, 4U);
  out = write_varint((posting.slot - expected) << 3 | (posting.speaker ? 4U : 0U) | (frequency - 1),
                     out);
  return frequency == 4 ? write_varint(posting.frequency - 4, out) : out;
}

PostingLists::PostingLists(Frozen frozen)
    : frozen_bytes_(std::move(frozen.bytes)),
      frozen_begins_(std::move(frozen.begins)),
      lists_(frozen.counts.size()) {
  for (std::size_t term = 0; term < lists_.size(); ++term)
    lists_[term].count = frozen.counts[term];
}

void PostingLists::append(std::uint32_t term, const Posting& posting) {
  if (term == lists_.size()) append_tight(lists_, List{});
  List& list = lists_[term];
  std::array<std::uint8_t, kMaxPostingBytes> bytes{};
  const std::uint8_t* end = encode_posting(posting, list.expected, bytes.data());
  const auto size = static_cast<std::uint32_t>(end - bytes.data());
  std::memcpy(extend(list, size), bytes.data(), size);
  list.expected = posting.slot + 1;
  ++list.count;
}

std::uint8_t* PostingLists::extend(List& list, std::uint32_t more) {
  const std::uint32_t old_size = list.size;
  const std::uint32_t new_size = old_size + more;
  if (new_size <= kInlineBytes) {
    list.size = new_size;
    return list.storage.data() + old_size;
  }
  const bool was_inline = list.is_inline();
  const std::size_t old_capacity = was_inline ? 0 : ByteArena::capacity_for(old_size);
  if (new_size > old_capacity) {
    const std::size_t capacity = ByteArena::capacity_for(new_size);
    const ByteArena::Address block = arena_.allocate(capacity);
    std::memcpy(arena_.at(block), was_inline ? list.storage.data() : arena_.at(list.address()),
                old_size);
    if (!was_inline) arena_.release(list.address(), old_capacity);
    std::memcpy(list.storage.data(), &block, sizeof(block));
  }
  list.size = new_size;
  return arena_.at(list.address()) + old_size;
}

PostingCursor PostingLists::cursor(std::uint32_t term) const {
  PostingCursor::Run frozen;
  if (term + 1 < frozen_begins_.size()) {
    frozen = {frozen_bytes_.data() + frozen_begins_[term],
              frozen_bytes_.data() + frozen_begins_[term + 1]};
  }
  const List& list = lists_[term];
  const std::uint8_t* growing = list.is_inline() ? list.storage.data() : arena_.at(list.address());
  return {frozen, {growing, growing + list.size}};
}

}  // namespace agent_memory
