#pragma once

#include "wspush/base/clock.hpp"

namespace wspush::door {

/// What a WebSocket connection's heartbeat looks at.
struct HeartbeatTimes {
  TimePoint last_sent;   ///< anything, fan-out included
  TimePoint last_heard;  ///< anything
  TimePoint last_ping;   ///< ours
};

struct HeartbeatIntervals {
  Duration ping_interval;
  Duration pong_timeout;
};

enum class HeartbeatAction : unsigned char { kWait, kPing, kLost };

struct HeartbeatDecision {
  HeartbeatAction action;
  TimePoint next;  ///< when to look again
};

/// A ping goes where nothing was sent, or nothing was heard, for `ping_interval`; a peer that was
/// silent for `ping_interval + pong_timeout` is lost. Called when a timer fires, not when something
/// happens: activity only moves the times. Pure.
HeartbeatDecision look_at_heartbeat(TimePoint now, const HeartbeatTimes& times,
                                    const HeartbeatIntervals& intervals);

}  // namespace wspush::door
