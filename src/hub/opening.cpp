// Bringing a topic's log to where it is wanted: from the engine to its home, from there to
// replicas.
//
// A question may get lost, or its answer, where memory runs out. So whatever is not ready is asked
// for again: by the next one who wants it, and by the sweep. Every step may come twice.
#include <algorithm>
#include <new>
#include <utility>

#include "base/lack_of_memory.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// Nobody asks another reactor again before it has had time to answer.
constexpr Duration kAskAgain = std::chrono::seconds(1);

}  // namespace

/// Asks the engine for the log of a topic at home, the home for that of a replica, and to register
/// a feed the homes that have not.
void Hub::ask_for_log(Topic& topic) {
  topic.idle_since = ShortTime::before(now_ - kLongAgo);  // Should the question not be asked.
  if (topic.home != nullptr) {
    engine_.open(topic.name, topic.home->position);
  } else if (topic.feed != nullptr) {
    const bool is_again = std::exchange(topic.feed->has_asked, true);
    for (std::uint16_t home = 0; home < options_.reactors; ++home) {
      if (!topic.feed->at_homes[home]) {
        tell(home, OpenFeedMail{.name = topic.feed->name,
                                .reactor = options_.reactor,
                                .feed = topic.handle,
                                .is_again = is_again});
      }
    }
  } else {
    post_.send(home_of(topic.name), OpenReplicaMail{topic.name, options_.reactor, topic.handle});
  }
  topic.idle_since = ShortTime::before(now_);
}

/// The topic is not ready. What was asked may still be on its way.
void Hub::ask_again(Topic& topic) {
  const bool is_asking = topic.home != nullptr ? topic.home->position.is_opening != 0
                                               : now_ - topic.idle_since.at(now_) < kAskAgain;
  if (!is_asking) {
    ask_for_log(topic);
  }
}

// --- at home

