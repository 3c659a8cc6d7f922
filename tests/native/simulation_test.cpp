// SPDX-License-Identifier: MIT

// Tabs over one simulated disk, in an order of events that a seed decides, and a checker that knows
// every operation that reached the disk. Environment:
//   SIMULATION_SEEDS        how many seeds; default 2000
//   SIMULATION_FIRST_SEED   the first of them; default 1
//   SIMULATION_TRACE        1: print what happens

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/local_world.hpp"
#include "support/simulated_disk.hpp"
#include "support/simulation_model.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

const Identity kUser{.user_id = "u", .agent_id = std::nullopt, .run_id = std::nullopt};

/// What a seed may do beside storing, changing and deleting.
struct Weather {
  bool crashes = true;
  bool fails = false;
  bool damages = false;
  bool loses_power = false;
  /// Days pass, not seconds.
  bool is_long = false;
  /// Begins with a store that many writers have written to.
  bool has_past = false;
};

/// What ends a run that was to stop after so many effects on the disk.
struct Stopped {};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Weather weather)
      : seed_(seed), random_(seed), weather_(weather), disk_(seed * 7919 + 1) {
    disk_.notifies = !random_.once_in(4);
    disk_.locks = !random_.once_in(4);
    disk_.is_strict = !weather_.loses_power;
    disk_.on_write = [this](const Connection& by, const WriteBatch& batch, bool is_unclear) {
      note_write(by, batch, is_unclear);
    };
    is_traced_ = environment("SIMULATION_TRACE", 0) != 0;
  }

  /// Crashes everything after so many effects on the disk.
  void stop_after(std::size_t effects) { disk_.stop_after = effects; }

  /// Whether it came to be stopped.
  bool run(int steps) {
    bool is_stopped = false;
    try {
      if (weather_.has_past) make_past();
      for (std::size_t i = 0; i < 2; ++i)
        open();
      for (int i = 0; i < steps; ++i)
        step();
      settle();
    } catch (const Stopped&) {
      is_stopped = true;
      crash_all();
    }
    disk_.stop_after = static_cast<std::size_t>(-1);
    check_settled();
    wake_all();
    check_settled();
    reopen_all();
    check_settled();
    check_forgotten();
    return is_stopped;
  }

 private:
  /// A call under way.
  struct Call {
    std::string what;
    std::function<bool(const Landed&)> claims;
    /// Whether it is one operation at most.
    bool is_single = false;
    /// Its operations that reached the disk, and whether it may be told that they did not.
    std::vector<Landed> landed;
    bool is_unclear = false;
    std::function<bool()> is_done;
    std::function<void(Call&)> check;
  };
  struct Tab {
    int number = 0;
    TimestampMs skew = 0;
    std::shared_ptr<FakeClock> clock;
    std::shared_ptr<Connection> connection;
    std::shared_ptr<Started<Result<std::shared_ptr<LocalProvider>>>> opening;
    std::shared_ptr<LocalProvider> provider;
    std::shared_ptr<Heard> heard = std::make_shared<Heard>();
    std::vector<std::shared_ptr<Call>> calls;
    bool is_closing = false;
    /// Does nothing and hears nothing.
    bool is_asleep = false;
  };

  // ---------------------------------------------------------------------------------- saying so

  void trace(const std::string& what) const {
    if (is_traced_) std::fprintf(stderr, "  %s\n", what.c_str());
  }
  void require(bool condition, const std::string& what) const {
    if (!condition) FAIL(what);
  }

  // ---------------------------------------------------------------------------- what disk is told

  void note_write(const Connection& by, const WriteBatch& batch, bool is_unclear) {
    ++writes_;
    Tab* tab = nullptr;
    for (const auto& each : tabs_) {
      if (each->connection.get() == &by) tab = each.get();
    }
    require(tab != nullptr, "somebody wrote who is not there");
    for (const KeyValue& each : batch.put) {
      require(each.value.size() <= 2'000'000, each.key + " is too large for some stores");
      const bool is_log = each.key.starts_with("log/");
      for (const auto& [key, entry] : entries_of(each.key, each.value)) {
        if (is_log) {
          note_operation(*tab, to_landed(entry, writes_), is_unclear);
        } else if (!entry.deleted.is_never() &&
                   !model_.knows_deletion(entry.record.id, entry.deleted) &&
                   !model_.is_tainted(entry.record.id)) {
          // A deletion that found no room went to the disk with the fold that made some.
          Landed landed;
          landed.kind = MemoryEvent::kDelete;
          landed.stamp = entry.deleted;
          landed.record.id = entry.record.id;
          landed.write = writes_;
          note_operation(*tab, std::move(landed), is_unclear);
        }
      }
    }
    trace("disk: write " + std::to_string(writes_) + " of tab " + std::to_string(tab->number) +
          (batch.put.empty() ? std::string(" removes")
                             : " puts " + batch.put.front().key + " and " +
                                   std::to_string(batch.put.size() - 1) + " more, removes") +
          " " + std::to_string(batch.remove.size()) + (is_unclear ? ", unclear" : ""));
  }

  void note_operation(Tab& tab, Landed landed, bool is_unclear) {
    trace("disk: " + std::string(memory_event_name(landed.kind)) + " of " + landed.record.id +
          " at " + std::to_string(landed.stamp.time));
    require(stamps_.insert(landed.stamp).second, "two operations have one stamp");
    const auto call = std::find_if(tab.calls.begin(), tab.calls.end(), [&](const auto& each) {
      const bool is_done = each->is_single && !each->landed.empty();
      return !is_done && each->claims(landed);
    });
    if (call != tab.calls.end()) {
      (*call)->landed.push_back(landed);
      (*call)->is_unclear = (*call)->is_unclear || is_unclear;
    } else {
      require(landed.kind == MemoryEvent::kDelete && is_expired(tab, landed.record.id),
              "tab " + std::to_string(tab.number) + " wrote what nobody asked for: " +
                  std::string(memory_event_name(landed.kind)) + " of " + landed.record.id);
    }
    model_.add(std::move(landed));
  }

  [[nodiscard]] bool is_expired(const Tab& tab, const std::string& id) const {
    if (model_.is_tainted(id)) return true;
    const std::vector<const Landed*> steps = model_.history(id);
    return std::any_of(steps.begin(), steps.end(), [&](const Landed* each) {
      return each->record.expires_at_ms && *each->record.expires_at_ms <= tab.clock->now_ms();
    });
  }

  // ------------------------------------------------------------------------------ letting go on

  void disk_step() {
    if (disk_.is_stopped()) throw Stopped();
    disk_.step();
  }

  void let(std::size_t steps) {
    for (; steps > 0 && !disk_.is_idle(); --steps)
      disk_step();
    look();
  }

  /// Takes what has come back.
  void look() {
    for (std::size_t i = 0; i < tabs_.size(); ++i) {
      Tab& tab = *tabs_[i];
      if (tab.opening && tab.opening->done()) {
        Result<std::shared_ptr<LocalProvider>> opened = tab.opening->take();
        tab.opening = nullptr;
        if (opened) {
          tab.provider = *std::move(opened);
        } else {
          require(opened.error().retryable, "cannot open: " + opened.error().message);
          trace("tab " + std::to_string(tab.number) + " did not open");
          drop(i--);
          continue;
        }
      }
      for (std::size_t j = 0; j < tab.calls.size(); ++j) {
        const std::shared_ptr<Call> call = tab.calls[j];
        if (!call->is_done()) continue;
        call->check(*call);
        tab.calls.erase(tab.calls.begin() + static_cast<std::ptrdiff_t>(j--));
      }
      if (tab.is_closing && tab.calls.empty()) drop(i--);
    }
  }

  void drop(std::size_t i) { tabs_.erase(tabs_.begin() + static_cast<std::ptrdiff_t>(i)); }

  void drain() {
    while (!disk_.is_idle())
      disk_step();
    look();
    for (const auto& tab : tabs_) {
      require(tab->calls.empty(),
              "a call never ends: " + (tab->calls.empty() ? "" : tab->calls.front()->what));
      require(tab->provider != nullptr, "a tab never opens");
    }
  }

  // -------------------------------------------------------------------------------- what is done

  void step() {
    if (weather_.fails) {
      disk_.failing = random_.once_in(3) ? 12 : 0;
      disk_.unclear = random_.once_in(3) ? 6 : 0;
    }
    switch (random_.below(weather_.damages || weather_.loses_power ? 20 : 18)) {
      case 0:
        return open();
      case 1:
        return leave();
      case 2:
        return pass_time();
      case 3:
        settle();
        return check_settled();
      case 4:
        if (random_.once_in(3)) fill();
        return;
      case 5:
        return weather_.is_long ? sleep_or_wake() : pass_time();
      case 6:
        if (weather_.is_long) pass_time();
        call();
        return let(random_.below(12));
      case 18:
      case 19:
        if (random_.once_in(3)) misfortune();
        return;
      default:
        call();
        return let(random_.below(12));
    }
  }

  std::shared_ptr<Tab> make_tab() {
    auto tab = std::make_shared<Tab>();
    tab->number = ++tabs_so_far_;
    if (!random_.once_in(3)) {
      const TimestampMs most = weather_.is_long ? 7'200'000 : 600'000;
      tab->skew =
          static_cast<TimestampMs>(random_.below(static_cast<std::size_t>(most))) - most / 2;
    }
    tab->clock = std::make_shared<FakeClock>(now_ + tab->skew);
    tab->connection = std::make_shared<Connection>();
    tab->connection->owner = tab->number;
    return tab;
  }

  void open() {
    if (tabs_.size() >= 4) return;
    const std::shared_ptr<Tab> tab = make_tab();
    trace("tab " + std::to_string(tab->number) + " opens");
    tabs_.push_back(tab);
    tab->opening =
        std::make_shared<Started<Result<std::shared_ptr<LocalProvider>>>>(LocalProvider::open(
            disk_.connect(tab->connection), tab->clock,
            std::make_shared<FakeRandom>(seed_ * 1000 + static_cast<std::uint64_t>(tab->number)),
            {}, [heard = tab->heard](const LocalNotice& notice) { heard->take(notice); }));
    look();
  }

  /// Closes or crashes a tab.
  void leave() {
    if (tabs_.empty()) return;
    const std::size_t i = random_.below(tabs_.size());
    if (weather_.crashes && random_.once_in(2)) return crash(i);
    const std::shared_ptr<Tab> tab = tabs_[i];
    if (!tab->provider || tab->is_closing || tab->is_asleep) return;
    trace("tab " + std::to_string(tab->number) + " closes");
    tab->is_closing = true;
    begin<void>(*tab, "close", tab->provider->close(), [](Call&, const Result<void>&) {});
  }

  void crash(std::size_t i) {
    const std::shared_ptr<Tab> tab = tabs_[i];
    trace("tab " + std::to_string(tab->number) + " crashes");
    disk_.crash(*tab->connection);
    drop(i);
  }

  void crash_all() {
    while (!tabs_.empty())
      crash(0);
  }

  void pass_time() {
    now_ += static_cast<TimestampMs>(weather_.is_long ? random_.below(25) * kDay + 5
                                                      : random_.below(4) * 1000);
    for (const auto& tab : tabs_)
      tab->clock->set(now_ + tab->skew);
  }

  void sleep_or_wake() {
    if (tabs_.empty()) return open();
    Tab& tab = *random_.pick(tabs_);
    if (!tab.provider || tab.is_closing || !tab.calls.empty()) return;
    if (tab.is_asleep) return wake(tab);
    trace("tab " + std::to_string(tab.number) + " falls asleep");
    tab.is_asleep = true;
    tab.connection->is_deaf = true;
  }

  /// A tab wakes, and does something before it hears of anything.
  void wake(Tab& tab) {
    trace("tab " + std::to_string(tab.number) + " wakes");
    tab.is_asleep = false;
    tab.connection->is_deaf = false;
    call_of(tab);
  }

  void wake_all() {
    for (const auto& tab : tabs_) {
      if (tab->is_asleep) wake(*tab);
    }
  }

  void fill() {
    if (disk_.capacity) {
      disk_.capacity.reset();
    } else {
      disk_.capacity = disk_.bytes() + random_.below(600);
    }
  }

  void misfortune() {
    if (weather_.loses_power) {
      if (random_.once_in(2)) return disk_.sync();
      crash_all();
      const std::size_t lost = disk_.lose_power();
      trace("power is lost, and with it " + std::to_string(lost) + " writes");
      writes_ -= lost;
      model_.forget_after(writes_);
      return open();
    }
    settle();
    damage();
  }

  /// Tears a value, or turns some of its bits.
  void damage() {
    if (disk_.values.empty()) return;
    auto at = disk_.values.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(disk_.values.size())));
    if (at->first.starts_with("damaged/")) return;
    const auto before = entries_of(at->first, at->second);
    std::string& value = at->second;
    if (random_.once_in(3)) {
      value.resize(random_.below(value.size()));
    } else {
      const std::size_t byte = random_.below(value.size());
      value[byte] =
          static_cast<char>(static_cast<unsigned char>(value[byte]) ^ (1U << random_.below(8)));
    }
    const auto after = entries_of(at->first, value);
    trace("damage to " + at->first);
    for (const auto& [key, entry] : before) {
      if (after.contains(key)) continue;
      trace("tainted " + key.first);
      model_.taint(key.first);
    }
    if (tabs_.size() >= 4) drop_quietly();
    open();
    drain();
    const bool is_told = !tabs_.back()->heard->errors.empty();
    require(is_told || at->first.starts_with("image/"), "damage was not told");
    is_damaged_ = true;
  }

  /// A tab goes that does nothing.
  void drop_quietly() {
    disk_.crash(*tabs_.front()->connection);
    drop(0);
  }

  template <typename T>
  void begin(
      Tab& tab, std::string what, Async<T> task, std::function<void(Call&, const Result<T>&)> check,
      std::function<bool(const Landed&)> claims = [](const Landed&) { return false; }) {
    trace("tab " + std::to_string(tab.number) + ": " + what);
    auto call = std::make_shared<Call>();
    call->what = std::move(what);
    call->claims = std::move(claims);
    call->is_single = call->what.starts_with("update") || call->what.starts_with("delete ") ||
                      call->what.starts_with("note ");
    tab.calls.push_back(call);
    // Noted before it starts: where nothing waits, it writes at once.
    auto started = std::make_shared<Started<Result<T>>>(std::move(task));
    call->is_done = [started] { return started->done(); };
    call->check = [this, started, check = std::move(check)](Call& done) {
      const Result<T> result = started->take();
      trace(done.what + (result ? " is done" : " failed: " + result.error().message));
      if (!result && !done.is_unclear && !done.what.starts_with("import")) {
        require(done.landed.empty(),
                done.what + " failed (" + result.error().message + ") and yet did something");
      }
      check(done, result);
    };
    look();
  }

  std::string new_text(const Tab& tab) {
    // With another call under way it could not be told whose it is.
    if (tab.calls.empty() && random_.once_in(8))
      return "I would like some tea, please, " + std::to_string(random_.below(3));
    // The number twice, so that no turned bit makes one text of another.
    const std::string number = std::to_string(++texts_);
    return "The keeper of the lighthouse wrote n" + number + "n" + number + "n.";
  }

  /// A memory that somebody knows, or one that nobody does.
  std::string some_id(const Tab& tab) {
    const std::vector<RetrievedMemory> known = list(*tab.provider, kUser);
    if (known.empty() || random_.once_in(16)) return "nobody-knows-me";
    return known[random_.below(known.size())].id;
  }

  void call() {
    if (tabs_.empty()) return open();
    call_of(*random_.pick(tabs_));
  }

  void call_of(Tab& tab) {
    if (!tab.provider || tab.is_closing || tab.is_asleep || tab.calls.size() >= 3) return;
    // What deletes everything could not be told from what deletes one.
    if (!tab.calls.empty() && tab.calls.front()->what == "delete-all") return;
    switch (random_.below(16)) {
      case 14:
      case 15:
        return note(tab);
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return store_some(tab);
      case 5:
      case 6:
      case 7:
        return update(tab);
      case 8:
      case 9:
        return remove(tab, some_id(tab));
      case 10:
        if (tab.calls.empty() && random_.once_in(6)) remove_all(tab);
        return;
      case 11:
        return import(tab);
      case 12:
        return begin<void>(tab, "refresh", tab.provider->refresh(),
                           [](Call&, const Result<void>&) {});
      default:
        return begin<void>(tab, "maintain", tab.provider->maintain(),
                           [](Call&, const Result<void>&) {});
    }
  }

  void store_some(Tab& tab) {
    std::set<std::string> texts;
    JsonArray messages;
    for (std::size_t i = random_.below(3) + 1; i > 0; --i) {
      const std::string text = new_text(tab);
      texts.insert(text);
      messages.push_back(JsonObject{{"role", "user"}, {"content", text}});
    }
    StoreOptions options;
    options.identity = kUser;
    if (random_.once_in(4)) options.identity.run_id = "r";
    if (random_.once_in(4)) {
      options.expires_at_ms =
          now_ + static_cast<TimestampMs>(random_.below(8)) * (weather_.is_long ? kDay : 1000);
    }
    const std::string what =
        "store " + std::to_string(messages.size()) + " to n" + std::to_string(texts_);
    begin<std::vector<StoredMemory>>(
        tab, what, tab.provider->store_memories(messages, options),
        [this](Call& done, const Result<std::vector<StoredMemory>>& stored) {
          if (!stored) return;
          std::size_t added = 0;
          for (const StoredMemory& each : *stored) {
            if (each.event != MemoryEvent::kAdd) continue;
            ++added;
            require(std::any_of(done.landed.begin(), done.landed.end(),
                                [&](const Landed& landed) {
                                  return landed.record.id == each.id &&
                                         landed.record.memory == each.memory;
                                }),
                    "acknowledged and not on the disk: " + each.memory);
          }
          require(added == done.landed.size(), "more was stored than was said");
        },
        [texts](const Landed& landed) {
          return landed.kind == MemoryEvent::kAdd && texts.contains(landed.record.memory);
        });
  }

  void update(Tab& tab) {
    const std::string id = some_id(tab);
    MemoryChange change;
    if (!random_.once_in(4)) change.memory = new_text(tab);
    if (!change.memory || random_.once_in(3)) {
      change.metadata = Metadata{{"n", static_cast<double>(++texts_)}};
    }
    const std::string text = change.memory.value_or("");
    const std::optional<Metadata> metadata = change.metadata;
    begin<StoredMemory>(
        tab, "update " + id + " to " + text, tab.provider->update_memory(id, change),
        [this](Call& done, const Result<StoredMemory>& updated) {
          if (!updated) return;
          const bool is_noop = updated->event == MemoryEvent::kNoop;
          require(done.landed.size() == (is_noop ? 0U : 1U),
                  "acknowledged and not on the disk: " + done.what);
        },
        [id, text, metadata](const Landed& landed) {
          return landed.kind == MemoryEvent::kUpdate && landed.record.id == id &&
                 (text.empty() || landed.record.memory == text) &&
                 (!metadata || JsonValue(landed.record.metadata) == JsonValue(*metadata));
        });
  }

  void remove(Tab& tab, const std::string& id) {
    begin<bool>(
        tab, "delete " + id, tab.provider->delete_memory(id),
        [this](Call& done, const Result<bool>& removed) {
          if (!removed) return;
          // Where it expired before its turn came, it went as well.
          require(!*removed || is_damaged_ || done.landed.size() == 1,
                  "acknowledged and not on the disk: " + done.what);
        },
        [id](const Landed& landed) {
          return landed.kind == MemoryEvent::kDelete && landed.record.id == id;
        });
  }

  /// What a tab knows of a memory elsewhere.
  struct Seen {
    std::string version;
    std::string note;
    bool is_unsettled = false;
    bool is_live = false;
  };
  Seen look_at(Tab& tab, const std::string& id) const {
    SyncQuery query;
    query.ids = {id};
    Seen seen;
    const Result<void> visited = tab.provider->visit_sync_states(query, [&](const SyncView& view) {
      seen = {.version = std::string(view.version),
              .note = std::string(view.note),
              .is_unsettled = view.is_unsettled,
              .is_live = view.memory != nullptr};
    });
    require(visited.has_value(), "cannot look at " + id);
    return seen;
  }

  /// Notes of a memory, or of one that is gone, what is elsewhere of it: of what it is now, or of
  /// nothing.
  void note(Tab& tab) {
    const std::vector<std::string> known = model_.ids();
    if (known.empty()) return;
    const std::string id = random_.pick(known);
    const Seen seen = look_at(tab, id);
    // A deletion that was told is forgotten some day: nothing can be owed of it again.
    if (seen.version.empty()) return;
    const std::string text = random_.once_in(4) ? "" : "note " + std::to_string(++texts_);
    const std::string version = seen.is_live && random_.once_in(4) ? "" : seen.version;
    JsonArray steps;
    steps.emplace_back(JsonObject{{"id", id}, {"version", version}, {"note", text}});
    begin<std::vector<StoredMemory>>(
        tab, "note '" + text + "' of " + id, tab.provider->settle(std::move(steps)),
        [this](Call& done, const Result<std::vector<StoredMemory>>& refused) {
          if (!refused) return;
          require(refused->empty() && done.landed.size() == 1,
                  "acknowledged and not on the disk: " + done.what);
        },
        [id, text](const Landed& landed) {
          return landed.kind == MemoryEvent::kNoop && landed.record.id == id &&
                 landed.record.memory == text;
        });
  }

  void remove_all(Tab& tab) {
    DeleteAllOptions options;
    options.identity = kUser;
    if (random_.once_in(2)) options.identity.run_id = "r";
    begin<std::int64_t>(
        tab, "delete-all", tab.provider->delete_all_memories(options),
        [this](Call& done, const Result<std::int64_t>& removed) {
          if (!removed) return;
          // What expires goes meanwhile, and is taken for one of these.
          require(is_damaged_ || done.landed.size() >= static_cast<std::size_t>(*removed),
                  "less was deleted than was said");
        },
        [](const Landed& landed) { return landed.kind == MemoryEvent::kDelete; });
  }

  /// Takes an export, or brings an old one back.
  void import(Tab& tab) {
    if (exports_.empty() || random_.once_in(2)) {
      exports_.push_back(value_of(tab.provider->export_memories(kUser)));
      return;
    }
    const std::string lines = random_.pick(exports_);
    begin<ImportReport>(
        tab, "import", tab.provider->import_memories(lines, nullptr),
        [this](Call& done, const Result<ImportReport>& report) {
          if (!report) return;
          const auto added =
              std::count_if(done.landed.begin(), done.landed.end(),
                            [](const Landed& each) { return each.kind == MemoryEvent::kAdd; });
          require(added == report->added, "more or less was imported than was said");
        },
        [lines, imported = std::make_shared<std::set<Stamp>>()](const Landed& landed) {
          // As they come: a memory's kAdd, then its changes, which have that kAdd's generation.
          if (landed.kind == MemoryEvent::kUpdate) return imported->contains(landed.generation);
          const bool is_claimed =
              landed.kind == MemoryEvent::kAdd &&
              lines.find("\"id\":\"" + landed.record.id + "\"") != std::string::npos;
          if (is_claimed) imported->insert(landed.stamp);
          return is_claimed;
        });
  }

  /// More writers than a head is to name.
  void make_past() {
    open();
    drain();
    sleep_or_wake();
    for (int i = 0; i < 140; ++i) {
      open();
      drain();
      store_some(*tabs_.back());
      if (i % 35 == 0) {
        begin<void>(*tabs_.back(), "maintain", tabs_.back()->provider->maintain(),
                    [](Call&, const Result<void>&) {});
      }
      drain();
      crash(1);
    }
  }

  // ------------------------------------------------------------------------------------ checking

  /// All that is under way ends, and everybody learns of everything.
  void settle() {
    disk_.failing = 0;
    disk_.unclear = 0;
    disk_.capacity.reset();
    drain();
    const auto is_awake = [](const auto& tab) { return !tab->is_asleep; };
    if (std::none_of(tabs_.begin(), tabs_.end(), is_awake)) {
      wake_all();
      open();
    }
    drain();
    for (const auto& tab : tabs_) {
      if (tab->is_asleep) continue;
      begin<void>(*tab, "refresh", tab->provider->refresh(),
                  [this](Call&, const Result<void>& refreshed) {
                    require(refreshed.has_value(), "cannot refresh");
                  });
    }
    drain();
    if (random_.once_in(3)) delete_on_full_disk();
  }

  void delete_on_full_disk() {
    Tab& tab = *random_.pick(tabs_);
    if (tab.is_asleep) return;
    std::vector<RetrievedMemory> known = list(*tab.provider, kUser);
    // A deletion is some 40 bytes; what it is to free should be more.
    std::erase_if(known, [](const RetrievedMemory& each) { return each.memory.size() < 50; });
    if (known.empty()) return;
    // A store that is hardly one has nothing to give up.
    disk_.capacity = disk_.bytes() + (disk_.bytes() < 1500 ? 200 : 0);
    const std::string id = known[random_.below(known.size())].id;
    bool is_deleted = false;
    begin<bool>(
        tab, "delete on a full disk " + id, tab.provider->delete_memory(id),
        [&](Call&, const Result<bool>& removed) { is_deleted = removed && *removed; },
        [id](const Landed& landed) {
          return landed.kind == MemoryEvent::kDelete && landed.record.id == id;
        });
    drain();
    require(is_deleted, "a full disk of " + std::to_string(disk_.bytes()) +
                            " bytes has no room for a deletion");
    disk_.capacity.reset();
    for (const auto& each : tabs_) {
      if (each->is_asleep) continue;
      begin<void>(*each, "refresh", each->provider->refresh(), [](Call&, const Result<void>&) {});
    }
    drain();
  }

  void check_settled() {
    settle();
    for (const auto& tab : tabs_) {
      if (!tab->is_asleep) check(*tab);
    }
  }

  /// The tab knows all that reached the disk, and nothing else.
  void check(Tab& tab) {
    const std::string who = "tab " + std::to_string(tab.number) + ": ";
    std::map<std::string, RetrievedMemory> seen;
    for (RetrievedMemory& each : list(*tab.provider, kUser))
      seen[each.id] = std::move(each);
    const std::map<std::string, const Landed*> expected = model_.live();
    std::size_t count = 0;
    for (const auto& [id, landed] : expected) {
      const MemoryRecord& record = landed->record;
      if (record.expires_at_ms && *record.expires_at_ms <= tab.clock->now_ms()) continue;
      ++count;
      const auto found = seen.find(id);
      require(found != seen.end(), who + "lost " + id + ": " + record.memory);
      require(found->second.memory == record.memory,
              who + id + " should be: " + record.memory + ", is: " + found->second.memory);
      require(JsonValue(found->second.metadata) == JsonValue(record.metadata) &&
                  found->second.identity == record.identity,
              who + id + " has lost what was said of it");
    }
    for (const auto& [id, memory] : seen) {
      if (model_.is_tainted(id)) {
        ++count;
        require(model_.ever_said(id, memory.memory), who + "nobody ever said: " + memory.memory);
      } else {
        require(expected.contains(id), who + "should not have " + id + ": " + memory.memory);
      }
    }
    require(count == seen.size(), who + "has memories that expired");
    if (!expected.empty()) check_one(tab, who, expected);
    check_marks(tab, who);
    if (!weather_.fails && !is_damaged_) {
      require(tab.heard->errors.empty(),
              who + "an error out of nowhere: " +
                  (tab.heard->errors.empty() ? "" : tab.heard->errors.front().error.message));
    }
  }

  /// What is elsewhere is known as it was noted. What was deleted and told is forgotten some day.
  void check_marks(Tab& tab, const std::string& who) {
    for (const std::string& id : model_.ids()) {
      if (model_.is_tainted(id)) continue;
      const Seen state = look_at(tab, id);
      const bool is_unsettled = model_.is_unsettled(id);
      const bool is_live = model_.find(id) != nullptr;
      require(!is_unsettled || state.is_unsettled, who + "forgot that it is to tell of " + id);
      require(!is_live || is_unsettled || !state.is_unsettled, who + "is to tell again of " + id);
      const Landed* mark = model_.mark(id);
      require(
          (!is_live && !is_unsettled) || state.note == (mark == nullptr ? "" : mark->record.memory),
          who + "has another note of " + id + ": " + state.note);
    }
  }

  /// One memory, closely.
  void check_one(Tab& tab, const std::string& who,
                 const std::map<std::string, const Landed*>& expected) {
    auto at = expected.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(expected.size())));
    const auto& [id, landed] = *at;
    const MemoryRecord& record = landed->record;
    if (record.expires_at_ms) return;
    const std::size_t token = record.memory.rfind(' ') + 1;
    const std::vector<RetrievedMemory> found =
        search(*tab.provider, record.memory.substr(token), kUser);
    require(std::any_of(found.begin(), found.end(),
                        [&, wanted = id](const auto& each) { return each.id == wanted; }),
            who + "cannot find " + record.memory);
    const std::vector<const Landed*> steps = model_.history(id);
    if (std::any_of(steps.begin(), steps.end(),
                    [](const Landed* each) { return each->kind == MemoryEvent::kDelete; })) {
      return;
    }
    const std::vector<HistoryEntry> history = value_of(tab.provider->history(id));
    require(history.size() == steps.size(), who + "the history of " + id + " is not whole");
    for (std::size_t i = 0; i < steps.size(); ++i) {
      require(history[i].event == steps[i]->kind && history[i].memory == steps[i]->record.memory,
              who + "the history of " + id + " is not what happened");
    }
  }

  void reopen_all() {
    while (!tabs_.empty())
      drop_quietly();
    for (int i = 0; i < 2; ++i)
      open();
    drain();
  }

  /// After everybody's fold there is no text left in the store of what was deleted or expired.
  void check_forgotten() {
    now_ += 20 * kDay;
    for (const auto& tab : tabs_)
      tab->clock->set(now_ + tab->skew);
    for (int round = 0; round < 3; ++round) {
      for (const auto& tab : tabs_) {
        if (!tab->provider->is_maintenance_due()) continue;
        begin<void>(*tab, "maintain", tab->provider->maintain(),
                    [this](Call&, const Result<void>& maintained) {
                      require(maintained.has_value(), "cannot maintain");
                    });
        drain();
      }
      settle();
    }
    for (const auto& tab : tabs_) {
      check(*tab);
      if (tab->provider->is_maintenance_due()) {
        begin<void>(*tab, "maintain", tab->provider->maintain(), [](Call&, const Result<void>&) {});
        drain();
      }
    }
    for (const auto& [id, landed] : model_.live()) {
      require(!landed->record.expires_at_ms, "expired and still there: " + landed->record.memory);
    }
    const std::set<std::string> forgotten = model_.forgotten_texts();
    for (const auto& [key, value] : disk_.values) {
      for (const std::string& text : forgotten) {
        require(value.find(text) == std::string::npos, key + " still has: " + text);
      }
    }
  }

  std::uint64_t seed_;
  FakeRandom random_;
  Weather weather_;
  SimulatedDisk disk_;
  SimulationModel model_;
  std::set<Stamp> stamps_;
  std::vector<std::shared_ptr<Tab>> tabs_;
  std::vector<std::string> exports_;
  TimestampMs now_ = kStart;
  std::size_t writes_ = 0;
  int tabs_so_far_ = 0;
  int texts_ = 0;
  bool is_damaged_ = false;
  bool is_traced_ = false;
};

