// Subscriptions: bringing a topic's log to this reactor, and cursors into it.
#include <algorithm>
#include <new>

#include "base/check.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {

bool Hub::prepare(std::span<const std::string> topics, bool fence, const ReplyTo& to) {
  std::vector<Wanted> wanted;
  wanted.reserve(topics.size());
  for (const std::string& topic : topics) {
    wanted.push_back({topic});
  }
  return prepare(wanted, fence, to);
}

bool Hub::prepare(std::span<const Wanted> wanted, bool fence, const ReplyTo& to) {
  Handle waiting;
  try {
    prepare(wanted, fence, to, waiting);
  } catch (const std::bad_alloc&) {
    preparations_.erase(waiting);  // Those who are to end its wait do not find it.
    throw;
  }
  return !waiting;
}

void Hub::prepare(std::span<const Wanted> wanted, bool fence, const ReplyTo& to, Handle& waiting) {
  const auto wait_for_one_more = [&] {
    if (!waiting) {
      waiting = preparations_.emplace(Preparation{.to = to, .since = now_});
    }
    ++preparations_.find(waiting)->missing;
  };
  ++prepares_;
  std::vector<bool> is_fenced(options_.reactors, false);
  const std::uint32_t slot = Handle::from_packed(to.connection).slot;
  for (const auto& [name, after] : wanted) {
    Topic* topic = find_topic(name);
    if (is_feed(name)) {
      if (topic == nullptr) {
        topic = open_feed(name);
      } else if (fence) {
        is_fenced.assign(options_.reactors, true);
      }
      if (topic != nullptr && after.kind != After::Kind::kNext) {
        FeedCursor* const cursor = prepare_cursor(*topic, slot, after);
        if (cursor != nullptr && cursor->fetching > 0) {
          wait_for_one_more();
          cursor->preparation = waiting;
        }
      }
    } else if (topic == nullptr && is_home_here(name)) {
      topic = open_home_topic(name);  // Null past limits.topics: `subscribe` will say so.
    } else if (topic == nullptr) {
      topic = &add_topic(name);
      ask_for_log(*topic);
    } else if (fence && topic->home == nullptr) {  // Its snapshot may be older than the commands.
      is_fenced[home_of(name)] = true;
    }
    if (topic != nullptr && !topic->is_ready) {
      ask_again(*topic);
    }
    if (topic != nullptr && !topic->is_ready) {
      wait_for_one_more();
      topic->waiting.push_back(waiting);
    } else if (topic != nullptr) {
      topic->idle_since =
          ShortTime::before(now_);  // It lingers at least until the subscription is made.
    }
  }
  for (std::uint16_t home = 0; home < options_.reactors; ++home) {
    if (is_fenced[home] && home != options_.reactor) {
      wait_for_one_more();
      post_.send(home, FenceMail{options_.reactor, waiting});
    }
  }
}

void Hub::end_wait(Handle handle) {
  Preparation* preparation = preparations_.find(handle);
  if (preparation == nullptr || --preparation->missing > 0) {
    return;
  }
  const ReplyTo to = preparation->to;
  preparations_.erase(handle);
  reply(to, PreparedReply{});
}

void Hub::become_ready(Topic& topic) {
  topic.is_ready = true;
  topic.idle_since = ShortTime::before(now_);
  const std::vector<Handle> waiting = topic.waiting.take();
  for (const Handle preparation : waiting) {
    end_wait(preparation);
  }
}

Result<Subscribed, HubError> Hub::subscribe(Member who, ByteView name,
                                            const SubscribeOptions& options) {
  Topic* topic = find_topic(name);
  if (topic == nullptr || !topic->is_ready) {
    // The log of a topic that is here has not come in time.
    return Unexpected(topic == nullptr ? HubError::kTopicLimit : HubError::kUnavailable);
  }
  if (topic->rule == nullptr && topic->feed == nullptr) {
    return Unexpected(HubError::kForbidden);
  }
  if (table_.find(topic->handle.slot, who.slot) != kNone) {
    forget_prepared(*topic, who.slot);
    return Unexpected(HubError::kAlreadySubscribed);
  }
  if (table_.count_of(who.slot) >= options.subscriptions_max) {
    ++counters_.subscription_limit_hits;
    forget_prepared(*topic, who.slot);
    return Unexpected(HubError::kSubscriptionLimit);
  }
  if (topic->feed != nullptr) {
    return subscribe_to_feed(*topic, who, options);
  }
  trim(*topic);
  const TopicLog& log = topic->log;
  Subscribed answer{.last = {log.epoch(), log.last()}, .recovered = std::nullopt};
  std::uint64_t cursor = log.last();
  // What is aside is kept, too, for those who want the latest.
  const std::uint64_t first_cursor = topic->latest != nullptr && options.mode != Mode::kAll
                                         ? topic->latest->lost()
                                         : log.first() - 1;
  switch (options.after.kind) {
    case After::Kind::kNext:
    case After::Kind::kPosition:  // It is none of a topic.
      break;
    case After::Kind::kFirst:
      cursor = first_cursor;
      answer.recovered = true;
      break;
    case After::Kind::kId: {
      const MessageId id = options.after.id;
      answer.recovered =
          id.epoch == log.epoch() && id.offset <= log.last() && id.offset + 1 >= log.first();
      cursor = *answer.recovered ? id.offset : first_cursor;
      break;
    }
  }
  answer.next = {log.epoch(), cursor + 1};
  const std::uint32_t index = add_subscription(*topic, who, options);
  start_at(*topic, index, cursor, options);
  table_[index].role = options.role;
  judge_presence(index, options.user);
  return answer;
}

