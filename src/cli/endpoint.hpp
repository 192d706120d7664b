#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wspush/base/result.hpp"

namespace wspush::cli {

/// Which of the server's two listeners a URL is for, and so which scheme it must have.
enum class Listener : std::uint8_t {
  kPublic,    ///< ws://, wss://
  kInternal,  ///< http://, https://
};

/// Where a listener is, as the user wrote it.
struct Endpoint {
  std::string url;        ///< as given, for what is told to the user
  std::string authority;  ///< host and port as given, for the Host header
  std::string host;       ///< name or address, without brackets
  std::uint16_t port = 0;
  bool uses_tls = false;
  std::string path;  ///< the server's path_prefix: empty, or "/prefix" without a slash at its end
};

/// Reads `ws://host[:port][/prefix]` or `http://...`, with an `s` for TLS; the default port is 80,
/// with TLS 443. User, query and fragment are refused.
/// Errors: one sentence that names the URL and what to write instead.
Result<Endpoint, std::string> parse_endpoint(std::string_view url, Listener listener);

/// The path of the wspush.v1 door: `/ws` behind the prefix, unless the URL names it already.
std::string websocket_path(const Endpoint& endpoint);

}  // namespace wspush::cli
