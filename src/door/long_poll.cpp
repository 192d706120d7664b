#include "door/long_poll.hpp"

#include <algorithm>

namespace wspush::door {
namespace {

constexpr std::size_t kWaitDigitsMax = 9;  // of either part; more is no number of seconds

/// While it waits its connection is subscribed as others are, but nothing is written to it: it is
/// told that there are frames, and takes them for its answer.
class LongPoll final : public TopicRequest, public FrameSink {
 public:
  using TopicRequest::TopicRequest;

  void on_ending(http::Exchange& /*exchange*/) override { give_up(); }
  void on_deadline(http::Exchange& /*exchange*/) override {
    if (is_waiting_ && is_identity_over(context(), identity().get(), begun_)) {
      end_with({CommandError::kTokenExpired, "the token has expired"});
    } else if (context().now >= begun_ + wait_) {
      give_up();
    } else {
      set_deadline();
    }
  }
  void on_rules_changed() override {
    if (const auto refusal = find_refusal(); is_waiting_ && refusal) {
      end_with(*refusal);
    } else if (is_waiting_) {
      set_deadline();
    }
  }
  void on_frames() override {
    take_frames();
    answer_if_done();
  }
  bool on_gap(const hub::Gap& gap) override {
    if (count_ > 0) {
      return false;  // `gap` is about what is missing before the first message of an answer.
    }
    has_gap_ = true;
    if (!is_feed()) {
      last_ = to_string(hub::MessageId{gap.next.epoch, gap.next.offset - 1});
    }
    return true;
  }
  void on_withdrawn(ByteView /*topic*/) override {
    end_with({CommandError::kForbidden, "the right to subscribe was withdrawn"});
  }

 private:
  std::optional<ByteView> read_after(const http::RequestHead& /*head*/) const override {
    return exchange().target().find("after");
  }

  bool read_options(const http::RequestHead& /*head*/) override {
    const auto text = exchange().target().find("wait");
    const auto wait = text ? parse_wait(*text) : kPollWait;
    if (!wait) {
      refuse(400, "bad_request", "wait is a number of seconds");
      return false;
    }
    wait_ = *wait;
    return true;
  }

  void on_prepared() override {
    exchange().enter(DoorKind::kPoll);
    exchange().hold_frames(*this);
    const auto subscribed = subscribe(hub::WireForm::kPoll);
    if (!subscribed) {
      return;
    }
    last_ = place_of(*subscribed);
    has_gap_ = subscribed->recovered == false;
    is_waiting_ = true;
    is_hurried_ =
        is_hurried_ || after().kind == hub::After::Kind::kNext || wait_ == Duration::zero();
    take_frames();
    answer_if_done();
    if (is_waiting_) {
      begun_ = context().now;
      set_deadline();
    }
  }

  void set_deadline() {
    connection().set_deadline(
        std::min(begun_ + wait_, identity_deadline(context(), identity().get(), begun_)));
  }

  void end_with(const Refusal& refusal) {
    is_waiting_ = false;
    context().hub.remove_subscriber(connection().handle().slot);
    refuse(refusal);
  }

  /// Adds what there is by now and belongs into one answer.
  void take_frames() {
    const std::uint32_t slot = connection().handle().slot;
    hub::FrameBatch batch;
    bool has_room = true;
    do {
      batch.clear();
      const std::size_t room =
          hub::kHistoryBytesMax - std::min(messages_.size(), hub::kHistoryBytesMax);
      context().hub.gather(slot, room, batch);
      std::size_t taken = 0;
      for (const hub::FrameBatch::Entry& entry : batch.entries) {
        has_room = count_ < hub::kHistoryMessagesMax && (count_ == 0 || !is_gap(entry.frame));
        if (!has_room) {
          break;
        }
        add(entry.frame);
        taken += entry.frame.bytes();
      }
      is_behind_ = context().hub.advance(slot, batch, taken);
    } while (has_room && !batch.entries.empty() && count_ < hub::kHistoryMessagesMax &&
             messages_.size() < hub::kHistoryBytesMax);
  }

  /// In a feed a gap stands among the messages.
  static bool is_gap(const hub::Frame& frame) {
    const hub::FeedEntry* const entry = frame.message().feed_entry();
    return entry != nullptr && entry->is_gap();
  }

  void add(const hub::Frame& frame) {
    const hub::FeedEntry* const entry = frame.message().feed_entry();
    last_ = entry != nullptr ? to_string(entry->position) : to_string(frame.message().id());
    if (is_gap(frame)) {
      has_gap_ = true;
      return;
    }
    messages_.append(count_ == 0 ? "" : ",");
    frame.for_each_part([this](ByteView part) { messages_.append(part); });
    ++count_;
  }

  /// With messages; or without, when the time is over or some are lost, and none is on its way from
  /// another reactor: the position that is told is one that has them all.
  void answer_if_done() {
    if (is_waiting_ && (count_ > 0 || (!is_behind_ && (has_gap_ || is_hurried_)))) {
      answer();
    }
  }

  /// The wait is over. What was published before and not sent yet is still its to get.
  void give_up() {
    is_hurried_ = true;
    if (is_waiting_) {
      context().hub.overtake_flush(connection().handle().slot);
      take_frames();
      answer_if_done();
    }
  }

  void answer() {
    is_waiting_ = false;
    context().hub.remove_subscriber(connection().handle().slot);
    http::Response response{
        .status = 204, .content_type = {}, .body = {}, .headers = {{"Cache-Control", "no-store"}}};
    if (count_ == 0 && !has_gap_) {
      response.headers.emplace_back("Wspush-Last", last_);
    } else {
      response.status = 200;
      response.content_type = "application/json";
      response.body = R"({"messages":[)" + messages_ + R"(],"last":")" + last_;
      response.body.append(has_gap_ ? R"(","gap":true})" : R"("})");
    }
    respond(std::move(response));
  }

  Duration wait_ = kPollWait;
  TimePoint begun_{};     ///< when it began to wait
  std::string messages_;  ///< objects, commas between
  std::uint32_t count_ = 0;
  std::string last_;  ///< the position after them
  bool has_gap_ = false;
  bool is_behind_ = false;   ///< there is more
  bool is_waiting_ = false;  ///< subscribed, not answered yet
  bool is_hurried_ = false;  ///< nothing is waited for any more
};

}  // namespace

std::optional<Duration> parse_wait(ByteView text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const ByteView whole = text.substr(0, point);
  const ByteView fraction = text.substr(std::min(point + 1, text.size()));
  const auto is_number = [](ByteView digits) {
    return !digits.empty() && digits.size() <= kWaitDigitsMax &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!is_number(whole) || (point < text.size() && !is_number(fraction))) {
    return std::nullopt;
  }
  std::int64_t milliseconds = 0;
  for (const char digit : whole) {
    milliseconds = milliseconds * 10 + (digit - '0');
  }
  std::int64_t value = 1000;
  milliseconds *= value;
  for (const char digit : fraction) {
    value /= 10;
    milliseconds += value * (digit - '0');
  }
  return std::min<Duration>(std::chrono::milliseconds(milliseconds), kPollWaitMax);
}

std::unique_ptr<TopicRequest> make_long_poll(UpgradeExchange& exchange, Context& context,
                                             RequestedTopics topics) {
  return std::make_unique<LongPoll>(exchange, context, std::move(topics));
}

}  // namespace wspush::door
