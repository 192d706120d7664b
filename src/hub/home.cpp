// The home of a topic: order, the log, replicas in other reactors. And a replica's side of it.
#include <algorithm>
#include <new>

#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// Of one topic. Each is a request of a connection, or the one opening of a topic that was found.
constexpr std::size_t kDeferredMax = 1024;

/// A topic and an idempotency key as one name: no topic has a zero byte.
std::string name_of(ByteView topic, ByteView key) {
  std::string name(topic);
  name.push_back('\0');
  name.append(key);
  return name;
}

}  // namespace

Topic* Hub::open_home_topic(ByteView name) {
  // Publishers go on with a topic mostly: no hash of its name, no search for it.
  if (Topic* topic = topics_.find(last_home_); topic != nullptr && topic->name == name) {
    return topic;
  }
  if (Topic* topic = find_topic(name)) {
    last_home_ = topic->handle;
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
  engine_.open(topic->name, topic->home->position);
  return topic;
}

void Hub::on_opened(std::uint64_t handle, std::vector<MessageRef> kept) {
  Topic* topic = topics_.find(Handle::from_packed(handle));
  if (topic == nullptr) {
    return;
  }
  const engine::TopicPosition& position = topic->home->position;
  // What was kept elsewhere is new here. Who has been here before may have missed some of it.
  topic->log.reset(position.epoch, position.last_offset - kept.size(), kept.empty() ? 0 : count_);
  if (!kept.empty()) {
    note_drop(*topic);
  }
  for (MessageRef& message : kept) {
    message->stamp_count(++count_);
    topic->log.append(message);
    index_latest(*topic, message);
  }
  if (has_feeds_ && !topic->log.empty()) {
    make_newest(*topic);
  }
  history_bytes_ += topic->log.bytes();
  topic->flushed = topic->log.last();
  trim(*topic);  // They may be old, and the rule another one.
  become_ready(*topic);
  for (const Replica& replica : topic->home->replicas.view()) {
    send_snapshot(*topic, replica);
  }
  if (auto deferred = deferred_.extract(handle)) {
    for (HubMail& mail : deferred.mapped()) {
      on_mail(std::move(mail));
    }
  }
}

void Hub::defer(const Topic& topic, HubMail mail, const ReplyTo& to) {
  std::vector<HubMail>& deferred = deferred_[topic.handle.packed()];
  if (deferred.size() < kDeferredMax) {
    deferred.push_back(std::move(mail));
  } else {
    reply(to, HubError::kUnavailable);
  }
}

std::uint64_t Hub::subscribers_of(const Topic& topic) {
  std::uint64_t count = topic.subscribers;
  for (const Replica& replica : topic.home->replicas.view()) {
    count += replica.subscribers;
  }
  return patterns_.is_empty() ? count : count + feed_subscribers_of(topic);
}

// --- publishing

void Hub::publish(ByteView topic, MessageRef draft, ByteView idempotency_key, const ReplyTo& to) {
  if (is_home_here(topic)) {
    publish_at_home(topic, std::move(draft), idempotency_key, to);
  } else {
    post_.send(home_of(topic),
               PublishMail{std::string(topic), std::move(draft), std::string(idempotency_key), to});
  }
}

void Hub::publish_at_home(ByteView name, MessageRef draft, ByteView idempotency_key,
                          const ReplyTo& to) {
  Topic* topic = open_home_topic(name);
  if (topic == nullptr || topic->rule == nullptr) {
    reply(to, topic == nullptr ? HubError::kTopicLimit : HubError::kForbidden);
    return;
  }
  if (!idempotency_key.empty()) {
    if (const auto id = idempotency_.find(name, idempotency_key, now_)) {
      reply(to, PublishedReply{.id = *id, .subscribers = subscribers_of(*topic)});
      return;
    }
    const auto first = keys_under_way_.find(name_of(name, idempotency_key));
    if (first != keys_under_way_.end()) {
      std::vector<ReplyTo>& repeated = publishes_.find(first->second)->keyed->repeated;
      if (repeated.size() < kDeferredMax) {
        repeated.push_back(to);
      } else {
        reply(to, HubError::kUnavailable);
      }
      return;
    }
  }
  engine::Ticket ticket = 0;
  if (to.connection != 0 || !idempotency_key.empty()) {
    auto keyed =
        idempotency_key.empty()
            ? nullptr
            : std::make_unique<KeyedPublish>(KeyedPublish{std::string(idempotency_key), {}, {}});
    ticket = publishes_.emplace(PendingPublish{to, std::move(keyed)}).packed();
    receipts_wanted_ += to.wants_receipt ? 1U : 0U;
  }
  topic->home->position.first_offset = topic->log.first();
  try {
    engine_.publish(topic->home->position, std::move(draft), idempotency_key, ticket, now_);
  } catch (const std::bad_alloc&) {
    const Handle handle = Handle::from_packed(ticket);
    if (publishes_.find(handle) != nullptr) {
      end_publish(handle, HubError::kUnavailable);
    }
    throw;
  }
  if (idempotency_key.empty()) {
    return;
  }
  const Handle handle = Handle::from_packed(ticket);
  if (PendingPublish* pending = publishes_.find(handle)) {  // The answer comes later.
    pending->keyed->under_way = name_of(name, idempotency_key);
    keys_under_way_.emplace(pending->keyed->under_way, handle);
  }
}

void Hub::remember_publish(const engine::KnownPublish& publish, TimePoint when) {
  if (is_home_here(publish.topic)) {
    idempotency_.remember(publish.topic, publish.idempotency_key, publish.id, when);
  }
}

void Hub::on_ordered(std::uint64_t handle, MessageRef message, engine::Ticket ticket) {
  Topic* topic = topics_.find(Handle::from_packed(handle));
  if (topic == nullptr) {
    return;
  }
  const MessageId id = message->id();
  ++counters_.published;
  message->stamp_count(++count_);
  const ReceiptId receipt =
      receipts_wanted_ > 0 ? open_receipt(ticket, message, *topic) : ReceiptId{};
  for (const Replica& replica : topic->home->replicas.view()) {
    expect_fan_outs(receipt, 1);
    try {
      post_.send(replica.reactor, AppendMail{replica.topic, message, receipt});
    } catch (const std::bad_alloc&) {
      // The replica finds a hole before the next one, and tells it.
      expect_fan_outs(receipt, -1);
    }
  }
  const Handle pending_handle = Handle::from_packed(ticket);
  try {
    if (has_feeds_) {
      forward_to_feeds(*topic,
                       FeedMail{.targets = nullptr, .message = message, .receipt = receipt});
    }
    append(*topic, std::move(message));
    enforce_history_bytes(kVictimsPerPublish);
  } catch (const std::bad_alloc&) {
    receipts_.erase(Handle::from_packed(receipt.handle));
    if (publishes_.find(pending_handle) != nullptr) {
      end_publish(pending_handle, HubError::kUnavailable);
    }
    throw;
  }
  if (const PendingPublish* pending = publishes_.find(pending_handle)) {
    if (pending->keyed != nullptr) {
      try {
        idempotency_.remember(topic->name, pending->keyed->key, id, now_);
      } catch (const std::bad_alloc&) {
        // An answer without a memory of it is better than none.
      }
    }
    const PublishedReply answer{.id = id, .subscribers = subscribers_of(*topic)};
    if (receipt) {
      receipts_.find(Handle::from_packed(receipt.handle))->answer = answer;
    }
    end_publish(pending_handle, answer, static_cast<bool>(receipt));
  }
}

void Hub::end_publish(Handle handle, Reply answer, bool is_owed_receipt) {
  const PendingPublish pending = std::move(*publishes_.find(handle));
  publishes_.erase(handle);
  receipts_wanted_ -= pending.to.wants_receipt ? 1U : 0U;
  if (pending.keyed != nullptr) {
    end_keyed_publish(pending, answer, is_owed_receipt);
  } else if (!is_owed_receipt) {
    reply(pending.to, std::move(answer));
  }
}

void Hub::end_keyed_publish(const PendingPublish& pending, const Reply& answer,
                            bool is_owed_receipt) {
  if (!pending.keyed->under_way.empty()) {
    keys_under_way_.erase(pending.keyed->under_way);
  }
  if (!is_owed_receipt) {
    reply(pending.to, Reply(answer));
  }
  for (const ReplyTo& to : pending.keyed->repeated) {
    reply(to, Reply(answer));
  }
}

void Hub::on_publish_refused(engine::Ticket ticket, engine::EngineError error) {
  const Handle handle = Handle::from_packed(ticket);
  if (publishes_.find(handle) != nullptr) {
    switch (error) {
      case engine::EngineError::kUnavailable:
        end_publish(handle, HubError::kUnavailable);
        break;
    }
  }
}

// --- reading the log

void Hub::history(ByteView topic, const After& after, std::uint32_t limit, const ReplyTo& to) {
  if (is_home_here(topic)) {
    history_at_home(topic, after, limit, to);
  } else {
    post_.send(home_of(topic), HistoryMail{std::string(topic), after, limit, to});
  }
}

void Hub::history_at_home(ByteView name, const After& after, std::uint32_t limit,
                          const ReplyTo& to) {
  Topic* topic = open_home_topic(name);
  if (topic == nullptr) {
    reply(to, HubError::kTopicLimit);
    return;
  }
  if (!topic->is_ready) {
    defer(*topic, HistoryMail{std::string(name), after, limit, to}, to);
    return;
  }
  trim(*topic);
  const TopicLog& log = topic->log;
  HistoryReply answer{.messages = {}, .last = {log.epoch(), log.last()}, .gap = false};
  limit = std::min(limit, kHistoryMessagesMax);
  std::size_t bytes = 0;
  const auto fits = [&](const Message& message) {
    bytes += message.payload().size();
    return answer.messages.empty() || bytes <= kHistoryBytesMax;
  };
  if (after.kind == After::Kind::kNext) {  // The newest ones, looked at backwards.
    for (std::uint64_t at = log.last();
         at >= log.first() && answer.messages.size() < limit && fits(*log.at(at)); --at) {
      answer.messages.push_back(log.at(at));
    }
    std::reverse(answer.messages.begin(), answer.messages.end());
  } else {
    std::uint64_t at = log.first();
    if (after.kind == After::Kind::kId) {
      const MessageId id = after.id;
      answer.gap = id.epoch != log.epoch() || id.offset > log.last() || id.offset + 1 < log.first();
      at = answer.gap ? log.first() : id.offset + 1;
    }
    for (; at <= log.last() && answer.messages.size() < limit && fits(*log.at(at)); ++at) {
      answer.messages.push_back(log.at(at));
    }
  }
  reply(to, std::move(answer));
}

void Hub::view(ByteView topic, const ReplyTo& to) {
  if (is_home_here(topic)) {
    view_at_home(topic, to);
  } else {
    post_.send(home_of(topic), ViewMail{std::string(topic), to});
  }
}

void Hub::view_at_home(ByteView name, const ReplyTo& to) {
  Topic* topic = open_home_topic(name);
  if (topic == nullptr) {
    reply(to, HubError::kTopicLimit);
    return;
  }
  if (!topic->is_ready) {
    defer(*topic, ViewMail{std::string(name), to}, to);
    return;
  }
  trim(*topic);
  const TopicLog& log = topic->log;
  const HomePresence* const presence = topic->home->presence.get();
  reply(to, TopicView{.subscribers = subscribers_of(*topic),
                      .members = presence == nullptr ? 0 : presence->members.size(),
                      .messages = log.count(),
                      .bytes = log.bytes(),
                      .last = {log.epoch(), log.last()}});
}

// --- a new epoch

void Hub::clear(ByteView topic, const ReplyTo& to) {
  if (is_home_here(topic)) {
    clear_at_home(topic, to);
  } else {
    post_.send(home_of(topic), ClearMail{std::string(topic), to});
  }
}

void Hub::clear_at_home(ByteView name, const ReplyTo& to) {
  Topic* topic = open_home_topic(name);
  if (topic == nullptr) {
    reply(to, HubError::kTopicLimit);
    return;
  }
  const auto ticket = publishes_.emplace(PendingPublish{to, nullptr}).packed();
  engine_.clear(topic->home->position, ticket);
}

void Hub::on_cleared(std::uint64_t handle, engine::Ticket ticket) {
  if (Topic* topic = topics_.find(Handle::from_packed(handle))) {
    const engine::TopicPosition& position = topic->home->position;
    for (const Replica& replica : topic->home->replicas.view()) {
      post_.send(replica.reactor, ResetMail{replica.topic, position.epoch, position.last_offset});
    }
    reset_log(*topic, position.epoch, position.last_offset);
  }
  const Handle pending_handle = Handle::from_packed(ticket);
  if (PendingPublish* pending = publishes_.find(pending_handle)) {
    const ReplyTo to = pending->to;
    publishes_.erase(pending_handle);
    reply(to, ClearedReply{});
  }
}

// --- revocations: the hub knows nothing of them but the way to the engine

void Hub::keep_revocation(const engine::Revocation& revocation, const ReplyTo& to) {
  const auto ticket = publishes_.emplace(PendingPublish{to, nullptr}).packed();
  if (engine_.keep_revocation(revocation, ticket, now_)) {
    on_revocation_kept(ticket);
  }
}

void Hub::on_revocation_kept(engine::Ticket ticket) {
  const Handle handle = Handle::from_packed(ticket);
  if (publishes_.find(handle) != nullptr) {
    end_publish(handle, RevocationKeptReply{});
  }
}

void Hub::reset_log(Topic& topic, std::uint32_t epoch, std::uint64_t last) {
  std::size_t sends_left = SIZE_MAX;
  flush_topic(topic, sends_left);  // What was published before belongs to the old epoch.
  // First, as it may throw: all members will be behind, or none.
  std::uint32_t members = 0;
  for (MemberArray& array : topic.arrays.view()) {
    members += array.members.size();
    for (const Member& member : array.members.view()) {
      events_.on_behind(member.slot);
    }
  }
  table_.make_room_behind(members);
  const std::uint32_t epoch_before = topic.log.epoch();
  const std::uint64_t last_before = topic.log.last();
  if (topic.home != nullptr) {
    history_bytes_ -= topic.kept_bytes();
  }
  topic.latest.reset();
  topic.log.reset(epoch, last, topic.home != nullptr ? ++count_ : 0);
  if (topic.home != nullptr) {
    note_drop(topic);
  }
  topic.flushed = last;
  if (topic.home != nullptr && has_feeds_) {
    forward_to_feeds(topic, FeedMail{.targets = nullptr,
                                     .message = {},
                                     .gap_after = {epoch_before, last_before},
                                     .gap_next = {epoch, last + 1}});
  }
  // Everyone is told: the ids that they know belong to another epoch now.
  for (MemberArray& array : topic.arrays.view()) {
    for (const Member& member : array.members.view()) {
      table_.put_behind(table_.find(topic.handle.slot, member.slot), epoch_before, last_before);
    }
    array.members.clear();
  }
  wake_rated(topic);
}

// --- replicas

void Hub::open_replica(const OpenReplicaMail& mail) {
  Topic* topic = open_home_topic(mail.topic);
  if (topic == nullptr) {
    post_.send(
        mail.reactor,
        SnapshotMail{
            .replica = mail.replica, .home = {}, .is_refused = true, .messages = {}, .aside = {}});
    return;
  }
  topic->home->replicas.push_back({.reactor = mail.reactor, .topic = mail.replica});
  if (topic->is_ready) {
    send_snapshot(*topic, topic->home->replicas.view().back());
  }
}

void Hub::send_snapshot(const Topic& topic, const Replica& replica) {
  SnapshotMail snapshot{.replica = replica.topic,
                        .home = topic.handle,
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

void Hub::on_snapshot(SnapshotMail&& mail) {
  Topic* topic = topics_.find(mail.replica);
  if (topic == nullptr) {
    return;
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
    make_latest_index(*topic, mail.aside);
    topic->latest->trim(topic->log.first(), UINT64_MAX, Duration::max(), now_);
  }
  topic->flushed = topic->log.last();
  become_ready(*topic);
}

}  // namespace wspush::hub
