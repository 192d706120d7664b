#include "server/reactor_set.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <pthread.h>
#include <utility>

#include "api/first_topics.hpp"
#include "base/check.hpp"
#include "base/logging.hpp"
#include "metrics/process_facts.hpp"
#include "metrics/prometheus_text.hpp"
#include "net/raise_limits.hpp"
#include "net/tcp_stream.hpp"
#include "server/process_limits.hpp"
#include "version.hpp"

namespace wspush::server {
namespace {

/// Between two releases of freed memory while it is short: each holds up who allocates.
constexpr std::chrono::seconds kReleaseInterval{10};

Result<std::vector<UniqueFd>, StartError> open_listener(const std::string& key,
                                                        const std::string& address,
                                                        std::size_t count,
                                                        const net::SocketOptions& options) {
  const auto resolved = net::resolve_address(address);
  if (!resolved) {
    return Unexpected(StartError{key, address + ": " + resolved.error()});
  }
  auto opened = net::open_listeners(*resolved, count);
  if (!opened) {
    return Unexpected(StartError{key, address + ": " + opened.error().text()});
  }
  for (const UniqueFd& fd : *opened) {
    if (const auto done = net::configure_connection(fd.get(), options); !done) {
      return Unexpected(StartError{key, address + ": " + done.error().text()});
    }
  }
  return std::move(*opened);
}

api::ConnectionView view_of(Reactor& reactor, SocketConnection& connection) {
  const auth::Identity* const who = connection.latest_session().identity();
  api::ConnectionView view{.id = door::connection_id(reactor.context(), connection.handle()),
                           .user = who == nullptr ? std::string() : who->user,
                           .door = std::string(door::name_of(connection.session().kind())),
                           .address = connection.peer_address(),
                           .since = connection.since(),
                           .topics = reactor.hub().subscriptions_of(connection.handle().slot),
                           .queued_bytes = connection.queued_bytes()};
  return view;
}

/// False where its table is full.
bool revoke_at(Reactor& reactor, const api::Revocation& what) {
  auth::Revocations& table = reactor.context().authenticator.revocations();
  const TimePoint now = reactor.context().now;
  return what.user.empty() ? table.revoke_token(what.token_id, now + what.lasts, now)
                           : table.revoke_user(what.user, what.before, now + what.lasts, now);
}

/// What an earlier life of the server was told, before there are connections.
void restore_revocations(Reactor& reactor, const std::vector<engine::Revocation>& kept) {
  for (const engine::Revocation& each : kept) {
    const bool is_kept = revoke_at(reactor, {.user = each.user,
                                             .token_id = each.token_id,
                                             .before = each.before,
                                             .lasts = each.until - reactor.context().wall});
    WSPUSH_CHECK(is_kept);  // No more are written down than a reactor has room for.
  }
}
static_assert(engine::KeptRevocations::kEntriesMax <= auth::Revocations::kEntriesMax);

/// What publishers may repeat that an earlier life of the server has answered, or was about to.
void restore_known_publishes(Reactor& reactor, const std::vector<engine::KnownPublish>& known) {
  const door::Context& context = reactor.context();
  for (const engine::KnownPublish& each : known) {
    reactor.hub().remember_publish(each, context.now - (context.wall - each.published));
  }
}

}  // namespace

ReactorSet::ReactorSet(std::shared_ptr<const config::Config> config)
    : config_(std::move(config)), shared_(random_seed()), started_(SystemClock().wall()) {
  SplitMix64 random(random_seed());
  shared_.hub.topic_key = SipKey::from(random);
  shared_.instance = random.next();
  if (const auto raised = net::raise_open_files()) {
    shared_.descriptors_max = *raised;
  } else {
    log::warning("open files: {}", raised.error().text());
    shared_.descriptors_max = 1024;
  }
  shared_.memory_max = memory_max();
  shared_.limiter.set_limits(config_->limits.connections_per_ip,
                             config_->limits.connect_rate_per_ip);
}

ReactorSet::~ReactorSet() {
  stop();
}

Result<std::unique_ptr<ReactorSet>, StartError> ReactorSet::open(
    std::shared_ptr<const config::Config> config, std::shared_ptr<const auth::JwtVerifier> tokens,
    ListenerTls tls) {
  std::unique_ptr<ReactorSet> set(new ReactorSet(config));
  auto trusted = net::NetworkSet::parse(config->trusted_proxies);
  if (!trusted) {
    return Unexpected(StartError{"trusted_proxies", trusted.error()});
  }
  set->shared_.trusted_proxies = std::move(*trusted);
  const std::size_t count = config->reactors == 0 ? usable_cpus() : config->reactors;
  const net::SocketOptions client_options{.user_timeout = config->heartbeat.ping_interval +
                                                          config->heartbeat.pong_timeout};

  std::vector<std::vector<UniqueFd>> listeners;  // By address, then by reactor; internal last.
  for (std::size_t i = 0; i <= config->listen.size(); ++i) {
    const bool is_public = i < config->listen.size();
    const std::string key =
        is_public ? "listen[" + std::to_string(i) + "].address" : "internal.address";
    auto opened =
        open_listener(key, is_public ? config->listen[i].address : config->internal.address, count,
                      is_public ? client_options : net::SocketOptions{});
    if (!opened) {
      return Unexpected(opened.error());
    }
    const net::SocketAddress bound = net::bound_address(opened->front().get());
    set->bound_.push_back({bound.text(), is_public});
    set->socket_files_.emplace_back(bound);
    listeners.push_back(std::move(*opened));
  }
  SplitMix64 random(random_seed());
  if (config->engine.type == config::EngineType::kDisk) {
    auto disk =
        open_disk(config->engine.disk, static_cast<std::uint16_t>(count), random.next(), *set);
    if (!disk) {
      return Unexpected(StartError{"engine.disk.path", std::move(disk.error())});
    }
    set->disk_ = std::move(*disk);
  }
  const auto revocations =
      set->disk_ == nullptr ? std::vector<engine::Revocation>() : set->disk_->revocations();
  const auto known_publishes = set->disk_ == nullptr ? std::vector<engine::KnownPublish>()
                                                     : set->disk_->take_known_publishes();
  const auto rules = std::make_shared<const auth::TopicRules>(config);
  for (std::size_t index = 0; index < count; ++index) {
    Reactor::Options options{.index = static_cast<std::uint16_t>(index),
                             .count = static_cast<std::uint16_t>(count),
                             .seed = random.next(),
                             .config = config,
                             .rules = rules,
                             .tokens = tokens,
                             .public_listeners = {},
                             .internal_listener = std::move(listeners.back()[index]),
                             .tls = tls,
                             .disk = set->disk_.get()};
    for (std::size_t i = 0; i + 1 < listeners.size(); ++i) {
      options.public_listeners.push_back(std::move(listeners[i][index]));
    }
    set->reactors_.push_back(
        std::make_unique<Reactor>(std::move(options), set->shared_, *set, *set));
    restore_revocations(*set->reactors_.back(), revocations);
    restore_known_publishes(*set->reactors_.back(), known_publishes);
  }
  return set;
}

void ReactorSet::start() {
  const unsigned cpus = usable_cpus();
  if (disk_ != nullptr) {
    disk_->start();
  }
  for (std::size_t i = 0; i < reactors_.size(); ++i) {
    threads_.emplace_back([reactor = reactors_[i].get()] { reactor->run(); });
    const std::string name = "reactor-" + std::to_string(i);
    ::pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
    if (config_->pin_reactors) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(i % cpus, &set);
      if (::pthread_setaffinity_np(threads_.back().native_handle(), sizeof(set), &set) != 0) {
        log::warning("pin_reactors: reactor {} could not be pinned to CPU {}", i, i % cpus);
      }
    }
  }
}

