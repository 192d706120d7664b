#include "cli/subscriber.hpp"

#include <utility>

#include "base/json.hpp"
#include "cli/message_line.hpp"

namespace wspush::cli {
namespace {

constexpr std::chrono::milliseconds kPingInterval{50'000};  // the server's default
constexpr std::chrono::milliseconds kPingIntervalMax{24 * 3600 * 1000};
constexpr std::uint64_t kSubscribeId = 1;
constexpr std::uint64_t kPingId = 2;

void add_note(std::vector<std::string>& notes, std::string note) {
  if (!note.empty()) {
    notes.push_back(std::move(note));
  }
}

/// What passes by itself, so that it is worth coming back.
bool is_temporary(std::string_view code) {
  return code == "unavailable" || code == "rate_limited" || code == "limit_exceeded";
}

}  // namespace

Subscriber::Subscriber(const SubscribeOptions& options)
    : format_(options.format),
      book_(options.topics, options.after.value_or("")),
      messages_left_(options.count),
      answers_left_(options.topics.size()),
      ping_interval_(kPingInterval) {
}

std::string Subscriber::subscribe_command() {
  answers_left_ = book_.entries().size();
  std::string out = R"({"op":"subscribe","id":)" + std::to_string(kSubscribeId) + R"(,"topics":[)";
  bool is_first = true;
  for (const ResumeBook::Entry& entry : book_.entries()) {
    out += is_first ? R"({"topic":)" : R"(,{"topic":)";
    append_json_string(out, entry.topic);
    if (!entry.position.empty()) {
      out += R"(,"after":)";
      append_json_string(out, entry.position);
    }
    out += '}';
    is_first = false;
  }
  return out += "]}";
}

std::string Subscriber::ping_command() {
  return R"({"op":"ping","id":)" + std::to_string(kPingId) + "}";
}

Subscriber::Verdict Subscriber::on_text(ByteView text, Output& output) {
  const std::optional<V1Event> event = V1Event::parse(text);
  const std::optional<std::string> op = event ? event->find_string("op") : std::nullopt;
  if (!op) {
    output.notes.emplace_back("the server does not speak wspush.v1: it sent no \"op\"");
    return Verdict::kRefused;
  }
  if (*op == "message") {
    return on_message(*event, text, output);
  }
  const std::string topic = event->find_string("topic").value_or("");
  if (*op == "welcome") {
    on_welcome(*event);
  } else if (*op == "subscribed") {
    const auto recovered = event->find("recovered");
    add_note(output.notes, book_.on_subscribed(topic, event->find_string("last").value_or(""),
                                               recovered ? recovered->boolean() : std::nullopt));
    answers_left_ -= answers_left_ > 0 ? 1 : 0;
    was_ever_subscribed_ = was_ever_subscribed_ || is_subscribed();
  } else if (*op == "gap") {
    add_note(output.notes, book_.on_gap(topic, event->find_string("after").value_or("?"),
                                        event->find_string("next").value_or("?")));
  } else if (*op == "unsubscribed") {
    output.notes.push_back("\"" + topic + "\": the server ended the subscription: " +
                           event->find_string("code").value_or("no reason given"));
    return Verdict::kRefused;
  } else if (*op == "error") {
    return on_error(*event, output);
  }
  return Verdict::kGoOn;  // pong, join, leave, ... and what later servers say
}

void Subscriber::on_welcome(const V1Event& event) {
  const auto interval = event.find("ping_interval");
  const double seconds = interval ? interval->as_double().value_or(0) : 0;
  const double milliseconds = seconds * 1000;
  ping_interval_ = kPingInterval;
  if (milliseconds >= 1 && milliseconds <= static_cast<double>(kPingIntervalMax.count())) {
    ping_interval_ = std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
  }
}

Subscriber::Verdict Subscriber::on_message(const V1Event& event, ByteView text, Output& output) {
  if (messages_left_ == 0U) {
    return Verdict::kDone;
  }
  if (const auto pattern = event.find_string("pattern")) {
    book_.on_pattern_message(*pattern, event.find_string("position").value_or(""));
  } else {
    auto judgement = book_.on_message(event.find_string("topic").value_or(""),
                                      event.find_string("id").value_or(""));
    add_note(output.notes, std::move(judgement.note));
    if (!judgement.is_new) {
      return Verdict::kGoOn;
    }
  }
  append_message_line(output.lines, event, text, format_);
  if (messages_left_ && --*messages_left_ == 0) {
    return Verdict::kDone;
  }
  return Verdict::kGoOn;
}

Subscriber::Verdict Subscriber::on_error(const V1Event& event, Output& output) const {
  const std::string code = event.find_string("code").value_or("error");
  const std::string topic = event.find_string("topic").value_or("");
  output.notes.push_back((topic.empty() ? "" : "\"" + topic + "\": ") +
                         event.find_string("message").value_or("refused") + " (" + code + ")");
  const auto id = event.find("id");
  if (!id || id->as_uint64() != kSubscribeId) {
    return Verdict::kGoOn;
  }
  return was_ever_subscribed_ && is_temporary(code) ? Verdict::kComeBack : Verdict::kRefused;
}

}  // namespace wspush::cli
