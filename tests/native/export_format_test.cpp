// SPDX-License-Identifier: MIT
#include "local/export_format.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent_memory/config.hpp"

#include "base/time.hpp"
#include "base/utf8.hpp"
#include "support/records.hpp"
#include "support/tasks.hpp"
#include "support/values.hpp"

using namespace agent_memory;
using namespace agent_memory::testing;

namespace {

const std::string kHeader = "{\"format\":\"agent-memory\",\"version\":1,\"memories\":1}\n";
const std::string kLine =
    "{\"id\":\"i\",\"memory\":\"m\",\"createdAt\":\"2026-02-03T22:25:50.123Z\"}\n";

/// The error that a file gives; written with ' for ".
std::string problem(std::string lines) {
  for (char& c : lines)
    c = c == '\'' ? '"' : c;
  const Error error = error_of(parse_export(lines));
  CHECK(error.code == ErrorCode::kInvalidArgument);
  CHECK(error.field == "json");
  CHECK_FALSE(error.retryable);
  return error.message;
}

/// The error that a line gives in which `member` stands in the place of its namesake.
std::string problem_with(const std::string& key, const std::string& member) {
  std::vector<std::pair<std::string, std::string>> members{
      {"id", "'id':'i'"}, {"memory", "'memory':'m'"}, {"createdAt", "'createdAt':'2026-02-03'"}};
  std::string line;
  bool replaced = false;
  for (const auto& [name, text] : members) {
    const std::string& part = name == key ? member : text;
    replaced = replaced || name == key;
    if (!part.empty()) line += (line.empty() ? "" : ",") + part;
  }
  if (!replaced) line += "," + member;
  return problem(kHeader + "{" + line + "}");
}

ExportedMemory parse_one(const std::string& line) {
  std::vector<ExportedMemory> memories = value_of(parse_export(kHeader + line));
  REQUIRE(memories.size() == 1);
  return std::move(memories.front());
}

}  // namespace

TEST_CASE("an export begins with what it is", "[export]") {
  CHECK(export_header(12) == "{\"format\":\"agent-memory\",\"version\":1,\"memories\":12}\n");
  CHECK(value_of(parse_export(export_header(0))).empty());
}

TEST_CASE("a memory is one line, with what it has and nothing more", "[export]") {
  MemoryTable table;
  Operation operation;
  operation.stamp = {.time = 1, .writer = 1};
  operation.at_ms = kStart;
  operation.record.id = "i";
  operation.record.memory = "line one\nline \"two\"";
  operation.record.created_at_ms = operation.record.updated_at_ms = kStart;
  table.apply(operation);
  CHECK(export_line(table[0]) ==
        "{\"id\":\"i\",\"memory\":\"line one\\nline \\\"two\\\"\",\"metadata\":{},"
        "\"createdAt\":\"2026-02-03T22:25:50.123Z\",\"updatedAt\":\"2026-02-03T22:25:50.123Z\","
        "\"history\":[{\"event\":\"ADD\",\"memory\":\"line one\\nline \\\"two\\\"\","
        "\"at\":\"2026-02-03T22:25:50.123Z\"}]}\n");
}

TEST_CASE("every memory is read back as it was written", "[export]") {
  FakeRandom random(1);
  for (int i = 0; i < 500; ++i) {
    MemoryTable table;
    Operation operation = random_operation(random);
    operation.kind = MemoryEvent::kAdd;
    operation.stamp = {.time = 1, .writer = 1};
    operation.record = random_record(random);
    table.apply(operation);
    operation.kind = MemoryEvent::kUpdate;
    operation.generation = operation.stamp;
    operation.stamp.time = 2;
    operation.record.memory += "!";
    table.apply(operation);
    const std::string line = export_line(table[0]);
    CHECK(line.find('\n') == line.size() - 1);
    const ExportedMemory memory = parse_one(line);
    REQUIRE(shown(memory.record) == shown(operation.record));
    REQUIRE(memory.history.size() == 2);
    CHECK(memory.history[0].event == MemoryEvent::kAdd);
    CHECK(memory.history[1].event == MemoryEvent::kUpdate);
    CHECK(memory.history[1].memory == operation.record.memory);
    CHECK(memory.history[1].at_ms == operation.at_ms);
  }
}

TEST_CASE("a line needs no more than id, text and time", "[export]") {
  const ExportedMemory memory = parse_one(kLine);
  CHECK(memory.record.id == "i");
  CHECK(memory.record.memory == "m");
  CHECK(memory.record.metadata.empty());
  CHECK(memory.record.identity.empty());
  CHECK_FALSE(memory.record.role);
  CHECK_FALSE(memory.record.name);
  CHECK(memory.record.created_at_ms == kStart);
  CHECK(memory.record.updated_at_ms == kStart);
  CHECK_FALSE(memory.record.expires_at_ms);
  REQUIRE(memory.history.size() == 1);
  CHECK(memory.history[0].event == MemoryEvent::kAdd);
  CHECK(memory.history[0].memory == "m");
  CHECK(memory.history[0].at_ms == kStart);
}

TEST_CASE("other line ends, blank lines, a mark at the start and unknown members do no harm",
          "[export]") {
  std::string lines = "\xEF\xBB\xBF" + kHeader;
  lines.insert(lines.size() - 1, "\r");
  lines += "\r\n  \n" + kLine + "\n";
  lines += "{\"id\":\"j\",\"memory\":\"n\",\"createdAt\":\"2026-02-03\",\"colour\":[1,{}]}";
  CHECK(value_of(parse_export(lines)).size() == 2);
}