void ReactorSet::post_to_all(const Task& task) {
  for (const auto& reactor : reactors_) {
    std::vector<Mail> batch;
    batch.emplace_back(task);
    reactor->mailbox().post(std::move(batch));
  }
}

void ReactorSet::stop() {
  if (threads_.empty()) {
    return;
  }
  post_to_all([](Reactor& reactor) { reactor.stop(); });
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
  if (disk_ != nullptr) {
    disk_->stop();  // What the reactors asked for last goes to the disk, too.
  }
}

void ReactorSet::apply(std::shared_ptr<const config::Config> config,
                       std::shared_ptr<const auth::JwtVerifier> tokens, ListenerTls tls) {
  config_ = config;
  shared_.limiter.set_limits(config->limits.connections_per_ip, config->limits.connect_rate_per_ip);
  const auto rules = std::make_shared<const auth::TopicRules>(config);
  const auto missing = std::make_shared<std::atomic<std::size_t>>(reactors_.size());
  post_to_all(
      [config, rules, tokens = std::move(tokens), tls = std::move(tls), missing](Reactor& reactor) {
        reactor.apply(config, rules, tokens, tls);
        if (missing->fetch_sub(1) == 1) {
          reactor.metrics().reloaded(metrics::ReloadResult::kOk);
        }
      });
}

