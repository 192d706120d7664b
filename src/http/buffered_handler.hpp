#pragma once

#include <cstddef>
#include <string>

#include "http/exchange.hpp"

namespace wspush::http {

/// Collects the body and hands it over whole: for requests that are small by nature.
///
/// Above `body_bytes_max` the answer is 413 and the connection closes: at once where Content-Length
/// says so, else with the first byte too many. Memory grows with the bytes that came, never to the
/// announced length at once.
///
/// Who needs something of the head overrides `on_head`, copies it and calls this one's, or refuses
/// with `refuse`.
class BufferedHandler : public RequestHandler {
 public:
  explicit BufferedHandler(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  void on_head(Exchange& exchange) override;
  void on_body(Exchange& exchange, ByteView piece) final;
  void on_body_end(Exchange& exchange) final;

 protected:
  /// The whole request is there. Responds now, or keeps what it needs to do so later.
  virtual void on_request(Exchange& exchange, std::string&& body) = 0;

  /// Answers now; nothing more of the body is kept, and `on_request` is not called.
  void refuse(Exchange& exchange, Response response);

  bool has_refused() const { return has_refused_; }

 private:
  std::size_t body_bytes_max_;
  bool has_refused_ = false;
  std::string body_;
};

}  // namespace wspush::http
