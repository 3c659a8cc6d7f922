// SPDX-License-Identifier: MIT
#pragma once

// LocalProvider: memory on this device. Keyword search and recency over an index in RAM; every
// memory durable in a StoragePort before it is acknowledged.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent_memory/language.hpp"
#include "agent_memory/ports.hpp"
#include "agent_memory/provider.hpp"

namespace agent_memory {

struct LocalProviderOptions {
  /// Half of a memory's recency weight is gone after so long. Default 30 days; more than 0.
  double half_life_ms = 30.0 * 24 * 60 * 60 * 1000;
  /// Which speakers' words become memories. Default: both.
  bool store_user = true;
  bool store_assistant = true;
  /// What the memories are in, at most kMaxLanguages; each text is taken to be in the one that it
  /// looks most like. Without any: English. A store may be opened with others at any time: its
  /// texts are then indexed anew.
  std::vector<std::shared_ptr<LanguagePort>> languages = {};
};

/// Memories were added, changed or removed.
struct ChangeNotice {
  std::vector<StoredMemory> stored;
  /// True where another tab or worker made the change.
  bool elsewhere = false;
};
/// Something failed that no call was waiting for, or that a call survived.
struct ErrorNotice {
  std::string operation;
  Error error;
};
/// The provider was closed; no further notice comes.
struct ClosedNotice {};
using LocalNotice = std::variant<ChangeNotice, ErrorNotice, ClosedNotice>;

struct DeleteAllOptions {
  Identity identity;
  JsonValue filters;
  /// Needed where no id is given: then the memories of every user go, those that the filters match.
  bool everything = false;
};

struct ImportReport {
  std::int64_t added = 0;
  std::int64_t skipped = 0;
};

struct LocalStatus {
  std::string kind;
  std::int64_t memories = 0;
  /// Bytes of the values in the store.
  std::int64_t bytes = 0;
};

/// How a memory stands to what is elsewhere of it, in a store that is kept in step with this one.
/// Not copied: valid only while it is shown.
struct SyncView {
  std::string_view memory_id;
  /// Of the write that made it what it is here. Empty where nothing was ever written under the id.
  std::string_view version;
  /// What was last noted of what is elsewhere; empty for nothing.
  std::string_view note;
  /// Whether it was written since the version that the note accounts for. What was deleted counts
  /// only while there is a note of it.
  bool is_unsettled = false;
  /// As it is; nullptr where it is deleted, or never was.
  const MemoryView* memory = nullptr;
  std::optional<TimestampMs> expires_at_ms;
};
using SyncVisitor = std::function<void(const SyncView&)>;

/// Which of them are shown: those with these ids, in this order; without any, the unsettled ones;
/// or else all that have a note.
struct SyncQuery {
  std::vector<std::string> ids;
  /// Of the unsettled ones, about in the order in which they came, no more than these; of those
  /// that `identity` sees (one without ids: that have any). Of what was deleted nobody knows whose
  /// it was: all of it. What has expired is left out: it is about to be deleted.
  std::optional<std::int64_t> unsettled;
  Identity identity;
};

/// The provider over one store. Several instances, in this context or others, may share a store:
/// each sees what the others acknowledged. Operations on a closed provider fail with kClosed.
///
/// What `store_memories` made durable is indexed by the next call that asks for anything, some 10
/// µs a memory: worth asking is_maintenance_due when nobody waits.
class LocalProvider : public BaseMemoryProvider {
 public:
  /// Opens the store: checkpoint, then log. Fails with kStorage where the store cannot be read
  /// and with kCorrupt where a newer version of this library wrote it; a damaged record is told
  /// as an ErrorNotice and left out, the rest lives. `on_notice` may be empty.
  static Async<std::shared_ptr<LocalProvider>> open(
      std::unique_ptr<StoragePort> storage, std::shared_ptr<ClockPort> clock,
      std::shared_ptr<RandomPort> random, LocalProviderOptions options,
      std::function<void(const LocalNotice&)> on_notice);

  /// Shows what retrieve_memories would return, best first.
  virtual Result<void> visit_retrieved(const std::string& query, RetrieveOptions options,
                                       const MemoryVisitor& visit) = 0;
  /// Shows what get_all_memories would return, newest first.
  virtual Result<void> visit_all(const ListOptions& options, const MemoryVisitor& visit) = 0;
  /// The memory, whoever's it is, or nullopt.
  virtual Async<std::optional<RetrievedMemory>> get_memory(std::string memory_id) = 0;
  /// Changes text, metadata (as a whole) or both. kNotFound where there is no such memory.
  virtual Async<StoredMemory> update_memory(std::string memory_id, MemoryChange change) = 0;
  /// What happened to one memory, oldest first: its newest 100 steps, and of the nth from the end
  /// the text as long as n times its bytes are at most 100 KiB, else none. Texts of deleted
  /// memories are gone. Empty where the id was never seen.
  virtual Async<std::vector<HistoryEntry>> history(std::string memory_id) = 0;
  /// Deletes all that the identity sees and the filters match; how many.
  virtual Async<std::int64_t> delete_all_memories(DeleteAllOptions options) = 0;
  /// All memories that the identity sees (nullopt: everybody's), with ids, times and histories, as
  /// JSON Lines: a header, then one memory a line, oldest first.
  virtual Async<std::string> export_memories(std::optional<Identity> identity) = 0;
  /// Takes in an export. Memories that are there already (same id, or same text in the same
  /// scope) are skipped. A malformed line is kInvalidArgument, names the line, and nothing is
  /// imported. Written in batches of 500; `on_progress(done, total)` after each. Where a write
  /// fails the batches before it are kept and the message says how many memories they were; the
  /// same import again skips them.
  virtual Async<ImportReport> import_memories(
      std::string json_lines, std::function<void(std::int64_t, std::int64_t)> on_progress) = 0;
  virtual Async<LocalStatus> status() = 0;
  /// Shows how memories stand to what is elsewhere of them.
  virtual Result<void> visit_sync_states(const SyncQuery& query, const SyncVisitor& visit) = 0;
  /// Takes steps in keeping in step, all in one write: a memory and its note never differ. Each is
  /// an object with `id`, `note` and `version`, of each id there is one at most. With `put` the
  /// memory is to be that, a memory as an export has it, and with `delete: true` it is to be gone,
  /// if it is still of `version`; that is accounted for. Else the note accounts for `version`; an
  /// empty one: for nothing. Returns those that were not taken, each as a kNoop with its id,
  /// because the memory had another version by then. A put that cannot be kept is kInvalidArgument,
  /// and nothing is taken. Notes are no part of histories and exports, and nobody is told of them.
  virtual Async<std::vector<StoredMemory>> settle(JsonArray steps) = 0;
  /// Takes in what others wrote since the last time. Called by itself when the store tells.
  virtual Async<void> refresh() = 0;
  /// Folds the log into a checkpoint where that is due, and removes what expired. Worth calling in
  /// idle time when `is_maintenance_due`; nothing is lost without it.
  virtual Async<void> maintain() = 0;
  [[nodiscard]] virtual bool is_maintenance_due() const = 0;
  /// Refuses new calls, waits for those under way, folds the log where that is due, closes the
  /// store. Twice is fine.
  virtual Async<void> close() = 0;
};

}  // namespace agent_memory
