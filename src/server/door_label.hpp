#pragma once

#include "wspush/door/session.hpp"

#include "metrics/labels.hpp"

namespace wspush::server {

/// What metrics call a door.
constexpr metrics::DoorLabel label_of(door::DoorKind kind) {
  switch (kind) {
    case door::DoorKind::kHttp:
      break;
    case door::DoorKind::kWspushV1:
      return metrics::DoorLabel::kWspushV1;
    case door::DoorKind::kRaw:
      return metrics::DoorLabel::kRaw;
    case door::DoorKind::kEcho:
      return metrics::DoorLabel::kEcho;
    case door::DoorKind::kSse:
      return metrics::DoorLabel::kSse;
    case door::DoorKind::kPoll:
      return metrics::DoorLabel::kPoll;
  }
  return metrics::DoorLabel::kHttp;
}

}  // namespace wspush::server
