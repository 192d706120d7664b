#pragma once

#include <array>

#include "hub/hub.hpp"

namespace wspush::door {

/// How each wire form is encoded, for the hub. Frame headers included.
std::array<hub::Encode, hub::kWireFormCount> wire_forms();

}  // namespace wspush::door
