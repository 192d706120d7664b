#include "api/connections_endpoint.hpp"

#include <algorithm>
#include <any>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "api/query.hpp"
#include "api/rfc3339.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"

namespace wspush::api {
namespace {

constexpr LimitBounds kConnectionsLimit{.if_absent = 1000, .max = 10'000};

template <typename T>
T gathered(hub::Reply&& reply) {
  return std::any_cast<T>(std::move(std::get<hub::GatheredReply>(reply).value));
}

void append_connection(std::string& out, const ConnectionView& connection) {
  out.append(R"({"id":)");
  append_json_string(out, connection.id);
  out.append(R"(,"user":)");
  if (connection.user.empty()) {
    out.append("null");
  } else {
    append_json_string(out, connection.user);
  }
  out.append(R"(,"door":)");
  append_json_string(out, connection.door);
  out.append(R"(,"address":)");
  append_json_string(out, connection.address);
  out.append(R"(,"since":")").append(rfc3339_utc(connection.since));
  out.append(R"(","topics":)").append(std::to_string(connection.topics));
  out.append(R"(,"queued_bytes":)").append(std::to_string(connection.queued_bytes));
  out.push_back('}');
}

http::Response show_connections(std::vector<ConnectionView> connections) {
  std::sort(connections.begin(), connections.end(),
            [](const ConnectionView& a, const ConnectionView& b) {
              return std::tie(a.since, a.id) < std::tie(b.since, b.id);
            });
  std::string body = R"({"connections":[)";
  for (const ConnectionView& connection : connections) {
    body.append(&connection == connections.data() ? "" : ",");
    append_connection(body, connection);
  }
  body.append("]}");
  return json_response(200, std::move(body));
}

http::Response no_such_connection() {
  return response_of(not_found("there is no such connection"));
}

}  // namespace

Route list_connections(const Request& request) {
  const auto limit = read_limit(request.exchange.target(), kConnectionsLimit);
  if (!limit) {
    return refuse(limit.error());
  }
  std::optional<std::string> user;
  if (const auto wanted = request.exchange.target().find("user"); wanted && !wanted->empty()) {
    if (!is_valid_utf8(*wanted)) {
      return refuse(bad_request("the user is not UTF-8"));
    }
    user = std::string(*wanted);
  }
  return ask(
      request,
      [&server = request.context.server, user, limit = *limit](const hub::ReplyTo& to) {
        server.list_connections(user, limit, to);
      },
      [](hub::Reply&& reply) {
        return show_connections(gathered<std::vector<ConnectionView>>(std::move(reply)));
      });
}

Route view_connection(const Request& request) {
  return ask(
      request,
      [&server = request.context.server, id = std::string(request.argument)](
          const hub::ReplyTo& to) { server.find_connection(id, to); },
      [](hub::Reply&& reply) {
        const auto found = gathered<std::vector<ConnectionView>>(std::move(reply));
        if (found.empty()) {
          return no_such_connection();
        }
        std::string body;
        append_connection(body, found.front());
        return json_response(200, std::move(body));
      });
}

Route end_connection(const Request& request) {
  return ask(
      request,
      [&server = request.context.server, id = std::string(request.argument)](
          const hub::ReplyTo& to) { server.end_connection(id, to); },
      [](hub::Reply&& reply) {
        return gathered<std::size_t>(std::move(reply)) == 0 ? no_such_connection()
                                                            : http::Response{.status = 204};
      });
}

Route end_connections_of_user(const Request& request) {
  if (request.argument.empty() || !is_valid_utf8(request.argument)) {
    return refuse(bad_request("a user is UTF-8 and not empty"));
  }
  return ask(
      request,
      [&server = request.context.server, user = std::string(request.argument)](
          const hub::ReplyTo& to) { server.end_connections_of(user, to); },
      [](hub::Reply&& /*reply*/) { return http::Response{.status = 204}; });
}

}  // namespace wspush::api
