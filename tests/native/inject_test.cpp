// SPDX-License-Identifier: MIT
#include "messages/inject.hpp"

#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "base/json.hpp"
#include "messages/memory_block.hpp"
#include "messages/parse.hpp"

using namespace agent_memory;

namespace {

constexpr bool kInSystem = true;
constexpr bool kAsMessage = false;

JsonValue json(std::string_view text) {
  Result<JsonValue> value = parse_json(text);
  REQUIRE(value);
  return std::move(value).value();
}

std::string block_of(std::string text) {
  RetrievedMemory memory;
  memory.memory = std::move(text);
  return format_memory_block({memory});
}

const std::string kBlock = block_of("likes green tea");
const std::string kOldBlock = block_of("likes coffee");
const std::string kShell = "<recalled-memories>\n</recalled-memories>";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string escaped(std::string_view text) {
  const std::string quoted = dump_json(JsonValue(text));
  return quoted.substr(1, quoted.size() - 2);
}

/// JSON written with ' for ", and with $B, $OLD and $SHELL for the blocks.
JsonArray messages(std::string_view text) {
  std::string source = replaced(std::string(text), "'", "\"");
  source = replaced(source, "$B", escaped(kBlock));
  source = replaced(source, "$OLD", escaped(kOldBlock));
  source = replaced(source, "$SHELL", escaped(kShell));
  const JsonValue value = json(source);
  REQUIRE(value.if_array() != nullptr);
  return *value.if_array();
}

JsonArray injected(const JsonArray& input, bool in_system, std::string_view block = kBlock) {
  return apply_edits(input, inject_memory_block(input, block, in_system));
}

void check(std::string_view before, bool in_system, std::string_view after) {
  const JsonArray input = messages(before);
  const JsonArray output = injected(input, in_system);
  CHECK(dump_json(output) == dump_json(messages(after)));
  CHECK(dump_json(injected(output, in_system)) == dump_json(output));
}

/// What was said, without where it stood.
std::string said(const JsonArray& input) {
  const auto spoken = parse_messages(input);
  if (!spoken) return "error";
  std::string out;
  for (const SpokenMessage& message : *spoken) {
    out.append(role_name(message.role)).append("|").append(message.name.value_or("-"));
    out.append("|").append(std::to_string(message.time_ms.value_or(-1)));
    out.append("|").append(message.text).append("\n--\n");
  }
  return out;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("a list without any message gets no edit", "[messages]") {
  CHECK(inject_memory_block({}, kBlock, kInSystem).empty());
  CHECK(inject_memory_block({}, kBlock, kAsMessage).empty());
}

TEST_CASE("an empty block changes nothing where there is none to take out", "[messages]") {
  const JsonArray input =
      messages("[{'role':'system','content':'s'},{'role':'user','content':'u'}]");
  CHECK(inject_memory_block(input, "", kInSystem).empty());
  CHECK(inject_memory_block(input, "", kAsMessage).empty());
}

TEST_CASE("OpenAI: the block goes after the first system message's words", "[messages]") {
  check("[{'role':'system','content':'Be kind.'},{'role':'user','content':'hi'}]", kInSystem,
        "[{'role':'system','content':'Be kind.\\n\\n$B'},{'role':'user','content':'hi'}]");
  check("[{'role':'user','content':'hi'},{'role':'developer','content':'Be kind.'}]", kInSystem,
        "[{'role':'user','content':'hi'},{'role':'developer','content':'Be kind.\\n\\n$B'}]");
  check("[{'role':'system','content':''}]", kInSystem, "[{'role':'system','content':'$B'}]");
  check("[{'role':'system'}]", kInSystem, "[{'role':'system','content':'$B'}]");
}

TEST_CASE("OpenAI: a system message with parts gets one more", "[messages]") {
  check("[{'role':'system','content':[{'type':'text','text':'Be kind.'}]}]", kInSystem,
        "[{'role':'system','content':[{'type':'text','text':'Be kind.'},"
        "{'type':'text','text':'$B'}]}]");
  check("[{'role':'system','content':[{'type':'input_text','text':'Be kind.'}]}]", kInSystem,
        "[{'role':'system','content':[{'type':'input_text','text':'Be kind.'},"
        "{'type':'input_text','text':'$B'}]}]");
}

TEST_CASE("OpenAI: without a system message one is put first", "[messages]") {
  check("[{'role':'user','content':'hi'}]", kInSystem,
        "[{'role':'system','content':'$B'},{'role':'user','content':'hi'}]");
}

TEST_CASE("OpenAI: a message of its own goes right before the last user message", "[messages]") {
  check(
      "[{'role':'system','content':'s'},{'role':'user','content':'a'},"
      "{'role':'assistant','content':'b'},{'role':'user','content':'c'},"
      "{'role':'assistant','content':null,'tool_calls':[]},"
      "{'role':'tool','content':'d','tool_call_id':'1'}]",
      kAsMessage,
      "[{'role':'system','content':'s'},{'role':'user','content':'a'},"
      "{'role':'assistant','content':'b'},{'role':'user','content':'$B'},"
      "{'role':'user','content':'c'},{'role':'assistant','content':null,'tool_calls':[]},"
      "{'role':'tool','content':'d','tool_call_id':'1'}]");
}

TEST_CASE("without any user message, one of its own follows the system messages", "[messages]") {
  check("[{'role':'system','content':'s'},{'role':'assistant','content':'b'}]", kAsMessage,
        "[{'role':'system','content':'s'},{'role':'user','content':'$B'},"
        "{'role':'assistant','content':'b'}]");
  check("[{'role':'system','content':'s'}]", kAsMessage,
        "[{'role':'system','content':'s'},{'role':'user','content':'$B'}]");
}

TEST_CASE("Responses: new messages are items, with input_text", "[messages]") {
  check(
      "[{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]},"
      "{'type':'function_call','call_id':'1','name':'f','arguments':'{}'}]",
      kInSystem,
      "[{'type':'message','role':'system','content':[{'type':'input_text','text':'$B'}]},"
      "{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]},"
      "{'type':'function_call','call_id':'1','name':'f','arguments':'{}'}]");
}

TEST_CASE("UIMessage: parts, in a new message or the system message that is there", "[messages]") {
  check("[{'id':'1','role':'user','parts':[{'type':'text','text':'hi'}]}]", kInSystem,
        "[{'id':'recalled-memories','role':'system','parts':[{'type':'text','text':'$B'}]},"
        "{'id':'1','role':'user','parts':[{'type':'text','text':'hi'}]}]");
  check("[{'id':'1','role':'user','parts':[{'type':'text','text':'hi'}]}]", kAsMessage,
        "[{'id':'recalled-memories','role':'user','parts':[{'type':'text','text':'$B'}]},"
        "{'id':'1','role':'user','parts':[{'type':'text','text':'hi'}]}]");
  // The AI SDK joins a system message's parts with nothing in between.
  check("[{'id':'0','role':'system','parts':[{'type':'text','text':'Be kind.'}]}]", kInSystem,
        "[{'id':'0','role':'system','parts':[{'type':'text','text':'Be kind.'},"
        "{'type':'text','text':'\\n\\n$B'}]}]");
  check("[{'id':'0','role':'system','content':'Be kind.','parts':[]}]", kInSystem,
        "[{'id':'0','role':'system','content':'Be kind.\\n\\n$B','parts':[]}]");
}

TEST_CASE("Anthropic: the block is the first text block of the last user message", "[messages]") {
  check(
      "[{'role':'user','content':[{'type':'image','source':{'type':'url','url':'x'}},"
      "{'type':'text','text':'a'}]},{'role':'assistant','content':'b'},"
      "{'role':'user','content':'c'}]",
      kInSystem,
      "[{'role':'user','content':[{'type':'image','source':{'type':'url','url':'x'}},"
      "{'type':'text','text':'a'}]},{'role':'assistant','content':'b'},"
      "{'role':'user','content':[{'type':'text','text':'$B'},{'type':'text','text':'c'}]}]");
  check(
      "[{'role':'user','content':[{'type':'image','source':{'type':'url','url':'x'}},"
      "{'type':'text','text':'a'},{'type':'text','text':'b'}]}]",
      kInSystem,
      "[{'role':'user','content':[{'type':'image','source':{'type':'url','url':'x'}},"
      "{'type':'text','text':'$B'},{'type':'text','text':'a'},{'type':'text','text':'b'}]}]");
}

TEST_CASE("Anthropic: nothing comes between a tool's call and its result", "[messages]") {
  const std::string call =
      "{'role':'assistant','content':[{'type':'tool_use','id':'1','name':'f','input':{}}]}";
  const std::string result =
      "{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'x'}]}";
  check("[{'role':'user','content':'a'}," + call + "," + result + "]", kInSystem,
        "[{'role':'user','content':[{'type':'text','text':'$B'},{'type':'text','text':'a'}]}," +
            call + "," + result + "]");
  check(
      "[{'role':'user','content':'a'}," + call + "," + result + "]", kAsMessage,
      "[{'role':'user','content':'$B'},{'role':'user','content':'a'}," + call + "," + result + "]");
  check("[" + call + "," + result + "]", kInSystem,
        "[" + call +
            ",{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'x'},"
            "{'type':'text','text':'$B'}]}]");
  check("[" + call +
            ",{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'x'},"
            "{'type':'text','text':'and b'}]}]",
        kInSystem,
        "[" + call +
            ",{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'x'},"
            "{'type':'text','text':'$B'},{'type':'text','text':'and b'}]}]");
}

TEST_CASE("LangChain, serialised: kwargs change, new messages are constructors", "[messages]") {
  const std::string human =
      "{'lc':1,'type':'constructor','id':['langchain_core','messages','HumanMessage'],"
      "'kwargs':{'content':'hi','additional_kwargs':{}}}";
  check("[" + human + "]", kInSystem,
        "[{'lc':1,'type':'constructor','id':['langchain_core','messages','SystemMessage'],"
        "'kwargs':{'content':'$B'}}," +
            human + "]");
  check("[" + human + "]", kAsMessage,
        "[{'lc':1,'type':'constructor','id':['langchain_core','messages','HumanMessage'],"
        "'kwargs':{'content':'$B'}}," +
            human + "]");
  check(
      "[{'lc':1,'type':'constructor','id':['langchain_core','messages','SystemMessage'],"
      "'kwargs':{'content':'Be kind.','additional_kwargs':{'k':1}}}]",
      kInSystem,
      "[{'lc':1,'type':'constructor','id':['langchain_core','messages','SystemMessage'],"
      "'kwargs':{'content':'Be kind.\\n\\n$B','additional_kwargs':{'k':1}}}]");
  const auto edits = inject_memory_block(
      messages("[{'lc':1,'type':'constructor','id':['m','SystemMessage'],'kwargs':{}}]"), kBlock,
      kInSystem);
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].field == "kwargs");
}

