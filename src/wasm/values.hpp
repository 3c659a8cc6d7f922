// SPDX-License-Identifier: MIT
#pragma once

// Values as bytes: how everything but the storage's batches crosses the boundary. A byte says what
// comes, then it comes; numbers are little-endian. js/src/core/values.ts is the other side.
//
// Down (JavaScript to here) any JSON value, strings in place. Up, for speed: members of objects by
// their number in `kKeys`, times as numbers, and the text of all strings in one run beside the
// values, where a string is twice its size in bytes, and one more unless it is all ASCII:
// JavaScript decodes the run at once, cuts it up, and decodes by themselves those that are not.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent_memory/json_value.hpp"
#include "agent_memory/types.hpp"

#include "base/byte_buffer.hpp"

namespace agent_memory::wasm {

/// Kept in step with js/src/core/values.ts.
enum class Tag : std::uint8_t {
  kNull = 0,
  kFalse = 1,
  kTrue = 2,
  kNumber = 3,
  kString = 4,
  kArray = 5,   ///< a count, then the items
  kObject = 6,  ///< down: a count, then keys (strings without a tag) and values; up: see kEnd
  kJson = 7,    ///< up only: a string of JSON
  kTime = 8,    ///< up only: a number of milliseconds
  kMemory = 9,  ///< up only: see Packer::memory
};

/// The keys of all objects that go up, in the order of their numbers. JavaScript asks for them.
inline constexpr std::string_view kKeys =
    "id,memory,score,metadata,createdAt,updatedAt,userId,agentId,runId,role,name,explanation,"
    "keyword,recency,context,semantic,terms,event,at,autoStore,autoRetrieve,retrievalStrategy,"
    "topK,minRelevanceScore,storeAfterTurns,memorySummaryInSystem,scope,added,skipped,kind,"
    "memories,bytes,edits,index,field,value,prompt,type,stored,origin,operation,error,code,"
    "isRetryable,message,status,cause,strategy,filters,explain,timestamp,expiresAt,limit,offset,"
    "argument,options,state,";
/// Stands where another key would: the object is complete.
inline constexpr std::uint8_t kEnd = 255;

/// What a memory has, kept in step with js/src/core/values.ts.
enum MemoryFlag : std::uint8_t {
  kUserId = 1,
  kAgentId = 2,
  kRunId = 4,
  kUserRole = 8,
  kAssistantRole = 16,
  kName = 32,
  kExplanation = 64,
};

/// A key of kKeys, as its number; another does not compile.
class Key {
 public:
  template <std::size_t N>
  consteval Key(const char (&name)[N])  // NOLINT(google-explicit-constructor): a name with a check
      : number_(number_of({name, N - 1})) {}
  [[nodiscard]] std::uint8_t number() const { return number_; }

 private:
  static consteval std::uint8_t number_of(std::string_view name) {
    std::uint8_t number = 0;
    for (std::string_view rest = kKeys; !rest.empty(); ++number) {
      const std::size_t end = rest.find(',');
      if (rest.substr(0, end) == name) return number;
      rest.remove_prefix(end + 1);
    }
    __builtin_trap();  // no constant: does not compile
  }

  std::uint8_t number_;
};

/// Writes values for JavaScript.
class Packer {
 public:
  void null() { tag(Tag::kNull); }
  void boolean(bool value) { tag(value ? Tag::kTrue : Tag::kFalse); }
  void number(double value);
  void string(std::string_view value);
  void time(TimestampMs value);
  void json(const JsonValue& value);
  void metadata(const Metadata& value);
  /// One tag, a byte of MemoryFlag, score and both times (NaN for none) as numbers, then the
  /// strings: id, text, metadata as JSON, and what the flags say; then its explanation, if they say
  /// so.
  void memory(const MemoryView& memory);
  /// Values follow, then `end_list` with what this returns and their number.
  std::size_t list();
  void end_list(std::size_t list, std::size_t count);
  /// `count` values follow.
  void array(std::size_t count);
  /// Members follow (`put`, or `key` and a value), then `end`.
  void object() { tag(Tag::kObject); }
  void key(Key key) { values_.put(static_cast<char>(key.number())); }
  void end() { values_.put(static_cast<char>(kEnd)); }

  void put(Key name, std::string_view value);
  void put(Key name, double value);
  void put_flag(Key name, bool value);
  /// Left out where there is none.
  void put_if(Key name, const std::optional<std::string>& value);
  void put_if(Key name, const std::optional<double>& value);
  /// null where there is none.
  void put_time(Key name, const std::optional<TimestampMs>& value);
  void put_metadata(Key name, const Metadata& value);
  void put_json(Key name, const JsonValue& value);

  [[nodiscard]] std::string_view values() const { return values_.view(); }
  [[nodiscard]] std::string_view text() const { return text_.view(); }

 private:
  void tag(Tag tag) { values_.put(static_cast<char>(tag)); }
  void u32(std::size_t value);
  void f64(double value);
  void add_text(Tag kind, std::string_view value);

  ByteBuffer values_;
  ByteBuffer text_;
};

/// Reads what JavaScript wrote. The two are one program: what is not of that form is a defect, and
/// gives null.
JsonValue unpack(std::string_view bytes);

}  // namespace agent_memory::wasm
