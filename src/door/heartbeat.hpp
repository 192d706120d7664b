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

/// The last common moment not after `at`: one each 32 ms, or 32 in a short interval. Pings that
/// would go within one step of each other go together, so that one turn of the loop sends them and
/// another one takes their answers. A step of a thousandth of the interval is no burst.
TimePoint heartbeat_moment(TimePoint at, Duration ping_interval);

/// A ping goes where nothing was sent, or nothing was heard, for `ping_interval`, less what the
/// common moment is earlier; a peer that was silent for `ping_interval + pong_timeout` is lost.
/// Called when a timer fires, not when something happens: activity only moves the times. Pure.
HeartbeatDecision look_at_heartbeat(TimePoint now, const HeartbeatTimes& times,
                                    const HeartbeatIntervals& intervals);

}  // namespace wspush::door
