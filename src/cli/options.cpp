#include "cli/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/grammar.hpp"

namespace wspush::cli {

const std::string_view kHelp = R"(wspush, the companion of wspushd

usage: wspush sub TOPIC... [--count N] [--after ID|first] [--format raw|json]
       wspush pub TOPIC [DATA|-] [--json|--text|--binary] [--verbose]
       wspush pub [TOPIC] --ndjson
       wspush token --user NAME --secret-file FILE ...   (wspush token --help)

sub prints one message a line and comes back by itself when it was cut off.
      --count N            ends after N messages
      --after ID           starts behind this message, "first": with the oldest
      --format raw|json    the payload (default), or the whole message object
pub publishes DATA, or all of standard input as one message. What is JSON goes
as JSON, other text as text, anything else as binary, unless told.
      --ndjson             a message a line of standard input, sent at once:
                           JSON for TOPIC, or {"topic":"a","data":...} without
      --message-key K      the message is the latest of this key
      --idempotency-key K  a repeat within 5 minutes publishes nothing
      --verbose            prints the id of what was published
both  --url ws://127.0.0.1:8080     the public listener, for sub; wss:// is TLS
      --api http://127.0.0.1:8081   the internal listener, for pub; or https://
      --ca FILE, --insecure         with TLS: trusts who is in FILE, or anybody
      --token JWT, --key KEY        credentials for the one and for the other
      --retry                       waits for a server that is not there yet
)";

namespace {

enum CommandBits : unsigned { kSub = 1, kPub = 2, kBoth = 3 };

/// Takes the value into the options; returns what is wrong with it, or nothing.
using Apply = std::string (*)(Options&, std::string_view value);

struct Row {
  std::string_view name;
  unsigned commands;
  bool wants_value;
  Apply apply;
};

/// What goes into a header line must not end it.
std::string take_header_value(std::string& into, std::string_view value) {
  const bool is_good = !value.empty() && std::ranges::all_of(value, [](char byte) {
    return http::is_field_visible(byte) || byte == ' ';
  });
  into = value;
  return is_good ? "" : "must not be empty or hold control characters";
}

std::string take_endpoint(Endpoint& into, std::string_view value, Listener listener) {
  auto endpoint = parse_endpoint(value, listener);
  if (!endpoint) {
    return endpoint.error();
  }
  into = std::move(*endpoint);
  return {};
}

std::string take_flag(bool& into) {
  into = true;
  return {};
}

std::string take_count(Options& options, std::string_view value) {
  std::uint64_t count = 0;
  const char* end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, count);
  if (read.ec != std::errc{} || read.ptr != end || count == 0) {
    return "is not a number from 1 on";
  }
  options.subscribe.count = count;
  return {};
}

std::string take_format(Options& options, std::string_view value) {
  if (value != "raw" && value != "json") {
    return "is neither raw nor json";
  }
  options.subscribe.format = value == "raw" ? LineFormat::kRaw : LineFormat::kJson;
  return {};
}

std::string take_after(Options& options, std::string_view value) {
  options.subscribe.after = value;
  return value.empty() ? "is empty; give a message id, or \"first\"" : "";
}

std::string take_ca_file(Options& options, std::string_view value) {
  options.tls.ca_file = value;
  return value.empty() ? "is empty; give a file of PEM certificates" : "";
}

std::string take_insecure(Options& options, std::string_view /*value*/) {
  options.tls.verifies = false;
  return {};
}

std::string take_type(Options& options, PayloadType type) {
  const bool is_first = options.publish.type == PayloadType::kGuess;
  options.publish.type = type;
  return is_first ? "" : "stands beside another type; give one of --json, --text, --binary";
}

using View = std::string_view;
constexpr std::array kRows = {
    Row{"--url", kBoth, true,
        [](Options& o, View v) { return take_endpoint(o.url, v, Listener::kPublic); }},
    Row{"--api", kBoth, true,
        [](Options& o, View v) { return take_endpoint(o.api, v, Listener::kInternal); }},
    Row{"--token", kBoth, true, [](Options& o, View v) { return take_header_value(o.token, v); }},
    Row{"--key", kBoth, true, [](Options& o, View v) { return take_header_value(o.api_key, v); }},
    Row{"--ca", kBoth, true, take_ca_file},
    Row{"--insecure", kBoth, false, take_insecure},
    Row{"--retry", kBoth, false, [](Options& o, View) { return take_flag(o.retry); }},
    Row{"--count", kSub, true, take_count},
    Row{"--after", kSub, true, take_after},
    Row{"--format", kSub, true, take_format},
    Row{"--json", kPub, false, [](Options& o, View) { return take_type(o, PayloadType::kJson); }},
    Row{"--text", kPub, false, [](Options& o, View) { return take_type(o, PayloadType::kText); }},
    Row{"--binary", kPub, false,
        [](Options& o, View) { return take_type(o, PayloadType::kBinary); }},
    Row{"--ndjson", kPub, false, [](Options& o, View) { return take_flag(o.publish.ndjson); }},
    Row{"--verbose", kPub, false, [](Options& o, View) { return take_flag(o.publish.verbose); }},
    Row{"--message-key", kPub, true,
        [](Options& o, View v) { return take_header_value(o.publish.message_key, v); }},
    Row{"--idempotency-key", kPub, true,
        [](Options& o, View v) { return take_header_value(o.publish.idempotency_key, v); }},
};

