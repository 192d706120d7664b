#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "load/payload.hpp"
#include "load/sockets.hpp"

namespace wspush::load {

enum class Scenario : std::uint8_t {
  kFanOut,      ///< one topic, one publisher, many subscribers
  kEcho,        ///< what each connection says comes back to it
  kIdle,        ///< connections that are open and silent
  kStalled,     ///< a fan-out beside subscribers that stop reading
  kHandshakes,  ///< connect, upgrade, close
  kPings,       ///< the pings of the server, answered
  kPublish,     ///< how many messages go in
};

/// How a server is spoken to: which path, and what stands in the WebSocket messages.
enum class Dialect : std::uint8_t {
  kRaw,       ///< the raw door of wspushd: a topic is a path, a message a payload
  kWspushV1,  ///< JSON commands on /ws
  kFloor,     ///< the bare server of bench/: whoever asks for /publish publishes to all others
  kNchan,     ///< nginx with nchan: subscribers on /sub/TOPIC, publishers on /pub/TOPIC
  kNats,      ///< the NATS client protocol in binary messages
  kMqtt,      ///< MQTT 3.1.1, QoS 0, in binary messages
};

/// Which way the messages go in.
enum class PublishBy : std::uint8_t {
  kConnection,     ///< a WebSocket connection of the dialect
  kUnanswered,     ///< the same, of wspush.v1: commands without an id, a ping behind each write
  kHttp,           ///< POST to the internal API, the next when the last is answered
  kHttpPipelined,  ///< the same with several under way on a connection
  kNdjson,         ///< one POST, a message a line, for as long as it lasts
};

/// A server's listener.
struct Target {
  Address address;
  std::string host;       ///< the name that a certificate has to hold
  std::string authority;  ///< for `Host`
  std::string path;       ///< a prefix, or the whole path where the scenario or dialect takes one
  bool uses_tls = false;
};

/// How to trust a server over TLS.
struct TlsOptions {
  std::string ca_file;  ///< PEM; empty: the system's
  bool verifies = true;
  bool resumes = false;  ///< handshakes take up a former session where the server gives tickets
};

/// One run. What a scenario has no use for is ignored.
struct Options {
  Scenario scenario = Scenario::kFanOut;
  Target server;
  std::optional<Target> api;  ///< the internal listener, for --publish http and the like
  std::string api_key;
  std::string token;          ///< sent as a bearer token in every handshake; empty: none
  bool is_root_path = false;  ///< the URL ended in a lone slash: where it is a whole path, that one
  TlsOptions tls;
  std::string topic = "bench";
  Dialect dialect = Dialect::kRaw;
  PublishBy publish_by = PublishBy::kConnection;

  std::size_t connections = 1000;  ///< subscribers, or whatever the scenario opens
  std::size_t stalled = 200;
  std::size_t publishers = 1;  ///< of the scenario `publish`
  std::size_t depth = 1;       ///< messages in flight on a connection, of echo and publish
  std::size_t payload_bytes = 128;
  PayloadKind payload_kind = PayloadKind::kLetter;
  bool is_text = false;        ///< echo: text messages
  bool is_deflated = false;    ///< clients offer permessage-deflate and insist on it
  std::size_t window = 1;      ///< messages in one write; the next when all have arrived everywhere
  double rate_per_second = 0;  ///< above 0: open loop instead of a window
  bool spins = false;          ///< fan-outs: never sleeps, so that waking it costs nobody anything
  std::uint64_t messages = 0;  ///< above 0: so many; else `duration`
  std::chrono::nanoseconds duration = std::chrono::seconds(2);
  std::chrono::nanoseconds warm_up = std::chrono::milliseconds(300);
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);  ///< without any progress

  pid_t server_pid = 0;   ///< 0: neither CPU nor memory is measured, the port's owner not checked
  bool is_check = false;  ///< compares every byte
};

/// The names on the command line and in the report.
const char* name_of(Scenario scenario);
const char* name_of(Dialect dialect);
const char* name_of(PublishBy way);
const char* name_of(PayloadKind kind);

/// True if the messages of the dialect are a stream of its own inside the WebSocket messages.
bool is_stream(Dialect dialect);

/// What a handshake asks for, and as what.
std::string subscriber_path(const Options& options);
std::string publisher_path(const Options& options);
std::string echo_path(const Options& options);
std::string_view subprotocol_of(Dialect dialect);

/// The opcode of a published payload.
std::uint8_t payload_opcode(const Options& options);

}  // namespace wspush::load
