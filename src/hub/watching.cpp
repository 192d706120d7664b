// Presence in the reactor of the subscribers: whose connections make members, and the streams by
// which they hear of each other.
#include <algorithm>
#include <new>

#include "base/check.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {

Handle Hub::home_handle_of(const Topic& topic) const {
  return topic.home != nullptr ? topic.handle : topic.home_handle;
}

/// Makes the subscription what the topic's rule says, as it is now. `user` is its connection's.
void Hub::judge_presence(std::uint32_t index, const PresentUser& user) {
  const Subscription& subscription = table_[index];
  const Topic& topic = topic_at(subscription.topic);
  if (subscription.role == PresenceRole::kNone || topic.feed != nullptr) {
    return;
  }
  const config::Presence kind =
      topic.rule == nullptr ? config::Presence::kOff : topic.rule->presence;
  const bool is_kept = kind != config::Presence::kOff;
  if (is_kept && user && !subscription.is_present) {
    become_present(index, user);
  } else if (!is_kept && subscription.is_present) {
    end_present(index);
  }
  const Mode mode = kind == config::Presence::kCount ? Mode::kLatest : Mode::kAll;
  if (subscription.is_watching && (!is_kept || watch_mode_of(index) != mode)) {
    end_watch(index);
  }
  if (is_kept && subscription.role == PresenceRole::kWatcher && !subscription.is_watching) {
    watch(index, mode);
  }
}

/// After a reload. Its user is asked for only where the rule has begun to keep presence.
void Hub::judge_presence_again(std::uint32_t index) {
  const Subscription& subscription = table_[index];
  if (subscription.role == PresenceRole::kNone) {
    return;
  }
  const config::TopicRule* const rule = topic_at(subscription.topic).rule;
  const bool is_kept = rule != nullptr && rule->presence != config::Presence::kOff;
  const bool is_new = is_kept && !subscription.is_present;
  judge_presence(index, is_new ? events_.user_of(subscription.slot) : PresentUser{});
}

void Hub::become_present(std::uint32_t index, const PresentUser& user) {
  const std::uint32_t slot = table_[index].slot;
  Present& present = present_[slot];
  present.user = user;
  const Topic& topic = topic_at(table_[index].topic);
  try {
    tell(home_of(topic.name), PresentMail{home_handle_of(topic), PresentMail::Kind::kJoin, user});
  } catch (const std::bad_alloc&) {
    if (present.count == 0) {
      present_.erase(slot);
    }
    throw;
  }
  ++present.count;
  table_[index].is_present = true;
}

void Hub::end_present(std::uint32_t index) {
  const auto found = present_.find(table_[index].slot);
  WSPUSH_CHECK(found != present_.end());
  const Topic& topic = topic_at(table_[index].topic);
  tell(home_of(topic.name),
       PresentMail{home_handle_of(topic), PresentMail::Kind::kLeave, found->second.user});
  // Only now: where memory ran out for the letter, whoever tries again says it again.
  table_[index].is_present = false;
  if (--found->second.count == 0) {
    present_.erase(found);
  }
}

void Hub::set_user(std::uint32_t slot, const PresentUser& user) {
  if (const auto found = present_.find(slot); found != present_.end()) {
    WSPUSH_CHECK(user && *user.name == *found->second.user.name);
    const bool is_new = *user.info != *found->second.user.info;
    found->second.user = user;  // Of the two tokens it keeps the newer one.
    for (auto i = table_.first_of(slot); is_new && i != kNone; i = table_[i].next) {
      const Topic& topic = topic_at(table_[i].topic);
      if (table_[i].is_present) {
        tell(home_of(topic.name),
             PresentMail{home_handle_of(topic), PresentMail::Kind::kRenew, user});
      }
    }
  }
  // What is added on the way stands in front.
  for (auto index = table_.first_of(slot); index != kNone; index = table_[index].next) {
    judge_presence(index, user);
  }
}

// --- streams

Topic* Hub::stream_of(const Topic& topic) {
  return find_topic(presence_stream_of(topic.name));
}

Mode Hub::watch_mode_of(std::uint32_t index) {
  const Topic& stream = *stream_of(topic_at(table_[index].topic));
  return table_[table_.find(stream.handle.slot, table_[index].slot)].mode;
}

