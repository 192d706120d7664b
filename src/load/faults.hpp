#pragma once

#include <cstdint>
#include <string>

namespace wspush::load {

/// All that can be wrong with what the subscribers of a run saw. Zero everywhere is "exactly once,
/// in order".
struct Faults {
  std::uint64_t missing = 0;       ///< (subscriber, message) pairs that never came
  std::uint64_t duplicates = 0;    ///< came again
  std::uint64_t out_of_order = 0;  ///< came after a later one
  std::uint64_t gaps = 0;          ///< holes the server told of: `gap`, close 4007
  std::uint64_t offset_jumps = 0;  ///< ids that did not grow by one (wspush.v1 only)
  std::uint64_t corrupt = 0;       ///< payloads that nobody published, or changed bytes
  std::uint64_t closed = 0;        ///< subscribers whose connection ended
  std::string first;               ///< what the first fault was, for people

  bool none() const {
    return missing + duplicates + out_of_order + gaps + offset_jumps + corrupt + closed == 0;
  }
  void note(const std::string& what) {
    if (first.empty()) {
      first = what;
    }
  }
};

}  // namespace wspush::load
