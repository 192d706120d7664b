#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// The configuration as plain values: one struct per section of the file, defaults as initializers.
// The table in src/config/config_keys.cpp binds each key to its field; docs/configuration.md and
// conf/wspushd.yaml explain them. Sizes are bytes, durations carry their unit in the type.
// Comparison is member by member: a reload finds by it what has changed.
namespace wspush::config {

using std::chrono::milliseconds;

/// A certificate chain and its key, PEM files.
struct CertificatePair {
  std::string certificate;
  std::string key;

  friend bool operator==(const CertificatePair&, const CertificatePair&) = default;
};

struct Tls {
  bool enabled = false;  ///< true when the section is there
  std::string certificate;
  std::string key;
  std::vector<CertificatePair> also;
  std::string min_version = "1.2";

  friend bool operator==(const Tls&, const Tls&) = default;
};

/// One public listener.
struct Listener {
  std::string address = "127.0.0.1:8080";  ///< host:port, [v6]:port, unix:/path
  Tls tls;
  bool proxy_protocol = false;

  friend bool operator==(const Listener&, const Listener&) = default;
};

struct ApiKey {
  std::string key;
  std::vector<std::string> topics;  ///< patterns; empty: all
  bool can_publish = true;
  bool can_read = true;

  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

struct Internal {
  std::string address = "127.0.0.1:8081";
  std::vector<ApiKey> api_keys;  ///< those of `api_keys_file` too, once loaded
  std::string api_keys_file;
  std::vector<std::string> hosts;
  Tls tls;

  friend bool operator==(const Internal&, const Internal&) = default;
};

struct Handshake {
  milliseconds timeout{10'000};
  bool relaxed = false;

  friend bool operator==(const Handshake&, const Handshake&) = default;
};

struct Heartbeat {
  milliseconds ping_interval{50'000};
  milliseconds pong_timeout{10'000};
  milliseconds proxy_read_timeout{60'000};

  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

struct Compression {
  bool enabled = true;
  int level = 1;
  std::uint64_t min_bytes = 128;
  bool context_takeover = false;
  int window_bits = 15;
  std::uint64_t max_ratio = 1000;

  friend bool operator==(const Compression&, const Compression&) = default;
};

struct Limits {
  std::uint64_t connections = 0;
  std::uint64_t connections_per_ip = 0;
  std::uint64_t connect_rate_per_ip = 0;
  std::uint64_t message_bytes = 1 << 20;
  std::uint64_t frames_per_message = 4096;
  std::uint64_t header_bytes = 16 << 10;
  std::uint64_t headers = 100;
  std::uint64_t body_bytes = 16 << 20;
  std::uint64_t topics = 1'000'000;
  std::uint64_t topic_bytes = 255;
  std::uint64_t subscriptions_per_connection = 1000;
  std::uint64_t commands_per_second = 100;
  std::uint64_t history_bytes = 0;
  std::uint64_t errors_per_connection = 20;
  std::uint64_t queued_bytes = 1 << 20;
  milliseconds write_timeout{30'000};

  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Auth {
  std::string hmac_secret;  ///< the loader fills it from `hmac_secret_file` where that is given
  std::string hmac_secret_file;
  std::string public_key_file;
  std::string jwks_file;
  std::string audience;
  std::string issuer;
  std::string cookie;
  bool required = false;
  milliseconds timeout{10'000};
  milliseconds clock_skew{5'000};

  friend bool operator==(const Auth&, const Auth&) = default;
};

enum class Permission { kAnyone, kAuthenticated, kToken, kSubscriber, kNobody };
enum class Presence { kOff, kOn, kCount };
enum class WhenSlow { kGap, kDisconnect, kLatest };

struct History {
  std::uint64_t messages = 100;
  std::uint64_t bytes = 1 << 20;
  milliseconds ttl{300'000};

  friend bool operator==(const History&, const History&) = default;
};

/// One rule of `topics`; the first whose `match` fits a topic applies to it.
struct TopicRule {
  std::string match = ">";
  Permission subscribe = Permission::kAnyone;  ///< never kSubscriber
  Permission publish = Permission::kNobody;
  History history;
  Presence presence = Presence::kOff;
  WhenSlow when_slow = WhenSlow::kGap;
  std::uint64_t message_bytes = 64 << 10;
  milliseconds batch{0};
  std::vector<std::string> forward;

  friend bool operator==(const TopicRule&, const TopicRule&) = default;
};

enum class EngineType { kMemory, kDisk, kRedis };

struct DiskEngine {
  std::string path = "/var/lib/wspushd";
  std::string sync = "1s";  ///< "turn", "never" or a duration

  friend bool operator==(const DiskEngine&, const DiskEngine&) = default;
};

struct RedisEngine {
  std::string url = "redis://127.0.0.1:6379/0";
  std::string prefix = "wspushd";
  std::string password;  ///< no key of its own: the loader reads it from `password_file`
  std::string password_file;

  friend bool operator==(const RedisEngine&, const RedisEngine&) = default;
};

struct Engine {
  EngineType type = EngineType::kMemory;
  DiskEngine disk;
  RedisEngine redis;

  friend bool operator==(const Engine&, const Engine&) = default;
};

/// A bridge as it stands in the file; the fields a type does not know stay empty.
struct Bridge {
  std::string name;
  std::string type;  ///< kafka or rabbitmq
  std::string brokers;
  std::string url;
  std::vector<std::pair<std::string, std::string>> properties;
  std::vector<std::string> consume_topics;
  std::string consume_exchange;
  std::vector<std::string> consume_binding_keys;
  std::string consume_to;
  std::string produce_topic;
  std::string produce_exchange;
  std::string produce_routing_key;

  friend bool operator==(const Bridge&, const Bridge&) = default;
};

struct Webhook {
  std::string url;
  std::vector<std::string> events;

  friend bool operator==(const Webhook&, const Webhook&) = default;
};

struct PusherApp {
  std::string id;
  std::string key;
  std::string secret;
  bool enabled = true;
  bool client_events = false;
  bool subscription_count = false;
  bool watchlist_events = false;
  bool authorized_connections = false;
  bool tls_only = false;
  std::uint64_t max_connections = 0;
  std::uint64_t client_events_per_second = 10;
  std::vector<std::string> origins{"*"};
  std::vector<Webhook> webhooks;

  friend bool operator==(const PusherApp&, const PusherApp&) = default;
};

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  std::string file;  ///< empty: stderr
  bool access = false;

  friend bool operator==(const Log&, const Log&) = default;
};

struct Drain {
  milliseconds period{10'000};

  friend bool operator==(const Drain&, const Drain&) = default;
};

/// Everything that the server is told. Immutable once loaded; a reload makes a new one.
struct Config {
  std::vector<Listener> listen{Listener{}};
  Internal internal;
  std::vector<std::string> trusted_proxies;
  unsigned reactors = 0;  ///< 0: auto, one for each CPU that the process may run on
  bool pin_reactors = false;
  std::string path_prefix;
  std::vector<std::string> ws_paths{"/ws"};
  std::vector<std::string> subprotocols;
  std::vector<std::string> origins{"same"};
  bool echo = false;
  bool demo = false;
  Handshake handshake;
  Heartbeat heartbeat;
  Compression compression;
  Limits limits;
  Auth auth;
  std::vector<TopicRule> topics{TopicRule{}};
  Engine engine;
  std::vector<Bridge> bridges;
  std::vector<PusherApp> pusher_apps;
  Log log;
  Drain drain;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace wspush::config
