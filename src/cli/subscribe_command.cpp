#include "cli/subscribe_command.hpp"

#include <array>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "cli/descriptor_io.hpp"
#include "cli/dialer.hpp"
#include "cli/line_output.hpp"
#include "cli/reconnect_policy.hpp"
#include "cli/stop_signal.hpp"
#include "cli/subscriber.hpp"
#include "cli/system_random.hpp"
#include "cli/ws_client.hpp"

namespace wspush::cli {
namespace {

constexpr std::chrono::seconds kHandshakeTimeout{10};
/// On top of the server's own interval, for the way and a busy machine.
constexpr std::chrono::seconds kSilenceGrace{10};
/// More than this in front of a slow reader of ours, and we stop reading: the server then waits,
/// and what it cannot keep it tells us as a gap.
constexpr std::size_t kWaitingBytesMax = std::size_t{1} << 20;

std::string_view remedy_for(int status) {
  switch (status) {
    case 401:
      return "; give a valid --token";
    case 404:
      return "; is --url the public listener, with its path_prefix?";
    default:
      return "";
  }
}

class SubscribeLoop {
 public:
  explicit SubscribeLoop(const Options& options)
      : options_(options), subscriber_(options.subscribe), buffer_(kReadBytes) {}

  int run() {
    dial();
    while (!exit_code_) {
      turn();
    }
    if (client_ && client_->is_open()) {
      client_->send_close(out_);
      send();
    }
    return *exit_code_;
  }

 private:
  enum class Phase : std::uint8_t { kWaiting, kDialing, kTalking, kFlushing };

  void turn() {
    const bool reads = output_.waiting_bytes() < kWaitingBytesMax;
    std::array<pollfd, 3> entries{};
    entries[0] = {.fd = stop_.fd(), .events = POLLIN, .revents = 0};
    // Without an event asked for it still tells that nobody reads any more.
    entries[1] = {
        .fd = output_.fd(), .events = output_.empty() ? short{0} : short{POLLOUT}, .revents = 0};
    entries[2] = {.fd = -1, .events = 0, .revents = 0};
    if (phase_ == Phase::kDialing) {
      entries[2] = {.fd = dialer_.fd(), .events = dialer_.events(), .revents = 0};
    } else if (phase_ == Phase::kTalking) {
      const bool writes = !out_.empty() || socket_.has_unsent();
      const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
      entries[2] = {.fd = events == 0 ? -1 : socket_.fd(),
                    .events = static_cast<short>(events),
                    .revents = 0};
    }
    wait_for(entries, phase_ == Phase::kFlushing ? std::nullopt : std::optional(deadline_));
    now_ = MonotonicClock::now();
    if (stop_.take()) {
      exit_code_ = 0;
      return;
    }
    if (entries[1].revents != 0) {
      flush();
    }
    if (!reads && phase_ == Phase::kTalking) {
      heard();  // Our own slowness says nothing about the server.
    }
    if (exit_code_) {
      return;
    }
    switch (phase_) {
      case Phase::kWaiting:
        if (now_ >= deadline_) {
          dial();
        }
        break;
      case Phase::kDialing:
        if (entries[2].revents != 0 || now_ >= deadline_) {
          on_dialed(dialer_.check(now_));
        }
        break;
      case Phase::kTalking:
        talk(entries[2].revents);
        break;
      case Phase::kFlushing:
        break;
    }
  }

  void dial() {
    now_ = MonotonicClock::now();
    phase_ = Phase::kDialing;
    on_dialed(dialer_.begin(options_.url, now_));
  }

  void on_dialed(Dialer::Status status) {
    deadline_ = dialer_.deadline();
    if (status == Dialer::Status::kFailed) {
      lost(dialer_.error());
    } else if (status == Dialer::Status::kConnected) {
      phase_ = Phase::kTalking;
      socket_ = dialer_.take();
      client_ = std::make_unique<WsClient>(options_.url, options_.token, random_);
      out_.clear();
      client_->begin(out_);
      connected_at_ = now_;
      deadline_ = now_ + kHandshakeTimeout;
      send();
    }
  }

  void talk(short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      receive();
    }
    while (phase_ == Phase::kTalking && socket_.has_unread()) {
      receive();
    }
    if (phase_ == Phase::kTalking && (!out_.empty() || socket_.has_unsent())) {
      send();
    }
    if (phase_ == Phase::kTalking && now_ >= deadline_) {
      on_silence();
    }
  }

  void receive() {
    const IoResult result = socket_.read({buffer_.data(), buffer_.size()});
    if (result.error != 0) {
      lost(error_text(result.error));
      return;
    }
    if (result.bytes > 0 && client_->is_open()) {
      heard();
    }
    MutableBytes input(buffer_.data(), result.bytes);
    while (phase_ == Phase::kTalking) {
      const WsEvent event = client_->next(input, out_);
      if (event.kind == WsEvent::Kind::kNone) {
        break;
      }
      on_event(event);
    }
    if (phase_ == Phase::kTalking && result.has_ended) {
      on_event(client_->on_end());
    }
    flush();
  }

