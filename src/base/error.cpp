// SPDX-License-Identifier: MIT
#include "agent_memory/error.hpp"

#include <array>
#include <utility>

#include "agent_memory/result.hpp"

#include "base/names.hpp"

namespace agent_memory {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 13> kErrorCodeNames{{
    {ErrorCode::kInvalidArgument, "invalid_argument"},
    {ErrorCode::kNotFound, "not_found"},
    {ErrorCode::kNotImplemented, "not_implemented"},
    {ErrorCode::kStorage, "storage"},
    {ErrorCode::kQuotaExceeded, "quota_exceeded"},
    {ErrorCode::kCorrupt, "corrupt"},
    {ErrorCode::kProvider, "provider"},
    {ErrorCode::kUnauthorized, "unauthorized"},
    {ErrorCode::kRateLimited, "rate_limited"},
    {ErrorCode::kTimeout, "timeout"},
    {ErrorCode::kAborted, "aborted"},
    {ErrorCode::kClosed, "closed"},
    {ErrorCode::kInternal, "internal"},
}};

}  // namespace

std::string_view error_code_name(ErrorCode code) { return name_of(kErrorCodeNames, code); }

std::optional<ErrorCode> error_code_from_name(std::string_view name) {
  return value_of(kErrorCodeNames, name);
}

namespace detail {

ErrorSlot::ErrorSlot(Error&& error) : error_(new Error(std::move(error))) {}
ErrorSlot::ErrorSlot(const ErrorSlot& other)
    : error_(other.error_ == nullptr ? nullptr : new Error(*other.error_)) {}
void ErrorSlot::destroy() { delete error_; }

}  // namespace detail
}  // namespace agent_memory
