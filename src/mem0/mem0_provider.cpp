// SPDX-License-Identifier: MIT
#include "agent_memory/mem0_provider.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "agent_memory/config.hpp"

#include "base/async_mutex.hpp"
#include "base/hash.hpp"
#include "base/hash_index.hpp"
#include "base/sort.hpp"
#include "mem0/wire.hpp"

namespace agent_memory {
namespace {

using mem0::Answer;
using mem0::Attempt;
using mem0::Call;

bool is_requested(const AbortToken& abort) { return abort && abort->requested(); }

Error aborted() { return {.code = ErrorCode::kAborted, .message = "the operation was aborted"}; }

/// From here on the operation is to be waited for, whatever its signal says.
void commit(const AbortToken& abort) {
  if (abort) abort->commit();
}

bool is_newer(const RetrievedMemory& left, const RetrievedMemory& right) {
  return left.created_at_ms > right.created_at_ms;  // those without a time last
}

/// Whether a memory with that id is among those, which `ids` has the numbers of.
bool is_among(const std::vector<RetrievedMemory>& memories, const HashIndex& ids,
              const std::string& id) {
  HashIndex::Search search = ids.search(hash32(id));
  for (std::uint32_t number = 0; (number = ids.next(search)) != HashIndex::kNone;) {
    if (memories[number].id == id) return true;
  }
  return false;
}

Error no_such_memory(const std::string& id) {
  return {.code = ErrorCode::kNotFound, .message = "there is no memory with the id " + id};
}

/// Whether an add that failed may have been carried out.
bool is_in_doubt(const Error& error) {
  if (error.code == ErrorCode::kAborted) return false;
  return !error.status || mem0::classify(*error.status, {}) == Attempt::kUnclear;
}

/// What is said of messages that were not stored.
std::string not_stored(std::size_t first, std::size_t last) {
  const auto message = [](std::size_t index) { return "messages[" + std::to_string(index) + "]"; };
  return first == last ? message(first) + " was not stored"
                       : message(first) + " to " + message(last) + " were not stored";
}

class Provider final : public Mem0Provider, public std::enable_shared_from_this<Provider> {
 public:
  Provider(Mem0ProviderOptions options, std::shared_ptr<HttpPort> http,
           std::shared_ptr<TimerPort> timer, std::shared_ptr<ClockPort> clock,
           std::shared_ptr<RandomPort> random)
      : options_(std::move(options)),
        http_(std::move(http)),
        timer_(std::move(timer)),
        clock_(std::move(clock)),
        random_(std::move(random)) {}

  Async<std::vector<RetrievedMemory>> retrieve_memories(std::string query,
                                                        RetrieveOptions options) override {
    const auto self = shared_from_this();
    if (auto checked = validate(options); !checked) co_return std::move(checked).error();
    if (options.strategy == RetrievalStrategy::kRecency) {
      co_return co_await retrieve_newest(std::move(query), std::move(options));
    }
    Result<Call> call = mem0::search_call(options_, query, options);
    if (!call) co_return std::move(call).error();
    Result<Answer> answer = co_await ask(*std::move(call), options.abort);
    if (!answer) co_return std::move(answer).error();
    Result<mem0::Page> page = mem0::read_page(*answer);
    if (!page) co_return std::move(page).error();

    std::vector<RetrievedMemory>& found = page->memories;
    std::erase_if(found, [&](const RetrievedMemory& each) {
      return each.score < options.min_relevance_score;
    });
    const bool by_age = options.strategy == RetrievalStrategy::kHybrid;
    sort_stably(found, [by_age](const RetrievedMemory& left, const RetrievedMemory& right) {
      if (left.score != right.score) return left.score > right.score;
      return by_age && is_newer(left, right);
    });
    if (found.size() > static_cast<std::size_t>(options.top_k)) {
      found.resize(static_cast<std::size_t>(options.top_k));
    }
    if (!options.explain) forget_explanations(found);
    co_return std::move(found);
  }

  Async<std::vector<StoredMemory>> store_memories(MessageInput messages,
                                                  StoreOptions options) override {
    const auto self = shared_from_this();
    Result<StoreOutcome> outcome =
        co_await store_in_batches(std::move(messages), std::move(options));
    if (!outcome) co_return std::move(outcome).error();
    if (outcome->error) co_return *std::move(outcome->error);
    co_return std::move(outcome->stored);
  }

