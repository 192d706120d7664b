#include "publisher.hpp"

#include <cerrno>
#include <utility>

namespace wspush::load {

Result<Publisher, std::string> Publisher::open(const Options& options, Poller& poller,
                                               std::uint64_t token) {
  auto protocol = options.publish_by == PublishBy::kHttp ? make_http_publisher(options)
                                                         : make_websocket_publisher(options);
  auto fd = start_connect(protocol->address(), 0);
  if (!fd) {
    return Unexpected("publisher: " + fd.error());
  }
  Connection connection(std::move(*fd), poller, token, protocol->opening());
  return Publisher(std::move(protocol), std::move(connection), poller);
}

Publisher::Publisher(std::unique_ptr<PublisherProtocol> protocol, Connection connection,
                     Poller& poller)
    : protocol_(std::move(protocol)), connection_(std::move(connection)), poller_(&poller) {
}

void Publisher::publish(std::uint64_t first, std::size_t count) {
  out_.clear();
  protocol_->append(out_, first, count);
  if (!connection_.send(out_, *poller_)) {
    fail(system_error("send", errno));
  }
}

void Publisher::on_event(std::uint32_t events, std::span<char> buffer) {
  if (!connection_.is_open()) {
    return;
  }
  if ((events & EPOLLOUT) != 0 && !connection_.on_writable(*poller_)) {
    fail(system_error("send", errno));
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
    return;
  }
  const auto input = connection_.read(buffer);
  if (!input) {
    fail(errno == 0 ? "the server closed the connection" : system_error("recv", errno));
    return;
  }
  std::string reply;
  std::string why;
  if (!protocol_->take(*input, reply, why)) {
    fail(why);
  } else if (!reply.empty() && !connection_.send(reply, *poller_)) {
    fail(system_error("send", errno));
  }
}

void Publisher::fail(const std::string& why) {
  if (failure_.empty()) {
    failure_ = "publisher: " + why;
  }
  connection_.close();
}

}  // namespace wspush::load
