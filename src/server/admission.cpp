// How connections come to a reactor: its listeners, and who is let in.
#include <algorithm>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/logging.hpp"
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

void Reactor::admit(net::Accepted&& accepted, const Listening& listening) {
  const net::IpAddress peer = accepted.peer.ip();
  bool is_counted = false;
  if (listening.is_public) {
    const std::uint64_t before = shared_.public_connections.fetch_add(1, std::memory_order_relaxed);
    const bool is_full = before >= connections_max();
    const bool is_short_of_memory = shared_.is_short_of_memory.load(std::memory_order_relaxed);
    const net::Admission admission = is_full || is_short_of_memory
                                         ? net::Admission::kAdmitted
                                         : shared_.limiter.admit(peer, context_.now);
    is_counted = admission == net::Admission::kCounted;
    const bool is_refused = is_full || is_short_of_memory ||
                            admission == net::Admission::kTooManyConnections ||
                            admission == net::Admission::kTooFast;
    if (is_refused) {
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
    if (admission == net::Admission::kTooManyConnections) {
      metrics_.limit_hit(metrics::Limit::kConnectionsPerIp);
      return refuse(std::move(accepted.fd), listening, 429, "limits.connections_per_ip is reached");
    }
    if (admission == net::Admission::kTooFast) {
      metrics_.limit_hit(metrics::Limit::kConnectRatePerIp);
      return refuse(std::move(accepted.fd), listening, 429,
                    "limits.connect_rate_per_ip is reached");
    }
  }
  const int fd = accepted.fd.get();
  std::unique_ptr<net::ByteStream> stream;
  if (listening.tls != nullptr) {
    stream = std::make_unique<net::TlsStream>(fd, listening.tls, tls_workspace_);
  }
  const Handle handle =
      connections_.emplace(*this, SocketConnection::Options{.fd = std::move(accepted.fd),
                                                            .stream = std::move(stream),
                                                            .peer = peer,
                                                            .is_unix = listening.is_unix,
                                                            .is_public = listening.is_public,
                                                            .is_counted = is_counted,
                                                            .since = context_.wall,
                                                            .config = context_.config});
  SocketConnection& connection = *connections_.find(handle);
  if (busy_.size() < connections_.slot_count()) {
    busy_.resize(connections_.slot_count(), 0);
  }
  connection.start(handle, nullptr);
  Router& router = listening.is_public ? static_cast<Router&>(public_router_) : *internal_router_;
  connection.start(handle, std::make_unique<HttpSession>(connection, context_, router));
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
