#include "door/wspush_v1_session.hpp"

#include <algorithm>
#include <chrono>

#include "wspush/hub/topic_name.hpp"

#include "base/check.hpp"
#include "door/answer_in_call.hpp"
#include "door/command_rate.hpp"
#include "door/credentials.hpp"
#include "hub/message_json.hpp"
#include "version.hpp"

namespace wspush::door {
namespace {

using websocket::CloseCode;
using websocket::Opcode;

constexpr std::uint32_t kHistoryDefault = 100;
constexpr ByteView kNoUserYet = "this server wants a token first";

/// Commands whose answers are on their way; past it the client's input waits for them.
constexpr std::size_t kAnswersPendingMax = 1024;

/// Starts an object: {"op":"pong","id":7
std::string begin_answer(ByteView op, ByteView id) {
  std::string text = R"({"op":")";
  text.append(op).push_back('"');
  if (!id.empty()) {
    text.append(R"(,"id":)").append(id);
  }
  return text;
}

void append_topic(std::string& text, ByteView topic) {
  text.append(R"(,"topic":)");
  append_json_string(text, topic);
}

void append_id(std::string& text, ByteView name, hub::MessageId id) {
  text.append(R"(,")").append(name).append(R"(":")");
  hub::append_to(text, id);
  text.push_back('"');
}

void append_position(std::string& text, ByteView name, const hub::FeedPosition& position) {
  text.append(R"(,")").append(name).append(R"(":")").append(to_string(position)).push_back('"');
}

/// An `after`: absent, `first`, or an id; of a pattern, a position. False where it is none of
/// these.
bool read_after(const JsonValue* value, bool is_of_pattern, hub::After& after) {
  if (value == nullptr || value->is_null()) {
    return true;
  }
  std::string scratch;
  const ByteView text = value->string(scratch);
  if (text == "first") {
    after.kind = hub::After::Kind::kFirst;
    return true;
  }
  if (!value->is_string()) {
    return false;
  }
  if (is_of_pattern) {
    auto position = hub::parse_feed_position(text);
    after.kind = hub::After::Kind::kPosition;
    after.position = std::move(position).value_or(hub::FeedPosition{});
    return !after.position.counts.empty();
  }
  const auto id = hub::parse_message_id(text);
  after.kind = hub::After::Kind::kId;
  after.id = id.value_or(hub::MessageId{});
  return id.has_value();
}

/// Between two messages of a subscription with so many a second. Nothing where it is no positive
/// number.
std::optional<Duration> interval_of(const JsonValue& rate) {
  const double value = rate.as_double().value_or(0);
  if (!(value > 0)) {
    return std::nullopt;
  }
  constexpr double kDay = 86'400;
  const std::chrono::duration<double> seconds(std::min(1 / value, kDay));
  return std::chrono::duration_cast<Duration>(seconds);
}

}  // namespace

const WspushV1Session::Row WspushV1Session::kCommands[] = {
    {"subscribe", &WspushV1Session::subscribe, false},  // Refused for each of its topics.
    {"unsubscribe", &WspushV1Session::unsubscribe, true},
    {"publish", &WspushV1Session::publish, true},
    {"history", &WspushV1Session::history, true},
    {"members", &WspushV1Session::members, true},
    {"auth", &WspushV1Session::authenticate, false},
    {"ping", &WspushV1Session::ping, true},
};

WspushV1Session::WspushV1Session(Connection& connection, Context& context)
    : WebSocketSession(connection, context) {
}

WspushV1Session::~WspushV1Session() = default;

void WspushV1Session::open() {
  std::string text = begin_answer("welcome", {});
  text.append(R"(,"connection":")").append(connection_id(context(), connection().handle()));
  text.append(R"(","user":)");
  if (identity() == nullptr) {
    text.append("null");
  } else {
    append_json_string(text, identity()->user);
  }
  text.append(R"(,"ping_interval":)");
  // Whole seconds where it is, as clients compare it with the table's default.
  const auto milliseconds = config().heartbeat.ping_interval.count();
  text.append(std::to_string(milliseconds / 1000));
  if (milliseconds % 1000 != 0) {
    std::string fraction = std::to_string(milliseconds % 1000 + 1000).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text.append(".").append(fraction);
  }
  text.append(R"(,"server":"wspushd/)").append(kVersion).append(R"("})");
  send_text(text);
}

