// SPDX-License-Identifier: MIT
#include "agent_memory/local_provider.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "agent_memory/config.hpp"

#include "base/async_mutex.hpp"
#include "base/detached.hpp"
#include "base/hash.hpp"
#include "base/hash_index.hpp"
#include "base/json.hpp"
#include "base/sort.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "base/visibility.hpp"
#include "index/filter.hpp"
#include "journal/journal.hpp"
#include "local/export_format.hpp"
#include "local/ids.hpp"
#include "local/store.hpp"
#include "messages/parse.hpp"

namespace agent_memory {
namespace {

// One record of the log per so many imported memories: large enough that a store's cost per write
// does not count, small enough that progress is seen.
constexpr std::size_t kImportBatch = 500;

// As many as there can be; a size in wasm has 32 bits.
constexpr std::int64_t kMaxSize = std::int64_t{1} << 31;

std::size_t to_size(std::int64_t count) {
  return static_cast<std::size_t>(std::min(count, kMaxSize));
}

/// A memory as it is packed; its id in `room`, where it must be unpacked.
MemoryView view_of(const EntryFields& fields, char (&room)[PackedId::kUnpackedUuid]) {
  return {.id = fields.id.unpack(room),
          .memory = fields.memory,
          .score = 1.0,
          .metadata = fields.metadata,
          .created_at_ms = fields.created_at_ms,
          .updated_at_ms = fields.updated_at_ms,
          .user_id = fields.user_id,
          .agent_id = fields.agent_id,
          .run_id = fields.run_id,
          .name = fields.name,
          .role = fields.role,
          .explanation = nullptr};
}

/// Shows a memory as it is packed.
void show(const PackedEntry& entry, double score, const Explanation* explanation,
          const MemoryVisitor& visit) {
  char room[PackedId::kUnpackedUuid];
  MemoryView view = view_of(entry.fields(), room);
  view.score = score;
  view.explanation = explanation;
  visit(view);
}

RetrievedMemory copy_of(const MemoryView& view) {
  RetrievedMemory memory{.id = std::string(view.id),
                         .memory = std::string(view.memory),
                         .score = view.score,
                         .metadata = read_metadata(view.metadata),
                         .created_at_ms = view.created_at_ms,
                         .updated_at_ms = view.updated_at_ms,
                         .identity = {.user_id = to_owned(view.user_id),
                                      .agent_id = to_owned(view.agent_id),
                                      .run_id = to_owned(view.run_id)},
                         .role = view.role,
                         .name = to_owned(view.name),
                         .explanation = std::nullopt};
  if (view.explanation != nullptr) memory.explanation = *view.explanation;
  return memory;
}

/// All that `visit_all_of` shows, copied.
template <typename Visit>
Result<std::vector<RetrievedMemory>> copies_of(const Visit& visit_all_of) {
  std::vector<RetrievedMemory> memories;
  Result<void> visited =
      visit_all_of([&](const MemoryView& memory) { memories.push_back(copy_of(memory)); });
  if (!visited) return std::move(visited).error();
  return memories;
}

StoredMemory to_stored(const MemoryRecord& record, MemoryEvent event) {
  return {.id = record.id, .memory = record.memory, .event = event, .metadata = record.metadata};
}

FilterSubject to_subject(const MemoryRecord& record) {
  return {.id = record.id,
          .memory = record.memory,
          .identity = &record.identity,
          .metadata = &record.metadata,
          .role = record.role,
          .name = record.name ? std::string_view(*record.name) : std::string_view(),
          .created_at_ms = record.created_at_ms,
          .updated_at_ms = record.updated_at_ms};
}

Error aborted() { return {.code = ErrorCode::kAborted, .message = "the operation was aborted"}; }

Error closed() { return {.code = ErrorCode::kClosed, .message = "the memory provider is closed"}; }

Error no_such_memory(std::string_view id) {
  return {.code = ErrorCode::kNotFound,
          .message = "there is no memory with the id " + describe(JsonValue(id))};
}

Result<void> validate_memory_id(std::string_view id) {
  if (id.empty()) return Error::invalid("memory_id", "must not be empty");
  return {};
}

bool is_expired(const MemoryRecord& record, TimestampMs now_ms) {
  return record.expires_at_ms && *record.expires_at_ms <= now_ms;
}

bool is_expired(const PackedEntry& entry, TimestampMs now_ms) {
  return entry.expires_at_ms() <= now_ms;
}

/// The operations of one write, and what they are about to add.
class PendingWrite {
 public:
  /// `hash`: the equality_hash of what it adds.
  void add(Operation operation, std::uint32_t hash) {
    append(std::move(operation));
    note_last(hash);
  }
  void append(Operation operation) { append(to_entry(std::move(operation))); }
  void append(MemoryEntry operation) { operations_.push_back(std::move(operation)); }
  /// Room for so many.
  void reserve(std::size_t count) { operations_.reserve(count); }
  /// A new memory, to be filled in where it stands; then `add_last` or `drop_last`.
  MemoryRecord& begin_next() { return operations_.emplace_back().record; }
  void add_last(Stamp stamp, std::uint32_t hash) {
    MemoryEntry& last = operations_.back();
    last.generation = stamp;
    last.changed = stamp;
    last.history.push_back(
        {stamp, stamp, {MemoryEvent::kAdd, last.record.memory, last.record.created_at_ms}});
    note_last(hash);
  }
  void drop_last() { operations_.pop_back(); }
  [[nodiscard]] bool adds(const std::string& id) {
    for (; noted_ < operations_.size(); ++noted_)
      by_id_.insert(hash32(operations_[noted_].record.id), noted_);
    HashIndex::Search search = by_id_.search(hash32(id));
    std::uint32_t number = by_id_.next(search);
    while (number != HashIndex::kNone && operations_[number].record.id != id)
      number = by_id_.next(search);
    return number != HashIndex::kNone;
  }
  [[nodiscard]] const MemoryRecord* find_equal(std::string_view key, std::uint32_t hash) const {
    HashIndex::Search search = by_key_.search(hash);
    for (std::uint32_t number = by_key_.next(search); number != HashIndex::kNone;
         number = by_key_.next(search)) {
      const MemoryRecord& record = operations_[number].record;
      if (equality_key(record) == key) return &record;
    }
    return nullptr;
  }
  [[nodiscard]] const std::vector<MemoryEntry>& operations() const { return operations_; }
  [[nodiscard]] std::vector<MemoryEntry>& operations() { return operations_; }
  [[nodiscard]] bool only_deletes() const {
    return std::none_of(operations_.begin(), operations_.end(),
                        [](const MemoryEntry& each) { return each.deleted.is_never(); });
  }
  /// Does to the store what the operations say.
  template <typename Visitor>
  void apply_to(Store& store, Visitor visit) {
    hashes_.resize(operations_.size());
    for (std::size_t i = 0; i < operations_.size(); ++i)
      visit(store.merge(std::move(operations_[i]), hashes_[i]));
  }
  /// The same, before anybody looks.
  void apply_soon_to(Store& store) {
    hashes_.resize(operations_.size());
    store.merge_soon(std::move(operations_), std::move(hashes_));
  }

