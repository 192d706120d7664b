#include "api/routes.hpp"

#include <array>
#include <optional>
#include <string>

#include "api/batch_endpoint.hpp"
#include "api/connections_endpoint.hpp"
#include "api/guards.hpp"
#include "api/health_endpoint.hpp"
#include "api/members_endpoint.hpp"
#include "api/metrics_endpoint.hpp"
#include "api/publish_endpoint.hpp"
#include "api/revocations_endpoint.hpp"
#include "api/topics_endpoint.hpp"

namespace wspush::api {
namespace {

using auth::ApiRight;

/// What a row asks of its caller.
enum class Access : std::uint8_t {
  kOpen,        ///< no key; HEAD too
  kRead,        ///< a key that can read; topics are judged by the endpoint
  kPublish,     ///< a key that can publish; likewise
  kReadAll,     ///< what belongs to no topic: the key must not be one for some topics only
  kControlAll,  ///< likewise, and it can publish
};

struct Row {
  ByteView method;
  ByteView path;  ///< `{}` is any one segment
  Access access;
  MakeRoute make;
};

/// Rows of one path stand together, in the order in which `Allow` tells their methods.
constexpr std::array kRows = {
    Row{"GET", "/healthz", Access::kOpen, healthz},
    Row{"GET", "/readyz", Access::kOpen, readyz},
    Row{"GET", "/metrics", Access::kOpen, show_metrics},
    Row{"POST", "/api/messages", Access::kPublish, publish_many},
    Row{"GET", "/api/topics", Access::kRead, list_topics},
    Row{"GET", "/api/topics/{}", Access::kRead, view_topic},
    Row{"GET", "/api/topics/{}/messages", Access::kRead, read_history},
    Row{"POST", "/api/topics/{}/messages", Access::kPublish, publish_message},
    Row{"DELETE", "/api/topics/{}/messages", Access::kPublish, clear_history},
    Row{"GET", "/api/topics/{}/members", Access::kRead, list_members},
    Row{"GET", "/api/connections", Access::kReadAll, list_connections},
    Row{"GET", "/api/connections/{}", Access::kReadAll, view_connection},
    Row{"DELETE", "/api/connections/{}", Access::kControlAll, end_connection},
    Row{"DELETE", "/api/users/{}/connections", Access::kControlAll, end_connections_of_user},
    Row{"POST", "/api/revocations", Access::kControlAll, revoke_tokens},
};

/// Of each row: most are told from a request by their number alone.
constexpr auto kSegments = [] {
  std::array<std::size_t, kRows.size()> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (const char byte : kRows[i].path) {
      counts[i] += byte == '/' ? 1U : 0U;
    }
  }
  return counts;
}();

struct Match {
  ByteView argument;
};

std::optional<Match> match(ByteView pattern, std::span<const std::string> segments) {
  Match found;
  std::size_t index = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // The slash.
    const ByteView wanted = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(wanted.size());
    if (index == segments.size() || (wanted != "{}" && wanted != segments[index])) {
      return std::nullopt;
    }
    if (wanted == "{}") {
      found.argument = segments[index];
    }
    ++index;
  }
  return index == segments.size() ? std::optional(found) : std::nullopt;
}

bool fits_method(const Row& row, ByteView method) {
  return row.method == method || (row.access == Access::kOpen && method == "HEAD");
}

std::optional<ApiError> check_access(Access access, Caller& caller, const ApiContext& context) {
  bool is_allowed = false;
  switch (access) {
    case Access::kOpen:
      return std::nullopt;
    case Access::kRead:
      is_allowed = caller.may(ApiRight::kRead, context.config);
      break;
    case Access::kPublish:
      is_allowed = caller.may(ApiRight::kPublish, context.config);
      break;
    case Access::kReadAll:
      is_allowed = caller.may(ApiRight::kRead, context.config) && !caller.is_restricted();
      break;
    case Access::kControlAll:
      is_allowed = caller.may(ApiRight::kPublish, context.config) && !caller.is_restricted();
      break;
  }
  return is_allowed ? std::nullopt : std::optional(forbidden("the API key is not for this"));
}

Route refuse_method(const std::string& allow) {
  http::Response response =
      http::error_response(405, "method_not_allowed", "this path has other methods");
  response.headers.emplace_back("Allow", allow);
  return answer(std::move(response));
}

}  // namespace

Route route(http::Exchange& exchange, const hub::ReplyTo& to, ApiContext& context) {
  const http::RequestHead& head = exchange.head();
  if (const auto error = check_not_from_a_page(head, context.config->internal)) {
    return refuse(*error);
  }
  const std::span<const std::string> segments = exchange.target().segments();
  Caller caller;
  // Before the table: who has no key does not learn which paths there are.
  if (!segments.empty() && segments[0] == "api") {
    auto identified = Caller::identify(exchange, context.config);
    if (!identified) {
      return refuse(identified.error());
    }
    caller = std::move(*identified);
  }
  std::string allow;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const Row& row = kRows[i];
    const auto found = kSegments[i] == segments.size() ? match(row.path, segments) : std::nullopt;
    if (!found) {
      continue;
    }
    if (!fits_method(row, head.method)) {
      allow.append(allow.empty() ? "" : ", ").append(row.method);
      allow.append(row.access == Access::kOpen ? ", HEAD" : "");
      continue;
    }
    if (const auto error = check_access(row.access, caller, context)) {
      return refuse(*error);
    }
    return row.make({exchange, to, context, caller, found->argument});
  }
  return allow.empty() ? refuse(not_found("there is nothing here")) : refuse_method(allow);
}

}  // namespace wspush::api
