#pragma once

#include "server/http_session.hpp"

namespace wspush::server {

/// What clients connect to: picks the door by the path.
class PublicRouter final : public Router {
 public:
  explicit PublicRouter(door::Context& context) : context_(context) {}
  Route route(door::UpgradeExchange& exchange) override;

 private:
  Route route_path(door::UpgradeExchange& exchange, std::string_view path);
  Route fixed(http::Response response);

  door::Context& context_;
};

}  // namespace wspush::server
