#pragma once

#include <memory>
#include <optional>
#include <string>

#include "door/topic_request.hpp"
#include "http/request_parser.hpp"
#include "unit/door/session_rig.hpp"

namespace wspush::door::test {

/// A request on a fake connection, as the HTTP session has it.
class FakeExchange final : public UpgradeExchange {
 public:
  FakeExchange(FakeConnection& connection, std::string text)
      : connection_(connection), text_(std::move(text)) {
    EXPECT_EQ(parser_.parse(text_), http::HeadStatus::kComplete);
    target_ = *http::RequestTarget::parse(parser_.head().method, parser_.head().target);
  }

  const http::RequestHead& head() const override { return parser_.head(); }
  const http::RequestTarget& target() const override { return target_; }
  std::string peer_address() const override { return "192.0.2.1"; }
  bool peer_is_loopback() const override { return false; }
  std::uint32_t ticket() const override { return 1; }
  void respond(http::Response response) override {
    EXPECT_FALSE(answer.has_value());
    answer = std::move(response);
    connection_.hold_frames(false);
    frames = nullptr;
  }
  Connection& connection() override { return connection_; }
  hub::ReplyTo reply_to(std::uint32_t item) const override {
    return {.connection = connection_.handle().packed(), .ticket = 1, .item = item, .reactor = 0};
  }
  void use_identity(auth::IdentityRef who) override { identity = std::move(who); }
  bool has_early_input() const override { return false; }
  void upgrade(std::vector<std::pair<std::string, std::string>> /*headers*/,
               std::unique_ptr<Session> /*session*/) override {
    ADD_FAILURE() << "nobody asked for a WebSocket";
  }
  void stream(http::Response head, std::unique_ptr<Session> session) override {
    answer = std::move(head);
    connection_.replace_session(std::move(session));
  }
  void enter(DoorKind kind) override { door = kind; }
  void hold_frames(FrameSink& sink) override {
    frames = &sink;
    connection_.hold_frames(true);
  }

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : answer->headers) {
      if (key == name) {
        return value;
      }
    }
    return {};
  }

  std::optional<http::Response> answer;
  FrameSink* frames = nullptr;
  auth::IdentityRef identity;
  DoorKind door = DoorKind::kHttp;

 private:
  FakeConnection& connection_;
  std::string text_;
  http::RequestHeadParser parser_;
  http::RequestTarget target_;
};

/// A request on topics before a real hub.
class RequestRig : public SessionRig {
 protected:
  /// GET unless told, with header lines that end with CRLF.
  void request(const std::string& target, const std::string& lines = {},
               const std::string& method = "GET", const std::string& version = "HTTP/1.1") {
    exchange_ =
        std::make_unique<FakeExchange>(connection_, method + " " + target + " " + version +
                                                        "\r\nHost: push.test\r\n" + lines + "\r\n");
    RequestedTopics topics;
    if (exchange_->target().path() == "/topics") {
      const auto named = exchange_->target().all("topic");
      topics = {.names = {named.begin(), named.end()}, .may_be_patterns = true};
    } else {
      topics.names.push_back(exchange_->target().segments().back());
    }
    route_ = route_topic_request(*exchange_, *context_, std::move(topics));
    route_.handler->on_head(*exchange_);
    if (!exchange_->answer) {
      route_.handler->on_body_end(*exchange_);
    }
    if (connection_.next_session != nullptr) {
      session_ = std::move(connection_.next_session);
    }
  }
  bool is_answered() const { return exchange_->answer.has_value(); }
  int status() const { return exchange_->answer->status; }
  const std::string& body() const { return exchange_->answer->body; }

  void publish(const std::string& topic, ByteView payload,
               hub::PayloadKind kind = hub::PayloadKind::kText) {
    hubs_[0]->publish(topic, hub::Message::create(kind, payload), {}, {});
  }

  void send(std::span<const hub::Member> members, std::span<const iovec> parts, std::size_t bytes,
            std::vector<hub::ShortSend>& fell_short) override {
    if (members[0].fd == hub::kHeld) {
      fell_short.push_back({0, 0, 0});
      return;
    }
    SessionRig::send(members, parts, bytes, fell_short);
  }
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override {
    if (session_ == nullptr && route_.replies != nullptr) {
      route_.replies->on_reply(to.item, std::move(reply));
      if (connection_.next_session != nullptr) {
        session_ = std::move(connection_.next_session);
      }
    }
  }
  bool on_gap(std::uint32_t slot, hub::WireForm form, const hub::Gap& gap) override {
    if (exchange_->frames != nullptr) {
      return exchange_->frames->on_gap(gap);
    }
    return SessionRig::on_gap(slot, form, gap);
  }
  void on_behind(std::uint32_t /*slot*/) override { is_behind_ = true; }
  void on_withdrawn(std::uint32_t slot, hub::WireForm form, ByteView topic) override {
    if (exchange_->frames != nullptr) {
      exchange_->frames->on_withdrawn(topic);
      return;
    }
    SessionRig::on_withdrawn(slot, form, topic);
  }
  /// A turn: mail, fan-out, then who is behind.
  void turn() {
    if (exchange_->frames == nullptr && !connection_.holds_frames) {
      rest();
    }
    while (!mailer_.mail.empty()) {
      auto [reactor, letter] = std::move(mailer_.mail.front());
      mailer_.mail.pop_front();
      hubs_[reactor]->on_mail(std::move(letter));
    }
    for (const auto& each : hubs_) {
      each->flush(SIZE_MAX);
    }
    if (std::exchange(is_behind_, false) && exchange_->frames != nullptr) {
      exchange_->frames->on_frames();
    }
  }

  std::unique_ptr<FakeExchange> exchange_;
  TopicRoute route_;
  bool is_behind_ = false;
};

}  // namespace wspush::door::test