void Hub::watch(std::uint32_t index, Mode mode) {
  Topic& topic = topic_at(table_[index].topic);
  Topic* stream = stream_of(topic);
  if (stream == nullptr) {
    stream = &add_topic(presence_stream_of(topic.name));
    stream->rule = nullptr;
    stream->stream = StreamState::kSettled;
    stream->is_ready = true;
  }
  if (stream->subscribers == 0) {
    stream->home_handle = home_handle_of(topic);
    stream->skip_unflushed();
    stream->log.drop_before(stream->log.last() + 1);  // Of its last watchers' time.
  }
  const std::uint32_t slot = table_[index].slot;
  const SubscribeOptions options{.after = {}, .mode = mode, .form = table_[index].form};
  const std::uint32_t watching =
      table_.add(stream->handle.slot, slot, options.form, options.mode, true);
  table_[index].is_watching = true;
  ++stream->subscribers;
  if (stream->subscribers == 1) {
    try {
      tell(home_of(topic.name),
           WatchMail{stream->home_handle, options_.reactor, stream->handle, false});
    } catch (const std::bad_alloc&) {
      stream->subscribers = 0;
      table_[index].is_watching = false;
      table_.remove(watching);
      throw;
    }
  }
  // Who wants the number has it at once where it is known here.
  const bool knows = mode == Mode::kLatest && !stream->log.empty() &&
                     stream->log.at(stream->log.last())->key() == kCountEvent;
  start_at(*stream, watching, stream->log.last() - (knows ? 1 : 0), options);
}

void Hub::end_watch(std::uint32_t index) {
  table_[index].is_watching = false;
  const Topic* const stream = stream_of(topic_at(table_[index].topic));
  const std::uint32_t watching =
      stream == nullptr ? kNone : table_.find(stream->handle.slot, table_[index].slot);
  if (watching != kNone) {  // It may have ended with its connection.
    end_subscription(watching);
  }
}

/// The last watcher has gone: the home need not tell this reactor any more.
void Hub::end_stream(Topic& stream) {
  tell(home_of(topic_of_stream(stream.name)),
       WatchMail{stream.home_handle, options_.reactor, stream.handle, true});
}

void Hub::on_presence_mail(PresenceMail&& mail) {
  Topic* const stream = topics_.find(mail.stream);
  if (stream == nullptr) {
    // The home hears that nobody watches, if it has not heard yet: it would wait for an answer.
    tell(mail.reactor, WatchMail{mail.home, options_.reactor, mail.stream, true});
    return;
  }
  try {
    if (mail.is_after_loss) {
      // A hole: whoever is in front of it is too slow, and comes again.
      reset_log(*stream, stream->log.epoch(), stream->log.last() + 1);
    }
    for (MessageRef& event : mail.events) {
      const TopicLog& log = stream->log;
      const bool is_known = event->key() == kCountEvent && !log.empty() &&
                            log.at(log.last())->key() == kCountEvent &&
                            log.at(log.last())->payload() == event->payload();
      if (!is_known) {  // A number may come for those who are gone, and again for who came after
                        // them.
        append(*stream, std::move(event));
      }
    }
    if (mail.wants_answer) {
      stream->stream = StreamState::kTelling;
      if (!stream->is_dirty) {
        settle_stream(*stream);
      }
    }
  } catch (const std::bad_alloc&) {
    stream->stream = StreamState::kSettled;
    tell(mail.reactor, PresenceToldMail{mail.home, options_.reactor, true});
  }
}

void Hub::settle_stream(Topic& stream) {
  if (stream.stream == StreamState::kTelling) {
    tell(home_of(topic_of_stream(stream.name)),
         PresenceToldMail{stream.home_handle, options_.reactor});
    stream.stream = StreamState::kSettled;
  }
}

/// Those who keep up need nothing of what was sent. The newest stays: it may be the number that the
/// next watcher wants.
void Hub::trim_stream(Topic& stream) {
  std::size_t members = 0;
  for (const MemberArray& array : stream.arrays.view()) {
    members += array.members.size();
  }
  const bool is_needed = members < stream.subscribers;
  TopicLog& log = stream.log;
  while (log.count() > 1 && log.first() <= stream.flushed &&
         (!is_needed || log.count() > kStreamEventsMax || log.bytes() > kStreamBytesMax)) {
    log.drop_before(log.first() + 1);
  }
}

}  // namespace wspush::hub
