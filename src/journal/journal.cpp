// SPDX-License-Identifier: MIT
#include "journal/journal.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace agent_memory {
namespace {

constexpr std::string_view kLogPrefix = "log/";
constexpr std::string_view kSegmentPrefix = "segment/";
constexpr std::string_view kImagePrefix = "image/";
constexpr std::string_view kHeadPrefix = "head/";
constexpr std::string_view kDamagedPrefix = "damaged/";
constexpr std::string_view kFoldLock = "fold";

// Large enough that a store has few values, small enough for stores that bound them (2 MB).
constexpr std::size_t kSegmentBytes = std::size_t{1} << 20;
constexpr std::size_t kLogPage = 256;
constexpr std::size_t kSegmentPage = 8;
constexpr std::size_t kNewsPage = 64;
constexpr std::size_t kHeadPage = 64;
// A fold that keeps happening while we read moves what we look for; each round is a whole fold.
constexpr int kMaxReadRounds = 8;

constexpr std::size_t kFoldRecords = 256;
constexpr std::uint64_t kFoldBytes = std::uint64_t{512} << 10;
// A fold rewrites the store, so in a large one deletions wait for company.
constexpr std::uint64_t kSmallStoreBytes = std::uint64_t{4} << 20;
constexpr std::size_t kFoldDeletions = 256;

std::string hex(std::uint64_t value, std::size_t width) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(width, '0');
  for (std::size_t i = width; i > 0 && value != 0; --i, value >>= 4U) {
    out[i - 1] = kDigits[value & 0xFU];
  }
  return out;
}

std::string log_key(std::uint64_t writer, std::uint64_t sequence) {
  return std::string(kLogPrefix) + hex(writer, 16) + "/" + hex(sequence, 12);
}

std::optional<WriterProgress> parse_log_key(std::string_view key) {
  key.remove_prefix(std::min(kLogPrefix.size(), key.size()));
  if (key.size() != 16 + 1 + 12 || key[16] != '/') return std::nullopt;
  WriterProgress out;
  const char* begin = key.data();
  const auto writer = std::from_chars(begin, begin + 16, out.writer, 16);
  const auto sequence = std::from_chars(begin + 17, begin + 29, out.sequence, 16);
  if (writer.ptr != begin + 16 || sequence.ptr != begin + 29) return std::nullopt;
  return out;
}

std::string part_key(std::string_view prefix, std::string_view checkpoint, std::uint64_t part) {
  return std::string(prefix).append(checkpoint).append("/").append(hex(part, 6));
}

/// "segment/<checkpoint>/<n>" -> "<checkpoint>".
std::string checkpoint_of(std::string_view key, std::string_view prefix) {
  key.remove_prefix(std::min(prefix.size(), key.size()));
  return std::string(key.substr(0, key.find('/')));
}

Error newer_version() {
  return Error::corrupt("the store was written by a newer version of agent-memory-wasm than this "
                        "one, which reads formats up to " +
                        std::to_string(kFormatVersion));
}

std::uint64_t total_bytes(const std::vector<KeyValue>& values) {
  std::uint64_t bytes = 0;
  for (const KeyValue& each : values) bytes += each.value.size();
  return bytes;
}

std::vector<std::string> cut(std::string bytes, std::size_t size) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < bytes.size(); at += size) parts.push_back(bytes.substr(at, size));
  return parts;
}

/// The entries in segments of about kSegmentBytes, in order.
std::vector<std::string> encode_segments(const std::vector<const MemoryEntry*>& entries) {
  std::vector<std::string> segments;
  std::string current;
  for (const MemoryEntry* entry : entries) {
    current += encode_entries({entry});
    if (current.size() >= kSegmentBytes) segments.push_back(std::exchange(current, {}));
  }
  if (!current.empty()) segments.push_back(std::move(current));
  return segments;
}

}  // namespace

Async<std::vector<KeyValue>> Journal::scan_all(std::string prefix, std::size_t page) {
  std::vector<KeyValue> all;
  std::string after;
  for (;;) {
    Result<std::vector<KeyValue>> values = co_await storage_.scan(prefix, after, page);
    if (!values) co_return std::move(values).error();
    const bool is_last = values->size() < page;
    for (KeyValue& each : *values) all.push_back(std::move(each));
    if (is_last) co_return all;
    after = all.back().key;
  }
}

