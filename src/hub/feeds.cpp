// Feeds of this reactor: the ring that their subscribers share, and the way back to it for those
// who were away.
#include <algorithm>
#include <cerrno>
#include <new>

#include "base/check.hpp"
#include "base/lack_of_memory.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

void raise(std::vector<std::uint64_t>& position, const std::vector<std::uint64_t>& to) {
  for (std::size_t home = 0; home < position.size(); ++home) {
    position[home] = std::max(position[home], to[home]);
  }
}

/// Forgets the pieces that were given; the last of them leads back into the ring.
void drop_given_pieces(FeedCursor& cursor) {
  while (!cursor.pieces.empty() && !cursor.pieces.front().has_gap &&
         cursor.taken == cursor.pieces.front().items.size()) {
    raise(cursor.position, cursor.pieces.front().upto);
    cursor.is_away = !cursor.pieces.front().is_of_ring;
    cursor.pieces.erase(cursor.pieces.begin());
    cursor.taken = 0;
  }
}

/// The home whose messages have waited longest first. Whoever takes less than all at a time, poll
/// after poll, would else never get to the home that answers last.
void put_oldest_first(std::vector<FetchedPiece>& pieces) {
  const auto waits_since = [](const FetchedPiece& piece) {
    return piece.items.empty() ? TimePoint::min() : piece.items.front().message->published_at();
  };
  std::stable_sort(pieces.begin(), pieces.end(), [&](const FetchedPiece& a, const FetchedPiece& b) {
    return waits_since(a) < waits_since(b);
  });
}

/// Everything behind the cursor is in the ring.
bool is_in_reach(const FeedCursor& cursor, const Feed& feed) {
  return std::equal(feed.base.begin(), feed.base.end(), cursor.position.begin(),
                    [](std::uint64_t base, std::uint64_t has) { return base <= has; });
}

/// Where somebody stands who has the feed's ring up to `cursor`.
std::vector<std::uint64_t> position_at(const Topic& topic, std::uint64_t cursor) {
  if (cursor == topic.log.last()) {
    return topic.feed->position;
  }
  std::vector<std::uint64_t> position = topic.feed->base;
  if (cursor >= topic.log.first()) {
    // Raised, as the entry may have come before another home had answered at all.
    raise(position, topic.log.at(cursor)->feed_entry()->position.counts);
  }
  return position;
}

}  // namespace

// --- the feed

