#include "hub/topic_log.hpp"

#include "base/check.hpp"

namespace wspush::hub {

void TopicLog::reset(std::uint32_t epoch, std::uint64_t last, std::uint64_t newest_dropped) {
  free_ring();
  count_ = 0;
  bytes_ = 0;
  newest_dropped_ = newest_dropped;
  epoch_ = epoch;
  last_ = last;
}

void TopicLog::append(MessageRef message) {
  WSPUSH_CHECK(message->id().epoch == epoch_ && message->id().offset == last_ + 1);
  append_foreign(std::move(message));
}

void TopicLog::append_foreign(MessageRef message) {
  make_room();
  ++last_;
  ++count_;
  bytes_ += message->log_bytes();
  ring_[index_of(last_)] = std::move(message);
}

void TopicLog::grow() {
  // A message lies at its offset modulo the size, so a new size moves every one of them.
  WSPUSH_CHECK(capacity_ <= UINT32_MAX / 2);
  const std::uint32_t capacity = capacity_ == 0 ? 1 : capacity_ * 2;
  auto bigger = std::make_unique<MessageRef[]>(capacity);
  for (std::uint64_t offset = first(); offset <= last_; ++offset) {
    bigger[offset & (capacity - 1)] = std::move(ring_[index_of(offset)]);
  }
  ring_ = std::move(bigger);
  capacity_ = capacity;
}

void TopicLog::free_ring() {
  ring_.reset();
  capacity_ = 0;
}

void TopicLog::drop_oldest() {
  MessageRef& oldest = ring_[index_of(first())];
  bytes_ -= oldest->log_bytes();
  newest_dropped_ = oldest->count();
  oldest = MessageRef();
  --count_;
}

std::uint64_t TopicLog::trim(const LogBounds& bounds, TimePoint now, std::uint64_t keep_from) {
  std::uint64_t dropped = 0;
  while (count_ > 0 && first() < keep_from &&
         (count_ > bounds.messages || bytes_ > bounds.bytes ||
          now - at(first())->published_at() >= bounds.ttl)) {
    drop_oldest();
    ++dropped;
  }
  if (count_ == 0) {
    free_ring();
  }
  return dropped;
}

void TopicLog::drop_before(std::uint64_t offset) {
  while (count_ > 0 && first() < offset) {
    drop_oldest();
  }
  if (count_ == 0) {
    free_ring();
  }
}

}  // namespace wspush::hub
