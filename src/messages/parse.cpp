// SPDX-License-Identifier: MIT
#include "messages/parse.hpp"

#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "agent_memory/config.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "messages/memory_block.hpp"
#include "messages/shape.hpp"

namespace agent_memory {
namespace {

// ------------------------------------------------------------------------------------- failing

/// `field` "must be a string, got 7". Takes nullptr for a member that is not there.
Error wrong_type(std::string field, std::string_view expected, const JsonValue* value) {
  std::string rule = "must be ";
  rule.append(expected);
  rule += value == nullptr ? ", but is missing" : ", got " + describe(*value);
  return Error::invalid(std::move(field), rule);
}

Error too_long(std::string field, std::size_t bytes) {
  return Error::invalid(std::move(field), "must be at most " + std::to_string(kMaxTextBytes) +
                                              " bytes, got " + std::to_string(bytes));
}

std::string element(std::string_view array, std::size_t index) {
  return std::string(array) + '[' + std::to_string(index) + ']';
}

bool is_set(const JsonValue* value) { return value != nullptr && !value->is_null(); }

// --------------------------------------------------------------------------------------- times

std::optional<TimestampMs> to_time(const JsonValue& value) {
  if (const std::string* text = value.if_string()) return parse_iso8601(*text);
  const double* number = value.if_number();
  if (number == nullptr) return std::nullopt;
  constexpr double kLeastMs = 1e11;  // in seconds this would be the year 5138
  const double ms = std::floor(std::fabs(*number) > kLeastMs ? *number : *number * 1000);
  const bool in_range = ms >= static_cast<double>(kMinTimestampMs) &&
                        ms <= static_cast<double>(kMaxTimestampMs);  // NaN is not
  return in_range ? std::optional(static_cast<TimestampMs>(ms)) : std::nullopt;
}

/// The first time that `object` has and that can be read.
std::optional<TimestampMs> time_in(const JsonValue* object) {
  constexpr std::array<std::string_view, 3> kKeys{"timestamp", "createdAt", "created_at"};
  if (object == nullptr) return std::nullopt;
  for (const std::string_view key : kKeys) {
    const JsonValue* value = object->find(key);
    const auto time = value == nullptr ? std::nullopt : to_time(*value);
    if (time) return time;
  }
  return std::nullopt;
}

std::optional<TimestampMs> message_time(const JsonValue& message, const JsonValue* body) {
  auto time = time_in(body);
  if (!time) time = time_in(&message);
  return time ? time : time_in(message.find("metadata"));
}

std::optional<std::string> message_name(const JsonValue& body) {
  const std::string* name = body.find_string("name");
  if (name == nullptr || is_blank(*name)) return std::nullopt;
  return to_valid_utf8(*name);
}

// --------------------------------------------------------------------------------------- texts

/// Puts the text parts of one message together: adjacent ones as they are, others on a new line.
class Speech {
 public:
  void add_text(std::string_view part) {
    std::string text = strip_memory_blocks(part);
    if (text.empty()) return;
    if (text_.empty()) {
      text_ = std::move(text);
    } else {
      if (interrupted_) text_ += '\n';
      text_ += text;
      is_joined_ = true;
    }
    interrupted_ = false;
  }
  void add_other() { interrupted_ = true; }

  /// Stripped once more where two parts may have made a tag between them.
  std::string take() {
    if (is_joined_) text_ = strip_memory_blocks(text_);
    return to_valid_utf8(std::move(text_));
  }

 private:
  std::string text_;
  bool interrupted_ = false;
  bool is_joined_ = false;
};

/// Adds a text; null and absent are none.
Result<void> add_text(Speech& speech, const JsonValue* text, std::string field) {
  if (!is_set(text)) return {};
  const std::string* string = text->if_string();
  if (string == nullptr) return wrong_type(std::move(field), "a string", text);
  speech.add_text(*string);
  return {};
}

/// Adds one element of a list of parts: a string, a text part, or something else to skip.
Result<void> add_part(Speech& speech, const JsonValue& part, std::string field) {
  if (const std::string* string = part.if_string()) {
    speech.add_text(*string);
    return {};
  }
  if (part.if_object() == nullptr) {
    return wrong_type(std::move(field), "an object or a string", &part);
  }
  if (is_text_part(part)) return add_text(speech, part.find("text"), field + ".text");
  if (has_tag(part, "kind", "text-content")) {
    return add_text(speech, part.find("content"), field + ".content");
  }
  speech.add_other();
  return {};
}

Result<void> add_parts(Speech& speech, const JsonArray& parts, std::string_view field) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Result<void> added = add_part(speech, parts[i], element(field, i));
    if (!added) return added;
  }
  return {};
}

