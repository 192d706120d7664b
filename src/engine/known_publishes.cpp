#include "engine/known_publishes.hpp"

#include <algorithm>
#include <utility>

#include "base/logging.hpp"
#include "engine/disk_record.hpp"

namespace wspush::engine {
namespace {

bool is_over(WallTime published, WallTime now) {
  return now - published >= kIdempotencyLifetime;
}

}  // namespace

Result<bool, std::string> KnownPublishes::load(LogStore& store, WallTime now) {
  std::vector<std::pair<LogPlace, KnownPublish>> found;
  std::size_t damaged = 0;
  bool has_removed = false;
  const std::string begin = known_publish_key({});
  const auto read = store.scan(begin, end_of_kind(begin), [&](ByteView key, ByteView value) {
    const auto place = place_in_known_publish_key(key);
    auto publish = decode_known_publish(value);
    const bool is_damaged = !place || !publish;
    if (is_damaged || is_over(publish->published, now)) {
      damaged += is_damaged ? 1U : 0U;
      store.remove(key);
      has_removed = true;
      return true;
    }
    // A clock that was set back meanwhile makes nothing younger than new.
    publish->published = std::min(publish->published, now);
    found.emplace_back(*place, std::move(*publish));
    return true;
  });
  if (!read) {
    return Unexpected(read.error());
  }
  if (damaged > 0) {
    log::error("engine.disk: {} idempotency keys are damaged: a repeat will be published again",
               damaged);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.second.published < b.second.published;
  });
  loaded_.reserve(found.size());
  for (auto& [place, publish] : found) {
    entries_.push_back({place, publish.published});
    loaded_.push_back(std::move(publish));
  }
  return has_removed;
}

void KnownPublishes::keep(LogStore& store, LogPlace place, const KnownPublish& publish) {
  store.put(known_publish_key(place), encode(publish));
  entries_.push_back({place, publish.published});
  ++added_;
  for (int i = 0; i < kRemovalsPerKeep; ++i) {
    const Entry& oldest = entries_[removed_];
    if (!is_over(oldest.published, publish.published) && size() <= kIdempotencyKeysMax) {
      break;
    }
    store.remove(known_publish_key(oldest.place));
    ++removed_;
  }
}

void KnownPublishes::commit() {
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(removed_));
  removed_ = added_ = 0;
}

/// The places of those that were added will be given to others.
void KnownPublishes::undo() {
  entries_.erase(entries_.end() - static_cast<std::ptrdiff_t>(added_), entries_.end());
  removed_ = added_ = 0;
}

void KnownPublishes::forget(LogStore& store, LogPlace begin) {
  store.remove_range(known_publish_key(begin), known_publish_key({begin.log + 1, 0}));
}

}  // namespace wspush::engine
