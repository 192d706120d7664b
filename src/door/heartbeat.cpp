#include "door/heartbeat.hpp"

#include <algorithm>

namespace wspush::door {

namespace {

constexpr std::chrono::milliseconds kTogether{10};

/// How far the moments at which connections are looked at lie apart.
Duration step_of(const HeartbeatIntervals& intervals) {
  return std::clamp<Duration>(intervals.ping_interval / 64, Duration(1), kTogether);
}

}  // namespace

HeartbeatDecision look_at_heartbeat(TimePoint now, const HeartbeatTimes& times,
                                    const HeartbeatIntervals& intervals) {
  const TimePoint lost_at = times.last_heard + intervals.ping_interval + intervals.pong_timeout;
  if (now >= lost_at) {
    return {HeartbeatAction::kLost, now};
  }
  // A peer that is silent is asked once; if it stays so, `lost_at` comes before a second time,
  // unless pong_timeout is the longer one and the proxy's timer needs a frame.
  const bool was_asked = times.last_ping > times.last_heard;
  const TimePoint ping_at =
      was_asked ? times.last_sent + intervals.ping_interval
                : std::min(times.last_sent, times.last_heard) + intervals.ping_interval;
  if (now + step_of(intervals) >= ping_at) {
    return {HeartbeatAction::kPing, std::min(lost_at, now + intervals.ping_interval)};
  }
  return {HeartbeatAction::kWait, std::min(lost_at, ping_at)};
}

TimePoint look_together(TimePoint now, TimePoint next, const HeartbeatIntervals& intervals) {
  const TimePoint moment = next - next.time_since_epoch() % step_of(intervals);
  return moment > now ? moment : next;
}

}  // namespace wspush::door