Topic* Hub::open_home_topic(ByteView name) {
  // Publishers go on with a topic mostly: no hash of its name, no search for it.
  if (Topic* topic = topics_.find(last_home_); topic != nullptr && topic->name == name) {
    return topic;
  }
  if (Topic* topic = find_topic(name)) {
    if (topic->is_ready) {
      last_home_ = topic->handle;
    } else {
      ask_again(*topic);
    }
    return topic;
  }
  if (shared_.topics.fetch_add(1, std::memory_order_relaxed) >= limits_.topics) {
    shared_.topics.fetch_sub(1, std::memory_order_relaxed);
    ++counters_.topic_limit_hits;
    return nullptr;
  }
  Topic* topic = nullptr;
  try {
    auto home = std::make_unique<Home>();
    topic = &add_topic(name);
    topic->home = std::move(home);
  } catch (const std::bad_alloc&) {
    shared_.topics.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
  ++home_topics_;
  topic->home->position.topic = topic->handle.packed();
  ask_for_log(*topic);
  return topic;
}

void Hub::on_opened(std::uint64_t handle, std::vector<MessageRef> kept) {
  Topic* topic = topics_.find(Handle::from_packed(handle));
  if (topic == nullptr) {
    return;
  }
  take_kept(*topic, kept);
  become_ready(*topic);
  // One that memory runs out for keeps nothing from the others: a replica asks again, and who asked
  // for something is answered that there was none.
  std::vector<HubMail> deferred;
  if (auto found = deferred_.extract(handle)) {
    deferred = std::move(found.mapped());
  }
  bool has_failed = false;
  try {
    each_despite_lack_of_memory(topic->home->replicas.view(),
                                [&](const Replica& replica) { send_snapshot(*topic, replica); });
  } catch (const std::bad_alloc&) {
    has_failed = true;
  }
  each_despite_lack_of_memory(deferred, [this](HubMail& mail) { on_mail(std::move(mail)); });
  if (has_failed) {
    throw std::bad_alloc();
  }
}

/// Makes the log of what the engine has kept: of all of it, or of as much of the newest as there is
/// memory for. What is left out counts as dropped.
void Hub::take_kept(Topic& topic, std::span<const MessageRef> kept) {
  const engine::TopicPosition& position = topic.home->position;
  // What was kept elsewhere is new here. Who has been here before may have missed some of it.
  const bool has_past = !kept.empty();
  for (bool is_done = false; !is_done;) {
    topic.latest.reset();
    topic.log.reset(position.epoch, position.last_offset - kept.size(), has_past ? count_ : 0);
    try {
      for (const MessageRef& message : kept) {
        message->stamp_count(++count_);
        append_to_log(topic, message);
      }
      if (has_feeds_ && !topic.log.empty()) {
        make_newest(topic);
      }
      is_done = true;
    } catch (const std::bad_alloc&) {
      kept = kept.last(kept.size() / 2);
      topic.has_lost_keys = true;
    }
  }
  if (has_past) {
    note_drop(topic);
  }
  history_bytes_ += topic.log.bytes();
  topic.flushed = topic.log.last();
  trim(topic);  // They may be old, and the rule another one.
}

void Hub::defer(const Topic& topic, HubMail mail, const ReplyTo& to) {
  std::vector<HubMail>& deferred = deferred_[topic.handle.packed()];
  if (deferred.size() < kDeferredMax) {
    deferred.push_back(std::move(mail));
  } else {
    reply(to, HubError::kUnavailable);
  }
}

/// The engine has not opened the topic: who waits for its log need not wait for the next try.
void Hub::refuse_deferred(const Topic& topic) {
  if (auto deferred = deferred_.extract(topic.handle.packed())) {
    each_despite_lack_of_memory(deferred.mapped(), [this](const HubMail& mail) {
      const auto* const history = std::get_if<HistoryMail>(&mail);
      reply(history != nullptr ? history->to : std::get<ViewMail>(mail).to, HubError::kUnavailable);
    });
  }
}

void Hub::open_replica(const OpenReplicaMail& mail) {
  Topic* topic = open_home_topic(mail.topic);
  if (topic == nullptr) {
    post_.send(mail.reactor, SnapshotMail{.replica = mail.replica,
                                          .home = {},
                                          .reactor = options_.reactor,
                                          .is_refused = true,
                                          .messages = {},
                                          .aside = {}});
    return;
  }
  RareVector<Replica>& replicas = topic->home->replicas;
  const auto known = std::ranges::find(replicas.view(), mail.reactor, &Replica::reactor);
  if (known == replicas.view().end()) {
    replicas.push_back({.reactor = mail.reactor, .topic = mail.replica});
  } else {
    known->topic = mail.replica;  // It asks again.
  }
  if (topic->is_ready) {
    send_snapshot(*topic, {.reactor = mail.reactor, .topic = mail.replica});
  }
}

void Hub::send_snapshot(const Topic& topic, const Replica& replica) {
  SnapshotMail snapshot{.replica = replica.topic,
                        .home = topic.handle,
                        .reactor = options_.reactor,
                        .epoch = topic.log.epoch(),
                        .last = topic.log.last(),
                        .messages = {},
                        .aside = {}};
  snapshot.messages.reserve(topic.log.count());
  for (std::uint64_t at = topic.log.first(); at <= topic.log.last(); ++at) {
    snapshot.messages.push_back(topic.log.at(at));
  }
  if (topic.latest != nullptr) {
    topic.latest->for_each_aside(
        [&](const MessageRef& message) { snapshot.aside.push_back(message); });
  }
  post_.send(replica.reactor, std::move(snapshot));
}

// --- in a replica

void Hub::on_snapshot(SnapshotMail&& mail) {
  Topic* topic = topics_.find(mail.replica);
  if (topic == nullptr) {
    if (!mail.is_refused) {  // It had asked again, and was sent away meanwhile.
      post_.send(mail.reactor, CloseReplicaMail{mail.home, options_.reactor, mail.replica});
    }
    return;
  }
  if (topic->is_ready) {
    return;  // It had asked twice. What came behind the first one is here.
  }
  if (mail.is_refused) {
    const std::vector<Handle> waiting = topic->waiting.take();
    free_topic(*topic);
    for (const Handle preparation : waiting) {
      end_wait(preparation);
    }
    return;
  }
  topic->home_handle = mail.home;
  topic->log.reset(mail.epoch, mail.last - mail.messages.size());
  const bool has_keys = std::any_of(mail.messages.begin(), mail.messages.end(),
                                    [](const MessageRef& m) { return !m->key().empty(); });
  for (MessageRef& message : mail.messages) {
    topic->log.append(std::move(message));
  }
  if (has_keys || !mail.aside.empty()) {
    topic->latest = latest_index_of(*topic, mail.aside);
    topic->latest->trim(topic->log.first(), UINT64_MAX, Duration::max(), now_);
  }
  topic->flushed = topic->log.last();
  become_ready(*topic);
}

/// Tells a hole that nothing has come behind, so that nobody waits for the next message to hear of
/// it. The sweep's.
void Hub::tell_hole(Topic& topic) {
  const std::uint64_t next = topic.log.last() + 1;
  if (topic.home == nullptr) {
    if (topic.has_missed) {
      reset_log(topic, topic.log.epoch(), next);
    }
    return;
  }
  const engine::TopicPosition& position = topic.home->position;
  if (position.epoch != topic.log.epoch() || position.last_offset >= next) {
    reset_log(topic, position.epoch, position.last_offset);
  }
  for (Replica& replica : topic.home->replicas.view()) {
    if (replica.has_missed) {
      post_.send(replica.reactor, ResetMail{replica.topic, position.epoch, position.last_offset});
      replica.has_missed = false;
    }
  }
}

}  // namespace wspush::hub