std::uint32_t Hub::add_subscription(Topic& topic, Member who, const SubscribeOptions& options) {
  if (who.slot >= fd_by_slot_.size()) {
    fd_by_slot_.resize(who.slot + 1, -1);
  }
  const std::uint32_t index = table_.add(topic.handle.slot, who.slot, options.form, options.mode);
  fd_by_slot_[who.slot] = who.fd;
  ++topic.subscribers;
  count_changed(topic);
  return index;
}

void Hub::start_at(Topic& topic, std::uint32_t index, std::uint64_t cursor,
                   const SubscribeOptions& options) {
  if (options.mode == Mode::kRated) {
    put_behind(topic, index, cursor);
    rated_[index].interval = options.interval;
    idle_or_wait(index);
    return;
  }
  if (cursor == topic.log.last() && !topic.is_dirty) {
    enter_array(topic, index, fd_by_slot_[table_[index].slot]);
    return;
  }
  put_behind(topic, index, cursor);
  if (cursor == topic.log.last()) {
    catch_up(index);
  } else {
    events_.on_behind(table_[index].slot);
  }
}

Result<void, HubError> Hub::unsubscribe(std::uint32_t slot, ByteView name) {
  const Topic* topic = find_topic(name);
  const std::uint32_t index = topic == nullptr ? kNone : table_.find(topic->handle.slot, slot);
  if (index == kNone) {
    return Unexpected(HubError::kNotSubscribed);
  }
  // What was published before this command is still its to get.
  overtake_flush_of(index);
  if (table_[index].state != Subscription::State::kMember) {
    events_.on_leaving(slot);
  }
  end_subscription(index);
  return {};
}

void Hub::overtake_flush_of(std::uint32_t index) {
  Topic& topic = topic_at(table_[index].topic);
  if (table_[index].state == Subscription::State::kJoining) {
    table_[index].state = Subscription::State::kBehind;  // Its cursor will do.
  }
  if (table_[index].state != Subscription::State::kMember || !topic.is_dirty ||
      table_[index].place == kNone) {
    return;
  }
  table_.make_room_behind(1);
  const MemberArray& array = array_of(topic, table_[index]);
  const bool is_served = table_[index].place < array.walked;
  const std::uint64_t cursor = is_served ? topic.walk_end() : topic.flushed;
  leave_array(topic, index);
  table_[index].place = kNone;  // Should the next not succeed.
  put_behind(topic, index, cursor);
}

void Hub::overtake_flush(std::uint32_t slot) {
  for (auto index = table_.first_of(slot); index != kNone; index = table_[index].next) {
    overtake_flush_of(index);
  }
}

void Hub::remove_subscriber(std::uint32_t slot) {
  forget_all_prepared(slot);
  while (table_.first_of(slot) != kNone) {
    end_subscription(table_.first_of(slot));
  }
}

void Hub::end_subscription(std::uint32_t index) {
  Topic& topic = topic_at(table_[index].topic);
  if (table_[index].is_present) {
    end_present(index);
  }
  if (table_[index].is_watching) {
    end_watch(index);
  }
  if (table_[index].state != Subscription::State::kMember) {
    end_behind(index);
  } else if (table_[index].place != kNone) {  // Else memory ran out before it had one.
    leave_array(topic, index);
  }
  if (table_[index].mode == Mode::kRated) {
    rated_.erase(index);
  }
  table_.remove(index);
  WSPUSH_ASSERT(topic.subscribers > 0);
  --topic.subscribers;
  topic.idle_since = ShortTime::before(now_);
  if (topic.stream == StreamState::kNoStream) {
    count_changed(topic);
  } else if (topic.subscribers == 0) {
    end_stream(topic);
  }
}

bool Hub::is_subscribed(std::uint32_t slot, ByteView name) const {
  const Topic* topic = find_topic(name);
  return topic != nullptr && table_.find(topic->handle.slot, slot) != kNone;
}

TimePoint Hub::last_delivery(std::uint32_t slot) const {
  TimePoint last{};
  for (auto index = table_.first_of(slot); index != kNone; index = table_[index].next) {
    if (table_[index].state == Subscription::State::kMember) {
      last = std::max(last, topic_at(table_[index].topic).flushed_at.at(now_));
    }
  }
  return last;
}

void Hub::count_changed(Topic& topic) {
  if (topic.home == nullptr && !topic.is_count_dirty) {
    count_dirty_.push_back(topic.handle);
    topic.is_count_dirty = true;
  }
}

void Hub::post_counts() {
  for (const Handle handle : count_dirty_) {
    if (Topic* topic = topics_.find(handle)) {
      topic->is_count_dirty = false;
      if (topic->feed != nullptr) {
        for (std::uint16_t home = 0; home < options_.reactors; ++home) {
          tell(home, FeedCountMail{topic->feed->at_homes[home], topic->subscribers});
        }
        continue;
      }
      post_.send(home_of(topic->name),
                 CountMail{topic->home_handle, options_.reactor, topic->subscribers});
    }
  }
  count_dirty_.clear();
}

}  // namespace wspush::hub
