#include "hub/idempotency_window.hpp"

#include <new>

namespace wspush::hub {
namespace {

std::string name_of(ByteView topic, ByteView key) {
  std::string name;
  name.reserve(topic.size() + 1 + key.size());
  name.append(topic).push_back('\0');
  name.append(key);
  return name;
}

}  // namespace

void IdempotencyWindow::expire(TimePoint now) {
  while (!oldest_.empty()) {
    const auto entry = entries_.find(*oldest_.front());
    if (now < entry->second.expires && entries_.size() <= kEntriesMax) {
      return;
    }
    oldest_.pop_front();
    entries_.erase(entry);
  }
}

std::optional<MessageId> IdempotencyWindow::find(ByteView topic, ByteView key, TimePoint now) {
  expire(now);
  const auto entry = entries_.find(name_of(topic, key));
  if (entry == entries_.end()) {
    return std::nullopt;
  }
  return entry->second.id;
}

void IdempotencyWindow::remember(ByteView topic, ByteView key, MessageId id, TimePoint now) {
  expire(now);  // The same key, if it is over, would keep its old id.
  const auto [entry, is_new] =
      entries_.try_emplace(name_of(topic, key), Entry{id, now + kLifetime});
  if (is_new) {
    try {
      oldest_.push_back(&entry->first);
    } catch (const std::bad_alloc&) {
      entries_.erase(entry);  // It would be there for ever.
      throw;
    }
    expire(now);
  }
}

}  // namespace wspush::hub
