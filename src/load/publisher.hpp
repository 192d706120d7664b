#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "load/connection.hpp"
#include "load/options.hpp"

namespace wspush::load {

/// How one kind of publisher speaks: bytes in, bytes out, no socket.
class PublisherProtocol {
 public:
  virtual ~PublisherProtocol() = default;

  virtual const Target& target() const = 0;
  virtual std::string opening() const = 0;  ///< sent first; may be empty
  virtual bool is_ready() const = 0;        ///< may publish

  /// Appends messages `first` .. `first + count - 1`, to leave in one write.
  virtual void append(std::string& out, std::uint64_t first, std::size_t count) = 0;

  /// Appends what ends a row of messages, where something does; the answers come then at last.
  virtual void append_end(std::string& /*out*/) {}

  /// Takes what was read; appends what has to be answered. False: over, `why` says so.
  virtual bool take(std::string_view input, std::string& reply, std::string& why) = 0;

  /// Answers, or its own messages, that the server still owes it.
  virtual std::uint64_t owed() const = 0;

  /// False: nothing comes back while it publishes, only how fast the socket takes it holds it up.
  virtual bool is_answered() const { return true; }

  /// Messages that the server sent to the publisher too: the raw door has no publisher that is not
  /// subscribed. They are deliveries like any other.
  virtual std::uint64_t echoes() const { return 0; }

  /// Messages that the server refused, and what it said to the first of them.
  std::uint64_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }

 protected:
  void count_errors(std::uint64_t count, std::string_view what) {
    if (errors_ == 0) {
      first_error_ = what;
    }
    errors_ += count;
  }

 private:
  std::uint64_t errors_ = 0;
  std::string first_error_;
};

/// What `options` ask for. `number` tells the publishers of a run apart.
std::unique_ptr<PublisherProtocol> make_publisher_protocol(const Options& options,
                                                           std::size_t number);

/// A masked WebSocket connection: the raw door of the topic, /publish of the floor, nchan's
/// publishers, commands of wspush.v1 in the scenario `publish`. Of commands that ask for no answer
/// the ping behind each write says that they were taken, as in NATS.
std::unique_ptr<PublisherProtocol> make_websocket_publisher(const Options& options,
                                                            std::size_t number);

/// NATS or MQTT in binary messages. A ping behind what leaves in one write: its answer says that
/// all before it was taken.
std::unique_ptr<PublisherProtocol> make_stream_publisher(const Options& options,
                                                         std::size_t number);

/// POST to the internal API: a message alone, or many in one request. In the scenario `publish`
/// each has its own.
std::unique_ptr<PublisherProtocol> make_http_publisher(const Options& options);

/// One POST for all messages between two ends.
std::unique_ptr<PublisherProtocol> make_ndjson_publisher(const Options& options);

/// A publisher on its connection.
class Publisher {
 public:
  /// `poller` and `tls` must live longer; `tls` may be null where the target is plain. Errors: what
  /// stood in the way.
  static Result<Publisher, std::string> open(const Options& options, Poller& poller, TlsClient* tls,
                                             std::uint64_t token, std::size_t number);

  bool is_ready() const { return protocol_->is_ready(); }
  bool is_idle() const { return protocol_->owed() == 0 && !connection_.has_unsent(); }
  bool has_unsent() const { return connection_.has_unsent(); }
  const PublisherProtocol& protocol() const { return *protocol_; }
  const std::string& failure() const { return failure_; }  ///< empty while all is well

  void publish(std::uint64_t first, std::size_t count);
  void end();
  void on_event(std::uint32_t events, std::span<char> buffer);

 private:
  Publisher(std::unique_ptr<PublisherProtocol> protocol, Connection connection, Poller& poller);
  void send(std::string_view bytes);
  void fail(const std::string& why);

  std::unique_ptr<PublisherProtocol> protocol_;
  Connection connection_;
  Poller* poller_;
  std::string out_;
  std::string failure_;
};

}  // namespace wspush::load
