#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wspush/auth/identity.hpp"
#include "wspush/door/session.hpp"

#include "http/exchange.hpp"

namespace wspush::door {

/// A request on a connection that may become something else; implemented by the HTTP session.
class UpgradeExchange : public http::Exchange {
 public:
  virtual Connection& connection() = 0;
  /// For questions to the hub: the answer finds this exchange, or nobody.
  virtual hub::ReplyTo reply_to(std::uint32_t item) const = 0;

  /// Who asks: until its answer the API sees the connection as the user's, and may end it.
  virtual void use_identity(auth::IdentityRef identity) = 0;

  /// Bytes came behind the head: a client must not speak before the 101.
  virtual bool has_early_input() const = 0;
  /// Answers 101 with `headers` and hands the connection to `session`. Instead of `respond`.
  virtual void upgrade(std::vector<std::pair<std::string, std::string>> headers,
                       std::unique_ptr<Session> session) = 0;
};

}  // namespace wspush::door
