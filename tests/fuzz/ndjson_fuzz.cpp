#include <string>
#include <vector>

#include "wspush/hub/topic_name.hpp"

#include "api/line_splitter.hpp"
#include "api/message_entry.hpp"
#include "base/base64.hpp"
#include "base/check.hpp"
#include "cli/ndjson_lines.hpp"
#include "fuzz/door_world.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"

// NDJSON as the API takes it: lines cut out of any pieces, each read as a message; and as the
// companion tool makes it from standard input.
namespace wspush::fuzz {
namespace {

constexpr std::size_t kLineBytesMax = 60;

template <typename NextPiece>
std::vector<std::string> split(ByteView input, NextPiece&& next_piece) {
  api::LineSplitter splitter(kLineBytesMax);
  std::vector<std::string> lines;
  const auto keep = [&](const api::LineSplitter::Line& line) {
    WSPUSH_CHECK(line.text.size() <= kLineBytesMax && (!line.is_too_long || line.text.empty()));
    lines.push_back(line.is_too_long ? "too long" : "line " + std::string(line.text));
  };
  while (!input.empty()) {
    const Copy copy(input.substr(0, next_piece()));
    input.remove_prefix(copy.view().size());
    ByteView piece = copy.view();
    while (const auto line = splitter.next(piece)) {
      keep(*line);
    }
    WSPUSH_CHECK(piece.empty());
  }
  if (const auto line = splitter.finish()) {
    keep(*line);
  }
  WSPUSH_CHECK(!splitter.finish().has_value());
  return lines;
}

std::vector<std::string> plain_lines(ByteView input) {
  auto parts = plain_split(input, '\n');
  if (parts.back().empty()) {
    parts.pop_back();
  }
  for (std::string& part : parts) {
    part = part.size() > kLineBytesMax ? "too long" : "line " + part;
  }
  return parts;
}

/// A server that nothing is asked of here.
class NoServer final : public api::ServerView {
 public:
  void list_connections(std::optional<std::string> /*user*/, std::size_t /*limit*/,
                        const hub::ReplyTo& /*to*/) override {}
  void find_connection(ByteView /*id*/, const hub::ReplyTo& /*to*/) override {}
  void end_connection(ByteView /*id*/, const hub::ReplyTo& /*to*/) override {}
  void end_connections_of(ByteView /*user*/, const hub::ReplyTo& /*to*/) override {}
  void revoke(const api::Revocation& /*what*/, const hub::ReplyTo& /*to*/) override {}
  void list_topics(ByteView /*prefix*/, std::size_t /*limit*/,
                   const hub::ReplyTo& /*to*/) override {}
  bool is_ready() const override { return true; }
  std::string metrics_text(ByteView /*accept*/, std::string& /*content_type*/) const override {
    return {};
  }
};

/// A request from loopback, where no key is wanted.
class LoopbackExchange final : public http::Exchange {
 public:
  const http::RequestHead& head() const override { return head_; }
  const http::RequestTarget& target() const override { return target_; }
  std::string peer_address() const override { return "127.0.0.1"; }
  bool peer_is_loopback() const override { return true; }
  std::uint32_t ticket() const override { return 1; }
  void respond(http::Response /*response*/) override {}

 private:
  http::RequestHead head_;
  http::RequestTarget target_;
};

void check_entries(ByteView input) {
  static NoServer server;
  static const auto config = door_config(false);
  static DoorWorld world(config);
  static metrics::ReactorMetrics metrics;
  api::ApiContext context{.hub = world.context().hub,
                          .server = server,
                          .metrics = metrics,
                          .config = config,
                          .rules = world.context().rules};
  const LoopbackExchange exchange;
  auto caller = api::Caller::identify(exchange, context.config);
  WSPUSH_CHECK(caller.has_value());
  Draw draw(input);
  while (!draw.is_empty()) {
    const ByteView line = draw.until('\n');
    const auto object = parse_json_object(line);
    if (!object) {
      continue;
    }
    const auto entry = api::read_entry(*object, *caller, context);
    if (!entry) {
      WSPUSH_CHECK(!entry.error().code.empty());
      continue;
    }
    const hub::Message& message = *entry->message;
    std::string scratch;
    WSPUSH_CHECK(object->find("topic")->string(scratch) == entry->topic);
    WSPUSH_CHECK(hub::is_topic(entry->topic));
    WSPUSH_CHECK(message.key().size() <= api::kMessageKeyBytesMax);
    switch (message.kind()) {
      case hub::PayloadKind::kJson:
        WSPUSH_CHECK(object->find("data")->raw == message.payload());
        break;
      case hub::PayloadKind::kText:
        WSPUSH_CHECK(object->find("text")->string(scratch) == message.payload());
        break;
      case hub::PayloadKind::kBinary:
        WSPUSH_CHECK(object->find("base64")->string(scratch) == base64_encode(message.payload()));
        break;
    }
  }
}

/// Lines of standard input: each gives one line, which is JSON or empty.
void check_companion(ByteView input) {
  cli::NdjsonLines whole(std::string("open.a"), "k\"ey");
  cli::NdjsonLines::Output at_once;
  WSPUSH_CHECK(whole.feed(input, at_once));
  whole.finish(at_once);
  cli::NdjsonLines pieces(std::string("open.a"), "k\"ey");
  cli::NdjsonLines::Output in_pieces;
  SplitMix64 chance = chance_of(input);
  for (std::size_t at = 0; at < input.size();) {
    const ByteView piece = input.substr(at, static_cast<std::size_t>(1 + chance.below(30)));
    at += piece.size();
    WSPUSH_CHECK(pieces.feed(piece, in_pieces));
  }
  pieces.finish(in_pieces);
  WSPUSH_CHECK(at_once.lines == in_pieces.lines && at_once.notes == in_pieces.notes);
  WSPUSH_CHECK(whole.failed() == pieces.failed());
  auto wanted = plain_split(input, '\n');
  if (wanted.back().empty()) {
    wanted.pop_back();
  }
  const auto made = plain_split(at_once.lines, '\n');
  WSPUSH_CHECK(made.size() == wanted.size() + 1 && made.back().empty());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    WSPUSH_CHECK(made[i].empty() || !check_json(wanted[i]).has_value() ||
                 made[i].find(plain_trim(wanted[i])) != std::string::npos);
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  const auto wanted = plain_lines(input);
  WSPUSH_CHECK(split(input, [&] { return input.size(); }) == wanted);
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(split(input, [&] { return static_cast<std::size_t>(1 + chance.below(40)); }) ==
               wanted);
  WSPUSH_CHECK(split(input, [] { return std::size_t{1}; }) == wanted);
  check_entries(input);
  check_companion(input);
}

}  // namespace wspush::fuzz