  Async<StoreOutcome> store_in_batches(MessageInput messages, StoreOptions options) override {
    const auto self = shared_from_this();
    auto batches = mem0::add_batches(options_, messages, options);
    if (!batches) co_return std::move(batches).error();

    struct Accepted {
      mem0::AddResult result;
      std::size_t first;
      std::size_t last;
    };
    std::vector<Accepted> accepted;
    StoreOutcome outcome;
    const auto fail = [&](Error error, std::size_t first, std::size_t last) {
      if (outcome.error) {
        outcome.error->message += "; " + not_stored(first, last) + ": " + error.message;
        return;
      }
      if (batches->size() > 1) error.message = not_stored(first, last) + ": " + error.message;
      outcome.error = std::move(error);
    };

    // In order, so that the later is known to be later; what is under way is waited for afterwards.
    for (std::size_t i = 0; i < batches->size(); ++i) {
      mem0::AddBatch& batch = (*batches)[i];
      Result<Answer> answer = co_await ask(batch.call, options.abort);
      const bool is_answered = answer.has_value();
      Result<mem0::AddResult> result = added(std::move(answer), options.metadata);
      if (result) {
        accepted.push_back({*std::move(result), batch.first, batch.last});
        continue;
      }
      // What is wrong with one batch need not be wrong with the next; what would be is reported for
      // all that is left.
      Error error = std::move(result).error();
      const bool concerns_all = error.retryable || error.code == ErrorCode::kUnauthorized ||
                                error.code == ErrorCode::kAborted ||
                                error.code == ErrorCode::kTimeout;
      if (!is_answered && batch.call.repeat == mem0::Repeat::kHarmful && is_in_doubt(error)) {
        error.message += "; what was to be stored may have been stored";
        error.retryable = false;
      }
      fail(std::move(error), batch.first, concerns_all ? batches->back().last : batch.last);
      if (concerns_all) break;
    }
    for (Accepted& each : accepted) {
      for (const std::string& event_id : each.result.pending_events) {
        if (!options_.wait_for_completion) break;
        auto done = co_await wait_for(event_id, options.metadata, options.abort);
        if (!done) {
          fail(std::move(done).error(), each.first, each.last);
          continue;
        }
        for (StoredMemory& stored : *done)
          each.result.stored.push_back(std::move(stored));
      }
      for (StoredMemory& stored : each.result.stored)
        outcome.stored.push_back(std::move(stored));
    }
    if (outcome.error) {
      if (accepted.empty()) co_return *std::move(outcome.error);
      // Doing all of it again would store some of it twice.
      outcome.error->retryable = false;
    }
    co_return std::move(outcome);
  }

  Async<std::vector<RetrievedMemory>> get_all_memories(ListOptions options) override {
    const auto self = shared_from_this();
    if (auto checked = validate(options); !checked) co_return std::move(checked).error();
    co_return co_await list(options, {});
  }

  Async<bool> delete_memory(std::string memory_id, AbortToken abort) override {
    const auto self = shared_from_this();
    Result<Call> call = mem0::delete_call(options_, memory_id);
    if (!call) co_return std::move(call).error();
    Result<Answer> answer = co_await ask(*std::move(call), std::move(abort));
    if (!answer) co_return std::move(answer).error();
    // Gone, and an attempt before this one may have been what did it.
    if (mem0::is_missing(*answer, memory_id)) co_return answer->in_doubt;
    co_return true;
  }

  Async<std::optional<RetrievedMemory>> get_memory(std::string memory_id,
                                                   AbortToken abort) override {
    const auto self = shared_from_this();
    Result<Call> call = mem0::get_call(options_, memory_id);
    if (!call) co_return std::move(call).error();
    Result<Answer> answer = co_await ask(*std::move(call), std::move(abort));
    if (!answer) co_return std::move(answer).error();
    if (mem0::is_missing(*answer, memory_id)) co_return std::optional<RetrievedMemory>();
    Result<std::optional<RetrievedMemory>> memory = mem0::read_memory(*answer);
    if (memory && *memory) (*memory)->explanation.reset();
    co_return memory;
  }

