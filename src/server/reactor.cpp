#include "server/reactor.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <sys/epoll.h>

#include "base/logging.hpp"
#include "door/wire_forms.hpp"
#include "net/member_sender.hpp"
#include "server/door_label.hpp"
#include "server/internal_router.hpp"
#include "websocket/opening_handshake.hpp"

namespace wspush::server {
namespace {

constexpr std::size_t kReceiveBytes = 256 * 1024;
constexpr std::size_t kTimersPerTurn = 4096;
constexpr std::size_t kMailPerTurn = 16 * 1024;
/// Sends of one turn's fan-out: about 15 ms, then whoever else has something to do comes first.
constexpr std::size_t kSendsPerTurn = 4096;
/// From logs through streams in one turn, which encrypt or compress each byte for each connection:
/// 35 ms at worst. Many who catch up at once would be a stall of seconds.
constexpr std::size_t kStreamedBytesPerTurn = std::size_t{2} << 20;
constexpr auto kSweepInterval = std::chrono::milliseconds(100);
/// Steps of TLS handshakes in one turn: 10 ms or so, then whoever is connected comes first.
constexpr std::size_t kTlsHandshakeSteps = 24;
/// Mail that waits at another reactor; past it we read no more sockets that could add to it.
constexpr std::size_t kMailPendingMax = 64 * 1024;
/// After a longer gap between two turns the process was stopped, not busy: nobody is punished.
constexpr auto kPause = std::chrono::seconds(5);
constexpr auto kStall = std::chrono::seconds(1);
constexpr Duration kLastRequestTime = std::chrono::seconds(1);  // at the begin of a drain

/// Of reloads whose topics have not all been looked at; the next one waits for them.
constexpr std::size_t kOldRulesMax = 8;

// Handles of what is no connection: generation 0, which no connection has.
constexpr std::uint64_t kMailboxEvent = 0;  // kFirstListenerEvent and on: listeners.

net::EpollLoop open_loop() {
  auto loop = net::EpollLoop::open();
  if (!loop) {
    log::error("reactor: {}", loop.error().text());
    std::abort();  // Without a loop there is no reactor; only at start.
  }
  return std::move(*loop);
}

hub::HubLimits hub_limits(const config::Config& config, const Shared& shared) {
  const std::uint64_t usable =
      std::min(shared.memory_max.resident_bytes, shared.memory_max.address_space_bytes);
  const std::uint64_t history =
      config.limits.history_bytes > 0 ? config.limits.history_bytes : usable / 2;
  return {.topics = config.limits.topics, .history_bytes = history};
}

}  // namespace

Reactor::Reactor(Options options, Shared& shared, Peers& peers, api::ServerView& server)
    : shared_(shared),
      peers_(peers),
      index_(options.index),
      loop_(open_loop()),
      timers_(clock_.monotonic()),
      outgoing_(options.count),
      receive_memory_(kReceiveBytes),
      receive_buffer_(receive_memory_),
      random_(options.seed),
      engine_(make_engine(options.disk, options.index, random_.next(), metrics_)),
      deflation_(options.config->compression, metrics_),
      hub_({.reactor = options.index,
            .reactors = options.count,
            .encode = door::wire_forms(deflation_),
            .seed = random_.next()},
           shared.hub, *engine_, *this, *this, *this),
      context_{.hub = hub_,
               .metrics = metrics_,
               .random = random_,
               .deflation = deflation_,
               .config = options.config,
               .rules = options.rules,
               .now = clock_.monotonic(),
               .wall = clock_.wall(),
               .reactor = options.index,
               .instance = shared.instance,
               .authenticator = auth::Authenticator(SipKey::from(random_), options.tokens)},
      api_context_{.hub = hub_,
                   .server = server,
                   .metrics = metrics_,
                   .config = options.config,
                   .rules = options.rules,
                   .now = context_.now,
                   .wall = context_.wall,
                   .reactor = options.index},
      public_router_(context_),
      internal_router_(make_internal_router(api_context_)) {
  turn_ended_ = context_.now;
  hub_.set_now(context_.now);
  hub_.set_limits(hub_limits(*options.config, shared_));
  hub_.set_rules(*options.rules);
  const std::string refusal = refusal_text(503, "no descriptors are left", 1 + random_.below(5));
  const auto add = [&](UniqueFd fd, bool is_public, bool has_proxy_header) {
    const bool is_unix = net::bound_address(fd.get()).is_unix();
    const auto& tls = options.tls[listening_.size()];
    listening_.push_back({net::Acceptor(std::move(fd), tls == nullptr ? refusal : std::string()),
                          is_public, is_unix, has_proxy_header, tls});
  };
  for (std::size_t i = 0; i < options.public_listeners.size(); ++i) {
    add(std::move(options.public_listeners[i]), true, options.config->listen[i].proxy_protocol);
  }
  add(std::move(options.internal_listener), false, false);
}

Reactor::~Reactor() = default;

void Reactor::run() {
  // Edge-triggered: a wake-up needs no read() then.
  if (const auto added = loop_.add(mailbox_.wake_fd(), EPOLLIN | EPOLLET, kMailboxEvent); !added) {
    log::error("reactor {}: {}", index_, added.error().text());
    std::abort();
  }
  for (std::size_t i = 0; i < listening_.size(); ++i) {
    watch_listener(i, true);
  }
  // What it keeps for each thread is made now, while there is memory.
  websocket::accept_key({});
  while (!is_stopping_) {
    try {
      turn();
    } catch (const std::bad_alloc&) {
      tell_out_of_memory();  // What was not done in this turn is done in the next.
    }
  }
  connections_.clear();
}

/// Once in a while, and only if there is memory for it.
void Reactor::tell_out_of_memory() noexcept {
  const auto times = memory_log_.hit(context_.now);
  if (times == 0) {
    return;
  }
  try {
    log::error("reactor {}: out of memory {} times; what was at hand has failed", index_, times);
  } catch (const std::bad_alloc&) {
    // The counter of the next line has it.
  }
}

// --- the turn

int Reactor::wait_timeout() {
  const TimePoint now = context_.now;
  if (has_more_work_ || timers_.has_due() || !input_.empty() || !flush_.empty() || !dead_.empty() ||
      !visits_.empty() || hub_.is_reloading()) {
    return 0;
  }
  TimePoint next = std::min(next_sweep_, hub_.next_flush());
  if (!draining_.empty()) {
    next = std::min(next, drain_next_);
  }
  for (const Listening& listening : listening_) {
    if (listening.acceptor.is_paused()) {
      next = std::min(next, listening.acceptor.resume_at());
    }
  }
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
  const int longest = static_cast<int>(std::clamp<std::int64_t>(wait, 0, 1000));
  return timers_.poll_timeout_ms(now, longest);
}

void Reactor::turn() {
  const int timeout = wait_timeout();
  const bool may_sleep = mailbox_.prepare_sleep();
  const std::span<const net::Event> events = loop_.wait(may_sleep ? timeout : 0);
  mailbox_.awake();

  const TimePoint now = clock_.monotonic();
  notice_pause(turn_ended_ + std::chrono::milliseconds(timeout), now);
  context_.now = api_context_.now = now;
  context_.wall = api_context_.wall = clock_.wall();
  context_.is_draining = shared_.is_draining.load(std::memory_order_relaxed);
  last_turn_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  hub_.set_now(now);
  streamed_bytes_left_ = kStreamedBytesPerTurn;

  timers_.expire(now, kTimersPerTurn, [this](std::uint32_t slot) {
    SocketConnection& connection = *in_slot(slot);
    guarded(connection, [&] { connection.on_timer(); });
  });
  // Mail before sockets: what another reactor knew when its client acted is known here by the time
  // that we hear of the client.
  const bool has_more_mail = mailbox_.take(kMailPerTurn, [this](Mail&& mail) {
    if (auto* task = std::get_if<Task>(&mail)) {
      (*task)(*this);
    } else {
      hub_.on_mail(std::move(std::get<hub::HubMail>(mail)));
    }
  }) == kMailPerTurn;

  tls_workspace_.allow_handshake_steps(kTlsHandshakeSteps);
  const bool is_held_up = is_held_up_by_peers();
  for (const net::Event& event : events) {
    const Handle handle = Handle::from_packed(event.handle);
    if (handle) {
      SocketConnection* connection = connections_.find(handle);
      const std::uint32_t bits =
          is_held_up ? event.events & ~static_cast<std::uint32_t>(EPOLLIN) : event.events;
      if (connection != nullptr && bits != 0) {
        guarded(*connection, [&] { connection->on_events(bits); });
      }
    } else if (event.handle != kMailboxEvent) {  // Mail has been taken already.
      accept_from(event.handle - kFirstListenerEvent);
    }
  }
  resume_listeners();
  run_input();
  visit_some();
  if (hub_.is_reloading() && !hub_.judge_some()) {
    drop_old_rules();
  }
  if (!draining_.empty()) {
    drain_some();
  }
  leave_topics();
  // Homes hear of new subscribers before these hear that they are subscribed.
  hub_.post_counts();
  hand_over_mail();
  flush_connections();
  has_more_work_ = hub_.flush(kSendsPerTurn) || has_more_mail || is_held_up;
  flush_connections();
  leave_topics();
  if (now >= next_sweep_) {
    next_sweep_ = now + kSweepInterval;  // First: a sweep that memory runs out for waits, too.
    drop_unused_terms();
    publish_counters();
    hub_.sweep();
  }
  hub_.settle_receipts();
  hub_.post_counts();
  hand_over_mail();
  destroy_dead();
  turn_ended_ = clock_.monotonic();
  const Duration elapsed = turn_ended_ - now;
  metrics_.observe_turn(elapsed);
  if (elapsed > kStall) {
    metrics_.add(metrics::Metric::kLoopStalls);
    log::warning("reactor {}: a turn took {} ms", index_,
                 std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count());
  }
}

void Reactor::notice_pause(TimePoint expected, TimePoint now) {
  const Duration gap = now - expected;
  if (gap <= kPause) {
    return;
  }
  log::warning("reactor {}: the process was stopped for {} s; deadlines move by that", index_,
               std::chrono::duration_cast<std::chrono::seconds>(gap).count());
  timers_.shift_all(gap);
  connections_.for_each(
      [gap](Handle, SocketConnection& connection) { connection.shift_times(gap); });
}

void Reactor::run_input() {
  // What is added meanwhile comes in the next turn, so that two sessions cannot keep it here.
  const std::vector<Handle> input = std::move(input_);
  input_ = {};
  for (const Handle handle : input) {
    if (SocketConnection* connection = connections_.find(handle)) {
      guarded(*connection, [&] { connection->continue_input(); });
    }
  }
}

void Reactor::want_flush(SocketConnection& connection) {
  std::uint8_t& busy = busy_[connection.slot()];
  if (busy != kBusyFlushing && !connection.is_blocked()) {
    flush_.push_back(connection.handle());
    busy = kBusyFlushing;
  } else if (busy == 0) {
    busy = kBusy;
  }
}

void Reactor::flush_connections() {
  flushing_.swap(flush_);
  // Those who go on in the next turn, and had their share of the streamed bytes in this one.
  std::size_t served = SIZE_MAX;
  for (const Handle handle : flushing_) {
    if (streamed_bytes_left_ == 0) {
      served = std::min(served, flush_.size());
    }
    SocketConnection* connection = connections_.find(handle);
    if (connection == nullptr) {
      continue;
    }
    busy_[handle.slot] = kBusy;
    guarded(*connection, [&] {
      if (connection->flush()) {
        want_flush(*connection);
      }
    });
  }
  flushing_.clear();
  if (served < flush_.size()) {
    const auto first = flush_.begin() + static_cast<std::ptrdiff_t>(served);
    std::rotate(flush_.begin(), first, flush_.end());
  }
}

void Reactor::leave_topics() {
  for (const Handle handle : leaving_) {
    if (connections_.find(handle) != nullptr) {
      hub_.remove_subscriber(handle.slot);
    }
  }
  leaving_.clear();
}

void Reactor::destroy_dead() {
  for (const Handle handle : dead_) {
    SocketConnection* connection = connections_.find(handle);
    if (connection == nullptr) {
      continue;
    }
    hub_.remove_subscriber(handle.slot);
    if (connection->is_counted()) {
      shared_.limiter.release(connection->peer(), context_.now);
    }
    if (connection->is_public()) {
      metrics_.connection_closed(label_of(connection->session().kind()));
      --public_count_;
      shared_.public_connections.fetch_sub(1, std::memory_order_relaxed);
    } else {
      shared_.internal_connections.fetch_sub(1, std::memory_order_relaxed);
    }
    busy_[handle.slot] = 0;
    connections_.erase(handle);
  }
  dead_.clear();
}

bool Reactor::is_held_up_by_peers() const {
  for (std::size_t i = 0; i < outgoing_.size(); ++i) {
    if (i != index_ &&
        peers_.mailbox_of(static_cast<std::uint16_t>(i)).pending() > kMailPendingMax) {
      return true;
    }
  }
  return false;
}

void Reactor::hand_over_mail() {
  engine_->hand_over();
  for (std::size_t i = 0; i < outgoing_.size(); ++i) {
    if (!outgoing_[i].empty()) {
      peers_.mailbox_of(static_cast<std::uint16_t>(i)).post(std::move(outgoing_[i]));
    }
  }
}

bool Reactor::may_answer_now() const {
  return !hub_.has_counts_to_post() &&
         std::ranges::all_of(outgoing_, [](const auto& mail) { return mail.empty(); });
}

void Reactor::post(std::uint16_t reactor, Task task) {
  outgoing_[reactor].emplace_back(std::move(task));
}

void Reactor::watch(int fd, Handle handle, std::uint32_t events) {
  if (const auto done = loop_.modify(fd, events, handle.packed()); !done) {
    log::error("reactor {}: {}", index_, done.error().text());
    if (SocketConnection* connection = connections_.find(handle)) {
      connection->close_now();
    }
  }
}

void Reactor::count_door_change(const SocketConnection& connection, door::DoorKind from,
                                door::DoorKind to) {
  if (connection.is_public()) {
    metrics_.connection_moved(label_of(from), label_of(to));
  }
}

// --- reload, drain, load

void Reactor::apply(std::shared_ptr<const config::Config> config,
                    std::shared_ptr<const auth::TopicRules> rules,
                    std::shared_ptr<const auth::JwtVerifier> tokens, const ListenerTls& tls) {
  for (std::size_t i = 0; i < listening_.size(); ++i) {
    listening_[i].tls = tls[i];
  }
  old_rules_.push_back(context_.rules);
  const bool are_rights_new = context_.use(std::move(config), std::move(rules), std::move(tokens));
  api_context_.config = context_.config;
  api_context_.rules = context_.rules;
  hub_.set_limits(hub_limits(*context_.config, shared_));
  hub_.set_rules(*context_.rules);
  while (old_rules_.size() > kOldRulesMax && hub_.judge_some()) {
  }
  drop_old_rules();
  if (are_rights_new) {  // What a rule still gives to some, and no longer to this one.
    visit_public(
        [](SocketConnection& connection) { connection.latest_session().on_rules_changed(); },
        [] {});
  }
}

/// Once every topic has looked up its new one.
void Reactor::drop_old_rules() {
  if (!hub_.is_reloading()) {
    old_rules_.clear();
  }
}

void Reactor::begin_drain(Duration period) {
  for (std::size_t i = 0; i < listening_.size(); ++i) {
    if (!listening_[i].is_public) {
      continue;
    }
    // Closing a listener resets what waits in its queue: take it first.
    for (int round = 0; round < 64 && listening_[i].is_watched; ++round) {
      const std::size_t before = connections_.size();
      accept_from(i);
      if (connections_.size() == before) {
        break;
      }
    }
    watch_listener(i, false);
    listening_[i].acceptor = net::Acceptor(UniqueFd(), {});
  }
  for_each_public(
      [this](SocketConnection& connection) { draining_.push_back(connection.handle()); });
  // Taken from the back: those that came last, perhaps with a request on its way, go last.
  std::reverse(draining_.begin(), draining_.end());
  // And behind all others those that may still ask: they are to be told 503.
  std::stable_partition(draining_.begin(), draining_.end(), [this](Handle handle) {
    return connections_.find(handle)->takes_requests();
  });
  drain_next_ = context_.now;
  drain_http_at_ = context_.now + std::min(period, kLastRequestTime);
  drain_step_ =
      draining_.empty() ? Duration::zero() : period / static_cast<Duration::rep>(draining_.size());
}

void Reactor::drain_some() {
  while (!draining_.empty() && context_.now >= drain_next_) {
    SocketConnection* connection = connections_.find(draining_.back());
    if (connection != nullptr && connection->is_open()) {
      if (context_.now < drain_http_at_ && connection->takes_requests()) {
        drain_next_ = drain_http_at_;
        return;
      }
      connection->session().end(door::EndReason::kGoingAway);
    }
    draining_.pop_back();
    drain_next_ += drain_step_;
  }
}

void Reactor::shed_load() {
  SocketConnection* largest = nullptr;
  for_each_public([&](SocketConnection& connection) {
    if (connection.queued_bytes() > 0 &&
        (largest == nullptr || connection.queued_bytes() > largest->queued_bytes())) {
      largest = &connection;
    }
  });
  if (largest != nullptr) {
    largest->session().end(door::EndReason::kOverload);
  }
}

void Reactor::publish_counters() {
  const hub::HubCounters& now = hub_.counters();
  hub::HubCounters& then = published_counters_;
  metrics_.add(metrics::Metric::kMessagesPublished, now.published - then.published);
  metrics_.add(metrics::Metric::kDeliveries, now.deliveries - then.deliveries);
  metrics_.add(metrics::Metric::kDeliveredBytes, now.delivered_bytes - then.delivered_bytes);
  metrics_.add(metrics::Metric::kGaps, now.gaps - then.gaps);
  metrics_.limit_hit(metrics::Limit::kTopics, now.topic_limit_hits - then.topic_limit_hits);
  metrics_.limit_hit(metrics::Limit::kSubscriptionsPerConnection,
                     now.subscription_limit_hits - then.subscription_limit_hits);
  metrics_.limit_hit(metrics::Limit::kHistoryBytes,
                     now.history_limit_hits - then.history_limit_hits);
  metrics_.limit_hit(metrics::Limit::kPresenceEvents,
                     now.presence_limit_hits - then.presence_limit_hits);
  then = now;
  publish_tls_counters();
  metrics_.set(metrics::Metric::kSubscriptions, hub_.subscription_count());
  metrics_.set(metrics::Metric::kSlowSubscribers, hub_.behind_count());
  metrics_.set(metrics::Metric::kTopics, hub_.home_topic_count());
  metrics_.set(metrics::Metric::kMembers, hub_.home_member_count());
}

void Reactor::publish_tls_counters() {
  std::uint64_t failures = 0;
  for (std::size_t i = 0; i < net::kTlsResultCount; ++i) {
    const auto result = static_cast<net::TlsResult>(i);
    const std::uint64_t grown = tls_workspace_.count_of(result) - published_tls_[i];
    if (grown > 0) {
      published_tls_[i] += grown;
      metrics_.tls_handshakes(static_cast<metrics::TlsHandshake>(i), grown);
      const bool has_failed =
          result == net::TlsResult::kFailed || result == net::TlsResult::kNotTls;
      failures += has_failed ? grown : 0;
    }
  }
  // Anybody can cause these, so it is no warning.
  if (const auto times = failures > 0 ? tls_log_.hit(context_.now, failures) : 0) {
    log::info("reactor {}: {} TLS handshakes failed, the last: {}", index_, times,
              tls_workspace_.last_failure());
  }
}

// --- what the hub says

void Reactor::send(std::uint16_t reactor, hub::HubMail mail) {
  outgoing_[reactor].emplace_back(std::move(mail));
}

void Reactor::send(std::span<const hub::Member> members, std::span<const iovec> parts,
                   std::size_t bytes, std::vector<hub::ShortSend>& fell_short) {
  if (members.front().fd == hub::kStreamed) {
    send_through_streams(members, parts, bytes, fell_short);
  } else if (members.front().fd == hub::kHeld) {
    for (std::uint32_t i = 0; i < members.size(); ++i) {
      fell_short.push_back({i, 0, 0});
    }
  } else {
    net::send_to_members(members, parts, bytes, busy_.data(), fell_short);
  }
}

void Reactor::send_through_streams(std::span<const hub::Member> members,
                                   std::span<const iovec> parts, std::size_t bytes,
                                   std::vector<hub::ShortSend>& fell_short) {
  fell_short.reserve(fell_short.size() + members.size());  // Nothing may fail half-way.
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const std::uint32_t slot = members[i].slot;
    if (busy_[slot] != 0) {
      fell_short.push_back({i, 0, 0});
      continue;
    }
    const net::IoResult result = in_slot(slot)->send_through(parts);
    if (result.bytes < bytes) {
      fell_short.push_back({i, result.bytes, result.error});
    }
  }
}

