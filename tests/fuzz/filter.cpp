// SPDX-License-Identifier: MIT
// Filter parsing and evaluation: the first line is a filter, the second one the metadata of a
// memory, the others its text. Any JSON compiles or is refused; what compiles matches what a naive
// reading of it does.

#include "index/filter.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "fuzz/fuzz.hpp"
#include "support/fakes.hpp"
#include "support/filter_oracle.hpp"

namespace agent_memory {
namespace {

using fuzzing::check;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
}

bool matches(const JsonValue& filter, const FilterSubject& subject) {
  const auto compiled = Filter::compile(filter);
  check(compiled.has_value(), "a filter of filters that compile compiles");
  return compiled->matches(subject);
}

void check_subject(const JsonValue& source, const Filter& filter, const FilterSubject& subject,
                   bool has_oracle) {
  const bool matched = filter.matches(subject);
  check(filter.matches(subject) == matched, "what matches once matches again");
  if (has_oracle) {
    check(testing::oracle_matches(source, subject) == matched, "a filter says what is written");
  }
  if (source.is_null()) return;
  check(matches(JsonObject{{"NOT", JsonArray{source}}}, subject) != matched,
        "NOT f matches exactly where f does not");
  check(matches(JsonObject{{"NOT", source}}, subject) != matched,
        "NOT takes a filter without a list");
  check(matches(JsonObject{{"AND", JsonArray{source, source}}}, subject) == matched,
        "f AND f is f");
  check(matches(JsonObject{{"OR", JsonArray{source, source}}}, subject) == matched, "f OR f is f");
  check(!matches(JsonObject{{"AND", JsonArray{source, JsonObject{{"NOT", source}}}}}, subject),
        "f AND NOT f is nothing");
  check(matches(JsonObject{{"OR", JsonArray{source, JsonObject{{"NOT", source}}}}}, subject),
        "f OR NOT f is everything");
}

}  // namespace
}  // namespace agent_memory

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace agent_memory;
  fuzzing::Input input(data, size);
  const std::string_view first = input.line();
  const auto source = parse_json(first);
  if (!source) return 0;
  const auto compiled = Filter::compile(*source);
  if (!compiled) {
    check(
        compiled.error().code == ErrorCode::kInvalidArgument && compiled.error().field == "filters",
        "a filter that does not compile is refused by name");
    check(compiled.error().message.starts_with("filters "), "a refusal says what of");
    return 0;
  }
  // What is put around it must not take it beyond the depth that is allowed.
  constexpr std::ptrdiff_t kRoom = 8;
  if (std::count(first.begin(), first.end(), '{') + kRoom > kMaxJsonDepth) return 0;

  const auto parsed = parse_json(input.line());
  const JsonObject* object = parsed ? parsed->if_object() : nullptr;
  const Metadata metadata = object == nullptr ? Metadata{{"stars", 4}} : *object;
  const std::string text(input.rest());
  const bool has_oracle =
      first.find("icontains") == std::string_view::npos ||
      (is_ascii(dump_json(*source)) && is_ascii(dump_json(metadata)) && is_ascii(text));
  const std::array<Identity, 3> identities{
      Identity{}, Identity{.user_id = "ann", .agent_id = {}, .run_id = "r1"},
      Identity{.user_id = text.substr(0, 3), .agent_id = "bot", .run_id = ""}};
  for (std::size_t i = 0; i < identities.size(); ++i) {
    FilterSubject subject;
    subject.id = "m1";
    subject.memory = text;
    subject.identity = &identities[i];
    subject.metadata = &metadata;
    if (i > 0) subject.role = i == 1 ? Role::kUser : Role::kAssistant;
    if (i > 0) subject.name = "Ann";
    subject.created_at_ms = testing::kStart;
    subject.updated_at_ms = i == 2 ? testing::kStart + 1 : testing::kStart;
    check_subject(*source, *compiled, subject, has_oracle);
  }
  const FilterSubject nothing;
  check_subject(*source, *compiled, nothing, has_oracle);
  return 0;
}
