#include "door/sse_session.hpp"

#include <algorithm>

#include "door/credentials.hpp"
#include "door/sse_format.hpp"
#include "http/response_writer.hpp"

namespace wspush::door {
namespace {

/// For one that is going away: to take what was published before.
constexpr auto kLeaveTime = std::chrono::seconds(5);

/// When the client comes back by itself: drawn for each, so that those who were cut off together
/// do not come back together.
constexpr std::uint64_t kRetryMillisecondsMin = 1000;
constexpr std::uint64_t kRetryMillisecondsMax = 3000;

/// Its `id` is the place behind the hole: who comes back without having got more is not told of
/// the same hole again.
void append_topic_gap(std::string& out, ByteView topic, ByteView after, hub::MessageId next) {
  append_gap_event(out, {.id = to_string(hub::MessageId{next.epoch, next.offset - 1}),
                         .topic = topic,
                         .after = after,
                         .next = to_string(next)});
}

}  // namespace

SseSession::SseSession(Connection& connection, Context& context, auth::IdentityRef identity,
                       bool is_chunked)
    : connection_(connection),
      context_(context),
      identity_(std::move(identity)),
      opened_(context.now),
      is_chunked_(is_chunked) {
  // The first look is anywhere within the interval, as that of a WebSocket's heartbeat.
  const auto interval =
      static_cast<std::uint64_t>(connection_.config().heartbeat.ping_interval.count());
  const auto first_look =
      std::chrono::milliseconds(context_.random.below(std::max<std::uint64_t>(interval, 1)));
  connection_.set_deadline(std::min(context_.now + first_look, identity_end()));
}

TimePoint SseSession::identity_end() const {
  return identity_deadline(context_, identity_.get(), opened_);
}

void SseSession::open(ByteView start) {
  const std::uint64_t retry =
      kRetryMillisecondsMin +
      context_.random.below(kRetryMillisecondsMax - kRetryMillisecondsMin + 1);
  std::string text = "retry: " + std::to_string(retry) + "\n";
  text.append(start);
  say(text);
}

void SseSession::say(ByteView text) {
  if (!is_chunked_) {
    connection_.write(text, {});
    return;
  }
  std::string chunk;
  http::append_chunk(chunk, text);
  connection_.write(chunk, {});
}

void SseSession::on_input_end() {
  // Who closes an EventSource says nothing else.
  is_closing_ = true;
  connection_.close_now();
}

void SseSession::on_deadline(TimePoint now) {
  if (is_closing_) {
    return;
  }
  if (is_leaving_ || is_identity_over(context_, identity_.get(), opened_)) {
    finish();
    return;
  }
  const Duration interval = connection_.config().heartbeat.ping_interval;
  const TimePoint last_sent =
      std::max(connection_.last_sent(), context_.hub.last_delivery(connection_.handle().slot));
  TimePoint due = last_sent + interval;
  // The first look comes early: its comment moves a quiet connection away from those that came
  // with it.
  const bool is_due = now >= due || (!is_examined_ && last_sent <= opened_);
  is_examined_ = true;
  if (is_due) {
    due = now + interval;
    if (!connection_.is_blocked()) {  // Else there is something to send already.
      say(kSseComment);
    }
  }
  connection_.set_deadline(std::min(due, identity_end()));
}

void SseSession::on_rules_changed() {
  bool is_allowed = true;
  context_.hub.for_each_topic_of(connection_.handle().slot, [&](ByteView topic) {
    is_allowed = is_allowed && !refusal_to_subscribe(context_, identity_.get(), topic);
  });
  if (!is_allowed && !is_leaving_) {
    finish();
  } else if (!is_closing_) {
    connection_.set_deadline(std::min(connection_.deadline(), identity_end()));
  }
}

void SseSession::on_drained() {
  if (is_leaving_) {
    finish();
  }
}

bool SseSession::on_gap(const hub::Gap& gap) {
  std::string text;
  if (gap.after_position != nullptr) {
    append_gap_event(text, {.id = {},
                            .topic = {},
                            .after = to_string(*gap.after_position),
                            .next = to_string(*gap.next_position)});
  } else {
    append_topic_gap(text, gap.topic, to_string(gap.after), gap.next);
  }
  say(text);
  return !is_closing_;
}

void SseSession::on_withdrawn(ByteView /*topic*/) {
  finish();  // It is told why when it comes again.
}

void SseSession::finish() {
  if (is_closing_) {
    return;
  }
  is_closing_ = true;
  if (is_chunked_) {
    std::string last;
    http::append_last_chunk(last);
    connection_.write_last(last, {});
  }
  connection_.close_after_flush(Linger::kForPeer);
}

void SseSession::end(EndReason reason) {
  if (reason != EndReason::kGoingAway) {
    finish();
    return;
  }
  // What was published before is still its to get, if it reads.
  is_leaving_ = true;
  context_.hub.overtake_flush(connection_.handle().slot);
  connection_.set_deadline(context_.now + kLeaveTime);
  connection_.want_drained();
}

namespace {

class SseRequest final : public TopicRequest {
 public:
  using TopicRequest::TopicRequest;

 private:
  /// A browser's EventSource asks for the same address again: what it has seen since is newer.
  std::optional<ByteView> read_after(const http::RequestHead& head) const override {
    if (const auto id = head.headers.find("Last-Event-ID"); id && !id->empty()) {
      return id;
    }
    return exchange().target().find("after");
  }

  bool read_options(const http::RequestHead& head) override {
    is_chunked_ = head.version == http::Version::kHttp11;
    return true;
  }

  void on_prepared() override {
    const auto subscribed =
        subscribe(is_chunked_ ? hub::WireForm::kSseChunked : hub::WireForm::kSse);
    if (!subscribed) {
      return;
    }
    http::Response head{.status = 200,
                        .content_type = "text/event-stream",
                        .body = {},
                        .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}};
    add_cors_headers(cors(), head);
    auto session = std::make_unique<SseSession>(connection(), context(), identity(), is_chunked_);
    SseSession& opened = *session;
    exchange().stream(std::move(head), std::move(session));
    opened.open(start_of(*subscribed));
  }

  std::string start_of(const hub::Subscribed& subscribed) const {
    std::string text;
    if (subscribed.recovered == false) {
      text.push_back('\n');
      if (is_feed()) {
        append_gap_event(text, {.id = {}, .topic = {}, .after = after_text(), .next = {}});
      } else {
        append_topic_gap(text, name(), after_text(), subscribed.next);
      }
      return text;
    }
    // An id without data is no event, but the client keeps it: one that is cut off before its first
    // message comes back to this place.
    const bool has_text = is_feed() && after().kind != hub::After::Kind::kNext;
    const std::string place = has_text ? after_text() : place_of(subscribed);
    return place == "first" ? "\n" : "id: " + place + "\n\n";
  }

  bool is_chunked_ = false;
};

}  // namespace

std::unique_ptr<TopicRequest> make_sse_request(UpgradeExchange& exchange, Context& context,
                                               RequestedTopics topics) {
  return std::make_unique<SseRequest>(exchange, context, std::move(topics));
}

}  // namespace wspush::door