void ReactorSet::count_refused_reload() {
  std::vector<Mail> batch;
  batch.emplace_back(
      Task([](Reactor& reactor) { reactor.metrics().reloaded(metrics::ReloadResult::kError); }));
  reactors_.front()->mailbox().post(std::move(batch));
}

void ReactorSet::begin_drain() {
  shared_.is_draining.store(true);
  post_to_all([period = config_->drain.period](Reactor& reactor) { reactor.begin_drain(period); });
}

bool ReactorSet::is_drained() const {
  return shared_.public_connections.load() == 0;
}

void ReactorSet::end_internal_requests() {
  post_to_all([](Reactor& reactor) { reactor.end_internal_requests(); });
}

bool ReactorSet::has_answered_all() const {
  return shared_.internal_connections.load() == 0;
}

bool ReactorSet::has_turned_within(Duration interval) const {
  const std::int64_t now = MonotonicClock::now().time_since_epoch().count();
  return std::all_of(reactors_.begin(), reactors_.end(), [&](const auto& reactor) {
    return now - reactor->last_turn() < Duration(interval).count();
  });
}

void ReactorSet::guard_memory(TimePoint now) {
  const Memory used = memory_used();
  const Memory& most = shared_.memory_max;
  const auto is_past = [&](std::uint64_t tenths) {
    return used.resident_bytes > most.resident_bytes / 10 * tenths ||
           used.address_space_bytes > most.address_space_bytes / 10 * tenths;
  };
  const bool was_short = shared_.is_short_of_memory.load();
  if (was_short ? !is_past(8) : is_past(9)) {
    shared_.is_short_of_memory.store(!was_short);
    std::string in_use = std::to_string(used.resident_bytes) + " of " +
                         std::to_string(most.resident_bytes) + " bytes in use";
    if (most.address_space_bytes != UINT64_MAX) {
      in_use += ", " + std::to_string(used.address_space_bytes) + " of " +
                std::to_string(most.address_space_bytes) + " bytes of address space";
    }
    if (was_short) {
      log::info("memory: {}: back to normal", in_use);
    } else {
      log::warning("memory: {}: new connections are refused, the largest queues are closed",
                   in_use);
    }
  }
  if (shared_.is_short_of_memory.load()) {
    post_to_all([](Reactor& reactor) { reactor.shed_load(); });
    if (now >= next_release_) {
      next_release_ = now + kReleaseInterval;
      release_freed_memory();
    }
  }
}