TEST_CASE("LangChain, stored and plain: data or content change", "[messages]") {
  check("[{'type':'human','data':{'content':'hi','role':null}}]", kInSystem,
        "[{'type':'system','data':{'content':'$B'}},"
        "{'type':'human','data':{'content':'hi','role':null}}]");
  check("[{'type':'system','data':{'content':'s','role':null}}]", kInSystem,
        "[{'type':'system','data':{'content':'s\\n\\n$B','role':null}}]");
  check("[{'type':'human','content':'hi'}]", kInSystem,
        "[{'type':'system','content':'$B'},{'type':'human','content':'hi'}]");
  check("[{'type':'human','content':'hi'}]", kAsMessage,
        "[{'type':'human','content':'$B'},{'type':'human','content':'hi'}]");
}

TEST_CASE("pydantic-ai: a system-prompt part of the first request, after those there",
          "[messages]") {
  check(
      "[{'kind':'request','parts':[{'part_kind':'system-prompt','content':'s'},"
      "{'part_kind':'user-prompt','content':'u'}],'instructions':null}]",
      kInSystem,
      "[{'kind':'request','parts':[{'part_kind':'system-prompt','content':'s'},"
      "{'part_kind':'system-prompt','content':'$B'},"
      "{'part_kind':'user-prompt','content':'u'}],'instructions':null}]");
  check("[{'kind':'request','parts':[{'part_kind':'user-prompt','content':'u'}]}]", kInSystem,
        "[{'kind':'request','parts':[{'part_kind':'system-prompt','content':'$B'},"
        "{'part_kind':'user-prompt','content':'u'}]}]");
  check("[{'kind':'response','parts':[]}]", kInSystem,
        "[{'kind':'request','parts':[{'part_kind':'system-prompt','content':'$B'}]},"
        "{'kind':'response','parts':[]}]");
}

