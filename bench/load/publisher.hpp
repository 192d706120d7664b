#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "connection.hpp"
#include "options.hpp"

namespace wspush::load {

/// How one kind of publisher speaks: bytes in, bytes out, no socket.
class PublisherProtocol {
 public:
  virtual ~PublisherProtocol() = default;

  virtual Address address() const = 0;
  virtual std::string opening() const = 0;  ///< sent first; may be empty
  virtual bool is_ready() const = 0;        ///< may publish

  /// Appends messages `first` .. `first + count - 1`, to leave in one write.
  virtual void append(std::string& out, std::uint64_t first, std::size_t count) = 0;

  /// Takes what was read; appends what has to be answered. False: over, `why` says so.
  virtual bool take(std::string_view input, std::string& reply, std::string& why) = 0;

  /// Answers, or its own messages, that the server still owes it.
  virtual std::uint64_t owed() const = 0;

  /// Messages that the server sent to the publisher too: the raw door has no publisher that is not
  /// subscribed. They are deliveries like any other.
  virtual std::uint64_t echoes() const = 0;
};

/// A masked WebSocket connection: /publish of the floor, the raw door of the topic else.
std::unique_ptr<PublisherProtocol> make_websocket_publisher(const Options& options);

/// POST to the internal API on one connection: a message alone, or many in one request.
std::unique_ptr<PublisherProtocol> make_http_publisher(const Options& options);

/// The one publisher of a run, on its connection.
class Publisher {
 public:
  /// `poller` must live longer. Errors: what stood in the way.
  static Result<Publisher, std::string> open(const Options& options, Poller& poller,
                                             std::uint64_t token);

  bool is_ready() const { return protocol_->is_ready(); }
  bool is_idle() const { return protocol_->owed() == 0; }
  std::uint64_t owed() const { return protocol_->owed(); }
  std::uint64_t echoes() const { return protocol_->echoes(); }
  const std::string& failure() const { return failure_; }  ///< empty while all is well

  void publish(std::uint64_t first, std::size_t count);
  void on_event(std::uint32_t events, std::span<char> buffer);

 private:
  Publisher(std::unique_ptr<PublisherProtocol> protocol, Connection connection, Poller& poller);
  void fail(const std::string& why);

  std::unique_ptr<PublisherProtocol> protocol_;
  Connection connection_;
  Poller* poller_;
  std::string out_;
  std::string failure_;
};

}  // namespace wspush::load
