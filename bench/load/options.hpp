#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "wspush/base/result.hpp"

#include "payload.hpp"
#include "sockets.hpp"

namespace wspush::load {

/// How the subscribers come in.
enum class Door { kFloor, kRaw, kWspushV1 };

/// Which way the messages go in.
enum class PublishBy {
  kConnection,  ///< a WebSocket of its own: /publish of the floor, the raw door of the topic else
  kHttp,        ///< POST to the internal API, one connection kept alive
};

/// One run, as the command line asks for it. Durations in seconds there, fractions allowed.
struct Options {
  Address server;
  std::optional<Address> api;
  std::string api_key;
  std::string topic = "bench";
  Door door = Door::kRaw;
  PublishBy publish_by = PublishBy::kConnection;

  std::size_t subscribers = 1000;
  std::size_t payload_bytes = 128;
  PayloadText payload_text = PayloadText::kLetter;
  bool is_deflated = false;    ///< subscribers offer permessage-deflate and insist on it
  std::size_t window = 1;      ///< messages in one write; the next when all have arrived everywhere
  double rate_per_second = 0;  ///< above 0: open loop instead of a window
  std::uint64_t messages = 0;  ///< above 0: so many; else `duration`
  std::chrono::nanoseconds duration = std::chrono::seconds(2);
  std::chrono::nanoseconds warm_up = std::chrono::milliseconds(300);
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);  ///< without any progress

  pid_t server_pid = 0;  ///< 0: CPU is not measured, the port's owner not checked
  bool is_check = false;
  bool json_only = false;
};

/// Reads the arguments behind the program's name. Errors: a sentence for stderr.
Result<Options, std::string> parse_options(int argc, char** argv);

/// The text of `--help`.
const char* usage();

const char* name_of(Door door);
const char* name_of(PublishBy way);
const char* name_of(PayloadText text);

}  // namespace wspush::load
