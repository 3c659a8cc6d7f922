// SPDX-License-Identifier: MIT
#include "journal/journal.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <utility>

#include "base/sort.hpp"

namespace agent_memory {
namespace {

constexpr std::string_view kLogPrefix = "log/";
constexpr std::string_view kSegmentPrefix = "segment/";
constexpr std::string_view kImagePrefix = "image/";
constexpr std::string_view kHeadPrefix = "head/";
constexpr std::string_view kDamagedPrefix = "damaged/";
constexpr std::string_view kFoldLock = "fold";

// Large enough that a store has few values, small enough that making and storing one is done within
// a part of a frame. A memory that is larger than that is a value by itself.
constexpr std::size_t kSegmentBytes = std::size_t{1} << 18;
constexpr std::size_t kMaxValueBytes = 2 * kSegmentBytes;
// As many values at a time as take about so many bytes: a page is in RAM as a whole.
constexpr std::size_t kPageBytes = std::size_t{1} << 20;
constexpr std::size_t kLogPage = 256;
constexpr std::size_t kFirstLogPage = 16;
constexpr std::size_t kSegmentPage = 2 * kPageBytes / kSegmentBytes;
// Of each writer one record that is known comes along.
constexpr std::size_t kFirstNewsPage = 1;
constexpr std::size_t kHeadPage = 64;
// A fold that keeps happening while we read moves what we look for; each round is a whole fold.
constexpr int kMaxReadRounds = 8;

// A record is one read and texts to cut, for whoever opens; a fold rewrites the store. One for
// every so many bytes of the checkpoint keeps the two in proportion.
constexpr std::size_t kFoldRecords = 48;
constexpr std::uint64_t kCheckpointBytesARecord = std::uint64_t{4} << 10;
constexpr std::uint64_t kFoldBytes = std::uint64_t{512} << 10;
// A fold rewrites the store, so in a large one deletions wait for company.
constexpr std::uint64_t kSmallStoreBytes = std::uint64_t{4} << 20;
constexpr std::size_t kFoldDeletions = 256;
constexpr TimestampMs kFoldDeletionsAfterMs = std::int64_t{24} * 60 * 60 * 1000;

// A head names at most so many writers: a kilobyte.
constexpr std::size_t kMaxWriters = 64;
/// The sequence number of a mark.
constexpr std::uint64_t kMark = 0;

std::string log_key(std::uint64_t writer, std::uint64_t sequence) {
  return std::string(kLogPrefix) + to_hex(writer, 16) + "/" + to_hex(sequence, 12);
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
  return std::string(prefix).append(checkpoint).append("/").append(to_hex(part, 6));
}

/// "segment/<checkpoint>/<n>" -> "<checkpoint>".
std::string checkpoint_of(std::string_view key, std::string_view prefix) {
  key.remove_prefix(std::min(prefix.size(), key.size()));
  return std::string(key.substr(0, key.find('/')));
}

Error newer_version() {
  return Error::corrupt(
      "the store was written by a newer version of agent-memory-wasm than this "
      "one, which reads formats up to " +
      std::to_string(kFormatVersion));
}

Error never_still() {
  return {.code = ErrorCode::kStorage,
          .message = "the store kept changing while it was read",
          .retryable = true};
}

/// How many values to ask for after these, so that they take about kPageBytes.
std::size_t next_page(const std::vector<KeyValue>& values) {
  std::size_t bytes = 0;
  for (const KeyValue& each : values)
    bytes += each.value.size();
  return std::clamp(kPageBytes * values.size() / std::max<std::size_t>(bytes, 1), std::size_t{1},
                    kLogPage);
}

/// A stored value whose payload is a segment.
StoredSegment to_segment(std::string value, const Unsealed& frame) {
  const std::size_t begin = value.size() - frame.payload.size();
  return {.value = std::move(value), .begin = begin, .is_whole = frame.damage == Damage::kNone};
}

Stamp first_stamp(const StoredSegment& segment) {
  Origins origins;
  const std::optional<PackedEntry> first =
      SegmentReader(segment.payload(), segment.is_whole, origins).next();
  return first ? first->newest() : Stamp{};
}

/// What is read comes writer by writer.
void sort_by_time(std::vector<StoredSegment>& records) {
  std::vector<std::pair<Stamp, std::size_t>> order;
  order.reserve(records.size());
  for (const StoredSegment& record : records)
    order.emplace_back(first_stamp(record), order.size());
  sort_stably(order, std::less<>());
  std::vector<StoredSegment> sorted;
  sorted.reserve(records.size());
  for (const auto& [stamp, index] : order)
    sorted.push_back(std::move(records[index]));
  records = std::move(sorted);
}

/// False where it was there.
bool insert_key(std::vector<std::string>& keys, const std::string& key) {
  const auto place = std::lower_bound(keys.begin(), keys.end(), key);
  if (place != keys.end() && *place == key) return false;
  keys.insert(place, key);
  return true;
}

/// A name that nobody has yet, from two that are nobody else's.
std::uint64_t new_name(std::uint64_t left, std::uint64_t right) {
  // SplitMix64's mixer.
  std::uint64_t z = left + 0x9E3779B97F4A7C15U * (right | 1U);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

/// A value of about kSegmentBytes, and the entries that it takes from the front of many.
class ValueWriter {
 public:
  /// Whether the value should be taken before `entry` is added.
  [[nodiscard]] bool is_full(const PackedEntry& entry) const {
    const std::size_t size = encoder_.size();
    return !empty() && (size >= kSegmentBytes || size + packed_size_bound(entry) > kMaxValueBytes);
  }
  [[nodiscard]] bool empty() const { return encoder_.empty(); }
  void add(const PackedEntry& entry) { encoder_.add(entry); }
  std::string take(FrameKind kind) {
    std::string frame = open_frame(kind);
    encoder_.finish(frame);
    close_frame(frame);
    return frame;
  }

 private:
  SegmentEncoder encoder_;
};

}  // namespace

std::size_t Progress::place_of(std::uint64_t writer) const {
  const auto place = std::lower_bound(
      all_.begin(), all_.end(), writer,
      [](const WriterProgress& each, std::uint64_t wanted) { return each.writer < wanted; });
  return static_cast<std::size_t>(place - all_.begin());
}

const std::uint64_t* Progress::find(std::uint64_t writer) const {
  const std::size_t place = place_of(writer);
  return place != all_.size() && all_[place].writer == writer ? &all_[place].sequence : nullptr;
}

void Progress::note(const WriterProgress& reached) {
  const std::size_t place = place_of(reached.writer);
  if (place == all_.size() || all_[place].writer != reached.writer) {
    all_.insert(all_.begin() + static_cast<std::ptrdiff_t>(place), reached);
  } else {
    all_[place].sequence = std::max(all_[place].sequence, reached.sequence);
  }
}

Async<std::vector<KeyValue>> Journal::scan_all(std::string prefix, std::size_t page) {
  std::vector<KeyValue> all;
  std::string after;
  for (;;) {
    Result<std::vector<KeyValue>> values = co_await storage_.scan(prefix, after, page);
    if (!values) co_return std::move(values).error();
    const bool is_last = values->size() < page;
    for (KeyValue& each : *values)
      all.push_back(std::move(each));
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
    insert_key(checkpoint.keys, each.key);
    checkpoint.bytes = each.value.size();
    const Unsealed head = unseal(FrameKind::kHead, each.value);
    if (head.damage == Damage::kNewerVersion) co_return newer_version();
    CheckpointHead decoded;
    if (head.damage == Damage::kNone && decode_head(head.payload, decoded)) {
      checkpoint.head = std::move(decoded);
    } else {
      damage->push_back(
          Error::corrupt(each.key + " is damaged; the checkpoint is read without it"));
      continue;
    }
    checkpoint.bytes += checkpoint.head->segment_bytes + checkpoint.head->image_bytes;
    for (std::uint64_t part = 0; part < checkpoint.head->segments; ++part) {
      insert_key(checkpoint.keys, part_key(kSegmentPrefix, name, part));
    }
    for (std::uint64_t part = 0; part < checkpoint.head->image_parts; ++part) {
      insert_key(checkpoint.keys, part_key(kImagePrefix, name, part));
    }
  }
  co_return heads;
}

void Journal::set_aside(KeyValue value, std::size_t payload_bytes, Known* known,
                        JournalNews* news) {
  news->damage.push_back(Error::corrupt(value.key + " is damaged (" +
                                        std::to_string(value.value.size()) +
                                        " bytes); what could not be read is set aside"));
  // What could be read lives elsewhere, and is not to outlive its memory here.
  const std::size_t begin = value.value.size() - payload_bytes;
  const std::string_view payload = std::string_view(value.value).substr(begin);
  std::string rest = value.value.substr(0, begin);
  std::size_t end = 0;
  Origins origins;
  SegmentReader reader(payload, false, origins);
  while (reader.next()) {
    rest.append(payload, end, reader.offset() - end);
    end = reader.offset() + reader.size();
  }
  rest.append(payload, end);
  value.value = std::move(rest);
  known->damaged.push_back(std::move(value));
}

void Journal::LogRecord::note(const PackedEntry& operation) {
  if (!operation.is_deleted()) return;
  ++deletions;
  deleted_at_ms = std::min(deleted_at_ms, operation.newest().ms());
}

Result<void> Journal::take_log_record(KeyValue record, Known* known, JournalNews* news) {
  const std::optional<WriterProgress> at = parse_log_key(record.key);
  if (at) known->progress.note(*at);
  LogRecord& noted = known->log[record.key];
  noted.bytes = record.value.size();
  const Unsealed frame = unseal(FrameKind::kOperations, record.value);
  if (frame.damage == Damage::kNewerVersion) return newer_version();
  const bool is_damaged = !at || frame.damage != Damage::kNone;
  if (at) {
    // A damaged record still gives the operations whose own checksum holds.
    Origins origins;
    SegmentReader reader(frame.payload, frame.damage == Damage::kNone, origins);
    while (const std::optional<PackedEntry> operation = reader.next())
      noted.note(*operation);
    news->records.push_back(to_segment(is_damaged ? record.value : std::move(record.value), frame));
  }
  // Of a key that nobody wrote nothing was taken.
  if (is_damaged) set_aside(std::move(record), at ? frame.payload.size() : 0, known, news);
  return {};
}

Async<void> Journal::read_log(std::size_t page, Known* known, JournalNews* news, Progress* firsts) {
  std::string after;
  for (;;) {
    Result<std::vector<KeyValue>> records =
        co_await storage_.scan(std::string(kLogPrefix), after, page);
    if (!records) co_return std::move(records).error();
    const bool is_last = records->size() < page;
    page = next_page(*records);
    bool jumped = false;
    for (KeyValue& record : *records) {
      after = record.key;
      const std::optional<WriterProgress> at = parse_log_key(record.key);
      if (at && firsts->find(at->writer) == nullptr) firsts->note(*at);
      const std::uint64_t* until = at ? known->progress.find(at->writer) : nullptr;
      const bool is_new =
          at ? until == nullptr || at->sequence > *until : !known->log.contains(record.key);
      if (is_new) {
        Result<void> taken = take_log_record(std::move(record), known, news);
        if (!taken) co_return std::move(taken).error();
      } else if (at && *until > at->sequence) {
        after = log_key(at->writer, *until);
        page = 1;
        jumped = true;
        break;
      }
    }
    if (is_last && !jumped) co_return {};
  }
}

Async<bool> Journal::read_segments(std::string checkpoint, Known* known, JournalNews* news) {
  const std::string prefix = std::string(kSegmentPrefix) + checkpoint;
  Result<std::vector<KeyValue>> segments = co_await scan_all(prefix, kSegmentPage);
  if (!segments) co_return std::move(segments).error();
  std::vector<std::string> found;
  for (KeyValue& segment : *segments) {
    const std::string name = checkpoint_of(segment.key, kSegmentPrefix);
    found.push_back(name);
    Checkpoint& owner = known->checkpoints[name];
    insert_key(owner.keys, segment.key);
    if (!owner.head) owner.bytes += segment.value.size();
    const Unsealed frame = unseal(FrameKind::kEntries, segment.value);
    if (frame.damage == Damage::kNewerVersion) co_return newer_version();
    const bool is_damaged = frame.damage != Damage::kNone;
    news->segments.push_back(
        to_segment(is_damaged ? segment.value : std::move(segment.value), frame));
    if (is_damaged) set_aside(std::move(segment), frame.payload.size(), known, news);
  }
  bool complete = true;
  for (const auto& [name, each] : known->checkpoints) {
    if (!checkpoint.empty() && name != checkpoint) continue;
    const auto count = static_cast<std::uint64_t>(std::count(found.begin(), found.end(), name));
    if (each.head && count < each.head->segments) complete = false;
  }
  co_return complete;
}

Async<void> Journal::find_headless_images(Known* known) {
  for (auto& [name, checkpoint] : known->checkpoints) {
    if (checkpoint.head) continue;
    const std::string prefix = std::string(kImagePrefix) + name + "/";
    Result<std::vector<KeyValue>> parts = co_await scan_all(prefix, kSegmentPage);
    if (!parts) co_return std::move(parts).error();
    for (const KeyValue& part : *parts) {
      if (insert_key(checkpoint.keys, part.key)) checkpoint.bytes += part.value.size();
    }
  }
  co_return {};
}

Async<std::optional<ViewImage>> Journal::read_image(std::string name, Checkpoint* checkpoint) {
  const std::string prefix = std::string(kImagePrefix) + name + "/";
  Result<std::vector<KeyValue>> parts = co_await scan_all(prefix, kSegmentPage);
  if (!parts) co_return std::move(parts).error();
  ImageDecoder image(checkpoint->head->image_bytes);
  bool whole = parts->size() == checkpoint->head->image_parts;
  checkpoint->bytes -= checkpoint->head->image_bytes;
  for (const KeyValue& part : *parts) {
    checkpoint->bytes += part.value.size();
    const Unsealed frame = unseal(FrameKind::kImage, part.value);
    if (frame.damage == Damage::kNewerVersion) co_return newer_version();
    whole = whole && frame.damage == Damage::kNone && image.take(frame.payload);
  }
  std::optional<ViewImage> read;
  if (whole) read = image.finish();
  co_return read;
}

Async<bool> Journal::has_changed(const Checkpoints* heads) {
  std::vector<Error> ignored;
  Result<Checkpoints> now = co_await read_heads(&ignored);
  if (!now) co_return std::move(now).error();
  co_return !std::equal(
      heads->begin(), heads->end(), now->begin(), now->end(),
      [](const auto& left, const auto& right) { return left.first == right.first; });
}

bool Journal::has_new_mark(const Checkpoints& heads, const Progress& progress) {
  for (const auto& [name, checkpoint] : heads) {
    if (!checkpoint.head) continue;
    for (const WriterProgress& each : checkpoint.head->folded) {
      if (each.sequence == kMark && progress.find(each.writer) == nullptr) return true;
    }
  }
  return false;
}

bool Journal::was_emptied(const Checkpoints& heads, const Known& known,
                          const Progress& firsts) const {
  Progress folded;
  for (const auto& [name, checkpoint] : heads) {
    if (checkpoint.head) {
      for (const WriterProgress& each : checkpoint.head->folded)
        folded.note(each);
    }
  }
  for (const auto& [name, checkpoint] : known_.checkpoints) {
    if (!checkpoint.head) return false;  // damaged: who knows what became of it
    if (!heads.contains(name) && !is_known(*checkpoint.head, folded)) return true;
  }
  if (!known_.checkpoints.empty()) return false;
  // Of each writer the first that was known: later ones of one's own may be newer than that.
  Progress seen;
  for (const auto& [key, record] : known_.log) {
    const std::optional<WriterProgress> at = parse_log_key(key);
    if (!at || seen.find(at->writer) != nullptr) continue;
    seen.note(*at);
    const std::uint64_t* first = firsts.find(at->writer);
    if (!known.log.contains(key) || (first != nullptr && *first <= at->sequence)) return false;
  }
  return !seen.all().empty();
}

bool Journal::is_known(const CheckpointHead& head, const Progress& progress) {
  return std::all_of(head.folded.begin(), head.folded.end(), [&](const WriterProgress& each) {
    const std::uint64_t* known = progress.find(each.writer);
    return known != nullptr && *known >= each.sequence;
  });
}

void Journal::note_progress(const CheckpointHead& head, Known* known) {
  for (const WriterProgress& each : head.folded)
    known->progress.note(each);
}

void Journal::forget_folded(const Checkpoints& heads, Known* known) {
  std::erase_if(known->checkpoints, [&](const auto& each) {
    return each.second.head.has_value() && !heads.contains(each.first);
  });
  Progress folded;
  for (const auto& [name, checkpoint] : heads) {
    if (!checkpoint.head) continue;
    for (const WriterProgress& each : checkpoint.head->folded)
      folded.note(each);
  }
  std::erase_if(known->log, [&](const auto& record) {
    const std::optional<WriterProgress> at = parse_log_key(record.first);
    const std::uint64_t* until = at ? folded.find(at->writer) : nullptr;
    return until != nullptr && at->sequence <= *until;
  });
}

Async<JournalNews> Journal::open() {
  for (int round = 0; round < kMaxReadRounds; ++round) {
    // Log before segments: what a fold moves meanwhile is then found where it went. Heads before
    // and after: had a fold moved the segments themselves, they would differ.
    Known known;
    JournalNews news;
    Result<Checkpoints> heads = co_await read_heads(&news.damage);
    if (!heads) co_return std::move(heads).error();
    known.checkpoints = *heads;
    Progress firsts;
    Result<void> log = co_await read_log(kFirstLogPage, &known, &news, &firsts);
    if (!log) co_return std::move(log).error();
    Result<bool> complete = co_await read_segments("", &known, &news);
    if (!complete) co_return std::move(complete).error();
    Result<void> images = co_await find_headless_images(&known);
    if (!images) co_return std::move(images).error();
    const bool undamaged = known.damaged.empty() && news.damage.empty() && *complete;
    if (undamaged && known.checkpoints.size() == 1 && known.checkpoints.begin()->second.head) {
      auto& [name, checkpoint] = *known.checkpoints.begin();
      Result<std::optional<ViewImage>> image = co_await read_image(name, &checkpoint);
      if (!image) co_return std::move(image).error();
      news.image = *std::move(image);
    }
    const Result<bool> changed = co_await has_changed(&*heads);
    if (!changed) co_return changed.error();
    if (*changed) continue;

    if (!*complete) {
      news.damage.push_back(Error::corrupt("a segment of a checkpoint is missing"));
    }
    for (const auto& [name, checkpoint] : *heads) {
      if (checkpoint.head) note_progress(*checkpoint.head, &known);
    }
    sort_by_time(news.records);
    known_ = std::move(known);
    co_return news;
  }
  co_return never_still();
}

Async<void> Journal::append(const std::vector<MemoryEntry>* operations) {
  WriteBatch batch;
  std::vector<LogRecord> records(1);
  std::size_t deletions = 0;
  ValueWriter value;
  const auto put = [&] {
    std::string bytes = value.take(FrameKind::kOperations);
    records.back().bytes = bytes.size();
    batch.put.push_back({log_key(writer_, sequence_ + records.size()), std::move(bytes)});
  };
  EntryPacker packer;
  for (const MemoryEntry& operation : *operations) {
    const PackedEntry packed = packer.pack(operation);
    if (value.is_full(packed)) {
      put();
      records.emplace_back();
    }
    value.add(packed);
    records.back().note(packed);
    if (packed.is_deleted()) ++deletions;
  }
  put();

  Result<void> written = co_await storage_.write(batch);
  if (!written && written.error().code == ErrorCode::kQuotaExceeded &&
      deletions == operations->size()) {
    // Whoever deletes wants room, and must not be refused for want of it.
    const Result<bool> dropped = co_await drop_images();
    if (dropped && *dropped) written = co_await storage_.write(std::move(batch));
  }
  if (!written) {
    rename();
    co_return std::move(written).error();
  }
  for (const LogRecord& record : records)
    known_.log[log_key(writer_, ++sequence_)] = record;
  known_.progress.note({.writer = writer_, .sequence = sequence_});
  co_return {};
}

void Journal::rename() {
  writer_ = new_name(writer_, ++sequence_);
  sequence_ = 0;
}

Async<bool> Journal::drop_images() {
  WriteBatch batch;
  for (const auto& [name, checkpoint] : known_.checkpoints) {
    for (const std::string& key : checkpoint.keys) {
      if (key.starts_with(kImagePrefix)) batch.remove.push_back(key);
    }
  }
  if (batch.remove.empty()) co_return false;
  Result<void> written = co_await storage_.write(std::move(batch));
  if (!written) co_return std::move(written).error();
  for (auto& [name, checkpoint] : known_.checkpoints) {
    std::erase_if(checkpoint.keys, [](const auto& key) { return key.starts_with(kImagePrefix); });
    if (checkpoint.head) checkpoint.bytes -= std::exchange(checkpoint.head->image_bytes, 0);
  }
  co_return true;
}

Async<JournalNews> Journal::read_news() {
  for (int round = 0; round < kMaxReadRounds; ++round) {
    Known known = known_;
    JournalNews news;
    Progress firsts;
    Result<void> log = co_await read_log(kFirstNewsPage, &known, &news, &firsts);
    if (!log) co_return std::move(log).error();
    std::vector<Error> damage;
    Result<Checkpoints> heads = co_await read_heads(&damage);
    if (!heads) co_return std::move(heads).error();
    if (has_new_mark(*heads, known_.progress)) {
      Result<JournalNews> everything = co_await open();
      co_return everything;
    }
    forget_folded(*heads, &known);
    if (was_emptied(*heads, known, firsts)) {
      Result<JournalNews> everything = co_await open();
      if (everything) everything->was_emptied = true;
      co_return everything;
    }
    bool complete = true;
    bool reads_segments = false;
    for (const auto& [name, checkpoint] : *heads) {
      if (!known.checkpoints.try_emplace(name, checkpoint).second) continue;
      // By what was known before this reading: of records that came after others which were folded
      // meanwhile, the log has just told the later ones alone. What was damaged is not known:
      // somebody may have read it before.
      if (checkpoint.head && known.damaged.empty() && is_known(*checkpoint.head, known_.progress)) {
        continue;
      }
      reads_segments = true;
      Result<bool> read = co_await read_segments(name, &known, &news);
      if (!read) co_return std::move(read).error();
      complete = complete && *read;
      if (checkpoint.head) note_progress(*checkpoint.head, &known);
    }
    if (reads_segments) {
      Result<void> images = co_await find_headless_images(&known);
      if (!images) co_return std::move(images).error();
      const Result<bool> changed = co_await has_changed(&*heads);
      if (!changed) co_return changed.error();
      if (*changed) continue;
    }
    if (!complete) {
      news.damage.push_back(Error::corrupt("a segment of a checkpoint is missing"));
    }
    sort_by_time(news.records);
    known_ = std::move(known);
    co_return news;
  }
  co_return never_still();
}

std::uint64_t Journal::log_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [key, record] : known_.log)
    bytes += record.bytes;
  return bytes;
}