bool WspushV1Session::admit(std::uint32_t cost) {
  return commands_.take(context().now, command_rate(config().limits), cost);
}

/// `id` is left null where there is none, or `null`; no JSON text of an id is empty, so one that is
/// there and not taken is of a wrong type.
WspushV1Session::Command WspushV1Session::command_in(const JsonObject& object,
                                                     const JsonValue*& id) {
  Command command{.object = object, .id = {}};
  const auto keep_first = [](const JsonValue*& place, const JsonValue& value) {
    if (place == nullptr) {
      place = &value;
    }
  };
  for (const JsonObject::Member& member : object) {
    switch (member.name()) {
      case json_name("op"):
        keep_first(command.op, member.value);
        break;
      case json_name("id"):
        keep_first(id, member.value);
        break;
      case json_name("topic"):
        keep_first(command.topic, member.value);
        break;
      case json_name("data"):
        keep_first(command.data, member.value);
        break;
      default:
        break;
    }
  }
  if (id != nullptr && id->is_null()) {
    id = nullptr;
  }
  if (id != nullptr && (id->is_string() || id->is_integer())) {
    command.id = id->raw;
  }
  return command;
}

void WspushV1Session::on_message(Opcode opcode, ByteView payload) {
  if (opcode == Opcode::kBinary) {
    close_with(CloseCode::kUnacceptableData, "commands are text messages");
    return;
  }
  const auto parsed = parse_json_object(payload);
  if (!parsed) {
    if (parsed.error().is_too_deep) {
      context().metrics.limit_hit(metrics::Limit::kJsonDepth);
    }
    fail({}, CommandError::kBadRequest,
         std::string(parsed.error().text) + " at byte " + std::to_string(parsed.error().offset));
    return;
  }
  const JsonValue* id = nullptr;
  const Command command = command_in(*parsed, id);
  if (id != nullptr && command.id.empty()) {
    fail({}, CommandError::kBadRequest, "id must be a string or an integer");
    return;
  }
  if (command.op == nullptr || !command.op->is_string()) {
    fail(command.id, CommandError::kBadRequest, "op must be a string");
    return;
  }
  std::string scratch;
  const ByteView name = command.op->string(scratch);
  const Row* const row = std::find_if(std::begin(kCommands), std::end(kCommands),
                                      [&](const Row& candidate) { return candidate.op == name; });
  if (!admit(1)) {
    context().metrics.limit_hit(metrics::Limit::kCommandsPerSecond);
    fail(command.id, CommandError::kRateLimited, "more than limits.commands_per_second");
  } else if (wants_user() && (row == std::end(kCommands) || row->needs_user)) {
    fail(command.id, CommandError::kUnauthenticated, kNoUserYet);
  } else if (row == std::end(kCommands)) {
    fail(command.id, CommandError::kUnknownOp, "no such op");
  } else {
    (this->*row->run)(command);
  }
}

bool WspushV1Session::wants_user() const {
  return identity() == nullptr && context().config->auth.required;
}

bool WspushV1Session::is_topic(ByteView topic, Patterns patterns) {
  if (topic.size() > config().limits.topic_bytes) {
    context().metrics.limit_hit(metrics::Limit::kTopicBytes);
  }
  return patterns == Patterns::kAllowed ? hub::is_pattern(topic, config().limits.topic_bytes)
                                        : hub::is_topic(topic, config().limits.topic_bytes);
}

bool WspushV1Session::take_topic(const Command& command, std::string& topic, Patterns patterns) {
  if (command.topic == nullptr || !command.topic->is_string()) {
    fail(command.id, CommandError::kBadRequest, "topic must be a string");
    return false;
  }
  std::string scratch;
  topic = command.topic->string(scratch);
  if (!is_topic(topic, patterns)) {
    fail(command.id, CommandError::kBadTopic, "not a topic");
    return false;
  }
  return true;
}

// --- subscribe, unsubscribe

