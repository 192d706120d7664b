#include "load/publisher.hpp"

#include <utility>

namespace wspush::load {

std::unique_ptr<PublisherProtocol> make_publisher_protocol(const Options& options,
                                                           std::size_t number) {
  switch (options.publish_by) {
    case PublishBy::kConnection:
      return is_stream(options.dialect) ? make_stream_publisher(options, number)
                                        : make_websocket_publisher(options, number);
    case PublishBy::kUnanswered:
      return make_websocket_publisher(options, number);
    case PublishBy::kHttp:
    case PublishBy::kHttpPipelined:
      return make_http_publisher(options);
    case PublishBy::kNdjson:
      break;
  }
  return make_ndjson_publisher(options);
}

Result<Publisher, std::string> Publisher::open(const Options& options, Poller& poller,
                                               TlsClient* tls, std::uint64_t token,
                                               std::size_t number) {
  auto protocol = make_publisher_protocol(options, number);
  auto connection =
      Connection::dial(protocol->target(), tls, poller, token, number, protocol->opening());
  if (!connection) {
    return Unexpected("publisher: " + connection.error());
  }
  return Publisher(std::move(protocol), std::move(*connection), poller);
}

Publisher::Publisher(std::unique_ptr<PublisherProtocol> protocol, Connection connection,
                     Poller& poller)
    : protocol_(std::move(protocol)), connection_(std::move(connection)), poller_(&poller) {
}

void Publisher::publish(std::uint64_t first, std::size_t count) {
  out_.clear();
  protocol_->append(out_, first, count);
  send(out_);
}

void Publisher::end() {
  out_.clear();
  protocol_->append_end(out_);
  send(out_);
}

void Publisher::send(std::string_view bytes) {
  if (!bytes.empty() && connection_.is_open() && !connection_.send(bytes, *poller_)) {
    fail(failure_text());
  }
}

void Publisher::on_event(std::uint32_t events, std::span<char> buffer) {
  if (!connection_.is_open()) {
    return;
  }
  if ((events & EPOLLOUT) != 0 && !connection_.on_writable(*poller_)) {
    fail(failure_text());
    return;
  }
  bool has_more = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  while (has_more) {
    const auto input = connection_.read(buffer, *poller_);
    if (!input) {
      fail(failure_text());
      return;
    }
    has_more = !input->empty() && connection_.has_buffered();
    std::string why;
    out_.clear();
    if (!protocol_->take(*input, out_, why)) {
      fail(why);
      return;
    }
    send(out_);
  }
}

void Publisher::fail(const std::string& why) {
  if (failure_.empty()) {
    // A server that closes behind a refusal has said why before.
    failure_ = "publisher: " + (protocol_->errors() > 0 ? protocol_->first_error() : why);
  }
  connection_.close();
}

}  // namespace wspush::load