std::uint64_t Journal::checkpoint_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, checkpoint] : known_.checkpoints)
    bytes += checkpoint.bytes;
  return bytes;
}

std::uint64_t Journal::stored_bytes() const { return log_bytes() + checkpoint_bytes(); }

std::size_t Journal::deletions(TimestampMs now_ms) const {
  std::size_t deletions = 0;
  for (const auto& [key, record] : known_.log) {
    deletions += record.deletions;
    if (record.deleted_at_ms + kFoldDeletionsAfterMs <= now_ms) deletions += kFoldDeletions;
  }
  return deletions;
}

bool Journal::is_fold_due(TimestampMs now_ms) const {
  const std::size_t bearable = checkpoint_bytes() < kSmallStoreBytes ? 0 : kFoldDeletions - 1;
  const std::uint64_t bytes = checkpoint_bytes();
  return deletions(now_ms) > bearable || known_.checkpoints.size() > 1 ||
         known_.log.size() >=
             std::max<std::uint64_t>(kFoldRecords, bytes / kCheckpointBytesARecord) ||
         log_bytes() >= std::max(kFoldBytes, bytes / 4);
}

/// The values of a checkpoint, one after another: segments, image, head.
class Journal::CheckpointWriter {
 public:
  CheckpointWriter(const MemoryTable& table, const std::vector<EntryIndex>& order,
                   const std::vector<MemoryEntry>& deletions, TimestampMs now_ms,
                   const std::function<std::optional<ViewImage>()>& image, const std::string& name,
                   Checkpoint& checkpoint)
      : table_(table),
        order_(order),
        deletions_(deletions),
        now_ms_(now_ms),
        image_(image),
        name_(name),
        checkpoint_(checkpoint) {}

