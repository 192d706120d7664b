#pragma once

#include <cstdint>
#include <vector>

namespace wspush::load {

/// What one subscriber has seen of the messages 1, 2, 3, ...: proves "each once, in order", or
/// counts how it was not.
///
/// A subscriber that misses nothing costs one number; what overtook a hole is kept in `ahead_`.
class SequenceLedger {
 public:
  enum class Verdict {
    kNext,        ///< the one after the highest seen
    kAhead,       ///< higher than that: those between are missing so far
    kLate,        ///< fills a hole: it came out of order
    kDuplicate,   ///< was here before
    kImpossible,  ///< number 0: never published
  };

  /// Enters `sequence`. Cost: O(1) in order, O(log) and a shift among those past a hole otherwise.
  Verdict enter(std::uint64_t sequence);

  std::uint64_t received() const { return contiguous_ + ahead_.size(); }  ///< distinct ones

  /// How many of 1..`published` did not come.
  std::uint64_t missing(std::uint64_t published) const;

 private:
  std::uint64_t contiguous_ = 0;      // 1..contiguous_ are all here
  std::vector<std::uint64_t> ahead_;  // sorted, all above contiguous_ + 1
};

}  // namespace wspush::load
