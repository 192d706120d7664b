#include "load/echo_run.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>
#include <vector>

#include "load/echo_client.hpp"

namespace wspush::load {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kOpeningMax = 256;

class EchoRun {
 public:
  explicit EchoRun(const RunContext& context)
      : context_(context),
        options_(context.options),
        ring_(options_),
        echo_{options_, ring_, faults_, inflater_, round_trips_} {
    clients_.reserve(options_.connections);
  }

  Result<Outcome, std::string> execute();

 private:
  struct Client {
    Connection connection;
    EchoClient echo;
    bool is_counted = false;
  };

  Result<void, std::string> open();
  /// Sends until the limit, then waits for what is in flight. False: gave up.
  bool run_phase(nanoseconds duration, std::uint64_t messages);
  void turn(std::int64_t wait_ns);
  void on_event(Client& client, std::uint32_t events, std::span<char> buffer);
  bool read_some(Client& client, std::span<char> buffer);
  /// False: the connection is gone.
  bool refill(Client& client, TimePoint now);
  void on_closed(Client& client);
  Report report(const Usage& usage, std::uint64_t messages, bool is_stuck);

  RunContext context_;
  const Options& options_;
  Loop loop_;
  MessageRing ring_;
  Faults faults_;
  FrameInflater inflater_;
  Durations round_trips_;
  EchoContext echo_;
  std::vector<Client> clients_;
  std::size_t live_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t in_flight_ = 0;
  std::uint64_t left_ = 0;  // messages that may still be sent in this phase
  std::string out_;
};

Result<Outcome, std::string> EchoRun::execute() {
  if (auto opened = open(); !opened) {
    return Unexpected(opened.error());
  }
  bool is_good = options_.warm_up.count() == 0 || run_phase(options_.warm_up, 0);
  round_trips_.clear();
  const std::uint64_t before = received_;
  const UsageMeter usage(context_.meter);
  is_good = is_good && run_phase(options_.duration, options_.messages);
  const Usage used = usage.so_far();
  faults_.missing = in_flight_;
  Outcome outcome{.report = report(used, received_ - before, !is_good)};
  outcome.is_good = is_good && faults_.none();
  if (!outcome.is_good) {
    outcome.fault = faults_.first.empty() ? "echoes stopped coming" : faults_.first;
  }
  return outcome;
}

Result<void, std::string> EchoRun::open() {
  Patience patience(options_.timeout, kOvertimeMax);
  while (live_ < options_.connections) {
    while (clients_.size() < options_.connections && clients_.size() - live_ < kOpeningMax) {
      const std::size_t index = clients_.size();
      EchoClient echo(static_cast<std::uint32_t>(index), options_.depth);
      auto connection = Connection::dial(options_.server, context_.tls, loop_.poller(), index,
                                         index / 4096 + static_cast<std::size_t>(::getpid()) * 3,
                                         echo.opening(echo_));
      if (!connection) {
        return Unexpected("connection " + std::to_string(index) + ": " + connection.error());
      }
      clients_.push_back({std::move(*connection), std::move(echo)});
    }
    turn(kWaitNs);
    if (!faults_.none()) {
      return Unexpected(faults_.first);
    }
    const TimePoint now = MonotonicClock::now();
    if (patience.is_over(live_, now)) {
      return Unexpected(std::string("the server stopped answering handshakes"));
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(std::to_string(live_) + " of " + std::to_string(options_.connections) +
                            " connected");
    }
  }
  return {};
}

bool EchoRun::run_phase(nanoseconds duration, std::uint64_t messages) {
  const TimePoint start = MonotonicClock::now();
  const std::uint64_t before = received_;
  Patience patience(options_.timeout,
                    messages > 0 ? nanoseconds(std::chrono::hours(24)) : duration + kOvertimeMax);
  left_ = messages > 0 ? messages : UINT64_MAX;
  for (Client& client : clients_) {
    if (client.connection.is_open() && !refill(client, start)) {
      on_closed(client);
    }
  }
  for (;;) {
    const TimePoint now = MonotonicClock::now();
    if (messages == 0 && now - start >= duration) {
      left_ = 0;
    }
    if (faults_.closed > 0) {
      return false;
    }
    if (left_ == 0 && in_flight_ == 0) {
      return true;
    }
    turn(kWaitNs);
    if (patience.is_over(received_, now)) {
      return false;
    }
    if (context_.progress.is_due(now)) {
      context_.progress.say(
          std::to_string(static_cast<std::uint64_t>(per_second(received_ - before, now - start))) +
          " messages/s");
    }
  }
}

void EchoRun::turn(std::int64_t wait_ns) {
  loop_.turn(wait_ns, [this](std::uint64_t token, std::uint32_t events, std::span<char> buffer) {
    on_event(clients_[static_cast<std::size_t>(token)], events, buffer);
  });
}

void EchoRun::on_event(Client& client, std::uint32_t events, std::span<char> buffer) {
  if (!client.connection.is_open()) {
    return;
  }
  if (((events & EPOLLOUT) != 0 && !client.connection.on_writable(loop_.poller())) ||
      ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(client, buffer))) {
    on_closed(client);
  }
}

