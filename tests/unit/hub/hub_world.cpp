#include "unit/hub/hub_world.hpp"

#include <algorithm>
#include <set>

namespace wspush::hub::test {
namespace {

using std::chrono::milliseconds;

template <typename T>
T pick(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random.below(choices.size()));
}

}  // namespace

HubWorld::HubWorld(std::uint64_t seed) : random_(seed), post_(1 + random_.below(3)) {
  shared_.topic_key = SipKey::from(random_);
  has_limits_ = below(6) == 0;
  has_reloads_ = below(6) == 0;
  has_bursts_ = below(20) == 0;
  has_keys_ = below(2) == 0;
  const std::size_t topics = 1 + below(5);
  for (std::size_t i = 0; i < topics; ++i) {
    const std::string name = (i % 2 == 0 ? "a.t" : "b.t") + std::to_string(i);
    topics_.push_back(name);
    for (FakeRules* rules : {&rules_, &other_rules_}) {
      config::TopicRule rule;
      rule.match = name;
      rule.history.messages = pick<std::uint64_t>(random_, {0, 0, 1, 2, 5, 100});
      rule.history.bytes = pick<std::uint64_t>(random_, {1 << 20, 1 << 20, 300});
      rule.history.ttl = pick(random_, {milliseconds(300'000), milliseconds(1000)});
      rule.batch = pick(random_, {milliseconds(0), milliseconds(0), milliseconds(50)});
      rule.when_slow = pick(random_, {config::WhenSlow::kGap, config::WhenSlow::kGap,
                                      config::WhenSlow::kDisconnect, config::WhenSlow::kLatest});
      if (rules == &other_rules_) {
        rule.when_slow = rules_.rules.at(name).when_slow;
        rules->is_withdrawn[name] = below(4) == 0;
        if (below(5) == 0) {
          continue;
        }
      }
      rules->rules[name] = rule;
    }
  }
  feeds_ = {"a.*", ">", "*.t1", "b.>", "a.t0\na.t2", "*.t0\nb.*"};
  rules_.pattern_rule.when_slow = other_rules_.pattern_rule.when_slow = pick(
      random_, {config::WhenSlow::kGap, config::WhenSlow::kGap, config::WhenSlow::kDisconnect});
  const auto count = static_cast<std::uint16_t>(post_.reactors());
  for (std::uint16_t i = 0; i < count; ++i) {
    reactors_.push_back(std::make_unique<FakeReactor>(
        FakeReactor::Shared{
            .hub = shared_,
            .post = post_,
            .record = record_,
            .random = random_,
            .rules = &rules_,
            .kept_from = [this](const std::string& t, MessageId id) { return kept_from(t, id); },
            .on_answer = [this](std::uint32_t item, const Reply& r) { on_answer(item, r); }},
        i, count, kClientSlots));
    reactors_.back()->hub().set_now(now_);
    if (has_limits_) {
      reactors_.back()->hub().set_limits({.topics = 5, .history_bytes = 1000});
    }
  }
}

std::uint64_t HubWorld::kept_from(const std::string& topic, MessageId last) const {
  if (has_limits_ || has_reloads_) {
    return last.offset + 1;
  }
  const config::History& history = rules_.rules.at(topic).history;
  const auto log = record_.logs.find({topic, last.epoch});
  std::uint64_t from = last.offset + 1;
  std::uint64_t bytes = 0;
  while (from > 1) {
    const LoggedMessage& message = log->second.at(from - 2);
    bytes += message.bytes;
    if (last.offset - from + 2 > history.messages || bytes > history.bytes ||
        now_ - message.at >= history.ttl) {
      break;
    }
    --from;
  }
  return from;
}

std::uint32_t HubWorld::ask(Asked asked) {
  asked_.push_back(std::move(asked));
  return static_cast<std::uint32_t>(asked_.size() - 1);
}

// --- what happens

void HubWorld::step() {
  const std::uint64_t chance = below(1000);
  FakeReactor& reactor = any_reactor();
  if (chance < 350) {
    reactor.turn(now_, pick<std::size_t>(random_, {0, 1, 3, 1000}),
                 pick<std::size_t>(random_, {1, 1, 2, 3, 1000}));
  } else if (chance < 600) {
    publish();
  } else if (chance < 760) {
    subscribe();
  } else if (chance < 880) {
    change_client();
  } else if (chance < 890) {
    reactor.hub().clear(any_topic(), {});
  } else if (chance < 920) {
    ask_history();
  } else if (chance < 950) {
    reactor.hub().sweep();
  } else if (chance < 990) {
    pass_time();
  } else {
    reload();
  }
  for (const auto& each : reactors_) {
    each->check();
  }
}

void HubWorld::publish() {
  const auto reactor = static_cast<std::size_t>(below(reactors_.size()));
  const std::string& topic = any_topic();
  const bool is_burst = has_bursts_ && below(100) == 0;
  for (int left = is_burst ? 700 : pick(random_, {1, 1, 1, 2, 5}); left > 0; --left) {
    const auto kind = pick(random_, {PayloadKind::kText, PayloadKind::kBinary});
    std::string payload = std::to_string(reactor) + "-" + std::to_string(++published_) + "-";
    payload.append(pick<std::size_t>(random_, {0, 1, 20, 200}), 'x');
    std::string key;
    if (below(8) == 0) {
      key = "k" + std::to_string(below(4));
      key_of_payload_[payload] = topic + " " + key;
    }
    const bool wants_receipt = published_ % 4 == 0;
    const std::uint32_t item =
        ask({.topic = topic, .payload = payload, .after = {}, .wants_receipt = wants_receipt});
    const std::string message_key =
        has_keys_ && below(3) > 0 ? std::string(1 + below(3), 'k') : std::string();
    ReplyTo to = reactors_[reactor]->reply_to(item);
    to.wants_receipt = wants_receipt;
    reactors_[reactor]->hub().publish(topic, Message::create(kind, payload, message_key), key, to);
  }
}

After HubWorld::any_after(const std::string& topic) {
  const std::uint64_t chance = below(10);
  if (chance < 5) {
    return {};
  }
  if (chance == 5) {
    return {.kind = After::Kind::kFirst, .id = {}};
  }
  MessageId id = record_.last.contains(topic) ? record_.last[topic] : MessageId{};
  id.offset = chance < 9 ? id.offset - std::min(id.offset, below(5)) : id.offset + below(3);
  if (below(10) == 0) {
    id.epoch += static_cast<std::uint32_t>(below(3));
  }
  return {.kind = After::Kind::kId, .id = id};
}

std::string HubWorld::any_feed() {
  return feeds_[below(feeds_.size())];
}

After HubWorld::any_position(const std::string& feed) {
  const std::uint64_t chance = below(10);
  if (chance < 4) {
    return {};
  }
  if (chance == 4) {
    return {.kind = After::Kind::kFirst};
  }
  const std::string word = word_of(feed);
  std::vector<std::string> positions;
  for (auto it = record_.feeds.lower_bound({word, ""});
       it != record_.feeds.end() && it->first.first == word; ++it) {
    positions.push_back(it->first.second);
  }
  if (positions.empty()) {
    return {};
  }
  // The newer ones have greater counts; their spelling is not in that order, so any will do.
  FeedPosition position = *parse_feed_position(positions[below(positions.size())]);
  for (int tries = 0; tries < 3; ++tries) {
    const FeedPosition other = *parse_feed_position(positions[below(positions.size())]);
    position = other.counts > position.counts ? other : position;
  }
  if (below(15) == 0) {
    position.epoch += static_cast<std::uint32_t>(below(2));
    position.counts[below(position.counts.size())] += 1000;
  }
  return {.kind = After::Kind::kPosition, .id = {}, .position = position};
}

void HubWorld::subscribe() {
  FakeReactor& reactor = any_reactor();
  const std::uint32_t slot = any_slot();
  Client* const client = reactor.client(slot);
  if (client == nullptr || client->is_preparing || client->is_dead || client->is_closing) {
    return;
  }
  std::vector<std::pair<std::string, SubscribeOptions>> wanted;
  for (std::uint64_t left = 1 + below(3); left > 0; --left) {
    if (below(3) == 0) {
      const std::string feed = any_feed();
      wanted.emplace_back(feed, SubscribeOptions{.after = any_position(feed),
                                                 .form = static_cast<WireForm>(
                                                     below(3) == 0 ? below(kWireFormCount) : 0)});
      continue;
    }
    const std::string& topic = any_topic();
    wanted.emplace_back(
        topic,
        SubscribeOptions{.after = any_after(topic),
                         .mode = below(6) == 0 ? Mode::kLatest : Mode::kAll,
                         .form = static_cast<WireForm>(below(3) == 0 ? below(kWireFormCount) : 0)});
  }
  reactor.subscribe(slot, std::move(wanted), below(2) == 0);
}

void HubWorld::change_client() {
  FakeReactor& reactor = any_reactor();
  const std::uint32_t slot = any_slot();
  Client* const client = reactor.client(slot);
  if (client == nullptr) {
    const Reader reader = below(2) == 0 ? Reader::kPerfect : Reader::kFlaky;
    reactor.connect(slot, reader, below(3) == 0);
    if (has_bursts_) {
      reactor.client(slot)->checker.excuse_losses();
    }
    for (const std::string& topic : topics_) {
      if (rules_.rules.at(topic).when_slow == config::WhenSlow::kLatest) {
        reactor.client(slot)->checker.set_skips(topic);
      }
    }
  } else if (const std::uint64_t chance = below(10); chance == 0) {
    count(client->checker);
    reactor.disconnect(slot);
  } else if (chance < 4 && !client->is_dead && !client->is_closing) {
    reactor.unsubscribe(slot, below(4) == 0 ? any_feed() : any_topic());
  } else {
    reactor.unblock(slot);
  }
}

void HubWorld::count(const StreamChecker& checker) {
  messages_ += checker.messages();
  gaps_ += checker.gaps();
  recovered_ += checker.feeds().recovered();
}

void HubWorld::ask_history() {
  const std::string& topic = any_topic();
  FakeReactor& reactor = any_reactor();
  const auto limit = static_cast<std::uint32_t>(1 + below(6));
  const After after = any_after(topic);
  const std::uint32_t item = ask({.topic = topic, .payload = {}, .after = after, .limit = limit});
  reactor.hub().history(topic, after, limit, reactor.reply_to(item));
}

void HubWorld::pass_time() {
  now_ += pick(random_, {milliseconds(1), milliseconds(20), milliseconds(60), milliseconds(500),
                         milliseconds(6000), milliseconds(300'000)});
}

void HubWorld::reload() {
  if (has_reloads_) {
    any_reactor().hub().set_rules(below(2) == 0 ? rules_ : other_rules_);
  }
}

// --- answers

void HubWorld::on_answer(std::uint32_t item, const Reply& reply) {
  Asked& asked = asked_.at(item);
  ASSERT_FALSE(asked.is_answered) << "answered twice";
  asked.is_answered = true;
  if (const auto* published = std::get_if<PublishedReply>(&reply)) {
    check_published(asked, *published);
  } else if (const auto* history = std::get_if<HistoryReply>(&reply)) {
    check_history(asked, *history);
  } else if (const auto* view = std::get_if<TopicView>(&reply)) {
    std::uint64_t subscribers = 0;
    for (const auto& reactor : reactors_) {
      subscribers += subscriptions_to(*reactor, asked.topic);
    }
    ASSERT_EQ(view->subscribers, subscribers) << asked.topic;
    ASSERT_EQ(view->last, record_.last[asked.topic]);
  } else {
    ASSERT_TRUE(has_limits_ || has_reloads_) << "refused without a reason";
  }
}

std::uint64_t HubWorld::subscriptions_to(FakeReactor& reactor, const std::string& topic) const {
  std::uint64_t count = 0;
  for (std::uint32_t slot = 0; slot < kClientSlots; ++slot) {
    count += reactor.hub().is_subscribed(slot, topic) ? 1U : 0U;
    for (const std::string& feed : feeds_) {
      const auto filters = filters_of(feed);
      const bool does_fit = std::any_of(filters.begin(), filters.end(), [&](ByteView filter) {
        return pattern_matches(filter, topic);
      });
      count += does_fit && reactor.hub().is_subscribed(slot, feed) ? 1U : 0U;
    }
  }
  return count;
}

void HubWorld::check_published(const Asked& asked, const PublishedReply& reply) {
  const LoggedMessage* logged = record_.find(asked.topic, reply.id);
  ASSERT_NE(logged, nullptr);
  if (logged->payload != asked.payload) {
    ASSERT_TRUE(key_of_payload_.contains(asked.payload)) << "the answer to another publish";
    ASSERT_EQ(key_of_payload_[asked.payload], key_of_payload_[logged->payload]);
    ASSERT_EQ(reply.written, 0U) << "a repeat sends nothing";
    return;
  }
  if (asked.wants_receipt) {
    check_receipt(asked, reply);
  } else {
    ASSERT_EQ(reply.written, 0U);
  }
}

/// What the sockets of one reactor have taken when it counts is what it answers; what those of
/// several have taken meanwhile may be more. Of a stream it is only known when all of it is out.
void HubWorld::check_receipt(const Asked& asked, const PublishedReply& reply) {
  std::uint64_t deliveries = 0;
  for (const auto& reactor : reactors_) {
    deliveries += reactor->deliveries_of(asked.payload);
  }
  ASSERT_LE(reply.written, deliveries) << asked.payload;
  if (reactors_.size() == 1 && !reactors_[0]->has_unsure_streams()) {
    ASSERT_EQ(reply.written, deliveries) << asked.payload;
  }
  written_ += reply.written;
}

void HubWorld::check_history(const Asked& asked, const HistoryReply& reply) {
  ASSERT_LE(reply.messages.size(), asked.limit);
  std::uint64_t before = 0;
  for (const MessageRef& message : reply.messages) {
    const LoggedMessage* logged = record_.find(asked.topic, message->id());
    ASSERT_NE(logged, nullptr);
    ASSERT_EQ(logged->payload, message->payload());
    ASSERT_EQ(message->id().epoch, reply.last.epoch);
    ASSERT_TRUE(before == 0 || message->id().offset == before + 1) << "a hole";
    before = message->id().offset;
  }
  const std::uint64_t kept = kept_from(asked.topic, reply.last);
  const std::uint64_t first = reply.messages.empty() ? 0 : reply.messages[0]->id().offset;
  switch (asked.after.kind) {
    case After::Kind::kNext:
      ASSERT_GE(reply.messages.size(),
                std::min<std::uint64_t>(asked.limit, reply.last.offset + 1 - kept));
      ASSERT_TRUE(before == 0 || before == reply.last.offset);
      break;
    case After::Kind::kFirst:
      ASSERT_TRUE(kept > reply.last.offset || (first > 0 && first <= kept));
      break;
    case After::Kind::kPosition:
      FAIL() << "no topic has positions";
    case After::Kind::kId:
      if (!reply.gap) {
        ASSERT_EQ(asked.after.id.epoch, reply.last.epoch);
        ASSERT_TRUE(asked.after.id.offset == reply.last.offset ||
                    first == asked.after.id.offset + 1);
      } else {
        ASSERT_FALSE(asked.after.id.epoch == reply.last.epoch &&
                     asked.after.id.offset <= reply.last.offset &&
                     asked.after.id.offset + 1 >= kept)
            << "a gap though the log reaches back";
      }
      break;
  }
}

// --- when it is quiet

void HubWorld::run_until_idle() {
  int quiet = 0;
  for (int round = 0; quiet < 2; ++round) {
    ASSERT_LT(round, 3000) << "it never comes to rest";
    now_ += milliseconds(60);
    bool has_more = false;
    for (const auto& reactor : reactors_) {
      has_more |= reactor->turn(now_, 10'000, 10'000);
    }
    quiet = has_more || !post_.is_empty() ? 0 : quiet + 1;
  }
}

void HubWorld::settle() {
  for (const auto& reactor : reactors_) {
    reactor->set_calm(true);
    for (std::uint32_t slot = 0; slot < kClientSlots; ++slot) {
      if (reactor->client(slot) != nullptr) {
        reactor->unblock(slot);
      }
    }
  }
  ASSERT_NO_FATAL_FAILURE(run_until_idle());
  for (const auto& reactor : reactors_) {
    reactor->check();
    ASSERT_EQ(reactor->hub().behind_count(), 0U) << "somebody who reads is left behind";
    for (std::uint32_t slot = 0; slot < kClientSlots; ++slot) {
      check_client(*reactor, slot);
    }
  }
  check_views();
  check_logs();
  for (const Asked& asked : asked_) {
    ASSERT_TRUE(asked.is_answered) << "never answered: " << asked.topic << " " << asked.payload;
  }
  for (const auto& reactor : reactors_) {
    reactor->set_calm(false);
  }
}

void HubWorld::check_client(FakeReactor& reactor, std::uint32_t slot) {
  Client* const client = reactor.client(slot);
  if (client == nullptr || client->is_closing) {
    return;
  }
  ASSERT_FALSE(client->is_preparing) << "a prepare was never answered";
  ASSERT_EQ(client->checker.unread(client->stream), 0U) << "a message was never finished";
  ASSERT_TRUE(client->unsent.empty()) << "kept by the stream for ever";
  const auto& seen = client->checker.subscriptions();
  for (const std::string& topic : topics_) {
    ASSERT_EQ(reactor.hub().is_subscribed(slot, topic), seen.contains(topic)) << topic;
  }
  for (const std::string& feed : feeds_) {
    ASSERT_EQ(reactor.hub().is_subscribed(slot, feed),
              client->checker.feeds().feeds().contains(word_of(feed)))
        << feed;
  }
  check_feeds(*client);
  for (const auto& [topic, state] : seen) {
    const MessageId last = record_.last.at(topic);
    if (state.is_start_known) {
      ASSERT_EQ(state.at, last) << topic << ": client " << client->id << " has "
                                << to_string(state.at) << ", the log " << to_string(last);
    }
    if (state.may_skip && !state.has_gap && state.start.epoch == last.epoch) {
      check_newest_of_keys(topic, state);
    }
  }
}

/// Whoever may skip has the newest message of every key.
void HubWorld::check_newest_of_keys(const std::string& topic, const StreamChecker::Seen& state) {
  const auto log = record_.logs.find({topic, state.start.epoch});
  if (log == record_.logs.end()) {
    return;
  }
  std::map<std::string, std::uint64_t> newest;
  for (std::uint64_t offset = state.start.offset + 1; offset <= log->second.size(); ++offset) {
    newest[log->second[offset - 1].key] = offset;
  }
  for (const auto& [key, offset] : newest) {
    const auto came = state.by_key.find(key);
    ASSERT_TRUE(came != state.by_key.end() && came->second == offset)
        << topic << ": the newest message of key '" << key << "' never came";
  }
}

void HubWorld::check_feeds(const Client& client) {
  for (const auto& [feed, state] : client.checker.feeds().feeds()) {
    for (const auto& [topic, seen] : state.topics) {
      if (seen.kind != FeedSeen::Kind::kLost) {
        ASSERT_EQ(seen.at, record_.last.at(topic))
            << feed << ": client " << client.id << " has " << to_string(seen.at) << " of " << topic
            << ", the log " << to_string(record_.last.at(topic));
      }
    }
  }
}

void HubWorld::check_views() {
  for (const std::string& topic : topics_) {
    if (record_.last.contains(topic) && !has_limits_) {
      FakeReactor& reactor = any_reactor();
      reactor.hub().view(topic,
                         reactor.reply_to(ask({.topic = topic, .payload = {}, .after = {}})));
      ASSERT_NO_FATAL_FAILURE(run_until_idle());
    }
  }
}

void HubWorld::check_logs() {
  std::map<std::string, TimePoint> used_keys;
  std::set<std::string> payloads;
  for (const auto& [name, log] : record_.logs) {
    std::map<std::string, std::uint64_t> last_of_publisher;
    for (const LoggedMessage& message : log) {
      ASSERT_TRUE(payloads.insert(message.payload).second) << "published twice";
      const std::size_t dash = message.payload.find('-');
      const std::uint64_t number = std::stoull(message.payload.substr(dash + 1));
      std::uint64_t& last = last_of_publisher[message.payload.substr(0, dash)];
      ASSERT_GT(number, last) << "the publisher's order was lost";
      last = number;
      const auto key = key_of_payload_.find(message.payload);
      if (key == key_of_payload_.end()) {
        continue;
      }
      const std::string used = key->second + std::to_string(name.second);
      ASSERT_TRUE(!used_keys.contains(used) ||
                  message.at - used_keys[used] >= IdempotencyWindow::kLifetime)
          << "one idempotency key, two messages";
      used_keys[used] = message.at;
    }
  }
}

void HubWorld::end() {
  for (const auto& reactor : reactors_) {
    reactor->set_calm(true);
    for (std::uint32_t slot = 0; slot < kClientSlots; ++slot) {
      if (Client* const client = reactor->client(slot)) {
        count(client->checker);
        reactor->disconnect(slot);
      }
    }
  }
  ASSERT_NO_FATAL_FAILURE(run_until_idle());
  for (int round = 0; round < 4; ++round) {
    now_ += std::chrono::minutes(6);
    ASSERT_NO_FATAL_FAILURE(run_until_idle());
    for (int i = 0; i < 101; ++i) {
      for (const auto& reactor : reactors_) {
        reactor->hub().sweep();
      }
    }
    ASSERT_NO_FATAL_FAILURE(run_until_idle());
  }
  for (const auto& reactor : reactors_) {
    ASSERT_EQ(reactor->hub().subscription_count(), 0U);
    ASSERT_EQ(reactor->hub().home_topic_count(), 0U) << "a topic is never freed";
  }
  ASSERT_EQ(shared_.topics.load(), 0U);
}

}  // namespace wspush::hub::test
