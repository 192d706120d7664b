// What a home does for feeds: it forwards to them what is published, and reads for those who come
// back what its topics have kept.
#include <algorithm>
#include <new>

#include "wspush/hub/topic_name.hpp"

#include "base/check.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// The next message of one topic that somebody missed.
struct Head {
  MessageRef message;
  const TopicLog* log;  ///< where the ones after it are; null: it is the only one
  std::uint32_t topic;  ///< among those of the answer

  friend bool operator>(const Head& a, const Head& b) {
    return a.message->count() > b.message->count();
  }
};

/// The oldest kept offset behind `count`; counts grow along a log. Something newer is kept.
std::uint64_t first_after(const TopicLog& log, std::uint64_t count) {
  std::uint64_t low = log.first();
  std::uint64_t high = log.last();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (log.at(middle)->count() > count) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

bool fits_any(const std::vector<ByteView>& filters, ByteView topic) {
  return std::any_of(filters.begin(), filters.end(),
                     [&](ByteView filter) { return filter_fits(filter, topic); });
}

}  // namespace

void Hub::tell(std::uint16_t reactor, HubMail mail) {
  if (reactor == options_.reactor) {
    on_mail(std::move(mail));
  } else {
    post_.send(reactor, std::move(mail));
  }
}

void Hub::open_feed_at_home(const OpenFeedMail& mail) {
  if (!has_feeds_) {
    has_feeds_ = true;
    feeds_since_ = count_;
  }
  const Handle known = mail.is_again ? find_home_feed(mail) : Handle{};
  const Handle at_home = known ? known : register_feed(mail);
  tell(mail.reactor,
       FeedOpenedMail{
           .feed = mail.feed, .home = options_.reactor, .at_home = at_home, .count = count_});
}

Handle Hub::find_home_feed(const OpenFeedMail& mail) {
  Handle found;
  home_feeds_.for_each([&](Handle handle, const HomeFeed& feed) {
    if (feed.reactor == mail.reactor && feed.feed == mail.feed) {
      found = handle;
    }
  });
  return found;
}

Handle Hub::register_feed(const OpenFeedMail& mail) {
  const std::vector<ByteView> filters = filters_of(*mail.name);
  const Handle at_home =
      home_feeds_.emplace(HomeFeed{.name = mail.name, .reactor = mail.reactor, .feed = mail.feed});
  std::size_t added = 0;
  try {
    for (; added < filters.size(); ++added) {
      patterns_.add(filters[added], at_home.slot);
    }
  } catch (const std::bad_alloc&) {
    while (added > 0) {
      patterns_.remove(filters[--added], at_home.slot);
    }
    home_feeds_.erase(at_home);
    throw;
  }
  ++patterns_version_;
  return at_home;
}

void Hub::close_feed_at_home(const CloseFeedMail& mail) {
  const HomeFeed* const closed = home_feeds_.find(mail.at_home);
  WSPUSH_CHECK(closed != nullptr);
  for_each_filter(*closed->name,
                  [&](ByteView filter) { patterns_.remove(filter, mail.at_home.slot); });
  home_feeds_.erase(mail.at_home);
  ++patterns_version_;
}

// --- what is published

void Hub::forward_to_feeds(Topic& topic, FeedMail mail) {
  make_newest(topic);
  if (patterns_.is_empty()) {
    return;
  }
  FeedRoutes& routes = *topic.home->routes;
  make_routes(topic, routes);
  mail.home = options_.reactor;
  mail.count = count_;
  for (const std::shared_ptr<const FeedTargets>& targets : routes.targets) {
    expect_fan_outs(mail.receipt, 1);
    mail.targets = targets;
    tell(targets->reactor, mail);
  }
}

