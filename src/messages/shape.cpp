// SPDX-License-Identifier: MIT
#include "messages/shape.hpp"

#include <array>
#include <string>
#include <utility>

#include "base/names.hpp"

namespace agent_memory {
namespace {

/// Roles, LangChain's types, and its class names.
constexpr std::array<std::pair<Speaker, std::string_view>, 12> kSpeakers{{
    {Speaker::kUser, "user"},
    {Speaker::kUser, "human"},
    {Speaker::kUser, "HumanMessage"},
    {Speaker::kUser, "HumanMessageChunk"},
    {Speaker::kAssistant, "assistant"},
    {Speaker::kAssistant, "ai"},
    {Speaker::kAssistant, "AIMessage"},
    {Speaker::kAssistant, "AIMessageChunk"},
    {Speaker::kSystem, "system"},
    {Speaker::kSystem, "developer"},
    {Speaker::kSystem, "SystemMessage"},
    {Speaker::kSystem, "SystemMessageChunk"},
}};

const JsonValue* find_set(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const JsonArray* find_array(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr ? nullptr : value->if_array();
}

const JsonObject* find_object(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr ? nullptr : value->if_object();
}

Speaker speaker_named(const std::string* name) {
  return name == nullptr ? Speaker::kOther : value_of(kSpeakers, *name).value_or(Speaker::kOther);
}

/// LangChain's ChatMessage, which says its role itself.
bool is_chat_type(std::string_view name) {
  return name == "chat" || name == "generic" || name == "ChatMessage" || name == "ChatMessageChunk";
}

bool is_message_type(const std::string* name) {
  return name != nullptr && (value_of(kSpeakers, *name) || is_chat_type(*name));
}

bool is_constructor(const JsonValue& message) {
  return find_set(message, "lc") != nullptr ||
         (find_array(message, "id") != nullptr && find_object(message, "kwargs") != nullptr);
}

/// The last of ["langchain_core", "messages", "HumanMessage"].
const std::string* class_name(const JsonValue& message) {
  const JsonArray* id = find_array(message, "id");
  return id == nullptr || id->empty() ? nullptr : id->back().if_string();
}

Speaker langchain_speaker(const std::string* type, const JsonValue* body) {
  if (type == nullptr || !is_chat_type(*type)) return speaker_named(type);
  return body == nullptr ? Speaker::kOther : speaker_named(body->find_string("role"));
}

Speaker pydantic_speaker(const JsonValue& message) {
  if (has_tag(message, "kind", "request")) return Speaker::kUser;
  return has_tag(message, "kind", "response") ? Speaker::kAssistant : Speaker::kOther;
}

}  // namespace

Shape shape_of(const JsonValue& message) {
  if (message.if_string() != nullptr) return Shape::kText;
  if (message.if_object() == nullptr) return Shape::kUnknown;
  if (is_constructor(message)) return Shape::kConstructor;
  if (find_set(message, "role") != nullptr) {
    const bool has_parts =
        find_set(message, "parts") != nullptr && find_array(message, "content") == nullptr;
    return has_parts ? Shape::kParts : Shape::kContent;
  }
  if (find_set(message, "kind") != nullptr) return Shape::kPydantic;
  if (find_set(message, "type") == nullptr) return Shape::kUnknown;
  if (find_object(message, "data") != nullptr) return Shape::kStored;
  return is_message_type(message.find_string("type")) ? Shape::kTyped : Shape::kItem;
}

Speaker speaker_of(const JsonValue& message, Shape shape) {
  switch (shape) {
    case Shape::kText:
      return Speaker::kUser;
    case Shape::kContent:
    case Shape::kParts:
      return speaker_named(message.find_string("role"));
    case Shape::kConstructor:
      return langchain_speaker(class_name(message), body_of(message, shape));
    case Shape::kStored:
    case Shape::kTyped:
      return langchain_speaker(message.find_string("type"), body_of(message, shape));
    case Shape::kPydantic:
      return pydantic_speaker(message);
    case Shape::kItem:
    case Shape::kUnknown:
      break;
  }
  return Speaker::kOther;
}

std::string_view wrapper_of(Shape shape) {
  if (shape == Shape::kConstructor) return "kwargs";
  return shape == Shape::kStored ? "data" : "";
}

const JsonValue* body_of(const JsonValue& message, Shape shape) {
  const std::string_view wrapper = wrapper_of(shape);
  return wrapper.empty() ? &message : find_set(message, wrapper);
}

bool has_tag(const JsonValue& part, std::string_view key, std::string_view tag) {
  const std::string* value = part.find_string(key);
  return value != nullptr && *value == tag;
}

bool is_text_part(const JsonValue& part) {
  return has_tag(part, "type", "text") || has_tag(part, "type", "input_text") ||
         has_tag(part, "type", "output_text");
}

}  // namespace agent_memory
