#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/base/random.hpp"
#include "wspush/base/result.hpp"
#include "wspush/engine/engine.hpp"
#include "wspush/hub/rule_source.hpp"
#include "wspush/hub/subscriber.hpp"

#include "base/name_table.hpp"
#include "base/siphash.hpp"
#include "base/slot_map.hpp"
#include "hub/hub_mail.hpp"
#include "hub/idempotency_window.hpp"
#include "hub/pattern_tree.hpp"
#include "hub/subscription_table.hpp"
#include "hub/topic.hpp"

namespace wspush::hub {

/// Makes one wire form of a message of `topic`: frame header included. Called at most once for each
/// message and form (twice if two reactors meet).
using Encode = std::function<std::unique_ptr<WireBytes>(ByteView topic, const Message& message)>;

/// Bounds from the configuration, as they are now.
struct HubLimits {
  std::uint64_t topics = 1'000'000;          ///< at home in all reactors together
  std::uint64_t history_bytes = UINT64_MAX;  ///< of the logs at home in all reactors together
};

/// What all hubs of a process share. Each on a cache line of its own: the key is read for every
/// publish, and must not be fetched anew whenever some reactor opens a topic.
struct HubShared {
  SipKey topic_key;                                  ///< spreads topics over reactors
  alignas(64) std::atomic<std::uint64_t> topics{0};  ///< at home anywhere
  /// Of the logs at home anywhere, nearly: each hub adds what it knows now and then.
  alignas(64) std::atomic<std::uint64_t> history_bytes{0};
  /// Reactors that have heard of new rules and are not through with their topics.
  std::atomic<std::uint32_t> reloading{0};
};

struct HubOptions {
  std::uint16_t reactor = 0;
  std::uint16_t reactors = 1;
  std::array<Encode, kWireFormCount> encode{};
  std::uint64_t seed = 0;
};

/// Counted since the start; the reactor publishes them.
struct HubCounters {
  std::uint64_t published = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t delivered_bytes = 0;
  std::uint64_t gaps = 0;
  std::uint64_t topic_limit_hits = 0;
  std::uint64_t subscription_limit_hits = 0;
  std::uint64_t history_limit_hits = 0;
  std::uint64_t presence_limit_hits = 0;  ///< watchers that fell behind
};

/// The frames that a connection is to get next, from the cursors of its subscriptions that are
/// behind. Lifetime: until the next call into the hub.
struct FrameBatch {
  struct Entry {
    Frame frame;
    std::uint32_t place;  ///< of the Behind record that it belongs to
    WireForm form;
    std::uint64_t cursor;  ///< of that record, when the frame is out
  };
  std::vector<Entry> entries;
  std::size_t bytes = 0;

  void clear() {
    entries.clear();
    bytes = 0;
  }
};

/// One reactor's shard of the topics: logs, cursors, members, fan-out. It knows descriptors only as
/// numbers and never asks the clock. Thread: the reactor's own.
class Hub final : public engine::EngineEvents {
 public:
  /// Messages and bytes that may wait for a flush in one turn; past either the topic is flushed
  /// before it grows. Also the most that one send carries.
  static constexpr std::uint64_t kUnflushedMessagesMax = 512;
  static constexpr std::size_t kBatchBytesMax = 256 * 1024;
  /// How long a topic that nobody needs stays after its last subscriber, or after it was prepared.
  static constexpr Duration kLinger = std::chrono::seconds(5);

  Hub(const HubOptions& options, HubShared& shared, engine::Engine& engine, Post& post,
      MemberSender& sender, SubscriberEvents& events);
  ~Hub() override;

  /// At the start of a turn.
  void set_now(TimePoint now) { now_ = now; }
  void set_limits(const HubLimits& limits) { limits_ = limits; }
  /// What is published or subscribed to from now on is judged by `rules`. Every topic looks its
  /// rule up again, and subscriptions that `may_subscribe` no longer lets in end, some at once and
  /// the others in the turns that come (`judge_some`); until then the rules before have to live as
  /// well.
  void set_rules(const RuleSource& rules);
  /// Once in each turn. True: there is more to do.
  bool judge_some();
  bool is_reloading() const { return reload_.is_under_way; }