 private:
  void note_last(std::uint32_t hash) {
    hashes_.resize(operations_.size());
    hashes_.back() = hash;
    by_key_.insert(hash, static_cast<std::uint32_t>(operations_.size() - 1));
  }

  std::vector<MemoryEntry> operations_;
  /// Of what an operation adds: the hash of its equality key. Empty for the others, of which the
  /// last may be missing.
  std::vector<std::optional<std::uint32_t>> hashes_;
  HashIndex by_key_;
  /// The first `noted_` operations, for who asks by id.
  HashIndex by_id_;
  std::uint32_t noted_ = 0;
};

class LocalProviderImpl final : public LocalProvider,
                                public std::enable_shared_from_this<LocalProviderImpl> {
 public:
  LocalProviderImpl(std::unique_ptr<StoragePort> storage, std::shared_ptr<ClockPort> clock,
                    std::shared_ptr<RandomPort> random, LocalProviderOptions options,
                    std::function<void(const LocalNotice&)> on_notice, std::uint64_t writer)
      : storage_(std::move(storage)),
        clock_(std::move(clock)),
        random_(std::move(random)),
        options_(std::move(options)),
        on_notice_(std::move(on_notice)),
        journal_(*storage_, writer),
        stamps_(writer),
        store_(options_.languages) {}

  Async<void> load() {
    // Watched before it is read, so that nothing falls in between; what is told meanwhile waits.
    const AsyncMutex::Lock lock = co_await writes_.acquire();
    storage_->watch([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_store_changed();
    });
    read_at_ms_ = now();
    Result<JournalNews> news = co_await journal_.open();
    if (!news) {
      closed_ = true;
      Result<void> closed_storage = co_await storage_->close();
      if (!closed_storage) tell(ErrorNotice{"close", closed_storage.error()});
      co_return std::move(news).error();
    }
    fill(*news);
    stamps_.observe(store_.table().newest());
    for (Error& error : news->damage)
      tell(ErrorNotice{"open", std::move(error)});
    co_return Result<void>();
  }

  Async<std::vector<RetrievedMemory>> retrieve_memories(std::string query,
                                                        RetrieveOptions options) override {
    return done_task(copies_of([&](const MemoryVisitor& visit) {
      return visit_retrieved(query, std::move(options), visit);
    }));
  }

  Result<void> visit_retrieved(const std::string& query, RetrieveOptions options,
                               const MemoryVisitor& visit) override {
    if (closed_) return closed();
    if (auto checked = validate_query(query); !checked) return std::move(checked).error();
    if (auto checked = validate(options); !checked) return std::move(checked).error();
    const Result<Filter> filter = Filter::compile(options.filters);
    if (!filter) return filter.error();
    if (options.abort && options.abort->requested()) return aborted();

    const TimestampMs now_ms = now();
    IndexQuery index_query{.text = query,
                           .identity = std::move(options.identity),
                           .top_k = to_size(options.top_k),
                           .strategy = options.strategy,
                           .min_score = options.min_relevance_score,
                           .now_ms = now_ms,
                           .half_life_ms = options_.half_life_ms,
                           .explain = options.explain,
                           .accept = {},
                           .precedes = {}};
    if (store_.has_expiring() || !options.metadata.empty() || !filter->empty()) {
      index_query.accept = [&](DocumentId id) {
        return accepts(store_[id], *filter, options.metadata, now_ms);
      };
    }
    for (IndexHit& hit : store_.search(std::move(index_query))) {
      const Explanation explanation{.keyword = hit.keyword,
                                    .recency = hit.recency,
                                    .context = hit.context,
                                    .terms = std::move(hit.terms)};
      show(store_[hit.document], hit.score, options.explain ? &explanation : nullptr, visit);
    }
    return {};
  }

  Async<std::vector<StoredMemory>> store_memories(MessageInput messages,
                                                  StoreOptions options) override {
    const auto self = shared_from_this();
    if (closed_) co_return closed();
    if (auto checked = validate(options); !checked) co_return std::move(checked).error();
    Result<std::vector<SpokenMessage>> spoken = parse_messages(messages);
    if (!spoken) co_return std::move(spoken).error();

    const Result<AsyncMutex::Lock> lock = co_await begin_write();
    if (!lock) co_return lock.error();
    if (options.abort && options.abort->requested()) co_return aborted();
    std::vector<StoredMemory> stored;
    PendingWrite write;
    write.reserve(spoken->size());
    EqualityKeys keys(options.identity);
    const TimestampMs now_ms = now();
    for (SpokenMessage& message : *spoken) {
      if (message.role == Role::kUser ? !options_.store_user : !options_.store_assistant) continue;
      MemoryRecord& record = write.begin_next();
      record.memory = std::move(message.text);
      record.metadata = options.metadata;
      record.identity = options.identity;
      record.role = message.role;
      record.name = std::move(message.name);
      record.created_at_ms = message.time_ms.value_or(options.timestamp_ms.value_or(now_ms));
      record.updated_at_ms = record.created_at_ms;
      record.expires_at_ms = options.expires_at_ms;
      const std::string& key = keys.of(record);
      const std::uint32_t hash = equality_hash(key);
      if (const std::optional<MemoryRecord> equal = find_equal(key, hash, write, now_ms)) {
        stored.push_back(to_stored(*equal, MemoryEvent::kNoop));
        write.drop_last();
        continue;
      }
      const Stamp stamp = stamps_.next(now_ms);
      record.id = make_memory_id(stamp, random_->next());
      write.add_last(stamp, hash);
      stored.emplace_back();
    }
    if (options.abort) options.abort->commit();
    if (write.operations().empty()) co_return stored;
    Async<void> writing = journal_.append(&write.operations());
    writing.start();
    // While the store writes: what need not be done before, nor after.
    messages = nullptr;
    spoken->clear();
    std::size_t next = 0;
    for (StoredMemory& each : stored) {
      if (each.event == MemoryEvent::kAdd)
        each = to_stored(write.operations()[next++].record, MemoryEvent::kAdd);
    }
    ChangeNotice notice{.stored = {}, .elsewhere = false};
    if (options.on_writing) {
      options.on_writing(stored);
      notice.stored = std::exchange(stored, {});
    } else {
      notice.stored = stored;
    }
    std::erase_if(notice.stored,
                  [](const StoredMemory& each) { return each.event == MemoryEvent::kNoop; });
    Result<void> written = co_await std::move(writing);
    if (!written) co_return failed(std::move(written).error());
    // Whoever looks first does the rest: nobody need wait for what nobody sees.
    write.apply_soon_to(store_);
    tell(std::move(notice));
    co_return stored;
  }

  Async<std::vector<RetrievedMemory>> get_all_memories(ListOptions options) override {
    return done_task(
        copies_of([&](const MemoryVisitor& visit) { return visit_all(options, visit); }));
  }

  Result<void> visit_all(const ListOptions& options, const MemoryVisitor& visit) override {
    if (closed_) return closed();
    if (auto checked = validate(options); !checked) return std::move(checked).error();
    const Result<Filter> filter = Filter::compile(options.filters);
    if (!filter) return filter.error();
    if (options.abort && options.abort->requested()) return aborted();

    const std::vector<Selected> seen = select(options.identity, *filter);
    const std::size_t begin = std::min(seen.size(), to_size(options.offset));
    const std::size_t end =
        begin + std::min(seen.size() - begin, to_size(options.limit.value_or(kMaxSize)));
    const std::vector<Selected> newest = newest_of(seen, end);
    for (std::size_t i = begin; i < end; ++i)
      show(store_[newest[i].index], 1.0, nullptr, visit);
    return {};
  }

  Async<bool> delete_memory(std::string memory_id) override {
    const auto self = shared_from_this();
    if (closed_) co_return closed();
    if (auto checked = validate_memory_id(memory_id); !checked)
      co_return std::move(checked).error();
    const Result<AsyncMutex::Lock> lock = co_await begin_write();
    if (!lock) co_return lock.error();
    const std::optional<EntryIndex> index = find_live(memory_id);
    if (!index) co_return false;
    PendingWrite write;
    write.append(deletion(*index, now()));
    Result<void> committed = co_await commit(std::move(write));
    if (!committed) co_return std::move(committed).error();
    co_return true;
  }

  Async<std::optional<RetrievedMemory>> get_memory(std::string memory_id) override {
    return done_task(get(memory_id));
  }

  Result<std::optional<RetrievedMemory>> get(const std::string& memory_id) const {
    if (closed_) return closed();
    if (auto checked = validate_memory_id(memory_id); !checked) return std::move(checked).error();
    const std::optional<EntryIndex> index = find_live(memory_id);
    if (!index) return std::optional<RetrievedMemory>();
    std::optional<RetrievedMemory> found;
    show(store_[*index], 1.0, nullptr, [&](const MemoryView& memory) { found = copy_of(memory); });
    return found;
  }

  Async<StoredMemory> update_memory(std::string memory_id, MemoryChange change) override {
    const auto self = shared_from_this();
    if (closed_) co_return closed();
    if (auto checked = validate_memory_id(memory_id); !checked)
      co_return std::move(checked).error();
    if (change.memory) change.memory = to_valid_utf8(*change.memory);
    if (auto checked = validate_change(change); !checked) co_return std::move(checked).error();
    const Result<AsyncMutex::Lock> lock = co_await begin_write();
    if (!lock) co_return lock.error();
    const std::optional<EntryIndex> index = find_live(memory_id);
    if (!index) co_return no_such_memory(memory_id);

    const MemoryEntry entry = store_[*index].entry();
    MemoryRecord record = entry.record;
    if (change.memory) record.memory = *std::move(change.memory);
    if (change.metadata) record.metadata = *std::move(change.metadata);
    if (record.memory == entry.record.memory &&
        JsonValue(record.metadata) == JsonValue(entry.record.metadata)) {
      co_return to_stored(record, MemoryEvent::kNoop);
    }
    const TimestampMs now_ms = now();
    record.updated_at_ms = now_ms;
    StoredMemory stored = to_stored(record, MemoryEvent::kUpdate);
    PendingWrite write;
    write.append({.kind = MemoryEvent::kUpdate,
                  .stamp = stamps_.next(now_ms),
                  .generation = entry.generation,
                  .at_ms = now_ms,
                  .record = std::move(record)});
    Result<void> committed = co_await commit(std::move(write));
    if (!committed) co_return std::move(committed).error();
    co_return stored;
  }

  Async<std::vector<HistoryEntry>> history(std::string memory_id) override {
    return done_task(history_of(memory_id));
  }

  Result<std::vector<HistoryEntry>> history_of(const std::string& memory_id) const {
    if (closed_) return closed();
    if (auto checked = validate_memory_id(memory_id); !checked) return std::move(checked).error();
    std::vector<HistoryEntry> steps;
    if (const std::optional<EntryIndex> index = store_.find(memory_id)) {
      for (HistoryStep& step : store_[*index].entry().history) {
        if (!step.is_mark()) steps.push_back(std::move(step.entry));
      }
    }
    return steps;
  }

  Async<std::int64_t> delete_all_memories(DeleteAllOptions options) override {
    const auto self = shared_from_this();
    if (closed_) co_return closed();
    if (auto checked = validate(options.identity); !checked) co_return std::move(checked).error();
    if (options.identity.empty() && !options.everything) {
      co_return Error::invalid("everything",
                               "must be true where no id says whose memories to delete");
    }
    const Result<Filter> filter = Filter::compile(options.filters);
    if (!filter) co_return filter.error();
    const Result<AsyncMutex::Lock> lock = co_await begin_write();
    if (!lock) co_return lock.error();
    std::optional<Identity> identity;
    if (!options.identity.empty()) identity = std::move(options.identity);
    const TimestampMs now_ms = now();
    const std::vector<Selected> selected = select(identity, *filter);
    PendingWrite write;
    for (const Selected& each : selected)
      write.append(deletion(each.index, now_ms));
    const auto deleted = static_cast<std::int64_t>(selected.size());
    Result<void> committed = co_await commit(std::move(write));
    if (!committed) co_return std::move(committed).error();
    co_return deleted;
  }

  Async<std::string> export_memories(std::optional<Identity> identity) override {
    return done_task(exported(identity));
  }

  Result<std::string> exported(const std::optional<Identity>& identity) const {
    if (closed_) return closed();
    if (identity) {
      if (auto checked = validate(*identity); !checked) return std::move(checked).error();
    }
    std::vector<Selected> seen = select(identity, Filter());
    sort_stably(seen,
                [&](const Selected& left, const Selected& right) { return is_newer(right, left); });
    std::string out = export_header(seen.size());
    for (const Selected& each : seen)
      out += export_line(store_[each.index].entry());
    return out;
  }

  Async<ImportReport> import_memories(
      std::string json_lines,
      std::function<void(std::int64_t, std::int64_t)> on_progress) override {
    const auto self = shared_from_this();
    if (closed_) co_return closed();
    Result<std::vector<ExportedMemory>> memories = parse_export(json_lines);
    if (!memories) co_return std::move(memories).error();

    const Result<AsyncMutex::Lock> lock = co_await begin_write();
    if (!lock) co_return lock.error();
    ImportReport report;
    for (std::size_t begin = 0; begin < memories->size(); begin += kImportBatch) {
      if (closed_) co_return closed();
      const std::size_t end = std::min(memories->size(), begin + kImportBatch);
      PendingWrite write;
      const TimestampMs now_ms = now();
      for (std::size_t i = begin; i < end; ++i) {
        const ExportedMemory& memory = (*memories)[i];
        const std::string key = equality_key(memory.record);
        const std::uint32_t hash = equality_hash(key);
        if (find_live(memory.record.id) || write.adds(memory.record.id) ||
            is_expired(memory.record, now_ms) || find_equal(key, hash, write, now_ms)) {
          ++report.skipped;
        } else {
          add_import(memory, hash, now_ms, write);
          ++report.added;
        }
      }
      Result<void> committed = co_await commit(std::move(write));
      if (!committed) {
        Error error = std::move(committed).error();
        if (begin > 0) {
          error.message =
              "the import ended after " + std::to_string(begin) + " of " +
              std::to_string(memories->size()) +
              " memories, which are kept and skipped when it is done again: " + error.message;
        }
        co_return error;
      }
      if (on_progress) {
        on_progress(static_cast<std::int64_t>(end), static_cast<std::int64_t>(memories->size()));
      }
    }
    co_return report;
  }

  Async<LocalStatus> status() override { return done_task(current_status()); }

  Result<LocalStatus> current_status() const {
    if (closed_) return closed();
    return LocalStatus{
        .kind = storage_->kind(),
        .memories = static_cast<std::int64_t>(
            store_.has_expiring() ? select(std::nullopt, Filter()).size() : store_.table().live()),
        .bytes = static_cast<std::int64_t>(journal_.stored_bytes())};
  }

  Result<void> visit_sync_states(const SyncQuery& query, const SyncVisitor& visit) override {
    if (closed_) return closed();
    for (const std::string& id : query.ids)
      show_state(id, store_.find(id), visit);
    if (!query.ids.empty()) return {};
    const TimestampMs now_ms = now();
    std::int64_t left = query.unsettled.value_or(kMaxSize);
    const MemoryTable& table = store_.table();
    for (EntryIndex index = 0; index < table.size() && left > 0; ++index) {
      const PackedEntry entry = table.packed(index);
      if (query.unsettled ? !is_waiting(entry, query.identity, now_ms) : !entry.has_note())
        continue;
      show_state(entry.id().unpacked(), index, visit);
      --left;
    }
    return {};
  }

  Async<std::vector<StoredMemory>> settle(JsonArray steps) override {
    const auto self = shared_from_this();
    const Result<AsyncMutex::Lock> lock = co_await begin_write();
    if (!lock) co_return lock.error();
    std::vector<StoredMemory> refused;
    PendingWrite write;
    for (const JsonValue& step : steps) {
      const Result<bool> taken = take_step(step, write);
      if (!taken) co_return taken.error();
      if (*taken) continue;
      MemoryRecord record;
      record.id = *step.find_string("id");
      refused.push_back(to_stored(record, MemoryEvent::kNoop));
    }
    Result<void> committed = co_await commit(std::move(write));
    if (!committed) co_return std::move(committed).error();
    co_return refused;
  }

  Async<void> refresh() override {
    const auto self = shared_from_this();
    const AsyncMutex::Lock lock = co_await writes_.acquire();
    if (closed_) co_return closed();
    Result<void> taken = co_await take_news();
    co_return taken;
  }

  Async<void> maintain() override {
    const auto self = shared_from_this();
    const AsyncMutex::Lock lock = co_await writes_.acquire();
    if (closed_) co_return closed();
    Result<void> folded = co_await fold_if_due();
    co_return folded;
  }

  [[nodiscard]] bool is_maintenance_due() const override {
    const TimestampMs now_ms = now();
    // First, for it is asked when nobody waits: what was stored is then indexed.
    const bool expires = store_.soonest_expiry_ms() <= now_ms;
    return !closed_ && (expires || is_fold_due(now_ms));
  }

  Async<void> close() override {
    const auto self = shared_from_this();
    const AsyncMutex::Lock lock = co_await writes_.acquire();
    if (closed_) co_return Result<void>();
    closed_ = true;
    // What was acknowledged is safe without it: a fold that fails now is only worth a word.
    Result<void> folded = co_await fold_if_due();
    if (!folded) tell(ErrorNotice{"close", std::move(folded).error()});
    // Contexts may hold what is closed for long: it need not hold what was in it.
    store_ = Store();
    Result<void> storage_closed = co_await storage_->close();
    tell(ClosedNotice{});
    co_return storage_closed;
  }

 private:
  /// A live memory, and what listings sort it by.
  struct Selected {
    TimestampMs created_at_ms = 0;
    EntryIndex index = 0;
  };

  /// The newest comes first: later time, then later id.
  [[nodiscard]] bool is_newer(const Selected& left, const Selected& right) const {
    if (left.created_at_ms != right.created_at_ms) return left.created_at_ms > right.created_at_ms;
    return store_.has_lesser_id(right.index, left.index);
  }

  static bool accepts(const PackedEntry& entry, const Filter& filter, const Metadata& metadata,
                      TimestampMs now_ms) {
    if (is_expired(entry, now_ms)) return false;
    if (metadata.empty() && filter.empty()) return true;
    const MemoryRecord record = entry.record();
    return metadata_contains(record.metadata, metadata) &&
           (filter.empty() || filter.matches(to_subject(record)));
  }

  static Result<void> validate_change(const MemoryChange& change) {
    if (!change.memory && !change.metadata) {
      return Error::invalid("change", "must give memory, metadata or both");
    }
    if (change.memory) {
      if (is_blank(*change.memory)) return Error::invalid("memory", "must not be empty");
      if (change.memory->size() > kMaxTextBytes) {
        return Error::invalid("memory", "must be at most " + std::to_string(kMaxTextBytes) +
                                            " bytes, got " + std::to_string(change.memory->size()));
      }
    }
    StoreOptions options;
    if (change.metadata) options.metadata = *change.metadata;
    return validate(options);
  }

  static bool is_waiting(const PackedEntry& entry, const Identity& identity, TimestampMs now_ms) {
    if (!entry.is_unsettled() || is_expired(entry, now_ms)) return false;
    // Without ids of its own the call would see those that have none.
    return !entry.is_live() || is_visible_to(entry.fields(), identity) != identity.empty();
  }

  void show_state(const std::string& id, std::optional<EntryIndex> index,
                  const SyncVisitor& visit) const {
    const MemoryEntry entry = index ? store_[*index].entry() : MemoryEntry{};
    const HistoryStep* mark = entry.mark();
    const std::string version = entry.version().is_never() ? "" : to_text(entry.version());
    SyncView view{.memory_id = id,
                  .version = version,
                  .note = mark == nullptr ? std::string_view() : mark->entry.memory,
                  .is_unsettled = entry.is_unsettled(),
                  .memory = nullptr,
                  .expires_at_ms = entry.record.expires_at_ms};
    if (!entry.is_live()) return visit(view);
    char room[PackedId::kUnpackedUuid];
    const MemoryView memory = view_of(store_[*index].fields(), room);
    view.memory = &memory;
    visit(view);
  }

  /// Adds what makes the step; false where the memory has another version than it is for.
  Result<bool> take_step(const JsonValue& step, PendingWrite& write) {
    const auto text = [&](std::string_view key) -> const std::string& {
      static const std::string kNone;
      const std::string* found = step.find_string(key);
      return found == nullptr ? kNone : *found;
    };
    const TimestampMs now_ms = now();
    const std::string& id = text("id");
    const JsonValue* put = step.find("put");
    const bool deletes = step.find("delete") != nullptr;
    EntryFields known;
    bool is_live = false;
    if (const std::optional<EntryIndex> index = store_.find(id)) {
      known = store_[*index].fields();
      is_live = store_[*index].is_live();
    }
    Stamp accounted = parse_stamp(text("version")).value_or(Stamp{});
    if ((put != nullptr || deletes) &&
        accounted != std::max({known.generation, known.changed, known.deleted})) {
      return false;
    }
    MemoryEntry entry;
    if (put != nullptr) {
      Result<ExportedMemory> memory = parse_exported(*put);
      if (!memory) return std::move(memory).error();
      entry.record = std::move(memory->record);
    }
    entry.record.id = id;
    if (put != nullptr || (deletes && is_live)) {
      accounted = stamps_.next(now_ms);
      MemoryEvent event = MemoryEvent::kDelete;
      if (put != nullptr) {
        event = is_live ? MemoryEvent::kUpdate : MemoryEvent::kAdd;
        entry.generation = is_live ? known.generation : accounted;
        entry.changed = accounted;
      } else {
        entry.deleted = accounted;
      }
      entry.history.push_back(
          {accounted, entry.generation, {event, entry.record.memory, entry.record.updated_at_ms}});
    }
    entry.history.push_back(
        {stamps_.next(now_ms), accounted, {MemoryEvent::kNoop, text("note"), now_ms}});
    write.append(std::move(entry));
    return true;
  }

  [[nodiscard]] TimestampMs now() const {
    return std::clamp(clock_->now_ms(), kMinTimestampMs, kMaxTimestampMs);
  }

  void tell(const LocalNotice& notice) const {
    if (on_notice_) on_notice_(notice);
  }

  std::optional<EntryIndex> find_live(std::string_view id) const {
    const std::optional<EntryIndex> index = store_.find(id);
    if (!index || !store_[*index].is_live() || is_expired(store_[*index], now())) {
      return std::nullopt;
    }
    return index;
  }

  /// The memory that says the same in the same scope, live or about to be written.
  std::optional<MemoryRecord> find_equal(const std::string& key, std::uint32_t hash,
                                         const PendingWrite& write, TimestampMs now_ms) const {
    std::optional<MemoryRecord> found = store_.find_equal(
        key, hash, [&](const MemoryRecord& each) { return !is_expired(each, now_ms); });
    if (found) return found;
    const MemoryRecord* pending = write.find_equal(key, hash);
    return pending == nullptr ? std::nullopt : std::optional(*pending);
  }

  /// Live memories that `identity` sees (nullopt: everybody's) and that the filter matches.
  std::vector<Selected> select(const std::optional<Identity>& identity,
                               const Filter& filter) const {
    std::vector<Selected> selected;
    const TimestampMs now_ms = now();
    const MemoryTable& table = store_.table();
    for (EntryIndex index = 0; index < table.size(); ++index) {
      const PackedEntry entry = table.packed(index);
      if (!entry.is_live()) continue;
      const EntryFields fields = entry.fields();
      if ((!identity || is_visible_to(fields, *identity)) && accepts(entry, filter, {}, now_ms)) {
        selected.push_back({.created_at_ms = fields.created_at_ms, .index = index});
      }
    }
    return selected;
  }

  /// The `count` newest of `all`, newest first.
  std::vector<Selected> newest_of(const std::vector<Selected>& all, std::size_t count) const {
    const auto is_before = [&](const Selected& left, const Selected& right) {
      return is_newer(left, right);
    };
    // The last are mostly the newest. Of those before, few are newer than what was kept.
    const std::size_t room = std::min(all.size(), 2 * count + 64);
    std::vector<Selected> newest;
    bool is_cut = false;
    for (auto at = all.rbegin(); at != all.rend(); ++at) {
      if (is_cut && (count == 0 || !is_before(*at, newest[count - 1]))) continue;
      newest.push_back(*at);
      if (newest.size() < room) continue;
      sort_stably(newest, is_before);
      newest.resize(std::min(newest.size(), count));
      is_cut = newest.size() == count;
    }
    sort_stably(newest, is_before);
    newest.resize(std::min(newest.size(), count));
    return newest;
  }

  Operation deletion(EntryIndex index, TimestampMs now_ms) {
    Operation operation;
    operation.kind = MemoryEvent::kDelete;
    operation.stamp = stamps_.next(now_ms);
    operation.at_ms = now_ms;
    operation.record.id = store_[index].id().unpacked();
    return operation;
  }

  /// Adds the operations that make an exported memory live here, with its times and the history
  /// of its present life.
  void add_import(const ExportedMemory& memory, std::uint32_t hash, TimestampMs now_ms,
                  PendingWrite& write) {
    const std::vector<HistoryEntry>& history = memory.history;
    std::size_t first = history.size() - 1;
    while (first > 0 && history[first].event != MemoryEvent::kAdd)
      --first;
    const Stamp generation = stamps_.next(now_ms);
    for (std::size_t i = first; i < history.size(); ++i) {
      const bool is_last = i + 1 == history.size();
      // Of a long history the beginning is forgotten: then it goes on with an update.
      const bool is_add = history[i].event == MemoryEvent::kAdd;
      Operation operation{.kind = is_add ? MemoryEvent::kAdd : MemoryEvent::kUpdate,
                          .stamp = is_add ? generation : stamps_.next(now_ms),
                          .generation = is_add ? Stamp{} : generation,
                          .at_ms = history[i].at_ms,
                          .record = memory.record};
      if (!is_last) {
        operation.record.memory = history[i].memory;
        write.append(std::move(operation));
      } else {
        write.add(std::move(operation), hash);
      }
    }
  }

  /// Durable first; then, in one step without waiting, visible.
  Async<void> commit(PendingWrite write) {
    if (write.operations().empty()) co_return Result<void>();
    Result<void> written = co_await journal_.append(&write.operations());
    if (!written && written.error().code == ErrorCode::kQuotaExceeded && write.only_deletes()) {
      Result<bool> rewritten = co_await rewrite_without(&write);
      if (rewritten && *rewritten) written = {};
    }
    if (!written) co_return failed(std::move(written).error());
    ChangeNotice notice{.stored = {}, .elsewhere = false};
    write.apply_to(store_, [&](Store::Changed changed) { note(std::move(changed), notice); });
    if (!notice.stored.empty()) tell(std::move(notice));
    co_return Result<void>();
  }

  /// Notes that a write failed, and why.
  Error failed(Error error) {
    is_in_doubt_ = error.code == ErrorCode::kStorage;
    return error;
  }

  /// Makes deletions durable where there is no room for a record of them, by writing a checkpoint
  /// without what they delete in place of all that is there.
  Async<bool> rewrite_without(PendingWrite* write) {
    std::vector<bool> goes(store_.size());
    for (MemoryEntry& deletion : write->operations()) {
      const EntryIndex index = *store_.find(deletion.record.id);
      goes[index] = true;
      // What was noted of it is needed still.
      const MemoryEntry entry = store_[index].entry();
      if (entry.mark() != nullptr) deletion.history.push_back(*entry.mark());
    }
    std::vector<EntryIndex> order = store_.live_order();
    std::erase_if(order, [&](EntryIndex index) { return goes[index]; });
    const TimestampMs now_ms = now();
    return journal_.rewrite(store_.table(), std::move(order), write->operations(),
                            stamps_.next(now_ms), now_ms);
  }

  /// What was read long ago is no ground to build on: see journal.hpp.
  [[nodiscard]] bool is_stale() const { return std::abs(now() - read_at_ms_) > kReadingLifeMs; }

  /// The right to write, on ground that can be built upon.
  Async<AsyncMutex::Lock> begin_write() {
    AsyncMutex::Lock lock = co_await writes_.acquire();
    if (closed_) co_return closed();
    if (is_stale() || is_in_doubt_) {
      Result<void> taken = co_await take_news();
      if (!taken) co_return std::move(taken).error();
    }
    co_return lock;
  }

  /// What it changes is added to `notice`, what it holds marked in `seen`.
  void merge_segment(const StoredSegment& segment, ChangeNotice& notice, std::vector<bool>& seen) {
    Origins origins;
    SegmentReader reader(segment.payload(), segment.is_whole, origins);
    while (const std::optional<PackedEntry> entry = reader.next()) {
      note(store_.merge(*entry), notice);
      const EntryIndex index = *store_.find(entry->id().unpacked());
      if (entry->is_live() && !store_[index].is_live()) has_remains_ = true;
      if (index < seen.size()) seen[index] = true;
    }
  }

  static void note(Store::Changed changed, ChangeNotice& notice) {
    if (changed) notice.stored.push_back(to_stored(changed->record, changed->event));
  }

  /// Of an empty store.
  void fill(JournalNews& news) {
    store_.load(std::move(news.segments), std::move(news.image));
    ChangeNotice unheard;
    std::vector<bool> unseen;
    for (const StoredSegment& record : news.records)
      merge_segment(record, unheard, unseen);
  }

  /// Somebody emptied the store. What was known goes without a trace, as if it were opened only
  /// now: that a memory was deleted is written nowhere, nor told to where else it may be kept.
  void start_anew(JournalNews& news, ChangeNotice& notice) {
    Store before = std::exchange(store_, Store(options_.languages));
    fill(news);
    const auto note_missing = [&](Store& of, Store& in, MemoryEvent event) {
      for (EntryIndex index = 0; index < of.size(); ++index) {
        if (!of[index].is_live()) continue;
        const MemoryRecord record = of[index].record();
        const std::optional<EntryIndex> there = in.find(record.id);
        if (there && in[*there].is_live()) continue;
        StoredMemory stored = to_stored(record, event);
        if (event == MemoryEvent::kDelete) {
          stored.memory.clear();
          stored.metadata = Metadata();
        }
        notice.stored.push_back(std::move(stored));
      }
    };
    note_missing(before, store_, MemoryEvent::kDelete);
    note_missing(store_, before, MemoryEvent::kAdd);
  }

  Async<void> take_news() {
    const TimestampMs now_ms = now();
    const bool all = is_stale();
    Async<JournalNews> reading = all ? journal_.open() : journal_.read_news();
    Result<JournalNews> news = co_await std::move(reading);
    if (!news) co_return std::move(news).error();
    read_at_ms_ = now_ms;
    is_in_doubt_ = false;
    ChangeNotice notice{.stored = {}, .elsewhere = true};
    if (news->was_emptied && news->damage.empty()) {
      start_anew(*news, notice);
      news->segments.clear();
      news->records.clear();
    }
    std::vector<bool> seen(all && news->damage.empty() ? store_.size() : 0);
    for (const StoredSegment& segment : news->segments)
      merge_segment(segment, notice, seen);
    for (const StoredSegment& record : news->records)
      merge_segment(record, notice, seen);
    // What is not there any more was deleted, and so long ago that nothing tells of it.
    for (EntryIndex index = 0; index < seen.size(); ++index) {
      if (seen[index] || !store_[index].is_live()) continue;
      MemoryEntry entry = store_[index].entry();
      entry.deleted = entry.changed;
      note(store_.merge(std::move(entry)), notice);
    }
    stamps_.observe(store_.table().newest());
    if (!notice.stored.empty()) tell(std::move(notice));
    for (Error& error : news->damage)
      tell(ErrorNotice{"refresh", std::move(error)});
    co_return Result<void>();
  }

  Async<void> fold_if_due() {
    const TimestampMs now_ms = now();
    if (!is_fold_due(now_ms) && store_.soonest_expiry_ms() > now_ms) co_return Result<void>();
    // What a fold is made of should be all there is.
    Result<void> taken = co_await take_news();
    if (!taken) co_return std::move(taken).error();
    PendingWrite expired;
    for (const EntryIndex index : store_.find_expired(now_ms))
      expired.append(deletion(index, now_ms));
    Result<void> removed = co_await commit(std::move(expired));
    if (!removed) co_return std::move(removed).error();
    store_.find_expired(now_ms);
    if (!is_fold_due(now_ms)) co_return Result<void>();
    std::vector<EntryIndex> order = store_.live_order();
    auto image = store_.image(order);
    const Result<bool> folded = co_await journal_.fold(
        store_.table(), std::move(order), std::move(image), stamps_.next(now_ms), now_ms);
    if (!folded) co_return folded.error();
    if (*folded) has_remains_ = false;
    co_return Result<void>();
  }

  [[nodiscard]] bool is_fold_due(TimestampMs now_ms) const {
    return has_remains_ || journal_.is_fold_due(now_ms);
  }

  void on_store_changed() {
    if (closed_ || refresh_waiting_) return;
    refresh_waiting_ = true;
    refresh_in_background(shared_from_this());
  }

  static Detached refresh_in_background(std::shared_ptr<LocalProviderImpl> self) {
    const AsyncMutex::Lock lock = co_await self->writes_.acquire();
    self->refresh_waiting_ = false;
    if (self->closed_) co_return;
    Result<void> taken = co_await self->take_news();
    if (!taken) self->tell(ErrorNotice{"refresh", std::move(taken).error()});
  }

  std::unique_ptr<StoragePort> storage_;
  std::shared_ptr<ClockPort> clock_;
  std::shared_ptr<RandomPort> random_;
  LocalProviderOptions options_;
  std::function<void(const LocalNotice&)> on_notice_;
  Journal journal_;
  HybridClock stamps_;
  /// Whoever asks it anything may be the one who makes it catch up.
  mutable Store store_;
  /// Held by whatever writes to the store or merges news: decisions are made on a state that the
  /// write they lead to will find.
  AsyncMutex writes_;
  /// Whether the store has texts of a memory that somebody deleted before they came.
  bool has_remains_ = false;
  /// Whether a write that failed may have been made all the same: nothing is to be decided, whether
  /// a memory is there already say, before that is known.
  bool is_in_doubt_ = false;
  /// When it was last read what others wrote.
  TimestampMs read_at_ms_ = 0;
  bool refresh_waiting_ = false;
  bool closed_ = false;
};

}  // namespace

Async<std::shared_ptr<LocalProvider>> LocalProvider::open(
    std::unique_ptr<StoragePort> storage, std::shared_ptr<ClockPort> clock,
    std::shared_ptr<RandomPort> random, LocalProviderOptions options,
    std::function<void(const LocalNotice&)> on_notice) {
  if (!(options.half_life_ms > 0)) {
    co_return Error::invalid(
        "half_life_ms",
        "must be more than 0, got " +
            (std::isnan(options.half_life_ms) ? "NaN" : describe(options.half_life_ms)));
  }
  const std::uint64_t writer = random->next();
  auto provider =
      std::make_shared<LocalProviderImpl>(std::move(storage), std::move(clock), std::move(random),
                                          std::move(options), std::move(on_notice), writer);
  Result<void> loaded = co_await provider->load();
  if (!loaded) co_return std::move(loaded).error();
  co_return std::shared_ptr<LocalProvider>(std::move(provider));
}

}  // namespace agent_memory
