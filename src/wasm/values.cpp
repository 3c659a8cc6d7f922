// SPDX-License-Identifier: MIT
#include "wasm/values.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/json.hpp"

namespace agent_memory::wasm {
namespace {

/// What stands for a string of the text: twice its size, and one more where it is not all ASCII.
std::uint32_t mark_of(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::uint64_t seen = 0;
  std::uint64_t word = 0;
  for (; end - at >= static_cast<std::ptrdiff_t>(sizeof word); at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    seen |= word;
  }
  for (; at != end; ++at)
    seen |= static_cast<std::uint8_t>(*at);
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  return static_cast<std::uint32_t>(text.size()) << 1U | ((seen & kHighBits) != 0 ? 1U : 0U);
}

double time_or_nan(const std::optional<TimestampMs>& time) {
  return time ? static_cast<double>(*time) : std::numeric_limits<double>::quiet_NaN();
}

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  JsonValue value() {
    switch (static_cast<Tag>(take<std::uint8_t>())) {
      case Tag::kFalse:
        return false;
      case Tag::kTrue:
        return true;
      case Tag::kNumber:
        return take<double>();
      case Tag::kString:
        return string();
      case Tag::kArray: {
        JsonArray array;
        const std::size_t size = count();
        array.reserve(size);
        while (array.size() < size)
          array.push_back(value());
        return array;
      }
      case Tag::kObject: {
        JsonObject object;
        const std::size_t size = count();
        object.reserve(size);
        while (object.size() < size) {
          std::string key = string();
          object.push_back({std::move(key), value()});
        }
        return object;
      }
      default:
        return nullptr;
    }
  }

 private:
  template <typename T>
  T take() {
    T value{};
    if (rest_.size() >= sizeof value) {
      std::memcpy(&value, rest_.data(), sizeof value);
      rest_.remove_prefix(sizeof value);
    }
    return value;
  }

  /// Of what follows; each takes a byte at least.
  std::size_t count() { return std::min<std::size_t>(take<std::uint32_t>(), rest_.size()); }

  std::string string() {
    const std::string_view taken = rest_.substr(0, count());
    rest_.remove_prefix(taken.size());
    return std::string(taken);
  }

  std::string_view rest_;
};

}  // namespace

void Packer::number(double value) {
  tag(Tag::kNumber);
  f64(value);
}
void Packer::string(std::string_view value) { add_text(Tag::kString, value); }
void Packer::time(TimestampMs value) {
  tag(Tag::kTime);
  f64(static_cast<double>(value));
}
void Packer::json(const JsonValue& value) { add_text(Tag::kJson, dump_json(value)); }
void Packer::metadata(const Metadata& value) {
  if (!value.empty()) return json(value);
  object();
  end();
}
void Packer::array(std::size_t count) {
  tag(Tag::kArray);
  u32(count);
}

std::size_t Packer::list() {
  array(0);
  return values_.view().size();
}
void Packer::end_list(std::size_t list, std::size_t count) {
  const auto number = static_cast<std::uint32_t>(count);
  values_.replace(list - sizeof number, &number, sizeof number);
}
void Packer::memory(const MemoryView& memory) {
  const double times[] = {memory.score, time_or_nan(memory.created_at_ms),
                          time_or_nan(memory.updated_at_ms)};
  std::uint32_t marks[7];
  std::size_t count = 0;
  const auto add = [&](std::string_view part) {
    marks[count++] = mark_of(part);
    text_.put(part);
  };
  add(memory.id);
  add(memory.memory);
  add(memory.metadata);
  unsigned flags = memory.explanation != nullptr ? kExplanation : 0;
  if (memory.role) flags |= *memory.role == Role::kUser ? kUserRole : kAssistantRole;
  const auto add_if = [&](const std::optional<std::string_view>& part, MemoryFlag flag) {
    if (!part) return;
    flags |= flag;
    add(*part);
  };
  add_if(memory.user_id, kUserId);
  add_if(memory.agent_id, kAgentId);
  add_if(memory.run_id, kRunId);
  add_if(memory.name, kName);
  tag(Tag::kMemory);
  values_.put(static_cast<char>(flags));
  values_.put_raw(times, sizeof times);
  values_.put_raw(marks, count * sizeof *marks);
}

void Packer::put(Key name, std::string_view value) {
  key(name);
  string(value);
}
void Packer::put(Key name, double value) {
  key(name);
  number(value);
}
void Packer::put_flag(Key name, bool value) {
  key(name);
  boolean(value);
}
void Packer::put_if(Key name, const std::optional<std::string>& value) {
  if (value) put(name, *value);
}
void Packer::put_if(Key name, const std::optional<double>& value) {
  if (value) put(name, *value);
}
void Packer::put_time(Key name, const std::optional<TimestampMs>& value) {
  key(name);
  if (value) {
    time(*value);
  } else {
    null();
  }
}
void Packer::put_metadata(Key name, const Metadata& value) {
  key(name);
  metadata(value);
}
void Packer::put_json(Key name, const JsonValue& value) {
  key(name);
  json(value);
}

void Packer::u32(std::size_t value) {
  const auto number = static_cast<std::uint32_t>(value);
  values_.put_raw(&number, sizeof number);
}
void Packer::f64(double value) { values_.put_raw(&value, sizeof value); }
void Packer::add_text(Tag kind, std::string_view value) {
  tag(kind);
  u32(mark_of(value));
  text_.put(value);
}

JsonValue unpack(std::string_view bytes) { return Reader(bytes).value(); }

}  // namespace agent_memory::wasm
