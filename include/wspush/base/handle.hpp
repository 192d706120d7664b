#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace wspush {

/// Names an object in a SlotMap without owning it. A handle outlives its object harmlessly: the
/// slot's generation has moved on, and `SlotMap::find` returns null. Epoll events, timers and
/// mailbox messages carry handles, never pointers. Value type, 8 bytes, any thread.
struct Handle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  ///< 0 is never given out: a default Handle names nothing

  static constexpr Handle from_packed(std::uint64_t packed) {
    return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
  }
  /// For `epoll_event.data.u64`. 0 is the handle that names nothing in slot 0.
  constexpr std::uint64_t packed() const {
    return (static_cast<std::uint64_t>(generation) << 32) | slot;
  }

  constexpr explicit operator bool() const { return generation != 0; }
  friend constexpr bool operator==(Handle, Handle) = default;
};

}  // namespace wspush

/// Slots are dense and generations grow, so a multiplicative mix is enough; handles never come from
/// outside, so nobody can aim for collisions.
template <>
struct std::hash<wspush::Handle> {
  std::size_t operator()(wspush::Handle handle) const noexcept {
    const std::uint64_t mixed = handle.packed() * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
  }
};
