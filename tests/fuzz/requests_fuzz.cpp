#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "api/revocations_endpoint.hpp"
#include "base/check.hpp"
#include "base/json.hpp"
#include "fuzz/door_world.hpp"
#include "fuzz/fuzz.hpp"
#include "http/response_parser.hpp"
#include "server/internal_router.hpp"

// A connection to the internal listener: requests one behind the other, with bodies of any length
// or none, to all endpoints. An input is plain text, whose answers must not depend on how it is
// cut; or, behind a byte of zero, steps as in `session`: pieces, time, a socket that takes little,
// the end. Each answer is well-formed, and who says nothing more is let go.
namespace wspush::fuzz {
namespace {

/// Answers of the other reactors, which come in a later turn.
class FuzzServer final : public api::ServerView {
 public:
  void list_connections(std::optional<std::string> user, std::size_t limit,
                        const hub::ReplyTo& to) override {
    std::vector<api::ConnectionView> all(std::min<std::size_t>(limit, 2));
    for (api::ConnectionView& each : all) {
      each = {.id = "0123456789abcdef01234567",
              .user = user.value_or(""),
              .door = "wspush.v1",
              .address = "192.0.2.1"};
    }
    answer(to, std::move(all));
  }
  void find_connection(ByteView id, const hub::ReplyTo& to) override {
    std::vector<api::ConnectionView> found;
    if (!id.empty() && id.front() == '0') {
      found.push_back({.id = std::string(id), .user = "u", .door = "echo", .address = "::1"});
    }
    answer(to, std::move(found));
  }
  void end_connection(ByteView id, const hub::ReplyTo& to) override {
    answer(to, std::size_t{!id.empty() && id.front() == '0' ? 1U : 0U});
  }
  void end_connections_of(ByteView user, const hub::ReplyTo& to) override {
    answer(to, user.size());
  }
  void revoke(const api::Revocation& what, const hub::ReplyTo& to) override {
    // One of the two, and no longer than a clock can count.
    WSPUSH_CHECK(what.user.empty() != what.token_id.empty());
    WSPUSH_CHECK(what.lasts > Duration::zero() && what.lasts <= api::kRevocationTimeMax);
    const bool has_room = what.user.size() % 2 == 0;
    answer(to, has_room);
    if (has_room) {
      replies_.emplace_back(to, hub::RevocationKeptReply{});
    }
  }
  void list_topics(ByteView prefix, std::size_t limit, const hub::ReplyTo& to) override {
    std::vector<api::TopicSummary> all(std::min<std::size_t>(limit, 3));
    for (api::TopicSummary& each : all) {
      each = {.topic = std::string(prefix) + "a", .subscribers = limit};
    }
    answer(to, std::move(all));
  }
  bool is_ready() const override { return true; }
  std::string metrics_text(ByteView /*accept*/, std::string& content_type) const override {
    content_type = "text/plain";
    return "{}";
  }

  /// Whether there was one.
  bool deliver(DoorWorld& world) {
    if (replies_.empty()) {
      return false;
    }
    auto [to, reply] = std::move(replies_.front());
    replies_.pop_front();
    world.on_reply(to, std::move(reply));
    return true;
  }

 private:
  void answer(const hub::ReplyTo& to, std::any value) {
    replies_.emplace_back(to, hub::GatheredReply{std::move(value)});
  }

  std::deque<std::pair<hub::ReplyTo, hub::Reply>> replies_;
};

std::shared_ptr<config::Config> api_config(bool has_tight_limits, bool has_keys) {
  auto config = door_config(has_tight_limits);
  if (has_tight_limits) {
    config->limits.body_bytes = 300;
  }
  if (has_keys) {
    config->internal.api_keys = {{.key = "all"},
                                 {.key = "some", .topics = {"open.>"}},
                                 {.key = "reader", .can_publish = false}};
  }
  return config;
}

/// The server's end of one connection, and all there is behind it.
class InternalWorld {
 public:
  explicit InternalWorld(const std::shared_ptr<config::Config>& config) : world_(config) {
    connection().start_internal(
        std::make_unique<server::HttpSession>(connection(), world_.context(), *router_, world_));
  }

  DoorWorld& world() { return world_; }
  FuzzConnection& connection() { return world_.connection(); }

  void turn() {
    do {
      world_.turn();
    } while (server_.deliver(world_));
  }

  void pass(Duration time) {
    world_.pass(time);
    context_.now = world_.now();
  }

  /// A client that says nothing any more is gone after an hour, when the longest wait is over.
  void finish() {
    connection().set_room(SIZE_MAX);
    turn();
    for (int i = 0; i < 400 && !connection().is_dead(); ++i) {
      pass(std::chrono::seconds(10));
      turn();
    }
    WSPUSH_CHECK(connection().is_dead());
  }

