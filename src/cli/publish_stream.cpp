#include "cli/publish_stream.hpp"

#include <array>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "cli/descriptor_io.hpp"
#include "cli/dialer.hpp"
#include "cli/ndjson_lines.hpp"
#include "cli/publish_request.hpp"
#include "cli/reconnect_policy.hpp"
#include "cli/response_reader.hpp"
#include "cli/sending_lines.hpp"
#include "cli/stop_signal.hpp"
#include "cli/stream_answer.hpp"
#include "cli/system_random.hpp"

namespace wspush::cli {
namespace {

/// Between the end of the input and the answer, without a byte in either direction.
constexpr std::chrono::seconds kAnswerTimeout{30};
/// The same where the user wants to end it.
constexpr std::chrono::seconds kStopTimeout{2};
/// Above it standard input waits; the program that feeds us is slowed down by its pipe.
constexpr std::size_t kWaitingBytesMax = std::size_t{256} * 1024;

class PublishStream {
 public:
  explicit PublishStream(const Options& options)
      : options_(options),
        input_(options.publish.topic, options.publish.message_key),
        buffer_(kReadBytes) {}

  int run() {
    dial();
    while (!exit_code_) {
      turn();
    }
    if (sending_.waiting_bytes() > 0) {
      note("lines that were read are not sent");
    }
    return *exit_code_;
  }

 private:
  enum class Phase : std::uint8_t { kWaiting, kDialing, kTalking };

