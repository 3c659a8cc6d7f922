// SPDX-License-Identifier: MIT
#include "index/filter.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/names.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "text/folding.hpp"

namespace agent_memory {
namespace {

enum class Field : std::uint8_t {
  kId,
  kMemory,
  kUserId,
  kAgentId,
  kRunId,
  kRole,
  kName,
  kCreatedAt,
  kUpdatedAt,
  kMetadata,
};
constexpr std::array<std::pair<Field, std::string_view>, 9> kFieldNames{{
    {Field::kId, "id"},
    {Field::kMemory, "memory"},
    {Field::kUserId, "user_id"},
    {Field::kAgentId, "agent_id"},
    {Field::kRunId, "run_id"},
    {Field::kRole, "role"},
    {Field::kName, "name"},
    {Field::kCreatedAt, "created_at"},
    {Field::kUpdatedAt, "updated_at"},
}};
constexpr std::array<std::pair<Field, std::string_view>, 5> kCamelCaseFieldNames{{
    {Field::kUserId, "userId"},
    {Field::kAgentId, "agentId"},
    {Field::kRunId, "runId"},
    {Field::kCreatedAt, "createdAt"},
    {Field::kUpdatedAt, "updatedAt"},
}};

enum class Operator : std::uint8_t {
  kEqual,
  kNotEqual,
  kGreater,
  kGreaterOrEqual,
  kLess,
  kLessOrEqual,
  kIn,
  kNotIn,
  kContains,
  kContainsFolded,
  kPresent,  ///< "*"; has no name.
};
constexpr std::array<std::pair<Operator, std::string_view>, 10> kOperatorNames{{
    {Operator::kEqual, "eq"},
    {Operator::kNotEqual, "ne"},
    {Operator::kGreater, "gt"},
    {Operator::kGreaterOrEqual, "gte"},
    {Operator::kLess, "lt"},
    {Operator::kLessOrEqual, "lte"},
    {Operator::kIn, "in"},
    {Operator::kNotIn, "nin"},
    {Operator::kContains, "contains"},
    {Operator::kContainsFolded, "icontains"},
}};

bool is_time(Field field) { return field == Field::kCreatedAt || field == Field::kUpdatedAt; }
bool is_order(Operator op) {
  return op == Operator::kGreater || op == Operator::kGreaterOrEqual || op == Operator::kLess ||
         op == Operator::kLessOrEqual;
}
bool is_list(Operator op) { return op == Operator::kIn || op == Operator::kNotIn; }
bool is_substring(Operator op) {
  return op == Operator::kContains || op == Operator::kContainsFolded;
}
bool is_wildcard(const JsonValue& value) {
  const std::string* text = value.if_string();
  return text != nullptr && *text == "*";
}

/// One value of a subject: a text, a number (times), JSON, or nothing at all.
struct Value {
  std::optional<std::string_view> text;
  std::optional<double> number;
  const JsonValue* json = nullptr;

