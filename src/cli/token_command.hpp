#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wspush/auth/identity.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/base/result.hpp"

#include "auth/verification_key.hpp"

namespace wspush::cli {

/// What `wspush token` puts into a token, and what signs it.
struct TokenOptions {
  std::string user;
  std::string secret;  ///< one of these three
  std::string secret_file;
  std::string private_key_file;
  auth::Algorithm algorithm = auth::Algorithm::kHs256;  ///< of a secret
  std::string kid;
  std::optional<std::chrono::seconds> expires = std::chrono::hours(1);  ///< none: never
  std::vector<std::string> subscribe;
  std::vector<std::string> publish;
  std::string info;  ///< JSON; empty: none
  std::string audience;
  std::string issuer;
  std::string token_id;
  bool wants_help = false;
};

/// `arguments` behind `token`. The error is one line for stderr, exit 2.
Result<TokenOptions, std::string> parse_token_options(std::span<const char* const> arguments);

/// The claims as one JSON object: `sub`, `iat`, and what else the options say. Pure.
std::string token_claims(const TokenOptions& options, WallTime now);

/// `wspush token`: prints one token for tests and scripts. Returns the exit code.
int run_token(std::span<const char* const> arguments);

extern const std::string_view kTokenHelp;

}  // namespace wspush::cli
