#include "door/command_error.hpp"

#include "base/check.hpp"

namespace wspush::door {

std::string_view name_of(CommandError error) {
  switch (error) {
    case CommandError::kBadRequest:
      return "bad_request";
    case CommandError::kUnknownOp:
      return "unknown_op";
    case CommandError::kBadTopic:
      return "bad_topic";
    case CommandError::kUnauthenticated:
      return "unauthenticated";
    case CommandError::kTokenExpired:
      return "token_expired";
    case CommandError::kForbidden:
      return "forbidden";
    case CommandError::kNotSubscribed:
      return "not_subscribed";
    case CommandError::kAlreadySubscribed:
      return "already_subscribed";
    case CommandError::kLimitExceeded:
      return "limit_exceeded";
    case CommandError::kRateLimited:
      return "rate_limited";
    case CommandError::kTooLarge:
      return "too_large";
    case CommandError::kUnavailable:
      return "unavailable";
  }
  WSPUSH_CHECK(false);
  return {};
}

CommandError command_error_of(hub::HubError error) {
  switch (error) {
    case hub::HubError::kNotSubscribed:
      return CommandError::kNotSubscribed;
    case hub::HubError::kAlreadySubscribed:
      return CommandError::kAlreadySubscribed;
    case hub::HubError::kTopicLimit:
    case hub::HubError::kSubscriptionLimit:
      return CommandError::kLimitExceeded;
    case hub::HubError::kForbidden:
      return CommandError::kForbidden;
    case hub::HubError::kUnavailable:
      return CommandError::kUnavailable;
  }
  WSPUSH_CHECK(false);
  return CommandError::kUnavailable;
}

ByteView describe(hub::HubError error) {
  switch (error) {
    case hub::HubError::kNotSubscribed:
      return "not subscribed to it";
    case hub::HubError::kAlreadySubscribed:
      return "subscribed to it already";
    case hub::HubError::kTopicLimit:
      return "limits.topics is reached";
    case hub::HubError::kSubscriptionLimit:
      return "limits.subscriptions_per_connection is reached";
    case hub::HubError::kForbidden:
      return "no rule fits the topic";
    case hub::HubError::kUnavailable:
      return "the broker is away";
  }
  WSPUSH_CHECK(false);
  return {};
}

}  // namespace wspush::door
