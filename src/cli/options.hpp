#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/base/result.hpp"

#include "cli/endpoint.hpp"
#include "net/tls_context.hpp"

namespace wspush::cli {

inline constexpr std::string_view kDefaultUrl = "ws://127.0.0.1:8080";
inline constexpr std::string_view kDefaultApi = "http://127.0.0.1:8081";

enum class LineFormat : std::uint8_t {
  kRaw,   ///< the payload
  kJson,  ///< the `message` object as it came
};

/// How a payload is published.
enum class PayloadType : std::uint8_t {
  kGuess,  ///< JSON where it is JSON, else text where it is UTF-8, else binary
  kJson,
  kText,
  kBinary,
};

struct SubscribeOptions {
  std::vector<std::string> topics;     ///< at least one, each once
  std::optional<std::uint64_t> count;  ///< end after so many messages; at least 1
  std::optional<std::string> after;    ///< a message id or "first"
  LineFormat format = LineFormat::kRaw;
};

struct PublishOptions {
  std::optional<std::string> topic;  ///< may be missing only with `ndjson`
  std::optional<std::string> data;   ///< none: standard input
  PayloadType type = PayloadType::kGuess;
  bool ndjson = false;
  bool verbose = false;
  std::string message_key;      ///< empty: none
  std::string idempotency_key;  ///< empty: none
};

/// What the arguments ask for.
struct Options {
  enum class Command : std::uint8_t { kHelp, kVersion, kSubscribe, kPublish };

  Command command = Command::kHelp;
  Endpoint url;         ///< public listener
  Endpoint api;         ///< internal listener
  std::string token;    ///< JWT for the public listener; empty: none
  std::string api_key;  ///< for the internal listener; empty: none
  net::TlsClientOptions tls;
  bool retry = false;  ///< also wait for a server that is not there at the start
  SubscribeOptions subscribe;
  PublishOptions publish;
};

/// `arguments` without the program's name. The error is one line for stderr, exit 2.
Result<Options, std::string> parse_options(std::span<const char* const> arguments);

/// Fits a screen of 80 columns and 24 lines.
extern const std::string_view kHelp;

}  // namespace wspush::cli
