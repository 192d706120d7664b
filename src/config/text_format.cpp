#include "config/text_format.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <string>

#include "config/units.hpp"

namespace wspush::config {
namespace {

constexpr std::size_t kUnixPathBytesMax = 107;  // sockaddr_un holds 108, the last is a zero
constexpr std::size_t kTopicBytesMax = 255;     // the grammar's own bound, whatever limits say

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool consists_of(std::string_view text, bool (*allowed)(char)) {
  return std::ranges::all_of(text, allowed);
}

bool is_some(std::string_view text) {
  return !text.empty();
}

bool has_no_zero(std::string_view text) {
  return text.find('\0') == text.npos;
}

// Addresses -------------------------------------------------------------------------------------

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
         consists_of(text, [](char c) {
           return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
         });
}

bool is_ip(int family, std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(family, std::string(text).c_str(), bytes.data()) == 1;
}

int parse_port(std::string_view text) {
  const auto port = parse_count(text);
  return port && port.value() <= 65535 ? static_cast<int>(port.value()) : -1;
}

bool is_unix_address(std::string_view text) {
  constexpr std::string_view kScheme = "unix:";
  return text.substr(0, kScheme.size()) == kScheme && text.size() > kScheme.size() + 1 &&
         text[kScheme.size()] == '/' && text.size() - kScheme.size() <= kUnixPathBytesMax &&
         has_no_zero(text);
}

struct HostAndPort {
  std::string_view host;
  std::string_view port;
};

HostAndPort split_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) {
    return {text, {}};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_bracketed_v6(std::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         is_ip(AF_INET6, host.substr(1, host.size() - 2));
}

bool looks_like_ipv4(std::string_view host) {
  return consists_of(host, [](char c) { return is_digit(c) || c == '.'; });
}

bool is_host(std::string_view host) {
  if (is_bracketed_v6(host)) {
    return true;
  }
  // 300.0.0.1 is a valid host name by its letters; nobody means it as one.
  return is_host_name(host) && (!looks_like_ipv4(host) || is_ip(AF_INET, host));
}

bool is_address(std::string_view text) {
  if (is_unix_address(text)) {
    return true;
  }
  const auto [host, port] = split_address(text);
  return is_host(host) && parse_port(port) >= 0;
}

bool is_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const bool is_v4 = is_ip(AF_INET, address);
  if (slash == text.npos || (!is_v4 && !is_ip(AF_INET6, address))) {
    return false;
  }
  const auto bits = parse_count(text.substr(slash + 1));
  return bits && bits.value() <= (is_v4 ? 32U : 128U);
}

// Paths and URLs --------------------------------------------------------------------------------

bool is_path(std::string_view text) {
  if (text.empty() || text.front() != '/' || text.find("//") != text.npos) {
    return false;
  }
  return consists_of(text, [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("/._~-!$&'()*+,;=:@").find(c) != std::string_view::npos;
  });
}

bool is_path_prefix(std::string_view text) {
  return text.empty() || (is_path(text) && text.back() != '/');
}

bool is_whole_path(std::string_view text) {
  return text == "/" || (is_path(text) && text.back() != '/');
}

