#include "door/credentials.hpp"

#include <algorithm>
#include <chrono>

#include "base/check.hpp"
#include "http/grammar.hpp"
#include "websocket/opening_handshake.hpp"

namespace wspush::door {
namespace {

constexpr ByteView kSubprotocolPrefix = "bearer.";

/// Real time may jump: the end of a token is looked at again after so long at the latest.
constexpr std::chrono::milliseconds kLookAtToken = std::chrono::hours(24);

ByteView trimmed(ByteView text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

/// Of `Bearer <token>`; nothing for another scheme, which is for somebody else (a proxy's
/// password).
ByteView bearer_of(ByteView authorization) {
  constexpr ByteView kScheme = "Bearer ";
  return authorization.size() > kScheme.size() &&
                 http::equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)
             ? trimmed(authorization.substr(kScheme.size()))
             : ByteView();
}

/// RFC 6265 §4.2.1: `a=b; c=d`; a value may stand in quotes (§4.1.1).
ByteView cookie_in(ByteView line, ByteView name) {
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(';'), line.size());
    const ByteView pair = trimmed(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
    const std::size_t equals = pair.find('=');
    if (equals == ByteView::npos || pair.substr(0, equals) != name) {
      continue;
    }
    ByteView value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (!value.empty()) {
      return value;
    }
  }
  return {};
}

ByteView subprotocol_token(const http::HeaderMap& headers) {
  ByteView token;
  headers.for_each_element("Sec-WebSocket-Protocol", [&](ByteView entry) {
    if (token.empty() && entry.starts_with(kSubprotocolPrefix)) {
      token = entry.substr(kSubprotocolPrefix.size());
    }
  });
  return token;
}

Refusal refusal_of(auth::TokenError error) {
  return {error == auth::TokenError::kExpired ? CommandError::kTokenExpired
                                              : CommandError::kUnauthenticated,
          auth::describe(error)};
}

}  // namespace

http::Response response_of(const Refusal& refusal) {
  http::Response response =
      http::error_response(refusal.status(), name_of(refusal.error), refusal.message);
  if (refusal.status() == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  return response;
}

std::optional<std::string> find_token(const http::RequestHead& head,
                                      const http::RequestTarget& target, ByteView cookie) {
  ByteView token = bearer_of(head.headers.find("Authorization").value_or(""));
  if (token.empty()) {
    token = target.find("token").value_or("");
  }
  if (token.empty() && !cookie.empty()) {
    head.headers.for_each(
        "Cookie", [&](ByteView line) { token = token.empty() ? cookie_in(line, cookie) : token; });
  }
  if (token.empty()) {
    token = subprotocol_token(head.headers);
  }
  return token.empty() ? std::nullopt : std::optional(std::string(token));
}

Result<auth::IdentityRef, Refusal> check_token(const Context& context, ByteView token) {
  auto identity = context.authenticator.authenticate(token, context.wall, context.now);
  if (identity) {
    return std::move(*identity);
  }
  if (identity.error() == auth::TokenError::kTooLarge) {
    context.metrics.limit_hit(metrics::Limit::kToken);
  } else if (identity.error() == auth::TokenError::kInfoTooLarge) {
    context.metrics.limit_hit(metrics::Limit::kMemberInfo);
  }
  return Unexpected(refusal_of(identity.error()));
}

Result<auth::IdentityRef, Refusal> identify(const Context& context, const http::RequestHead& head,
                                            const http::RequestTarget& target) {
  const auto token = find_token(head, target, context.config->auth.cookie);
  return token ? check_token(context, *token) : auth::IdentityRef();
}

std::optional<Refusal> refusal_to_subscribe(const Context& context, const auth::Identity* who,
                                            ByteView name) {
  if (who != nullptr && context.authenticator.revocations().covers(*who, context.now)) {
    return refusal_of(auth::TokenError::kRevoked);
  }
  if (who == nullptr && context.config->auth.required) {
    return Refusal{CommandError::kUnauthenticated, "this server wants a token"};
  }
  switch (context.rules->subscribe_verdict(who, name)) {
    case auth::Verdict::kAllowed:
      return std::nullopt;
    case auth::Verdict::kUnauthenticated:
      return Refusal{CommandError::kUnauthenticated, "the topic's rule wants a user"};
    case auth::Verdict::kForbidden:
      return Refusal{CommandError::kForbidden, "the topic's rule does not let you subscribe"};
  }
  WSPUSH_CHECK(false);
  return std::nullopt;
}

hub::PresentUser present_user(const auth::IdentityRef& who) {
  if (who == nullptr) {
    return {};
  }
  return {.name = {who, &who->user}, .info = {who, &who->info}};
}

TimePoint identity_deadline(const Context& context, const auth::Identity* who, TimePoint opened) {
  const config::Auth& auth = context.config->auth;
  if (who == nullptr) {
    return auth.required ? std::max(opened, context.auth_required_since) + auth.timeout
                         : TimePoint::max();
  }
  if (!who->expires_at) {
    return TimePoint::max();
  }
  const auto left = *who->expires_at + auth.clock_skew - context.wall;
  return context.now + std::clamp(left, std::chrono::milliseconds::zero(), kLookAtToken);
}

bool is_identity_over(const Context& context, const auth::Identity* who, TimePoint opened) {
  return identity_deadline(context, who, opened) <= context.now;
}

}  // namespace wspush::door
