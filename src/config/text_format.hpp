#pragma once

#include <string_view>

// What a text value must look like, key by key. Pure; everything here is O(length).
namespace wspush::config {

/// One such rule. `allowed` completes "allowed: ..." in a refusal and the column in the manual.
struct TextFormat {
  std::string_view allowed;
  bool (*fits)(std::string_view text);
};

extern const TextFormat kAnyText;
extern const TextFormat kSomeText;      ///< not empty
extern const TextFormat kFileName;      ///< a path, or empty
extern const TextFormat kSomeFileName;  ///< a path
extern const TextFormat kDirectory;     ///< an absolute path
extern const TextFormat kAddress;       ///< host:port, [v6]:port, unix:/path
extern const TextFormat kHostName;      ///< without a port
extern const TextFormat kNetwork;       ///< a CIDR block
extern const TextFormat kPathPrefix;    ///< "" or /a/b
extern const TextFormat kPath;          ///< /a/b
extern const TextFormat kToken;         ///< RFC 9110 §5.6.2
extern const TextFormat kCookieName;    ///< a token, or empty
extern const TextFormat kOrigin;        ///< same, *, *.example.com, https://example.com:8443, null
extern const TextFormat kRulePattern;   ///< a pattern, {user} as a whole segment
extern const TextFormat kTopicPattern;  ///< a pattern
extern const TextFormat kTlsVersion;    ///< 1.2, 1.3
extern const TextFormat kVisibleText;   ///< visible ASCII
extern const TextFormat kDiskSync;      ///< turn, never, or a duration
extern const TextFormat kRedisUrl;      ///< redis:// or rediss://, several with commas
extern const TextFormat kBridgeType;    ///< kafka, rabbitmq
extern const TextFormat kName;          ///< letters, digits, . _ -; 1 to 64
extern const TextFormat kAmqpUrl;       ///< amqp:// or amqps://
extern const TextFormat kHttpUrl;       ///< http:// or https://
extern const TextFormat kWebhookEvent;  ///< the events that webhooks know

/// True for 127.0.0.0/8, [::1] and localhost; an address that fits kAddress is expected.
bool is_loopback_address(std::string_view address);

/// The port of an address that fits kAddress; -1 for unix:/path.
int port_of(std::string_view address);

}  // namespace wspush::config
