// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdint>
#include <string>

#include "base/decimal.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"

namespace agent_memory {
namespace {

void append_hex_escape(std::string& out, std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.append("\\u00").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 15U]);
}

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  out += '"';
  for (std::size_t position = 0; position < text.size();) {
    const char byte = text[position];
    if (static_cast<std::uint8_t>(byte) >= 0x80) {
      append_utf8(out, decode_utf8(text, position));
      continue;
    }
    ++position;
    if (const std::size_t escape = kShort.find(byte); escape != std::string_view::npos) {
      out.append("\\").append(1, kLetters[escape]);
    } else if (byte >= 0 && byte < 0x20) {
      append_hex_escape(out, static_cast<std::uint8_t>(byte));
    } else {
      out += byte;
    }
  }
  out += '"';
}

void append(std::string& out, const JsonValue& value) {
  if (const bool* boolean = value.if_bool()) {
    out += *boolean ? "true" : "false";
  } else if (const double* number = value.if_number()) {
    if (std::isfinite(*number)) {
      append_number(out, *number);
    } else {
      out += "null";
    }
  } else if (const std::string* string = value.if_string()) {
    append_string(out, *string);
  } else if (const JsonArray* array = value.if_array()) {
    char before = '[';
    for (const JsonValue& item : *array) {
      out += before;
      before = ',';
      append(out, item);
    }
    out += array->empty() ? "[]" : "]";
  } else if (const JsonObject* object = value.if_object()) {
    char before = '{';
    for (const JsonMember& member : *object) {
      out += before;
      before = ',';
      append_string(out, member.key);
      out += ':';
      append(out, member.value);
    }
    out += object->empty() ? "{}" : "}";
  } else {
    out += "null";
  }
}

}  // namespace

std::string too_deep() { return "must not nest deeper than " + std::to_string(kMaxJsonDepth); }

std::string dump_json(const JsonValue& value) {
  std::string out;
  append(out, value);
  return out;
}

std::string describe(const JsonValue& value) {
  constexpr std::size_t kMaxBytes = 60;
  std::string text = dump_json(value);
  if (text.size() > kMaxBytes) {
    text.resize(truncate_utf8(text, kMaxBytes).size());
    text += "…";
  }
  return text;
}

}  // namespace agent_memory