  /// False after the last; a pair without a key is none yet.
  bool next(KeyValue& out) {
    CheckpointHead& head = *checkpoint_.head;
    std::optional<PackedEntry> entry = next_entry();
    for (; entry && !segment_.is_full(*entry); entry = next_entry()) {
      segment_.add(*entry);
      ++next_;
    }
    if (!segment_.empty()) {
      out = {part_key(kSegmentPrefix, name_, head.segments++), segment_.take(FrameKind::kEntries)};
      head.segment_bytes += out.value.size();
    } else if (!has_head_) {
      if (image_ && !parts_) {
        std::optional<ViewImage> whole = image_();
        if (!whole) {
          out = {};
          return true;
        }
        parts_.emplace(*std::move(whole), kSegmentBytes);
      }
      const std::optional<std::string> part = parts_ ? parts_->next() : std::nullopt;
      if (part) {
        out = {part_key(kImagePrefix, name_, head.image_parts++), seal(FrameKind::kImage, *part)};
        head.image_bytes += out.value.size();
      } else {
        has_head_ = true;
        out = {std::string(kHeadPrefix) + name_, seal(FrameKind::kHead, encode_head(head))};
      }
    } else {
      return false;
    }
    insert_key(checkpoint_.keys, out.key);
    checkpoint_.bytes += out.value.size();
    return true;
  }