Unexpected<std::string> usage_error(std::string what) {
  return Unexpected(std::move(what) + " (see wspush --help)");
}

/// `-` is standard input and `-5` a payload; anything else with a dash in front is an option.
bool is_option(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' && !http::is_digit(argument[1]);
}

Result<void, std::string> take_option(Options& options, unsigned command,
                                      std::span<const char* const> arguments, std::size_t& at) {
  std::string_view name = arguments[at];
  std::optional<std::string_view> value;
  if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  if (row == kRows.end()) {
    return usage_error("unknown option " + std::string(name));
  }
  if ((row->commands & command) == 0) {
    return usage_error(std::string(name) + " belongs to wspush " +
                       (row->commands == kSub ? "sub" : "pub"));
  }
  if (row->wants_value && !value) {
    if (++at == arguments.size()) {
      return usage_error(std::string(name) + " wants a value");
    }
    value = arguments[at];
  } else if (!row->wants_value && value) {
    return usage_error(std::string(name) + " takes no value");
  }
  if (const std::string wrong = row->apply(options, value.value_or("")); !wrong.empty()) {
    return usage_error(std::string(name) + ": " + wrong);
  }
  return {};
}

Result<void, std::string> take_subscribe(SubscribeOptions& options,
                                         const std::vector<std::string>& words) {
  for (const std::string& topic : words) {
    if (std::ranges::find(options.topics, topic) == options.topics.end()) {
      options.topics.push_back(topic);
    }
  }
  if (options.topics.empty()) {
    return usage_error("sub wants a topic");
  }
  return {};
}

Result<void, std::string> take_publish(PublishOptions& options,
                                       const std::vector<std::string>& words) {
  if (options.ndjson) {
    if (words.size() > 2 || (words.size() == 2 && words[1] != "-")) {
      return usage_error("with --ndjson the messages are read from standard input");
    }
    if (options.type != PayloadType::kGuess) {
      return usage_error("with --ndjson the lines say what they are: no --json, --text, --binary");
    }
    if (!options.idempotency_key.empty() || options.verbose) {
      return usage_error("--idempotency-key and --verbose are for one message, not for --ndjson");
    }
    if (words.empty() && !options.message_key.empty()) {
      return usage_error("--message-key wants a TOPIC; without one the lines carry their \"key\"");
    }
  } else if (words.empty()) {
    return usage_error("pub wants a topic");
  } else if (words.size() > 2) {
    return usage_error("pub wants one payload; put it in quotes");
  }
  if (!words.empty() && words[0] != "-") {
    options.topic = words[0];
  }
  if (!options.ndjson) {
    options.topic = words[0];
    if (words.size() == 2 && words[1] != "-") {
      options.data = words[1];
    }
  }
  return {};
}

}  // namespace

Result<Options, std::string> parse_options(std::span<const char* const> arguments) {
  Options options;
  options.url = *parse_endpoint(kDefaultUrl, Listener::kPublic);
  options.api = *parse_endpoint(kDefaultApi, Listener::kInternal);
  if (arguments.empty()) {
    return usage_error("sub or pub?");
  }
  const std::string_view name = arguments[0];
  for (const std::string_view argument : arguments) {
    if (argument == "--") {
      break;
    }
    if (argument == "--help" || argument == "-h") {
      return options;
    }
  }
  if (name == "--version") {
    options.command = Options::Command::kVersion;
    return options;
  }
  if (name != "sub" && name != "pub") {
    return usage_error((is_option(name) ? "the command comes first: " : "unknown command ") +
                       std::string(name));
  }
  const unsigned command = name == "sub" ? kSub : kPub;
  options.command = command == kSub ? Options::Command::kSubscribe : Options::Command::kPublish;
  std::vector<std::string> words;
  bool is_behind_options = false;
  for (std::size_t at = 1; at < arguments.size(); ++at) {
    const std::string_view argument = arguments[at];
    if (!is_behind_options && argument == "--") {
      is_behind_options = true;
    } else if (!is_behind_options && is_option(argument)) {
      if (auto taken = take_option(options, command, arguments, at); !taken) {
        return Unexpected(std::move(taken.error()));
      }
    } else {
      words.emplace_back(argument);
    }
  }
  if (!options.tls.verifies && !options.tls.ca_file.empty()) {
    return usage_error("--ca and --insecure: one of the two");
  }
  auto taken = command == kSub ? take_subscribe(options.subscribe, words)
                               : take_publish(options.publish, words);
  if (!taken) {
    return Unexpected(std::move(taken.error()));
  }
  return options;
}

}  // namespace wspush::cli
