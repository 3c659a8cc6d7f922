// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <utility>

#include "agent_memory/config.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"
#include "mem0/filters.hpp"
#include "mem0/wire.hpp"
#include "messages/parse.hpp"

namespace agent_memory {
namespace {

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char each) { return each > ' ' && each < 0x7F; });
}

Result<void> check_url(const std::string& url) {
  // The address may hold a password: none is shown.
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  const std::size_t host = is_http ? url.find("//") + 2 : 0;
  const bool has_host = !is_http || (host < url.size() && url[host] != '/');
  if ((!is_http && !url.starts_with("/")) || url.starts_with("//") || !has_host) {
    return Error::invalid("base_url", "must start with http://, https:// or a single /");
  }
  if (is_http && url.substr(host, url.find('/', host) - host).find('@') != std::string::npos) {
    return Error::invalid("base_url", "must not hold a user name or password");
  }
  if (url.find_first_of("?#") == std::string::npos && is_printable(url)) return {};
  return Error::invalid("base_url", "must be an address without a query, a fragment or blanks");
}

Result<void> check_range(std::string_view field, std::int64_t value, std::int64_t least,
                         std::int64_t most) {
  if (value >= least && value <= most) return {};
  return Error::invalid(std::string(field), "must be between " + std::to_string(least) + " and " +
                                                std::to_string(most) + ", got " +
                                                std::to_string(value));
}

}  // namespace

Result<void> validate(const Mem0ProviderOptions& options) {
  // The key itself is not shown, however wrong it is.
  if (!is_printable(options.api_key)) {
    return Error::invalid("api_key", "must be printable ASCII without blanks");
  }
  if (auto checked = check_url(options.base_url); !checked) return checked;
  if (auto checked = check_range("timeout_ms", options.timeout_ms, 1, 600'000); !checked) {
    return checked;
  }
  return check_range("max_retries", options.max_retries, 0, 10);
}

namespace mem0 {
namespace {

bool is_platform(const Mem0ProviderOptions& options) { return options.api == Mem0Api::kPlatform; }

/// As encodeURIComponent has it.
std::string encoded(std::string_view text) {
  constexpr std::string_view kAsItIs = "-_.!~*'()";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char each : text) {
    const auto byte = static_cast<std::uint8_t>(each);
    const bool is_plain = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                          (each >= '0' && each <= '9') ||
                          kAsItIs.find(each) != std::string_view::npos;
    if (is_plain) {
      out += each;
    } else {
      out.append("%").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 15U]);
    }
  }
  return out;
}

/// "?user_id=alice&run_id=…" of what is given.
std::string query_of(const JsonObject& members) {
  std::string query;
  for (const JsonMember& each : members) {
    query += query.empty() ? '?' : '&';
    query.append(each.key).append("=");
    if (const std::string* text = each.value.if_string()) {
      query += encoded(*text);
    } else {
      query += dump_json(each.value);
    }
  }
  return query;
}

/// Ids as Mem0 can have them: '*' means every one there.
Result<void> check_identity(const Identity& identity) {
  if (auto checked = validate(identity); !checked) return checked;
  for (const JsonMember& each : identity_members(identity)) {
    if (*each.value.if_string() != "*") continue;
    return Error::invalid(each.key, "must not be '*', which Mem0 takes for every one");
  }
  return {};
}

Result<void> require_id(const Identity& identity) {
  if (auto checked = check_identity(identity); !checked) return checked;
  if (!identity.empty()) return {};
  return Error::invalid("user_id",
                        "must be given, or another id: Mem0 keeps no memory without one");
}

/// Where the memory is, up to what is to be done there.
Result<std::string> memory_path(const Mem0ProviderOptions& options, const std::string& memory_id) {
  if (memory_id.empty()) return Error::invalid("memory_id", "must not be empty");
  // What addresses are made of takes these for steps.
  if (memory_id == "." || memory_id == "..") {
    return Error::invalid("memory_id", "must be an id, got " + memory_id);
  }
  return is_platform(options) ? "/v1/memories/" + encoded(memory_id) + "/"
                              : "/memories/" + encoded(memory_id);
}

Result<Call> memory_call(const Mem0ProviderOptions& options, std::string method,
                         const std::string& memory_id, bool is_write) {
  Result<std::string> path = memory_path(options, memory_id);
  if (!path) return std::move(path).error();
  return Call{.method = std::move(method),
              .path = *std::move(path),
              .memory_id = memory_id,
              .is_write = is_write};
}

std::string date_of(TimestampMs time) { return format_iso8601(time).substr(0, 10); }

}  // namespace

