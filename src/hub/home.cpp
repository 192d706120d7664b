// The home of a topic: order, the log, what is asked of it.
#include <algorithm>
#include <new>

#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// A topic and an idempotency key as one name: no topic has a zero byte.
std::string name_of(ByteView topic, ByteView key) {
  std::string name(topic);
  name.push_back('\0');
  name.append(key);
  return name;
}

}  // namespace

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
  engine::Ticket ticket = 0;
  try {
    Topic* const topic = open_home_topic(name);
    if (topic == nullptr || topic->rule == nullptr) {
      reply(to, topic == nullptr ? HubError::kTopicLimit : HubError::kForbidden);
      return;
    }
    if (!idempotency_key.empty() && is_repeat(*topic, idempotency_key, to)) {
      return;
    }
    if (to.connection != 0 || !idempotency_key.empty()) {
      auto keyed =
          idempotency_key.empty()
              ? nullptr
              : std::make_unique<KeyedPublish>(KeyedPublish{std::string(idempotency_key), {}, {}});
      const Handle handle = publishes_.emplace(PendingPublish{to, std::move(keyed)});
      ticket = handle.packed();
      receipts_wanted_ += to.wants_receipt ? 1U : 0U;
      if (!idempotency_key.empty()) {
        std::string& under_way = publishes_.find(handle)->keyed->under_way;
        under_way = name_of(name, idempotency_key);
        keys_under_way_.emplace(under_way, handle);
      }
    }
    topic->home->position.first_offset = topic->log.first();
    engine_.publish(topic->home->position, std::move(draft), idempotency_key, ticket, now_);
  } catch (const std::bad_alloc&) {
    if (ticket == 0) {
      reply(to, HubError::kUnavailable);
    } else if (publishes_.find(Handle::from_packed(ticket)) != nullptr) {
      end_publish(Handle::from_packed(ticket), HubError::kUnavailable);
    }
    throw;
  }
}

void Hub::remember_publish(const engine::KnownPublish& publish, TimePoint when) {
  if (is_home_here(publish.topic)) {
    idempotency_.remember(publish.topic, publish.idempotency_key, publish.id, when);
  }
}

