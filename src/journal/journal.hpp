// SPDX-License-Identifier: MIT
#pragma once

// The op log and its checkpoints in a StoragePort. The only room that knows keys and formats.
//
//   log/<writer>/<sequence>     one record: operations of one write
//   segment/<checkpoint>/<n>    entries that a fold gathered from the log and earlier segments
//   image/<checkpoint>/<n>      the index over the live entries of these segments; a view, may go
//   head/<checkpoint>           how far the checkpoint reaches into each writer's log
//   damaged/<key>               of what was damaged, the part that could not be read: set aside
//   when
//                               its key was folded away, gone when the last memory is deleted
//
// Log and segments are the truth; head and image only save time. Nobody needs a lock: each writer
// appends under its own name, everything read is merged (MemoryTable), and a fold removes, in the
// one atomic write that stores its result, nothing but what went into that result. Two folds at
// once leave two checkpoints, which the next fold merges.
//
// What is deleted leaves a tombstone, so that whoever knew the memory cannot bring it back. A fold
// leaves out those that are older than kTombstoneLifeMs, for by then nobody can: whoever has not
// read for kReadingLifeMs reads everything anew before it writes or folds, and lets go of what is
// not there any more (LocalProvider); whoever has read since knows of the deletion. Between the two
// lies the time that a call may be under way and that clocks may differ by: two weeks. One that is
// yet to be told elsewhere (MemoryEntry::is_unsettled) stays until it was.
//
// A checkpoint names the writers that it knows, until there are too many: then it names all of them
// by one new mark (a writer with the sequence number 0). Whoever does not know a mark cannot know
// what is behind it, and reads everything.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent_memory/ports.hpp"

#include "journal/codec.hpp"
#include "journal/memory_table.hpp"
#include "journal/segment.hpp"

namespace agent_memory {

/// What the store held that was not known before.
struct JournalNews {
  /// From checkpoints. In a fresh store's order: that of `image`, live entries first.
  std::vector<StoredSegment> segments;
  /// From the log: entries that say what each operation does. Oldest first.
  std::vector<StoredSegment> records;
  /// The image over the live ones in `segments`, where it is whole and fits. Only from `open`.
  std::optional<ViewImage> image;
  /// What was damaged and left out.
  std::vector<Error> damage;
  /// Whether the store was emptied, and this is all that there is now: what was known and is not
  /// here was deleted.
  bool was_emptied = false;
};

/// How long a tombstone is kept, and how long what was read may be built upon.
inline constexpr TimestampMs kTombstoneLifeMs = std::int64_t{30} * 24 * 60 * 60 * 1000;
inline constexpr TimestampMs kReadingLifeMs = kTombstoneLifeMs / 2;

/// How far each of some writers is known.
class Progress {
 public:
  /// The writer's last known sequence number; nullptr where nothing of it is known.
  [[nodiscard]] const std::uint64_t* find(std::uint64_t writer) const;
  /// The writer is known at least so far.
  void note(const WriterProgress& reached);
  /// By writer.
  [[nodiscard]] const std::vector<WriterProgress>& all() const { return all_; }

 private:
  /// The first whose writer is not below `writer`.
  [[nodiscard]] std::size_t place_of(std::uint64_t writer) const;

  std::vector<WriterProgress> all_;
};

class Journal {
 public:
  /// `storage` must outlive the journal. `writer` must be new: never used in this store before.
  Journal(StoragePort& storage, std::uint64_t writer) : storage_(storage), writer_(writer) {}

  /// Reads everything. Fails with the store's error, or with kCorrupt where a newer version of
  /// the library wrote any of it. Until it has succeeded, nothing else may be called. Again: reads
  /// everything again.
  Async<JournalNews> open();
  /// Makes operations durable (as `to_entry` gives them), all or none. Calls must not overlap each
  /// other or `fold`. Where the store failed and yet made the write, `read_news` finds it.
  Async<void> append(const std::vector<MemoryEntry>* operations);
  /// Reads what others wrote since the last `open` or `read_news`. One small read a writer. Fails
  /// as `open` does; then nothing counts as read, and the next call finds it again. Where it cannot
  /// tell what is new, that is everything; as it is where the store was emptied.
  Async<JournalNews> read_news();