Topic* Hub::open_feed(ByteView name) {
  if (shared_.topics.fetch_add(1, std::memory_order_relaxed) >= limits_.topics) {
    shared_.topics.fetch_sub(1, std::memory_order_relaxed);
    ++counters_.topic_limit_hits;
    return nullptr;
  }
  Topic* topic = nullptr;
  try {
    auto feed = std::make_unique<Feed>();
    feed->name = std::make_shared<const std::string>(name);
    feed->at_homes.resize(options_.reactors);
    feed->position.resize(options_.reactors);
    feed->base.resize(options_.reactors);
    feed->missing = options_.reactors;
    judge_feed(*feed);
    topic = &add_topic(name);
    topic->feed = std::move(feed);
  } catch (const std::bad_alloc&) {
    shared_.topics.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
  topic->rule = nullptr;
  ask_for_log(*topic);
  return topic;
}

/// Its `when_slow` is what the rules of all its topics and patterns agree on.
void Hub::judge_feed(Feed& feed) const {
  bool is_first = true;
  for (const ByteView filter : filters_of(*feed.name)) {
    const config::TopicRule* const rule = rules_->rule_of(filter);
    const auto says = rule == nullptr ? config::WhenSlow::kGap : rule->when_slow;
    feed.when_slow = is_first || says == feed.when_slow ? says : config::WhenSlow::kGap;
    is_first = false;
  }
}

void Hub::on_feed_opened(const FeedOpenedMail& mail) {
  Topic* const topic = topics_.find(mail.feed);
  if (topic == nullptr || topic->feed->at_homes[mail.home]) {
    return;  // It had asked twice, and knows.
  }
  Feed& feed = *topic->feed;
  feed.at_homes[mail.home] = mail.at_home;
  feed.position[mail.home] = feed.base[mail.home] = mail.count;
  if (--feed.missing == 0) {
    become_ready(*topic);
  }
}

void Hub::on_feed_mail(const FeedMail& mail) {
  if (mail.receipt) {
    tally_append({.replica = {}, .message = mail.message, .receipt = mail.receipt}, nullptr);
  }
  // One that memory runs out for keeps nothing from the others.
  each_despite_lack_of_memory(mail.targets->feeds, [&](const Handle handle) {
    Topic* const topic = topics_.find(handle);
    if (topic == nullptr) {
      return;  // The home will hear that it is closed.
    }
    Feed& feed = *topic->feed;
    if (topic->subscribers == 0 && feed.prepared == 0) {
      feed.position[mail.home] = mail.count;
      feed.base = feed.position;
      topic->skip_unflushed();
      topic->log.drop_before(topic->log.last() + 1);
      return;
    }
    try {
      append_entry(*topic, mail);
    } catch (const std::bad_alloc&) {
      // Nobody could see the hole: who is there comes again, and gets from the home what is missing
      // in the ring.
      feed.base[mail.home] = feed.position[mail.home] = mail.count;
      end_subscribers(*topic);
      throw;
    }
  });
}

void Hub::append_entry(Topic& topic, const FeedMail& mail) {
  Feed& feed = *topic.feed;
  FeedPosition position = position_of(feed);
  position.counts[mail.home] = mail.count;
  if (mail.receipt) {
    if (const auto tally = tallies_.find(mail.message.get()); tally != tallies_.end()) {
      tally_until_flushed(tally->second, topic);
    }
  }
  append(topic, Message::create(FeedEntry{.original = mail.message,
                                          .topic = mail.targets->topic,
                                          .feed = feed.name,
                                          .position = std::move(position),
                                          .home = mail.home,
                                          .count = mail.count,
                                          .gap_after = mail.gap_after,
                                          .gap_next = mail.gap_next}));
  feed.position[mail.home] = mail.count;
}

/// As broken connections, so that they come again.
void Hub::end_subscribers(const Topic& topic) {
  for (std::uint32_t index = 0; index < table_.index_end(); ++index) {
    const Subscription& subscription = table_[index];
    if (subscription.state != Subscription::State::kFree &&
        subscription.topic == topic.handle.slot) {
      events_.on_send_error(subscription.slot, ECONNABORTED);
    }
  }
}

/// Those who keep up need nothing of what was sent. The ring is there while somebody lags.
void Hub::trim_feed(Topic& topic) {
  std::size_t members = 0;
  for (const MemberArray& array : topic.arrays.view()) {
    members += array.members.size();
  }
  const bool is_needed = members < topic.subscribers || topic.feed->prepared > 0;
  TopicLog& log = topic.log;
  while (!log.empty() && log.first() <= topic.flushed &&
         (!is_needed || log.count() > kFeedRingMessagesMax || log.bytes() > kFeedRingBytesMax)) {
    raise(topic.feed->base, log.at(log.first())->feed_entry()->position.counts);
    log.drop_before(log.first() + 1);
  }
}

// --- cursors

Handle Hub::add_cursor(const Topic& topic, std::uint32_t slot,
                       std::vector<std::uint64_t> position) {
  std::vector<std::uint64_t> told(options_.reactors);  // First, as it may throw.
  const Handle handle = feed_cursors_.emplace();
  FeedCursor& cursor = *feed_cursors_.find(handle);
  cursor.handle = handle;
  cursor.feed = topic.handle;
  cursor.slot = slot;
  cursor.position = std::move(position);
  cursor.told = std::move(told);
  return handle;
}

void Hub::put_behind(const Topic& topic, std::uint32_t index, std::uint64_t cursor) {
  if (topic.feed == nullptr) {
    table_.put_behind(index, topic.log.epoch(), cursor);
    return;
  }
  const Handle handle = add_cursor(topic, table_[index].slot, position_at(topic, cursor));
  FeedCursor& added = *feed_cursors_.find(handle);
  added.is_subscribed = true;
  added.is_latest =
      table_[index].mode != Mode::kAll || topic.feed->when_slow == config::WhenSlow::kLatest;
  try {
    table_.put_behind(index, handle.slot, cursor);
  } catch (const std::bad_alloc&) {
    feed_cursors_.erase(handle);
    throw;
  }
}

void Hub::end_behind(std::uint32_t index) {
  if (topic_at(table_[index].topic).feed != nullptr) {
    feed_cursors_.erase(cursor_of(table_.behind(table_[index])).handle);
  }
  table_.end_behind(index);
}

/// Null where the same call has prepared one for the feed before: the first one counts, as it will
/// be the one that is subscribed to.
FeedCursor* Hub::prepare_cursor(Topic& topic, std::uint32_t slot, const After& after) {
  const FeedCursor* const other = find_prepared(topic, slot);
  if (other != nullptr && other->prepared_by == prepares_) {
    return nullptr;
  }
  forget_prepared(topic, slot);
  const bool is_known = after.kind == After::Kind::kPosition &&
                        after.position.epoch == position_epoch_ &&
                        after.position.counts.size() == options_.reactors;
  const Handle handle =
      add_cursor(topic, slot,
                 is_known ? after.position.counts : std::vector<std::uint64_t>(options_.reactors));
  try {
    prepared_[{slot, topic.handle.slot}] = handle;
  } catch (const std::bad_alloc&) {
    feed_cursors_.erase(handle);
    throw;
  }
  ++topic.feed->prepared;
  FeedCursor& cursor = *feed_cursors_.find(handle);
  cursor.is_away = true;
  cursor.has_lost = !is_known;
  cursor.prepared_by = prepares_;
  fetch(cursor, topic);
  return &cursor;
}

FeedCursor* Hub::find_prepared(const Topic& topic, std::uint32_t slot) {
  const auto found = prepared_.find({slot, topic.handle.slot});
  return found == prepared_.end() ? nullptr : feed_cursors_.find(found->second);
}

void Hub::forget_prepared(const Topic& topic, std::uint32_t slot) {
  if (const FeedCursor* const cursor = find_prepared(topic, slot)) {
    const Handle preparation = cursor->preparation;
    prepared_.erase({slot, topic.handle.slot});
    --topic.feed->prepared;
    feed_cursors_.erase(cursor->handle);
    end_wait(preparation);
  }
}

void Hub::forget_all_prepared(std::uint32_t slot) {
  for (auto next = prepared_.lower_bound({slot, 0});
       next != prepared_.end() && next->first.first == slot;
       next = prepared_.lower_bound({slot, 0})) {
    forget_prepared(topic_at(next->first.second), slot);
  }
}

Result<Subscribed, HubError> Hub::subscribe_to_feed(Topic& topic, Member who,
                                                    const SubscribeOptions& options) {
  Subscribed answer{.position = position_of(*topic.feed), .last = {}, .recovered = std::nullopt};
  FeedCursor* const cursor = find_prepared(topic, who.slot);
  if (options.after.kind == After::Kind::kNext) {
    forget_prepared(topic, who.slot);
    start_at(topic, add_subscription(topic, who, options), topic.log.last(), options);
    return answer;
  }
  if (cursor == nullptr) {
    return Unexpected(HubError::kUnavailable);  // It was prepared without an `after`.
  }
  if (cursor->fetching > 0) {
    forget_prepared(topic, who.slot);
    return Unexpected(HubError::kUnavailable);  // A home has not answered in time.
  }
  answer.recovered = options.after.kind == After::Kind::kFirst || !cursor->has_lost;
  prepared_.erase({who.slot, topic.handle.slot});
  --topic.feed->prepared;
  cursor->is_subscribed = true;
  cursor->is_latest =
      options.mode != Mode::kAll || topic.feed->when_slow == config::WhenSlow::kLatest;
  const std::uint32_t index = add_subscription(topic, who, options);
  table_.put_behind(index, cursor->handle.slot, topic.log.last());
  if (options.mode == Mode::kRated) {
    rated_[index].interval = options.interval;
  }
  if (options.mode != Mode::kAll) {
    cursor->pieces.clear();  // What was fetched is everything.
  }
  events_.on_behind(who.slot);
  return answer;
}

// --- what the homes have kept

/// Asks the homes that had something since, of which the ring has not everything.
void Hub::fetch(FeedCursor& cursor, const Topic& topic) {
  const Feed& feed = *topic.feed;
  std::vector<std::uint16_t> homes;
  for (std::uint16_t home = 0; home < options_.reactors; ++home) {
    const std::uint64_t has = cursor.position[home];
    if (!topic.is_ready || has < feed.base[home] || has > feed.position[home] ||
        (cursor.is_latest && has != feed.position[home])) {
      homes.push_back(home);
    }
  }
  cursor.fetching = static_cast<std::uint32_t>(homes.size());
  cursor.asked_at = now_;
  cursor.is_asking = true;
  for (const std::uint16_t home : homes) {
    tell(home, FetchMail{.name = feed.name,
                         .reactor = options_.reactor,
                         .cursor = cursor.handle,
                         .after = cursor.position[home],
                         .told = cursor.told[home],
                         .is_latest = cursor.is_latest});
  }
  cursor.is_asking = false;
}

void Hub::on_fetched(FetchedMail&& mail) {
  FeedCursor* const cursor = feed_cursors_.find(mail.cursor);
  if (cursor == nullptr) {
    return;
  }
  Topic& topic = *topics_.find(cursor->feed);
  FetchedPiece& piece = mail.piece;
  std::uint64_t& has = cursor->position[piece.home];
  // Mail keeps its order: what was published there until now has come.
  topic.feed->position[piece.home] = std::max(topic.feed->position[piece.home], mail.count);
  if (has > mail.count) {
    has = 0;  // Nobody was ever given such a position.
  }
  cursor->told[piece.home] = mail.drops;
  if (piece.has_gap && !cursor->is_subscribed) {
    cursor->has_lost = true;
    piece.has_gap = false;
  }
  if (piece.items.empty() && !piece.has_gap) {
    raise(cursor->position, piece.upto);
  } else {
    cursor->pieces.push_back(std::move(piece));
  }
  if (--cursor->fetching == 0) {
    put_oldest_first(cursor->pieces);
  }
  if (cursor->fetching > 0 || cursor->is_asking) {
    return;
  }
  if (cursor->is_subscribed) {
    events_.on_behind(cursor->slot);
  } else {
    end_wait(std::exchange(cursor->preparation, Handle{}));
  }
}

/// What the ring has and the subscriber has not, as a last piece. From there on it reads the ring.
void Hub::take_ring(const Topic& topic, Behind& behind, FeedCursor& cursor) {
  const TopicLog& log = topic.log;
  FetchedPiece piece{.is_of_ring = true, .upto = topic.feed->position, .topics = {}, .items = {}};
  std::vector<std::uint64_t> at = cursor.position;
  for (std::uint64_t offset = log.first(); offset <= log.last(); ++offset) {
    const FeedEntry& entry = *log.at(offset)->feed_entry();
    if (entry.count <= cursor.position[entry.home]) {
      continue;
    }
    raise(at, entry.position.counts);
    if (at == entry.position.counts) {
      piece.items.push_back({log.at(offset)});
    } else {
      // It has more of another home than the ring had at that place.
      FeedEntry own = entry;
      own.position.counts = at;
      piece.items.push_back({Message::create(std::move(own))});
    }
  }
  behind.cursor = log.last();
  cursor.pieces.push_back(std::move(piece));
}

bool Hub::tell_feed_gap(Topic& topic, const Subscription& subscription, const FeedCursor& cursor,
                        const FetchedPiece& piece) {
  ++counters_.gaps;
  if (topic.feed->when_slow == config::WhenSlow::kDisconnect) {
    events_.on_too_slow(subscription.slot);
    return false;
  }
  const FeedPosition after{.epoch = position_epoch_, .counts = cursor.position};
  FeedPosition next = after;
  next.counts[piece.home] =
      piece.items.empty() ? piece.upto[piece.home] : piece.items.front().message->count();
  return events_.on_gap(subscription.slot, subscription.form,
                        {.topic = topic.name,
                         .after = {},
                         .next = {},
                         .after_position = &after,
                         .next_position = &next});
}

Hub::Away Hub::gather_away(Topic& topic, std::uint32_t place, std::size_t bytes_max,
                           FrameBatch& batch) {
  Behind& behind = table_.behind_at(place);
  FeedCursor& cursor = cursor_of(behind);
  const bool skips = table_[behind.subscription].mode != Mode::kAll;
  for (;;) {
    drop_given_pieces(cursor);
    if (!cursor.is_away && behind.cursor + 1 >= topic.log.first() &&
        (!skips || behind.cursor == topic.log.last())) {
      return Away::kInRing;
    }
    cursor.is_away = true;
    if (cursor.fetching > 0) {
      return Away::kGiven;
    }
    if (!cursor.pieces.empty()) {
      const std::size_t before = batch.entries.size();
      const Away away = give_pieces(topic, place, bytes_max, batch);
      if (away != Away::kGiven || batch.entries.size() > before) {
        return away;
      }
      continue;  // There was only a gap to be told.
    }
    // The homes know which is the newest, the ring does not.
    if (skips ? cursor.position == topic.feed->position : is_in_reach(cursor, *topic.feed)) {
      take_ring(topic, behind, cursor);
    } else {
      fetch(cursor, topic);
    }
  }
}

Hub::Away Hub::give_pieces(Topic& topic, std::uint32_t place, std::size_t bytes_max,
                           FrameBatch& batch) {
  const Subscription& subscription = table_[table_.behind_at(place).subscription];
  FeedCursor& cursor = cursor_of(table_.behind_at(place));
  std::vector<std::uint64_t> at = cursor.position;
  std::size_t first = cursor.taken;
  bool has_given = false;
  for (FetchedPiece& piece : cursor.pieces) {
    if (piece.has_gap) {
      if (has_given) {
        return Away::kFull;  // What stands before the gap goes first.
      }
      if (!tell_feed_gap(topic, subscription, cursor, piece)) {
        return Away::kEnded;
      }
      piece.has_gap = false;
    }
    for (; first < piece.items.size(); ++first) {
      if (is_full(batch, bytes_max)) {
        return Away::kFull;
      }
      FetchedPiece::Item& item = piece.items[first];
      if (item.message->feed_entry() == nullptr) {
        at[piece.home] = item.message->count();
        item.message =
            Message::create(FeedEntry{.original = item.message,
                                      .topic = piece.topics[item.topic],
                                      .feed = topic.feed->name,
                                      .position = {.epoch = position_epoch_, .counts = at},
                                      .home = piece.home,
                                      .count = item.message->count()});
      }
      add_frame(batch, topic, item.message, place, subscription.form, 0);
      has_given = true;
    }
    raise(at, piece.upto);
    first = 0;
  }
  return Away::kGiven;
}

/// The batch's next frame went out, `taken` bytes of it.
void Hub::move_cursor(std::uint32_t slot, const FrameBatch::Entry& entry, std::size_t taken) {
  Behind& behind = table_.behind_at(entry.place);
  const Topic& topic = topic_at(table_[behind.subscription].topic);
  const bool is_cut = taken < entry.frame.bytes();
  if (table_[behind.subscription].mode == Mode::kRated) {
    rated_has_got(behind.subscription);
  }
  if (topic.feed == nullptr) {
    behind.cursor = entry.cursor;
    if (is_cut) {
      events_.on_cut(slot, topic.at(behind.cursor), entry.form, taken);
    }
    return;
  }
  FeedCursor& cursor = cursor_of(behind);
  cursor.position = entry.frame.message().feed_entry()->position.counts;
  if (!cursor.is_away) {
    behind.cursor = entry.cursor;
    if (is_cut) {
      events_.on_cut(slot, topic.log.at(behind.cursor), entry.form, taken);
    }
    return;
  }
  if (is_cut) {
    events_.on_cut(slot, cursor.pieces.front().items[cursor.taken].message, entry.form, taken);
  }
  ++cursor.taken;
  drop_given_pieces(cursor);
  if (table_[behind.subscription].mode == Mode::kRated) {
    // By the time that the next one is due there are newer ones.
    std::erase_if(cursor.pieces, [](const FetchedPiece& piece) { return !piece.has_gap; });
    cursor.taken = 0;
  }
}

}  // namespace wspush::hub