  [[nodiscard]] bool present() const {
    return text || number || (json != nullptr && !json->is_null());
  }
  [[nodiscard]] const JsonArray* array() const {
    return json != nullptr ? json->if_array() : nullptr;
  }
};

Value value_of(const std::optional<std::string>& text) {
  Value value;
  if (text) value.text = *text;
  return value;
}

Value value_of(const JsonValue* json) {
  Value value{.text = {}, .number = {}, .json = json};
  if (json == nullptr) return value;
  if (const std::string* text = json->if_string()) value.text = *text;
  if (const double* number = json->if_number()) value.number = *number;
  return value;
}

bool equals(const Value& value, const JsonValue& operand) {
  if (const std::string* text = operand.if_string()) return value.text == std::string_view(*text);
  if (const double* number = operand.if_number()) return value.number == *number;
  if (operand.is_null()) return !value.present();
  return value.json != nullptr && *value.json == operand;
}

template <typename T>
bool compares(const T& left, const T& right, Operator op) {
  switch (op) {
    case Operator::kGreater:
      return left > right;
    case Operator::kGreaterOrEqual:
      return left >= right;
    case Operator::kLess:
      return left < right;
    default:
      return left <= right;
  }
}

bool is_ordered(const Value& value, Operator op, const JsonValue& operand) {
  if (const double* number = operand.if_number()) {
    return value.number && compares(*value.number, *number, op);
  }
  const std::string* text = operand.if_string();
  return text != nullptr && value.text && compares(*value.text, std::string_view(*text), op);
}

std::string fold_case(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Folded form = fold_form(decode_utf8(text, at));
    for (std::uint32_t i = 0; i < form.size; ++i)
      append_utf8(folded, form.code_points[i]);
  }
  return folded;
}

/// Folding takes letters and their marks apart: "cafe" must still not be in "caf\u00E9".
bool contains_folded(std::string_view text, std::string_view part) {
  for (std::size_t found = text.find(part); found != std::string_view::npos;
       found = text.find(part, found + 1)) {
    std::size_t after = found + part.size();
    if (after == text.size() || class_of(decode_utf8(text, after)) != CharClass::kDiacritic) {
      return true;
    }
  }
  return false;
}

/// `operand` is folded already where `op` folds.
bool contains(const Value& value, Operator op, const JsonValue& operand) {
  const bool fold = op == Operator::kContainsFolded;
  const std::string* part = operand.if_string();
  const auto has_part = [&](std::string_view text) {
    if (part == nullptr) return false;
    return fold ? contains_folded(fold_case(text), *part)
                : text.find(*part) != std::string_view::npos;
  };
  if (const JsonArray* array = value.array()) {
    return std::any_of(array->begin(), array->end(), [&](const JsonValue& element) {
      const std::string* text = element.if_string();
      return text != nullptr ? has_part(*text) : element == operand;
    });
  }
  return value.text && has_part(*value.text);
}

/// An array is in a list where one of its elements is: Mem0's categories are such arrays.
bool is_any_of(const Value& value, const JsonValue& operands) {
  const JsonArray* array = operands.if_array();
  const JsonArray* elements = value.array();
  return array != nullptr &&
         std::any_of(array->begin(), array->end(), [&](const JsonValue& operand) {
           if (equals(value, operand)) return true;
           return elements != nullptr &&
                  std::find(elements->begin(), elements->end(), operand) != elements->end();
         });
}

Value read_field(const FilterSubject& subject, Field field, std::string_view key) {
  Value value;
  switch (field) {
    case Field::kId:
      value.text = subject.id;
      break;
    case Field::kMemory:
      value.text = subject.memory;
      break;
    case Field::kUserId:
      return subject.identity != nullptr ? value_of(subject.identity->user_id) : value;
    case Field::kAgentId:
      return subject.identity != nullptr ? value_of(subject.identity->agent_id) : value;
    case Field::kRunId:
      return subject.identity != nullptr ? value_of(subject.identity->run_id) : value;
    case Field::kRole:
      if (subject.role) value.text = role_name(*subject.role);
      break;
    case Field::kName:
      if (!subject.name.empty()) value.text = subject.name;
      break;
    case Field::kCreatedAt:
      value.number = static_cast<double>(subject.created_at_ms);
      break;
    case Field::kUpdatedAt:
      value.number = static_cast<double>(subject.updated_at_ms);
      break;
    case Field::kMetadata:
      return subject.metadata != nullptr ? value_of(find_member(*subject.metadata, key)) : value;
  }
  return value;
}

struct FilterNode {
  enum class Kind : std::uint8_t { kAll, kAny, kNone, kCondition };

  Kind kind = Kind::kAll;
  std::vector<FilterNode> children;
  // Of a condition:
  Field field = Field::kMetadata;
  std::string key;
  Operator op = Operator::kEqual;
  JsonValue operand;

