#include "hub/latest_index.hpp"

namespace wspush::hub {

void LatestIndex::begin_behind(std::uint64_t offset, std::uint64_t count) {
  if (by_key_.find(ByteView()) == by_key_.end()) {
    lost_ = offset;
    lost_count_ = count;
  }
}

void LatestIndex::add(std::uint64_t offset, const MessageRef& message) {
  const auto known = by_key_.find(message->key());
  if (known != by_key_.end()) {
    const auto replaced = newest_.find(known->second);
    if (replaced->first < ring_first_) {
      --aside_count_;
      aside_bytes_ -= replaced->second->log_bytes();
    }
    by_key_.erase(known);  // Its key lies in the message that goes.
    newest_.erase(replaced);
  }
  newest_.emplace_hint(newest_.end(), offset, message);
  by_key_.emplace(message->key(), offset);
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