  // --- subscriptions of this reactor's connections

  /// Brings the logs of `wanted` here; of a feed what follows `after`, for the connection that `to`
  /// names. True: they are here. False: `to` gets a PreparedReply later.
  /// With `fence`, commands that were sent to the homes before take effect first.
  bool prepare(std::span<const Wanted> wanted, bool fence, const ReplyTo& to);
  /// The same for topics that are subscribed to by their ids.
  bool prepare(std::span<const std::string> topics, bool fence, const ReplyTo& to);
  /// The topic or feed must have been prepared, a feed with the same `options.after`.
  Result<Subscribed, HubError> subscribe(Member who, ByteView topic,
                                         const SubscribeOptions& options);
  Result<void, HubError> unsubscribe(std::uint32_t slot, ByteView topic);
  void remove_subscriber(std::uint32_t slot);
  /// Gives its subscriptions cursors of their own where a flush has not come to it yet, so that
  /// `gather` has all that was published so far: before it leaves.
  void overtake_flush(std::uint32_t slot);
  bool is_subscribed(std::uint32_t slot, ByteView topic) const;
  /// The connection is `user`'s from now on, or has a newer token of the same user: members where
  /// it is subscribed with a role and presence is kept.
  void set_user(std::uint32_t slot, const PresentUser& user);
  std::uint32_t subscriptions_of(std::uint32_t slot) const { return table_.count_of(slot); }
  /// When the fan-out last sent something to this connection; the epoch of time if never.
  TimePoint last_delivery(std::uint32_t slot) const;
  /// Calls `visit(ByteView topic)` for each of its subscriptions; of a feed, for each of its topics
  /// and patterns.
  template <typename Visit>
  void for_each_topic_of(std::uint32_t slot, Visit&& visit) {
    for (auto index = table_.first_of(slot); index != kNone; index = table_[index].next) {
      if (table_[index].is_of_stream) {
        continue;
      }
      for (const ByteView filter : filters_of(topic_at(table_[index].topic).name)) {
        visit(filter);
      }
    }
  }

  /// The topic, or feed, that a connection subscribed to last; empty where it has no subscription.
  /// Lifetime: as long as it has that one.
  ByteView topic_of(std::uint32_t slot) const {
    const std::uint32_t index = table_.first_of(slot);
    return index == kNone ? ByteView() : ByteView(topic_at(table_[index].topic).name);
  }

  // --- from anywhere; the answer is a Reply to `to`, perhaps inside the call

  /// Answers PublishedReply: when the message has its place, or (`to.wants_receipt`) when every
  /// reactor has fanned it out.
  void publish(ByteView topic, MessageRef draft, ByteView idempotency_key, const ReplyTo& to);
  /// Of an earlier life of the server, oldest first; before all else. Those of other homes too.
  void remember_publish(const engine::KnownPublish& publish, TimePoint when);
  /// Answers HistoryReply: at most `limit` messages and about kHistoryBytesMax.
  void history(ByteView topic, const After& after, std::uint32_t limit, const ReplyTo& to);
  void view(ByteView topic, const ReplyTo& to);
  /// Answers MembersReply: at most `limit` members and about kMembersBytesMax, from the place
  /// `from` of an earlier answer on (0: the first).
  void members(ByteView topic, std::uint32_t from, std::uint32_t limit, const ReplyTo& to);
  void clear(ByteView topic, const ReplyTo& to);
  /// Answers RevocationKeptReply once the engine keeps it as safe as it keeps messages.
  void keep_revocation(const engine::Revocation& revocation, const ReplyTo& to);

  /// Calls `visit(name, subscribers)` for the topics at home here, of those in the slots [first,
  /// last): some in each turn, up to `topic_slots()` at the first.
  template <typename Visit>
  void for_each_home_topic_in(std::uint32_t first, std::uint32_t last, Visit&& visit) {
    topics_.for_each_in(first, last, [&](Handle, Topic& topic) {
      if (topic.home != nullptr) {
        visit(ByteView(topic.name), subscribers_of(topic));
      }
    });
  }

  std::uint32_t topic_slots() const { return topics_.slot_count(); }

