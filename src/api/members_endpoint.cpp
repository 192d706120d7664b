#include "api/members_endpoint.hpp"

#include <optional>
#include <string>
#include <variant>

#include "wspush/hub/presence.hpp"

#include "api/query.hpp"
#include "api/topic_access.hpp"

namespace wspush::api {
namespace {

constexpr LimitBounds kMembersLimit{.if_absent = hub::kMembersPageMax, .max = hub::kMembersPageMax};

/// {"members":[{"user":"u1","info":null,"connections":1}],"count":1,"next":"..."}
http::Response show_members(const hub::MembersReply& members) {
  std::string body = "{";
  if (!members.is_count_only) {
    body.append(R"("members":[)").append(members.members).append("],");
  }
  body.append(R"("count":)").append(std::to_string(members.count));
  if (members.next) {
    body.append(R"(,"next":")").append(hub::to_members_cursor(*members.next)).push_back('"');
  }
  body.push_back('}');
  return json_response(200, std::move(body));
}

}  // namespace

Route list_members(const Request& request) {
  const auto rule = admit(request.argument, auth::ApiRight::kRead, request.caller, request.context);
  if (!rule) {
    return refuse(rule.error());
  }
  const auto limit = read_limit(request.exchange.target(), kMembersLimit);
  if (!limit) {
    return refuse(limit.error());
  }
  std::uint32_t from = 0;
  if (const auto cursor = request.exchange.target().find("cursor")) {
    const auto place = hub::parse_members_cursor(*cursor);
    if (!place) {
      return refuse(bad_request("cursor is the next of an earlier answer"));
    }
    from = *place;
  }
  if ((*rule)->presence == config::Presence::kOff) {
    return refuse(bad_request("the topic's rule keeps no presence"));
  }
  return ask(
      request,
      [&hub = request.context.hub, topic = std::string(request.argument), from,
       limit = *limit](const hub::ReplyTo& to) { hub.members(topic, from, limit, to); },
      [](hub::Reply&& reply) { return show_members(std::get<hub::MembersReply>(reply)); });
}

}  // namespace wspush::api
