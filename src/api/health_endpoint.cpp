#include "api/health_endpoint.hpp"

namespace wspush::api {

Route healthz(const Request& /*request*/) {
  return answer(json_response(200, R"({"status":"ok"})"));
}

Route readyz(const Request& request) {
  return request.context.server.is_ready()
             ? answer(json_response(200, R"({"status":"ready"})"))
             : answer(json_response(503, R"({"status":"not_ready"})"));
}

}  // namespace wspush::api
