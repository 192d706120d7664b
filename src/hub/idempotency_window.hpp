#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"
#include "wspush/engine/engine.hpp"
#include "wspush/hub/message_id.hpp"

namespace wspush::hub {

/// The idempotency keys that publishers used within the last five minutes, with the id that their
/// message got. One for each home reactor. Bounded: beyond `kEntriesMax` the oldest go early.
/// Thread: the reactor's own.
class IdempotencyWindow {
 public:
  static constexpr Duration kLifetime = engine::kIdempotencyLifetime;
  static constexpr std::size_t kEntriesMax = engine::kIdempotencyKeysMax;
  static constexpr std::size_t kKeyBytesMax = 255;

  std::optional<MessageId> find(ByteView topic, ByteView key, TimePoint now);
  void remember(ByteView topic, ByteView key, MessageId id, TimePoint now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    MessageId id;
    TimePoint expires;
  };

  void expire(TimePoint now);

  /// Keyed by topic, a zero byte (in no topic) and the key.
  std::unordered_map<std::string, Entry> entries_;
  std::deque<const std::string*> oldest_;  ///< the map's own keys: they stay where they are
};

}  // namespace wspush::hub
