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

/// A ping goes where nothing was sent, or nothing was heard, for `ping_interval`, or will have been
/// in a moment (see look_together()); a peer that was silent for `ping_interval + pong_timeout` is
/// lost. Called when a timer fires, not when something happens: activity only moves the times.
/// Pure.
HeartbeatDecision look_at_heartbeat(TimePoint now, const HeartbeatTimes& times,
                                    const HeartbeatIntervals& intervals);

/// When to look, where look_at_heartbeat() said `next`: a little sooner, at one of the moments that
/// all connections share, so that one wake-up serves all that are due within it. They are 10 ms
/// apart, or a 64th of `ping_interval` where that is less: what wakes up for each of 10,000 pings a
/// second spends more on waking up than on the pings, and 10 ms of the pings of a million
/// connections are no long turn. `next` itself where none of them is ahead.
TimePoint look_together(TimePoint now, TimePoint next, const HeartbeatIntervals& intervals);

}  // namespace wspush::door
