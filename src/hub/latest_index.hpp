#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "wspush/hub/message.hpp"

#include "base/siphash.hpp"

namespace wspush::hub {

/// The newest message of each key of a log, in the order of their offsets; a message without a key
/// counts as one of the key "". Those that the log's ring has dropped stay here ("aside") while
/// they are the newest of their key. Thread: the reactor's own.
class LatestIndex {
 public:
  explicit LatestIndex(SipKey key) : by_key_(0, KeyHash{key}) {}

  /// The log has dropped what it had up to `offset` before there was an index, all of it without a
  /// key: the newest of that, whose Message::count is `count`, is lost where none without a key is
  /// here. Before anything is aside.
  void begin_behind(std::uint64_t offset, std::uint64_t count);

  /// Everything up to `offset` is lost, and may have been the newest of its key. Before anything is
  /// aside; `count` as above.
  void lose(std::uint64_t offset, std::uint64_t count) {
    lost_ = offset;
    lost_count_ = count;
  }

  /// `offset` is greater than all before. Cost: O(log keys). May throw bad_alloc, for a new key;
  /// nothing has changed then.
  void add(std::uint64_t offset, const MessageRef& message);
  /// The newest message of its key with the least offset above `offset`; null where there is none.
  const MessageRef* next_after(std::uint64_t offset) const;
  /// Null unless the message is the newest of its key.
  const MessageRef* find(std::uint64_t offset) const;

  /// The ring begins at `ring_first`. Of those aside the oldest go while they are more than
  /// `bytes_max` or older than `ttl` at `now`. Cost: O(log keys) for each that goes or came aside.
  void trim(std::uint64_t ring_first, std::uint64_t bytes_max, Duration ttl, TimePoint now);
  /// Drops what is aside before `offset`.
  void drop_before(std::uint64_t offset);

  /// Offset of the newest message that was the newest of its key when it was dropped; 0: none.
  /// Older ones are all gone.
  std::uint64_t lost() const { return lost_; }
  /// The same as a Message::count.
  std::uint64_t lost_count() const { return lost_count_; }
  /// Of those aside.
  std::uint64_t aside_bytes() const { return aside_bytes_; }
  std::uint64_t aside_count() const { return aside_count_; }
  /// Calls `visit(const MessageRef&)` for those aside, oldest first.
  template <typename Visit>
  void for_each_aside(Visit&& visit) const {
    auto it = newest_.begin();
    for (std::uint64_t left = aside_count_; left > 0; --left, ++it) {
      visit(it->second);
    }
  }

 private:
  struct KeyHash {
    using is_transparent = void;
    SipKey key;
    std::size_t operator()(ByteView bytes) const { return siphash13(key, bytes); }
  };

  void drop_oldest();

  std::map<std::uint64_t, MessageRef> newest_;  ///< the first `aside_count_` of them are aside
  /// By views into the messages that `newest_` keeps.
  std::unordered_map<ByteView, std::uint64_t, KeyHash, std::equal_to<>> by_key_;
  std::uint64_t ring_first_ = 0;
  std::uint64_t aside_bytes_ = 0;
  std::uint64_t aside_count_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_count_ = 0;
};

}  // namespace wspush::hub
