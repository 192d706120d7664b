#include "load/publish_run.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "load/publisher.hpp"
#include "load/subscriber_pool.hpp"

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kTimeoutAfterClose = std::chrono::seconds(1);
// So many messages may be on their way to an average subscriber. Publishers are faster than one
// thread that reads for all: without this the row would be about how much history a server keeps.
constexpr std::uint64_t kAheadMax = 256;

class PublishRun {
 public:
  explicit PublishRun(const RunContext& context)
      : context_(context),
        options_(context.options),
        depth_(options_.publish_by == PublishBy::kHttp ? 1 : options_.depth),
        tracker_(options_.connections),
        ledger_(options_.connections, options_.publishers),
        pool_({.options = options_,
               .tracker = tracker_,
               .faults = faults_,
               .inflater = inflater_,
               .many = &ledger_},
              loop_.poller(), context.tls, {.count = options_.connections}) {}

  Result<Outcome, std::string> execute();

 private:
  struct Source {
    Publisher publisher;
    std::uint64_t sent = 0;
  };

  Result<void, std::string> open();
  /// False: gave up.
  Result<bool, std::string> run_phase(nanoseconds duration, std::uint64_t messages);
  /// True if one of them could go on at once.
  bool publish_some();
  bool is_idle() const;
  /// Deliveries that are still to come.
  std::uint64_t outstanding() const;
  std::string failure() const;
  std::uint64_t errors() const;
  std::uint64_t progress() const;
  void turn(std::int64_t wait_ns);
  Outcome outcome(const Usage& usage, std::uint64_t published, bool is_stuck) const;

  RunContext context_;
  const Options& options_;
  std::size_t depth_;
  Loop loop_;
  Faults faults_;
  DeliveryTracker tracker_;
  FrameInflater inflater_;
  PublishLedger ledger_;
  SubscriberPool pool_;
  std::vector<Source> sources_;
  std::uint64_t sent_ = 0;
  std::uint64_t left_ = 0;
};

Result<Outcome, std::string> PublishRun::execute() {
  if (auto opened = open(); !opened) {
    return Unexpected(opened.error());
  }
  bool is_stuck = false;
  if (options_.warm_up.count() > 0) {
    const auto warm = run_phase(options_.warm_up, 0);
    if (!warm) {
      return Unexpected(warm.error());
    }
    is_stuck = !*warm;
  }
  const std::uint64_t before = sent_ - errors();
  const UsageMeter meter(context_.meter);
  if (!is_stuck) {
    const auto measured = run_phase(options_.duration, options_.messages);
    if (!measured) {
      return Unexpected(measured.error());
    }
    is_stuck = !*measured;
  }
  const Usage usage = meter.so_far();
  // What came behind the last hole of a subscriber has been counted; what never came has not.
  const std::uint64_t due = (sent_ - errors()) * options_.connections;
  const std::uint64_t seen = ledger_.deliveries() + faults_.missing;
  faults_.missing += due > seen ? due - seen : 0;
  return outcome(usage, sent_ - errors() - before, is_stuck);
}

Result<void, std::string> PublishRun::open() {
  Patience patience(options_.timeout, kOvertimeMax);
  sources_.reserve(options_.publishers);
  for (;;) {
    if (auto more = pool_.open_more(options_.connections); !more) {
      return more;
    }
    if (pool_.is_complete()) {
      while (sources_.size() < options_.publishers) {
        auto opened = Publisher::open(options_, loop_.poller(), context_.tls,
                                      options_.connections + sources_.size(), sources_.size());
        if (!opened) {
          return Unexpected(opened.error());
        }
        sources_.push_back({.publisher = std::move(*opened)});
      }
      if (std::all_of(sources_.begin(), sources_.end(),
                      [](const Source& source) { return source.publisher.is_ready(); })) {
        return {};
      }
    }
    turn(kWaitNs);
    if (!faults_.none()) {
      return Unexpected(faults_.first);
    }
    if (std::string why = failure(); !why.empty()) {
      return Unexpected(std::move(why));
    }
    const TimePoint now = MonotonicClock::now();
    if (patience.is_over(progress(), now)) {
      return Unexpected(std::string("the server stopped answering handshakes"));
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(std::to_string(pool_.live()) + " of " +
                            std::to_string(options_.connections) + " connected");
    }
  }
}

Result<bool, std::string> PublishRun::run_phase(nanoseconds duration, std::uint64_t messages) {
  const TimePoint start = MonotonicClock::now();
  const std::uint64_t before = sent_;
  Patience patience(options_.timeout,
                    messages > 0 ? nanoseconds(std::chrono::hours(24)) : duration + kOvertimeMax);
  left_ = messages > 0 ? messages : UINT64_MAX;
  bool has_ended = false;
  for (;;) {
    const TimePoint now = MonotonicClock::now();
    const bool can_go_on = publish_some();
    if (!has_ended && (messages > 0 ? left_ == 0 : now - start >= duration)) {
      has_ended = true;
      left_ = 0;
      for (Source& source : sources_) {
        source.publisher.end();
      }
    }
    if (std::string why = failure(); !why.empty()) {
      return Unexpected(std::move(why));
    }
    if (has_ended && is_idle() && outstanding() == 0) {
      return true;
    }
    turn(can_go_on && !has_ended ? 0 : kWaitNs);
    if (!faults_.none()) {
      patience.shorten(kTimeoutAfterClose);
    }
    if (patience.is_over(progress(), now)) {
      return false;
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(
          std::to_string(static_cast<std::uint64_t>(per_second(sent_ - before, now - start))) +
          " publishes/s");
    }
  }
}