bool is_visible(std::string_view text) {
  return consists_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_token(std::string_view text) {
  return !text.empty() && consists_of(text, [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// `scheme://` followed by at least one visible byte that does not begin a path.
bool has_scheme(std::string_view text, std::string_view scheme) {
  return text.size() > scheme.size() && text.substr(0, scheme.size()) == scheme &&
         text[scheme.size()] != '/' && is_visible(text);
}

bool is_redis_url(std::string_view text) {
  while (true) {
    const auto comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    if (!has_scheme(one, "redis://") && !has_scheme(one, "rediss://")) {
      return false;
    }
    if (comma == text.npos) {
      return true;
    }
    text.remove_prefix(comma + 1);
  }
}

bool is_exact_origin(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.substr(0, scheme.size()) == scheme) {
      const std::string_view rest = text.substr(scheme.size());
      const auto [host, port] = split_address(rest);
      return is_host(rest) || (is_host(host) && parse_port(port) > 0);
    }
  }
  return false;
}

bool is_origin(std::string_view text) {
  if (text == "same" || text == "*" || text == "null" || is_exact_origin(text)) {
    return true;
  }
  return text.substr(0, 2) == "*." && is_host_name(text.substr(2));
}

// Topics ----------------------------------------------------------------------------------------

/// Code points that a topic must not hold although they are beyond ASCII: the C1 controls and the
/// blanks of Unicode. `text` is well-formed UTF-8, the reader has seen to that.
bool has_blank_beyond_ascii(std::string_view text) {
  for (const std::string_view blank : {"\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                       "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"}) {
    if (text.find(blank) != text.npos) {
      return true;
    }
  }
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if (first == 0xc2 && second >= 0x80 && second <= 0x9f) {
      return true;
    }
    if (first == 0xe2 && second == 0x80 && i + 2 < text.size() &&
        static_cast<unsigned char>(text[i + 2]) <= 0x8a) {
      return true;
    }
  }
  return false;
}

bool is_topic_segment(std::string_view segment) {
  return !segment.empty() && consists_of(segment, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f &&
           std::string_view("*>/?#").find(c) == std::string_view::npos;
  });
}

bool is_pattern(std::string_view text, bool with_user) {
  if (text.empty() || text.size() > kTopicBytesMax || has_blank_beyond_ascii(text)) {
    return false;
  }
  while (true) {
    const auto dot = text.find('.');
    const std::string_view segment = text.substr(0, dot);
    const bool is_last = dot == text.npos;
    if (segment == ">") {
      return is_last;
    }
    // {user} inside a longer segment would look as if it stood for a part of it; it never does.
    const bool holds_user = with_user && segment.find("{user}") != segment.npos;
    if (holds_user ? segment != "{user}" : (segment != "*" && !is_topic_segment(segment))) {
      return false;
    }
    if (is_last) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

// The rest --------------------------------------------------------------------------------------

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && consists_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

bool is_disk_sync(std::string_view text) {
  using namespace std::chrono_literals;
  if (text == "turn" || text == "never") {
    return true;
  }
  const auto period = parse_duration(text);
  return period && period.value() >= 1ms && period.value() <= 1h;
}

bool is_webhook_event(std::string_view text) {
  constexpr std::array<std::string_view, 7> kEvents{
      "channel_occupied", "channel_vacated", "member_added",      "member_removed",
      "client_event",     "cache_miss",      "subscription_count"};
  return std::ranges::find(kEvents, text) != kEvents.end();
}

}  // namespace

const TextFormat kAnyText{"a text", has_no_zero};
const TextFormat kSomeText{"a text that is not empty",
                           [](std::string_view t) { return is_some(t) && has_no_zero(t); }};
const TextFormat kFileName{"a path, or empty", has_no_zero};
const TextFormat kSomeFileName{"a path",
                               [](std::string_view t) { return is_some(t) && has_no_zero(t); }};
const TextFormat kDirectory{"an absolute path", [](std::string_view t) {
                              return is_some(t) && t[0] == '/' && has_no_zero(t);
                            }};
const TextFormat kAddress{"host:port, [v6]:port or unix:/path, port 0 to 65535", is_address};
const TextFormat kHostName{"a host name without a port", is_host_name};
const TextFormat kNetwork{"a network such as 10.0.0.0/8 or fd00::/8", is_network};
const TextFormat kPathPrefix{"empty, or a path that begins with / and does not end with one",
                             is_path_prefix};
const TextFormat kPath{"a path that begins with / and does not end with one", is_whole_path};
const TextFormat kToken{"a token (letters, digits, ! # $ % & ' * + - . ^ _ ` | ~)", is_token};
const TextFormat kCookieName{"a cookie's name (a token), or empty",
                             [](std::string_view t) { return t.empty() || is_token(t); }};
const TextFormat kOrigin{
    "same, *, *.example.com, null, or an origin such as https://example.com:8443 without a path",
    is_origin};
const TextFormat kRulePattern{
    "a topic or a pattern: segments between dots, * for one, > for the rest (last only), {user} "
    "as a whole segment, at most 255 bytes",
    [](std::string_view t) { return is_pattern(t, true); }};
const TextFormat kTopicPattern{
    "a topic or a pattern: segments between dots, * for one, > for the rest (last only), at most "
    "255 bytes",
    [](std::string_view t) { return is_pattern(t, false); }};
const TextFormat kTlsVersion{"1.2 or 1.3",
                             [](std::string_view t) { return t == "1.2" || t == "1.3"; }};
const TextFormat kVisibleText{"visible ASCII without blanks, not empty",
                              [](std::string_view t) { return is_some(t) && is_visible(t); }};
const TextFormat kDiskSync{"turn, never, or a duration from 1ms to 1h", is_disk_sync};
const TextFormat kRedisUrl{"redis:// or rediss:// and a host; for a cluster several, with commas",
                           is_redis_url};
const TextFormat kBridgeType{"kafka or rabbitmq",
                             [](std::string_view t) { return t == "kafka" || t == "rabbitmq"; }};
const TextFormat kName{"letters, digits, dot, underscore and hyphen, 1 to 64", is_name};
const TextFormat kAmqpUrl{"amqp:// or amqps:// and a host", [](std::string_view t) {
                            return has_scheme(t, "amqp://") || has_scheme(t, "amqps://");
                          }};
const TextFormat kHttpUrl{"http:// or https:// and a host", [](std::string_view t) {
                            return has_scheme(t, "http://") || has_scheme(t, "https://");
                          }};
const TextFormat kWebhookEvent{
    "channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss or "
    "subscription_count",
    is_webhook_event};

bool is_loopback_address(std::string_view address) {
  const std::string_view host = split_address(address).host;
  return host == "localhost" || host == "[::1]" ||
         (host.substr(0, 4) == "127." && is_ip(AF_INET, host));
}

int port_of(std::string_view address) {
  return is_unix_address(address) ? -1 : parse_port(split_address(address).port);
}

}  // namespace wspush::config
