#include "load/sequence_ledger.hpp"

#include <algorithm>

namespace wspush::load {

SequenceLedger::Verdict SequenceLedger::enter(std::uint64_t sequence) {
  if (sequence == contiguous_ + 1 && ahead_.empty()) {
    contiguous_ = sequence;
    return Verdict::kNext;
  }
  if (sequence == 0) {
    return Verdict::kImpossible;
  }
  if (sequence <= contiguous_) {
    return Verdict::kDuplicate;
  }
  const auto place = std::lower_bound(ahead_.begin(), ahead_.end(), sequence);
  if (place != ahead_.end() && *place == sequence) {
    return Verdict::kDuplicate;
  }
  if (place == ahead_.end()) {
    const std::uint64_t highest = ahead_.empty() ? contiguous_ : ahead_.back();
    ahead_.push_back(sequence);
    return sequence == highest + 1 ? Verdict::kNext : Verdict::kAhead;
  }
  if (sequence != contiguous_ + 1) {
    ahead_.insert(place, sequence);
    return Verdict::kLate;
  }
  // The hole is filled at its low end: what followed it without a break becomes contiguous.
  contiguous_ = sequence;
  auto kept = ahead_.begin();
  while (kept != ahead_.end() && *kept == contiguous_ + 1) {
    contiguous_ = *kept++;
  }
  ahead_.erase(ahead_.begin(), kept);
  return Verdict::kLate;
}

std::uint64_t SequenceLedger::missing(std::uint64_t published) const {
  const auto beyond = std::upper_bound(ahead_.begin(), ahead_.end(), published);
  const auto ahead = static_cast<std::uint64_t>(beyond - ahead_.begin());
  return published - std::min(published, contiguous_) - ahead;
}

}  // namespace wspush::load