void ReactorSet::tell_limit_hits(TimePoint now) {
  for (std::size_t i = 0; i < metrics::kLimitCount; ++i) {
    const auto limit = static_cast<metrics::Limit>(i);
    std::uint64_t hits = 0;
    for (const auto& reactor : reactors_) {
      hits += reactor->metrics_of().limit_hits(limit);
    }
    LimitLog& told = limit_logs_[i];
    if (const auto times = told.log.hit(now, hits - std::exchange(told.hits, hits))) {
      log::warning("limits: {} was hit {} times", metrics::limit_name(limit), times);
    }
  }
}

net::Mailbox<Mail>& ReactorSet::mailbox_of(std::uint16_t reactor) {
  return reactors_[reactor]->mailbox();
}

// --- what the API asks

template <typename Part>
void ReactorSet::gather(const hub::ReplyTo& to, std::function<Part(Reactor&)> collect,
                        std::function<std::any(std::vector<Part>)> combine) {
  gather_later<Part>(
      to,
      [collect = std::move(collect)](Reactor& reactor, const std::function<void(Part)>& done) {
        done(collect(reactor));
      },
      std::move(combine));
}

template <typename Part>
void ReactorSet::gather_later(
    const hub::ReplyTo& to,
    std::function<void(Reactor&, const std::function<void(Part)>& done)> collect,
    std::function<std::any(std::vector<Part>)> combine) {
  // Touched by the asking reactor alone: the others send it their part.
  struct State {
    std::vector<Part> parts;
    std::size_t missing;
  };
  const auto state = std::make_shared<State>(State{{}, reactors_.size()});
  Reactor& asking = *reactors_[to.reactor];
  for (std::uint16_t i = 0; i < reactors_.size(); ++i) {
    asking.post(i, [collect, combine, state, to](Reactor& collecting) {
      collect(collecting, [&collecting, combine, state, to](Part each) {
        auto part = std::make_shared<Part>(std::move(each));
        collecting.post(to.reactor, [part, combine, state, to](Reactor& asked) {
          state->parts.push_back(std::move(*part));
          if (--state->missing == 0) {
            asked.on_reply(to, hub::GatheredReply{combine(std::move(state->parts))});
          }
        });
      });
    });
  }
}

template <typename Answer>
void ReactorSet::ask_one(ByteView id, const hub::ReplyTo& to, Answer none,
                         std::function<Answer(Reactor&, SocketConnection&)> ask) {
  std::uint16_t reactor = 0;
  Handle handle;
  Reactor& asking = *reactors_[to.reactor];
  if (!door::parse_connection_id(id, shared_.instance, reactor, handle) ||
      reactor >= reactors_.size()) {
    asking.on_reply(to, hub::GatheredReply{std::any(std::move(none))});
    return;
  }
  asking.post(reactor, [handle, ask, to, none](Reactor& asked) {
    SocketConnection* connection = asked.find(handle);
    const bool is_there = connection != nullptr && connection->is_public() && connection->is_open();
    Answer answer = is_there ? ask(asked, *connection) : none;
    asked.post(to.reactor, [answer, to](Reactor& back) {
      back.on_reply(to, hub::GatheredReply{std::any(answer)});
    });
  });
}

void ReactorSet::list_connections(std::optional<std::string> user, std::size_t limit,
                                  const hub::ReplyTo& to) {
  using Views = std::vector<api::ConnectionView>;
  gather<Views>(
      to,
      [user, limit](Reactor& reactor) {
        Views views;
        reactor.for_each_public([&](SocketConnection& connection) {
          const auth::Identity* const who = connection.latest_session().identity();
          if (views.size() < limit && (!user || (who != nullptr && who->user == *user))) {
            views.push_back(view_of(reactor, connection));
          }
        });
        return views;
      },
      [limit](std::vector<Views> parts) {
        Views all;
        for (Views& part : parts) {
          std::move(part.begin(), part.end(), std::back_inserter(all));
        }
        all.resize(std::min(all.size(), limit));
        return std::any(std::move(all));
      });
}

void ReactorSet::find_connection(ByteView id, const hub::ReplyTo& to) {
  using Views = std::vector<api::ConnectionView>;
  ask_one<Views>(id, to, {}, [](Reactor& reactor, SocketConnection& connection) {
    return Views{view_of(reactor, connection)};
  });
}

