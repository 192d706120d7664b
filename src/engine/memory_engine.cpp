#include "engine/memory_engine.hpp"

#include <iterator>
#include <new>

#include "base/siphash.hpp"

namespace wspush::engine {

std::uint64_t MemoryEngine::hash_of(ByteView name) const {
  return siphash13(SipKey{hash_seed_, ~hash_seed_}, name);
}

void MemoryEngine::open(ByteView name, TopicPosition& position) {
  const auto known = remembered_.find(hash_of(name));
  if (known != remembered_.end()) {
    position.epoch = known->second->epoch;
    position.last_offset = known->second->last_offset;
    oldest_.erase(known->second);
    remembered_.erase(known);
  } else {
    position.epoch = new_epoch();
    position.last_offset = 0;
  }
  events_->on_opened(position.topic, {});
}

void MemoryEngine::publish(TopicPosition& position, hub::MessageRef draft,
                           ByteView /*idempotency_key*/, Ticket ticket, TimePoint now) {
  draft->stamp({position.epoch, ++position.last_offset}, now);
  events_->on_ordered(position.topic, std::move(draft), ticket);
}

void MemoryEngine::clear(TopicPosition& position, Ticket ticket) {
  const std::uint32_t before = position.epoch;
  while (position.epoch == before) {
    position.epoch = new_epoch();
  }
  position.last_offset = 0;
  events_->on_cleared(position.topic, ticket);
}

void MemoryEngine::close(ByteView name, const TopicPosition& position) {
  const std::uint64_t hash = hash_of(name);
  oldest_.push_back(Remembered{hash, position.last_offset, position.epoch});
  const auto newest = std::prev(oldest_.end());
  try {
    const auto [known, is_new] = remembered_.try_emplace(hash, newest);
    if (!is_new) {
      oldest_.erase(known->second);  // Another name with this hash: the newer one stays.
      known->second = newest;
    }
  } catch (const std::bad_alloc&) {
    oldest_.pop_back();
    throw;
  }
  if (oldest_.size() > remembered_max_) {
    remembered_.erase(oldest_.front().hash);
    oldest_.pop_front();
  }
}

}  // namespace wspush::engine