  // --- the turn

  void on_mail(HubMail&& mail);
  /// Sends what was published to the members of dirty topics, at most about `sends_max` sends;
  /// one through a stream counts more, by its bytes.
  /// True: there is more to do at once.
  bool flush(std::size_t sends_max);
  /// When a topic that collects (`batch`), a `max_rate` or a number of members is due;
  /// TimePoint::max() if none.
  TimePoint next_flush() const;
  /// Counts what the turn has written for publishers that wait for a receipt, and answers those
  /// whose fan-out is over. After the turn's last write, before the mail of it is handed over.
  void settle_receipts();
  /// Tells homes what changed about their replicas. Before the mail of a turn is handed over.
  void post_counts();
  bool has_counts_to_post() const { return !count_dirty_.empty(); }
  /// Looks at some topics: drops what is too old, frees what nobody uses; ends subscribers that the
  /// log has passed where the rule says so. Every 100 ms or so; all topics are seen within ten
  /// seconds.
  void sweep();

  // --- for a connection that is behind

  /// Adds frames up to about `bytes_max`, after telling gaps. Several calls may be needed.
  void gather(std::uint32_t slot, std::size_t bytes_max, FrameBatch& batch);
  /// The first `taken` bytes of the batch were written: cursors move; a frame that was cut is
  /// reported by `on_cut`. True: the connection is still behind.
  bool advance(std::uint32_t slot, const FrameBatch& batch, std::size_t taken);
  /// The rest of a frame that was cut is out.
  void on_cut_written(std::uint32_t slot, const Message& message) {
    if (!tallies_.empty()) {
      tally_one(slot, message);
    }
  }

  const HubCounters& counters() const { return counters_; }
  std::uint64_t subscription_count() const { return table_.size(); }
  std::uint64_t behind_count() const { return table_.behind_count() - rated_.size(); }
  std::uint64_t home_topic_count() const { return home_topics_; }
  std::uint64_t home_member_count() const { return home_members_; }  ///< of the topics at home

  // --- EngineEvents
  void on_opened(std::uint64_t topic, std::vector<MessageRef> kept) override;
  void on_ordered(std::uint64_t topic, MessageRef message, engine::Ticket ticket) override;
  void on_publish_refused(engine::Ticket ticket, engine::EngineError error) override;
  void on_cleared(std::uint64_t topic, engine::Ticket ticket) override;
  void on_revocation_kept(engine::Ticket ticket) override;
  void on_found(ByteView name) override { view(name, {}); }

 private:
  struct Preparation {
    ReplyTo to;
    TimePoint since{};
    std::uint32_t missing = 0;
  };
  /// Of a publish with an idempotency key.
  struct KeyedPublish {
    std::string key;
    std::string under_way;          ///< its name in `keys_under_way_`, if it has one
    std::vector<ReplyTo> repeated;  ///< who came with the same key meanwhile
  };
  /// Made for each message: what few have stands aside.
  struct PendingPublish {
    ReplyTo to;
    std::unique_ptr<KeyedPublish> keyed;
  };
  /// A publisher that waits for a receipt, at the home of its topic.
  struct Receipt {
    ReplyTo to;
    PublishedReply answer;
    std::uint32_t missing = 0;  ///< fan-outs that are not over
  };
  /// A message of which this reactor counts the deliveries.
  struct Tally {
    struct FanOut {
      Handle topic;
      std::uint32_t epoch;
      std::uint64_t offset;
    };
    MessageRef message;
    ReceiptId receipt;
    std::uint32_t fan_outs = 0;  ///< that the home counts
    std::uint64_t written = 0;
    std::vector<FanOut> running;           ///< topic and feeds that have yet to flush it
    std::vector<std::uint32_t> unsettled;  ///< connections that took it and may not have sent it
  };
  /// A subscription with `max_rate`. It has a cursor all the time, and one message when it is due.
  struct Rated {
    Duration interval{};
    TimePoint due{};
    bool is_waiting = false;  ///< for `due`; else for a message
  };
  struct RatedDue {
    TimePoint due;
    std::uint32_t subscription;
    friend bool operator>(const RatedDue& a, const RatedDue& b) { return a.due > b.due; }
  };
  /// Whose connection it is, while it makes members.
  struct Present {
    PresentUser user;
    std::uint32_t count = 0;  ///< topics
  };
  /// New rules that not everything has been judged by.
  struct Reload {
    std::vector<bool> is_withdrawn;  ///< by topic (slot), as far as there were topics
    std::uint32_t next_topic = 0;
    std::uint32_t next_subscription = 0;
    bool is_under_way = false;
  };
  struct Delayed {
    TimePoint due;
    Handle topic;
    friend bool operator>(const Delayed& a, const Delayed& b) { return a.due > b.due; }
  };

