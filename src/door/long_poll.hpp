#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wspush/base/clock.hpp"

#include "door/topic_request.hpp"

namespace wspush::door {

/// `?wait=` of a long poll, seconds: digits, perhaps with a fraction. Nothing where it is none.
/// More than the longest counts as that.
std::optional<Duration> parse_wait(ByteView text);

inline constexpr auto kPollWait = std::chrono::seconds(25);
inline constexpr auto kPollWaitMax = std::chrono::seconds(55);

/// `GET` on topics that asks for neither a WebSocket nor an event stream: answered when there are
/// messages after `?after=`, or when the time is over.
std::unique_ptr<TopicRequest> make_long_poll(UpgradeExchange& exchange, Context& context,
                                             RequestedTopics topics);

}  // namespace wspush::door