HttpRequest to_request(const Mem0ProviderOptions& options, const Call& call, AbortToken abort) {
  std::string_view base = options.base_url;
  while (base.ends_with("/"))
    base.remove_suffix(1);
  HttpRequest request{.method = call.method,
                      .url = std::string(base) + call.path,
                      .headers = {},
                      .body = std::nullopt,
                      .timeout_ms = options.timeout_ms,
                      .abort = call.is_write ? nullptr : std::move(abort)};
  if (!options.api_key.empty()) {
    request.headers.push_back(is_platform(options)
                                  ? HttpHeader{"authorization", "Token " + options.api_key}
                                  : HttpHeader{"x-api-key", options.api_key});
  }
  if (call.body) {
    request.headers.push_back({"content-type", "application/json"});
    request.body = dump_json(*call.body);
  }
  for (const HttpHeader& each : options.headers) {
    std::erase_if(request.headers, [&](const HttpHeader& own) { return own.name == each.name; });
    request.headers.push_back(each);
  }
  return request;
}

Result<Call> search_call(const Mem0ProviderOptions& options, const std::string& query,
                         const RetrieveOptions& search) {
  if (auto checked = validate_query(query); !checked) return std::move(checked).error();
  if (auto checked = check_identity(search.identity); !checked) return std::move(checked).error();
  if (search.top_k > kMaxResults) {
    return Error::invalid("top_k", "must be at most " + std::to_string(kMaxResults) +
                                       " on Mem0, got " + std::to_string(search.top_k));
  }
  JsonObject body;
  body.push_back({"query", query});
  if (is_platform(options)) {
    auto filters = platform_filters(search.identity, {}, search.filters, Endpoint::kSearch);
    if (!filters) return std::move(filters).error();
    body.push_back({"filters", *std::move(filters)});
  } else {
    if (auto checked = require_id(search.identity); !checked) return std::move(checked).error();
    auto filters = self_hosted_filters(search.identity, search.metadata, search.filters);
    if (!filters) return std::move(filters).error();
    body.push_back({"filters", *std::move(filters)});
    // Servers from before there were filters look for the ids here, and fail without.
    for (JsonMember& each : identity_members(search.identity))
      body.push_back(std::move(each));
  }
  body.push_back({"top_k", static_cast<double>(search.top_k)});
  body.push_back({"threshold", search.min_relevance_score});
  if (is_platform(options)) {
    if (!search.metadata.empty()) body.push_back({"metadata", search.metadata});
  } else if (search.explain) {
    body.push_back({"explain", true});
  }
  return Call{.method = "POST",
              .path = is_platform(options) ? "/v3/memories/search/" : "/search",
              .body = std::move(body)};
}

Result<Call> list_call(const Mem0ProviderOptions& options, const Identity& identity,
                       const Metadata& metadata, const JsonValue& filters, std::int64_t page) {
  if (is_platform(options)) {
    if (auto checked = check_identity(identity); !checked) return std::move(checked).error();
    auto made = platform_filters(identity, metadata, filters, Endpoint::kList);
    if (!made) return std::move(made).error();
    JsonObject body;
    body.push_back({"filters", *std::move(made)});
    JsonObject query;
    if (page > 1) {
      query.push_back({"page", static_cast<double>(page)});
      query.push_back({"page_size", static_cast<double>(kPageSize)});
    }
    return Call{.method = "POST",
                .path = "/v3/memories/" + query_of(query),
                .body = std::move(body),
                .is_further_page = page > 1};
  }
  if (auto checked = require_id(identity); !checked) return std::move(checked).error();
  const JsonObject* asked = filters.if_object();
  if (!filters.is_null() && (asked == nullptr || !asked->empty())) {
    return Error::invalid("filters", "can be given for a search only on a self-hosted server");
  }
  JsonObject query = identity_members(identity);
  query.push_back({"top_k", static_cast<double>(kMaxResults)});
  return Call{.method = "GET", .path = "/memories" + query_of(query)};
}

Result<Call> get_call(const Mem0ProviderOptions& options, const std::string& memory_id) {
  return memory_call(options, "GET", memory_id, false);
}

Result<Call> history_call(const Mem0ProviderOptions& options, const std::string& memory_id) {
  Result<Call> call = memory_call(options, "GET", memory_id, false);
  if (call) call->path += is_platform(options) ? "history/" : "/history";
  return call;
}

Result<Call> delete_call(const Mem0ProviderOptions& options, const std::string& memory_id) {
  return memory_call(options, "DELETE", memory_id, true);
}