 private:
  /// The entry that `next_` is at, or the first behind it; nullopt where there is none.
  std::optional<PackedEntry> next_entry() {
    const std::size_t given = order_.size() + deletions_.size();
    for (; next_ < given + table_.size(); ++next_) {
      if (next_ < order_.size()) return table_.packed(order_[next_]);
      if (next_ < given) return packer_.pack(deletions_[next_ - order_.size()]);
      const PackedEntry entry = table_.packed(static_cast<EntryIndex>(next_ - given));
      if (is_needed(entry)) return entry;
    }
    return std::nullopt;
  }
  /// Whether it is a tombstone that somebody may need.
  [[nodiscard]] bool is_needed(const PackedEntry& entry) const {
    return !entry.is_live() &&
           (entry.newest().ms() + kTombstoneLifeMs > now_ms_ || entry.is_unsettled());
  }

  const MemoryTable& table_;
  const std::vector<EntryIndex>& order_;
  const std::vector<MemoryEntry>& deletions_;
  TimestampMs now_ms_;
  const std::function<std::optional<ViewImage>()>& image_;
  const std::string& name_;
  Checkpoint& checkpoint_;
  /// How far they were gone through: `order_`, `deletions_`, the table for what is dead in it.
  std::size_t next_ = 0;
  EntryPacker packer_;
  ValueWriter segment_;
  std::optional<ImageEncoder> parts_;
  bool has_head_ = false;
};