WspushV1Session::TopicToSubscribe WspushV1Session::read_subscription(const Command& command,
                                                                     const JsonObject& object) {
  TopicToSubscribe wanted;
  const auto refuse = [&](CommandError error, ByteView message) {
    wanted.failure = error_text(command.id, error, message, wanted.topic);
    return wanted;
  };
  const JsonValue* topic = object.find("topic");
  std::string scratch;
  if (topic != nullptr && topic->is_string()) {
    wanted.topic = topic->string(scratch);
  }
  if (wants_user()) {
    return refuse(CommandError::kUnauthenticated, kNoUserYet);
  }
  if (topic == nullptr || !topic->is_string()) {
    return refuse(CommandError::kBadRequest, "topic must be a string");
  }
  if (!is_topic(wanted.topic, Patterns::kAllowed)) {
    return refuse(CommandError::kBadTopic, "not a topic");
  }
  const bool is_pattern = hub::has_wildcard(wanted.topic);
  if (!read_after(object.find("after"), is_pattern, wanted.options.after)) {
    return refuse(CommandError::kBadRequest, is_pattern
                                                 ? "after must be a position or \"first\""
                                                 : "after must be a message id or \"first\"");
  }
  if (const JsonValue* mode = object.find("mode")) {
    const ByteView name = mode->string(scratch);
    if (name != "all" && name != "latest") {
      return refuse(CommandError::kBadRequest, "mode must be \"all\" or \"latest\"");
    }
    wanted.options.mode = name == "latest" ? hub::Mode::kLatest : hub::Mode::kAll;
  }
  if (const JsonValue* rate = object.find("max_rate"); rate != nullptr && !rate->is_null()) {
    const auto interval = interval_of(*rate);
    if (!interval) {
      return refuse(CommandError::kBadRequest, "max_rate must be a positive number");
    }
    wanted.options.mode = hub::Mode::kRated;
    wanted.options.interval = *interval;
  }
  if (const auto refusal = refusal_to_subscribe(context(), identity(), wanted.topic)) {
    return refuse(refusal->error, refusal->message);
  }
  return wanted;
}

void WspushV1Session::subscribe(const Command& command) {
  auto held = std::make_unique<HeldCommand>();
  held->id = command.id;
  const auto refuse = [&](ByteView message) {
    if (wants_user()) {
      fail(command.id, CommandError::kUnauthenticated, kNoUserYet);
    } else {
      fail(command.id, CommandError::kBadRequest, message);
    }
  };
  const JsonValue* topics = command.object.find("topics");
  if (topics == nullptr) {
    held->topics.push_back(read_subscription(command, command.object));
  } else if (!topics->is_array()) {
    refuse("topics must be an array");
    return;
  } else {
    for (const JsonValue element : topics->elements()) {
      held->topics.push_back(read_subscription(command, element.as_object()));
      // The first is paid for with the command.
      if (held->topics.size() > 1 && !admit(1)) {
        context().metrics.limit_hit(metrics::Limit::kCommandsPerSecond);
        held->topics.back().failure =
            error_text(command.id, CommandError::kRateLimited,
                       "more than limits.commands_per_second", held->topics.back().topic);
      }
    }
    if (held->topics.empty()) {
      refuse("topics must not be empty");
      return;
    }
  }
  hold(std::move(held));
}

void WspushV1Session::unsubscribe(const Command& command) {
  auto held = std::make_unique<HeldCommand>();
  held->id = command.id;
  held->is_unsubscribe = true;
  held->topics.emplace_back();
  if (take_topic(command, held->topics.back().topic, Patterns::kAllowed)) {
    hold(std::move(held));
  }
}

/// Runs the command as soon as the logs are here and what this client sent before has taken effect.
void WspushV1Session::hold(std::unique_ptr<HeldCommand> command) {
  const bool fence = pending() != nullptr && !pending()->answers.empty();
  std::vector<hub::Wanted> wanted;
  for (const TopicToSubscribe& topic : command->topics) {
    const bool is_wanted = command->is_unsubscribe ? context().hub.is_subscribed(
                                                         connection().handle().slot, topic.topic)
                                                   : topic.failure.empty();
    if (is_wanted) {
      wanted.push_back({topic.topic, topic.options.after});
    }
  }
  make_pending().held = std::move(command);
  if (context().hub.prepare(wanted, fence, reply_to(0))) {
    run_held();
  } else {
    pause();
  }
}

