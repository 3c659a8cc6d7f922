// SPDX-License-Identifier: MIT
#pragma once

// Posting lists: for each term the documents that hold it, compressed, in ascending order. A list
// is up to two runs of bytes: the frozen one, which lies packed with those of all other terms and
// is loaded as it was stored, and the growing one, which takes what was added since.
//
// One posting is the varint of gap * 8 + speaker * 4 + min(frequency, 4) - 1, and from a frequency
// of 4 on the varint of frequency - 4. The gap counts the slots since the posting before, or since
// slot 0. (Frequencies 1 to 3 in the head: a branch on them would be mispredicted all the time.)

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "index/byte_arena.hpp"

namespace agent_memory {

/// A document's number within its partition. Below 2^29, so that a gap and its flags fit 32 bits.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xFFFFFFFF;

struct Posting {
  Slot slot = 0;
  std::uint32_t frequency = 1;
  /// Whether the term is in the speaker's name.
  bool speaker = false;
};

/// The most bytes that one posting takes.
inline constexpr std::size_t kMaxPostingBytes = 10;

/// Writes `posting` to `out` (kMaxPostingBytes of room); `expected` is the slot after the one
/// before. The end of what was written.
std::uint8_t* encode_posting(const Posting& posting, Slot expected, std::uint8_t* out);
/// Reads a varint of 32 bits from bytes that nobody vouches for. Nullptr where there is none before
/// `end`.
inline const std::uint8_t* read_varint_checked(const std::uint8_t* at, const std::uint8_t* end,
                                               std::uint32_t& value) {
  value = 0;
  for (unsigned shift = 0; at != end; shift += 7) {
    const std::uint32_t byte = *at++;
    if (shift == 28 && byte > 0x0F) return nullptr;
    value |= (byte & 0x7FU) << shift;
    if (byte < 0x80) return at;
  }
  return nullptr;
}

/// The same for a posting.
inline const std::uint8_t* decode_posting_checked(const std::uint8_t* at, const std::uint8_t* end,
                                                  Slot expected, Posting& posting) {
  std::uint32_t head = 0;
  if (at != end && *at < 0x80) {  // one byte, as nearly all are
    head = *at++;
  } else {
    at = read_varint_checked(at, end, head);
    if (at == nullptr) return nullptr;
  }
  posting = {
      .slot = expected + (head >> 3), .frequency = (head & 3U) + 1, .speaker = (head & 4U) != 0};
  if (posting.frequency < 4) return at;
  std::uint32_t more = 0;
  at = read_varint_checked(at, end, more);
  if (more > 0xFFFFFFFFU - 4) return nullptr;
  posting.frequency += more;
  return at;
}

/// Walks one list. Valid while the list does not change.
class PostingCursor {
 public:
  struct Run {
    const std::uint8_t* begin = nullptr;
    const std::uint8_t* end = nullptr;
  };

  PostingCursor(Run frozen, Run growing) : at_(frozen.begin), end_(frozen.end), next_(growing) {
    posting_.slot = kNoSlot;  // one before slot 0
    advance();
  }

  /// The posting it stands on; kNoSlot past the last.
  [[nodiscard]] const Posting& operator*() const { return posting_; }
  [[nodiscard]] Slot slot() const { return posting_.slot; }

  void advance() {
    if (at_ != end_) {
      at_ = decode(at_, end_, posting_.slot + 1, posting_);
    } else if (next_.begin != next_.end) {
      at_ = decode(next_.begin, next_.end, 0, posting_);
      end_ = next_.end;
      next_ = {};
    } else {
      posting_.slot = kNoSlot;
    }
  }

  /// Calls `visit` with every posting from here on whose slot is below `limit`.
  template <typename Visitor>
  void visit_until(Slot limit, Visitor visit) {
    // What changes from posting to posting is kept out of *this, where it would go to memory.
    const std::uint8_t* at = at_;
    Posting posting = posting_;
    while (posting.slot < limit) {
      visit(posting);
      if (at == end_) {
        at_ = at;
        posting_ = posting;
        advance();
        at = at_;
        posting = posting_;
        continue;
      }
      at = decode(at, end_, posting.slot + 1, posting);
    }
    at_ = at;
    posting_ = posting;
  }

 private:
  static const std::uint8_t* read_varint(const std::uint8_t* at, std::uint32_t& value) {
    value = *at++;
    if (value < 0x80) return at;
    value &= 0x7FU;
    for (unsigned shift = 7;; shift += 7) {
      const std::uint32_t byte = *at++;
      value |= (byte & 0x7FU) << shift;
      if (byte < 0x80) return at;
    }
  }
  [[gnu::always_inline]] static const std::uint8_t* decode(const std::uint8_t* at,
                                                           const std::uint8_t* end, Slot expected,
                                                           Posting& posting) {
    std::uint32_t head = 0;
    // Whether a gap takes one byte or two changes all the time: no branch on it.
    if (end - at >= 2) {
      const std::uint32_t first = at[0];
      const std::uint32_t second = at[1];
      const std::uint32_t more = first >> 7;
      if ((first & second) < 0x80) {
        head = (first & 0x7FU) | ((second << 7) & (0U - more));
        at += 1 + more;
      } else {
        at = read_varint(at, head);
      }
    } else {
      at = read_varint(at, head);
    }
    posting.slot = expected + (head >> 3);
    posting.speaker = (head & 4U) != 0;
    posting.frequency = (head & 3U) + 1;
    if (posting.frequency == 4) {
      at = read_varint(at, posting.frequency);
      posting.frequency += 4;
    }
    return at;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  Run next_;
  Posting posting_;
};

/// All lists of a partition, by term number.
class PostingLists {
 public:
  /// Lists packed one behind the other: term i has counts[i] postings, in the bytes from
  /// begins[i] to begins[i + 1].
  struct Frozen {
    std::vector<std::uint8_t> bytes;
    std::vector<std::uint32_t> begins{0};
    std::vector<std::uint32_t> counts;
  };

  PostingLists() = default;
  explicit PostingLists(Frozen frozen);

  /// Adds a posting to the end of a list, which is a new one where `term` is the number of lists.
  /// `posting.slot` must be above all that the list has.
  void append(std::uint32_t term, const Posting& posting);
  /// How many postings the list has.
  [[nodiscard]] std::uint32_t count(std::uint32_t term) const { return lists_[term].count; }
  [[nodiscard]] PostingCursor cursor(std::uint32_t term) const;

 private:
  static constexpr std::size_t kInlineBytes = 8;

  /// The growing run. Most terms are rare: what is short needs no block.
  struct List {
    std::uint32_t count = 0;
    Slot expected = 0;
    std::uint32_t size = 0;
    /// The bytes themselves, or the address of the block that holds them.
    std::array<std::uint8_t, kInlineBytes> storage{};

    [[nodiscard]] bool is_inline() const { return size <= kInlineBytes; }
    [[nodiscard]] ByteArena::Address address() const {
      ByteArena::Address address = 0;
      std::memcpy(&address, storage.data(), sizeof(address));
      return address;
    }
  };

  /// Makes room for `more` bytes at the end of the run, and returns where they go.
  std::uint8_t* extend(List& list, std::uint32_t more);

  std::vector<std::uint8_t> frozen_bytes_;
  std::vector<std::uint32_t> frozen_begins_{0};
  std::vector<List> lists_;
  ByteArena arena_;
};

}  // namespace agent_memory