Result<Call> update_call(const Mem0ProviderOptions& options, const std::string& memory_id,
                         const MemoryChange& change) {
  Result<Call> call = memory_call(options, "PUT", memory_id, true);
  if (!call) return call;
  if (!change.memory && !change.metadata) {
    return Error::invalid("change", "must give memory, metadata or both");
  }
  JsonObject body;
  if (change.memory) {
    if (is_blank(*change.memory)) return Error::invalid("memory", "must not be empty");
    if (change.memory->size() > kMaxTextBytes) {
      return Error::invalid("memory", "must be at most " + std::to_string(kMaxTextBytes) +
                                          " bytes, got " + std::to_string(change.memory->size()));
    }
    body.push_back({"text", *change.memory});
  }
  if (change.metadata) {
    StoreOptions checked_as;
    checked_as.metadata = *change.metadata;
    if (auto checked = validate(checked_as); !checked) return std::move(checked).error();
    body.push_back({"metadata", *change.metadata});
  }
  call->body = std::move(body);
  return call;
}

Result<std::optional<Call>> delete_all_call(const Mem0ProviderOptions& options,
                                            const Identity& identity) {
  if (auto checked = require_id(identity); !checked) return std::move(checked).error();
  const JsonObject ids = identity_members(identity);
  if (is_platform(options) && ids.size() > 1) return std::optional<Call>();
  return std::optional<Call>(
      Call{.method = "DELETE",
           .path = (is_platform(options) ? "/v1/memories/" : "/memories") + query_of(ids),
           .is_write = true});
}

Call delete_batch_call(const std::vector<std::string>& memory_ids) {
  JsonArray memories;
  for (const std::string& each : memory_ids) {
    JsonObject memory;
    memory.push_back({"memory_id", each});
    memories.emplace_back(std::move(memory));
  }
  JsonObject body;
  body.push_back({"memories", std::move(memories)});
  return {.method = "DELETE", .path = "/v1/batch/", .body = std::move(body), .is_write = true};
}

Call event_call(const std::string& event_id) {
  return {.method = "GET", .path = "/v1/event/" + encoded(event_id) + "/"};
}

Result<std::vector<AddBatch>> add_batches(const Mem0ProviderOptions& options,
                                          const MessageInput& messages, const StoreOptions& store) {
  if (auto checked = validate(store); !checked) return std::move(checked).error();
  if (auto checked = require_id(store.identity); !checked) return std::move(checked).error();
  if (!is_platform(options) && store.timestamp_ms) {
    return Error::invalid(
        "timestamp",
        "cannot be given on a self-hosted server, which keeps no other time than its own");
  }
  Result<std::vector<SpokenMessage>> spoken = parse_messages(messages);
  if (!spoken) return std::move(spoken).error();

  std::vector<AddBatch> batches;
  JsonArray said;
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::optional<TimestampMs> time;
  const auto finish = [&] {
    if (said.empty()) return;
    JsonObject body;
    body.push_back({"messages", std::exchange(said, {})});
    for (JsonMember& each : identity_members(store.identity))
      body.push_back(std::move(each));
    if (!store.metadata.empty()) body.push_back({"metadata", store.metadata});
    if (!options.infer) body.push_back({"infer", false});
    if (time) {
      const TimestampMs seconds = (*time - (*time < 0 ? 999 : 0)) / 1000;
      body.push_back({"timestamp", static_cast<double>(seconds)});
    }
    if (store.expires_at_ms) body.push_back({"expiration_date", date_of(*store.expires_at_ms)});
    const bool drops_repeats = is_platform(options) && !options.infer;
    batches.push_back({.call = {.method = "POST",
                                .path = is_platform(options) ? "/v3/memories/add/" : "/memories",
                                .body = std::move(body),
                                .repeat = drops_repeats ? Repeat::kHarmless : Repeat::kHarmful,
                                .is_write = true},
                       .first = first,
                       .last = last});
    bytes = 0;
    time.reset();
  };
  for (SpokenMessage& each : *spoken) {
    std::optional<TimestampMs> said_at = each.time_ms ? each.time_ms : store.timestamp_ms;
    if (!is_platform(options)) said_at.reset();
    const bool is_full =
        said.size() == kMaxMessagesPerAdd || bytes + each.text.size() > kMaxBytesPerAdd;
    if (is_full || (!options.infer && time != said_at)) finish();
    if (said.empty()) first = each.source;
    last = each.source;
    if (said_at && (!time || *said_at > *time)) time = said_at;
    bytes += each.text.size();
    JsonObject message;
    message.push_back({"role", role_name(each.role)});
    message.push_back({"content", std::move(each.text)});
    said.emplace_back(std::move(message));
  }
  finish();
  return batches;
}

}  // namespace mem0
}  // namespace agent_memory