/// The answer is, or will be, that to the first publish with this key.
bool Hub::is_repeat(const Topic& topic, ByteView idempotency_key, const ReplyTo& to) {
  if (const auto id = idempotency_.find(topic.name, idempotency_key, now_)) {
    reply(to, PublishedReply{.id = *id, .subscribers = subscribers_of(topic)});
    return true;
  }
  const auto first = keys_under_way_.find(name_of(topic.name, idempotency_key));
  if (first == keys_under_way_.end()) {
    return false;
  }
  std::vector<ReplyTo>& repeated = publishes_.find(first->second)->keyed->repeated;
  if (repeated.size() < kDeferredMax) {
    repeated.push_back(to);
  } else {
    reply(to, HubError::kUnavailable);
  }
  return true;
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
  for (Replica& replica : topic->home->replicas.view()) {
    expect_fan_outs(receipt, 1);
    try {
      post_.send(replica.reactor, AppendMail{replica.topic, message, receipt});
    } catch (const std::bad_alloc&) {
      replica.has_missed = true;  // It finds a hole before the next one, or hears of it.
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
    PublishedReply answer{.id = id};
    try {
      if (pending->keyed != nullptr) {
        idempotency_.remember(topic->name, pending->keyed->key, id, now_);
      }
      answer.subscribers = subscribers_of(*topic);
    } catch (const std::bad_alloc&) {
      // An answer without a memory of it, or a number, is better than none.
    }
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
  Handle pending;
  try {
    Topic* const topic = open_home_topic(name);
    if (topic == nullptr) {
      reply(to, HubError::kTopicLimit);
      return;
    }
    pending = publishes_.emplace(PendingPublish{to, nullptr});
    engine_.clear(topic->home->position, pending.packed());
  } catch (const std::bad_alloc&) {
    if (!pending) {
      reply(to, HubError::kUnavailable);
    } else if (publishes_.find(pending) != nullptr) {
      end_publish(pending, HubError::kUnavailable);
    }
    throw;
  }
}

void Hub::on_cleared(std::uint64_t handle, engine::Ticket ticket) {
  Reply answer = ClearedReply{};
  if (Topic* topic = topics_.find(Handle::from_packed(handle))) {
    const engine::TopicPosition& position = topic->home->position;
    for (Replica& replica : topic->home->replicas.view()) {
      try {
        post_.send(replica.reactor, ResetMail{replica.topic, position.epoch, position.last_offset});
      } catch (const std::bad_alloc&) {
        replica.has_missed = true;
      }
    }
    try {
      reset_log(*topic, position.epoch, position.last_offset);
    } catch (const std::bad_alloc&) {
      answer = HubError::kUnavailable;  // The log is still the old one; the sweep sees that.
    }
  }
  const Handle pending = Handle::from_packed(ticket);
  if (publishes_.find(pending) != nullptr) {
    end_publish(pending, answer);
  }
}

// --- revocations: the hub knows nothing of them but the way to the engine

void Hub::keep_revocation(const engine::Revocation& revocation, const ReplyTo& to) {
  const Handle pending = publishes_.emplace(PendingPublish{to, nullptr});
  try {
    if (engine_.keep_revocation(revocation, pending.packed(), now_)) {
      on_revocation_kept(pending.packed());
    }
  } catch (const std::bad_alloc&) {
    if (publishes_.find(pending) != nullptr) {
      end_publish(pending, HubError::kUnavailable);
    }
    throw;
  }
}

void Hub::on_revocation_kept(engine::Ticket ticket) {
  const Handle handle = Handle::from_packed(ticket);
  if (publishes_.find(handle) != nullptr) {
    end_publish(handle, RevocationKeptReply{});
  }
}

/// The log goes on behind `last`, and everybody is told. Where memory runs out nothing has changed,
/// but that some may have been told already.
void Hub::reset_log(Topic& topic, std::uint32_t epoch, std::uint64_t last) {
  std::size_t sends_left = SIZE_MAX;
  flush_topic(topic, sends_left);  // What was published before belongs to the old epoch.
  const std::uint32_t epoch_before = topic.log.epoch();
  const std::uint64_t last_before = topic.log.last();
  const auto make_room = [&] {
    std::uint32_t members = 0;
    for (MemberArray& array : topic.arrays.view()) {
      members += array.members.size();
    }
    table_.make_room_behind(members);
  };
  wake_rated(topic);
  make_room();  // Who fails here will try again, and feeds would be told again.
  if (topic.home != nullptr && has_feeds_) {
    ++count_;
    forward_to_feeds(topic, FeedMail{.targets = nullptr,
                                     .message = {},
                                     .gap_after = {epoch_before, last_before},
                                     .gap_next = {epoch, last + 1}});
  }
  for (MemberArray& array : topic.arrays.view()) {
    for (const Member& member : array.members.view()) {
      events_.on_behind(member.slot);
    }
  }
  make_room();  // A feed may have used it. Nothing may fail from here on.
  if (topic.home != nullptr) {
    history_bytes_ -= topic.kept_bytes();
  }
  topic.latest.reset();
  topic.log.reset(epoch, last, topic.home != nullptr ? count_ : 0);
  if (topic.home != nullptr) {
    note_drop(topic);
  }
  topic.flushed = last;
  topic.has_missed = false;
  topic.has_lost_keys = epoch == epoch_before && topic.stream == StreamState::kNoStream;
  // Everyone is told: the ids that they know belong to another epoch now.
  for (MemberArray& array : topic.arrays.view()) {
    for (const Member& member : array.members.view()) {
      table_.put_behind(table_.find(topic.handle.slot, member.slot), epoch_before, last_before);
    }
    array.members.clear();
  }
}

}  // namespace wspush::hub
