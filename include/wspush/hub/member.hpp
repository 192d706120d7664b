#pragma once

#include <cstdint>

namespace wspush::hub {

/// One subscriber in a topic's dense member array: where its bytes go, and which connection it is.
/// The fan-out walks these and touches nothing else of a connection that takes everything.
struct Member {
  std::int32_t fd;
  std::uint32_t slot;
};

}  // namespace wspush::hub
