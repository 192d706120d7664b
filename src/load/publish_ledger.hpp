#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "load/faults.hpp"

namespace wspush::load {

/// What subscribers have seen of the messages of several publishers: those of one come in order to
/// everybody, between two nothing is promised. The number of a message says whose it is.
class PublishLedger {
 public:
  PublishLedger(std::size_t subscribers, std::size_t publishers)
      : publishers_(publishers), last_(subscribers * publishers) {}

  /// The number of message `count`, 1 the first, of `publisher`.
  static constexpr std::uint64_t sequence(std::size_t publisher, std::uint64_t count) {
    return std::uint64_t{publisher} << kCountBits | count;
  }
  static constexpr std::size_t publisher_of(std::uint64_t sequence) {
    return static_cast<std::size_t>(sequence >> kCountBits);
  }

  /// Subscriber `subscriber` got `sequence`. False: none of the publishers' numbers.
  bool enter(std::size_t subscriber, std::uint64_t sequence, Faults& faults) {
    const std::size_t publisher = publisher_of(sequence);
    const std::uint64_t count = sequence & ((std::uint64_t{1} << kCountBits) - 1);
    if (publisher >= publishers_ || count == 0) {
      return false;
    }
    std::uint64_t& last = last_[subscriber * publishers_ + publisher];
    ++deliveries_;
    if (count == last + 1) {
      last = count;
    } else if (count > last) {
      // What is in the hole is missing; if it comes late after all, it is out of order too.
      faults.missing += count - last - 1;
      faults.note("a message of a publisher came early, after a hole");
      last = count;
    } else {
      ++(count == last ? faults.duplicates : faults.out_of_order);
      faults.note("a message of a publisher came again, or late");
    }
    return true;
  }

  std::uint64_t deliveries() const { return deliveries_; }

 private:
  static constexpr unsigned kCountBits = 40;

  std::size_t publishers_;
  std::vector<std::uint64_t> last_;
  std::uint64_t deliveries_ = 0;
};

}  // namespace wspush::load
