#include "api/query.hpp"

#include <algorithm>
#include <charconv>

namespace wspush::api {

Result<std::uint32_t, ApiError> read_limit(const http::RequestTarget& target, LimitBounds bounds) {
  const auto text = target.find("limit");
  if (!text) {
    return bounds.if_absent;
  }
  std::uint32_t limit = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, limit);
  if (stop == end && error == std::errc::result_out_of_range) {
    return bounds.max;
  }
  if (stop != end || error != std::errc{} || limit == 0) {
    return Unexpected(bad_request("limit is a whole number from 1 on"));
  }
  return std::min(limit, bounds.max);
}

Result<hub::After, ApiError> read_after(const http::RequestTarget& target) {
  const auto text = target.find("after");
  if (!text) {
    return hub::After{};
  }
  if (*text == "first") {
    return hub::After{.kind = hub::After::Kind::kFirst, .id = {}};
  }
  const auto id = hub::parse_message_id(*text);
  if (!id) {
    return Unexpected(bad_request("after is a message's id, or first"));
  }
  return hub::After{.kind = hub::After::Kind::kId, .id = *id};
}

}  // namespace wspush::api