  void on_event(const WsEvent& event) {
    switch (event.kind) {
      case WsEvent::Kind::kNone:
        break;
      case WsEvent::Kind::kOpen:
        heard();
        client_->send_text(subscriber_.subscribe_command(), out_);
        break;
      case WsEvent::Kind::kText:
        on_text(as_view(event.payload));
        break;
      case WsEvent::Kind::kRefused:
        on_refused(event);
        break;
      case WsEvent::Kind::kClosed:
        send();  // our half of the close
        if (event.close_code == websocket::CloseCode::kTokenExpired ||
            event.close_code == websocket::CloseCode::kAuthenticationRequired) {
          give_up(event.text + "; give a valid --token");
        } else {
          lost(event.text);
        }
        break;
      case WsEvent::Kind::kFailed:
        send();
        lost(event.text);
        break;
    }
  }

  void on_text(ByteView text) {
    Subscriber::Output output;
    const Subscriber::Verdict verdict = subscriber_.on_text(text, output);
    output_.append(output.lines);
    if (subscriber_.is_subscribed()) {
      told_.clear();
    }
    for (const std::string& each : output.notes) {
      note(each);
    }
    switch (verdict) {
      case Subscriber::Verdict::kGoOn:
        break;
      case Subscriber::Verdict::kDone:
        finish(0);
        break;
      case Subscriber::Verdict::kRefused:
        finish(1);
        break;
      case Subscriber::Verdict::kComeBack:
        lost("the server refused for now");
        break;
    }
  }

  void on_refused(const WsEvent& event) {
    const bool is_full = event.status == 503 || event.status == 429;
    const bool is_passing = event.status >= 500 && (may_come_back() || is_full);
    if (is_full || is_passing) {
      come_back(options_.url.url + " refused the connection with " + event.text, event.retry_after);
    } else {
      give_up(options_.url.url + " refused the connection with " + event.text +
              std::string(remedy_for(event.status)));
    }
  }

  /// Nothing came for as long as the server is silent at most: asks once, then gives up on it.
  void on_silence() {
    if (client_->is_open() && !has_asked_) {
      has_asked_ = true;
      client_->send_text(Subscriber::ping_command(), out_);
      deadline_ = now_ + kSilenceGrace;
      send();
    } else {
      lost(client_->is_open() ? "the server is silent" : "no answer to the handshake");
    }
  }

  void heard() {
    has_asked_ = false;
    deadline_ = now_ + subscriber_.ping_interval();
  }

  void send() {
    const IoResult result = socket_.send(out_);
    out_.erase(0, result.bytes);
    // What the server said before it went away comes first: the next read tells.
    if (result.error != 0) {
      out_.clear();
    }
  }

  void flush() {
    switch (output_.flush()) {
      case LineOutput::Status::kOk:
        if (phase_ == Phase::kFlushing && output_.empty()) {
          exit_code_ = final_code_;
        } else if (output_.empty() && is_closed_by_reader()) {
          exit_code_ = 0;
        }
        break;
      case LineOutput::Status::kClosed:
        exit_code_ = 0;
        break;
      case LineOutput::Status::kFailed:
        note("cannot write to standard output: " + error_text(output_.error()));
        exit_code_ = 1;
        break;
    }
  }

  bool is_closed_by_reader() const {
    pollfd entry{.fd = output_.fd(), .events = 0, .revents = 0};
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLERR | POLLHUP)) != 0;
  }

  bool may_come_back() const { return options_.retry || subscriber_.was_ever_subscribed(); }

  void lost(const std::string& why) {
    if (!may_come_back()) {
      give_up(why.find(options_.url.url) != std::string::npos ? why
                                                              : options_.url.url + ": " + why);
      note(
          "is wspushd running there? Give its public listener by --url, or wait for it by --retry");
      return;
    }
    come_back(why, std::nullopt);
  }

  void come_back(const std::string& why, std::optional<std::chrono::seconds> retry_after) {
    if (client_ && client_->is_open()) {
      policy_.on_lost(now_ - connected_at_);
    }
    client_.reset();
    socket_ = Transport();
    const auto delay = policy_.next_delay(retry_after);
    // A server that is away is told once, not at each attempt.
    if (why != told_) {
      note(why + "; coming back");
      told_ = why;
    }
    phase_ = Phase::kWaiting;
    deadline_ = now_ + delay;
  }

  void give_up(const std::string& why) {
    note(why);
    finish(1);
  }

  /// Ends as soon as the lines are out.
  void finish(int code) {
    final_code_ = code;
    phase_ = Phase::kFlushing;
    flush();
  }

  const Options& options_;
  StopSignal stop_;
  SystemRandom random_;
  Subscriber subscriber_;
  ReconnectPolicy policy_{random_};
  LineOutput output_{STDOUT_FILENO};
  Dialer dialer_{options_.tls};
  Transport socket_;
  std::unique_ptr<WsClient> client_;
  std::string out_;  ///< on its way to the server
  std::vector<char> buffer_;
  Phase phase_ = Phase::kDialing;
  TimePoint now_;
  TimePoint deadline_;  ///< of the phase: next attempt, connect, handshake, silence
  TimePoint connected_at_;
  bool has_asked_ = false;
  std::string told_;
  int final_code_ = 0;
  std::optional<int> exit_code_;
};

}  // namespace

int run_subscribe(const Options& options) {
  return SubscribeLoop(options).run();
}

}  // namespace wspush::cli
