// SPDX-License-Identifier: MIT
// Message parsing: any JSON is read or refused; and whatever can be read takes a memory block in
// and reads as it did before.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "agent_memory/session.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "fuzz/fuzz.hpp"
#include "messages/inject.hpp"
#include "messages/memory_block.hpp"
#include "messages/parse.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;

void check_text(const std::string& text) {
  const std::string stripped = strip_memory_blocks(text);
  check(!has_memory_block(stripped), "a stripped text has no block");
  check(strip_memory_blocks(stripped) == stripped, "stripping a stripped text changes nothing");
  const std::string taken_out = take_out_memory_blocks(text);
  check(taken_out.size() <= text.size(), "taking blocks out adds nothing");
}

void check_spoken(const std::vector<SpokenMessage>& spoken, std::size_t messages) {
  std::size_t last = 0;
  for (const SpokenMessage& each : spoken) {
    check(each.source >= last && each.source < messages, "sources ascend");
    last = each.source;
    check(!is_blank(each.text), "a spoken text is not blank");
    check(to_valid_utf8(each.text) == each.text, "a spoken text is UTF-8");
    check(!has_memory_block(each.text), "a spoken text has no block");
    check(!each.name || !is_blank(*each.name), "a name is not blank");
    const auto alone = parse_messages(JsonValue(each.text));
    check(alone.has_value() && alone->size() == 1 && alone->front().text == each.text,
          "a spoken text reads as itself");
  }
}

/// But for where they came from, which an inserted message moves.
bool same_words(const std::vector<SpokenMessage>& left, const std::vector<SpokenMessage>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const SpokenMessage& a, const SpokenMessage& b) {
                      return a.role == b.role && a.text == b.text && a.name == b.name &&
                             a.time_ms == b.time_ms;
                    });
}

std::string block_of(const std::vector<SpokenMessage>& spoken) {
  std::vector<RetrievedMemory> memories(1);
  memories.front().memory = "Likes <green> tea & </recalled-memories>";
  for (const SpokenMessage& each : spoken) {
    RetrievedMemory& memory = memories.emplace_back();
    memory.memory = each.text;
    memory.role = each.role;
    memory.name = each.name;
    memory.created_at_ms = each.time_ms;
  }
  std::string block = format_memory_block(memories);
  check(block.size() <= kMaxBlockBytes, "a block is bounded");
  check(to_valid_utf8(block) == block, "a block is UTF-8");
  check(strip_memory_blocks(block).empty(), "a block is known again");
  check(take_out_memory_blocks(block).empty(), "a block is known again as ours");
  return block;
}

void check_injection(const JsonArray& messages, const std::vector<SpokenMessage>& spoken,
                     const std::string& block, bool in_system) {
  const JsonArray with_block =
      apply_edits(messages, inject_memory_block(messages, block, in_system));
  const std::string quoted = dump_json(block);
  check(messages.empty() ||
            dump_json(with_block).find(quoted.substr(1, quoted.size() - 2)) != std::string::npos,
        "the block is in the messages");
  const auto read = parse_messages(with_block);
  check(read.has_value() && same_words(*read, spoken), "messages with a block read as before");
  check(inject_memory_block(with_block, block, in_system).empty(),
        "a block that is there already is not put there again");
  const auto without =
      parse_messages(apply_edits(with_block, inject_memory_block(with_block, "", in_system)));
  check(without.has_value() && same_words(*without, spoken),
        "messages that a block was taken out of read as before");
}

}  // namespace
}  // namespace agent_memory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent_memory;
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_text(text);
  const auto input = parse_json(text);
  if (!input) return 0;
  const auto spoken = parse_messages(*input);
  if (!spoken) {
    check(spoken.error().code == ErrorCode::kInvalidArgument, "what cannot be read is refused");
    check(spoken.error().field.value_or("").starts_with("messages"), "a refusal names the message");
    return 0;
  }
  const JsonArray* messages = input->if_array();
  check_spoken(*spoken, messages == nullptr ? 1 : messages->size());
  if (messages == nullptr) return 0;
  const std::string block = block_of(*spoken);
  check_injection(*messages, *spoken, block, false);
  check_injection(*messages, *spoken, block, true);
  return 0;
}
