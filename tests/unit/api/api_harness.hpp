#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/engine/engine.hpp"

#include "api/routes.hpp"
#include "engine/memory_engine.hpp"
#include "unit/http/parsed_head.hpp"

namespace wspush::api {

/// The memory engine, that keeps publishes back where a test wants to choose when, in which order
/// and how they are answered.
class HoldingEngine final : public engine::Engine {
 public:
  void start(engine::EngineEvents& events) override {
    events_ = &events;
    memory_.start(events);
  }
  void open(ByteView name, engine::TopicPosition& position) override {
    memory_.open(name, position);
  }
  void publish(engine::TopicPosition& position, hub::MessageRef draft, ByteView /*idempotency_key*/,
               engine::Ticket ticket, TimePoint now) override {
    if (is_holding) {
      held.push_back({&position, std::move(draft), ticket, now});
    } else {
      memory_.publish(position, std::move(draft), {}, ticket, now);
    }
  }
  void clear(engine::TopicPosition& position, engine::Ticket ticket) override {
    memory_.clear(position, ticket);
  }
  void close(ByteView name, const engine::TopicPosition& position) override {
    memory_.close(name, position);
  }

  void order_newest_first() {
    while (!held.empty()) {
      Held last = std::move(held.back());
      held.pop_back();
      memory_.publish(*last.position, std::move(last.draft), {}, last.ticket, last.now);
    }
  }
  void order_oldest() {
    Held first = std::move(held.front());
    held.pop_front();
    memory_.publish(*first.position, std::move(first.draft), {}, first.ticket, first.now);
  }
  void refuse_newest_first() {
    while (!held.empty()) {
      const engine::Ticket ticket = held.back().ticket;
      held.pop_back();
      events_->on_publish_refused(ticket, engine::EngineError::kUnavailable);
    }
  }

  struct Held {
    engine::TopicPosition* position;
    hub::MessageRef draft;
    engine::Ticket ticket;
    TimePoint now;
  };
  bool is_holding = false;
  std::deque<Held> held;

 private:
  engine::MemoryEngine memory_{7};
  engine::EngineEvents* events_ = nullptr;
};

/// A server whose connections and topics are what the test says.
class FakeServer final : public ServerView {
 public:
  explicit FakeServer(hub::SubscriberEvents& events) : events_(events) {}

  void list_connections(std::optional<std::string> user, std::size_t limit,
                        const hub::ReplyTo& to) override {
    asked = "connections of " + user.value_or("anybody") + ", " + std::to_string(limit);
    events_.on_reply(to, hub::GatheredReply{connections});
  }
  void find_connection(ByteView id, const hub::ReplyTo& to) override {
    std::vector<ConnectionView> found;
    for (const ConnectionView& connection : connections) {
      if (connection.id == id) {
        found.push_back(connection);
      }
    }
    events_.on_reply(to, hub::GatheredReply{found});
  }
  void end_connection(ByteView id, const hub::ReplyTo& to) override {
    const auto before = connections.size();
    std::erase_if(connections, [&](const ConnectionView& view) { return view.id == id; });
    events_.on_reply(to, hub::GatheredReply{before - connections.size()});
  }
  void end_connections_of(ByteView user, const hub::ReplyTo& to) override {
    const auto before = connections.size();
    std::erase_if(connections, [&](const ConnectionView& view) { return view.user == user; });
    events_.on_reply(to, hub::GatheredReply{before - connections.size()});
  }
  void revoke(const Revocation& what, const hub::ReplyTo& to) override {
    revocations.push_back(what);
    if (has_room && !is_disk_first) {
      events_.on_reply(to, hub::GatheredReply{true});
      events_.on_reply(to, hub::Reply(kept));
    } else if (has_room) {
      events_.on_reply(to, hub::Reply(kept));
      events_.on_reply(to, hub::GatheredReply{true});
    } else {
      events_.on_reply(to, hub::GatheredReply{false});
    }
  }
  void list_topics(ByteView prefix, std::size_t limit, const hub::ReplyTo& to) override {
    asked = "topics from '" + std::string(prefix) + "', " + std::to_string(limit);
    events_.on_reply(to, hub::GatheredReply{topics});
  }
  bool is_ready() const override { return ready; }
  std::string metrics_text(ByteView accept, std::string& content_type) const override {
    content_type = "text/plain; version=0.0.4";
    return "accepts " + std::string(accept) + "\n";
  }

