#include "net/acceptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace wspush::net {
namespace {

/// Any descriptor will do: it only holds the place.
UniqueFd open_reserve() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// The connection is gone, or its network is: accept(2) says to go on with the next one.
bool is_of_one_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case EPERM:  // a firewall rule
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

/// Says `refusal` and closes. What the client sent already is read first: closing a socket with
/// unread bytes sends a reset, which would overtake the answer.
void answer_and_close(UniqueFd fd, const std::string& refusal) {
  if (refusal.empty()) {
    return;
  }
  // An answer fits into an empty socket; if not, there is nobody to wait for it.
  static_cast<void>(::send(fd.get(), refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  ::shutdown(fd.get(), SHUT_WR);
  std::array<char, 4096> ignored;
  constexpr int kReads = 4;  // a whole head of 16 KiB; one that sends more gets the reset
  for (int i = 0; i < kReads; ++i) {
    if (::recv(fd.get(), ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) {
      break;
    }
  }
}

}  // namespace

Acceptor::Acceptor(UniqueFd listener, std::string refusal, AcceptCall accept_call)
    : listener_(std::move(listener)),
      reserve_(open_reserve()),
      refusal_(std::move(refusal)),
      accept_call_(accept_call) {
}

AcceptTurn Acceptor::on_readable(TimePoint now, std::vector<Accepted>& accepted) {
  AcceptTurn turn;
  accepted.reserve(accepted.size() + kAcceptsPerTurn);
  for (std::size_t attempt = 0; attempt < kAcceptsPerTurn; ++attempt) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    auto* peer_address = reinterpret_cast<sockaddr*>(&peer);
    UniqueFd fd(accept_call_(listener_.get(), peer_address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      accepted.push_back({std::move(fd), SocketAddress(peer_address, size)});
      ++turn.accepted;
      next_pause_ = kFirstPause;
      continue;
    }
    const int error = errno;
    if (error == EAGAIN) {
      return turn;
    }
    if (is_of_one_connection(error)) {
      ++turn.aborted;
      continue;
    }
    if (error == EMFILE || error == ENFILE) {
      refuse_waiting(turn, kAcceptsPerTurn - attempt);
    }
    pause(now, error, turn);
    return turn;
  }
  return turn;
}

void Acceptor::refuse_waiting(AcceptTurn& turn, std::size_t attempts_left) {
  while (attempts_left-- > 0 && refuse_one()) {
    ++turn.refused;
  }
}

bool Acceptor::refuse_one() {
  if (!reserve_) {
    reserve_ = open_reserve();  // another thread took its place the last time
    if (!reserve_) {
      return false;
    }
  }
  reserve_.reset();
  UniqueFd fd(accept_call_(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const bool has_one = static_cast<bool>(fd);
  if (has_one) {
    answer_and_close(std::move(fd), refusal_);
  }
  reserve_ = open_reserve();
  return has_one;
}

void Acceptor::pause(TimePoint now, int error, AcceptTurn& turn) {
  is_paused_ = true;
  resume_at_ = now + next_pause_;
  next_pause_ = std::min(next_pause_ * 2, kLongestPause);
  turn.is_paused = true;
  turn.error = error;
}

void Acceptor::resume() {
  is_paused_ = false;
  if (!reserve_) {
    reserve_ = open_reserve();
  }
}

}  // namespace wspush::net
