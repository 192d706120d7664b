#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The values that labels can have. They are closed lists: a label value never comes from outside,
// so the number of time series is fixed when this is compiled.
namespace wspush::metrics {

/// The bounds that a peer can run into; the order is that of `limit_name`.
enum class Limit : std::uint8_t {
  // Connection and handshake.
  kConnections,
  kConnectionsPerIp,
  kConnectRatePerIp,
  kHandshakeTimeout,
  kAuthTimeout,
  kRequestLine,
  kHeaderBytes,
  kHeaders,
  kBodyBytes,
  kToken,
  kAcceptsPerTurn,
  kFileDescriptors,
  kMemory,
  // Messages in.
  kMessageBytes,
  kRuleMessageBytes,
  kFramesPerMessage,
  kMaxRatio,
  kControlFrames,
  kCommandsPerSecond,
  kErrorsPerConnection,
  kJsonDepth,
  // Topics, subscriptions, history, presence.
  kTopics,
  kTopicBytes,
  kTopicsPerRequest,
  kSubscriptionsPerConnection,
  kHistoryBytes,
  kHistoryAnswer,
  kMemberInfo,
  kPresenceEvents,
  // Messages out.
  kQueuedBytes,
  kWriteTimeout,
};
inline constexpr std::size_t kLimitCount = 31;

/// The value of the label `limit`: the config key's last part, or a name for what is built in.
std::string_view limit_name(Limit limit);

/// The value of the label `door`. `kHttp` is a public connection that has not chosen one yet.
enum class DoorLabel : std::uint8_t { kHttp, kWspushV1, kRaw, kEcho, kSse, kPoll };
inline constexpr std::size_t kDoorLabelCount = 6;
std::string_view door_name(DoorLabel door);

enum class ReloadResult : std::uint8_t { kOk, kError };
inline constexpr std::size_t kReloadResultCount = 2;
std::string_view reload_result_name(ReloadResult result);

/// How a TLS handshake ended; the order is that of net::TlsResult. `kNotTls`: the first byte was
/// none of TLS.
enum class TlsHandshake : std::uint8_t { kFull, kResumed, kFailed, kNotTls };
inline constexpr std::size_t kTlsHandshakeCount = 4;
std::string_view tls_handshake_name(TlsHandshake result);

/// The HTTP statuses that refuse a handshake have a series each, any other is `other`.
inline constexpr int kRefusalStatuses[] = {400, 401, 403, 404, 405, 408, 413,
                                           414, 426, 429, 431, 500, 503};
/// The close codes that we send, likewise. 1005 stands for a close frame without a code, 1006 for
/// a connection that ended without one (RFC 6455 §7.4.1: neither is ever on the wire).
inline constexpr int kCloseCodes[] = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009,
                                      1011, 1013, 4001, 4002, 4003, 4007, 4008, 4009};

}  // namespace wspush::metrics
