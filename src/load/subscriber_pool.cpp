#include "load/subscriber_pool.hpp"

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace wspush::load {
namespace {

// Below any backlog that a server would have, so that no handshake waits for a lost SYN.
constexpr std::size_t kOpeningMax = 256;
// What a stalled subscriber's kernel takes for it: little, so that the server is soon held up.
constexpr int kStalledReceiveBytes = 65536;

}  // namespace

SubscriberPool::SubscriberPool(const SubscriberContext& context, Poller& poller, TlsClient* tls,
                               Shape shape)
    : context_(context), poller_(poller), tls_(tls), shape_(shape) {
  clients_.reserve(shape.count);
}

Result<void, std::string> SubscriberPool::open_more(std::size_t up_to) {
  const Options& options = context_.options;
  while (clients_.size() < up_to && clients_.size() - live_ < kOpeningMax) {
    const std::size_t index = clients_.size();
    const std::uint64_t token = shape_.first_token + index;
    Subscriber subscriber(static_cast<std::uint32_t>(token));
    // Neighbours share a source address; which one comes first differs from run to run.
    auto connection =
        Connection::dial(options.server, tls_, poller_, token,
                         index / 4096 + static_cast<std::size_t>(::getpid()) * 3,
                         subscriber.opening(context_), shape_.stalls ? kStalledReceiveBytes : 0);
    if (!connection) {
      return Unexpected("subscriber " + std::to_string(index) + ": " + connection.error());
    }
    if (options.rate_per_second > 0) {
      connection->note_arrivals();
    }
    clients_.push_back({std::move(*connection), std::move(subscriber)});
  }
  return {};
}

void SubscriberPool::on_event(std::uint64_t token, std::uint32_t events, std::span<char> buffer) {
  Client& client = clients_[static_cast<std::size_t>(token - shape_.first_token)];
  if (!client.connection.is_open()) {
    return;
  }
  if ((events & EPOLLOUT) != 0 && !client.connection.on_writable(poller_)) {
    on_closed(client, token);
    return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(client, buffer)) {
    on_closed(client, token);
  }
}

bool SubscriberPool::read_some(Client& client, std::span<char> buffer) {
  bool has_more = true;
  while (has_more) {
    const auto input = client.connection.read(buffer, poller_);
    if (!input) {
      return false;
    }
    received_bytes_ += input->size();
    context_.tracker.arrived(client.connection.arrived_at());
    has_more = !input->empty() && client.connection.has_buffered();
    const bool was_live = client.subscriber.state() == Subscriber::State::kLive;
    reply_.clear();
    if (!client.subscriber.take(*input, context_, reply_) ||
        (!reply_.empty() && !client.connection.send(reply_, poller_))) {
      return false;
    }
    if (!was_live && client.subscriber.state() == Subscriber::State::kLive) {
      ++live_;
      if (shape_.stalls) {
        client.connection.stop_reading(poller_);
        return true;
      }
    }
  }
  return true;
}

std::uint64_t SubscriberPool::missing(std::uint64_t published) const {
  std::uint64_t sum = 0;
  for (const Client& client : clients_) {
    sum += client.subscriber.ledger().missing(published);
  }
  return sum;
}

void SubscriberPool::on_closed(Client& client, std::uint64_t token) {
  ++context_.faults.closed;
  // Where the subscriber refused what came, that is noted already.
  context_.faults.note("subscriber " + std::to_string(token) + ": " + failure_text());
  client.connection.close();
}

}  // namespace wspush::load