 private:
  DoorWorld world_;
  FuzzServer server_;
  metrics::ReactorMetrics metrics_;
  api::ApiContext context_{.hub = world_.context().hub,
                           .server = server_,
                           .metrics = metrics_,
                           .config = world_.context().config,
                           .rules = world_.context().rules,
                           .now = world_.now()};
  std::unique_ptr<server::Router> router_ = server::make_internal_router(context_);
};

void check_answers(ByteView bytes, bool may_be_cut) {
  while (!bytes.empty()) {
    http::ResponseHeadParser parser;
    const http::HeadStatus status = parser.parse(bytes);
    if (status == http::HeadStatus::kNeedMore) {
      WSPUSH_CHECK(may_be_cut);
      return;
    }
    WSPUSH_CHECK(status == http::HeadStatus::kComplete);
    const http::ResponseHead& head = parser.head();
    bytes.remove_prefix(parser.head_bytes());
    if (head.status == 100) {
      continue;
    }
    WSPUSH_CHECK(head.status >= 200 && head.status < 600 && head.content_length.has_value());
    // The answer to HEAD announces a body that does not come.
    if (!bytes.starts_with("HTTP/1.1 ")) {
      const auto body_bytes = static_cast<std::size_t>(*head.content_length);
      const ByteView body = bytes.substr(0, body_bytes);
      WSPUSH_CHECK(may_be_cut || body.size() == body_bytes || body.empty());
      bytes.remove_prefix(body.size());
      if (!body.empty() && body.size() == body_bytes &&
          head.headers.find("Content-Type").value_or("").starts_with("application/json")) {
        WSPUSH_CHECK(parse_json_object(body).has_value());
      }
    }
    WSPUSH_CHECK(head.keep_alive || bytes.empty());
  }
}

std::string answers_to(ByteView text, SplitMix64* chance) {
  InternalWorld internal(api_config(false, false));
  while (!text.empty()) {
    const ByteView piece = text.substr(0, chance == nullptr ? text.size() : 1 + chance->below(40));
    text.remove_prefix(piece.size());
    internal.connection().receive(piece);
    internal.turn();
  }
  const std::string sent = internal.connection().sent();
  internal.finish();
  check_answers(internal.connection().sent(), false);
  return sent;
}

constexpr std::array<std::string_view, 12> kRequests = {
    "POST /api/topics/open.a/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    "Content-Length: 7\r\n\r\n{\"n\":1}",
    "POST /api/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
    "45\r\n\r\n{\"messages\":[{\"topic\":\"open.b\",\"text\":\"hello\"}]}",
    "POST /api/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
    "Transfer-Encoding: chunked\r\n\r\n1f\r\n{\"topic\":\"open.a\",\"text\":\"abc\"}\n\r\n",
    "0\r\n\r\n",
    "GET /api/topics HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /api/topics/open.a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer some\r\n\r\n",
    "GET /api/topics/open.a/messages?limit=2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "DELETE /api/topics/open.a/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer all\r\n\r\n",
    "GET /api/connections?user=u HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "POST /api/topics/open.a/messages HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    "Content-Length: 3\r\n\r\n",
    "GET /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"};

void run_steps(Draw draw) {
  const std::uint8_t bits = draw.byte();
  const auto config = api_config((bits & 1U) != 0, (bits & 2U) != 0);
  InternalWorld internal(config);
  FuzzConnection& connection = internal.connection();
  while (!draw.is_empty() && !connection.is_dead()) {
    switch (draw.byte() % 8) {
      case 0:
      case 1:
        connection.receive(draw.piece());
        break;
      case 2:
      case 3:
        connection.receive(kRequests[draw.below(kRequests.size())]);
        break;
      case 4:
        internal.turn();
        break;
      case 5:
        internal.pass(std::chrono::milliseconds(draw.word()));
        break;
      case 6: {
        const std::uint8_t room = draw.byte();
        connection.set_room(room < 250 ? std::size_t{room} * 8 : SIZE_MAX);
        break;
      }
      case 7: {
        const std::uint8_t choice = draw.byte();
        if (choice < 32) {
          connection.receive_end();
        } else if (choice < 64 && connection.is_open()) {
          connection.session().end(static_cast<door::EndReason>(choice % 5));
        } else if (choice < 80) {
          connection.lose();
        } else {
          internal.world().publish(choice, "open.a", hub::PayloadKind::kText, "published");
        }
        break;
      }
    }
    WSPUSH_CHECK(connection.queued_bytes() <= config->limits.queued_bytes + (2U << 20U));
  }
  internal.finish();
  check_answers(connection.sent(), connection.has_unsent() || connection.is_dead());
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  if (input.starts_with('\0')) {
    run_steps(Draw(input.substr(1)));
    return;
  }
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(answers_to(input, nullptr) == answers_to(input, &chance));
}

}  // namespace wspush::fuzz