  std::vector<ConnectionView> connections;
  std::vector<TopicSummary> topics;
  std::vector<Revocation> revocations;
  bool has_room = true;
  bool is_disk_first = false;  ///< of the two answers to a revocation
  hub::Reply kept = hub::RevocationKeptReply{};
  bool ready = true;
  std::string asked;

 private:
  hub::SubscriberEvents& events_;
};

class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(std::string head, bool is_loopback, std::uint32_t ticket)
      : head_(std::move(head)), is_loopback_(is_loopback), ticket_(ticket) {
    EXPECT_TRUE(head_.is_complete());
    auto target = http::RequestTarget::parse(head_->method, head_->target);
    EXPECT_TRUE(target.has_value());
    if (target) {
      target_ = std::move(*target);
    }
  }

  const http::RequestHead& head() const override { return *head_; }
  const http::RequestTarget& target() const override { return target_; }
  std::string peer_address() const override { return "127.0.0.1"; }
  bool peer_is_loopback() const override { return is_loopback_; }
  std::uint32_t ticket() const override { return ticket_; }
  void respond(http::Response answered) override {
    EXPECT_FALSE(response.has_value()) << "answered twice";
    response = std::move(answered);
  }
  void pause_body() override { is_paused = true; }
  void resume_body() override { is_paused = false; }

  std::optional<http::Response> response;
  bool is_paused = false;

 private:
  http::ParsedHead head_;
  http::RequestTarget target_;
  bool is_loopback_;
  std::uint32_t ticket_;
};

/// One request on its way through a handler, as the HTTP session drives it.
class Call {
 public:
  Call(std::string head, bool is_loopback, std::uint32_t ticket)
      : exchange(std::move(head), is_loopback, ticket) {}

  void body(ByteView piece) {
    if (!exchange.response && !piece.empty()) {
      handler->on_body(exchange, piece);
    }
  }
  void end() {
    if (!exchange.response) {
      handler->on_body_end(exchange);
    }
  }
  void ending() {
    if (!exchange.response) {
      handler->on_ending(exchange);
    }
  }
  bool is_answered() const { return exchange.response.has_value(); }
  int status() const { return is_answered() ? exchange.response->status : 0; }
  std::string text() const { return is_answered() ? exchange.response->body : "no answer yet"; }
  std::string header(ByteView name) const {
    for (const auto& [key, value] : exchange.response->headers) {
      if (key == name) {
        return value;
      }
    }
    return "none";
  }

  FakeExchange exchange;
  std::unique_ptr<http::RequestHandler> handler;
  hub::ReplySink* replies = nullptr;
};

struct Ask {
  std::string method = "GET";
  std::string path;
  std::string type = {};     ///< Content-Type; empty: none
  std::string headers = {};  ///< whole lines
  std::string body = {};
  std::string host = "127.0.0.1:8081";
  bool is_loopback = true;
};