  [[nodiscard]] bool matches(const FilterSubject& subject) const {
    const auto child_matches = [&](const FilterNode& child) { return child.matches(subject); };
    switch (kind) {
      case Kind::kAll:
        return std::all_of(children.begin(), children.end(), child_matches);
      case Kind::kAny:
        return std::any_of(children.begin(), children.end(), child_matches);
      case Kind::kNone:
        return std::none_of(children.begin(), children.end(), child_matches);
      case Kind::kCondition:
        break;
    }
    const Value value = read_field(subject, field, key);
    switch (op) {
      case Operator::kEqual:
        return equals(value, operand);
      case Operator::kNotEqual:
        return !equals(value, operand);
      case Operator::kIn:
        return is_any_of(value, operand);
      case Operator::kNotIn:
        return !is_any_of(value, operand);
      case Operator::kContains:
      case Operator::kContainsFolded:
        return contains(value, op, operand);
      case Operator::kPresent:
        return value.present();
      default:
        return is_ordered(value, op, operand);
    }
  }
};

// --------------------------------------------------------------------------------- compilation
// `path` says where in the source we are, for error messages.

Error malformed(const std::string& path, std::string_view rule) {
  return Error::invalid("filters",
                        path.empty() ? std::string(rule) : "at " + path + ": " + std::string(rule));
}

std::string join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

/// A condition on a time has its operands as epoch milliseconds.
Result<FilterNode> with_times(FilterNode node, const std::string& path) {
  const auto to_time = [](JsonValue& operand) {
    if (operand.if_number() != nullptr || operand.is_null()) return true;
    const std::string* text = operand.if_string();
    const auto time = text != nullptr ? parse_iso8601(*text) : std::nullopt;
    if (time) operand = static_cast<double>(*time);
    return time.has_value();
  };
  const auto no_time = [&](const JsonValue& operand, const std::string& where) {
    return malformed(where,
                     "must be an ISO 8601 time or epoch milliseconds, got " + describe(operand));
  };
  if (JsonArray* operands = node.operand.if_array(); operands != nullptr && is_list(node.op)) {
    for (std::size_t i = 0; i < operands->size(); ++i) {
      if (to_time((*operands)[i])) continue;
      return no_time((*operands)[i], path + "[" + std::to_string(i) + "]");
    }
    return node;
  }
  if (!to_time(node.operand)) return no_time(node.operand, path);
  return node;
}

Result<FilterNode> compile_condition(Field field, const std::string& key, Operator op,
                                     const JsonValue& operand, const std::string& path) {
  const bool scalar = operand.if_array() == nullptr && operand.if_object() == nullptr;
  if (is_list(op) && operand.if_array() == nullptr) {
    return malformed(path, "must be an array, got " + describe(operand));
  }
  if (is_order(op) && operand.if_number() == nullptr && operand.if_string() == nullptr) {
    return malformed(path, "must be a number or a string, got " + describe(operand));
  }
  if (op == Operator::kContains && (!scalar || operand.is_null())) {
    return malformed(path, "must be a string, a number or a boolean, got " + describe(operand));
  }
  if (op == Operator::kContainsFolded && operand.if_string() == nullptr) {
    return malformed(path, "must be a string, got " + describe(operand));
  }
  FilterNode node;
  node.kind = FilterNode::Kind::kCondition;
  node.field = field;
  node.key = key;
  node.op = op;
  node.operand = operand;
  if (op == Operator::kContainsFolded) node.operand = fold_case(*operand.if_string());
  if (!is_time(field) || op == Operator::kPresent) return node;
  if (is_substring(op)) return malformed(path, "does not apply to a time");
  return with_times(std::move(node), path);
}

/// What must hold of one field: a value, several, "*", or operators.
Result<FilterNode> compile_field(Field field, const std::string& key, const JsonValue& source,
                                 const std::string& path) {
  const JsonObject* operators = source.if_object();
  if (operators == nullptr) {
    Operator op = Operator::kEqual;
    if (source.if_array() != nullptr) op = Operator::kIn;
    if (is_wildcard(source)) op = Operator::kPresent;
    return compile_condition(field, key, op, source, path);
  }
  if (operators->empty()) {
    return malformed(path, "must name at least one of " + list_names(kOperatorNames));
  }
  FilterNode node;
  for (const auto& [name, operand] : *operators) {
    const auto op = agent_memory::value_of(kOperatorNames, name);
    if (!op) {
      return malformed(join(path, name),
                       "is no operator; must be one of " + list_names(kOperatorNames));
    }
    auto compiled = compile_condition(field, key, *op, operand, join(path, name));
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
  }
  return node;
}

Result<FilterNode> compile_metadata(const JsonValue& source, const std::string& path) {
  const JsonObject* members = source.if_object();
  if (members == nullptr) return malformed(path, "must be an object, got " + describe(source));
  FilterNode node;
  for (const auto& [key, value] : *members) {
    auto compiled = compile_field(Field::kMetadata, key, value, join(path, key));
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
  }
  return node;
}

Result<FilterNode> compile_object(const JsonValue& source, const std::string& path, int depth);

Result<FilterNode> compile_list(FilterNode::Kind kind, const JsonValue& source,
                                const std::string& path, int depth) {
  FilterNode node;
  node.kind = kind;
  // Mem0's documentation writes NOT with one filter as often as with a list.
  if (kind == FilterNode::Kind::kNone && source.if_object() != nullptr) {
    auto compiled = compile_object(source, path, depth + 1);
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
    return node;
  }
  const JsonArray* filters = source.if_array();
  if (filters == nullptr) {
    return malformed(path, "must be an array of filters, got " + describe(source));
  }
  for (std::size_t i = 0; i < filters->size(); ++i) {
    auto compiled = compile_object((*filters)[i], path + "[" + std::to_string(i) + "]", depth + 1);
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
  }
  return node;
}

Result<FilterNode> compile_member(const std::string& key, const JsonValue& value,
                                  const std::string& path, int depth) {
  if (key == "AND") return compile_list(FilterNode::Kind::kAll, value, path, depth);
  if (key == "OR") return compile_list(FilterNode::Kind::kAny, value, path, depth);
  if (key == "NOT") return compile_list(FilterNode::Kind::kNone, value, path, depth);
  if (key == "metadata") return compile_metadata(value, path);
  const auto field = agent_memory::value_of(kFieldNames, key);
  const auto camel_case = agent_memory::value_of(kCamelCaseFieldNames, key);
  return compile_field(field ? *field : camel_case.value_or(Field::kMetadata), key, value, path);
}

/// The members of a filter, all of which must hold.
Result<FilterNode> compile_object(const JsonValue& source, const std::string& path, int depth) {
  const JsonObject* members = source.if_object();
  if (members == nullptr) return malformed(path, "must be an object, got " + describe(source));
  if (depth > kMaxJsonDepth) return malformed(path, "is nested too deeply");
  FilterNode node;
  for (const auto& [key, value] : *members) {
    auto compiled = compile_member(key, value, join(path, key), depth);
    if (!compiled) return compiled;
    node.children.push_back(*std::move(compiled));
  }
  return node;
}

}  // namespace

struct Filter::Node {
  FilterNode root;
};

Result<Filter> Filter::compile(const JsonValue& source) {
  Filter filter;
  if (source.is_null()) return filter;
  auto root = compile_object(source, "", 0);
  if (!root) return std::move(root).error();
  if (!root->children.empty()) filter.root_ = std::make_shared<const Node>(Node{*std::move(root)});
  return filter;
}

bool Filter::matches(const FilterSubject& subject) const {
  return root_ == nullptr || root_->root.matches(subject);
}

bool metadata_contains(const Metadata& metadata, const Metadata& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const JsonMember& member) {
    const JsonValue* value = find_member(metadata, member.key);
    return value != nullptr && *value == member.value;
  });
}

}  // namespace agent_memory
