#include "wspush/door/session.hpp"

#include "base/check.hpp"

namespace wspush::door {

std::string_view name_of(DoorKind kind) {
  switch (kind) {
    case DoorKind::kHttp:
      return "http";
    case DoorKind::kWspushV1:
      return "wspush.v1";
    case DoorKind::kRaw:
      return "raw";
    case DoorKind::kEcho:
      return "echo";
    case DoorKind::kSse:
      return "sse";
    case DoorKind::kPoll:
      return "poll";
  }
  WSPUSH_CHECK(false);
  return {};
}

}  // namespace wspush::door
