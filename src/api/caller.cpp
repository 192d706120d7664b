#include "api/caller.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace wspush::api {
namespace {

/// The token of `Bearer <token>`; empty for any other scheme. Source: RFC 6750 §2.1, RFC 9110
/// §11.1: the scheme's name is without case.
ByteView bearer_token(ByteView authorization) {
  constexpr ByteView kScheme = "Bearer ";
  if (authorization.size() < kScheme.size() ||
      !http::equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

}  // namespace

Result<Caller, ApiError> Caller::identify(const http::Exchange& exchange,
                                          const std::shared_ptr<const config::Config>& config) {
  Caller caller;
  caller.presented_ = bearer_token(exchange.head().headers.find("Authorization").value_or(""));
  caller.is_loopback_ = exchange.peer_is_loopback();
  caller.look_up(config);
  if (caller.is_known_) {
    return caller;
  }
  if (config->internal.api_keys.empty()) {
    return Unexpected(forbidden("without configured API keys only loopback peers may ask"));
  }
  return Unexpected(
      ApiError{.status = 401, .code = "unauthenticated", .message = "an API key is needed"});
}

void Caller::look_up(const std::shared_ptr<const config::Config>& config) {
  const std::vector<config::ApiKey>& keys = config->internal.api_keys;
  key_ = presented_.empty() ? nullptr : auth::find_api_key(keys, presented_);
  is_known_ = keys.empty() ? is_loopback_ : key_ != nullptr;
  config_ = config;
}

bool Caller::may(auth::ApiRight right, const std::shared_ptr<const config::Config>& now) {
  if (config_ != now) {
    look_up(now);
  }
  return is_known_ && auth::has_right(key_, right);
}

bool Caller::may(auth::ApiRight right, ByteView topic,
                 const std::shared_ptr<const config::Config>& now) {
  return may(right, now) && auth::is_permitted(key_, right, topic);
}

bool Caller::is_restricted() const {
  return key_ != nullptr && !key_->topics.empty() &&
         std::find(key_->topics.begin(), key_->topics.end(), ">") == key_->topics.end();
}

}  // namespace wspush::api