TEST_CASE("a file that is no export says so in line 1", "[export]") {
  const std::string rule = "json line 1: must be the header of an agent-memory export, got ";
  CHECK(problem("") == rule + "nothing");
  CHECK(problem("\n \n") == rule + "nothing");
  CHECK(problem("{}") == rule + "{}");
  CHECK(problem("[1]") == rule + "[1]");
  CHECK(problem("{'format':'other','version':1}") == rule + "{\"format\":\"other\",\"version\":1}");
  CHECK(problem("{'format':'agent-memory'}") == rule + "{\"format\":\"agent-memory\"}");
  CHECK(problem("{'format':'agent-memory','version':'1'}").starts_with(rule));
  CHECK(problem("{'format':'agent-memory','version':2}") ==
        "json line 1: version must be 1, got 2");
  CHECK(problem("id,memory\n1,x") == "json line 1: is not JSON at byte 1");
}

TEST_CASE("a malformed line is named with the member and what stands there", "[export]") {
  CHECK(problem(kHeader + kLine + "{\"id\"") == "json line 3: is not JSON at byte 6");
  CHECK(problem(kHeader + "\n\n7") == "json line 4: must be an object, got 7");
  CHECK(problem_with("id", "") == "json line 2: id must be a string, got nothing");
  CHECK(problem_with("id", "'id':7") == "json line 2: id must be a string, got 7");
  CHECK(problem_with("id", "'id':''") == "json line 2: id must be 1 to 1024 bytes");
  CHECK(problem_with("id", "'id':'" + std::string(1025, 'x') + "'") ==
        "json line 2: id must be 1 to 1024 bytes");
  CHECK(problem_with("memory", "") == "json line 2: memory must be a string, got nothing");
  CHECK(problem_with("memory", "'memory':null") ==
        "json line 2: memory must be a string, got null");
  CHECK(problem_with("memory", "'memory':' \\n'") == "json line 2: memory must not be empty");
  CHECK(problem_with("memory", "'memory':'" + std::string(kMaxTextBytes + 1, 'x') + "'") ==
        "json line 2: memory must be at most 1048576 bytes, got 1048577");
  CHECK(problem_with("createdAt", "") == "json line 2: createdAt must be a string, got nothing");
  CHECK(problem_with("createdAt", "'createdAt':'yesterday'") ==
        "json line 2: createdAt must be an ISO 8601 time, got \"yesterday\"");
  CHECK(problem_with("updatedAt", "'updatedAt':1770157550123") ==
        "json line 2: updatedAt must be a string, got 1770157550123");
  CHECK(problem_with("expiresAt", "'expiresAt':'never'") ==
        "json line 2: expiresAt must be an ISO 8601 time, got \"never\"");
  CHECK(problem_with("metadata", "'metadata':[]") ==
        "json line 2: metadata must be an object, got []");
  CHECK(problem_with("userId", "'userId':7") == "json line 2: userId must be a string, got 7");
  CHECK(problem_with("userId", "'userId':''") == "json line 2: userId must not be empty");
  CHECK(problem_with("agentId", "'agentId':''") == "json line 2: agentId must not be empty");
  CHECK(problem_with("runId", "'runId':'" + std::string(1025, 'r') + "'") ==
        "json line 2: runId must be at most 1024 bytes, got 1025");
  CHECK(problem_with("role", "'role':'system'") ==
        "json line 2: role must be 'user' or 'assistant', got \"system\"");
  CHECK(problem_with("name", "'name':false") == "json line 2: name must be a string, got false");
}

TEST_CASE("a malformed history is named with its step", "[export]") {
  const auto history = [](const std::string& value) {
    return problem_with("history", "'history':" + value);
  };
  const std::string whole = "json line 2: history must be an array with a step, got ";
  CHECK(history("[]") == whole + "[]");
  CHECK(history("null") == whole + "null");
  CHECK(history("'x'") == whole + "\"x\"");
  const std::string step = "json line 2: history must hold steps of {event, memory, at}, got ";
  CHECK(history("[7]") == step + "7");
  CHECK(history("[{'event':'NOOP','memory':'m','at':'2026-01-01'}]").starts_with(step));
  CHECK(history("[{'event':'ADD','at':'2026-01-01'}]").starts_with(step));
  CHECK(history("[{'event':'ADD','memory':'m','at':'x'}]").starts_with(step));
  CHECK(history("[{'event':'ADD','memory':'m','at':'2026-01-01'},{}]") == step + "{}");
}

TEST_CASE("no damage to an export breaks the reader", "[export]") {
  FakeRandom random(2);
  std::string lines = kHeader;
  for (int i = 0; i < 3; ++i) {
    MemoryTable table;
    Operation operation = random_operation(random);
    operation.kind = MemoryEvent::kAdd;
    operation.record = random_record(random);
    table.apply(operation);
    lines += export_line(table[0]);
  }
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = lines;
    for (std::size_t edits = 1 + random.below(3); edits > 0; --edits) {
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    }
    const Result<std::vector<ExportedMemory>> memories = parse_export(damaged);
    if (!memories) {
      CHECK(memories.error().message.starts_with("json line "));
      continue;
    }
    for (const ExportedMemory& memory : *memories) {
      CHECK_FALSE(memory.history.empty());
      CHECK_FALSE(is_blank(memory.record.memory));
    }
  }
}
