// How connections come to a reactor: its listeners, and who is let in.
#include <algorithm>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/logging.hpp"
#include "http/forwarded.hpp"
#include "http/response_writer.hpp"
#include "server/reactor.hpp"

namespace wspush::server {
namespace {

/// Kept of the descriptors for listeners, brokers, logs and the API.
constexpr std::uint64_t kReservedDescriptors = 256;

}  // namespace

std::string Reactor::refusal_text(int status, std::string_view message,
                                  std::uint64_t retry_seconds) {
  http::Response response =
      http::error_response(status, status == 429 ? "rate_limited" : "unavailable", message);
  response.close = true;
  response.headers.emplace_back("Retry-After", std::to_string(retry_seconds));
  std::string text;
  http::append_response(text, response, {.keep_alive = false});
  return text;
}

void Reactor::watch_listener(std::size_t index, bool is_on) {
  Listening& listening = listening_[index];
  if (listening.is_watched == is_on) {
    return;
  }
  listening.is_watched = is_on;
  if (!is_on) {
    loop_.remove(listening.acceptor.fd());
    return;
  }
  const std::uint32_t events =
      EPOLLIN | (listening.is_unix ? static_cast<std::uint32_t>(EPOLLEXCLUSIVE) : 0U);
  if (const auto added = loop_.add(listening.acceptor.fd(), events, kFirstListenerEvent + index);
      !added) {
    log::error("reactor {}: {}", index_, added.error().text());
  }
}

void Reactor::accept_from(std::size_t index) {
  Listening& listening = listening_[index];
  if (!listening.is_watched) {
    return;
  }
  accepted_.clear();
  const net::AcceptTurn accept_turn = listening.acceptor.on_readable(context_.now, accepted_);
  for (net::Accepted& accepted : accepted_) {
    admit(std::move(accepted), listening);
  }
  if (accept_turn.refused > 0) {
    metrics_.limit_hit(metrics::Limit::kFileDescriptors, accept_turn.refused);
  }
  if (accept_turn.is_paused) {
    if (const auto lines = accept_log_.hit(context_.now)) {
      log::warning("reactor {}: accept: {}; {} pauses", index_,
                   net::SysError{"accept4", accept_turn.error}.text(), lines);
    }
    watch_listener(index, false);
  }
}

void Reactor::resume_listeners() {
  for (std::size_t i = 0; i < listening_.size(); ++i) {
    net::Acceptor& acceptor = listening_[i].acceptor;
    if (acceptor.is_paused() && context_.now >= acceptor.resume_at()) {
      acceptor.resume();
      watch_listener(i, true);
    }
  }
}

std::uint64_t Reactor::connections_max() const {
  const std::uint64_t configured = config().limits.connections;
  const std::uint64_t possible = shared_.descriptors_max > 2 * kReservedDescriptors
                                     ? shared_.descriptors_max - kReservedDescriptors
                                     : shared_.descriptors_max / 2;
  return configured == 0 ? possible : std::min(configured, possible);
}

/// Before a TLS handshake there are no words: making one for everybody who is refused would cost
/// most where there is least to give. The close says it.
void Reactor::refuse(UniqueFd fd, const Listening& listening, int status,
                     std::string_view message) {
  metrics_.handshake_refused(status);
  if (const auto lines = full_log_.hit(context_.now)) {
    log::warning("reactor {}: {} connections refused: {}", index_, lines, message);
  }
  if (listening.tls != nullptr) {
    return;
  }
  const std::string text = refusal_text(status, message, 1 + random_.below(5));
  // Best effort: there is no room to keep it until it has read this.
  (void)::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd.get(), SHUT_WR);
  // Reading what it has sent already keeps the close from resetting the connection.
  (void)::recv(fd.get(), receive_buffer_.data(), receive_buffer_.size(), MSG_DONTWAIT);
}

/// Whose word about others is believed. A unix socket has no address; like loopback, it is this
/// machine.
bool Reactor::is_trusted_proxy(const net::IpAddress& address, bool is_unix) const {
  static const net::IpAddress kThisMachine = *net::parse_ip("127.0.0.1");
  return shared_.trusted_proxies.contains(is_unix && address.is_none() ? kThisMachine : address);
}

/// One more public connection of a client at `address`. The limits of one address are not for
/// trusted proxies: many clients come from there, and each is counted when it has been named.
net::Admission Reactor::count_client(const net::IpAddress& address) {
  if (is_trusted_proxy(address, false)) {
    return net::Admission::kAdmitted;
  }
  const net::Admission admission = shared_.limiter.admit(address, context_.now);
  if (admission == net::Admission::kTooManyConnections) {
    metrics_.limit_hit(metrics::Limit::kConnectionsPerIp);
  } else if (admission == net::Admission::kTooFast) {
    metrics_.limit_hit(metrics::Limit::kConnectRatePerIp);
  }
  return admission;
}

/// A trusted proxy has named the client of `connection`: from now on it is counted for that one.
net::Admission Reactor::change_client(SocketConnection& connection, const net::IpAddress& client) {
  if (client == connection.peer()) {
    return net::Admission::kAdmitted;
  }
  connection.set_proxy(net::IpAddress(connection.proxy()));  // It was the peer so far.
  if (connection.is_counted()) {
    shared_.limiter.release(connection.peer(), context_.now);
  }
  connection.set_client(client, false);
  const net::Admission admission =
      connection.is_public() ? count_client(client) : net::Admission::kAdmitted;
  connection.set_client(client, admission == net::Admission::kCounted);
  return admission;
}

