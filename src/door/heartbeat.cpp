#include "door/heartbeat.hpp"

#include <algorithm>

namespace wspush::door {
namespace {

constexpr Duration kLongestStep = std::chrono::milliseconds(32);
constexpr int kStepsOfInterval = 32;

}  // namespace

TimePoint heartbeat_moment(TimePoint at, Duration ping_interval) {
  const Duration step =
      std::max(Duration(1), std::min(kLongestStep, ping_interval / kStepsOfInterval));
  return at - at.time_since_epoch() % step;
}

HeartbeatDecision look_at_heartbeat(TimePoint now, const HeartbeatTimes& times,
                                    const HeartbeatIntervals& intervals) {
  const TimePoint lost_at = times.last_heard + intervals.ping_interval + intervals.pong_timeout;
  if (now >= lost_at) {
    return {HeartbeatAction::kLost, now};
  }
  // A peer that is silent is asked once; if it stays so, `lost_at` comes before a second time,
  // unless pong_timeout is the longer one and the proxy's timer needs a frame.
  const bool was_asked = times.last_ping > times.last_heard;
  const TimePoint quiet_since =
      was_asked ? times.last_sent : std::min(times.last_sent, times.last_heard);
  const TimePoint ping_at =
      heartbeat_moment(quiet_since + intervals.ping_interval, intervals.ping_interval);
  if (now >= ping_at) {
    const TimePoint next = heartbeat_moment(now + intervals.ping_interval, intervals.ping_interval);
    return {HeartbeatAction::kPing, std::min(lost_at, next)};
  }
  return {HeartbeatAction::kWait, std::min(lost_at, ping_at)};
}

}  // namespace wspush::door
