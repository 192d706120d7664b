// New topic rules: some topics and some subscriptions in each turn, so that nobody waits for a
// reload of a million. First every topic looks its rule up, then every subscription is judged by
// it.
#include <algorithm>
#include <new>
#include <utility>

#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// Topics, and subscriptions, that one turn looks at: less than a millisecond with a hundred rules.
constexpr std::uint32_t kJudgedPerTurn = 1024;

}  // namespace

void Hub::set_rules(const RuleSource& rules) {
  if (rules_ == nullptr) {
    rules_ = &rules;
    return;  // There are no topics.
  }
  // First, as it may throw: the old rules are in force then.
  std::vector<bool> is_withdrawn(topics_.slot_count(), false);
  rules_ = &rules;
  last_home_ = {};  // Whoever is found by it has not looked its rule up.
  if (!is_reloading()) {
    shared_.reloading.fetch_add(1, std::memory_order_relaxed);
  }
  reload_ = {.is_withdrawn = std::move(is_withdrawn),
             .next_topic = 0,
             .next_subscription = 0,
             .is_under_way = true};
  wait_for_watchers();
  try {
    judge_some();
  } catch (const std::bad_alloc&) {
    // The next turn goes on where this one stopped.
  }
}

/// The other reactors hear of new rules a little sooner or later, and need some turns as well:
/// whoever begins to watch then is to be told of everybody.
void Hub::wait_for_watchers() {
  tell_from_ = now_ + kCountInterval;
}

bool Hub::judge_some() {
  if (!is_reloading()) {
    return false;
  }
  std::uint32_t left = kJudgedPerTurn;
  // What is made meanwhile has the new rule from the beginning, wherever it stands.
  const auto topics_end = static_cast<std::uint32_t>(reload_.is_withdrawn.size());
  for (; reload_.next_topic < topics_end && left > 0; ++reload_.next_topic) {
    Topic* const topic = topics_.in_slot(reload_.next_topic);
    left -= topic == nullptr ? 1 : std::min(left, judge_topic(*topic));
  }
  if (reload_.next_topic < topics_end) {
    return true;
  }
  for (; reload_.next_subscription < table_.index_end() && left > 0; --left) {
    judge_subscription(reload_.next_subscription);
    ++reload_.next_subscription;  // Only now: where memory runs out, it is judged again.
  }
  if (reload_.next_subscription < table_.index_end()) {
    return true;
  }
  end_reload();
  return false;
}

void Hub::end_reload() {
  if (is_reloading()) {
    shared_.reloading.fetch_sub(1, std::memory_order_relaxed);
  }
  reload_ = {};
}

/// The rule alone, of which what is published and who subscribes from now on is in need.
void Hub::use_new_rule(Topic& topic) {
  if (topic.feed != nullptr) {
    judge_feed(*topic.feed);
  } else if (topic.stream == StreamState::kNoStream) {
    topic.rule = rules_->rule_of(topic.name);
  }
}

/// How many names and filters were looked up.
std::uint32_t Hub::judge_topic(Topic& topic) {
  use_new_rule(topic);
  const std::uint32_t slot = topic.handle.slot;
  if (topic.feed != nullptr) {
    const std::vector<ByteView> filters = filters_of(topic.name);
    reload_.is_withdrawn[slot] = std::ranges::any_of(
        filters, [this](ByteView filter) { return !rules_->may_subscribe(filter); });
    return static_cast<std::uint32_t>(filters.size()) + 1;
  }
  if (topic.stream == StreamState::kNoStream) {
    if (topic.home != nullptr && topic.home->presence != nullptr) {
      judge_home_presence(topic);
    }
    reload_.is_withdrawn[slot] = !rules_->may_subscribe(topic.name);
  }
  return 1;
}

void Hub::judge_subscription(std::uint32_t index) {
  const Subscription subscription = table_[index];
  if (subscription.state == Subscription::State::kFree) {
    return;
  }
  const std::uint32_t topic = subscription.topic;
  if (topic < reload_.is_withdrawn.size() && reload_.is_withdrawn[topic]) {
    end_subscription(index);
    events_.on_withdrawn(subscription.slot, subscription.form, topic_at(topic).name);
  } else {
    judge_presence_again(index);
  }
}

}  // namespace wspush::hub