  // hub.cpp: the table of topics
  std::uint16_t home_of(ByteView topic) const;
  bool is_home_here(ByteView topic) const { return home_of(topic) == options_.reactor; }
  Topic* find_topic(ByteView name);
  const Topic* find_topic(ByteView name) const;
  Topic& topic_at(std::uint32_t slot) { return *topics_.in_slot(slot); }
  const Topic& topic_at(std::uint32_t slot) const { return *topics_.in_slot(slot); }
  Topic& add_topic(ByteView name);
  void free_topic(Topic& topic);
  LogBounds bounds_of(const Topic& topic) const;
  void sweep_topic(Topic& topic);
  void end_those_too_slow();
  void end_long_waits();
  void trim(Topic& topic);
  void index_latest(Topic& topic, const MessageRef& next);
  std::unique_ptr<LatestIndex> latest_index_of(const Topic& topic,
                                               const std::vector<MessageRef>& aside) const;
  static constexpr int kVictimsPerPublish = 16;
  static constexpr int kVictimsPerSweep = 1024;
  void tell_history_bytes();
  bool keeps_too_much() const;
  void enforce_history_bytes(int rounds_max);
  void reply(const ReplyTo& to, Reply&& reply);
  template <typename Step>
  void or_unavailable(const ReplyTo& to, Step&& step);

  /// Mail, or a call where the other reactor is this one.
  void tell(std::uint16_t reactor, HubMail mail);

  // reload.cpp
  void wait_for_watchers();
  void end_reload();
  void use_new_rule(Topic& topic);
  std::uint32_t judge_topic(Topic& topic);
  void judge_subscription(std::uint32_t index);

  // subscribing.cpp
  void prepare(std::span<const Wanted> wanted, bool fence, const ReplyTo& to, Handle& waiting);
  void become_ready(Topic& topic);
  void end_wait(Handle preparation);
  std::uint32_t add_subscription(Topic& topic, Member who, const SubscribeOptions& options);
  void start_at(Topic& topic, std::uint32_t index, std::uint64_t cursor,
                const SubscribeOptions& options);
  void overtake_flush_of(std::uint32_t index);
  void end_subscription(std::uint32_t index);
  void count_changed(Topic& topic);

  // opening.cpp
  void ask_for_log(Topic& topic);
  void ask_again(Topic& topic);
  Topic* open_home_topic(ByteView name);
  void take_kept(Topic& topic, std::span<const MessageRef> kept);
  void defer(const Topic& topic, HubMail mail, const ReplyTo& to);
  void refuse_deferred(const Topic& topic);
  void open_replica(const OpenReplicaMail& mail);
  void send_snapshot(const Topic& topic, const Replica& replica);
  void on_snapshot(SnapshotMail&& mail);
  void tell_hole(Topic& topic);

  // home.cpp
  std::uint64_t subscribers_of(const Topic& topic);
  void publish_at_home(ByteView topic, MessageRef draft, ByteView idempotency_key,
                       const ReplyTo& to);
  bool is_repeat(const Topic& topic, ByteView idempotency_key, const ReplyTo& to);
  void history_at_home(ByteView topic, const After& after, std::uint32_t limit, const ReplyTo& to);
  void view_at_home(ByteView topic, const ReplyTo& to);
  void clear_at_home(ByteView topic, const ReplyTo& to);
  void end_publish(Handle handle, Reply answer, bool is_owed_receipt = false);
  void end_keyed_publish(const PendingPublish& pending, const Reply& answer, bool is_owed_receipt);
  void reset_log(Topic& topic, std::uint32_t epoch, std::uint64_t last);