/// Adds a content: a string or a list of parts; null and absent are none.
Result<void> add_content(Speech& speech, const JsonValue* content, std::string field) {
  if (!is_set(content)) return {};
  if (const JsonArray* parts = content->if_array()) return add_parts(speech, *parts, field);
  const std::string* string = content->if_string();
  if (string == nullptr) return wrong_type(std::move(field), "a string or an array", content);
  speech.add_text(*string);
  return {};
}

// ------------------------------------------------------------------------------------- reading

class Reader {
 public:
  Reader(LongTexts long_texts, std::size_t messages) : long_texts_(long_texts) {
    spoken_.reserve(messages);
  }
  Result<void> read(const JsonValue& message, std::size_t index);
  std::vector<SpokenMessage> take() { return std::move(spoken_); }

 private:
  /// "messages[2]", the message at hand. Only errors say it.
  [[nodiscard]] std::string path() const { return element("messages", index_); }

  Result<void> read_content(const JsonValue& message, Shape shape, SpokenMessage spoken);
  Result<void> read_parts(const JsonValue& message, SpokenMessage spoken);
  Result<void> read_request(const JsonArray& parts, const SpokenMessage& spoken);
  Result<void> read_response(const JsonArray& parts, SpokenMessage spoken);
  Result<void> read_pydantic(const JsonValue& message, SpokenMessage spoken);

  /// Keeps what was said, unless it is nothing. `field` is where in the message it stood.
  Result<void> keep(std::string text, SpokenMessage spoken, std::string_view field);

  LongTexts long_texts_;
  std::size_t index_ = 0;
  std::vector<SpokenMessage> spoken_;
};

/// Fails unless the member that tells who speaks is a string.
Result<void> check_discriminator(const JsonValue& message, Shape shape, std::size_t index) {
  if (message.if_object() == nullptr) {
    return wrong_type(element("messages", index), "an object or a string", &message);
  }
  std::string_view key = "type";
  if (shape == Shape::kContent || shape == Shape::kParts || shape == Shape::kUnknown) key = "role";
  if (shape == Shape::kPydantic) key = "kind";
  if (shape == Shape::kConstructor || message.find_string(key) != nullptr) return {};
  return wrong_type(element("messages", index).append(".").append(key), "a string",
                    message.find(key));
}

Result<void> Reader::read(const JsonValue& message, std::size_t index) {
  index_ = index;
  const Shape shape = shape_of(message);
  SpokenMessage spoken;
  spoken.source = index;
  if (const std::string* string = message.if_string()) {
    Speech speech;
    speech.add_text(*string);
    return keep(speech.take(), std::move(spoken), "");
  }
  Result<void> checked = check_discriminator(message, shape, index);
  if (!checked) return checked;

  const Speaker speaker = speaker_of(message, shape);
  if (speaker != Speaker::kUser && speaker != Speaker::kAssistant) return {};
  spoken.role = speaker == Speaker::kUser ? Role::kUser : Role::kAssistant;
  if (shape == Shape::kPydantic) return read_pydantic(message, std::move(spoken));
  if (shape == Shape::kParts) return read_parts(message, std::move(spoken));
  return read_content(message, shape, std::move(spoken));
}

Result<void> Reader::read_content(const JsonValue& message, Shape shape, SpokenMessage spoken) {
  std::string wrapper(wrapper_of(shape));
  if (!wrapper.empty()) wrapper.insert(0, 1, '.');
  const JsonValue* body = body_of(message, shape);
  if (body == nullptr || body->if_object() == nullptr) {
    return wrong_type(path() + wrapper, "an object", body);
  }

  const JsonValue* content = body->find("content");
  // An assistant that only calls tools may come without; a user without any is a mistake.
  if (content == nullptr && spoken.role == Role::kUser) {
    return wrong_type(path() + wrapper + ".content", "a string or an array", content);
  }
  Speech speech;
  const std::string* text = content == nullptr ? nullptr : content->if_string();
  if (text != nullptr) {
    speech.add_text(*text);
  } else {
    Result<void> added = add_content(speech, content, path() + wrapper + ".content");
    if (!added) return added;
  }
  spoken.name = message_name(*body);
  spoken.time_ms = message_time(message, body);
  return keep(speech.take(), std::move(spoken), wrapper + ".content");
}