bool PublishRun::publish_some() {
  if (outstanding() > kAheadMax * options_.connections) {
    return false;
  }
  bool can_go_on = false;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    const PublisherProtocol& protocol = source.publisher.protocol();
    const std::uint64_t owed = protocol.is_answered() ? protocol.owed() : 0;
    // Half of them at a time: an answer for each alone would be a write for each.
    if (source.publisher.has_unsent() || owed > depth_ / 2) {
      continue;
    }
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(depth_ - owed, left_));
    if (count == 0) {
      continue;
    }
    source.publisher.publish(PublishLedger::sequence(i, source.sent + 1), count);
    source.sent += count;
    sent_ += count;
    left_ -= left_ == UINT64_MAX ? 0 : count;
    can_go_on = can_go_on || (!protocol.is_answered() && !source.publisher.has_unsent());
  }
  return can_go_on;
}

bool PublishRun::is_idle() const {
  return std::all_of(sources_.begin(), sources_.end(),
                     [](const Source& source) { return source.publisher.is_idle(); });
}

std::uint64_t PublishRun::outstanding() const {
  const std::uint64_t due = (sent_ - errors()) * options_.connections;
  return due > ledger_.deliveries() ? due - ledger_.deliveries() : 0;
}

std::string PublishRun::failure() const {
  for (const Source& source : sources_) {
    if (!source.publisher.failure().empty()) {
      return source.publisher.failure();
    }
  }
  return {};
}

std::uint64_t PublishRun::errors() const {
  std::uint64_t sum = 0;
  for (const Source& source : sources_) {
    sum += source.publisher.protocol().errors();
  }
  return sum;
}

std::uint64_t PublishRun::progress() const {
  std::uint64_t sum = pool_.live() + ledger_.deliveries() + sent_;
  for (const Source& source : sources_) {
    sum += (source.publisher.is_ready() ? 1 : 0) - source.publisher.protocol().owed();
  }
  return sum;
}

void PublishRun::turn(std::int64_t wait_ns) {
  loop_.turn(wait_ns, [this](std::uint64_t token, std::uint32_t events, std::span<char> buffer) {
    if (pool_.owns(token)) {
      pool_.on_event(token, events, buffer);
    } else {
      sources_[static_cast<std::size_t>(token - options_.connections)].publisher.on_event(events,
                                                                                          buffer);
    }
  });
}

Outcome PublishRun::outcome(const Usage& usage, std::uint64_t published, bool is_stuck) const {
  Report report("publish: " + std::to_string(options_.publishers) + " publishers by " +
                name_of(options_.publish_by) + " x " + std::to_string(options_.payload_bytes) +
                " B, " + std::to_string(depth_) + " under way on each, " +
                std::to_string(options_.connections) + " subscribers, " +
                name_of(options_.dialect));
  report.text("scenario", "publish").text("dialect", name_of(options_.dialect));
  report.text("publish", name_of(options_.publish_by));
  report.count("publishers", options_.publishers).count("subscribers", options_.connections);
  report.count("payload_bytes", options_.payload_bytes);
  report.text("payload", name_of(options_.payload_kind)).count("depth", depth_);
  report.boolean("tls", options_.server.uses_tls);
  report.count("publishes", published, "published");
  report.count("errors", errors(), "refused");
  report.number("seconds", static_cast<double>(usage.elapsed.count()) / 1e9, 6, "time", "s");
  report.number("publishes_per_second", per_second(published, usage.elapsed), 0, "rate",
                "messages/s");
  add_usage(report, usage, "publish", published);
  if (options_.connections > 0) {
    report.count("deliveries", ledger_.deliveries(), "deliveries, with the warm-up");
    add_faults(report, faults_, options_.dialect);
  }
  report.boolean("stalled", is_stuck);

  Outcome outcome{.report = std::move(report), .is_good = false, .fault = {}};
  outcome.is_good = !is_stuck && faults_.none() && errors() == 0;
  if (!faults_.none()) {
    outcome.fault = faults_.first.empty() ? "messages did not come" : faults_.first;
  } else if (errors() > 0) {
    const auto refused = std::find_if(sources_.begin(), sources_.end(), [](const Source& source) {
      return source.publisher.protocol().errors() > 0;
    });
    outcome.fault = "refused: " + refused->publisher.protocol().first_error();
  } else if (is_stuck) {
    outcome.fault = "gave up waiting for answers or deliveries";
  }
  return outcome;
}

}  // namespace

Result<Outcome, std::string> run_publish_load(const RunContext& context) {
  return PublishRun(context).execute();
}

}  // namespace wspush::load