void ReactorSet::end_connection(ByteView id, const hub::ReplyTo& to) {
  ask_one<std::size_t>(id, to, 0, [](Reactor&, SocketConnection& connection) {
    connection.session().end(door::EndReason::kTerminated);
    return std::size_t{1};
  });
}

void ReactorSet::end_connections_of(ByteView user, const hub::ReplyTo& to) {
  gather_later<std::size_t>(
      to,
      [user = std::string(user)](Reactor& reactor, const std::function<void(std::size_t)>& done) {
        reactor.end_connections_of([user](const auth::Identity& who) { return who.user == user; },
                                   done);
      },
      [](std::vector<std::size_t> counts) {
        return std::any(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
      });
}

void ReactorSet::revoke(const api::Revocation& what, const hub::ReplyTo& to) {
  gather_later<char>(
      to,
      [what, to](Reactor& reactor, const std::function<void(char)>& done) {
        if (!revoke_at(reactor, what)) {
          done(0);
          return;
        }
        door::Context& context = reactor.context();
        if (context.reactor == to.reactor) {
          // Written down by one of them, even if who asked is gone by now.
          const auto lasts = std::chrono::duration_cast<std::chrono::milliseconds>(what.lasts);
          reactor.hub().keep_revocation({.user = what.user,
                                         .token_id = what.token_id,
                                         .before = what.before,
                                         .until = context.wall + lasts},
                                        to);
        }
        // Who comes from here on is judged at the door; those who are here are looked at.
        reactor.end_connections_of(
            [&context](const auth::Identity& who) {
              return context.authenticator.revocations().covers(who, context.now);
            },
            [done](std::size_t) { done(1); });
      },
      [](std::vector<char> kept) {
        return std::any(std::all_of(kept.begin(), kept.end(), [](char each) { return each != 0; }));
      });
}

void ReactorSet::list_topics(ByteView prefix, std::size_t limit, const hub::ReplyTo& to) {
  using Topics = std::vector<api::TopicSummary>;
  const auto by_name = [](const api::TopicSummary& a, const api::TopicSummary& b) {
    return a.topic < b.topic;
  };
  gather_later<Topics>(
      to,
      [prefix = std::string(prefix), limit](Reactor& reactor,
                                            const std::function<void(Topics)>& done) {
        const auto first = std::make_shared<api::FirstTopics>(prefix, limit);
        reactor.visit_topics(
            [first](ByteView name, std::uint64_t subscribers) { first->see(name, subscribers); },
            [first, done] { done(first->take()); });
      },
      [limit, by_name](std::vector<Topics> parts) {
        Topics all;
        for (Topics& part : parts) {
          std::move(part.begin(), part.end(), std::back_inserter(all));
        }
        std::sort(all.begin(), all.end(), by_name);
        all.resize(std::min(all.size(), limit));
        return std::any(std::move(all));
      });
}

bool ReactorSet::is_ready() const {
  return !shared_.is_draining.load(std::memory_order_relaxed) &&
         !shared_.is_short_of_memory.load(std::memory_order_relaxed);
}

std::string ReactorSet::metrics_text(ByteView accept, std::string& content_type) const {
  metrics::Snapshot snapshot;
  for (const auto& reactor : reactors_) {
    reactor->metrics_of().add_to(snapshot);
  }
  const metrics::Exposition exposition = metrics::choose_exposition(accept);
  content_type = metrics::content_type(exposition);
  std::string text;
  metrics::ProcessFacts facts{.version = std::string(kVersion),
                              .started_at = started_,
                              .log_dropped = log::dropped_lines(),
                              .brokers = {}};
  if (disk_ != nullptr) {
    facts.brokers.push_back({"disk", disk_->is_up(MonotonicClock::now())});
  }
  metrics::read_process_usage(facts);
  metrics::append_metrics(text, exposition, snapshot, facts);
  return text;
}

}  // namespace wspush::server