Result<void> Reader::read_parts(const JsonValue& message, SpokenMessage spoken) {
  const JsonValue* value = message.find("parts");
  const JsonArray* parts = value->if_array();
  if (parts == nullptr) return wrong_type(path() + ".parts", "an array", value);
  Speech speech;
  Result<void> added = add_parts(speech, *parts, path() + ".parts");
  if (!added) return added;
  std::string_view field = ".parts";
  std::string text = speech.take();
  if (is_blank(text)) {
    field = ".content";
    speech = {};
    added = add_content(speech, message.find("content"), path() + ".content");
    if (!added) return added;
    text = speech.take();
  }
  spoken.name = message_name(message);
  spoken.time_ms = message_time(message, nullptr);
  return keep(std::move(text), std::move(spoken), field);
}

Result<void> Reader::read_pydantic(const JsonValue& message, SpokenMessage spoken) {
  const JsonValue* value = message.find("parts");
  if (!is_set(value)) return {};
  const std::string field = path() + ".parts";
  const JsonArray* parts = value->if_array();
  if (parts == nullptr) return wrong_type(field, "an array", value);
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const JsonValue& part = (*parts)[i];
    if (part.if_object() == nullptr) return wrong_type(element(field, i), "an object", &part);
  }
  spoken.time_ms = time_in(&message);
  return spoken.role == Role::kUser ? read_request(*parts, spoken)
                                    : read_response(*parts, std::move(spoken));
}

/// One message a user prompt; a request may hold several, with a time of their own.
Result<void> Reader::read_request(const JsonArray& parts, const SpokenMessage& spoken) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const JsonValue& part = parts[i];
    std::string field = element(".parts", i);
    Speech speech;
    Result<void> added;
    if (has_tag(part, "part_kind", "user-prompt")) {
      field += ".content";
      added = add_content(speech, part.find("content"), path() + field);
    } else if (has_tag(part, "part_kind", "speech")) {
      field += ".transcript";
      added = add_text(speech, part.find("transcript"), path() + field);
    }
    if (!added) return added;
    SpokenMessage prompt = spoken;
    if (const auto time = time_in(&part)) prompt.time_ms = time;
    Result<void> kept = keep(speech.take(), std::move(prompt), field);
    if (!kept) return kept;
  }
  return {};
}

Result<void> Reader::read_response(const JsonArray& parts, SpokenMessage spoken) {
  const std::string path = this->path() + ".parts";
  Speech speech;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const JsonValue& part = parts[i];
    Result<void> added;
    if (has_tag(part, "part_kind", "text")) {
      added = add_text(speech, part.find("content"), element(path, i) + ".content");
    } else if (has_tag(part, "part_kind", "speech")) {
      added = add_text(speech, part.find("transcript"), element(path, i) + ".transcript");
    } else {
      speech.add_other();
    }
    if (!added) return added;
  }
  return keep(speech.take(), std::move(spoken), ".parts");
}

Result<void> Reader::keep(std::string text, SpokenMessage spoken, std::string_view field) {
  spoken.text = std::move(text);
  if (is_blank(spoken.text)) return {};
  if (long_texts_ == LongTexts::kRefuse && spoken.text.size() > kMaxTextBytes) {
    return too_long(path().append(field), spoken.text.size());
  }
  spoken_.push_back(std::move(spoken));
  return {};
}

}  // namespace

Result<std::vector<SpokenMessage>> parse_messages(const MessageInput& input, LongTexts long_texts) {
  if (const std::string* string = input.if_string()) {
    Reader reader(long_texts, 1);
    Result<void> read = reader.read(input, 0);
    // A text that stands alone has no index.
    if (!read) return too_long("messages", to_valid_utf8(strip_memory_blocks(*string)).size());
    return reader.take();
  }
  const JsonArray* messages = input.if_array();
  if (messages == nullptr) return wrong_type("messages", "a string or an array", &input);
  Reader reader(long_texts, messages->size());
  for (std::size_t i = 0; i < messages->size(); ++i) {
    Result<void> read = reader.read((*messages)[i], i);
    if (!read) return std::move(read).error();
  }
  return reader.take();
}

}  // namespace agent_memory
