#include "engine/memory_engine.hpp"

#include "base/siphash.hpp"

namespace wspush::engine {

std::uint64_t MemoryEngine::hash_of(ByteView name) const {
  return siphash13(SipKey{hash_seed_, ~hash_seed_}, name);
}

void MemoryEngine::open(ByteView name, TopicPosition& position) {
  const auto known = remembered_.find(hash_of(name));
  if (known != remembered_.end()) {
    position.epoch = known->second.epoch;
    position.last_offset = known->second.last_offset;
    remembered_.erase(known);
  } else {
    position.epoch = new_epoch();
    position.last_offset = 0;
  }
  events_->on_opened(position.topic, {});
}

void MemoryEngine::publish(TopicPosition& position, hub::MessageRef draft, Ticket ticket,
                           TimePoint now) {
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
  if (!remembered_.insert_or_assign(hash, Remembered{position.epoch, position.last_offset})
           .second) {
    return;
  }
  oldest_.push_back(hash);
  // A name that came back and went again stands here twice; the bound holds all the same.
  while (oldest_.size() > remembered_max_) {
    remembered_.erase(oldest_.front());
    oldest_.pop_front();
  }
}

}  // namespace wspush::engine
