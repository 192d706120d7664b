#include "hub/hub.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "base/check.hpp"

namespace wspush::hub {
namespace {

/// `sweep` is called about every 100 ms and passes over all topics in this many calls.
constexpr std::uint32_t kSweepCalls = 100;

/// Cursors looked at in one sweep: a tenth of a millisecond.
constexpr std::uint32_t kBehindPerSweep = 10'000;

/// Whoever has waited so long for a log, or for what it missed, has asked somebody whom memory ran
/// out for: a hundred times what a home needs for an answer.
constexpr Duration kWaitMax = std::chrono::seconds(30);

/// Past `limits.history_bytes` the topic with the oldest message of so many looked at gives way:
/// exact while there are no more topics than this, close to it with more.
constexpr std::uint32_t kVictimsLookedAt = 64;

}  // namespace

Hub::Hub(const HubOptions& options, HubShared& shared, engine::Engine& engine, Post& post,
         MemberSender& sender, SubscriberEvents& events)
    : options_(options),
      shared_(shared),
      engine_(engine),
      post_(post),
      sender_(sender),
      events_(events),
      random_(options.seed),
      latest_key_(SipKey::from(random_)),
      names_(SipKey::from(random_), NameOf{this}),
      // The same in all reactors; drawn anew with the process, and with their number.
      position_epoch_(static_cast<std::uint32_t>(
          siphash13(shared.topic_key, "positions of " + std::to_string(options.reactors)))),
      patterns_(SipKey::from(random_)) {
  engine_.start(*this);
}

Hub::~Hub() {
  end_reload();  // The others need not wait for it.
}

std::uint16_t Hub::home_of(ByteView topic) const {
  return options_.reactors == 1
             ? std::uint16_t{0}
             : static_cast<std::uint16_t>(siphash13(shared_.topic_key, topic) % options_.reactors);
}

Topic* Hub::find_topic(ByteView name) {
  const auto slot = names_.find(name);
  if (!slot) {
    return nullptr;
  }
  Topic& topic = topic_at(*slot);
  if (is_reloading() && *slot >= reload_.next_topic) {
    use_new_rule(topic);  // Whoever comes by its name must not meet the old one.
  }
  return &topic;
}

const Topic* Hub::find_topic(ByteView name) const {
  const auto slot = names_.find(name);
  return slot ? &topic_at(*slot) : nullptr;
}

Topic& Hub::add_topic(ByteView name) {
  const Handle handle = topics_.emplace();
  Topic& topic = *topics_.find(handle);
  try {
    topic.name = name;
    topic.rule = rules_->rule_of(name);
    names_.insert(name, handle.slot);
  } catch (const std::bad_alloc&) {
    topics_.erase(handle);
    throw;
  }
  topic.handle = handle;
  if (handle.slot < reload_.is_withdrawn.size()) {
    reload_.is_withdrawn[handle.slot] = false;  // That was said of the one before it.
  }
  topic.idle_since = ShortTime::before(now_);
  topic.flushed_at = ShortTime::before(now_ - kLongAgo);
  return topic;
}

void Hub::free_topic(Topic& topic) {
  WSPUSH_CHECK(topic.subscribers == 0 && topic.waiting.empty());
  if (topic.home != nullptr) {
    history_bytes_ -= topic.kept_bytes();
    if (topic.home->presence != nullptr) {
      home_members_ -= topic.home->presence->members.size();
    }
    --home_topics_;
    remember_dropped(topic);
  }
  if (topic.home != nullptr || topic.feed != nullptr) {
    shared_.topics.fetch_sub(1, std::memory_order_relaxed);
  }
  names_.erase(topic.name);
  topics_.erase(topic.handle);
}

LogBounds Hub::bounds_of(const Topic& topic) const {
  if (topic.rule == nullptr) {
    return {.messages = 0, .bytes = 0, .ttl = Duration::zero()};
  }
  const config::History& history = topic.rule->history;
  return {.messages = history.messages, .bytes = history.bytes, .ttl = history.ttl};
}

void Hub::trim(Topic& topic) {
  if (topic.feed != nullptr) {
    trim_feed(topic);
    return;
  }
  if (topic.stream != StreamState::kNoStream) {
    trim_stream(topic);
    return;
  }
  const std::uint64_t before = topic.kept_bytes();
  const std::uint64_t dropped_before = topic.dropped();
  const LogBounds bounds = bounds_of(topic);
  topic.log.trim(bounds, now_, topic.flushed + 1);
  if (topic.latest != nullptr) {
    topic.latest->trim(topic.log.first(), bounds.bytes, bounds.ttl, now_);
  }
  if (topic.home != nullptr) {
    history_bytes_ -= before - topic.kept_bytes();
    if (topic.dropped() != dropped_before) {
      note_drop(topic);
    }
  }
}

/// `next` is about to be appended. Topics without keys have no index: their newest message is the
/// last one of the log.
void Hub::index_latest(Topic& topic, const MessageRef& next) {
  const std::uint64_t offset = topic.log.last() + 1;
  if (topic.latest == nullptr) {
    std::unique_ptr<LatestIndex> index = latest_index_of(topic, {});
    index->add(offset, next);
    if (topic.has_lost_keys) {
      index->lose(topic.log.first() - 1, topic.log.newest_dropped());
    } else {
      index->begin_behind(topic.log.first() - 1, topic.log.newest_dropped());
    }
    topic.latest = std::move(index);
    topic.has_lost_keys = false;
    return;
  }
  const std::uint64_t before = topic.latest->aside_bytes();
  topic.latest->add(offset, next);
  if (topic.home != nullptr) {
    history_bytes_ -= before - topic.latest->aside_bytes();
  }
}

std::unique_ptr<LatestIndex> Hub::latest_index_of(const Topic& topic,
                                                  const std::vector<MessageRef>& aside) const {
  auto index = std::make_unique<LatestIndex>(latest_key_);
  for (const MessageRef& message : aside) {
    index->add(message->id().offset, message);
  }
  for (std::uint64_t offset = topic.log.first(); offset <= topic.log.last(); ++offset) {
    index->add(offset, topic.log.at(offset));
  }
  return index;
}

/// Adds to the sum of all hubs what has changed here, once it is a thousandth of the limit: a line
/// of memory that all threads write with each message would cost more than the message.
void Hub::tell_history_bytes() {
  const std::uint64_t change = history_bytes_ - history_bytes_told_;  // may wrap: the sum does too
  const std::uint64_t size = std::min(change, std::uint64_t{0} - change);
  if (size > limits_.history_bytes / 1024) {
    shared_.history_bytes.fetch_add(change, std::memory_order_relaxed);
    history_bytes_told_ = history_bytes_;
  }
}

/// All logs together are over the limit, and those at home here take more than their share. So a
/// reactor whose topics are idle lets go as well, and one topic may fill the whole limit.
bool Hub::keeps_too_much() const {
  return history_bytes_ > limits_.history_bytes / options_.reactors &&
         shared_.history_bytes.load(std::memory_order_relaxed) > limits_.history_bytes;
}

void Hub::enforce_history_bytes(int rounds_max) {
  tell_history_bytes();
  // Each round frees one message; a publish adds one, so a few rounds hold the bound.
  for (int round = 0; round < rounds_max && keeps_too_much(); ++round) {
    Topic* victim = nullptr;
    const std::uint32_t slots = topics_.slot_count();
    const auto start = static_cast<std::uint32_t>(random_.below(slots));
    for (std::uint32_t i = 0; i < std::min(slots, kVictimsLookedAt); ++i) {
      Topic* topic = topics_.in_slot((start + i) % slots);
      const bool has_aside =
          topic != nullptr && topic->latest != nullptr && topic->latest->aside_count() > 0;
      if (topic == nullptr || topic->home == nullptr ||
          (!has_aside && (topic->log.empty() || topic->log.first() > topic->flushed))) {
        continue;
      }
      const auto oldest = [](const Topic& t) {
        return t.latest != nullptr && t.latest->aside_count() > 0
                   ? (*t.latest->next_after(0))->published_at()
                   : t.log.at(t.log.first())->published_at();
      };
      if (victim == nullptr || oldest(*topic) < oldest(*victim)) {
        victim = topic;
      }
    }
    if (victim == nullptr) {
      return;
    }
    ++counters_.history_limit_hits;
    const std::uint64_t before = victim->kept_bytes();
    if (victim->latest != nullptr && victim->latest->aside_count() > 0) {
      const std::uint64_t first = (*victim->latest->next_after(0))->id().offset + 1;
      victim->latest->drop_before(first);
      note_drop(*victim);
      history_bytes_ -= before - victim->kept_bytes();
      tell_history_bytes();
      for (const Replica& replica : victim->home->replicas.view()) {
        post_.send(replica.reactor, DropMail{replica.topic, first});
      }
      continue;
    }
    victim->log.drop_before(victim->log.first() + 1);
    note_drop(*victim);
    if (victim->latest != nullptr) {
      // Nothing comes aside while there is too much: the next round would take it.
      victim->latest->trim(victim->log.first(), 0, Duration::max(), now_);
    }
    history_bytes_ -= before - victim->kept_bytes();
    tell_history_bytes();
    for (const Replica& replica : victim->home->replicas.view()) {
      post_.send(replica.reactor, DropMail{replica.topic, victim->log.first()});
    }
  }
}

void Hub::sweep() {
  const std::uint32_t slots = topics_.slot_count();
  const std::uint32_t end = std::min(slots, sweep_at_ + slots / kSweepCalls + 1);
  const std::uint32_t begin = std::exchange(sweep_at_, end >= slots ? 0 : end);
  bool has_failed = false;
  topics_.for_each_in(begin, end, [&](Handle, Topic& topic) {
    try {
      sweep_topic(topic);
    } catch (const std::bad_alloc&) {
      has_failed = true;  // The others have their turn; this one again with the next round.
    }
  });
  enforce_history_bytes(kVictimsPerSweep);
  end_those_too_slow();
  end_long_waits();
  if (has_failed) {
    throw std::bad_alloc();
  }
}

/// Bounds what a lost letter costs: who waits to subscribe is told that it is not there, and
/// whoever waits for what it missed comes again and asks for it.
void Hub::end_long_waits() {
  const auto part_of = [](std::uint32_t slots, std::uint32_t& at) {
    const std::uint32_t first = at;
    at = first + slots / kSweepCalls + 1 >= slots ? 0 : first + slots / kSweepCalls + 1;
    return std::pair(first, at == 0 ? slots : at);
  };
  const auto [first, last] = part_of(preparations_.slot_count(), waits_at_);
  preparations_.for_each_in(first, last, [this](Handle handle, Preparation& preparation) {
    if (now_ - preparation.since >= kWaitMax) {
      preparation.missing = 1;
      end_wait(handle);
    }
  });
  const auto [begin, end] = part_of(feed_cursors_.slot_count(), fetches_at_);
  feed_cursors_.for_each_in(begin, end, [this](Handle, const FeedCursor& cursor) {
    if (cursor.is_subscribed && cursor.fetching > 0 && now_ - cursor.asked_at >= kWaitMax) {
      events_.on_send_error(cursor.slot, ECONNABORTED);
    }
  });
}

void Hub::end_those_too_slow() {
  const std::uint32_t count = std::min(table_.behind_end(), kBehindPerSweep);
  for (std::uint32_t i = 0; i < count; ++i) {
    slow_at_ = slow_at_ + 1 < table_.behind_end() ? slow_at_ + 1 : 0;
    const Behind& behind = table_.behind_at(slow_at_);
    if (behind.subscription == kNone) {
      continue;
    }
    const Subscription& subscription = table_[behind.subscription];
    const Topic& topic = topic_at(subscription.topic);
    if (topic.rule != nullptr && topic.rule->when_slow == config::WhenSlow::kDisconnect &&
        subscription.mode == Mode::kAll && behind.epoch == topic.log.epoch() &&
        behind.cursor + 1 < topic.log.first()) {
      events_.on_too_slow(subscription.slot);
    }
  }
}

void Hub::sweep_topic(Topic& topic) {
  trim(topic);
  for (ShortTime* const time : {&topic.flushed_at, &topic.idle_since}) {
    *time = ShortTime::before(std::max(time->at(now_), now_ - kLongAgo));
  }
  if (!topic.is_ready) {
    if (topic.home != nullptr && topic.home->position.is_opening == 0) {
      refuse_deferred(topic);
    }
    ask_again(topic);
    return;
  }
  if (topic.stream == StreamState::kNoStream && topic.feed == nullptr) {
    tell_hole(topic);
  }
  // A topic at home lingers too: somebody may have prepared it and wait for another one.
  if (topic.subscribers > 0 || !topic.waiting.empty() || topic.is_dirty ||
      now_ - topic.idle_since.at(now_) < kLinger) {
    return;
  }
  if (topic.stream != StreamState::kNoStream) {
    free_topic(topic);  // Its home knows that nobody watches.
  } else if (topic.feed != nullptr) {
    if (topic.feed->prepared == 0) {
      topic.is_ready = false;  // Should memory run out, it has to be opened again.
      for (std::uint16_t home = 0; home < options_.reactors; ++home) {
        tell(home, CloseFeedMail{topic.feed->at_homes[home]});
        topic.feed->at_homes[home] = {};
        ++topic.feed->missing;
      }
      free_topic(topic);
    }
  } else if (topic.home == nullptr) {
    post_.send(home_of(topic.name),
               CloseReplicaMail{topic.home_handle, options_.reactor, topic.handle});
    free_topic(topic);
  } else if (topic.kept_bytes() == 0 && topic.home->replicas.empty() &&
             topic.home->position.on_the_way == 0) {
    engine_.close(topic.name, topic.home->position);
    free_topic(topic);
  }
}

void Hub::reply(const ReplyTo& to, Reply&& reply) {
  if (to.connection == 0) {
    return;
  }
  if (to.reactor == options_.reactor) {
    events_.on_reply(to, std::move(reply));
  } else {
    post_.send(to.reactor, ReplyMail{to, std::move(reply)});
  }
}

/// Who asked from another reactor hears nothing of an exception here.
template <typename Step>
void Hub::or_unavailable(const ReplyTo& to, Step&& step) {
  try {
    step();
  } catch (const std::bad_alloc&) {
    reply(to, HubError::kUnavailable);
    throw;
  }
}

void Hub::on_mail(HubMail&& mail) {
  struct Visitor {
    Hub& hub;

    void operator()(OpenReplicaMail&& m) { hub.open_replica(m); }
    void operator()(SnapshotMail&& m) { hub.on_snapshot(std::move(m)); }
    void operator()(AppendMail&& m) {
      Topic* const topic = hub.topics_.find(m.replica);
      // Not ready: the snapshot that it has asked for again will have the message.
      const bool is_wanted = topic != nullptr && topic->is_ready;
      if (m.receipt) {
        hub.tally_append(m, is_wanted ? topic : nullptr);
      }
      if (!is_wanted) {
        return;
      }
      try {
        hub.append(*topic, std::move(m.message));
      } catch (const std::bad_alloc&) {
        topic->has_missed = true;
        throw;
      }
    }
    void operator()(ReceiptMail&& m) { hub.on_receipt(m); }
    void operator()(ResetMail&& m) {
      Topic* const topic = hub.topics_.find(m.replica);
      if (topic == nullptr || !topic->is_ready ||
          (m.epoch == topic->log.epoch() && m.last <= topic->log.last())) {
        return;  // It has missed nothing, or has found the hole by itself.
      }
      try {
        hub.reset_log(*topic, m.epoch, m.last);
      } catch (const std::bad_alloc&) {
        topic->has_missed = true;
        throw;
      }
    }
    void operator()(DropMail&& m) {
      Topic* const topic = hub.topics_.find(m.replica);
      if (topic != nullptr && topic->is_ready) {
        topic->log.drop_before(std::min(m.first, topic->flushed + 1));
        if (topic->latest != nullptr) {
          topic->latest->trim(topic->log.first(), UINT64_MAX, Duration::max(), hub.now_);
          topic->latest->drop_before(std::min(m.first, topic->log.first()));
        }
      }
    }
    void operator()(CountMail&& m) {
      Topic* topic = hub.topics_.find(m.home);
      for (std::size_t i = 0; topic != nullptr && i < topic->home->replicas.size(); ++i) {
        if (topic->home->replicas[i].reactor == m.reactor) {
          topic->home->replicas[i].subscribers = m.subscribers;
        }
      }
    }
    void operator()(CloseReplicaMail&& m) {
      if (Topic* topic = hub.topics_.find(m.home)) {
        topic->home->replicas.erase_if([&](const Replica& replica) {
          return replica.reactor == m.reactor && replica.topic == m.replica;
        });
      }
    }
    void operator()(FenceMail&& m) {
      if (m.is_back) {
        hub.end_wait(m.preparation);
      } else {
        m.is_back = true;
        hub.post_.send(m.reactor, std::move(m));
      }
    }
    void operator()(OpenFeedMail&& m) { hub.open_feed_at_home(m); }
    void operator()(FeedOpenedMail&& m) { hub.on_feed_opened(m); }
    void operator()(FeedMail&& m) { hub.on_feed_mail(m); }
    void operator()(FetchMail&& m) { hub.fetch_at_home(m); }
    void operator()(FetchedMail&& m) { hub.on_fetched(std::move(m)); }
    void operator()(FeedCountMail&& m) {
      if (HomeFeed* feed = hub.home_feeds_.find(m.at_home)) {
        feed->subscribers = m.subscribers;
      }
    }
    void operator()(CloseFeedMail&& m) { hub.close_feed_at_home(m); }
    void operator()(PresentMail&& m) { hub.on_present_mail(m); }
    void operator()(WatchMail&& m) { hub.on_watch_mail(m); }
    void operator()(PresenceMail&& m) { hub.on_presence_mail(std::move(m)); }
    void operator()(PresenceToldMail&& m) { hub.on_presence_told(m); }
    void operator()(MembersMail&& m) {
      hub.or_unavailable(m.to, [&] { hub.members_at_home(m.topic, m.from, m.limit, m.to); });
    }
    void operator()(PublishMail&& m) {
      hub.publish_at_home(m.topic, std::move(m.draft), m.idempotency_key, m.to);
    }
    void operator()(HistoryMail&& m) {
      hub.or_unavailable(m.to, [&] { hub.history_at_home(m.topic, m.after, m.limit, m.to); });
    }
    void operator()(ViewMail&& m) {
      hub.or_unavailable(m.to, [&] { hub.view_at_home(m.topic, m.to); });
    }
    void operator()(ClearMail&& m) { hub.clear_at_home(m.topic, m.to); }
    void operator()(ReplyMail&& m) { hub.reply(m.to, std::move(m.reply)); }
  };
  std::visit(Visitor{*this}, std::move(mail));
}

}  // namespace wspush::hub