Async<Journal::Checkpoints> Journal::read_heads(std::vector<Error>* damage) {
  Result<std::vector<KeyValue>> values = co_await scan_all(std::string(kHeadPrefix), kHeadPage);
  if (!values) co_return std::move(values).error();
  Checkpoints heads;
  for (const KeyValue& each : *values) {
    const std::string name = checkpoint_of(each.key, kHeadPrefix);
    Checkpoint& checkpoint = heads[name];
    checkpoint.keys.insert(each.key);
    const Unsealed head = unseal(FrameKind::kHead, each.value);
    if (head.damage == Damage::kNewerVersion) co_return newer_version();
    CheckpointHead decoded;
    if (head.damage == Damage::kNone && decode_head(head.payload, decoded)) {
      checkpoint.head = std::move(decoded);
    } else {
      damage->push_back(Error::corrupt(each.key + " is damaged; the checkpoint is read without it"));
      continue;
    }
    for (std::uint64_t part = 0; part < checkpoint.head->segments; ++part) {
      checkpoint.keys.insert(part_key(kSegmentPrefix, name, part));
    }
    for (std::uint64_t part = 0; part < checkpoint.head->image_parts; ++part) {
      checkpoint.keys.insert(part_key(kImagePrefix, name, part));
    }
  }
  co_return heads;
}

void Journal::set_aside(KeyValue value, JournalNews* news) {
  news->damage.push_back(Error::corrupt(value.key + " is damaged (" +
                                        std::to_string(value.value.size()) +
                                        " bytes); what could not be read is set aside"));
  damaged_.push_back(std::move(value));
}

Result<void> Journal::take_log_record(KeyValue record, JournalNews* news) {
  const std::optional<WriterProgress> at = parse_log_key(record.key);
  if (at) progress_[at->writer] = std::max(progress_[at->writer], at->sequence);
  if (log_keys_.insert(record.key).second) log_bytes_ += record.value.size();
  const Unsealed frame = unseal(FrameKind::kOperations, record.value);
  if (frame.damage == Damage::kNewerVersion) return newer_version();
  std::vector<Operation> operations;
  if (!at || frame.damage != Damage::kNone || !decode_operations(frame.payload, operations)) {
    set_aside(std::move(record), news);
    return {};
  }
  for (Operation& each : operations) news->operations.push_back(std::move(each));
  return {};
}

Async<void> Journal::read_log(JournalNews* news) {
  std::string after;
  for (;;) {
    Result<std::vector<KeyValue>> page =
        co_await storage_.scan(std::string(kLogPrefix), after, kNewsPage);
    if (!page) co_return std::move(page).error();
    const bool is_last = page->size() < kNewsPage;
    bool jumped = false;
    for (KeyValue& record : *page) {
      after = record.key;
      const std::optional<WriterProgress> at = parse_log_key(record.key);
      const auto known = at ? progress_.find(at->writer) : progress_.end();
      if (known == progress_.end() || at->sequence > known->second) {
        Result<void> taken = take_log_record(std::move(record), news);
        if (!taken) co_return std::move(taken).error();
      } else if (known->second > at->sequence) {
        after = log_key(at->writer, known->second);
        jumped = true;
        break;
      }
    }
    if (is_last && !jumped) co_return {};
  }
}

Async<bool> Journal::read_segments(std::string checkpoint, JournalNews* news) {
  const std::string prefix = std::string(kSegmentPrefix) + checkpoint;
  Result<std::vector<KeyValue>> segments = co_await scan_all(prefix, kSegmentPage);
  if (!segments) co_return std::move(segments).error();
  std::map<std::string, std::uint64_t> found;
  for (KeyValue& segment : *segments) {
    const std::string name = checkpoint_of(segment.key, kSegmentPrefix);
    ++found[name];
    checkpoints_[name].keys.insert(segment.key);
    checkpoint_bytes_ += segment.value.size();
    const Unsealed frame = unseal(FrameKind::kEntries, segment.value);
    if (frame.damage == Damage::kNewerVersion) co_return newer_version();
    // A damaged segment still gives the entries whose own checksum holds.
    const bool whole = decode_entries(frame.payload, news->entries);
    if (!whole || frame.damage != Damage::kNone) set_aside(std::move(segment), news);
  }
  bool complete = true;
  for (const auto& [name, each] : checkpoints_) {
    if (!checkpoint.empty() && name != checkpoint) continue;
    if (each.head && found[name] < each.head->segments) complete = false;
  }
  co_return complete;
}