  Async<StoredMemory> update_memory(std::string memory_id, MemoryChange change,
                                    AbortToken abort) override {
    const auto self = shared_from_this();
    Result<Call> call = mem0::update_call(options_, memory_id, change);
    if (!call) co_return std::move(call).error();
    Result<Answer> answer = co_await ask(*std::move(call), abort);
    if (!answer) co_return std::move(answer).error();
    if (mem0::is_missing(*answer, memory_id)) co_return no_such_memory(memory_id);

    StoredMemory stored{
        .id = memory_id, .memory = {}, .event = MemoryEvent::kUpdate, .metadata = {}};
    if (change.memory && change.metadata) {
      stored.memory = *std::move(change.memory);
      stored.metadata = *std::move(change.metadata);
      co_return std::move(stored);
    }
    // The platform answers with the memory, a self-hosted server with a word; then it is read.
    std::optional<RetrievedMemory> now;
    if (answer->body.find_string("memory") != nullptr) {
      Result<std::optional<RetrievedMemory>> read = mem0::read_memory(*answer);
      if (!read) co_return std::move(read).error();
      now = *std::move(read);
    } else {
      Result<std::optional<RetrievedMemory>> read = co_await get_memory(memory_id, nullptr);
      if (!read) {
        Error error = std::move(read).error();
        error.message = "the memory was changed, but could not be read back: " + error.message;
        co_return std::move(error);
      }
      now = *std::move(read);
    }
    if (!now) co_return no_such_memory(memory_id);
    stored.memory = std::move(now->memory);
    stored.metadata = std::move(now->metadata);
    co_return std::move(stored);
  }

  Async<std::vector<HistoryEntry>> history(std::string memory_id, AbortToken abort) override {
    const auto self = shared_from_this();
    Result<Call> call = mem0::history_call(options_, memory_id);
    if (!call) co_return std::move(call).error();
    Result<Answer> answer = co_await ask(*std::move(call), std::move(abort));
    if (!answer) co_return std::move(answer).error();
    if (mem0::is_missing(*answer, memory_id)) co_return std::vector<HistoryEntry>();
    co_return mem0::read_history(*answer);
  }

  Async<void> delete_all_memories(Identity identity, AbortToken abort) override {
    const auto self = shared_from_this();
    Result<std::optional<Call>> call = mem0::delete_all_call(options_, identity);
    if (!call) co_return std::move(call).error();
    if (!*call) co_return co_await delete_one_by_one(std::move(identity), std::move(abort));
    Result<Answer> answer = co_await ask(**std::move(call), abort);
    if (!answer) co_return std::move(answer).error();
    const std::optional<std::string> event_id = mem0::read_deletion(*answer);
    if (!event_id || !options_.wait_for_completion) co_return Result<void>();
    auto done = co_await wait_for(*event_id, {}, abort);
    // Of a deletion that it accepted the platform need not keep an event.
    if (!done && done.error().status != 404) co_return std::move(done).error();
    co_return Result<void>();
  }

 private:
  static void forget_explanations(std::vector<RetrievedMemory>& memories) {
    for (RetrievedMemory& each : memories)
      each.explanation.reset();
  }

  /// The answer, after as many attempts as it takes and may take. One that is no success is an
  /// error, unless it says that there is no such memory, or page. A write is committed with its
  /// first attempt.
  Async<Answer> ask(Call call, AbortToken abort) {
    bool in_doubt = false;
    Error last = aborted();
    for (std::int64_t retry = 1;; ++retry) {
      // Aborted after an attempt that may have changed something, it is that attempt that failed.
      if (is_requested(abort)) co_return call.is_write&& in_doubt ? last : aborted();
      Result<HttpResponse> response = co_await send(call, abort);
      Attempt attempt = Attempt::kUnclear;
      std::optional<std::int64_t> asked_pause;
      Answer answer;
      if (response) {
        answer = mem0::read_answer(options_, *response);
        answer.in_doubt = in_doubt;
        attempt = mem0::classify(answer.status, answer.code);
        // What is wrong with an id stays wrong, though it is called a failure of the server.
        if (mem0::is_missing(answer, call.memory_id)) attempt = Attempt::kDone;
        asked_pause = mem0::retry_after_ms(answer.retry_after, clock_->now_ms());
      } else if (!response.error().retryable) {
        attempt = Attempt::kDone;
      }
      const auto pause = mem0::next_pause_ms(attempt, call.repeat, retry, options_.max_retries,
                                             asked_pause, random_->next());
      if (!pause && response && is_expected(answer, call)) {
        // Whoever answers otherwise is not Mem0: nothing is done.
        const bool is_readable = !answer.ok() || answer.is_empty || answer.is_json;
        if (!is_readable) co_return mem0::require_json(answer).error();
        co_return std::move(answer);
      }
      last = response ? mem0::error_of(answer) : unanswered(std::move(response).error());
      if (!pause) co_return std::move(last);
      in_doubt = in_doubt || attempt == Attempt::kUnclear;
      co_await timer_->sleep(*pause, abort);
    }
  }