  // fan_out.cpp
  void append(Topic& topic, MessageRef message);
  void append_to_log(Topic& topic, MessageRef message);
  void mark_dirty(Topic& topic);
  bool flush_topic(Topic& topic, std::size_t& sends_left);
  bool walk(Topic& topic, MemberArray& array, std::size_t& sends_left);
  void build_parts(const Topic& topic, WireForm form);
  void handle_short_sends(Topic& topic, MemberArray& array, std::uint32_t begin);
  void begin_walk(Topic& topic);
  void finish_flush(Topic& topic);
  void let_join(Topic& topic);
  Frame frame_of(const Topic& topic, const Message& message, WireForm form) const;
  void enter_array(Topic& topic, std::uint32_t index, std::int32_t fd);
  void leave_array(Topic& topic, std::uint32_t index);
  void remove_from_array(MemberArray& array, std::uint32_t topic_slot, std::uint32_t place);
  /// Where the subscription stands, or would stand.
  MemberArray& array_of(Topic& topic, const Subscription& subscription);
  /// The subscription's cursor stands at the end of the log.
  void catch_up(std::uint32_t index);
  bool reads_latest(const Topic& topic, const Subscription& subscription,
                    const Behind& behind) const;
  bool close_hole(Topic& topic, const Subscription& subscription, Behind& behind);
  // latest.cpp: the newest of each key, and no more often than somebody wants it
  bool gather_latest(const Topic& topic, std::uint32_t place, std::size_t bytes_max,
                     FrameBatch& batch);
  bool gather_rated(Topic& topic, std::uint32_t place, FrameBatch& batch);
  void rated_has_got(std::uint32_t index);
  void idle_or_wait(std::uint32_t index);
  void wait_until_due(std::uint32_t index, Rated& rated);
  bool is_idle(std::uint32_t index, const Topic& topic) const;
  void wake_rated(Topic& topic);
  void run_rated();

  void put_behind(const Topic& topic, std::uint32_t index, std::uint64_t cursor);
  void end_behind(std::uint32_t index);
  void move_cursor(std::uint32_t slot, const FrameBatch::Entry& entry, std::size_t taken);
  bool has_everything(std::uint32_t index);
  static bool is_full(const FrameBatch& batch, std::size_t bytes_max);
  void add_frame(FrameBatch& batch, const Topic& topic, const MessageRef& message,
                 std::uint32_t place, WireForm form, std::uint64_t cursor) const;

  // receipts.cpp: how many a message was written to
  ReceiptId open_receipt(engine::Ticket ticket, const MessageRef& message, const Topic& topic);
  void expect_fan_outs(const ReceiptId& receipt, std::int32_t count);
  void tally_append(const AppendMail& mail, const Topic* topic);
  Tally& tally_of(const MessageRef& message, const ReceiptId& receipt);
  static void tally_until_flushed(Tally& tally, const Topic& topic);
  void tally_walk(const Topic& topic, const MemberArray& array, std::uint32_t begin,
                  std::size_t count);
  void tally_frames(std::uint32_t slot, const FrameBatch& batch, std::size_t taken);
  void tally_one(std::uint32_t slot, const Message& message);
  void on_receipt(const ReceiptMail& mail);