TEST_CASE("pydantic-ai: a request of its own before the last one with a user prompt",
          "[messages]") {
  const std::string first =
      "{'kind':'request','parts':[{'part_kind':'user-prompt','content':'u'}]}";
  const std::string rest =
      ",{'kind':'response','parts':[{'part_kind':'tool-call','tool_name':'t'}]},"
      "{'kind':'request','parts':[{'part_kind':'tool-return','tool_name':'t','content':'x'}]}]";
  check("[" + first + rest, kAsMessage,
        "[{'kind':'request','parts':[{'part_kind':'user-prompt','content':'$B'}]}," + first + rest);
}

TEST_CASE("pydantic-ai: a request that also returns from tools stays behind the call",
          "[messages]") {
  const std::string first =
      "{'kind':'request','parts':[{'part_kind':'user-prompt','content':'u'}]}";
  const std::string rest =
      ",{'kind':'response','parts':[{'part_kind':'tool-call','tool_name':'t'}]},"
      "{'kind':'request','parts':[{'part_kind':'tool-return','tool_name':'t','content':'x'},"
      "{'part_kind':'user-prompt','content':'and this'}]}]";
  check("[" + first + rest, kAsMessage,
        "[{'kind':'request','parts':[{'part_kind':'user-prompt','content':'$B'}]}," + first + rest);
}