  void turn() {
    std::array<pollfd, 3> entries{};
    entries[0] = {.fd = stop_.fd(), .events = POLLIN, .revents = 0};
    const bool reads = !has_input_ended_ && sending_.waiting_bytes() < kWaitingBytesMax;
    entries[1] = {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    entries[2] = {.fd = -1, .events = 0, .revents = 0};
    if (phase_ == Phase::kDialing) {
      entries[2] = {.fd = dialer_.fd(), .events = dialer_.events(), .revents = 0};
    } else if (phase_ == Phase::kTalking) {
      const bool writes = !sending_.next().empty() || socket_.has_unsent();
      const int events = POLLIN | (writes ? POLLOUT : 0);
      entries[2] = {.fd = socket_.fd(), .events = static_cast<short>(events), .revents = 0};
    }
    wait_for(entries, deadline());
    now_ = MonotonicClock::now();
    if (stop_.take()) {
      on_stop();
    }
    if (entries[1].revents != 0 && !exit_code_) {
      read_input();
    }
    if (!exit_code_) {
      go_on(entries[2].revents);
    }
  }

  std::optional<TimePoint> deadline() const {
    if (phase_ == Phase::kTalking && !has_input_ended_) {
      return std::nullopt;  // As long as the input lasts the server has nothing to say.
    }
    return is_stopping_ ? std::min(deadline_, stop_deadline_) : deadline_;
  }

  void go_on(short events) {
    if (is_stopping_ && now_ >= stop_deadline_) {
      exit_code_ = 0;
      return;
    }
    switch (phase_) {
      case Phase::kWaiting:
        if (now_ >= deadline_) {
          dial();
        }
        break;
      case Phase::kDialing:
        if (events != 0 || now_ >= deadline_) {
          on_dialed(dialer_.check(now_));
        }
        break;
      case Phase::kTalking:
        talk(events);
        break;
    }
  }

  void read_input() {
    const IoResult result = read_some(STDIN_FILENO, {buffer_.data(), buffer_.size()});
    NdjsonLines::Output output;
    bool is_good = true;
    if (result.error != 0) {
      output.notes.push_back("cannot read standard input: " + error_text(result.error));
      is_good = false;
    } else if (result.has_ended) {
      input_.finish(output);
      end_input();
    } else {
      is_good = input_.feed({buffer_.data(), result.bytes}, output);
    }
    sending_.append(output.lines);
    for (const std::string& each : output.notes) {
      note(each);
    }
    if (!is_good) {
      exit_code_ = 1;
    }
  }

  void end_input() {
    has_input_ended_ = true;
    sending_.end();
    if (phase_ == Phase::kTalking) {
      deadline_ = now_ + kAnswerTimeout;
    }
  }

  /// Lets what was read go out and hears what became of it, if that does not take long.
  void on_stop() {
    if (is_stopping_ || phase_ != Phase::kTalking) {
      exit_code_ = 0;
      return;
    }
    is_stopping_ = true;
    stop_deadline_ = now_ + kStopTimeout;
    end_input();
  }

  void dial() {
    now_ = MonotonicClock::now();
    phase_ = Phase::kDialing;
    on_dialed(dialer_.begin(options_.api, now_));
  }

  void on_dialed(Dialer::Status status) {
    deadline_ = dialer_.deadline();
    if (status == Dialer::Status::kFailed) {
      lost(dialer_.error(), std::nullopt);
    } else if (status == Dialer::Status::kConnected) {
      was_connected_ = true;
      phase_ = Phase::kTalking;
      socket_ = dialer_.take();
      response_.emplace("POST");
      sending_.begin(encode_stream_head(options_));
      connected_at_ = now_;
      deadline_ = now_ + kAnswerTimeout;
    }
  }

  void talk(short events) {
    const ByteView out = sending_.next();
    if (!out.empty() || socket_.has_unsent()) {
      const IoResult sent = socket_.send(out);
      sending_.sent(sent.bytes);
      deadline_ = sent.bytes > 0 ? now_ + kAnswerTimeout : deadline_;
      if (sent.error != 0 && (events & POLLIN) == 0) {
        lost(options_.api.url + ": " + error_text(sent.error), std::nullopt);
        return;
      }
    }
    if ((events & ~POLLOUT) != 0) {
      do {
        receive();
      } while (!exit_code_ && phase_ == Phase::kTalking && socket_.has_unread());
    } else if (has_input_ended_ && now_ >= deadline_) {
      lost(options_.api.url + ": no answer within 30 s", std::nullopt);
    }
  }

  void receive() {
    const IoResult got = socket_.read({buffer_.data(), buffer_.size()});
    if (got.error != 0) {
      lost(options_.api.url + ": " + error_text(got.error), std::nullopt);
      return;
    }
    deadline_ = now_ + kAnswerTimeout;
    ByteView input(buffer_.data(), got.bytes);
    switch (got.has_ended ? response_->on_end() : response_->feed(input)) {
      case ResponseReader::Status::kNeedMore:
        break;
      case ResponseReader::Status::kComplete:
        on_answer();
        break;
      case ResponseReader::Status::kUpgraded:
      case ResponseReader::Status::kError:
        lost(options_.api.url + ": " + response_->error(), std::nullopt);
        break;
    }
  }

  void on_answer() {
    const int status = response_->status();
    if (status != 200) {
      const std::string why =
          options_.api.url + " refused the lines with " + response_->describe_refusal();
      if (status == 408 || status == 429 || status >= 500) {
        lost(why, response_->retry_after());
      } else {
        note(why + std::string(remedy_for(status)));
        exit_code_ = 1;
      }
      return;
    }
    const bool is_end = sending_.is_done();
    sending_.cut();
    const auto answer = parse_stream_answer(response_->body(), sending_.lines_before());
    if (!answer) {
      note(options_.api.url + " is no wspushd: it gave another answer; is --api right?");
      exit_code_ = 1;
      return;
    }
    for (const std::string& each : answer->notes) {
      note(each);
    }
    has_failed_ = has_failed_ || answer->failed > 0;
    if (is_end) {
      finish();
    } else {
      come_back(options_.api.url + " ended the request", std::nullopt);
    }
  }

  void lost(const std::string& why, std::optional<std::chrono::seconds> retry_after) {
    if (!was_connected_ && !options_.retry) {
      note(why +
           "; is wspushd running there? Give its internal listener by --api, or wait for it "
           "by --retry");
      exit_code_ = 1;
      return;
    }
    sending_.cut();
    const bool is_unknown = phase_ == Phase::kTalking && sending_.has_sent_lines();
    has_failed_ = has_failed_ || is_unknown;
    if (is_unknown) {
      note("lines that were on their way may be lost");
    }
    if (is_stopping_) {
      exit_code_ = 0;
    } else if (has_input_ended_ && sending_.waiting_bytes() == 0) {
      note(why);
      finish();
    } else {
      come_back(why, retry_after);
    }
  }

  void come_back(const std::string& why, std::optional<std::chrono::seconds> retry_after) {
    if (phase_ == Phase::kTalking) {
      policy_.on_lost(now_ - connected_at_);
      told_.clear();
    }
    if (why != told_) {
      told_ = why;
      note(why + "; coming back");
    }
    socket_ = Transport();
    phase_ = Phase::kWaiting;
    deadline_ = now_ + policy_.next_delay(retry_after);
  }

  void finish() { exit_code_ = !is_stopping_ && (has_failed_ || input_.failed() > 0) ? 1 : 0; }

  const Options& options_;
  StopSignal stop_;
  SystemRandom random_;
  ReconnectPolicy policy_{random_};
  NdjsonLines input_;
  SendingLines sending_;
  Dialer dialer_{options_.tls};
  Transport socket_;
  std::optional<ResponseReader> response_;
  std::vector<char> buffer_;
  Phase phase_ = Phase::kDialing;
  TimePoint now_;
  TimePoint deadline_;  ///< of the phase: next attempt, connect, answer
  TimePoint stop_deadline_;
  TimePoint connected_at_;
  bool has_input_ended_ = false;
  bool is_stopping_ = false;
  bool was_connected_ = false;
  bool has_failed_ = false;
  std::string told_;
  std::optional<int> exit_code_;
};

}  // namespace

int run_publish_stream(const Options& options) {
  return PublishStream(options).run();
}

}  // namespace wspush::cli