/// Patterns come and go far less often than messages: what fits is found once.
void Hub::make_routes(const Topic& topic, FeedRoutes& routes) {
  if (routes.made_at == patterns_version_) {
    return;
  }
  matches_.clear();
  patterns_.match(topic.name, matches_);
  // A set may fit by several of its patterns, and gets the message once.
  std::sort(matches_.begin(), matches_.end());
  matches_.erase(std::unique(matches_.begin(), matches_.end()), matches_.end());
  routes.feeds = matches_;
  routes.targets.clear();
  if (matches_.empty()) {
    routes.made_at = patterns_version_;
    return;
  }
  const auto name = std::make_shared<const std::string>(topic.name);
  for (std::uint16_t reactor = 0; reactor < options_.reactors; ++reactor) {
    auto targets = std::make_shared<FeedTargets>();
    for (const std::uint32_t slot : matches_) {
      const HomeFeed& feed = *home_feeds_.in_slot(slot);
      if (feed.reactor == reactor) {
        targets->feeds.push_back(feed.feed);
      }
    }
    if (!targets->feeds.empty()) {
      targets->topic = name;
      targets->reactor = reactor;
      routes.targets.push_back(std::move(targets));
    }
  }
  routes.made_at = patterns_version_;  // Last: where memory runs out they are made again.
}

std::uint64_t Hub::feed_subscribers_of(const Topic& topic) {
  if (topic.home->routes == nullptr) {
    topic.home->routes = std::make_unique<FeedRoutes>();
  }
  make_routes(topic, *topic.home->routes);
  std::uint64_t count = 0;
  for (const std::uint32_t slot : topic.home->routes->feeds) {
    count += home_feeds_.in_slot(slot)->subscribers;
  }
  return count;
}

// --- topics by their newest message

void Hub::make_newest(Topic& topic) {
  if (topic.home->routes == nullptr) {
    topic.home->routes = std::make_unique<FeedRoutes>();
  }
  unlink_from_newest(topic);
  FeedRoutes& routes = *topic.home->routes;
  routes.newest = count_;
  routes.newer = kNone;
  routes.older = newest_topic_;
  if (newest_topic_ != kNone) {
    topic_at(newest_topic_).home->routes->newer = topic.handle.slot;
  }
  newest_topic_ = topic.handle.slot;
}

void Hub::unlink_from_newest(const Topic& topic) {
  const FeedRoutes& routes = *topic.home->routes;
  if (routes.newest == 0) {
    return;  // It is not in the list.
  }
  (routes.newer == kNone ? newest_topic_ : topic_at(routes.newer).home->routes->older) =
      routes.older;
  if (routes.older != kNone) {
    topic_at(routes.older).home->routes->newer = routes.newer;
  }
}

/// It has just dropped something. Where memory runs out for that, everybody who comes back to any
/// topic here is told, as of what is forgotten.
void Hub::note_drop(Topic& topic) {
  if (!has_feeds_) {
    return;
  }
  ++drops_;
  try {
    if (topic.home->routes == nullptr) {
      topic.home->routes = std::make_unique<FeedRoutes>();
    }
    topic.home->routes->dropped_at = drops_;
  } catch (const std::bad_alloc&) {
    const std::uint64_t lost = topic.latest == nullptr ? 0 : topic.latest->lost_count();
    forgotten_ = std::max({forgotten_, topic.log.newest_dropped(), lost});
    forgotten_at_ = drops_;
  }
}

std::uint64_t Hub::dropped_at(const Topic& topic) {
  return topic.home->routes == nullptr ? 1
                                       : std::max<std::uint64_t>(topic.home->routes->dropped_at, 1);
}

/// The topic is being freed. Who comes back must still hear that it had dropped something.
void Hub::remember_dropped(const Topic& topic) {
  if (topic.home->routes == nullptr) {
    return;  // Nothing was published or dropped since there are feeds.
  }
  unlink_from_newest(topic);
  if (topic.log.newest_dropped() > 0) {
    try {
      dropped_[topic.log.newest_dropped()] = {topic.name, dropped_at(topic)};
    } catch (const std::bad_alloc&) {
      forgotten_ = std::max(forgotten_, topic.log.newest_dropped());
      forgotten_at_ = std::max(forgotten_at_, dropped_at(topic));
    }
  }
  if (dropped_.size() > kDroppedTopicsMax) {
    // What is freed now may have dropped its last long before what is forgotten already.
    const auto& [count, oldest] = *dropped_.begin();
    forgotten_ = std::max(forgotten_, count);
    forgotten_at_ = std::max(forgotten_at_, oldest.at);
    dropped_.erase(dropped_.begin());
  }
}

