// Those who want the newest message rather than each: of every key, and no more often than they
// say.
#include <algorithm>

#include "base/check.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// Entries of subscriptions that are gone, beyond as many as there are others.
constexpr std::size_t kStaleMax = 64;

}  // namespace

/// The newest message of each key behind the cursor. False: the batch is full.
bool Hub::gather_latest(const Topic& topic, std::uint32_t place, std::size_t bytes_max,
                        FrameBatch& batch) {
  const Behind& behind = table_.behind_at(place);
  const WireForm form = table_[behind.subscription].form;
  std::uint64_t at = behind.cursor;
  while (const MessageRef* const message = topic.latest->next_after(at)) {
    if (is_full(batch, bytes_max)) {
      return false;
    }
    at = (*message)->id().offset;
    add_frame(batch, topic, *message, place, form, at);
  }
  return true;
}

// --- max_rate

/// One message, if the subscription is due and has not everything. False: it is being closed.
bool Hub::gather_rated(Topic& topic, std::uint32_t place, FrameBatch& batch) {
  Behind& behind = table_.behind_at(place);
  const std::uint32_t index = behind.subscription;
  const Subscription& subscription = table_[index];
  if (now_ < rated_[index].due) {
    return true;
  }
  const std::size_t bytes_for_one = batch.bytes + 1;
  if (topic.feed != nullptr) {
    if (gather_away(topic, place, bytes_for_one, batch) == Away::kEnded) {
      return false;
    }
  } else {
    const TopicLog& log = topic.log;
    const bool has_hole = behind.epoch != log.epoch() || behind.cursor + 1 < log.first();
    if (has_hole && !close_hole(topic, subscription, behind)) {
      return false;
    }
    if (topic.latest != nullptr) {
      gather_latest(topic, place, bytes_for_one, batch);
    } else if (behind.cursor < log.last() && !is_full(batch, bytes_for_one)) {
      add_frame(batch, topic, log.at(log.last()), place, subscription.form, log.last());
    }
  }
  if (has_everything(index)) {
    idle_or_wait(index);
  }
  return true;
}

/// A message of it went out.
void Hub::rated_has_got(std::uint32_t index) {
  Rated& rated = rated_[index];
  rated.due = now_ + rated.interval;
  wait_until_due(index, rated);
}

void Hub::wait_until_due(std::uint32_t index, Rated& rated) {
  rated_due_.push({rated.due, index});  // First, as it may throw.
  rated.is_waiting = true;
  if (rated_due_.size() > 2 * rated_.size() + kStaleMax) {
    // Most are of subscriptions that are gone; some of those may not be due for a day.
    decltype(rated_due_) still_due;
    for (const auto& [subscription, each] : rated_) {
      if (each.is_waiting) {
        still_due.push({each.due, subscription});
      }
    }
    rated_due_ = std::move(still_due);
  }
}

void Hub::idle_or_wait(std::uint32_t index) {
  Rated& rated = rated_[index];
  if (rated.is_waiting) {
    return;
  }
  if (has_everything(index)) {
    Topic& topic = topic_at(table_[index].topic);
    if (topic.rated_idle == nullptr) {
      topic.rated_idle = std::make_unique<std::vector<std::uint32_t>>();
    }
    topic.rated_idle->push_back(index);
    if (topic.rated_idle->size() > 2 * std::size_t{topic.subscribers} + kStaleMax) {
      std::vector<std::uint32_t>& idle = *topic.rated_idle;
      std::sort(idle.begin(), idle.end());
      idle.erase(std::unique(idle.begin(), idle.end()), idle.end());
      std::erase_if(idle, [&](std::uint32_t each) { return !is_idle(each, topic); });
    }
  } else {
    events_.on_behind(table_[index].slot);
  }
}

/// Whether what stands in the topic's list still does: the index may belong to another one by now.
bool Hub::is_idle(std::uint32_t index, const Topic& topic) const {
  const auto found = rated_.find(index);
  return found != rated_.end() && !found->second.is_waiting &&
         table_[index].topic == topic.handle.slot;
}

/// There is something new. Each of them waits at most once, whatever is published meanwhile.
void Hub::wake_rated(Topic& topic) {
  if (topic.rated_idle == nullptr) {
    return;
  }
  for (const std::uint32_t index : *topic.rated_idle) {
    if (is_idle(index, topic)) {
      Rated& rated = rated_[index];
      rated.due = std::max(rated.due, now_);
      wait_until_due(index, rated);
    }
  }
  topic.rated_idle.reset();
}

void Hub::run_rated() {
  while (!rated_due_.empty() && rated_due_.top().due <= now_) {
    const RatedDue top = rated_due_.top();
    rated_due_.pop();
    const auto found = rated_.find(top.subscription);
    if (found != rated_.end() && found->second.is_waiting && found->second.due == top.due) {
      found->second.is_waiting = false;
      try {
        idle_or_wait(top.subscription);
      } catch (const std::bad_alloc&) {
        found->second.is_waiting = true;
        rated_due_.push(top);  // Its place has just become free.
        throw;
      }
    }
  }
}

}  // namespace wspush::hub