Async<std::optional<ViewImage>> Journal::read_image(std::string checkpoint) {
  const std::string prefix = std::string(kImagePrefix) + checkpoint + "/";
  Result<std::vector<KeyValue>> parts = co_await scan_all(prefix, kSegmentPage);
  if (!parts) co_return std::move(parts).error();
  std::string payload;
  for (const KeyValue& part : *parts) {
    checkpoint_bytes_ += part.value.size();
    const Unsealed frame = unseal(FrameKind::kImage, part.value);
    if (frame.damage != Damage::kNone) co_return std::optional<ViewImage>();
    payload.append(frame.payload);
  }
  ViewImage image;
  if (!decode_image(payload, image)) co_return std::optional<ViewImage>();
  co_return std::optional(std::move(image));
}

bool Journal::is_known(const CheckpointHead& head) const {
  return std::all_of(head.folded.begin(), head.folded.end(), [&](const WriterProgress& each) {
    const auto known = progress_.find(each.writer);
    return known != progress_.end() && known->second >= each.sequence;
  });
}

void Journal::note_progress(const CheckpointHead& head) {
  for (const WriterProgress& each : head.folded) {
    progress_[each.writer] = std::max(progress_[each.writer], each.sequence);
  }
}

void Journal::forget_folded(const Checkpoints& heads) {
  std::erase_if(checkpoints_, [&](const auto& each) {
    return each.second.head.has_value() && !heads.contains(each.first);
  });
  std::unordered_map<std::uint64_t, std::uint64_t> folded;
  for (const auto& [name, checkpoint] : heads) {
    if (!checkpoint.head) continue;
    for (const WriterProgress& each : checkpoint.head->folded) {
      folded[each.writer] = std::max(folded[each.writer], each.sequence);
    }
  }
  std::erase_if(log_keys_, [&](const std::string& key) {
    const std::optional<WriterProgress> at = parse_log_key(key);
    const auto until = at ? folded.find(at->writer) : folded.end();
    return until != folded.end() && at->sequence <= until->second;
  });
}

Async<JournalNews> Journal::open() {
  JournalNews news;
  for (int round = 0; round < kMaxReadRounds; ++round) {
    // Log before segments: what a fold moves meanwhile is then found where it went. Heads before
    // and after: had a fold moved the segments themselves, they would differ.
    JournalNews attempt;
    progress_.clear();
    log_keys_.clear();
    damaged_.clear();
    log_bytes_ = 0;
    checkpoint_bytes_ = 0;
    Result<Checkpoints> heads = co_await read_heads(&attempt.damage);
    if (!heads) co_return std::move(heads).error();
    checkpoints_ = *heads;

    Result<std::vector<KeyValue>> log = co_await scan_all(std::string(kLogPrefix), kLogPage);
    if (!log) co_return std::move(log).error();
    for (KeyValue& record : *log) {
      Result<void> taken = take_log_record(std::move(record), &attempt);
      if (!taken) co_return std::move(taken).error();
    }

    Result<bool> complete = co_await read_segments("", &attempt);
    if (!complete) co_return std::move(complete).error();
    const bool undamaged = damaged_.empty() && attempt.damage.empty();
    if (checkpoints_.size() == 1 && *complete && undamaged) {
      Result<std::optional<ViewImage>> image = co_await read_image(checkpoints_.begin()->first);
      if (!image) co_return std::move(image).error();
      attempt.image = *std::move(image);
    }

    std::vector<Error> ignored;
    Result<Checkpoints> heads_after = co_await read_heads(&ignored);
    if (!heads_after) co_return std::move(heads_after).error();
    const bool unchanged = std::equal(
        heads->begin(), heads->end(), heads_after->begin(), heads_after->end(),
        [](const auto& left, const auto& right) { return left.first == right.first; });
    news = std::move(attempt);
    if (!unchanged) continue;
    if (!*complete) {
      news.damage.push_back(Error::corrupt("a segment of a checkpoint is missing"));
    }
    break;
  }
  for (const auto& [name, checkpoint] : checkpoints_) {
    if (checkpoint.head) note_progress(*checkpoint.head);
  }
  std::stable_sort(
      news.operations.begin(), news.operations.end(),
      [](const Operation& left, const Operation& right) { return left.stamp < right.stamp; });
  co_return news;
}

Async<void> Journal::append(std::vector<Operation> operations) {
  const auto deletions = static_cast<std::size_t>(
      std::count_if(operations.begin(), operations.end(), [](const Operation& operation) {
        return operation.kind == MemoryEvent::kDelete;
      }));
  const std::string key = log_key(writer_, sequence_ + 1);
  WriteBatch batch;
  batch.put.push_back({key, seal(FrameKind::kOperations, encode_operations(operations))});
  const std::uint64_t bytes = batch.put.front().value.size();
  Result<void> written = co_await storage_.write(std::move(batch));
  if (!written) co_return std::move(written).error();
  ++sequence_;
  progress_[writer_] = sequence_;
  log_keys_.insert(key);
  log_bytes_ += bytes;
  deletions_ += deletions;
  co_return {};
}

