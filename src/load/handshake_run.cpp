#include "load/handshake_run.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>
#include <vector>

#include "load/handshake.hpp"
#include "load/statistics.hpp"

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

// What the server still does for the last closes belongs to them.
constexpr nanoseconds kLinger = std::chrono::milliseconds(50);

class HandshakeRun {
 public:
  explicit HandshakeRun(const RunContext& context)
      : context_(context), options_(context.options), path_(subscriber_path(options_)) {}

  Result<Outcome, std::string> execute();

 private:
  struct Client {
    Connection connection;
    std::string unfinished;
    std::uint64_t number = 0;
    TimePoint started_at;
  };

  Result<void, std::string> run_phase(nanoseconds duration, std::uint64_t count);
  Result<void, std::string> start(std::size_t slot, TimePoint now);
  /// What is wrong; empty: nothing.
  std::string on_event(Client& client, std::uint32_t events, std::span<char> buffer);

  RunContext context_;
  const Options& options_;
  std::string path_;
  Loop loop_;
  std::vector<Client> clients_;
  std::uint64_t started_ = 0;
  std::uint64_t done_ = 0;
  std::string fault_;
  Durations times_;
};

Result<Outcome, std::string> HandshakeRun::execute() {
  clients_.resize(options_.connections);
  if (options_.warm_up.count() > 0) {
    if (auto warm = run_phase(options_.warm_up, 0); !warm) {
      return Unexpected(warm.error());
    }
  }
  times_.clear();
  const std::uint64_t before = done_;
  const std::uint64_t resumed_before = context_.tls != nullptr ? context_.tls->resumed() : 0;
  const UsageMeter meter(context_.meter);
  if (auto measured = run_phase(options_.duration, options_.messages); !measured) {
    return Unexpected(measured.error());
  }
  Usage usage = meter.so_far();
  ::usleep(static_cast<useconds_t>(kLinger.count() / 1000));
  usage.server = meter.so_far().server;

  const std::uint64_t count = done_ - before;
  Report report("handshakes: " + std::to_string(options_.connections) + " at once, " +
                name_of(options_.dialect) + (options_.server.uses_tls ? ", TLS" : ""));
  report.text("scenario", "handshakes").text("dialect", name_of(options_.dialect));
  report.count("connections", options_.connections);
  report.boolean("deflate", options_.is_deflated).boolean("tls", options_.server.uses_tls);
  report.count("handshakes", count, "handshakes");
  report.number("seconds", static_cast<double>(usage.elapsed.count()) / 1e9, 6, "time", "s");
  report.number("handshakes_per_second", per_second(count, usage.elapsed), 0, "rate",
                "connect + upgrade + close a second");
  if (context_.tls != nullptr) {
    report.count("resumed", context_.tls->resumed() - resumed_before, "resumed TLS sessions");
  }
  add_usage(report, usage, "handshake", count);
  report.microseconds("handshake_p50_us", times_.quantile(0.50), "connect to 101, p50");
  report.microseconds("handshake_p99_us", times_.quantile(0.99), "connect to 101, p99");
  return Outcome{.report = std::move(report), .is_good = true, .fault = {}};
}

Result<void, std::string> HandshakeRun::run_phase(nanoseconds duration, std::uint64_t count) {
  const TimePoint start_time = MonotonicClock::now();
  const std::uint64_t first = done_;
  Patience patience(options_.timeout,
                    count > 0 ? nanoseconds(std::chrono::hours(24)) : duration + kOvertimeMax);
  TimePoint now = start_time;
  const auto is_over = [&] {
    return count > 0 ? started_ - first >= count : now - start_time >= duration;
  };
  for (;;) {
    for (std::size_t slot = 0; slot < clients_.size() && !is_over(); ++slot) {
      if (!clients_[slot].connection.is_open()) {
        if (auto started = start(slot, now); !started) {
          return started;
        }
      }
    }
    if (is_over() && started_ == done_) {
      return {};
    }
    loop_.turn(kWaitNs, [&](std::uint64_t token, std::uint32_t events, std::span<char> buffer) {
      std::string wrong = on_event(clients_[static_cast<std::size_t>(token)], events, buffer);
      if (fault_.empty()) {
        fault_ = std::move(wrong);
      }
    });
    if (!fault_.empty()) {
      return Unexpected(fault_);
    }
    now = MonotonicClock::now();
    if (patience.is_over(done_, now)) {
      return Unexpected(std::string("the server stopped answering handshakes"));
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(std::to_string(done_) + " handshakes");
    }
  }
}

Result<void, std::string> HandshakeRun::start(std::size_t slot, TimePoint now) {
  Client& client = clients_[slot];
  client.number = started_;
  client.started_at = now;
  client.unfinished.clear();
  // Each next one from another address: the ports of those closed are kept for a minute.
  auto connection =
      Connection::dial(options_.server, context_.tls, loop_.poller(), slot,
                       static_cast<std::size_t>(started_) + static_cast<std::size_t>(::getpid()),
                       encode_handshake(options_, path_, subprotocol_of(options_.dialect), started_,
                                        options_.is_deflated));
  if (!connection) {
    return Unexpected("handshake " + std::to_string(started_) + ": " + connection.error());
  }
  ++started_;
  client.connection = std::move(*connection);
  return {};
}

std::string HandshakeRun::on_event(Client& client, std::uint32_t events, std::span<char> buffer) {
  if (!client.connection.is_open()) {
    return {};
  }
  if ((events & EPOLLOUT) != 0 && !client.connection.on_writable(loop_.poller())) {
    return "handshake: " + failure_text();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
    return {};
  }
  const auto read = client.connection.read(buffer, loop_.poller());
  if (!read) {
    return "handshake: " + failure_text();
  }
  client.unfinished.append(*read);
  std::string_view input = client.unfinished;
  std::string why;
  switch (take_handshake_answer(input, subprotocol_of(options_.dialect), client.number,
                                options_.is_deflated, why)) {
    case HandshakeStatus::kNeedMore:
      return {};
    case HandshakeStatus::kRefused:
      return why;
    case HandshakeStatus::kDone:
      break;
  }
  times_.add(MonotonicClock::now() - client.started_at);
  client.connection.close();
  ++done_;
  return {};
}

}  // namespace

Result<Outcome, std::string> run_handshakes(const RunContext& context) {
  return HandshakeRun(context).execute();
}

}  // namespace wspush::load