  // feeds.cpp: those of this reactor
  enum class Away : std::uint8_t { kInRing, kGiven, kFull, kEnded };
  Topic* open_feed(ByteView name);
  void on_feed_opened(const FeedOpenedMail& mail);
  void on_feed_mail(const FeedMail& mail);
  void trim_feed(Topic& topic);
  void judge_feed(Feed& feed) const;
  void append_entry(Topic& topic, const FeedMail& mail);
  void end_subscribers(const Topic& topic);
  FeedPosition position_of(const Feed& feed) const {
    return {.epoch = position_epoch_, .counts = feed.position};
  }
  FeedCursor& cursor_of(const Behind& behind) { return *feed_cursors_.in_slot(behind.epoch); }
  Handle add_cursor(const Topic& topic, std::uint32_t slot, std::vector<std::uint64_t> position);
  FeedCursor* prepare_cursor(Topic& topic, std::uint32_t slot, const After& after);
  FeedCursor* find_prepared(const Topic& topic, std::uint32_t slot);
  void forget_prepared(const Topic& topic, std::uint32_t slot);
  void forget_all_prepared(std::uint32_t slot);
  Result<Subscribed, HubError> subscribe_to_feed(Topic& topic, Member who,
                                                 const SubscribeOptions& options);
  void fetch(FeedCursor& cursor, const Topic& topic);
  void on_fetched(FetchedMail&& mail);
  void take_ring(const Topic& topic, Behind& behind, FeedCursor& cursor);
  Away gather_away(Topic& topic, std::uint32_t place, std::size_t bytes_max, FrameBatch& batch);
  Away give_pieces(Topic& topic, std::uint32_t place, std::size_t bytes_max, FrameBatch& batch);
  bool tell_feed_gap(Topic& topic, const Subscription& subscription, const FeedCursor& cursor,
                     const FetchedPiece& piece);

  // feeds_at_home.cpp: what reactors with feeds get from here
  void open_feed_at_home(const OpenFeedMail& mail);
  Handle find_home_feed(const OpenFeedMail& mail);
  Handle register_feed(const OpenFeedMail& mail);
  void close_feed_at_home(const CloseFeedMail& mail);
  void forward_to_feeds(Topic& topic, FeedMail mail);
  void make_routes(const Topic& topic, FeedRoutes& routes);
  void make_newest(Topic& topic);
  void unlink_from_newest(const Topic& topic);
  void note_drop(Topic& topic);
  static std::uint64_t dropped_at(const Topic& topic);
  void remember_dropped(const Topic& topic);
  std::uint64_t feed_subscribers_of(const Topic& topic);
  void fetch_at_home(const FetchMail& mail);

  // watching.cpp: presence in the reactor of the subscribers
  Handle home_handle_of(const Topic& topic) const;
  void judge_presence(std::uint32_t index, const PresentUser& user);
  void judge_presence_again(std::uint32_t index);
  void become_present(std::uint32_t index, const PresentUser& user);
  void end_present(std::uint32_t index);
  Topic* stream_of(const Topic& topic);
  Mode watch_mode_of(std::uint32_t index);
  void watch(std::uint32_t index, Mode mode);
  void end_watch(std::uint32_t index);
  void end_stream(Topic& stream);
  void on_presence_mail(PresenceMail&& mail);
  void settle_stream(Topic& stream);
  void trim_stream(Topic& stream);

  // presence_at_home.cpp
  HomePresence& presence_of(Topic& topic);
  void judge_home_presence(Topic& topic);
  void on_present_mail(const PresentMail& mail);
  void on_watch_mail(const WatchMail& mail);
  void on_presence_told(const PresenceToldMail& mail);
  void presence_changed(Topic& topic);
  void list_presence(Topic& topic);
  void tell_presence();
  void tell_count(Topic& topic);
  void tell_changes(Topic& topic, std::size_t& events_left);
  void take_changes(Topic& topic, std::vector<MessageRef>& events, std::size_t& events_left);
  void members_at_home(ByteView name, std::uint32_t from, std::uint32_t limit, const ReplyTo& to);