Async<bool> Journal::fold(const MemoryTable& table, std::vector<EntryIndex> order,
                          std::function<std::optional<ViewImage>()> image, Stamp stamp,
                          TimestampMs now_ms) {
  static const std::vector<MemoryEntry> kNone;
  return fold_with(&table, std::move(order), &kNone, std::move(image), stamp, now_ms);
}

Async<bool> Journal::fold_with(const MemoryTable* table, std::vector<EntryIndex> order,
                               const std::vector<MemoryEntry>* deletions,
                               std::function<std::optional<ViewImage>()> image, Stamp stamp,
                               TimestampMs now_ms) {
  Result<bool> locked = co_await storage_.try_lock(std::string(kFoldLock));
  if (!locked || !*locked) co_return locked;

  Checkpoint checkpoint;
  CheckpointHead& head = checkpoint.head.emplace();
  head.live = order.size();
  Progress folded = known_.progress;
  for (const auto& [old_name, old] : known_.checkpoints) {
    // How far it reached is lost: nobody who has not read it may take this one for known.
    if (!old.head) folded.note({.writer = new_name(stamp.time, stamp.writer), .sequence = kMark});
  }
  if (folded.all().size() > kMaxWriters) {
    folded = {};
    folded.note({.writer = new_name(stamp.time, stamp.writer), .sequence = kMark});
  }
  head.folded = folded.all();

  const std::string name = to_text(stamp);
  std::vector<std::string> replaced;
  replaced.reserve(known_.log.size());
  for (const auto& [key, record] : known_.log)
    replaced.push_back(key);
  for (const auto& [old_name, old] : known_.checkpoints)
    replaced.insert(replaced.end(), old.keys.begin(), old.keys.end());
  if (head.live == 0 && known_.damaged.empty()) {
    Result<std::vector<KeyValue>> aside =
        co_await scan_all(std::string(kDamagedPrefix), kSegmentPage);
    for (std::size_t i = 0; aside && i < aside->size(); ++i)
      replaced.push_back(std::move((*aside)[i].key));
  }
  Result<void> written;
  for (bool again = true; again;) {
    checkpoint.keys.clear();
    checkpoint.bytes = 0;
    head.segments = head.segment_bytes = head.image_parts = head.image_bytes = 0;
    CheckpointWriter writer(*table, order, *deletions, now_ms, image, name, checkpoint);
    WriteBatch batch;
    batch.more = [&writer](KeyValue& out) { return writer.next(out); };
    batch.remove = replaced;
    for (const KeyValue& damaged : known_.damaged) {
      batch.put.push_back({std::string(kDamagedPrefix) + damaged.key, damaged.value});
    }
    written = co_await storage_.write(std::move(batch));
    again = !written && written.error().code == ErrorCode::kQuotaExceeded && image;
    image = nullptr;
  }
  storage_.unlock(std::string(kFoldLock));
  if (!written) co_return std::move(written).error();

  known_ = {.progress = std::move(folded), .checkpoints = {}, .log = {}, .damaged = {}};
  known_.checkpoints.emplace(name, std::move(checkpoint));
  co_return true;
}

Async<bool> Journal::rewrite(const MemoryTable& table, std::vector<EntryIndex> order,
                             const std::vector<MemoryEntry>& deletions, Stamp stamp,
                             TimestampMs now_ms) {
  // As if there had been a record, or others would take the checkpoint for one that they know.
  Progress before = known_.progress;
  known_.progress.note({.writer = writer_, .sequence = ++sequence_});
  Result<bool> written =
      co_await fold_with(&table, std::move(order), &deletions, nullptr, stamp, now_ms);
  if (!written || !*written) {
    known_.progress = std::move(before);
    rename();
  }
  co_return written;
}

}  // namespace agent_memory
