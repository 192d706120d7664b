#pragma once

#include <cstdint>
#include <memory>

#include "wspush/hub/message.hpp"

namespace wspush::hub {

/// How much of a log is kept.
struct LogBounds {
  std::uint64_t messages = 100;
  std::uint64_t bytes = 1 << 20;
  Duration ttl = std::chrono::minutes(5);
};

/// The newest messages of a topic: a ring of references with consecutive offsets of one epoch.
/// Empty, it owns no memory. In a feed the offsets are its own, by arrival.
/// Thread: the reactor's own.
class TopicLog {
 public:
  std::uint32_t epoch() const { return epoch_; }
  /// Offset of the newest message, kept or not; 0 before the first.
  std::uint64_t last() const { return last_; }
  /// Offset of the oldest kept message; `last() + 1` when none is kept.
  std::uint64_t first() const { return last_ + 1 - count_; }
  std::uint64_t count() const { return count_; }
  std::uint64_t bytes() const { return bytes_; }
  bool empty() const { return count_ == 0; }
  /// `Message::count` of the newest message that is no longer kept; 0 if there was none.
  std::uint64_t newest_dropped() const { return newest_dropped_; }

  /// `offset` is in [first(), last()].
  const MessageRef& at(std::uint64_t offset) const { return ring_[index_of(offset)]; }

  /// Forgets everything and goes on behind `last`. Whoever has what was published up to
  /// `newest_dropped` has lost nothing.
  void reset(std::uint32_t epoch, std::uint64_t last, std::uint64_t newest_dropped = 0);

  /// The next append does not fail. May throw bad_alloc; nothing has changed then.
  void make_room() {
    if (count_ == capacity_) {
      grow();
    }
  }
  /// `message` is stamped with this epoch and `last() + 1`. Amortised O(1). As `make_room`.
  void append(MessageRef message);
  /// The same for the ring of a feed, where the message has the id of another log.
  void append_foreign(MessageRef message);

  /// Drops the oldest while the log is over its bounds, or older than `bounds.ttl` at `now`; never
  /// a message from `keep_from` on: the fan-out has yet to send those. Returns how many went.
  std::uint64_t trim(const LogBounds& bounds, TimePoint now, std::uint64_t keep_from);

  /// Drops everything before `offset`.
  void drop_before(std::uint64_t offset);

 private:
  std::size_t index_of(std::uint64_t offset) const { return offset & (capacity_ - 1); }
  void drop_oldest();
  void free_ring();
  void grow();

  std::unique_ptr<MessageRef[]> ring_;  ///< a message lies at its offset
  std::uint64_t last_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t newest_dropped_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint32_t capacity_ = 0;  ///< of the ring: 0 or a power of two
};

}  // namespace wspush::hub
