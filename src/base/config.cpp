// SPDX-License-Identifier: MIT
#include "agent_memory/config.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/json.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"

namespace agent_memory {
namespace {

std::string got(std::int64_t value) { return ", got " + std::to_string(value); }
std::string got(double value) {
  if (std::isnan(value)) return ", got NaN";
  if (std::isinf(value)) return value > 0 ? ", got Infinity" : ", got -Infinity";
  return ", got " + dump_json(value);
}

Result<void> check_at_least(std::string_view field, std::int64_t value, std::int64_t bound) {
  if (value >= bound) return {};
  return Error::invalid(std::string(field),
                        "must be at least " + std::to_string(bound) + got(value));
}

Result<void> check_min_relevance_score(double value) {
  if (value >= 0.0 && value <= 1.0) return {};
  return Error::invalid("min_relevance_score", "must be between 0.0 and 1.0" + got(value));
}

Result<void> check_id(std::string_view field, const std::optional<std::string>& id) {
  if (!id) return {};
  if (id->empty()) return Error::invalid(std::string(field), "must not be empty");
  if (id->size() > kMaxIdBytes) {
    return Error::invalid(std::string(field), "must be at most " + std::to_string(kMaxIdBytes) +
                                                  " bytes" +
                                                  got(static_cast<std::int64_t>(id->size())));
  }
  return {};
}

/// Whether nothing in `object` lies deeper than `levels`. Looks no deeper itself.
bool nests_within(const JsonObject& object, int levels);

bool nests_within(const JsonValue& value, int levels) {
  if (const JsonObject* object = value.if_object()) return nests_within(*object, levels);
  const JsonArray* array = value.if_array();
  if (array == nullptr) return true;
  return levels > 0 && std::all_of(array->begin(), array->end(), [&](const JsonValue& each) {
           return nests_within(each, levels - 1);
         });
}

bool nests_within(const JsonObject& object, int levels) {
  return levels > 0 && std::all_of(object.begin(), object.end(), [&](const JsonMember& each) {
           return nests_within(each.value, levels - 1);
         });
}

Result<void> check_metadata(const Metadata& metadata) {
  if (metadata.empty()) return {};
  if (!nests_within(metadata, kMaxMetadataDepth)) {
    return Error::invalid("metadata",
                          "must not nest deeper than " + std::to_string(kMaxMetadataDepth));
  }
  const std::size_t bytes = dump_json(metadata).size();
  if (bytes <= kMaxMetadataBytes) return {};
  return Error::invalid("metadata", "must be at most " + std::to_string(kMaxMetadataBytes) +
                                        " bytes of JSON" + got(static_cast<std::int64_t>(bytes)));
}

Result<void> check_timestamp(std::string_view field, const std::optional<TimestampMs>& time) {
  if (!time || (*time >= kMinTimestampMs && *time <= kMaxTimestampMs)) return {};
  return Error::invalid(std::string(field), "must be between the years 0000 and 9999" + got(*time));
}

}  // namespace

Result<void> validate(const MemoryConfig& config) {
  if (auto checked = check_at_least("top_k", config.top_k, 1); !checked) return checked;
  if (auto checked = check_min_relevance_score(config.min_relevance_score); !checked) {
    return checked;
  }
  if (auto checked = check_at_least("store_after_turns", config.store_after_turns, 1); !checked) {
    return checked;
  }
  return check_metadata(config.metadata);
}

Result<void> validate(const Identity& identity) {
  if (auto checked = check_id("user_id", identity.user_id); !checked) return checked;
  if (auto checked = check_id("agent_id", identity.agent_id); !checked) return checked;
  return check_id("run_id", identity.run_id);
}

Result<void> validate(const RetrieveOptions& options) {
  if (auto checked = validate(options.identity); !checked) return checked;
  if (auto checked = check_at_least("top_k", options.top_k, 1); !checked) return checked;
  return check_min_relevance_score(options.min_relevance_score);
}

Result<void> validate(const StoreOptions& options) {
  if (auto checked = validate(options.identity); !checked) return checked;
  if (auto checked = check_timestamp("timestamp", options.timestamp_ms); !checked) return checked;
  if (auto checked = check_timestamp("expires_at", options.expires_at_ms); !checked) return checked;
  return check_metadata(options.metadata);
}

Result<void> validate(const ListOptions& options) {
  if (auto checked = validate(options.identity); !checked) return checked;
  if (options.limit) {
    if (auto checked = check_at_least("limit", *options.limit, 1); !checked) return checked;
  }
  return check_at_least("offset", options.offset, 0);
}

Result<void> validate_query(std::string_view query) {
  if (is_blank(query)) return Error::invalid("query", "must not be empty");
  if (query.size() <= kMaxTextBytes) return {};
  return Error::invalid("query", "must be at most " + std::to_string(kMaxTextBytes) + " bytes" +
                                     got(static_cast<std::int64_t>(query.size())));
}

}  // namespace agent_memory
