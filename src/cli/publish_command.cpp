#include "cli/publish_command.hpp"

#include <array>
#include <cstdio>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/json.hpp"
#include "cli/byte_queue.hpp"
#include "cli/descriptor_io.hpp"
#include "cli/dialer.hpp"
#include "cli/publish_request.hpp"
#include "cli/reconnect_policy.hpp"
#include "cli/response_reader.hpp"
#include "cli/stop_signal.hpp"
#include "cli/system_random.hpp"

namespace wspush::cli {
namespace {

/// Without a byte in either direction.
constexpr std::chrono::seconds kAnswerTimeout{30};
constexpr std::size_t kPayloadBytesMax = std::size_t{64} << 20;

constexpr std::string_view kNotThere =
    "; is wspushd running there? Give its internal listener by --api, or wait for it by --retry";

/// How one attempt went.
struct Attempt {
  std::optional<int> exit_code;  ///< none: may be tried again
  std::string why;               ///< then: what was wrong
  std::optional<std::chrono::seconds> retry_after;
};

class PublishOnce {
 public:
  explicit PublishOnce(const Options& options) : options_(options), buffer_(kReadBytes) {}

  int run() {
    if (const auto code = read_payload()) {
      return *code;
    }
    const std::string_view type = content_type_of(payload_, options_.publish.type);
    if (const auto checked = check_json(payload_);
        options_.publish.type == PayloadType::kJson && !checked) {
      note("the payload is not JSON: " + std::string(checked.error().text) + ", byte " +
           std::to_string(checked.error().offset + 1));
      return 1;
    }
    head_ = encode_publish_head(options_, type, payload_.size());
    std::string told;
    while (true) {
      const Attempt attempt = try_once();
      if (attempt.exit_code) {
        return *attempt.exit_code;
      }
      if (!options_.retry) {
        note(attempt.why);
        return 1;
      }
      if (attempt.why != told) {
        told = attempt.why;
        note(told + "; trying again");
      }
      if (wait(nullptr, MonotonicClock::now() + policy_.next_delay(attempt.retry_after))) {
        return 0;
      }
    }
  }

 private:
  /// True when it is time to stop. `entry` gets its events.
  bool wait(pollfd* entry, std::optional<TimePoint> deadline) {
    std::array<pollfd, 2> entries{};
    entries[0] = {.fd = stop_.fd(), .events = POLLIN, .revents = 0};
    entries[1] = entry != nullptr ? *entry : pollfd{.fd = -1, .events = 0, .revents = 0};
    wait_for(entries, deadline);
    if (entry != nullptr) {
      entry->revents = entries[1].revents;
    }
    return stop_.take();
  }

  /// An exit code where there is no payload.
  std::optional<int> read_payload() {
    if (options_.publish.data) {
      payload_ = *options_.publish.data;
      return std::nullopt;
    }
    while (true) {
      pollfd entry{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
      if (wait(&entry, std::nullopt)) {
        return 0;
      }
      if (entry.revents == 0) {
        continue;
      }
      const IoResult result = read_some(STDIN_FILENO, {buffer_.data(), buffer_.size()});
      if (result.error != 0) {
        note("cannot read standard input: " + error_text(result.error));
        return 1;
      }
      if (result.has_ended) {
        return std::nullopt;
      }
      if (result.bytes > kPayloadBytesMax - payload_.size()) {
        note("standard input is longer than 64 MiB; for a message a line give --ndjson");
        return 1;
      }
      payload_.append(buffer_.data(), result.bytes);
    }
  }

  Attempt try_once() {
    Dialer dialer(options_.tls);
    Dialer::Status status = dialer.begin(options_.api, MonotonicClock::now());
    while (status == Dialer::Status::kPending) {
      pollfd entry{.fd = dialer.fd(), .events = dialer.events(), .revents = 0};
      if (wait(&entry, dialer.deadline())) {
        return {.exit_code = 0, .why = {}};
      }
      status = dialer.check(MonotonicClock::now());
    }
    if (status == Dialer::Status::kFailed) {
      return {.why = dialer.error() + (options_.retry ? "" : std::string(kNotThere)),
              .retry_after = {}};
    }
    Transport socket = dialer.take();
    return exchange(socket);
  }

  Attempt exchange(Transport& socket) {
    ByteQueue out;
    out.append(head_);
    out.append(payload_);
    ResponseReader response("POST");
    ResponseReader::Status status = ResponseReader::Status::kNeedMore;
    while (status == ResponseReader::Status::kNeedMore) {
      const bool writes = !out.empty() || socket.has_unsent();
      pollfd entry{.fd = socket.fd(),
                   .events = static_cast<short>(POLLIN | (writes ? POLLOUT : 0)),
                   .revents = 0};
      if (wait(&entry, MonotonicClock::now() + kAnswerTimeout)) {
        return {.exit_code = 0, .why = {}};
      }
      if (entry.revents == 0) {
        return unknown("no answer within 30 s");
      }
      if (writes) {
        const IoResult sent = socket.send(out.view());
        // An answer may be there all the same (413): the read tells.
        sent.error != 0 ? out.clear() : out.drop(sent.bytes);
      }
      bool has_input = (entry.revents & ~POLLOUT) != 0;
      while (has_input && status == ResponseReader::Status::kNeedMore) {
        const IoResult got = socket.read({buffer_.data(), buffer_.size()});
        if (got.error != 0) {
          return unknown(error_text(got.error));
        }
        ByteView input(buffer_.data(), got.bytes);
        status = got.has_ended ? response.on_end() : response.feed(input);
        has_input = socket.has_unread();
      }
    }
    if (status != ResponseReader::Status::kComplete) {
      return unknown(response.error());
    }
    return judge(response);
  }

  /// Whether it was published is not known, so a repeat is only safe with a key.
  Attempt unknown(const std::string& why) {
    const std::string text = options_.api.url + ": " + why;
    if (!options_.publish.idempotency_key.empty()) {
      return {.why = text};
    }
    note(text +
         "; whether the message was published is not known (--idempotency-key makes a "
         "repeat safe)");
    return {.exit_code = 1, .why = {}};
  }

  Attempt judge(const ResponseReader& response) {
    if (response.status() >= 200 && response.status() < 300) {
      if (options_.publish.verbose) {
        const auto object = parse_json_object(response.body());
        const JsonValue* id = object ? object->find("id") : nullptr;
        std::string scratch;
        const std::string text(id != nullptr ? id->string(scratch) : ByteView());
        std::printf("%s\n", text.c_str());
      }
      return {.exit_code = 0, .why = {}};
    }
    std::string why = "\"" + *options_.publish.topic + "\" at " + options_.api.url +
                      " was refused with " + response.describe_refusal();
    why += remedy_for(response.status());
    if (response.status() == 429 || response.status() == 503) {
      return {.why = std::move(why), .retry_after = response.retry_after()};
    }
    note(why);
    return {.exit_code = 1, .why = {}};
  }

  const Options& options_;
  StopSignal stop_;
  SystemRandom random_;
  ReconnectPolicy policy_{random_};
  std::vector<char> buffer_;
  std::string payload_;
  std::string head_;
};

}  // namespace

int run_publish(const Options& options) {
  return PublishOnce(options).run();
}

}  // namespace wspush::cli
