#include "http/buffered_handler.hpp"

#include <utility>

namespace wspush::http {
namespace {

Response too_large() {
  Response response = error_response(413, "too_large", "the body is too large");
  response.close = true;
  return response;
}

}  // namespace

void BufferedHandler::on_head(Exchange& exchange) {
  if (exchange.head().content_length.value_or(0) > body_bytes_max_) {
    refuse(exchange, too_large());
  }
}

void BufferedHandler::on_body(Exchange& exchange, ByteView piece) {
  if (has_refused_) {
    return;
  }
  if (piece.size() > body_bytes_max_ - body_.size()) {
    refuse(exchange, too_large());
    return;
  }
  body_ += piece;
}

void BufferedHandler::on_body_end(Exchange& exchange) {
  if (!has_refused_) {
    on_request(exchange, std::move(body_));
  }
}

void BufferedHandler::refuse(Exchange& exchange, Response response) {
  has_refused_ = true;
  body_ = std::string();
  exchange.respond(std::move(response));
}

}  // namespace wspush::http
