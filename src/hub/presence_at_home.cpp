// Presence at the home of a topic: its members, and what the reactors with watchers are told.
#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "hub/hub.hpp"

namespace wspush::hub {

HomePresence& Hub::presence_of(Topic& topic) {
  std::unique_ptr<HomePresence>& presence = topic.home->presence;
  if (presence == nullptr) {
    presence = std::make_unique<HomePresence>(SipKey::from(random_));
    judge_home_presence(topic);
  }
  return *presence;
}

/// The topic's rule may be another one. Where joins and leaves are told from now on, the members
/// that are there are the first.
void Hub::judge_home_presence(Topic& topic) {
  HomePresence& presence = *topic.home->presence;
  const config::Presence kind =
      topic.rule == nullptr ? config::Presence::kOff : topic.rule->presence;
  if (kind == presence.kind) {
    return;
  }
  presence.kind = kind;
  presence.members.set_telling(kind == config::Presence::kOn);
  for (Watcher& watcher : presence.watchers) {
    watcher.wants_count = true;
  }
  presence_changed(topic);
}

void Hub::on_present_mail(const PresentMail& mail) {
  Topic* const topic = topics_.find(mail.home);
  if (topic == nullptr) {
    return;
  }
  MemberTable& members = presence_of(*topic).members;
  const std::uint64_t before = members.size();
  if (mail.kind == PresentMail::Kind::kLeave) {
    // First, as it cannot fail: nobody says it again.
    members.leave(*mail.user.name);
    home_members_ += members.size() - before;
    presence_changed(*topic);
    return;
  }
  presence_changed(*topic);  // First, as it may throw: the next flush looks at it.
  if (mail.kind == PresentMail::Kind::kJoin) {
    members.join(*mail.user.name, *mail.user.info);
  } else {
    members.renew(*mail.user.name, *mail.user.info);
  }
  home_members_ += members.size() - before;
}

void Hub::on_watch_mail(const WatchMail& mail) {
  Topic* const topic = topics_.find(mail.home);
  if (topic == nullptr || (mail.is_end && topic->home->presence == nullptr)) {
    return;
  }
  HomePresence& presence = presence_of(*topic);
  std::erase_if(presence.watchers, [&](const Watcher& watcher) {
    return watcher.reactor == mail.reactor && (!mail.is_end || watcher.stream == mail.stream);
  });
  if (!mail.is_end) {
    presence.watchers.push_back(
        {.reactor = mail.reactor, .stream = mail.stream, .wants_count = true});
  }
  presence_changed(*topic);
}

void Hub::on_presence_told(const PresenceToldMail& mail) {
  Topic* const topic = topics_.find(mail.home);
  if (topic == nullptr || topic->home->presence == nullptr) {
    return;
  }
  for (Watcher& watcher : topic->home->presence->watchers) {
    if (watcher.reactor == mail.reactor) {
      watcher.is_telling = false;
      watcher.has_missed |= mail.has_failed;
      watcher.wants_count |= mail.has_failed;
    }
  }
  presence_changed(*topic);
}

/// There may be something to tell: in this turn, or when the number may be told again.
void Hub::presence_changed(Topic& topic) {
  HomePresence& presence = *topic.home->presence;
  if (presence.kind == config::Presence::kCount && !presence.is_count_due) {
    const TimePoint due = presence.count_told_at == TimePoint{}
                              ? now_
                              : std::max(now_, presence.count_told_at + kCountInterval);
    counts_due_.push({due, topic.handle});
    presence.is_count_due = true;
  }
  list_presence(topic);
}

/// Has it looked at by the next flush.
void Hub::list_presence(Topic& topic) {
  if (!topic.home->presence->is_listed) {
    presence_listed_.push_back(topic.handle);
    topic.home->presence->is_listed = true;
  }
}

/// At the beginning of a flush.
void Hub::tell_presence() {
  while (!counts_due_.empty() && counts_due_.top().due <= now_) {
    Topic* const topic = topics_.find(counts_due_.top().topic);
    counts_due_.pop();
    if (topic != nullptr && topic->home->presence != nullptr) {
      tell_count(*topic);
    }
  }
  if (shared_.reloading.load(std::memory_order_relaxed) > 0 && !presence_listed_.empty()) {
    wait_for_watchers();
  }
  if (now_ < tell_from_) {
    return;
  }
  std::size_t events_left = kEventsPerTurn;
  const std::size_t listed = presence_listed_.size();  // What is added meanwhile comes next time.
  for (std::size_t i = 0; i < listed; ++i) {
    Topic* const topic = topics_.find(presence_listed_[i]);
    if (topic == nullptr || topic->home->presence == nullptr) {
      continue;
    }
    HomePresence& presence = *topic->home->presence;
    presence.is_listed = false;
    tell_changes(*topic, events_left);
    if (presence.members.is_empty() && presence.watchers.empty() && !presence.is_listed &&
        !presence.is_count_due) {
      topic->home->presence.reset();
    }
  }
  presence_listed_.erase(presence_listed_.begin(),
                         presence_listed_.begin() + static_cast<std::ptrdiff_t>(listed));
}

void Hub::tell_count(Topic& topic) {
  HomePresence& presence = *topic.home->presence;
  presence.is_count_due = false;
  list_presence(topic);  // It may have waited for this alone.
  if (presence.kind != config::Presence::kCount) {
    return;
  }
  const std::uint64_t count = presence.members.size();
  const bool is_new = count != presence.count_told;
  try {
    const MessageRef event =
        Message::create(PayloadKind::kJson, std::to_string(count), kCountEvent);
    // As in tell_changes: by index and from the back.
    for (std::size_t i = presence.watchers.size(); i-- > 0;) {
      Watcher& watcher = presence.watchers[i];
      if (is_new || watcher.wants_count) {
        watcher.wants_count = false;
        presence.count_told_at = now_;
        tell(watcher.reactor, PresenceMail{.stream = watcher.stream,
                                           .events = {event},
                                           .reactor = options_.reactor,
                                           .home = topic.handle});
      }
    }
  } catch (const std::bad_alloc&) {
    for (Watcher& watcher : presence.watchers) {
      watcher.wants_count = true;  // Who has it already finds nothing new.
    }
    presence_changed(topic);
    throw;
  }
  presence.count_told = count;
}

/// Joins and leaves, as many as one letter takes, once every reactor has sent those before: so what
/// waits for subscribers is bounded, whatever happens here.
void Hub::tell_changes(Topic& topic, std::size_t& events_left) {
  HomePresence& presence = *topic.home->presence;
  MemberTable& members = presence.members;
  const bool must_wait = std::ranges::any_of(
      presence.watchers, [](const Watcher& watcher) { return watcher.is_telling; });
  const bool has_missed =
      std::ranges::any_of(presence.watchers, [](const Watcher& each) { return each.has_missed; });
  if (must_wait || !(members.has_changes() || has_missed)) {
    return;  // An answer will list it again.
  }
  std::vector<MessageRef> events;
  try {
    take_changes(topic, events, events_left);
  } catch (const std::bad_alloc&) {
    for (Watcher& watcher : presence.watchers) {
      watcher.has_missed = true;  // A change may have been taken that nobody is told.
    }
  }
  // By index and from the back: a stream of this reactor may answer at once, or end.
  for (std::size_t i = presence.watchers.size(); i-- > 0;) {
    Watcher& watcher = presence.watchers[i];
    if (!events.empty() || watcher.has_missed) {
      watcher.is_telling = true;
      const bool is_after_loss = std::exchange(watcher.has_missed, false);
      try {
        tell(watcher.reactor, PresenceMail{.stream = watcher.stream,
                                           .events = events,
                                           .wants_answer = true,
                                           .reactor = options_.reactor,
                                           .home = topic.handle,
                                           .is_after_loss = is_after_loss});
      } catch (const std::bad_alloc&) {
        watcher.is_telling = false;  // It has not heard of it, and so is where it was.
        watcher.has_missed = true;
      }
    }
  }
  const bool waits = std::ranges::any_of(presence.watchers,
                                         [](const Watcher& watcher) { return watcher.is_telling; });
  const bool is_owing =
      std::ranges::any_of(presence.watchers, [](const Watcher& each) { return each.has_missed; });
  if ((members.has_changes() || is_owing) && !waits) {
    presence_changed(topic);
  }
}

/// The oldest changes, as what watchers are told; some may come to nothing.
void Hub::take_changes(Topic& topic, std::vector<MessageRef>& events, std::size_t& events_left) {
  HomePresence& presence = *topic.home->presence;
  MemberTable& members = presence.members;
  std::size_t bytes = 0;
  while (events.size() < kEventsPerLetter && bytes < kEventBytesPerLetter && events_left > 0) {
    const MemberChange change = members.take_change();
    if (change.kind == MemberChange::Kind::kEnd) {
      break;
    }
    --events_left;
    if (change.kind != MemberChange::Kind::kNothing && !presence.watchers.empty()) {
      bytes += change.member.size();
      events.push_back(
          Message::create(PayloadKind::kJson, change.member,
                          change.kind == MemberChange::Kind::kJoin ? kJoinEvent : kLeaveEvent));
    }
  }
}

// --- who is there

void Hub::members(ByteView topic, std::uint32_t from, std::uint32_t limit, const ReplyTo& to) {
  if (is_home_here(topic)) {
    members_at_home(topic, from, limit, to);
  } else {
    post_.send(home_of(topic), MembersMail{std::string(topic), from, limit, to});
  }
}

/// A topic that is not here has no members: nothing is opened for the question.
void Hub::members_at_home(ByteView name, std::uint32_t from, std::uint32_t limit,
                          const ReplyTo& to) {
  Topic* const topic = find_topic(name);
  const config::TopicRule* const rule =
      topic == nullptr || is_reloading() ? rules_->rule_of(name) : topic->rule;
  MembersReply answer{
      .is_count_only = rule != nullptr && rule->presence == config::Presence::kCount,
      .members = {},
      .next = {}};
  if (topic != nullptr && topic->home != nullptr && topic->home->presence != nullptr) {
    MemberTable& members = topic->home->presence->members;
    answer.count = members.size();
    if (!answer.is_count_only) {
      MembersPage page = members.page(from, std::min(limit, kMembersPageMax), kMembersBytesMax);
      answer.members = std::move(page.members);
      answer.next = page.next;
    }
  }
  reply(to, std::move(answer));
}

}  // namespace wspush::hub