net::Admission Reactor::judge_client(Handle handle, const http::RequestHead& head) {
  SocketConnection* connection = connections_.find(handle);
  if (connection == nullptr) {
    return net::Admission::kAdmitted;
  }
  // A proxy may send the requests of several clients over one connection: each time anew.
  const net::IpAddress& proxy = connection->proxy();
  if (!is_trusted_proxy(proxy, connection->is_unix())) {
    return net::Admission::kAdmitted;
  }
  return change_client(*connection, net::client_behind(proxy, http::forwarded_for(head.headers),
                                                       shared_.trusted_proxies));
}

void Reactor::on_proxy_header(SocketConnection& connection, const net::IpAddress& client) {
  if (client.is_none()) {
    return;  // The proxy speaks for itself.
  }
  const net::Admission admission = change_client(connection, client);
  connection.set_proxy(client);
  if (net::is_refused(admission)) {
    metrics_.handshake_refused(429);
    if (connection.is_streamed()) {
      return connection.close_now();  // As in `refuse`: there are no words before the handshake.
    }
    connection.write_last(refusal_text(429, limit_message(admission), 1 + random_.below(5)), {});
    connection.close_after_flush(door::Linger::kForPeer);
  }
}

void Reactor::on_bad_proxy_header(const net::IpAddress& peer, std::string_view fault) {
  metrics_.add(metrics::Metric::kProxyHeadersRefused);
  if (const auto times = proxy_header_log_.hit(context_.now)) {
    log::warning("reactor {}: {} connections closed for their PROXY header, the last from {}: {}",
                 index_, times, peer.is_none() ? "a unix socket" : peer.text(), fault);
  }
}

/// What a connection that comes now lives under: one for each configuration that still has any.
ConnectionTerms& Reactor::current_terms() {
  if (terms_.empty() || terms_.back()->config != context_.config) {
    terms_.push_back(std::make_unique<ConnectionTerms>(
        ConnectionTerms{.reactor = *this, .config = context_.config}));
  }
  return *terms_.back();
}

void Reactor::drop_unused_terms() {
  std::erase_if(terms_, [this](const std::unique_ptr<ConnectionTerms>& terms) {
    return terms->connections == 0 && terms->config != context_.config;
  });
}

void Reactor::admit(net::Accepted&& accepted, const Listening& listening) {
  const net::IpAddress peer = accepted.peer.ip();
  if (listening.has_proxy_header && !is_trusted_proxy(peer, listening.is_unix)) {
    // Closed without a word: it speaks first what only a proxy may say, and perhaps TLS after that.
    on_bad_proxy_header(peer, "it is not in trusted_proxies");
    accepted.fd.reset();  // After it was counted: who sees the end finds it in the metrics.
    return;
  }
  bool is_counted = false;
  if (!listening.is_public) {
    shared_.internal_connections.fetch_add(1, std::memory_order_relaxed);
  } else {
    const std::uint64_t before = shared_.public_connections.fetch_add(1, std::memory_order_relaxed);
    const bool is_full = before >= connections_max();
    const bool is_short_of_memory = shared_.is_short_of_memory.load(std::memory_order_relaxed);
    const net::Admission admission =
        is_full || is_short_of_memory ? net::Admission::kAdmitted : count_client(peer);
    is_counted = admission == net::Admission::kCounted;
    if (is_full || is_short_of_memory || net::is_refused(admission)) {
      shared_.public_connections.fetch_sub(1, std::memory_order_relaxed);
    }
    if (is_full) {
      metrics_.limit_hit(metrics::Limit::kConnections);
      return refuse(std::move(accepted.fd), listening, 503, "limits.connections is reached");
    }
    if (is_short_of_memory) {
      metrics_.limit_hit(metrics::Limit::kMemory);
      return refuse(std::move(accepted.fd), listening, 503, "the server is short of memory");
    }
    if (net::is_refused(admission)) {
      return refuse(std::move(accepted.fd), listening, 429, limit_message(admission));
    }
  }
  const int fd = accepted.fd.get();
  std::unique_ptr<net::ByteStream> stream;
  if (listening.tls != nullptr) {
    stream = std::make_unique<net::TlsStream>(fd, listening.tls, tls_workspace_);
  }
  // Before there is a connection that would be without it.
  const std::uint32_t slots = connections_.slot_count() + 1;
  timers_.make_room(slots);
  if (busy_.size() < slots) {
    busy_.resize(slots, 0);
  }
  const Handle handle = connections_.emplace(
      current_terms(), SocketConnection::Options{.fd = std::move(accepted.fd),
                                                 .stream = std::move(stream),
                                                 .peer = peer,
                                                 .is_unix = listening.is_unix,
                                                 .is_public = listening.is_public,
                                                 .is_counted = is_counted,
                                                 .has_proxy_header = listening.has_proxy_header,
                                                 .since = context_.wall});
  SocketConnection& connection = *connections_.find(handle);
  connection.start(handle.slot);
  Router& router = listening.is_public ? static_cast<Router&>(public_router_) : *internal_router_;
  connection.set_session(std::make_unique<HttpSession>(connection, context_, router, *this));
  if (listening.is_public) {
    ++public_count_;
    metrics_.connection_opened(metrics::DoorLabel::kHttp);
  }
  if (const auto added = loop_.add(fd, EPOLLIN, handle.packed()); !added) {
    log::error("reactor {}: {}", index_, added.error().text());
    connection.close_now();
  }
}

}  // namespace wspush::server
