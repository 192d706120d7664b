#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "load/connection.hpp"
#include "load/subscriber.hpp"

namespace wspush::load {

/// Some subscribers of a run, each on its own connection.
class SubscriberPool {
 public:
  struct Shape {
    std::size_t count = 0;
    std::uint64_t first_token = 0;  ///< of the poller: the next `count` are the pool's
    bool stalls = false;            ///< reads nothing more once subscribed, and has little room
  };

  /// All must live longer than the pool. `tls` may be null where the server is plain.
  SubscriberPool(const SubscriberContext& context, Poller& poller, TlsClient* tls, Shape shape);

  /// Starts as many more connections as may be under way at once, `up_to` in all.
  /// Errors: what stood in the way of one; the run is over then.
  Result<void, std::string> open_more(std::size_t up_to);

  bool owns(std::uint64_t token) const {
    return token - shape_.first_token < shape_.count;  // below the first it wraps around
  }

  /// Handles what epoll said about the subscriber of `token`; reads into `buffer`.
  void on_event(std::uint64_t token, std::uint32_t events, std::span<char> buffer);

  std::size_t live() const { return live_; }
  bool is_complete() const { return live_ == shape_.count; }
  std::uint64_t received_bytes() const { return received_bytes_; }  ///< all of the connection

  /// Adds up what each subscriber has not got of messages 1..`published`.
  std::uint64_t missing(std::uint64_t published) const;

 private:
  struct Client {
    Connection connection;
    Subscriber subscriber;
  };

  bool read_some(Client& client, std::span<char> buffer);
  void on_closed(Client& client, std::uint64_t token);

  SubscriberContext context_;
  Poller& poller_;
  TlsClient* tls_;
  Shape shape_;
  std::vector<Client> clients_;
  std::size_t live_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::string reply_;
};

}  // namespace wspush::load
