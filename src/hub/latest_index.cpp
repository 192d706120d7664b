#include "hub/latest_index.hpp"

#include <new>
#include <utility>

namespace wspush::hub {

void LatestIndex::begin_behind(std::uint64_t offset, std::uint64_t count) {
  if (by_key_.find(ByteView()) == by_key_.end()) {
    lost_ = offset;
    lost_count_ = count;
  }
}

void LatestIndex::add(std::uint64_t offset, const MessageRef& message) {
  const auto known = by_key_.find(message->key());
  if (known == by_key_.end()) {
    const auto added = newest_.emplace_hint(newest_.end(), offset, message);
    try {
      by_key_.emplace(message->key(), offset);
    } catch (const std::bad_alloc&) {
      newest_.erase(added);
      throw;
    }
    return;
  }
  // The nodes are used again, so nothing can fail.
  auto place = newest_.extract(known->second);
  if (place.key() < ring_first_) {
    --aside_count_;
    aside_bytes_ -= place.mapped()->log_bytes();
  }
  auto name = by_key_.extract(known);
  name.key() = message->key();  // That of before lies in the message that goes.
  name.mapped() = offset;
  by_key_.insert(std::move(name));
  place.key() = offset;
  place.mapped() = message;
  newest_.insert(newest_.end(), std::move(place));
}

const MessageRef* LatestIndex::next_after(std::uint64_t offset) const {
  const auto found = newest_.upper_bound(offset);
  return found == newest_.end() ? nullptr : &found->second;
}

const MessageRef* LatestIndex::find(std::uint64_t offset) const {
  const auto found = newest_.find(offset);
  return found == newest_.end() ? nullptr : &found->second;
}

void LatestIndex::trim(std::uint64_t ring_first, std::uint64_t bytes_max, Duration ttl,
                       TimePoint now) {
  for (auto it = newest_.lower_bound(ring_first_); it != newest_.end() && it->first < ring_first;
       ++it) {
    ++aside_count_;
    aside_bytes_ += it->second->log_bytes();
  }
  ring_first_ = ring_first;
  while (aside_count_ > 0 &&
         (aside_bytes_ > bytes_max || now - newest_.begin()->second->published_at() >= ttl)) {
    drop_oldest();
  }
}

void LatestIndex::drop_before(std::uint64_t offset) {
  while (aside_count_ > 0 && newest_.begin()->first < offset) {
    drop_oldest();
  }
}

void LatestIndex::drop_oldest() {
  const auto oldest = newest_.begin();
  lost_ = oldest->first;
  lost_count_ = oldest->second->count();
  --aside_count_;
  aside_bytes_ -= oldest->second->log_bytes();
  by_key_.erase(oldest->second->key());
  newest_.erase(oldest);
}

}  // namespace wspush::hub
