#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "wspush/base/clock.hpp"

#include "base/unique_fd.hpp"
#include "cli/endpoint.hpp"

struct addrinfo;

namespace wspush::cli {

/// For each address of a host.
inline constexpr std::chrono::seconds kConnectTimeout{10};
/// A peer that confirms nothing for so long is gone, be there data on the way or not.
inline constexpr std::chrono::seconds kPeerTimeout{30};

/// Connects to an endpoint without blocking, to one of its addresses after the other. Only the
/// look-up of a name blocks (not that of an address); signals end the process meanwhile.
///
///   status = dialer.begin(endpoint, now);
///   while (status == kPending) { poll fd() for POLLOUT until deadline(); status = dialer.check();
///   }
class Dialer {
 public:
  enum class Status : std::uint8_t { kPending, kConnected, kFailed };

  Status begin(const Endpoint& endpoint, TimePoint now);

  /// After fd() is writable or the deadline has passed.
  Status check(TimePoint now);

  int fd() const { return fd_.get(); }
  TimePoint deadline() const { return deadline_; }

  /// After kConnected: non-blocking, TCP_NODELAY.
  UniqueFd take_fd() { return std::move(fd_); }
  /// After kFailed: "cannot connect to ws://...: Connection refused".
  const std::string& error() const { return error_; }

 private:
  struct Deleter {
    void operator()(addrinfo* list) const;
  };

  Status try_next(TimePoint now);
  Status fail(int error);

  std::string url_;
  std::unique_ptr<addrinfo, Deleter> addresses_;
  const addrinfo* next_ = nullptr;
  UniqueFd fd_;
  TimePoint deadline_;
  int last_error_ = 0;
  std::string error_;
};

}  // namespace wspush::cli
