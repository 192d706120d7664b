#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "wspush/base/clock.hpp"

#include "base/unique_fd.hpp"
#include "net/address.hpp"

namespace wspush::net {

/// One new connection: non-blocking, close-on-exec.
struct Accepted {
  UniqueFd fd;
  SocketAddress peer;
};

/// What one turn of an Acceptor did.
struct AcceptTurn {
  std::size_t accepted = 0;  ///< appended to the caller's vector
  std::size_t refused = 0;   ///< answered with the refusal and closed, for want of descriptors
  std::size_t aborted = 0;   ///< gone before we took them (ECONNABORTED and its like)
  bool is_paused = false;    ///< stop watching the listener until resume_at()
  int error = 0;             ///< why it is paused (errno)
};

/// accept4(), or what a test puts in its place.
using AcceptCall = int (*)(int fd, sockaddr* address, socklen_t* length, int flags);

/// Takes connections from one listener, some at a time, and keeps its calm when the system has no
/// descriptors or memory left: a level-triggered loop would otherwise spin on the listener.
///
/// Without a free descriptor (EMFILE, ENFILE) the connections that wait are taken one by one with a
/// descriptor kept in reserve, get the refusal, and are closed. Then, and with ENOBUFS, ENOMEM or
/// an error that nobody foresaw, accepting pauses: 100 ms, doubling to 1 s while it goes on, back
/// to 100 ms after the next success. The caller stops watching fd() while paused and, at
/// resume_at(), calls resume() and watches it again.
///
/// Thread: one reactor.
class Acceptor {
 public:
  static constexpr std::size_t kAcceptsPerTurn = 64;
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLongestPause{1000};

  /// `refusal`: the whole answer for whom we have no descriptor, e.g. a 503 with Retry-After and
  /// Connection: close; must outlive nothing (copied). Empty: closed without a word.
  Acceptor(UniqueFd listener, std::string refusal, AcceptCall accept_call = &::accept4);

  int fd() const { return listener_.get(); }

  /// The listener is readable: accepts until its queue is empty, but at most kAcceptsPerTurn
  /// attempts, and appends them to `accepted`. Level-triggered epoll brings back what is left.
  /// May throw bad_alloc before the first accept only.
  AcceptTurn on_readable(TimePoint now, std::vector<Accepted>& accepted);

  bool is_paused() const { return is_paused_; }
  /// When to call resume(); meaningful while is_paused().
  TimePoint resume_at() const { return resume_at_; }
  /// Ends the pause (not its growth: only a success does that).
  void resume();

 private:
  bool refuse_one();
  void refuse_waiting(AcceptTurn& turn, std::size_t attempts_left);
  void pause(TimePoint now, int error, AcceptTurn& turn);

  UniqueFd listener_;
  UniqueFd reserve_;
  std::string refusal_;
  AcceptCall accept_call_;
  std::chrono::milliseconds next_pause_ = kFirstPause;
  TimePoint resume_at_{};
  bool is_paused_ = false;
};

}  // namespace wspush::net