void simulate(const Weather& weather, std::uint64_t share) {
  const std::uint64_t first = environment("SIMULATION_FIRST_SEED", 1);
  const std::uint64_t count = environment("SIMULATION_SEEDS", 2000) / share;
  for (std::uint64_t seed = first; seed < first + std::max<std::uint64_t>(count, 1); ++seed) {
    INFO("SIMULATION_FIRST_SEED=" << seed << " SIMULATION_SEEDS=1 SIMULATION_TRACE=1 replays it");
    Simulation(seed, weather).run(weather.is_long ? 90 : 40);
  }
}

}  // namespace

TEST_CASE("tabs that write, fold, close and crash at any moment lose nothing", "[simulation]") {
  simulate({}, 3);
}

TEST_CASE("writes that fail, or fail and were made all the same, lose nothing", "[simulation]") {
  simulate({.fails = true}, 3);
}

TEST_CASE("what is damaged is told, and the rest lives", "[simulation]") {
  simulate({.damages = true}, 6);
}

TEST_CASE("a loss of power takes the last writes, each as a whole", "[simulation]") {
  simulate({.loses_power = true}, 12);
}

TEST_CASE("tabs that sleep for weeks bring back nothing that was deleted", "[simulation]") {
  simulate({.fails = true, .is_long = true}, 12);
}

TEST_CASE("a store that many have written to loses nothing", "[simulation]") {
  simulate({.has_past = true}, 200);
}

TEST_CASE("a crash of everything after any operation on the disk loses nothing", "[simulation]") {
  const std::uint64_t first = environment("SIMULATION_FIRST_SEED", 1);
  for (std::uint64_t seed = first; seed < first + 3; ++seed) {
    for (std::size_t effects = 0;; ++effects) {
      INFO("seed " << seed << ", everything crashes after " << effects << " effects");
      Simulation simulation(seed, {});
      simulation.stop_after(effects);
      if (!simulation.run(25)) break;
    }
  }
}