TEST_CASE("bare strings get messages beside them, and stay as they are", "[messages]") {
  check("['a','b']", kInSystem, "[{'role':'system','content':'$B'},'a','b']");
  check("['a','b']", kAsMessage, "['a',{'role':'user','content':'$B'},'b']");
}

TEST_CASE("in a mixed list a new message takes its neighbour's shape", "[messages]") {
  check("['a',{'type':'human','content':'b'},{'role':'user','content':'c'}]", kInSystem,
        "[{'type':'system','content':'$B'},'a',{'type':'human','content':'b'},"
        "{'role':'user','content':'c'}]");
  check("[{'type':'human','content':'b'},{'role':'user','content':'c'}]", kAsMessage,
        "[{'type':'human','content':'b'},{'role':'user','content':'$B'},"
        "{'role':'user','content':'c'}]");
  check("[{'type':'human','content':'b'},'c']", kAsMessage,
        "[{'type':'human','content':'b'},{'type':'human','content':'$B'},'c']");
}

TEST_CASE("an earlier block makes way for the new one", "[messages]") {
  check("[{'role':'system','content':'s\\n\\n$OLD'},{'role':'user','content':'hi'}]", kInSystem,
        "[{'role':'system','content':'s\\n\\n$B'},{'role':'user','content':'hi'}]");
  check("[{'role':'user','content':'$OLD'},{'role':'user','content':'hi'}]", kAsMessage,
        "[{'role':'user','content':'$B'},{'role':'user','content':'hi'}]");
  check("[{'role':'system','content':[{'type':'text','text':'s'},{'type':'text','text':'$OLD'}]}]",
        kInSystem,
        "[{'role':'system','content':[{'type':'text','text':'s'},{'type':'text','text':'$B'}]}]");
  check(
      "[{'kind':'request','parts':[{'part_kind':'system-prompt','content':'$OLD'},"
      "{'part_kind':'user-prompt','content':'u'}]}]",
      kInSystem,
      "[{'kind':'request','parts':[{'part_kind':'system-prompt','content':'$B'},"
      "{'part_kind':'user-prompt','content':'u'}]}]");
  check(
      "[{'role':'assistant','content':[{'type':'thinking','thinking':'t'}]},"
      "{'role':'user','content':[{'type':'text','text':'$OLD'},{'type':'text','text':'u'}]}]",
      kInSystem,
      "[{'role':'assistant','content':[{'type':'thinking','thinking':'t'}]},"
      "{'role':'user','content':[{'type':'text','text':'$B'},{'type':'text','text':'u'}]}]");
}

