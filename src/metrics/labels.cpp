#include "metrics/labels.hpp"

namespace wspush::metrics {

std::string_view limit_name(Limit limit) {
  switch (limit) {
    case Limit::kConnections:
      return "connections";
    case Limit::kConnectionsPerIp:
      return "connections_per_ip";
    case Limit::kConnectRatePerIp:
      return "connect_rate_per_ip";
    case Limit::kHandshakeTimeout:
      return "handshake_timeout";
    case Limit::kAuthTimeout:
      return "auth_timeout";
    case Limit::kRequestLine:
      return "request_line";
    case Limit::kHeaderBytes:
      return "header_bytes";
    case Limit::kHeaders:
      return "headers";
    case Limit::kBodyBytes:
      return "body_bytes";
    case Limit::kToken:
      return "token";
    case Limit::kAcceptsPerTurn:
      return "accepts_per_turn";
    case Limit::kFileDescriptors:
      return "file_descriptors";
    case Limit::kMemory:
      return "memory";
    case Limit::kMessageBytes:
      return "message_bytes";
    case Limit::kRuleMessageBytes:
      return "rule_message_bytes";
    case Limit::kFramesPerMessage:
      return "frames_per_message";
    case Limit::kMaxRatio:
      return "max_ratio";
    case Limit::kControlFrames:
      return "control_frames";
    case Limit::kCommandsPerSecond:
      return "commands_per_second";
    case Limit::kErrorsPerConnection:
      return "errors_per_connection";
    case Limit::kJsonDepth:
      return "json_depth";
    case Limit::kTopics:
      return "topics";
    case Limit::kTopicBytes:
      return "topic_bytes";
    case Limit::kTopicsPerRequest:
      return "topics_per_request";
    case Limit::kSubscriptionsPerConnection:
      return "subscriptions_per_connection";
    case Limit::kHistoryBytes:
      return "history_bytes";
    case Limit::kHistoryAnswer:
      return "history_answer";
    case Limit::kMemberInfo:
      return "member_info";
    case Limit::kPresenceEvents:
      return "presence_events";
    case Limit::kQueuedBytes:
      return "queued_bytes";
    case Limit::kWriteTimeout:
      return "write_timeout";
  }
  return {};
}

std::string_view door_name(DoorLabel door) {
  switch (door) {
    case DoorLabel::kHttp:
      return "http";
    case DoorLabel::kWspushV1:
      return "wspush.v1";
    case DoorLabel::kRaw:
      return "raw";
    case DoorLabel::kEcho:
      return "echo";
    case DoorLabel::kSse:
      return "sse";
    case DoorLabel::kPoll:
      return "poll";
  }
  return {};
}

std::string_view reload_result_name(ReloadResult result) {
  switch (result) {
    case ReloadResult::kOk:
      return "ok";
    case ReloadResult::kError:
      return "error";
  }
  return {};
}

std::string_view tls_handshake_name(TlsHandshake result) {
  switch (result) {
    case TlsHandshake::kFull:
      return "full";
    case TlsHandshake::kResumed:
      return "resumed";
    case TlsHandshake::kFailed:
      return "failed";
    case TlsHandshake::kNotTls:
      return "not_tls";
  }
  return {};
}

}  // namespace wspush::metrics
