// SPDX-License-Identifier: MIT
#pragma once

// Mem0's filter grammar, compiled once and evaluated exactly. Pure.

#include <memory>
#include <optional>
#include <string_view>

#include "agent_memory/result.hpp"
#include "agent_memory/types.hpp"

namespace agent_memory {

/// What a filter can see of a memory. Views; valid only during the call.
struct FilterSubject {
  std::string_view id;
  std::string_view memory;
  const Identity* identity = nullptr;
  const Metadata* metadata = nullptr;
  std::optional<Role> role;
  std::string_view name;
  TimestampMs created_at_ms = 0;
  TimestampMs updated_at_ms = 0;
};

/// A compiled filter. Copies share the program.
class Filter {
 public:
  /// Matches everything.
  Filter() = default;

  /// Compiles a filter:
  ///   {field: value}                    equal; an array: any of them; "*": present and not null
  ///   {field: {op: operand, ...}}       eq ne gt gte lt lte in nin contains icontains; all hold
  ///   {AND: [...]}, {OR: [...]}, {NOT: [...]}   NOT: none of them holds, also {NOT: filter}; may
  ///                                     nest, and stand beside fields, which are and-ed
  /// Fields: id, memory, user_id, agent_id, run_id, role, name, created_at, updated_at (camelCase
  /// spellings too; times compare as ISO 8601 strings or epoch milliseconds), `metadata`
  /// ({metadata: {key: condition}}), and any other name: that key of the metadata.
  /// ne and nin are the opposites of eq and in: they hold where the field is absent. null is equal
  /// to absent. gt to lte compare numbers with numbers and texts with texts,
  /// by their bytes, and nothing else. An array is `in` a list where one of its elements is.
  /// contains looks for a part of a text, or in an array for an element with that part or equal to
  /// it; icontains does so whatever the case.
  /// null matches everything. kInvalidArgument, field `filters`, names what is malformed and
  /// where: an unknown operator, an operand of the wrong type, a bound that is no time.
  static Result<Filter> compile(const JsonValue& source);

  [[nodiscard]] bool matches(const FilterSubject& subject) const;
  /// Whether every memory matches because there is no condition.
  [[nodiscard]] bool empty() const { return root_ == nullptr; }

 private:
  struct Node;
  std::shared_ptr<const Node> root_;
};

/// Whether `metadata` holds every member of `wanted`.
bool metadata_contains(const Metadata& metadata, const Metadata& wanted);

}  // namespace agent_memory
