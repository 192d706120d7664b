#include "config/config_keys.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "config/units.hpp"

namespace wspush::config {
namespace {

// Bounds --------------------------------------------------------------------------------------
// Wide enough for tests that want everything to happen at once, and for servers of the largest
// kind; what lies beyond is a slip of the pen.

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kShortestTimeout = 10;  // the timer wheel does not tell less apart
constexpr std::uint64_t kLongestTimeout = kHour;
constexpr std::uint64_t kLongestPing = 24 * kHour;
constexpr std::uint64_t kLongestProxyTimeout = 48 * kHour;
constexpr std::uint64_t kLongestHistory = 365 * 24 * kHour;
constexpr std::uint64_t kLongestBatch = 20;  // more would be felt

constexpr std::uint64_t kKiB = 1ULL << 10;
constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kMany = 1'000'000;
constexpr std::uint64_t kVeryMany = 100'000'000;

// Choices -------------------------------------------------------------------------------------

template <typename Enum>
constexpr Choice choice_of(std::string_view name, Enum value, Feature feature = Feature::kNone) {
  return {name, static_cast<int>(value), feature};
}

constexpr std::array kSubscribe{
    choice_of("anyone", Permission::kAnyone),
    choice_of("authenticated", Permission::kAuthenticated),
    choice_of("token", Permission::kToken),
    choice_of("nobody", Permission::kNobody),
};
constexpr std::array kPublish{
    choice_of("anyone", Permission::kAnyone),
    choice_of("authenticated", Permission::kAuthenticated),
    choice_of("token", Permission::kToken),
    choice_of("subscriber", Permission::kSubscriber),
    choice_of("nobody", Permission::kNobody),
};
constexpr std::array kPresence{
    choice_of("false", Presence::kOff),
    choice_of("true", Presence::kOn),
    choice_of("count", Presence::kCount),
};
constexpr std::array kWhenSlow{
    choice_of("gap", WhenSlow::kGap),
    choice_of("disconnect", WhenSlow::kDisconnect),
    choice_of("latest", WhenSlow::kLatest),
};
constexpr std::array kEngine{
    choice_of("memory", EngineType::kMemory),
    choice_of("disk", EngineType::kDisk, Feature::kDiskEngine),
    choice_of("redis", EngineType::kRedis, Feature::kRedisEngine),
};
constexpr std::array kLogLevel{
    choice_of("trace", LogLevel::kTrace), choice_of("debug", LogLevel::kDebug),
    choice_of("info", LogLevel::kInfo),   choice_of("warning", LogLevel::kWarning),
    choice_of("error", LogLevel::kError),
};
constexpr std::array kLogFormat{
    choice_of("text", LogFormat::kText),
    choice_of("json", LogFormat::kJson),
};

// Rows ----------------------------------------------------------------------------------------

constexpr KeyRow section(std::string_view path, FieldOf field = nullptr) {
  return {.path = path, .type = KeyType::kSection, .field = field};
}
constexpr KeyRow sections(std::string_view path, FieldOf field, std::string_view item_key = {}) {
  return {.path = path, .type = KeyType::kSections, .field = field, .item_key = item_key};
}
constexpr KeyRow boolean(std::string_view path, FieldOf field) {
  return {.path = path, .type = KeyType::kBoolean, .field = field};
}
constexpr KeyRow integer(std::string_view path, std::uint64_t min, std::uint64_t max, FieldOf field,
                         std::string_view zero_word = {}) {
  return {.path = path,
          .type = KeyType::kInteger,
          .field = field,
          .min = min,
          .max = max,
          .zero_word = zero_word};
}
constexpr KeyRow size(std::string_view path, std::uint64_t min, std::uint64_t max, FieldOf field) {
  return {.path = path, .type = KeyType::kSize, .field = field, .min = min, .max = max};
}
constexpr KeyRow duration(std::string_view path, std::uint64_t min, std::uint64_t max,
                          FieldOf field) {
  return {.path = path, .type = KeyType::kDuration, .field = field, .min = min, .max = max};
}
constexpr KeyRow choice(std::string_view path, std::span<const Choice> choices, FieldOf field) {
  return {.path = path, .type = KeyType::kChoice, .field = field, .choices = choices};
}
constexpr KeyRow text(std::string_view path, const TextFormat& format, FieldOf field) {
  return {.path = path, .type = KeyType::kText, .field = field, .format = &format};
}
constexpr KeyRow texts(std::string_view path, const TextFormat& format, FieldOf field) {
  return {.path = path, .type = KeyType::kTexts, .field = field, .format = &format};
}
constexpr KeyRow rights(std::string_view path, FieldOf field) {
  return {.path = path, .type = KeyType::kRights, .field = field};
}
constexpr KeyRow text_map(std::string_view path, FieldOf field) {
  return {.path = path, .type = KeyType::kTextMap, .field = field, .format = &kAnyText};
}

Field api_key_rights(Slot& slot) {
  return &slot.config.internal.api_keys[slot.index[0]];
}

using F = Feature;
using C = Config;

// clang-format off
constexpr std::array kRows{
    sections("listen", field<&C::listen>),
    text("listen[].address", kAddress, field<&C::listen, &Listener::address>),
    section("listen[].tls", field<&C::listen, &Listener::tls, &Tls::enabled>),
    text("listen[].tls.certificate", kSomeFileName, field<&C::listen, &Listener::tls, &Tls::certificate>).required().reload(),
    text("listen[].tls.key", kSomeFileName, field<&C::listen, &Listener::tls, &Tls::key>).required().reload(),
    sections("listen[].tls.also", field<&C::listen, &Listener::tls, &Tls::also>).reload(),
    text("listen[].tls.also[].certificate", kSomeFileName, field<&C::listen, &Listener::tls, &Tls::also, &CertificatePair::certificate>).required().reload(),
    text("listen[].tls.also[].key", kSomeFileName, field<&C::listen, &Listener::tls, &Tls::also, &CertificatePair::key>).required().reload(),
    text("listen[].tls.min_version", kTlsVersion, field<&C::listen, &Listener::tls, &Tls::min_version>).reload(),
    boolean("listen[].proxy_protocol", field<&C::listen, &Listener::proxy_protocol>),

    section("internal"),
    text("internal.address", kAddress, field<&C::internal, &Internal::address>),
    sections("internal.api_keys", field<&C::internal, &Internal::api_keys>, "key").reload().secret(),
    text("internal.api_keys[].key", kVisibleText, field<&C::internal, &Internal::api_keys, &ApiKey::key>).required().reload().secret(),
    texts("internal.api_keys[].topics", kTopicPattern, field<&C::internal, &Internal::api_keys, &ApiKey::topics>).reload(),
    rights("internal.api_keys[].can", api_key_rights).reload(),
    text("internal.api_keys_file", kFileName, field<&C::internal, &Internal::api_keys_file>).reload(),
    texts("internal.hosts", kHostName, field<&C::internal, &Internal::hosts>).reload(),
    section("internal.tls", field<&C::internal, &Internal::tls, &Tls::enabled>),
    text("internal.tls.certificate", kSomeFileName, field<&C::internal, &Internal::tls, &Tls::certificate>).required().reload(),
    text("internal.tls.key", kSomeFileName, field<&C::internal, &Internal::tls, &Tls::key>).required().reload(),
    sections("internal.tls.also", field<&C::internal, &Internal::tls, &Tls::also>).reload(),
    text("internal.tls.also[].certificate", kSomeFileName, field<&C::internal, &Internal::tls, &Tls::also, &CertificatePair::certificate>).required().reload(),
    text("internal.tls.also[].key", kSomeFileName, field<&C::internal, &Internal::tls, &Tls::also, &CertificatePair::key>).required().reload(),
    text("internal.tls.min_version", kTlsVersion, field<&C::internal, &Internal::tls, &Tls::min_version>).reload(),

    texts("trusted_proxies", kNetwork, field<&C::trusted_proxies>),
    integer("reactors", 1, 1024, field<&C::reactors>, "auto"),
    boolean("pin_reactors", field<&C::pin_reactors>),
    text("path_prefix", kPathPrefix, field<&C::path_prefix>),
    texts("ws_paths", kPath, field<&C::ws_paths>),
    texts("subprotocols", kToken, field<&C::subprotocols>),
    texts("origins", kOrigin, field<&C::origins>).reload(),
    boolean("echo", field<&C::echo>),
    boolean("demo", field<&C::demo>),

    section("handshake"),
    duration("handshake.timeout", kShortestTimeout, kLongestTimeout, field<&C::handshake, &Handshake::timeout>),
    boolean("handshake.relaxed", field<&C::handshake, &Handshake::relaxed>),

    section("heartbeat"),
    duration("heartbeat.ping_interval", kShortestTimeout, kLongestPing, field<&C::heartbeat, &Heartbeat::ping_interval>),
    duration("heartbeat.pong_timeout", kShortestTimeout, kLongestTimeout, field<&C::heartbeat, &Heartbeat::pong_timeout>),
    duration("heartbeat.proxy_read_timeout", kShortestTimeout, kLongestProxyTimeout, field<&C::heartbeat, &Heartbeat::proxy_read_timeout>),

    section("compression"),
    boolean("compression.enabled", field<&C::compression, &Compression::enabled>),
    integer("compression.level", 1, 9, field<&C::compression, &Compression::level>),
    size("compression.min_bytes", 0, kGiB, field<&C::compression, &Compression::min_bytes>),
    boolean("compression.context_takeover", field<&C::compression, &Compression::context_takeover>),
    integer("compression.window_bits", 9, 15, field<&C::compression, &Compression::window_bits>),
    integer("compression.max_ratio", 1, kMany, field<&C::compression, &Compression::max_ratio>),

    section("limits"),
    integer("limits.connections", 0, kVeryMany, field<&C::limits, &Limits::connections>).reload(),
    integer("limits.connections_per_ip", 0, kVeryMany, field<&C::limits, &Limits::connections_per_ip>).reload(),
    integer("limits.connect_rate_per_ip", 0, kMany, field<&C::limits, &Limits::connect_rate_per_ip>).reload(),
    size("limits.message_bytes", 1, kGiB, field<&C::limits, &Limits::message_bytes>).reload(),
    integer("limits.frames_per_message", 1, kVeryMany, field<&C::limits, &Limits::frames_per_message>).reload(),
    size("limits.header_bytes", 256, 16 * kMiB, field<&C::limits, &Limits::header_bytes>).reload(),
    integer("limits.headers", 1, 10'000, field<&C::limits, &Limits::headers>).reload(),
    size("limits.body_bytes", 1, 4 * kGiB, field<&C::limits, &Limits::body_bytes>).reload(),
    integer("limits.topics", 1, kVeryMany, field<&C::limits, &Limits::topics>).reload(),
    integer("limits.topic_bytes", 1, 255, field<&C::limits, &Limits::topic_bytes>).reload(),
    integer("limits.subscriptions_per_connection", 1, kMany, field<&C::limits, &Limits::subscriptions_per_connection>).reload(),
    integer("limits.commands_per_second", 0, kMany, field<&C::limits, &Limits::commands_per_second>).reload(),
    size("limits.history_bytes", 0, 1024 * kGiB, field<&C::limits, &Limits::history_bytes>).reload(),
    integer("limits.errors_per_connection", 1, kMany, field<&C::limits, &Limits::errors_per_connection>).reload(),
    size("limits.queued_bytes", kKiB, kGiB, field<&C::limits, &Limits::queued_bytes>).reload(),
    duration("limits.write_timeout", kShortestTimeout, kLongestTimeout, field<&C::limits, &Limits::write_timeout>).reload(),

    section("auth"),
    text("auth.hmac_secret", kAnyText, field<&C::auth, &Auth::hmac_secret>).reload().secret(),
    text("auth.hmac_secret_file", kFileName, field<&C::auth, &Auth::hmac_secret_file>).reload(),
    text("auth.public_key_file", kFileName, field<&C::auth, &Auth::public_key_file>).reload(),
    text("auth.jwks_file", kFileName, field<&C::auth, &Auth::jwks_file>).reload(),
    text("auth.audience", kAnyText, field<&C::auth, &Auth::audience>).reload(),
    text("auth.issuer", kAnyText, field<&C::auth, &Auth::issuer>).reload(),
    text("auth.cookie", kCookieName, field<&C::auth, &Auth::cookie>).reload(),
    boolean("auth.required", field<&C::auth, &Auth::required>).reload(),
    duration("auth.timeout", kShortestTimeout, kLongestTimeout, field<&C::auth, &Auth::timeout>).reload(),
    duration("auth.clock_skew", 0, kLongestTimeout, field<&C::auth, &Auth::clock_skew>).reload(),

    sections("topics", field<&C::topics>).reload(),
    text("topics[].match", kRulePattern, field<&C::topics, &TopicRule::match>).reload(),
    choice("topics[].subscribe", kSubscribe, field<&C::topics, &TopicRule::subscribe>).reload(),
    choice("topics[].publish", kPublish, field<&C::topics, &TopicRule::publish>).reload(),
    section("topics[].history"),
    integer("topics[].history.messages", 0, kMany, field<&C::topics, &TopicRule::history, &History::messages>).reload(),
    size("topics[].history.bytes", 0, 64 * kGiB, field<&C::topics, &TopicRule::history, &History::bytes>).reload(),
    duration("topics[].history.ttl", 0, kLongestHistory, field<&C::topics, &TopicRule::history, &History::ttl>).reload(),
    choice("topics[].presence", kPresence, field<&C::topics, &TopicRule::presence>).reload(),
    choice("topics[].when_slow", kWhenSlow, field<&C::topics, &TopicRule::when_slow>).reload(),
    size("topics[].message_bytes", 1, kGiB, field<&C::topics, &TopicRule::message_bytes>).reload(),
    duration("topics[].batch", 0, kLongestBatch, field<&C::topics, &TopicRule::batch>).reload(),
    texts("topics[].forward", kName, field<&C::topics, &TopicRule::forward>).reload().needs(F::kBridges),

    section("engine"),
    choice("engine.type", kEngine, field<&C::engine, &Engine::type>),
    section("engine.disk"),
    text("engine.disk.path", kDirectory, field<&C::engine, &Engine::disk, &DiskEngine::path>).needs(F::kDiskEngine),
    text("engine.disk.sync", kDiskSync, field<&C::engine, &Engine::disk, &DiskEngine::sync>).needs(F::kDiskEngine),
    section("engine.redis"),
    text("engine.redis.url", kRedisUrl, field<&C::engine, &Engine::redis, &RedisEngine::url>).secret().needs(F::kRedisEngine),
    text("engine.redis.prefix", kVisibleText, field<&C::engine, &Engine::redis, &RedisEngine::prefix>).needs(F::kRedisEngine),
    text("engine.redis.password_file", kFileName, field<&C::engine, &Engine::redis, &RedisEngine::password_file>).needs(F::kRedisEngine),

    sections("bridges", field<&C::bridges>).needs(F::kBridges),
    text("bridges[].name", kName, field<&C::bridges, &Bridge::name>).required(),
    text("bridges[].type", kBridgeType, field<&C::bridges, &Bridge::type>).required(),
    text("bridges[].brokers", kSomeText, field<&C::bridges, &Bridge::brokers>),
    text("bridges[].url", kAmqpUrl, field<&C::bridges, &Bridge::url>).secret(),
    text_map("bridges[].properties", field<&C::bridges, &Bridge::properties>).secret(),
    section("bridges[].consume"),
    texts("bridges[].consume.topics", kSomeText, field<&C::bridges, &Bridge::consume_topics>),
    text("bridges[].consume.exchange", kSomeText, field<&C::bridges, &Bridge::consume_exchange>),
    texts("bridges[].consume.binding_keys", kAnyText, field<&C::bridges, &Bridge::consume_binding_keys>),
    text("bridges[].consume.to", kSomeText, field<&C::bridges, &Bridge::consume_to>),
    section("bridges[].produce"),
    text("bridges[].produce.topic", kSomeText, field<&C::bridges, &Bridge::produce_topic>),
    text("bridges[].produce.exchange", kSomeText, field<&C::bridges, &Bridge::produce_exchange>),
    text("bridges[].produce.routing_key", kSomeText, field<&C::bridges, &Bridge::produce_routing_key>),

    section("pusher"),
    sections("pusher.apps", field<&C::pusher_apps>).needs(F::kPusher),
    text("pusher.apps[].id", kName, field<&C::pusher_apps, &PusherApp::id>).required(),
    text("pusher.apps[].key", kName, field<&C::pusher_apps, &PusherApp::key>).required(),
    text("pusher.apps[].secret", kSomeText, field<&C::pusher_apps, &PusherApp::secret>).required().secret(),
    boolean("pusher.apps[].enabled", field<&C::pusher_apps, &PusherApp::enabled>),
    boolean("pusher.apps[].client_events", field<&C::pusher_apps, &PusherApp::client_events>),
    boolean("pusher.apps[].subscription_count", field<&C::pusher_apps, &PusherApp::subscription_count>),
    boolean("pusher.apps[].watchlist_events", field<&C::pusher_apps, &PusherApp::watchlist_events>),
    boolean("pusher.apps[].authorized_connections", field<&C::pusher_apps, &PusherApp::authorized_connections>),
    boolean("pusher.apps[].tls_only", field<&C::pusher_apps, &PusherApp::tls_only>),
    integer("pusher.apps[].max_connections", 0, kVeryMany, field<&C::pusher_apps, &PusherApp::max_connections>),
    integer("pusher.apps[].client_events_per_second", 1, kMany, field<&C::pusher_apps, &PusherApp::client_events_per_second>),
    texts("pusher.apps[].origins", kOrigin, field<&C::pusher_apps, &PusherApp::origins>),
    sections("pusher.apps[].webhooks", field<&C::pusher_apps, &PusherApp::webhooks>),
    text("pusher.apps[].webhooks[].url", kHttpUrl, field<&C::pusher_apps, &PusherApp::webhooks, &Webhook::url>).required().secret(),
    texts("pusher.apps[].webhooks[].events", kWebhookEvent, field<&C::pusher_apps, &PusherApp::webhooks, &Webhook::events>),

    section("log"),
    choice("log.level", kLogLevel, field<&C::log, &Log::level>),
    choice("log.format", kLogFormat, field<&C::log, &Log::format>),
    text("log.file", kFileName, field<&C::log, &Log::file>),
    boolean("log.access", field<&C::log, &Log::access>),

    section("drain"),
    duration("drain.period", 0, kLongestTimeout, field<&C::drain, &Drain::period>),
};
// clang-format on

std::vector<const KeyRow*> sorted_rows() {
  std::vector<const KeyRow*> rows;
  for (const KeyRow& row : kRows) {
    rows.push_back(&row);
  }
  std::ranges::sort(rows, {}, &KeyRow::path);
  return rows;
}

std::string choice_names(std::span<const Choice> choices) {
  std::string names;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    names += i == 0 ? "" : (i + 1 == choices.size() ? " or " : ", ");
    names += choices[i].name;
  }
  return names;
}

std::string number_text(const KeyRow& row, std::uint64_t number) {
  switch (row.type) {
    case KeyType::kSize:
      return format_size(number);
    case KeyType::kDuration:
      return format_duration(milliseconds(number));
    case KeyType::kSection:
    case KeyType::kSections:
    case KeyType::kBoolean:
    case KeyType::kInteger:
    case KeyType::kChoice:
    case KeyType::kRights:
    case KeyType::kText:
    case KeyType::kTexts:
    case KeyType::kTextMap:
      break;
  }
  return number == 0 && !row.zero_word.empty() ? std::string(row.zero_word)
                                               : std::to_string(number);
}

std::string list_text(const Texts& items) {
  std::string list = "[";
  for (const std::string& item : items) {
    list += (list.size() == 1 ? "\"" : ", \"") + item + '"';
  }
  return list + ']';
}

/// Puts the value behind a Field into the manual's spelling.
struct ValueText {
  const KeyRow& row;

  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const milliseconds* value) const { return format_duration(*value); }
  std::string operator()(const std::string* value) const { return '"' + *value + '"'; }
  std::string operator()(const Texts* value) const { return list_text(*value); }
  std::string operator()(const TextPairs*) const { return "{}"; }
  std::string operator()(const ApiKey* value) const {
    Texts names;
    if (value->can_publish) {
      names.emplace_back("publish");
    }
    if (value->can_read) {
      names.emplace_back("read");
    }
    return list_text(names);
  }
  template <typename T>
  std::string operator()(const std::vector<T>*) const {
    return "[]";
  }
  template <typename T>
  std::string operator()(const T* value) const {
    if constexpr (std::is_enum_v<T>) {
      for (const Choice& candidate : row.choices) {
        if (candidate.value == static_cast<int>(*value)) {
          return std::string(candidate.name);
        }
      }
      return {};
    } else {
      return number_text(row, static_cast<std::uint64_t>(*value));
    }
  }
};

}  // namespace

