#pragma once

#include <cstdint>
#include <string_view>

#include "wspush/base/bytes.hpp"
#include "wspush/hub/subscriber.hpp"

namespace wspush::door {

/// The codes of the contract's `error`.
enum class CommandError : std::uint8_t {
  kBadRequest,
  kUnknownOp,
  kBadTopic,
  kUnauthenticated,
  kTokenExpired,
  kForbidden,
  kNotSubscribed,
  kAlreadySubscribed,
  kLimitExceeded,
  kRateLimited,
  kTooLarge,
  kUnavailable,
};
/// As it is spelled on the wire.
std::string_view name_of(CommandError error);

/// What the hub's refusal is called by `wspush.v1`, and what is said about it in words.
CommandError command_error_of(hub::HubError error);
ByteView describe(hub::HubError error);

}  // namespace wspush::door