  static bool is_expected(const Answer& answer, const Call& call) {
    return answer.ok() || mem0::is_missing(answer, call.memory_id) ||
           (call.is_further_page && mem0::is_past_the_end(answer));
  }

  [[nodiscard]] Error unanswered(Error error) const {
    if (error.code == ErrorCode::kAborted) return error;
    error.message = "Mem0 " + mem0::redacted(options_, std::move(error.message));
    return error;
  }

  Async<HttpResponse> send(const Call& call, AbortToken abort) {
    const AsyncSemaphore::Lock place = co_await places_.acquire();
    if (is_requested(abort)) co_return aborted();
    if (call.is_write) commit(abort);
    co_return co_await http_->send(mem0::to_request(options_, call, std::move(abort)));
  }

  static Result<mem0::AddResult> added(Result<Answer> answer, const Metadata& metadata) {
    if (!answer) return std::move(answer).error();
    return mem0::read_add(*answer, metadata);
  }

  /// What came of an event, once it is over. Aborted, what is known by then: it was accepted.
  Async<std::vector<StoredMemory>> wait_for(std::string event_id, Metadata metadata,
                                            AbortToken abort) {
    std::int64_t waited = 0;
    for (std::int64_t poll = 1;; ++poll) {
      const std::int64_t pause = mem0::poll_pause_ms(poll);
      co_await timer_->sleep(pause, abort);
      if (is_requested(abort)) co_return std::vector<StoredMemory>();
      waited += pause;
      Result<Answer> answer = co_await ask(mem0::event_call(event_id), abort);
      if (!answer && is_requested(abort)) co_return std::vector<StoredMemory>();
      const auto unknown = [](Error error) {
        error.message = "it was accepted, but what became of it is not known: " + error.message;
        error.retryable = false;
        return error;
      };
      if (!answer) co_return unknown(std::move(answer).error());
      auto done = mem0::read_event(*answer, metadata);
      if (!done) co_return std::move(done).error();
      if (*done) co_return **std::move(done);
      if (waited >= mem0::kMaxPollTotalMs) {
        co_return Error{.code = ErrorCode::kTimeout,
                        .message = "Mem0 was not done with event " + event_id + " after " +
                                   std::to_string(waited / 1000) + " s"};
      }
    }
  }

  /// Newest first. All of them are read where the API does not give them in that order.
  Async<std::vector<RetrievedMemory>> list(ListOptions options, Metadata metadata) {
    const bool is_platform = options_.api == Mem0Api::kPlatform;
    // 64 bits, for where std::size_t has 32.
    const std::int64_t wanted = options.limit ? options.offset + *options.limit : INT64_MAX;
    std::vector<RetrievedMemory> all;
    HashIndex ids;
    for (std::int64_t number = 1;; ++number) {
      Result<Call> call =
          mem0::list_call(options_, options.identity, metadata, options.filters, number);
      if (!call) co_return std::move(call).error();
      Result<Answer> answer = co_await ask(*std::move(call), options.abort);
      if (!answer) co_return std::move(answer).error();
      if (mem0::is_past_the_end(*answer)) break;
      Result<mem0::Page> page = mem0::read_page(*answer);
      if (!page) co_return std::move(page).error();
      const std::size_t read = page->memories.size();
      const std::size_t known = all.size();
      // A page moves on when something is added meanwhile: what stood on the last comes again.
      for (RetrievedMemory& each : page->memories) {
        if (is_among(all, ids, each.id)) continue;
        ids.insert(hash32(each.id), static_cast<std::uint32_t>(all.size()));
        all.push_back(std::move(each));
      }
      if (!is_platform && read >= static_cast<std::size_t>(mem0::kMaxResults)) {
        co_return Error{.code = ErrorCode::kProvider,
                        .message = "Mem0 has " + std::to_string(mem0::kMaxResults) +
                                   " memories or more here, and a self-hosted server lists no "
                                   "further: narrow it by another id"};
      }
      const bool has_more = page->has_more && all.size() > known;
      // No order is documented: that it is this one is seen.
      const bool is_enough = static_cast<std::int64_t>(all.size()) >= wanted && read > 1 &&
                             std::is_sorted(all.begin(), all.end(), is_newer);
      if (!is_platform || !has_more || is_enough) break;
    }
    if (!metadata.empty()) {
      std::erase_if(all, [&](const RetrievedMemory& each) {
        return !std::all_of(metadata.begin(), metadata.end(), [&](const JsonMember& member) {
          const JsonValue* value = find_member(each.metadata, member.key);
          return value != nullptr && *value == member.value;
        });
      });
    }
    sort_stably(all, is_newer);
    const auto at = [&](std::int64_t index) {
      const auto size = static_cast<std::int64_t>(all.size());
      return all.begin() + static_cast<std::ptrdiff_t>(std::min(index, size));
    };
    std::vector<RetrievedMemory> chosen(std::make_move_iterator(at(options.offset)),
                                        std::make_move_iterator(at(wanted)));
    for (RetrievedMemory& each : chosen)
      each.score = 1.0;
    forget_explanations(chosen);
    co_return chosen;
  }

