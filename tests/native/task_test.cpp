// SPDX-License-Identifier: MIT
#include "agent_memory/task.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/result.hpp"

#include "base/async_mutex.hpp"
#include "base/detached.hpp"
#include "support/fakes.hpp"
#include "support/tasks.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

Task<int> ready(int value) { co_return value; }

Task<int> parked(Pump* pump, int value) {
  co_await Pump::Awaiter(pump);
  co_return value;
}

Task<int> sum(Task<int> left, Task<int> right) {
  const int first = co_await left;
  const int second = co_await right;
  co_return first + second;
}

Task<int> count_up(int times) {
  int total = 0;
  for (int i = 0; i < times; ++i) {
    const int one = co_await ready(1);
    total += one;
  }
  co_return total;
}

Task<void> enter(AsyncMutex* mutex, Pump* pump, int number, std::vector<int>* order) {
  const AsyncMutex::Lock lock = co_await mutex->acquire();
  order->push_back(number);
  co_await Pump::Awaiter(pump);
  order->push_back(-number);
}

Detached run_apart(Pump* pump, std::shared_ptr<int> kept, bool* ended) {
  co_await Pump::Awaiter(pump);
  *kept += 1;
  *ended = true;
}

}  // namespace

TEST_CASE("a task does nothing before it is started", "[task]") {
  bool ran = false;
  const auto body = [](bool* flag) -> Task<void> {
    *flag = true;
    co_return;
  };
  Task<void> task = body(&ran);
  CHECK_FALSE(ran);
  task.start();
  CHECK(ran);
  CHECK(task.done());
}

TEST_CASE("a task gives its result through any depth of awaiting", "[task]") {
  CHECK(run_ready(sum(ready(1), sum(ready(2), ready(3)))) == 6);
}

TEST_CASE("a task that waits goes on where it stopped", "[task]") {
  Pump pump;
  Started<int> started(sum(parked(&pump, 1), sum(ready(2), parked(&pump, 3))));
  CHECK_FALSE(started.done());
  pump.run_first();
  CHECK_FALSE(started.done());
  pump.run_first();
  REQUIRE(started.done());
  CHECK(started.take() == 6);
}

TEST_CASE("a task that was started before it is awaited runs once, whether it waits or is done",
          "[task]") {
  Pump pump;
  int runs = 0;
  const auto body = [](Pump* waits_in, int* count) -> Task<int> {
    ++*count;
    co_await Pump::Awaiter(waits_in);
    co_return 7;
  };
  const auto parent = [&body](Pump* waits_in, int* count, int* between) -> Task<int> {
    Task<int> child = body(waits_in, count);
    child.start();
    *between = *count;
    const int result = co_await std::move(child);
    co_return result;
  };
  int between = 0;
  CHECK(run_ready(parent(nullptr, &runs, &between)) == 7);
  CHECK(between == 1);
  CHECK(runs == 1);
  Started<int> waiting(parent(&pump, &runs, &between));
  CHECK(between == 2);
  CHECK_FALSE(waiting.done());
  pump.run_first();
  REQUIRE(waiting.done());
  CHECK(waiting.take() == 7);
  CHECK(runs == 2);
}

TEST_CASE("a hundred thousand awaits that are ready at once need no stack", "[task]") {
  CHECK(run_ready(count_up(100'000)) == 100'000);
}

TEST_CASE("destroying a waiting task destroys all that it waits for", "[task]") {
  Pump pump;
  {
    const Started<int> started(sum(parked(&pump, 1), ready(2)));
    CHECK(pump.waiting() == 1);
  }
  CHECK(pump.waiting() == 0);
}

TEST_CASE("a task can be moved before and after it starts", "[task]") {
  Pump pump;
  Task<int> first = parked(&pump, 7);
  Task<int> second = std::move(first);
  second.start();
  Task<int> third = ready(1);
  third = std::move(second);
  pump.run_all();
  REQUIRE(third.done());
  CHECK(third.take() == 7);
}

TEST_CASE("a detached coroutine keeps its parameters until it ends", "[task]") {
  Pump pump;
  bool ended = false;
  auto kept = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = kept;
  run_apart(&pump, std::move(kept), &ended);
  CHECK_FALSE(watched.expired());
  pump.run_all();
  CHECK(ended);
  CHECK(watched.expired());
}

// --------------------------------------------------------------------------------------- Result

TEST_CASE("a result is a value or an error", "[task]") {
  Result<std::string> value = std::string("x");
  CHECK(value.has_value());
  CHECK(*value == "x");
  CHECK(value->size() == 1);
  Result<std::string> error = Error::invalid("field", "is wrong");
  CHECK_FALSE(error);
  CHECK(error.error().message == "field is wrong");
  CHECK(error.error().field == "field");
  CHECK(Result<void>().has_value());
  CHECK_FALSE(Result<void>(Error::corrupt("bad")));
  CHECK(Result<void>(Error::corrupt("bad")).error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a result gives away what cannot be copied", "[task]") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  CHECK(*taken == 7);
}

// ---------------------------------------------------------------------------------------- mutex

TEST_CASE("the mutex lets one through at a time, in the order of arrival", "[task]") {
  AsyncMutex mutex;
  Pump pump;
  std::vector<int> order;
  const Started<void> first(enter(&mutex, &pump, 1, &order));
  const Started<void> second(enter(&mutex, &pump, 2, &order));
  const Started<void> third(enter(&mutex, &pump, 3, &order));
  CHECK(order == std::vector{1});
  pump.run_all();
  CHECK(order == std::vector{1, -1, 2, -2, 3, -3});
  CHECK(third.done());
  const Started<void> later(enter(&mutex, nullptr, 4, &order));
  CHECK(later.done());
}

TEST_CASE("a task that is destroyed while it waits for the mutex is passed over", "[task]") {
  AsyncMutex mutex;
  Pump pump;
  std::vector<int> order;
  const Started<void> first(enter(&mutex, &pump, 1, &order));
  std::optional<Started<void>> second(enter(&mutex, &pump, 2, &order));
  const Started<void> third(enter(&mutex, &pump, 3, &order));
  second.reset();
  pump.run_all();
  CHECK(order == std::vector{1, -1, 3, -3});
}

TEST_CASE("a task that is destroyed while it holds the mutex lets the next one in", "[task]") {
  AsyncMutex mutex;
  Pump pump;
  std::vector<int> order;
  std::optional<Started<void>> first(enter(&mutex, &pump, 1, &order));
  const Started<void> second(enter(&mutex, &pump, 2, &order));
  first.reset();
  CHECK(order == std::vector{1, 2});
  pump.run_all();
  CHECK(second.done());
}

TEST_CASE("a hundred thousand that wait for the mutex need no stack to get through", "[task]") {
  AsyncMutex mutex;
  Pump pump;
  std::vector<int> order;
  const Started<void> first(enter(&mutex, &pump, 1, &order));
  std::vector<Started<void>> others;
  for (int i = 0; i < 100'000; ++i)
    others.emplace_back(enter(&mutex, nullptr, 2, &order));
  CHECK(order.size() == 1);
  pump.run_all();
  CHECK(order.size() == 200'002);
  CHECK(others.back().done());
}