TEST_CASE("a turn later the block has moved on", "[messages]") {
  check(
      "[{'role':'user','content':'$OLD'},{'role':'user','content':'a'},"
      "{'role':'assistant','content':'b'},{'role':'user','content':'c'}]",
      kAsMessage,
      "[{'role':'user','content':'$SHELL'},{'role':'user','content':'a'},"
      "{'role':'assistant','content':'b'},{'role':'user','content':'$B'},"
      "{'role':'user','content':'c'}]");
}

TEST_CASE("an empty block takes earlier ones out and leaves no message empty", "[messages]") {
  const auto without = [](std::string_view before) {
    return dump_json(injected(messages(before), kInSystem, ""));
  };
  CHECK(without("[{'role':'system','content':'s\\n\\n$OLD'}]") ==
        dump_json(messages("[{'role':'system','content':'s'}]")));
  CHECK(without("[{'role':'system','content':'$OLD'}]") ==
        dump_json(messages("[{'role':'system','content':'$SHELL'}]")));
  CHECK(without("[{'id':'1','role':'system','parts':[{'type':'text','text':'$OLD'}]}]") ==
        dump_json(
            messages("[{'id':'1','role':'system','parts':[{'type':'text','text':'$SHELL'}]}]")));
  CHECK(without("[{'kind':'request','parts':[{'part_kind':'user-prompt','content':'$OLD'}]}]") ==
        dump_json(messages("[{'kind':'request','parts':[]}]")));
  CHECK(without("[{'role':'user','content':[{'type':'text','text':'$OLD'},"
                "{'type':'image_url','image_url':{'url':'x'}}]}]") ==
        dump_json(messages(
            "[{'role':'user','content':[{'type':'image_url','image_url':{'url':'x'}}]}]")));
}

TEST_CASE("words about the tags stay, in prompts and in questions", "[messages]") {
  check(
      "[{'role':'system','content':'Mind the <recalled-memories> tag.'},"
      "{'role':'user','content':'What is <recalled-memories> for?'}]",
      kInSystem,
      "[{'role':'system','content':'Mind the <recalled-memories> tag.\\n\\n$B'},"
      "{'role':'user','content':'What is <recalled-memories> for?'}]");
  // A block after an opening tag of the user's own reads as part of it; so it stays too.
  check(
      "[{'role':'system','content':'s'},"
      "{'role':'user','content':'See <recalled-memories>:\\n\\n$OLD\\nmore'}]",
      kInSystem,
      "[{'role':'system','content':'s\\n\\n$B'},"
      "{'role':'user','content':'See <recalled-memories>:\\n\\n$OLD\\nmore'}]");
}

TEST_CASE("what the assistant says is never edited", "[messages]") {
  check("[{'role':'system','content':'s'},{'role':'assistant','content':'$OLD'}]", kInSystem,
        "[{'role':'system','content':'s\\n\\n$B'},{'role':'assistant','content':'$OLD'}]");
}

TEST_CASE("edits apply in order, and those that do not fit do nothing worse", "[messages]") {
  const JsonArray input = messages("[{'role':'user','content':'a'},'b']");
  CHECK(dump_json(apply_edits(input, {{.index = 0, .field = "content", .value = "x"},
                                      {.index = 1, .field = std::nullopt, .value = "y"},
                                      {.index = 2, .field = "content", .value = "z"},
                                      {.index = 9, .field = "content", .value = "z"},
                                      {.index = 9, .field = std::nullopt, .value = "end"}})) ==
        dump_json(messages("[{'role':'user','content':'x'},'y','b','end']")));
}

