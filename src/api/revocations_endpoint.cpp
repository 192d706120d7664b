#include "api/revocations_endpoint.hpp"

#include <any>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "wspush/auth/identity.hpp"

#include "base/json.hpp"
#include "http/buffered_handler.hpp"

namespace wspush::api {
namespace {

/// Two names and a number, escaped as wastefully as JSON lets one.
constexpr std::size_t kBodyBytesMax = 16 << 10;

/// Empty: it is not there. Errors: not a string of 1 to 255 bytes.
Result<std::string, ApiError> read_name(const JsonObject& object, ByteView member) {
  const JsonValue* value = object.find(member);
  if (value == nullptr) {
    return std::string();
  }
  std::string scratch;
  const ByteView name = value->string(scratch);
  if (name.empty() || name.size() > auth::kNameClaimBytesMax) {
    return Unexpected(bad_request(std::string(member) + " is a string of 1 to 255 bytes"));
  }
  return std::string(name);
}

Result<Revocation, ApiError> read_revocation(ByteView body, ApiContext& context) {
  const auto object = parse_json_object(body);
  if (!object) {
    return Unexpected(not_json(object.error(), context.metrics));
  }
  auto user = read_name(*object, "user");
  auto token_id = read_name(*object, "jti");
  if (!user || !token_id) {
    return Unexpected(user ? token_id.error() : user.error());
  }
  if (user->empty() == token_id->empty()) {
    return Unexpected(bad_request("give either user or jti"));
  }
  std::chrono::seconds lasts = kRevocationTime;
  if (const JsonValue* value = object->find("expires_in")) {
    const auto seconds = value->as_uint64();
    if (!seconds || *seconds == 0 ||
        *seconds > static_cast<std::uint64_t>(kRevocationTimeMax.count())) {
      return Unexpected(bad_request("expires_in is a whole number of seconds, 1 to " +
                                    std::to_string(kRevocationTimeMax.count())));
    }
    lasts = std::chrono::seconds(*seconds);
  }
  return Revocation{.user = std::move(*user),
                    .token_id = std::move(*token_id),
                    .before = context.wall,
                    .lasts = lasts};
}

class RevocationHandler final : public http::BufferedHandler, public hub::ReplySink {
 public:
  explicit RevocationHandler(const Request& request)
      : BufferedHandler(kBodyBytesMax), context_(request.context), to_(request.to) {}

  void on_reply(std::uint32_t /*item*/, hub::Reply&& reply) override {
    if (const auto* const gathered = std::get_if<hub::GatheredReply>(&reply)) {
      is_in_force_ = std::any_cast<bool>(gathered->value);
      if (!is_in_force_) {
        exchange_->respond(response_of(
            {.status = 429, .code = "limit_exceeded", .message = "no more revocations are kept"}));
        return;
      }
    } else if (std::holds_alternative<hub::HubError>(reply)) {
      outcome_ = response_of(
          {.status = 503,
           .code = "unavailable",
           .message = "it is in force, and not written down: a restart would forget it"});
    } else {
      outcome_ = http::Response{.status = 204};
    }
    if (is_in_force_ && outcome_) {
      exchange_->respond(std::move(*outcome_));
    }
  }

 private:
  void on_request(http::Exchange& exchange, std::string&& body) override {
    const auto revocation = read_revocation(body, context_);
    if (!revocation) {
      exchange.respond(response_of(revocation.error()));
      return;
    }
    exchange_ = &exchange;
    context_.server.revoke(*revocation, to_);
  }

  ApiContext& context_;
  hub::ReplyTo to_;
  http::Exchange* exchange_ = nullptr;
  bool is_in_force_ = false;               ///< in every reactor
  std::optional<http::Response> outcome_;  ///< what became of it at the engine
};

}  // namespace

Route revoke_tokens(const Request& request) {
  return route_to(std::make_unique<RevocationHandler>(request));
}

}  // namespace wspush::api
