#pragma once

#include <array>

#include "door/deflation.hpp"
#include "hub/hub.hpp"

namespace wspush::door {

/// How each wire form is encoded, for the hub. Frame headers and chunks included. A message that
/// `deflation` leaves plain is a plain frame in its deflated forms too, with its payload shared.
/// `deflation` must live longer.
std::array<hub::Encode, hub::kWireFormCount> wire_forms(Deflation& deflation);

}  // namespace wspush::door