Async<JournalNews> Journal::read_news() {
  JournalNews news;
  for (int round = 0; round < kMaxReadRounds; ++round) {
    Result<void> log = co_await read_log(&news);
    if (!log) co_return std::move(log).error();
    std::vector<Error> damage;
    Result<Checkpoints> heads = co_await read_heads(&damage);
    if (!heads) co_return std::move(heads).error();
    forget_folded(*heads);
    bool complete = true;
    for (auto& [name, checkpoint] : *heads) {
      if (checkpoints_.contains(name)) continue;
      if (checkpoint.head && is_known(*checkpoint.head)) {
        checkpoints_[name] = std::move(checkpoint);
        continue;
      }
      Checkpoint& known = checkpoints_[name];
      known = std::move(checkpoint);
      Result<bool> read = co_await read_segments(name, &news);
      if (!read) co_return std::move(read).error();
      if (*read) {
        if (known.head) note_progress(*known.head);
      } else {
        // Folded away while it was read; what replaced it is found in the next round.
        checkpoints_.erase(name);
        complete = false;
      }
    }
    if (complete) break;
  }
  std::stable_sort(
      news.operations.begin(), news.operations.end(),
      [](const Operation& left, const Operation& right) { return left.stamp < right.stamp; });
  co_return news;
}

bool Journal::is_fold_due() const {
  return log_keys_.size() >= kFoldRecords || checkpoints_.size() > 1 ||
         log_bytes_ >= std::max(kFoldBytes, checkpoint_bytes_ / 4) ||
         deletions_ >= (stored_bytes() < kSmallStoreBytes ? 1 : kFoldDeletions);
}

Async<void> Journal::fold(const MemoryTable& table, std::vector<EntryIndex> order, ViewImage image,
                          Stamp stamp) {
  Result<bool> locked = co_await storage_.try_lock(std::string(kFoldLock));
  if (!locked) co_return std::move(locked).error();
  if (!*locked) co_return {};

  std::vector<const MemoryEntry*> entries;
  entries.reserve(table.size());
  for (const EntryIndex index : order) entries.push_back(&table[index]);
  for (EntryIndex index = 0; index < table.size(); ++index) {
    if (!table[index].is_live()) entries.push_back(&table[index]);
  }

  const std::string name = hex(stamp.time, 16) + "-" + hex(stamp.writer, 16);
  Checkpoint checkpoint;
  checkpoint.head.emplace().live = order.size();
  WriteBatch batch;
  const auto put = [&](std::string key, FrameKind kind, std::string_view payload) {
    checkpoint.keys.insert(key);
    batch.put.push_back({std::move(key), seal(kind, payload)});
  };
  for (const std::string& segment : encode_segments(entries)) {
    put(part_key(kSegmentPrefix, name, checkpoint.head->segments++), FrameKind::kEntries, segment);
  }
  for (const std::string& part : cut(encode_image(image), kSegmentBytes)) {
    put(part_key(kImagePrefix, name, checkpoint.head->image_parts++), FrameKind::kImage, part);
  }
  for (const auto& [writer, sequence] : progress_) {
    checkpoint.head->folded.push_back({writer, sequence});
  }
  std::sort(checkpoint.head->folded.begin(), checkpoint.head->folded.end(),
            [](const WriterProgress& left, const WriterProgress& right) {
              return left.writer < right.writer;
            });
  put(std::string(kHeadPrefix) + name, FrameKind::kHead, encode_head(*checkpoint.head));
  const std::uint64_t bytes = total_bytes(batch.put);

  for (const KeyValue& damaged : damaged_) {
    batch.put.push_back({std::string(kDamagedPrefix) + damaged.key, damaged.value});
  }
  for (const std::string& key : log_keys_) batch.remove.push_back(key);
  for (const auto& [old_name, old] : checkpoints_) {
    for (const std::string& key : old.keys) batch.remove.push_back(key);
  }
  Result<void> written = co_await storage_.write(std::move(batch));
  storage_.unlock(std::string(kFoldLock));
  if (!written) co_return std::move(written).error();

  checkpoints_.clear();
  checkpoints_.emplace(name, std::move(checkpoint));
  log_keys_.clear();
  damaged_.clear();
  deletions_ = 0;
  log_bytes_ = 0;
  checkpoint_bytes_ = bytes;
  co_return {};
}

}  // namespace agent_memory
