#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "connection.hpp"
#include "subscriber.hpp"

namespace wspush::load {

/// All subscribers of a run, each on its own connection. Tokens of the poller: 0 .. subscribers
/// - 1.
class SubscriberPool {
 public:
  /// All must live longer than the pool.
  SubscriberPool(const SubscriberContext& context, Poller& poller);

  /// Starts as many more connections as may be under way at once.
  /// Errors: what stood in the way of one; the run is over then.
  Result<void, std::string> open_more();

  /// Handles what epoll said about subscriber `index`; reads once at most, into `buffer`.
  void on_event(std::size_t index, std::uint32_t events, std::span<char> buffer);

  std::size_t live() const { return live_; }
  bool is_complete() const { return live_ == context_.options.subscribers; }
  std::uint64_t received_bytes() const {
    return received_bytes_;
  }  ///< since all are live or before

  /// Adds up what each subscriber has not got of messages 1..`published`.
  std::uint64_t missing(std::uint64_t published) const;

 private:
  struct Client {
    Connection connection;
    Subscriber subscriber;
  };

  void on_closed(Client& client, std::size_t index);

  SubscriberContext context_;
  Poller& poller_;
  std::vector<Client> clients_;
  std::size_t live_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::string reply_;
};

}  // namespace wspush::load