void WspushV1Session::run_held() {
  const std::unique_ptr<HeldCommand> held = std::move(pending()->held);
  drop_pending_if_idle();
  if (held->is_unsubscribe) {
    run_unsubscribe(*held);
  } else {
    run_subscribe(*held);
  }
}

void WspushV1Session::run_subscribe(const HeldCommand& command) {
  for (const TopicToSubscribe& wanted : command.topics) {
    if (is_closing()) {
      return;
    }
    if (!wanted.failure.empty()) {
      fail_with(wanted.failure);
      continue;
    }
    // Again, for the rules may have changed while the logs were on their way.
    if (const auto refusal = refusal_to_subscribe(context(), identity(), wanted.topic)) {
      fail_with(error_text(command.id, refusal->error, refusal->message, wanted.topic));
      continue;
    }
    hub::SubscribeOptions options = wanted.options;
    options.form = form_of(hub::WireForm::kWspushV1);
    options.subscriptions_max = config().limits.subscriptions_per_connection;
    options.role = hub::PresenceRole::kWatcher;
    options.user = present_user(identity_ref());
    const auto answer = context().hub.subscribe(connection().member(), wanted.topic, options);
    if (!answer) {
      fail_with(error_text(command.id, command_error_of(answer.error()), describe(answer.error()),
                           wanted.topic));
      continue;
    }
    if (command.id.empty()) {
      continue;  // No answer was asked for.
    }
    std::string text = begin_answer("subscribed", command.id);
    append_topic(text, wanted.topic);
    if (hub::has_wildcard(wanted.topic)) {
      append_position(text, "last", answer->position);
    } else {
      append_id(text, "last", answer->last);
    }
    if (answer->recovered) {
      text.append(*answer->recovered ? R"(,"recovered":true)" : R"(,"recovered":false)");
    }
    text.push_back('}');
    send_text(text);
  }
}

void WspushV1Session::run_unsubscribe(const HeldCommand& command) {
  const std::string& topic = command.topics.front().topic;
  if (const auto done = context().hub.unsubscribe(connection().handle().slot, topic); !done) {
    fail(command.id, command_error_of(done.error()), "not subscribed to it");
    return;
  }
  if (!command.id.empty()) {
    std::string text = begin_answer("unsubscribed", command.id);
    append_topic(text, topic);
    text.push_back('}');
    send_text(text);
  }
}

void WspushV1Session::on_withdrawn(ByteView topic) {
  std::string text = begin_answer("unsubscribed", {});
  append_topic(text, topic);
  text.append(R"(,"code":"forbidden"})");
  send_text(text);
}

bool WspushV1Session::on_gap(const hub::Gap& gap) {
  std::string text = begin_answer("gap", {});
  append_topic(text, gap.topic);
  if (gap.after_position != nullptr) {
    text.append(R"(,"pattern":)");
    append_json_string(text, gap.topic);
    append_position(text, "after", *gap.after_position);
    append_position(text, "next", *gap.next_position);
  } else {
    append_id(text, "after", gap.after);
    append_id(text, "next", gap.next);
  }
  text.push_back('}');
  send_text(text);
  return !is_closing();
}

// --- what is asked of a home: publish (wspush_v1_publish.cpp), history, members

std::uint32_t WspushV1Session::wait_for(const Command& command, std::string topic) {
  Pending& pending = make_pending();
  const std::uint32_t item = pending.next_item++;
  pending.answers.emplace(item, PendingAnswer{std::string(command.id), std::move(topic)});
  return item;
}

WspushV1Session::Pending& WspushV1Session::make_pending() {
  if (pending() == nullptr) {
    set_waiting(std::make_unique<Pending>());
  }
  return *pending();
}

void WspushV1Session::drop_pending_if_idle() {
  if (pending() != nullptr && pending()->answers.empty() && pending()->held == nullptr) {
    set_waiting(nullptr);
  }
}

