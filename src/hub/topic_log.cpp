#include "hub/topic_log.hpp"

#include "base/check.hpp"

namespace wspush::hub {

void TopicLog::reset(std::uint32_t epoch, std::uint64_t last, std::uint64_t newest_dropped) {
  ring_ = {};
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
  if (count_ == ring_.size()) {
    grow();
  }
  ++last_;
  ++count_;
  bytes_ += message->log_bytes();
  ring_[index_of(last_)] = std::move(message);
}

void TopicLog::grow() {
  // A message lies at its offset modulo the size, so a new size moves every one of them.
  std::vector<MessageRef> bigger(ring_.empty() ? 1 : ring_.size() * 2);
  for (std::uint64_t offset = first(); offset <= last_; ++offset) {
    bigger[offset & (bigger.size() - 1)] = std::move(ring_[index_of(offset)]);
  }
  ring_ = std::move(bigger);
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
    ring_ = {};
  }
  return dropped;
}

void TopicLog::drop_before(std::uint64_t offset) {
  while (count_ > 0 && first() < offset) {
    drop_oldest();
  }
  if (count_ == 0) {
    ring_ = {};
  }
}

}  // namespace wspush::hub