// --- what was missed

void Hub::fetch_at_home(const FetchMail& mail) {
  // A count that there was not yet was never given out.
  const std::uint64_t after = mail.after > count_ ? 0 : mail.after;
  const std::vector<ByteView> filters = filters_of(*mail.name);
  FetchedPiece piece{.home = options_.reactor,
                     .has_gap = false,
                     .upto = std::vector<std::uint64_t>(options_.reactors),
                     .topics = {},
                     .items = {}};
  // Lost is what lies behind the position and is gone; to be told, what went since it was last told
  // of anything. What does not fit into this piece may be lost before the next one is asked for,
  // though it lies before a loss that is told now.
  bool has_lost = mail.after > count_ || (forgotten_ > after && forgotten_at_ > mail.told);
  std::vector<Head> heads;
  const auto look_at = [&](Topic& topic) {
    if (topic.home == nullptr || !fits_any(filters, topic.name)) {
      return;
    }
    trim(topic);
    const TopicLog& log = topic.log;
    const auto number = static_cast<std::uint32_t>(piece.topics.size());
    const bool is_news = dropped_at(topic) > mail.told;
    if (mail.is_latest && topic.latest != nullptr) {
      has_lost |= is_news && topic.latest->lost_count() > after;
      for (const MessageRef* next = topic.latest->next_after(0); next != nullptr;
           next = topic.latest->next_after((*next)->id().offset)) {
        if ((*next)->count() > after) {
          heads.push_back({*next, nullptr, number});
        }
      }
    } else {
      const bool has_newest = mail.is_latest && !log.empty();
      has_lost |= is_news && !has_newest && log.newest_dropped() > after;
      if (!log.empty() && log.at(log.last())->count() > after) {
        const std::uint64_t first = mail.is_latest ? log.last() : first_after(log, after);
        heads.push_back({log.at(first), &log, number});
      }
    }
    if (!heads.empty() && heads.back().topic == number) {
      piece.topics.push_back(std::make_shared<const std::string>(topic.name));
    }
  };
  if (after >= feeds_since_) {
    for (std::uint32_t slot = newest_topic_; slot != kNone;) {
      Topic& topic = topic_at(slot);
      if (topic.home->routes->newest <= after) {
        break;
      }
      look_at(topic);
      slot = topic.home->routes->older;
    }
  } else if (std::any_of(filters.begin(), filters.end(), has_wildcard)) {
    topics_.for_each([&](Handle, Topic& topic) { look_at(topic); });
  } else {
    for (const ByteView filter : filters) {
      if (Topic* const topic = find_topic(filter)) {
        look_at(*topic);
      }
    }
  }
  for (auto it = dropped_.rbegin(); it != dropped_.rend() && it->first > after && !has_lost; ++it) {
    has_lost = it->second.at > mail.told && fits_any(filters, it->second.topic);
  }
  piece.has_gap = has_lost;

  std::make_heap(heads.begin(), heads.end(), std::greater<>());
  std::uint64_t upto = count_;
  for (std::size_t bytes = 0; !heads.empty();) {
    if (piece.items.size() >= kPieceMessagesMax || bytes >= kPieceBytesMax) {
      upto = piece.items.back().message->count();
      break;
    }
    std::pop_heap(heads.begin(), heads.end(), std::greater<>());
    Head& oldest = heads.back();
    piece.items.push_back({oldest.message, oldest.topic});
    const std::uint64_t offset = oldest.message->id().offset;
    bytes += oldest.message->payload().size();
    if (oldest.log != nullptr && offset < oldest.log->last()) {
      oldest.message = oldest.log->at(offset + 1);
      std::push_heap(heads.begin(), heads.end(), std::greater<>());
    } else {
      heads.pop_back();
    }
  }
  piece.upto[options_.reactor] = upto;
  tell(mail.reactor,
       FetchedMail{
           .cursor = mail.cursor, .piece = std::move(piece), .count = count_, .drops = drops_});
}

}  // namespace wspush::hub
