#include "api/metrics_endpoint.hpp"

#include <string>
#include <utility>

namespace wspush::api {

Route show_metrics(const Request& request) {
  std::string accept;
  request.exchange.head().headers.for_each(
      "Accept", [&](ByteView value) { accept.append(accept.empty() ? "" : ", ").append(value); });
  http::Response response;
  response.body = request.context.server.metrics_text(accept, response.content_type);
  return answer(std::move(response));
}

}  // namespace wspush::api
