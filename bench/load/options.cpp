#include "options.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

#include "payload.hpp"

namespace wspush::load {
namespace {

constexpr std::size_t kSubscribersMax = 1000000;
constexpr std::size_t kPayloadBytesMax = std::size_t{1} << 20;
constexpr std::size_t kWindowMax = 4096;
constexpr std::uint64_t kMessagesMax = 100000000;
constexpr double kSecondsMax = 86400;
constexpr double kRateMax = 1000000;

template <typename Number>
bool read_number(std::string_view text, Number low, Number high, Number& out) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !(value >= low && value <= high)) {
    return false;
  }
  out = value;
  return true;
}

bool read_seconds(std::string_view text, std::chrono::nanoseconds& out) {
  double seconds = 0;
  if (!read_number(text, 0.0, kSecondsMax, seconds)) {
    return false;
  }
  out = std::chrono::nanoseconds(std::llround(seconds * 1e9));
  return true;
}

bool read_door(std::string_view text, Door& door) {
  for (const Door known : {Door::kFloor, Door::kRaw, Door::kWspushV1}) {
    if (text == name_of(known)) {
      door = known;
      return true;
    }
  }
  return false;
}

bool read_publish_by(std::string_view text, PublishBy& way) {
  for (const PublishBy known : {PublishBy::kConnection, PublishBy::kHttp}) {
    if (text == name_of(known)) {
      way = known;
      return true;
    }
  }
  return false;
}

bool read_payload_text(std::string_view text, PayloadText& kind) {
  for (const PayloadText known : {PayloadText::kLetter, PayloadText::kMixed}) {
    if (text == name_of(known)) {
      kind = known;
      return true;
    }
  }
  return false;
}

enum class Taken { kYes, kBadValue, kUnknown };

Taken verdict(bool is_good) {
  return is_good ? Taken::kYes : Taken::kBadValue;
}

Taken take_value(std::string_view name, std::string_view value, Options& options) {
  if (name == "--server" || name == "--api") {
    auto address = parse_address(value);
    if (!address) {
      return Taken::kBadValue;
    }
    (name == "--api" ? options.api.emplace() : options.server) = *address;
    return Taken::kYes;
  }
  if (name == "--api-key") {
    options.api_key = value;
    return Taken::kYes;
  }
  if (name == "--topic") {
    options.topic = value;
    return verdict(!value.empty());
  }
  if (name == "--door") {
    return verdict(read_door(value, options.door));
  }
  if (name == "--publish") {
    return verdict(read_publish_by(value, options.publish_by));
  }
  if (name == "--subscribers") {
    return verdict(read_number(value, std::size_t{1}, kSubscribersMax, options.subscribers));
  }
  if (name == "--payload-bytes") {
    return verdict(read_number(value, kPayloadBytesMin, kPayloadBytesMax, options.payload_bytes));
  }
  if (name == "--payload") {
    return verdict(read_payload_text(value, options.payload_text));
  }
  if (name == "--window") {
    return verdict(read_number(value, std::size_t{1}, kWindowMax, options.window));
  }
  if (name == "--rate") {
    return verdict(read_number(value, 0.001, kRateMax, options.rate_per_second));
  }
  if (name == "--messages") {
    return verdict(read_number(value, std::uint64_t{1}, kMessagesMax, options.messages));
  }
  if (name == "--duration") {
    return verdict(read_seconds(value, options.duration));
  }
  if (name == "--warm-up") {
    return verdict(read_seconds(value, options.warm_up));
  }
  if (name == "--timeout") {
    return verdict(read_seconds(value, options.timeout));
  }
  if (name == "--server-pid") {
    return verdict(read_number(value, pid_t{1}, pid_t{1} << 30, options.server_pid));
  }
  return Taken::kUnknown;
}

}  // namespace

const char* name_of(Door door) {
  switch (door) {
    case Door::kFloor:
      return "floor";
    case Door::kRaw:
      return "raw";
    case Door::kWspushV1:
      return "wspush.v1";
  }
  return "";
}

const char* name_of(PublishBy way) {
  switch (way) {
    case PublishBy::kConnection:
      return "connection";
    case PublishBy::kHttp:
      return "http";
  }
  return "";
}

const char* name_of(PayloadText text) {
  switch (text) {
    case PayloadText::kLetter:
      return "letter";
    case PayloadText::kMixed:
      return "mixed";
  }
  return "";
}

Result<Options, std::string> parse_options(int argc, char** argv) {
  Options options;
  bool is_warm_up_given = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--check") {
      options.is_check = true;
      continue;
    }
    if (name == "--deflate") {
      options.is_deflated = true;
      continue;
    }
    if (name == "--json") {
      options.json_only = true;
      continue;
    }
    if (i + 1 == argc) {
      return Unexpected(std::string(name) + ": unknown, or its value is missing");
    }
    const std::string_view value = argv[++i];
    is_warm_up_given = is_warm_up_given || name == "--warm-up";
    switch (take_value(name, value, options)) {
      case Taken::kYes:
        break;
      case Taken::kBadValue:
        return Unexpected(std::string(name) + " " + std::string(value) + ": not allowed");
      case Taken::kUnknown:
        return Unexpected(std::string(name) + ": unknown option");
    }
  }
  if (options.server.port == 0) {
    return Unexpected(std::string("--server HOST:PORT is missing"));
  }
  if (options.publish_by == PublishBy::kHttp && !options.api) {
    return Unexpected(std::string("--publish http needs --api HOST:PORT"));
  }
  if (options.publish_by == PublishBy::kHttp && options.door == Door::kFloor) {
    return Unexpected(std::string("the floor has no API: --publish connection"));
  }
  if (options.is_deflated && options.door == Door::kFloor) {
    return Unexpected(std::string("the floor compresses nothing: no --deflate"));
  }
  if (options.is_check) {
    // A check counts from the first message on, so that "1 to M, each once" is the whole story.
    options.messages = options.messages == 0 ? 100 : options.messages;
    if (!is_warm_up_given) {
      options.warm_up = {};
    }
  }
  return options;
}

const char* usage() {
  return R"(usage: fan_out --server HOST:PORT [options]

Opens subscribers of one topic, publishes to it, and measures until the last subscriber has each
message. Every subscriber must see every message once and in order; the exit code is 1 where one did
not. Prints a table and then one line of JSON.

  --door floor|raw|wspush.v1   how subscribers come in (raw)
  --publish connection|http    how messages go in (connection); http needs --api
  --api HOST:PORT              the internal listener
  --api-key KEY                sent as a bearer token
  --topic NAME                 (bench)
  --subscribers N              (1000)
  --payload-bytes N            16 or more (128)
  --payload letter|mixed       one letter repeated, or half words and half random letters (letter)
  --deflate                    subscribers offer permessage-deflate, and insist on it
  --window K                   K messages in one write, the next K when all have arrived (1)
  --rate R                     R messages a second instead, whatever has arrived
  --duration SECONDS           of the measurement (2)
  --messages M                 so many messages instead
  --warm-up SECONDS            the same before, not measured (0.3; with --check 0)
  --server-pid PID             measure its CPU; it must own the port
  --timeout SECONDS            give up after so long without a delivery (30)
  --check                      compare every byte; 100 messages unless --messages says otherwise
  --json                       print the JSON line only
)";
}

}  // namespace wspush::load