void Reactor::on_reply(const hub::ReplyTo& to, hub::Reply&& reply) {
  SocketConnection* connection = connections_.find(Handle::from_packed(to.connection));
  if (connection != nullptr && connection->is_open()) {
    guarded(*connection, [&] { connection->session().on_reply(to, std::move(reply)); });
  }
}

bool Reactor::on_gap(std::uint32_t slot, hub::WireForm /*form*/, const hub::Gap& gap) {
  SocketConnection* connection = in_slot(slot);
  return connection->is_open() && connection->session().on_gap(gap) && connection->is_open();
}

void Reactor::on_too_slow(std::uint32_t slot) {
  in_slot(slot)->session().end(door::EndReason::kTooSlow);
}

void Reactor::on_behind(std::uint32_t slot) {
  want_flush(*in_slot(slot));
}

void Reactor::on_leaving(std::uint32_t slot) {
  streamed_bytes_left_ = std::max<std::size_t>(streamed_bytes_left_, 1);  // It cannot wait.
  in_slot(slot)->flush();
}

void Reactor::on_cut(std::uint32_t slot, const hub::MessageRef& message, hub::WireForm form,
                     std::size_t taken) {
  busy_[slot] = std::max(busy_[slot], kBusy);
  in_slot(slot)->keep_cut(message, form, taken);
}

void Reactor::on_send_error(std::uint32_t slot, int error) {
  if (error == ENOBUFS || error == ENOMEM) {
    want_flush(*in_slot(slot));  // The kernel's shortage, not the peer's fault: try again.
  } else {
    in_slot(slot)->close_now();
  }
}

void Reactor::on_withdrawn(std::uint32_t slot, hub::WireForm /*form*/, ByteView topic) {
  in_slot(slot)->session().on_withdrawn(topic);
}

}  // namespace wspush::server
