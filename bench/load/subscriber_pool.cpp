#include "subscriber_pool.hpp"

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace wspush::load {
namespace {

// Below any backlog that a server would have, so that no handshake waits for a lost SYN.
constexpr std::size_t kOpeningMax = 256;

}  // namespace

SubscriberPool::SubscriberPool(const SubscriberContext& context, Poller& poller)
    : context_(context), poller_(poller) {
  clients_.reserve(context.options.subscribers);
}

Result<void, std::string> SubscriberPool::open_more() {
  const Options& options = context_.options;
  while (clients_.size() < options.subscribers && clients_.size() - live_ < kOpeningMax) {
    const std::size_t index = clients_.size();
    // Neighbours share a source address; which one comes first differs from run to run.
    auto fd =
        start_connect(options.server, index / 4096 + static_cast<std::size_t>(::getpid()) * 3);
    if (!fd) {
      return Unexpected("subscriber " + std::to_string(index) + ": " + fd.error());
    }
    Subscriber subscriber(static_cast<std::uint32_t>(index));
    Connection connection(std::move(*fd), poller_, index, subscriber.opening(context_));
    clients_.push_back({std::move(connection), std::move(subscriber)});
  }
  return {};
}

void SubscriberPool::on_event(std::size_t index, std::uint32_t events, std::span<char> buffer) {
  Client& client = clients_[index];
  if (!client.connection.is_open()) {
    return;
  }
  if ((events & EPOLLOUT) != 0 && !client.connection.on_writable(poller_)) {
    on_closed(client, index);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
    return;
  }
  const auto input = client.connection.read(buffer);
  if (!input) {
    on_closed(client, index);
    return;
  }
  received_bytes_ += input->size();
  const bool was_live = client.subscriber.state() == Subscriber::State::kLive;
  reply_.clear();
  const bool is_good = client.subscriber.take(*input, context_, reply_) &&
                       (reply_.empty() || client.connection.send(reply_, poller_));
  if (!was_live && client.subscriber.state() == Subscriber::State::kLive) {
    ++live_;
  }
  if (!is_good) {
    on_closed(client, index);
  }
}

std::uint64_t SubscriberPool::missing(std::uint64_t published) const {
  std::uint64_t sum = 0;
  for (const Client& client : clients_) {
    sum += client.subscriber.ledger().missing(published);
  }
  return sum;
}

void SubscriberPool::on_closed(Client& client, std::size_t index) {
  ++context_.faults.closed;
  context_.faults.note("subscriber " + std::to_string(index) + ": " +
                       (errno == 0 ? std::string("the server closed the connection")
                                   : system_error("connection", errno)));
  client.connection.close();
}

}  // namespace wspush::load