// ---------------------------------------------------------------------------------- properties

namespace {

JsonArray shared_inputs() {
  std::ifstream file(AGENT_MEMORY_CASES "/messages.json");
  REQUIRE(file);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const JsonValue cases = json(text);
  JsonArray out;
  for (const JsonValue& each : *cases.if_array()) {
    const JsonValue* input = each.find("input");
    if (input->if_array() != nullptr) out.push_back(*input);
  }
  return out;
}

/// Nullopt where all is well.
std::optional<std::string> broken_promise(const JsonArray& input, bool in_system,
                                          std::string_view block) {
  const JsonArray output = injected(input, in_system, block);
  if (said(output) != said(input)) return "something else is said";
  if (dump_json(injected(output, in_system, block)) != dump_json(output)) return "not idempotent";
  if (!block.empty() && !input.empty() && count_of(dump_json(output), escaped(block)) == 0) {
    return "no block";
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("injecting changes nothing of what was said, and twice is once", "[messages]") {
  for (const JsonValue& input : shared_inputs()) {
    if (!parse_messages(input)) continue;
    for (const bool in_system : {kInSystem, kAsMessage}) {
      for (const std::string& block : {kBlock, std::string()}) {
        const auto broken = broken_promise(*input.if_array(), in_system, block);
        if (broken) FAIL(*broken << ": " << dump_json(input));
      }
    }
  }
  SUCCEED();
}

TEST_CASE("the promises hold for random mixtures of messages, turn after turn", "[messages]") {
  JsonArray pool;
  for (const JsonValue& input : shared_inputs()) {
    if (!parse_messages(input)) continue;
    pool.insert(pool.end(), input.if_array()->begin(), input.if_array()->end());
  }
  for (const JsonValue& extra : messages(
           "[{'role':'user','content':'$OLD'},{'role':'system','content':'$OLD'},"
           "{'role':'user','content':'x <recalled-memories>\\n\\n$OLD\\n\\ny'},"
           "{'role':'user','content':[{'type':'tool_result','tool_use_id':'1','content':'x'}]},"
           "{'kind':'request','parts':[{'part_kind':'user-prompt','content':'$OLD'}]},"
           "{'kind':'request','parts':[{'part_kind':'user-prompt','content':['$OLD','a']}]},"
           "{'id':'1','role':'user','parts':[{'type':'text','text':'$OLD'}]},"
           "{'type':'human','data':{'content':'$OLD'}},'$OLD','$OLD\\n\\nhello',"
           "{'role':'user','content':[{'type':'text','text':'$OLD'},{'type':'image'},"
           "{'type':'text','text':' '}]}]")) {
    pool.push_back(extra);
  }
  std::mt19937 random(42);
  for (int round = 0; round < 3000; ++round) {
    JsonArray conversation;
    for (std::size_t turn = random() % 4 + 1; turn > 0; --turn) {
      for (std::size_t i = random() % 4; i > 0; --i) {
        conversation.push_back(pool[random() % pool.size()]);
      }
      const bool in_system = random() % 2 == 0;
      const std::string block = random() % 4 == 0 ? "" : block_of(std::to_string(random() % 9));
      const auto broken = broken_promise(conversation, in_system, block);
      if (broken) FAIL(*broken << ": " << dump_json(conversation));
      // A caller who goes on with what was sent, blocks included.
      if (random() % 2 == 0) conversation = injected(conversation, in_system, block);
    }
  }
  SUCCEED();
}

TEST_CASE("lists that do not parse break nothing either", "[messages]") {
  for (const JsonValue& input : shared_inputs()) {
    for (const bool in_system : {kInSystem, kAsMessage}) {
      (void)injected(*input.if_array(), in_system);
    }
  }
  SUCCEED();
}