bool EchoRun::read_some(Client& client, std::span<char> buffer) {
  bool has_more = true;
  while (has_more) {
    const auto input = client.connection.read(buffer, loop_.poller());
    if (!input) {
      return false;
    }
    has_more = !input->empty() && client.connection.has_buffered();
    const TimePoint now = MonotonicClock::now();
    const std::uint64_t before = client.echo.received();
    out_.clear();
    const bool is_good = client.echo.take(*input, now, echo_, out_);
    const std::uint64_t came = client.echo.received() - before;
    received_ += came;
    in_flight_ -= came;
    if (!is_good || (!out_.empty() && !client.connection.send(out_, loop_.poller()))) {
      return false;
    }
    if (!client.is_counted && client.echo.is_live()) {
      client.is_counted = true;
      ++live_;
    } else if (came > 0 && !refill(client, now)) {
      return false;
    }
  }
  return true;
}

bool EchoRun::refill(Client& client, TimePoint now) {
  out_.clear();
  const std::size_t count = client.echo.refill(
      now, static_cast<std::size_t>(std::min<std::uint64_t>(left_, SIZE_MAX)), echo_, out_);
  left_ -= left_ == UINT64_MAX ? 0 : count;
  in_flight_ += count;
  return out_.empty() || client.connection.send(out_, loop_.poller());
}

void EchoRun::on_closed(Client& client) {
  ++faults_.closed;
  faults_.note("a connection: " + failure_text());
  client.connection.close();
}

Report EchoRun::report(const Usage& usage, std::uint64_t messages, bool is_stuck) {
  Report report("echo: " + std::to_string(options_.connections) + " connections x " +
                std::to_string(options_.payload_bytes) + " B, " + std::to_string(options_.depth) +
                " in flight on each" + (options_.is_deflated ? ", compressed" : "") +
                (options_.server.uses_tls ? ", TLS" : ""));
  report.text("scenario", "echo").count("connections", options_.connections);
  report.count("payload_bytes", options_.payload_bytes);
  report.text("payload", name_of(options_.payload_kind)).boolean("text", options_.is_text);
  report.count("depth", options_.depth).boolean("deflate", options_.is_deflated);
  report.boolean("tls", options_.server.uses_tls);
  report.count("messages", messages, "messages there and back");
  report.number("seconds", static_cast<double>(usage.elapsed.count()) / 1e9, 6, "time", "s");
  report.number("messages_per_second", per_second(messages, usage.elapsed), 0, "rate",
                "messages/s");
  add_usage(report, usage, "message", messages);
  report.microseconds("round_trip_p50_us", round_trips_.quantile(0.50), "round trip, p50");
  report.microseconds("round_trip_p99_us", round_trips_.quantile(0.99), "round trip, p99");
  report.count("missing", faults_.missing, "missing");
  report.count("corrupt", faults_.corrupt, "different from what was sent");
  report.count("closed", faults_.closed, "closed");
  report.boolean("stalled", is_stuck);
  return report;
}

}  // namespace

Result<Outcome, std::string> run_echo(const RunContext& context) {
  return EchoRun(context).execute();
}

}  // namespace wspush::load