/// One reactor's API over a real hub and a server of the test's.
class ApiTest : public testing::Test,
                private hub::Post,
                private hub::MemberSender,
                private hub::SubscriberEvents {
 protected:
  ApiTest() { configure({}); }

  /// As a reload does.
  void configure(config::Config config) {
    auto next = std::make_shared<const config::Config>(std::move(config));
    auto rules = std::make_shared<const auth::TopicRules>(next);
    hub.set_rules(*rules);
    context.config = std::move(next);
    context.rules = std::move(rules);
  }

  /// Sends the head.
  Call& start(const Ask& ask) {
    std::string head = ask.method + " " + ask.path + " HTTP/1.1\r\nHost: " + ask.host + "\r\n";
    head += ask.type.empty() ? "" : "Content-Type: " + ask.type + "\r\n";
    head += ask.headers + "\r\n";
    const std::uint32_t ticket = ++last_ticket_;
    auto& call = calls_[ticket];
    call = std::make_unique<Call>(std::move(head), ask.is_loopback, ticket);
    const hub::ReplyTo to{.connection = 1, .ticket = ticket, .item = 0, .reactor = 0};
    Route made = route(call->exchange, to, context);
    EXPECT_NE(made.handler, nullptr);
    call->handler = std::move(made.handler);
    call->replies = made.replies;
    call->handler->on_head(call->exchange);
    return *call;
  }

  /// Sends the whole request.
  Call& send(const Ask& ask) {
    Ask whole = ask;
    if (!ask.body.empty() && ask.headers.find("Transfer-Encoding") == std::string::npos) {
      whole.headers += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
    }
    Call& call = start(whole);
    call.body(ask.body);
    call.end();
    return call;
  }

  Call& publish(const std::string& topic, const std::string& type, const std::string& body,
                const std::string& headers = {}) {
    return send({.method = "POST",
                 .path = "/api/topics/" + topic + "/messages",
                 .type = type,
                 .headers = headers,
                 .body = body});
  }

  /// The kept payloads of a topic, oldest first, joined by '|'.
  std::string kept(const std::string& topic) {
    struct Sink final : hub::ReplySink {
      void on_reply(std::uint32_t /*item*/, hub::Reply&& reply) override {
        for (const auto& message : std::get<hub::HistoryReply>(reply).messages) {
          text.append(text.empty() ? "" : "|").append(message->payload());
        }
      }
      std::string text;
    } sink;
    direct_ = &sink;
    hub.history(topic, {}, 300, {.connection = 2, .ticket = 0, .item = 0, .reactor = 0});
    direct_ = nullptr;
    return sink.text;
  }

  std::uint64_t limit_hits(metrics::Limit limit) const {
    metrics::Snapshot snapshot;
    for (std::size_t i = 0; i < metrics::kCellCount; ++i) {
      snapshot.cells[i] = 0;
    }
    reactor_metrics.add_to(snapshot);
    return snapshot.limit_hits(limit);
  }

  HoldingEngine engine;
  FakeServer server{*this};
  metrics::ReactorMetrics reactor_metrics;
  hub::HubShared shared;
  hub::Hub hub{hub::HubOptions{.reactor = 0, .reactors = 1, .encode = {}, .seed = 1},
               shared,
               engine,
               *this,
               *this,
               *this};
  ApiContext context{.hub = hub,
                     .server = server,
                     .metrics = reactor_metrics,
                     .config = nullptr,
                     .rules = nullptr};

 private:
  void send(std::uint16_t /*reactor*/, hub::HubMail /*mail*/) override { FAIL(); }
  void send(std::span<const hub::Member> /*members*/, std::span<const iovec> /*parts*/,
            std::size_t /*bytes*/, std::vector<hub::ShortSend>& /*fell_short*/) override {}
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override {
    if (to.connection == 2) {
      direct_->on_reply(to.item, std::move(reply));
    } else if (const auto call = calls_.find(to.ticket); call != calls_.end()) {
      call->second->replies->on_reply(to.item, std::move(reply));
    }
  }
  bool on_gap(std::uint32_t /*slot*/, hub::WireForm /*form*/, const hub::Gap& /*gap*/) override {
    return true;
  }
  void on_too_slow(std::uint32_t /*slot*/) override {}
  void on_behind(std::uint32_t /*slot*/) override {}
  void on_leaving(std::uint32_t /*slot*/) override {}
  void on_cut(std::uint32_t /*slot*/, const hub::MessageRef& /*message*/, hub::WireForm /*form*/,
              std::size_t /*taken*/) override {}
  void on_send_error(std::uint32_t /*slot*/, int /*error*/) override {}
  void on_withdrawn(std::uint32_t /*slot*/, hub::WireForm /*form*/, ByteView /*topic*/) override {}

  std::map<std::uint32_t, std::unique_ptr<Call>> calls_;
  std::uint32_t last_ticket_ = 0;
  hub::ReplySink* direct_ = nullptr;
};

/// The `"code"` of an error body.
inline std::string code_in(const std::string& body) {
  const std::string key = R"("code":")";
  const std::size_t begin = body.find(key);
  if (begin == std::string::npos) {
    return "none in " + body;
  }
  const std::size_t from = begin + key.size();
  return body.substr(from, body.find('"', from) - from);
}

}  // namespace wspush::api