std::string_view missing_feature(Feature feature) {
  switch (feature) {
    case Feature::kNone:
      return {};
    case Feature::kDiskEngine:
      return {};
    case Feature::kRedisEngine:
      return "this version has no Redis engine yet: messages stay in memory";
    case Feature::kBridges:
      return "this version has no bridges yet";
    case Feature::kPusher:
      return "this version has no Pusher door yet";
  }
  return {};
}

std::span<const KeyRow> config_keys() {
  return kRows;
}

const KeyRow* find_key(std::string_view path) {
  static const std::vector<const KeyRow*> rows = sorted_rows();
  const auto found = std::ranges::lower_bound(rows, path, {}, &KeyRow::path);
  return found != rows.end() && (*found)->path == path ? *found : nullptr;
}

std::string_view parent_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? std::string_view() : path.substr(0, dot);
}

std::string_view leaf_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? path : path.substr(dot + 1);
}

std::string allowed_text(const KeyRow& row) {
  switch (row.type) {
    case KeyType::kSection:
      return "a mapping of keys";
    case KeyType::kSections:
      return row.item_key.empty() ? "a list of mappings" : "a list of texts and mappings";
    case KeyType::kBoolean:
      return "true or false";
    case KeyType::kInteger:
    case KeyType::kSize:
    case KeyType::kDuration:
      return (row.zero_word.empty() ? "" : std::string(row.zero_word) + ", or ") +
             number_text(row, row.min) + " to " + number_text(row, row.max);
    case KeyType::kChoice:
      return choice_names(row.choices);
    case KeyType::kRights:
      return "a list of publish and read, one at least";
    case KeyType::kText:
      return std::string(row.format->allowed);
    case KeyType::kTexts:
      return "a list, each item " + std::string(row.format->allowed);
    case KeyType::kTextMap:
      return "a mapping of names to texts";
  }
  return {};
}

std::string value_text(const KeyRow& row, Slot& slot) {
  return row.field == nullptr ? std::string() : std::visit(ValueText{row}, row.field(slot));
}

std::string default_text(const KeyRow& row) {
  if (row.is_required || row.type == KeyType::kSection) {
    return {};
  }
  if (row.path == "listen" || row.path == "topics") {
    return "one item";
  }
  Config defaults = one_of_each();
  Slot slot{defaults};
  return value_text(row, slot);
}

Config one_of_each() {
  Config config;
  config.listen.front().tls.also.emplace_back();
  config.internal.api_keys.emplace_back();
  config.internal.tls.also.emplace_back();
  config.bridges.emplace_back();
  config.pusher_apps.emplace_back().webhooks.emplace_back();
  return config;
}

}  // namespace wspush::config