  /// Whether the log has grown enough to be worth folding, or holds deletions: the fold is what
  /// takes a deleted text out of the store. In a large store, whose fold is work, they wait for
  /// others, but no longer than a day.
  [[nodiscard]] bool is_fold_due(TimestampMs now_ms) const;
  /// Writes a checkpoint of `table`, which must be the merge of all that was read and appended,
  /// and removes what it replaces. `order`: the live entries as `image` numbers them; `image` is
  /// called when the entries are written, so that not both need be in RAM, does a piece of its work
  /// a call until it returns one, and may be empty; `stamp`: new. Where the store has no room for
  /// the image it is left out. False where nothing was done, for another context is folding.
  Async<bool> fold(const MemoryTable& table, std::vector<EntryIndex> order,
                   std::function<std::optional<ViewImage>()> image, Stamp stamp,
                   TimestampMs now_ms);
  /// Makes deletions that `append` finds no room for durable without a record of them: a fold
  /// whose `order` lacks the memories that they delete, and that has no image.
  Async<bool> rewrite(const MemoryTable& table, std::vector<EntryIndex> order,
                      const std::vector<MemoryEntry>& deletions, Stamp stamp, TimestampMs now_ms);

  /// Bytes of all values that are known to be in the store, without what was set aside.
  [[nodiscard]] std::uint64_t stored_bytes() const;

 private:
  struct Checkpoint {
    /// Nullopt where it is damaged or gone.
    std::optional<CheckpointHead> head;
    /// Each once; in order.
    std::vector<std::string> keys;
    std::uint64_t bytes = 0;
  };
  struct LogRecord {
    std::uint64_t bytes = 0;
    std::size_t deletions = 0;
    /// When the first of them was made.
    TimestampMs deleted_at_ms = kMaxTimestampMs;

    void note(const PackedEntry& operation);
  };
  using Checkpoints = std::map<std::string, Checkpoint>;
  class CheckpointWriter;

  Async<bool> fold_with(const MemoryTable* table, std::vector<EntryIndex> order,
                        const std::vector<MemoryEntry>* deletions,
                        std::function<std::optional<ViewImage>()> image, Stamp stamp,
                        TimestampMs now_ms);

  /// All that went into the table, and what holds it in the store. Reading works on a copy that
  /// takes the place of the original when it is complete: what was read in part is not known.
  struct Known {
    /// Each writer's operations up to here are in the table, without a gap.
    Progress progress;
    Checkpoints checkpoints;
    std::map<std::string, LogRecord> log;
    std::vector<KeyValue> damaged;
  };

  Async<std::vector<KeyValue>> scan_all(std::string prefix, std::size_t page);
  Async<Checkpoints> read_heads(std::vector<Error>* damage);
  /// Reads the log records that `known` lacks; `page` many at first. `firsts`: of each writer the
  /// first record that is there.
  Async<void> read_log(std::size_t page, Known* known, JournalNews* news, Progress* firsts);
  /// Reads the segments of one checkpoint (empty name: of all); false where some that its head
  /// names are gone.
  Async<bool> read_segments(std::string checkpoint, Known* known, JournalNews* news);
  /// What only the head would tell of a checkpoint without one.
  Async<void> find_headless_images(Known* known);
  Async<std::optional<ViewImage>> read_image(std::string name, Checkpoint* checkpoint);
  /// Whether the store has these checkpoints still.
  Async<bool> has_changed(const Checkpoints* heads);
  /// Gives up the images, which only save time, for the space that they take. False: no image.
  Async<bool> drop_images();

  /// Goes on under another name after a write that failed: had it been made all the same, the next
  /// one would take its key, and what it did would count as known.
  void rename();

  static Result<void> take_log_record(KeyValue record, Known* known, JournalNews* news);
  /// Notes what of a damaged value, whose payload comes last, could not be read.
  static void set_aside(KeyValue value, std::size_t payload_bytes, Known* known, JournalNews* news);
  /// Forgets the keys that other contexts' folds have removed.
  static void forget_folded(const Checkpoints& heads, Known* known);
  /// Whether nothing of what was known is in the store, nor what a fold would have put in its
  /// place: `heads`, the log records of `known` that they do not replace, and of those in the store
  /// `firsts`. Own records may be there: those that were written since.
  [[nodiscard]] bool was_emptied(const Checkpoints& heads, const Known& known,
                                 const Progress& firsts) const;
  static bool has_new_mark(const Checkpoints& heads, const Progress& progress);
  static bool is_known(const CheckpointHead& head, const Progress& progress);
  static void note_progress(const CheckpointHead& head, Known* known);
  [[nodiscard]] std::uint64_t log_bytes() const;
  [[nodiscard]] std::uint64_t checkpoint_bytes() const;
  /// How many there are in the log; each that has waited long counts as many as need not wait.
  [[nodiscard]] std::size_t deletions(TimestampMs now_ms) const;

  StoragePort& storage_;
  std::uint64_t writer_;
  std::uint64_t sequence_ = 0;
  Known known_;
};

}  // namespace agent_memory