void WspushV1Session::wait_if_full() {
  if (pending() != nullptr && pending()->answers.size() >= kAnswersPendingMax) {
    pause();
  }
}

void WspushV1Session::history(const Command& command) {
  std::string topic;
  if (!take_topic(command, topic)) {
    return;
  }
  hub::After after;
  if (!read_after(command.object.find("after"), false, after)) {
    fail(command.id, CommandError::kBadRequest, "after must be a message id or \"first\"");
    return;
  }
  std::uint64_t limit = kHistoryDefault;
  if (const JsonValue* value = command.object.find("limit")) {
    limit = value->as_uint64().value_or(0);
    if (limit == 0) {
      fail(command.id, CommandError::kBadRequest, "limit must be a positive integer");
      return;
    }
  }
  if (const auto refusal = refusal_to_subscribe(context(), identity(), topic)) {
    fail(command.id, refusal->error, refusal->message);
    return;
  }
  const std::uint32_t item = wait_for(command, topic);
  context().hub.history(
      topic, after,
      static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, hub::kHistoryMessagesMax)),
      reply_to(item));
  wait_if_full();
}

void WspushV1Session::answer_history(const PendingAnswer& asked, const hub::HistoryReply& history) {
  if (asked.id.empty()) {
    return;  // No answer was asked for.
  }
  std::string text = begin_answer("history", asked.id);
  append_topic(text, asked.topic);
  text.append(R"(,"messages":[)");
  for (const hub::MessageRef& message : history.messages) {
    text.append(message.get() == history.messages.front().get() ? "{" : ",{");
    hub::append_message_members(text, *message);
    text.push_back('}');
  }
  text.push_back(']');
  append_id(text, "last", history.last);
  text.append(history.gap ? R"(,"gap":true})" : "}");
  send_text(text);
}

void WspushV1Session::on_reply(const hub::ReplyTo& to, hub::Reply&& reply) {
  if (is_closing()) {
    return;
  }
  if (AnswerInCall* const asked = context().answer_in_call;
      asked != nullptr && asked->take(*this, to.item)) {
    answer_publish(asked->id(), asked->topic(), reply);
    return;
  }
  if (pending() == nullptr) {
    return;
  }
  if (std::holds_alternative<hub::PreparedReply>(reply)) {
    if (pending()->held != nullptr) {
      run_held();
    }
    resume();
    return;
  }
  const auto found = pending()->answers.find(to.item);
  if (found == pending()->answers.end()) {
    return;
  }
  const PendingAnswer asked = std::move(found->second);
  pending()->answers.erase(found);
  const bool was_full = pending()->answers.size() == kAnswersPendingMax - 1;
  drop_pending_if_idle();
  if (const auto* history = std::get_if<hub::HistoryReply>(&reply)) {
    answer_history(asked, *history);
  } else if (const auto* members = std::get_if<hub::MembersReply>(&reply)) {
    answer_members(asked, *members);
  } else {
    answer_publish(asked.id, asked.topic, reply);
  }
  if (was_full) {
    resume();
  }
}

// --- ping, errors

void WspushV1Session::ping(const Command& command) {
  if (!command.id.empty()) {
    send_text(begin_answer("pong", command.id) + "}");
  }
}

std::string WspushV1Session::error_text(ByteView id, CommandError error, ByteView message,
                                        ByteView topic) const {
  std::string text = begin_answer("error", id);
  text.append(R"(,"code":")").append(name_of(error)).append(R"(","message":)");
  append_json_string(text, message);
  if (!topic.empty()) {
    append_topic(text, topic);
  }
  text.push_back('}');
  return text;
}

void WspushV1Session::fail(ByteView id, CommandError error, ByteView message) {
  fail_with(error_text(id, error, message));
}

void WspushV1Session::fail_with(const std::string& text) {
  send_text(text);
  if (++errors_ >= config().limits.errors_per_connection) {
    context().metrics.limit_hit(metrics::Limit::kErrorsPerConnection);
    close_with(CloseCode::kPolicyViolation, "too many errors");
  }
}

}  // namespace wspush::door
