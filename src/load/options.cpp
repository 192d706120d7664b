#include "load/options.hpp"

#include "load/wire.hpp"

namespace wspush::load {
namespace {

/// The URL's path as a whole one.
std::string path_or(const Options& options, std::string_view otherwise) {
  if (options.is_root_path) {
    return "/";
  }
  return options.server.path.empty() ? std::string(otherwise) : options.server.path;
}

}  // namespace

const char* name_of(Scenario scenario) {
  switch (scenario) {
    case Scenario::kFanOut:
      return "fan-out";
    case Scenario::kEcho:
      return "echo";
    case Scenario::kIdle:
      return "idle";
    case Scenario::kStalled:
      return "stalled";
    case Scenario::kHandshakes:
      return "handshakes";
    case Scenario::kPings:
      return "pings";
    case Scenario::kPublish:
      return "publish";
  }
  return "";
}

const char* name_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kRaw:
      return "raw";
    case Dialect::kWspushV1:
      return "wspush.v1";
    case Dialect::kFloor:
      return "floor";
    case Dialect::kNchan:
      return "nchan";
    case Dialect::kNats:
      return "nats";
    case Dialect::kMqtt:
      return "mqtt";
  }
  return "";
}

const char* name_of(PublishBy way) {
  switch (way) {
    case PublishBy::kConnection:
      return "connection";
    case PublishBy::kUnanswered:
      return "unanswered";
    case PublishBy::kHttp:
      return "http";
    case PublishBy::kHttpPipelined:
      return "http-pipelined";
    case PublishBy::kNdjson:
      return "ndjson";
  }
  return "";
}

const char* name_of(PayloadKind kind) {
  switch (kind) {
    case PayloadKind::kLetter:
      return "letter";
    case PayloadKind::kMixed:
      return "mixed";
    case PayloadKind::kNonAscii:
      return "non-ascii";
    case PayloadKind::kRandom:
      return "random";
  }
  return "";
}

bool is_stream(Dialect dialect) {
  return dialect == Dialect::kNats || dialect == Dialect::kMqtt;
}

std::string subscriber_path(const Options& options) {
  const Target& server = options.server;
  switch (options.dialect) {
    case Dialect::kRaw:
      return server.path + "/topics/" + options.topic;
    case Dialect::kWspushV1:
      return server.path.ends_with("/ws") ? server.path : server.path + "/ws";
    case Dialect::kFloor:
      return path_or(options, "/subscribe");
    case Dialect::kNchan:
      return server.path + "/sub/" + options.topic;
    case Dialect::kNats:
      return path_or(options, "/");
    case Dialect::kMqtt:
      return path_or(options, "/mqtt");
  }
  return {};
}

std::string publisher_path(const Options& options) {
  switch (options.dialect) {
    case Dialect::kFloor:
      return "/publish";
    case Dialect::kNchan:
      return options.server.path + "/pub/" + options.topic;
    case Dialect::kWspushV1:
      // A fan-out's publisher comes by the raw door of the topic, so that only the subscribers
      // differ between the two dialects; what is published is looked at by `publish`.
      if (options.scenario != Scenario::kPublish) {
        const std::string_view path = options.server.path;
        return std::string(path.ends_with("/ws") ? path.substr(0, path.size() - 3) : path) +
               "/topics/" + options.topic;
      }
      return subscriber_path(options);
    case Dialect::kRaw:
    case Dialect::kNats:
    case Dialect::kMqtt:
      return subscriber_path(options);
  }
  return {};
}

std::string echo_path(const Options& options) {
  return path_or(options, "/echo");
}

std::string_view subprotocol_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kWspushV1:
      return "wspush.v1";
    case Dialect::kMqtt:
      return "mqtt";
    case Dialect::kRaw:
    case Dialect::kFloor:
    case Dialect::kNchan:
    case Dialect::kNats:
      break;
  }
  return {};
}

std::uint8_t payload_opcode(const Options& options) {
  return options.payload_kind == PayloadKind::kRandom ? kOpcodeBinary : kOpcodeText;
}

}  // namespace wspush::load