  const HubOptions options_;
  HubShared& shared_;
  engine::Engine& engine_;
  Post& post_;
  MemberSender& sender_;
  SubscriberEvents& events_;
  const RuleSource* rules_ = nullptr;
  Reload reload_;
  HubLimits limits_;
  HubCounters counters_;
  TimePoint now_{};
  SplitMix64 random_;
  const SipKey latest_key_;
  SlotMap<Topic> topics_;
  struct NameOf {
    const Hub* hub;
    ByteView operator()(std::uint32_t slot) const { return hub->topic_at(slot).name; }
  };
  NameTable<NameOf> names_;
  Handle last_home_{};  ///< the topic at home here that was last asked for; it may be gone
  SubscriptionTable table_;
  std::vector<std::int32_t> fd_by_slot_;
  SlotMap<Preparation> preparations_;
  SlotMap<PendingPublish> publishes_;
  IdempotencyWindow idempotency_;
  /// Publishes with a key that the engine has not answered: by topic, a zero byte and the key.
  std::unordered_map<std::string, Handle> keys_under_way_;
  /// By topic, while the engine opens it: what wants its log.
  std::unordered_map<std::uint64_t, std::vector<HubMail>> deferred_;
  std::uint64_t receipts_wanted_ = 0;  ///< among `publishes_`
  SlotMap<Receipt> receipts_;
  std::unordered_map<const Message*, Tally> tallies_;  ///< by the message that was published
  std::uint64_t home_topics_ = 0;
  std::uint64_t history_bytes_ = 0;       ///< of the logs at home here
  std::uint64_t history_bytes_told_ = 0;  ///< of them, in HubShared::history_bytes
  std::uint32_t sweep_at_ = 0;
  std::uint32_t slow_at_ = 0;   ///< the next place that `end_those_too_slow` looks at
  std::uint32_t waits_at_ = 0;  ///< and `end_long_waits`, of the preparations and the cursors
  std::uint32_t fetches_at_ = 0;
  std::vector<Handle> dirty_;
  std::vector<Handle> trim_next_;  ///< with the next flush
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> delayed_;
  std::vector<Handle> count_dirty_;
  std::unordered_map<std::uint32_t, Rated> rated_;  ///< by subscription
  std::priority_queue<RatedDue, std::vector<RatedDue>, std::greater<>> rated_due_;

  // Presence.
  std::unordered_map<std::uint32_t, Present> present_;  ///< by connection
  std::vector<Handle> presence_listed_;                 ///< topics that may have something to tell
  TimePoint tell_from_{};                               ///< not before: all reactors are to watch
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> counts_due_;
  std::uint64_t home_members_ = 0;

  // Feeds of this reactor.
  SlotMap<FeedCursor> feed_cursors_;
  /// Cursors whose subscriptions are yet to come, by connection and feed (their slots).
  std::map<std::pair<std::uint32_t, std::uint32_t>, Handle> prepared_;
  const std::uint32_t position_epoch_;
  std::uint64_t prepares_ = 0;  ///< calls of `prepare`
  // Feeds of all reactors, for the topics at home here.
  SlotMap<HomeFeed> home_feeds_;
  PatternTree patterns_;
  std::uint64_t patterns_version_ = 1;
  std::vector<std::uint32_t> matches_;  ///< scratch
  std::uint64_t count_ = 0;             ///< messages published to topics at home here
  bool has_feeds_ = false;              ///< there has been one; from then on topics are tracked
  std::uint64_t feeds_since_ = 0;       ///< `count_` at that time
  std::uint32_t newest_topic_ = kNone;  ///< the list of topics by their newest message
  /// Counts the times at which topics dropped messages. A count says of a loss where it lies, not
  /// whether it is known: of two losses the newer one may lie before the older one. 1: before there
  /// were feeds.
  std::uint64_t drops_ = 1;
  /// Topics that were freed, by the count of the newest message that they had dropped, and what is
  /// forgotten of that.
  struct Dropped {
    std::string topic;
    std::uint64_t at = 0;  ///< as FeedRoutes::dropped_at
  };
  std::map<std::uint64_t, Dropped> dropped_;
  std::uint64_t forgotten_ = 0;
  std::uint64_t forgotten_at_ = 0;
  /// Scratch of a walk: the parts of the batch, their bytes when they are copied together, and the
  /// end of each frame in it.
  std::vector<iovec> parts_;
  std::string together_;
  std::vector<std::size_t> frame_ends_;
  std::size_t parts_bytes_ = 0;
  std::vector<ShortSend> short_sends_;
  bool has_short_sends_ = false;  ///< in the flush of the topic at hand
};

inline constexpr std::uint32_t kHistoryMessagesMax = 300;
inline constexpr std::size_t kHistoryBytesMax = 1 << 20;

/// Those who wait for one topic, or for one answer. Each is a request of a connection, or the one
/// opening of a topic that was found.
inline constexpr std::size_t kDeferredMax = 1024;

}  // namespace wspush::hub
