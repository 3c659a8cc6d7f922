// SPDX-License-Identifier: MIT
#include "messages/inject.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/utf8.hpp"
#include "messages/memory_block.hpp"
#include "messages/shape.hpp"

namespace agent_memory {
namespace {

/// Stands where a block was that had a message to itself: edits cannot remove a message, and no
/// model API takes an empty one. Reads as nothing, like any block.
constexpr std::string_view kEmptyBlock = "<recalled-memories>\n</recalled-memories>";

// ------------------------------------------------------------------------------------ contents

JsonValue with_member(const JsonValue& object, std::string_view key, JsonValue value) {
  const JsonObject* members = object.if_object();
  JsonObject copy = members == nullptr ? JsonObject{} : *members;
  set_member(copy, key, std::move(value));
  return copy;
}

JsonValue text_part(std::string_view type, std::string_view text) {
  return JsonObject{{"type", type}, {"text", text}};
}

/// The text of an element of a content list, nullptr where it is none.
const std::string* text_of(const JsonValue& part) {
  if (const std::string* string = part.if_string()) return string;
  return is_text_part(part) ? part.find_string("text") : nullptr;
}

JsonValue with_text(const JsonValue& part, std::string text) {
  if (part.if_string() != nullptr) return text;
  return with_member(part, "text", std::move(text));
}

/// A system text is ours to mend. What a user wrote must read (`parse_messages`) as it did before,
/// also where it talks about the tags.
std::string cleaned(const std::string& text, Speaker speaker) {
  std::string out = take_out_memory_blocks(text);
  const bool may_change = speaker == Speaker::kSystem || out.size() == text.size() ||
                          strip_memory_blocks(out) == strip_memory_blocks(text);
  return may_change ? out : text;
}

JsonArray cleaned(const JsonArray& parts, Speaker speaker) {
  JsonArray out;
  out.reserve(parts.size());
  for (const JsonValue& part : parts) {
    const std::string* text = text_of(part);
    if (text == nullptr) {
      out.push_back(part);
      continue;
    }
    std::string rest = cleaned(*text, speaker);
    if (rest.size() == text->size()) {
      out.push_back(part);
    } else if (!rest.empty()) {
      out.push_back(with_text(part, std::move(rest)));
    }
  }
  return out;
}

/// `content` without earlier blocks; text parts that held nothing else are gone.
JsonValue cleaned(const JsonValue& content, Speaker speaker) {
  if (const std::string* text = content.if_string()) return cleaned(*text, speaker);
  if (const JsonArray* parts = content.if_array()) return cleaned(*parts, speaker);
  return content;
}

bool holds_block(const JsonValue& content) {
  if (const std::string* text = content.if_string()) return has_memory_block(*text);
  const JsonArray* parts = content.if_array();
  return parts != nullptr && std::any_of(parts->begin(), parts->end(), [](const JsonValue& part) {
           const std::string* text = text_of(part);
           return text != nullptr && has_memory_block(*text);
         });
}

bool is_nothing(const JsonValue& content) {
  if (const std::string* text = content.if_string()) return is_blank(*text);
  const JsonArray* parts = content.if_array();
  return parts == nullptr || std::all_of(parts->begin(), parts->end(), [](const JsonValue& part) {
           const std::string* text = text_of(part);
           return text != nullptr && is_blank(*text);
         });
}

bool has_text(const JsonValue& content) {
  if (const std::string* text = content.if_string()) return !is_blank(*text);
  const JsonArray* parts = content.if_array();
  return parts != nullptr && std::any_of(parts->begin(), parts->end(), [](const JsonValue& part) {
           const std::string* text = text_of(part);
           return text != nullptr && !is_blank(*text);
         });
}

/// How this content names its text parts.
std::string_view text_type(const JsonValue& content) {
  const JsonArray* parts = content.if_array();
  if (parts == nullptr) return "text";
  const bool is_responses = std::any_of(parts->begin(), parts->end(), [](const JsonValue& part) {
    return has_tag(part, "type", "input_text");
  });
  return is_responses ? "input_text" : "text";
}

/// What is left in place of a block that was all the content.
JsonValue emptied(const JsonValue& content) {
  if (content.if_array() == nullptr) return kEmptyBlock;
  return JsonArray{text_part(text_type(content), kEmptyBlock)};
}

bool is_system_prompt(const JsonValue& part) { return has_tag(part, "part_kind", "system-prompt"); }

bool is_user_prompt(const JsonValue& part) { return has_tag(part, "part_kind", "user-prompt"); }

/// The elements of that member, none where it is no array.
std::span<const JsonValue> parts_of(const JsonValue& message, std::string_view key = "parts") {
  const JsonValue* parts = message.find(key);
  const JsonArray* array = parts == nullptr ? nullptr : parts->if_array();
  return array == nullptr ? std::span<const JsonValue>() : std::span(*array);
}

/// The parts of a request without earlier blocks; prompts that held nothing else are gone.
JsonArray cleaned_parts(std::span<const JsonValue> parts) {
  JsonArray out;
  out.reserve(parts.size() + 1);
  for (const JsonValue& part : parts) {
    const JsonValue* content = part.find("content");
    const bool is_prompt = is_system_prompt(part) || is_user_prompt(part);
    if (!is_prompt || content == nullptr || !holds_block(*content)) {
      out.push_back(part);
      continue;
    }
    JsonValue rest = cleaned(*content, is_system_prompt(part) ? Speaker::kSystem : Speaker::kUser);
    if (!is_nothing(rest)) out.push_back(with_member(part, "content", std::move(rest)));
  }
  return out;
}

// -------------------------------------------------------------------------------------- places

enum class Where {
  kNowhere,
  kEndOfSystem,    ///< At the end of the message at `index`, or among a request's system prompts.
  kFirstText,      ///< As the first text block of the message at `index`.
  kWhole,          ///< As all that the message at `index` says.
  kSystemMessage,  ///< As a new system message before `index`.
  kUserMessage,    ///< As a new user message before `index`.
};

struct Place {
  Where where = Where::kNowhere;
  std::size_t index = 0;
};

/// Calls `visit` with each content that the message shows a model as system's or user's words.
template <typename Visit>
void for_each_content(const JsonValue& message, Shape shape, const Visit& visit) {
  const auto visit_member = [&](const JsonValue* object, std::string_view key) {
    const JsonValue* content = object == nullptr ? nullptr : object->find(key);
    if (content != nullptr) visit(*content);
  };
  if (shape == Shape::kText) visit(message);
  if (shape == Shape::kParts) visit_member(&message, "parts");
  if (shape != Shape::kPydantic) return visit_member(body_of(message, shape), "content");
  for (const JsonValue& part : parts_of(message)) {
    if (is_user_prompt(part)) visit_member(&part, "content");
  }
}

/// Whether the user says nothing in it but a block of ours.
bool is_only_block(const JsonValue& message) {
  const Shape shape = shape_of(message);
  if (speaker_of(message, shape) != Speaker::kUser) return false;
  bool has_block = false;
  bool has_more = false;
  for_each_content(message, shape, [&](const JsonValue& content) {
    has_block = has_block || holds_block(content);
    has_more = has_more || !is_nothing(cleaned(content, Speaker::kUser));
  });
  return has_block && !has_more;
}

/// Whether it is a message that we put there, or what is left of one.
bool is_ours(const JsonValue& message) {
  if (shape_of(message) != Shape::kPydantic) return is_only_block(message);
  return has_tag(message, "kind", "request") && cleaned_parts(parts_of(message)).empty();
}

/// Whether a part answers a tool call: Anthropic's and pydantic-ai's, which others give a message
/// that is not the user's.
bool is_tool_result(const JsonValue& part) {
  return has_tag(part, "type", "tool_result") || has_tag(part, "part_kind", "tool-return") ||
         has_tag(part, "part_kind", "retry-prompt");
}

bool has_tool_result(const JsonValue& message, Shape shape) {
  const auto parts = parts_of(message, shape == Shape::kPydantic ? "parts" : "content");
  return std::any_of(parts.begin(), parts.end(), is_tool_result);
}

/// Whether the user takes a turn in it. Not with tool results: nothing may come between them and
/// the call they answer.
bool is_users_turn(const JsonValue& message) {
  const Shape shape = shape_of(message);
  if (speaker_of(message, shape) != Speaker::kUser || is_only_block(message)) return false;
  bool has_content = false;
  for_each_content(message, shape, [&](const JsonValue&) { has_content = true; });
  return has_content && !has_tool_result(message, shape);
}

bool says_something(const JsonValue& message) {
  const Shape shape = shape_of(message);
  if (speaker_of(message, shape) != Speaker::kUser) return false;
  bool says = false;
  for_each_content(message, shape, [&](const JsonValue& content) {
    says = says || has_text(cleaned(content, Speaker::kUser));
  });
  return says;
}

bool is_system(const JsonValue& message) {
  return speaker_of(message, shape_of(message)) == Speaker::kSystem;
}

/// Whether system words have a place in it: a system message, or a pydantic-ai request, but not
/// one that is there for a block as the user's words.
bool takes_system_words(const JsonValue& message) {
  if (is_system(message)) return true;
  if (shape_of(message) != Shape::kPydantic || !has_tag(message, "kind", "request")) return false;
  const auto parts = parts_of(message);
  return std::any_of(parts.begin(), parts.end(), is_system_prompt) || !is_ours(message);
}

bool is_user_content(const JsonValue& message) {
  const Shape shape = shape_of(message);
  return shape == Shape::kContent && speaker_of(message, shape) == Speaker::kUser &&
         !is_only_block(message);
}

bool is_anthropic_part(const JsonValue& part) {
  constexpr std::array<std::string_view, 6> kTypes{"tool_use",          "tool_result", "thinking",
                                                   "redacted_thinking", "image",       "document"};
  const std::string* type = part.find_string("type");
  if (type == nullptr || std::find(kTypes.begin(), kTypes.end(), *type) == kTypes.end()) {
    return false;
  }
  if (*type != "image" && *type != "document") return true;
  const JsonValue* source = part.find("source");  // Vercel's and LangChain's images have none
  return source != nullptr && source->if_object() != nullptr;
}

bool is_anthropic(const JsonValue& message) {
  if (shape_of(message) != Shape::kContent) return false;
  const auto parts = parts_of(message, "content");
  return std::any_of(parts.begin(), parts.end(), is_anthropic_part);
}

template <typename Is>
std::optional<std::size_t> find_last(const JsonArray& messages, const Is& is) {
  const auto last = std::find_if(messages.rbegin(), messages.rend(), is);
  if (last == messages.rend()) return std::nullopt;
  return static_cast<std::size_t>(messages.rend() - last) - 1;
}

/// A user message before `index`: the one of ours that stands there already, or a new one.
Place user_message_before(const JsonArray& messages, std::size_t index) {
  const bool is_there =
      index > 0 && shape_of(messages[index - 1]) != Shape::kText && is_ours(messages[index - 1]);
  if (is_there) return {.where = Where::kWhole, .index = index - 1};
  return {.where = Where::kUserMessage, .index = index};
}

Place place_in_message(const JsonArray& messages) {
  if (const auto turn = find_last(messages, is_users_turn)) {
    return user_message_before(messages, *turn);
  }
  const auto first = std::find_if(messages.begin(), messages.end(), [](const JsonValue& message) {
    return !is_system(message) && !is_ours(message);
  });
  return user_message_before(messages, static_cast<std::size_t>(first - messages.begin()));
}

Place place_in_system(const JsonArray& messages) {
  const auto first = std::find_if(messages.begin(), messages.end(), takes_system_words);
  if (first != messages.end()) {
    return {.where = Where::kEndOfSystem,
            .index = static_cast<std::size_t>(first - messages.begin())};
  }
  if (std::none_of(messages.begin(), messages.end(), is_anthropic)) {
    return {.where = Where::kSystemMessage, .index = 0};
  }
  // Where the user speaks rather than where tools answer: it stays put while a run goes on, and
  // with it what a provider has cached.
  auto last = find_last(messages, says_something);
  if (!last) last = find_last(messages, is_user_content);
  if (!last) return place_in_message(messages);
  if (!is_user_content(messages[*last])) return user_message_before(messages, *last);
  return {.where = Where::kFirstText, .index = *last};
}

// --------------------------------------------------------------------------------------- edits

JsonValue with_block_at_end(JsonValue content, std::string_view block, Shape shape,
                            std::string_view type) {
  const bool alone = is_nothing(content);
  std::string text;
  if (JsonArray* parts = content.if_array()) {
    // What reads a UIMessage joins its text parts with nothing in between.
    if (shape == Shape::kParts && !alone) text = "\n\n";
    parts->push_back(text_part(type, text.append(block)));
    return content;
  }
  const std::string* before = content.if_string();
  if (before != nullptr && !alone) text.append(*before).append("\n\n");
  return text.append(block);
}

JsonValue with_block_as_first_text(const JsonValue& content, std::string_view block) {
  const JsonArray* old_parts = content.if_array();
  JsonArray parts = old_parts == nullptr ? JsonArray{} : *old_parts;
  const std::string* text = content.if_string();
  if (text != nullptr && !is_blank(*text)) parts.push_back(text_part("text", *text));
  // Not simply the first part: Anthropic wants tool results before anything else.
  const auto first_text = std::find_if(parts.begin(), parts.end(), is_text_part);
  parts.insert(first_text, text_part("text", block));
  return parts;
}

JsonValue with_block_as_whole(const JsonValue& content, std::string_view block) {
  if (content.if_array() == nullptr) return block;
  return JsonArray{text_part(text_type(content), block)};
}

/// `content` without earlier blocks, and with `block` where it belongs.
JsonValue edited_content(const JsonValue& content, Shape shape, Speaker speaker, Where where,
                         std::string_view block) {
  JsonValue rest = cleaned(content, speaker);
  switch (where) {
    case Where::kEndOfSystem:
      return with_block_at_end(std::move(rest), block, shape, text_type(content));
    case Where::kFirstText:
      return with_block_as_first_text(rest, block);
    case Where::kWhole:
      return with_block_as_whole(content, block);
    default:
      return holds_block(content) && is_nothing(rest) ? emptied(content) : rest;
  }
}

JsonValue pydantic_part(std::string_view kind, std::string_view content) {
  return JsonObject{{"part_kind", kind}, {"content", content}};
}

JsonValue edited_parts(std::span<const JsonValue> parts, Where where, std::string_view block) {
  JsonArray out = cleaned_parts(parts);
  if (where == Where::kWhole) out = {pydantic_part("user-prompt", block)};
  if (where == Where::kEndOfSystem) {
    const auto last = std::find_if(out.rbegin(), out.rend(), is_system_prompt);
    out.insert(last.base(), pydantic_part("system-prompt", block));
  }
  return out;
}

/// The top-level member that holds what the message says.
std::string_view main_field(const JsonValue& message, Shape shape) {
  const std::string_view wrapper = wrapper_of(shape);
  if (!wrapper.empty()) return wrapper;
  if (shape == Shape::kPydantic) return "parts";
  // Readers of older UIMessages, which have both, take a system message's content.
  const bool has_content = message.find_string("content") != nullptr;
  return shape == Shape::kParts && !has_content ? "parts" : "content";
}

JsonValue edited_field(const JsonValue& message, std::string_view field, Shape shape, Where where,
                       std::string_view block) {
  if (shape == Shape::kPydantic) return edited_parts(parts_of(message), where, block);
  const JsonValue none;
  const JsonValue* member = message.find(field);
  const JsonValue& value = member == nullptr ? none : *member;
  const Speaker speaker = speaker_of(message, shape);
  if (wrapper_of(shape).empty()) return edited_content(value, shape, speaker, where, block);
  const JsonValue* inner = value.find("content");
  return with_member(
      value, "content",
      edited_content(inner == nullptr ? none : *inner, shape, speaker, where, block));
}

/// Whether editing the message without placing anything there can have an effect.
bool may_hold_block(const JsonValue& message, Shape shape) {
  bool holds = shape == Shape::kPydantic;  // its system prompts count as well
  for_each_content(message, shape,
                   [&](const JsonValue& content) { holds = holds || holds_block(content); });
  return holds;
}

void edit_field(std::vector<MessageEdit>& edits, const JsonArray& messages, std::size_t index,
                std::string_view field, Where where, std::string_view block) {
  const JsonValue& message = messages[index];
  const JsonValue* before = message.find(field);
  if (before == nullptr && where == Where::kNowhere) return;
  JsonValue after = edited_field(message, field, shape_of(message), where, block);
  if (before != nullptr && *before == after) return;
  edits.push_back({.index = index, .field = std::string(field), .value = std::move(after)});
}

void edit_message(std::vector<MessageEdit>& edits, const JsonArray& messages, std::size_t index,
                  const Place& place, std::string_view block) {
  const JsonValue& message = messages[index];
  const Shape shape = shape_of(message);
  const Speaker speaker = speaker_of(message, shape);
  if (shape == Shape::kText || (speaker != Speaker::kUser && speaker != Speaker::kSystem)) return;
  const bool is_new = place.where == Where::kSystemMessage || place.where == Where::kUserMessage;
  const Where where = place.index == index && !is_new ? place.where : Where::kNowhere;
  if (where == Where::kNowhere && !may_hold_block(message, shape)) return;
  const std::string_view field = main_field(message, shape);
  edit_field(edits, messages, index, field, where, block);
  if (shape == Shape::kParts && field != "parts") {
    edit_field(edits, messages, index, "parts", Where::kNowhere, block);
  }
}

// -------------------------------------------------------------------------------- new messages

bool is_responses_item(const JsonValue& message) {
  const Shape shape = shape_of(message);
  if (shape == Shape::kItem) return true;
  const JsonValue* content = message.find("content");
  if (shape != Shape::kContent || content == nullptr) return false;
  const JsonArray* parts = content->if_array();
  if (parts == nullptr) return has_tag(message, "type", "message");
  return std::any_of(parts->begin(), parts->end(), [](const JsonValue& part) {
    return has_tag(part, "type", "input_text") || has_tag(part, "type", "output_text");
  });
}

bool tells_shape(const JsonValue& message) {
  const Shape shape = shape_of(message);
  return shape != Shape::kText && shape != Shape::kUnknown;
}

/// What a new message is to look like.
struct Style {
  Shape shape = Shape::kContent;
  bool is_responses = false;
};

/// That of the next message that tells, else of the one before `index`.
Style style_at(const JsonArray& messages, std::size_t index) {
  const auto middle = messages.begin() + static_cast<std::ptrdiff_t>(index);
  auto model = std::find_if(middle, messages.end(), tells_shape);
  if (model == messages.end()) {
    const auto before =
        std::find_if(std::make_reverse_iterator(middle), messages.rend(), tells_shape);
    if (before == messages.rend()) return {};
    model = std::prev(before.base());
  }
  return {.shape = shape_of(*model), .is_responses = is_responses_item(*model)};
}

JsonValue new_constructor(std::string_view class_name, std::string_view text) {
  return JsonObject{{"lc", 1},
                    {"type", "constructor"},
                    {"id", JsonArray{"langchain_core", "messages", class_name}},
                    {"kwargs", JsonObject{{"content", text}}}};
}

JsonValue new_message(Style style, bool system, std::string_view text) {
  const std::string_view role = system ? "system" : "user";
  const std::string_view type = system ? "system" : "human";
  switch (style.shape) {
    case Shape::kParts:
      return JsonObject{{"id", "recalled-memories"},
                        {"role", role},
                        {"parts", JsonArray{text_part("text", text)}}};
    case Shape::kConstructor:
      return new_constructor(system ? "SystemMessage" : "HumanMessage", text);
    case Shape::kStored:
      return JsonObject{{"type", type}, {"data", JsonObject{{"content", text}}}};
    case Shape::kTyped:
      return JsonObject{{"type", type}, {"content", text}};
    case Shape::kPydantic:
      return JsonObject{
          {"kind", "request"},
          {"parts", JsonArray{pydantic_part(system ? "system-prompt" : "user-prompt", text)}}};
    default:
      break;
  }
  if (!style.is_responses) return JsonObject{{"role", role}, {"content", text}};
  return JsonObject{
      {"type", "message"}, {"role", role}, {"content", JsonArray{text_part("input_text", text)}}};
}

}  // namespace

std::vector<MessageEdit> inject_memory_block(const JsonArray& messages, std::string_view block,
                                             bool in_system) {
  if (messages.empty()) return {};
  Place place;
  if (!block.empty()) place = in_system ? place_in_system(messages) : place_in_message(messages);
  std::vector<MessageEdit> edits;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    edit_message(edits, messages, i, place, block);
  }
  if (place.where == Where::kSystemMessage || place.where == Where::kUserMessage) {
    const bool system = place.where == Where::kSystemMessage;
    edits.push_back({.index = place.index,
                     .field = std::nullopt,
                     .value = new_message(style_at(messages, place.index), system, block)});
  }
  return edits;
}

JsonArray apply_edits(JsonArray messages, const std::vector<MessageEdit>& edits) {
  for (const MessageEdit& edit : edits) {
    if (!edit.field) {
      const std::size_t index = std::min(edit.index, messages.size());
      messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(index), edit.value);
    } else if (edit.index < messages.size()) {
      JsonObject* object = messages[edit.index].if_object();
      if (object != nullptr) set_member(*object, *edit.field, edit.value);
    }
  }
  return messages;
}

}  // namespace agent_memory