  /// Newest first, whatever the query says: that is a list.
  Async<std::vector<RetrievedMemory>> retrieve_newest(std::string query, RetrieveOptions options) {
    if (auto checked = validate_query(query); !checked) co_return std::move(checked).error();
    if (options.min_relevance_score > 0) {
      co_return Error::invalid("min_relevance_score",
                               "must be 0 on Mem0 with the strategy 'recency', which has no score");
    }
    if (options.explain) {
      co_return Error::invalid(
          "explain", "must be false on Mem0 with the strategy 'recency', which has no score");
    }
    ListOptions as_list;
    as_list.identity = std::move(options.identity);
    as_list.limit = options.top_k;
    as_list.filters = std::move(options.filters);
    as_list.abort = std::move(options.abort);
    co_return co_await list(std::move(as_list), std::move(options.metadata));
  }

  /// For several ids at once: what they see together, by its own ids. Where one of those is gone,
  /// by an attempt before or by somebody else, the list tells what is left, as long as that
  /// shrinks.
  Async<void> delete_one_by_one(Identity identity, AbortToken abort) {
    std::size_t left = SIZE_MAX;
    for (std::optional<Error> gone;;) {
      ListOptions all;
      all.identity = identity;
      all.abort = abort;
      Result<std::vector<RetrievedMemory>> memories = co_await list(std::move(all), {});
      if (!memories) co_return std::move(memories).error();
      if (gone && memories->size() >= left) co_return *std::move(gone);
      left = memories->size();
      gone.reset();
      std::vector<std::string> ids;
      for (RetrievedMemory& each : *memories)
        ids.push_back(std::move(each.id));
      while (!ids.empty() && !gone) {
        const std::size_t count = std::min(ids.size(), mem0::kMaxBatch);
        const auto begin = ids.end() - static_cast<std::ptrdiff_t>(count);
        Call call = mem0::delete_batch_call({begin, ids.end()});
        ids.erase(begin, ids.end());
        Result<Answer> answer = co_await ask(std::move(call), abort);
        if (answer) continue;
        if (answer.error().status != 404) co_return std::move(answer).error();
        gone = std::move(answer).error();
      }
      if (!gone) co_return Result<void>();
    }
  }

  Mem0ProviderOptions options_;
  std::shared_ptr<HttpPort> http_;
  std::shared_ptr<TimerPort> timer_;
  std::shared_ptr<ClockPort> clock_;
  std::shared_ptr<RandomPort> random_;
  AsyncSemaphore places_{kMaxInFlight};
};

}  // namespace

Result<std::shared_ptr<Mem0Provider>> Mem0Provider::make(Mem0ProviderOptions options,
                                                         std::shared_ptr<HttpPort> http,
                                                         std::shared_ptr<TimerPort> timer,
                                                         std::shared_ptr<ClockPort> clock,
                                                         std::shared_ptr<RandomPort> random) {
  if (auto checked = validate(options); !checked) return std::move(checked).error();
  std::shared_ptr<Mem0Provider> made = std::make_shared<Provider>(
      std::move(options), std::move(http), std::move(timer), std::move(clock), std::move(random));
  return made;
}

}  // namespace agent_memory
