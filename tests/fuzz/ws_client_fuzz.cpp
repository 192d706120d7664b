#include <string>
#include <vector>

#include "base/check.hpp"
#include "cli/subscriber.hpp"
#include "cli/ws_client.hpp"
#include "fuzz/fuzz.hpp"
#include "unit/websocket/reference_codec.hpp"
#include "websocket/opening_handshake.hpp"

// What `wspush sub` reads: the answer to its handshake, frames, and the events in them. A byte
// chooses whether the 101 comes from here or is part of the input; then the server's bytes.
namespace wspush::fuzz {
namespace {

using cli::WsClient;
using cli::WsEvent;

constexpr std::string_view kKeyName = "Sec-WebSocket-Key: ";

/// What the client made of the bytes, and what it sent.
struct Outcome {
  std::vector<std::string> events;
  std::string sent;
  std::string printed;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(bool has_answer, ByteView input, SplitMix64* chance) {
  SplitMix64 random(1);
  cli::Endpoint endpoint;
  endpoint.authority = "localhost:8080";
  endpoint.host = "localhost";
  WsClient client(endpoint, {}, random);
  std::string request;
  client.begin(request);
  std::string stream;
  if (has_answer) {
    const std::size_t key = request.find(kKeyName) + kKeyName.size();
    stream =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        websocket::accept_key(ByteView(request).substr(key, 24)) +
        "\r\nSec-WebSocket-Protocol: wspush.v1\r\n\r\n";
  }
  stream += input;

  Outcome outcome;
  cli::Subscriber subscriber({.topics = {"a"}, .count = {}, .after = {}});
  cli::Subscriber::Output output;
  subscriber.subscribe_command();
  bool is_over = false;
  for (std::size_t at = 0; at < stream.size() && !is_over;) {
    Copy piece(ByteView(stream).substr(
        at, chance == nullptr ? stream.size() : static_cast<std::size_t>(1 + chance->below(40))));
    at += piece.view().size();
    MutableBytes rest = piece.bytes();
    for (;;) {
      const WsEvent event = client.next(rest, outcome.sent);
      if (event.kind == WsEvent::Kind::kNone) {
        WSPUSH_CHECK(rest.empty());
        break;
      }
      outcome.events.push_back(std::to_string(static_cast<int>(event.kind)) + " " +
                               std::to_string(event.status) + " " + event.text +
                               std::string(as_view(event.payload)));
      if (event.kind == WsEvent::Kind::kText) {
        WSPUSH_CHECK(client.is_open() && slow_is_valid(as_view(event.payload)));
        subscriber.on_text(as_view(event.payload), output);
      } else if (event.kind != WsEvent::Kind::kOpen) {
        WSPUSH_CHECK(!event.text.empty());
        is_over = true;
        break;
      }
    }
  }
  if (!is_over) {
    const WsEvent event = client.on_end();
    WSPUSH_CHECK(event.kind != WsEvent::Kind::kNone && event.kind != WsEvent::Kind::kOpen &&
                 event.kind != WsEvent::Kind::kText);
    outcome.events.push_back(event.text);
  }
  outcome.printed = output.lines;
  for (const std::string& note : output.notes) {
    outcome.printed += "\nnote: " + note;
  }
  // A line of output for each message: what is in it cannot make two.
  WSPUSH_CHECK(output.lines.empty() || output.lines.back() == '\n');
  return outcome;
}

/// What the client sends is what a server takes.
void check_sent(const std::string& sent) {
  for (const std::string& line :
       websocket::ReferenceCodec(sent, websocket::MessageRules()).events()) {
    WSPUSH_CHECK(!line.starts_with("error:"));
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 8'000) {
    return;
  }
  Draw draw(input);
  const bool has_answer = draw.coin();
  const ByteView bytes = draw.rest();
  const Outcome whole = read(has_answer, bytes, nullptr);
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(read(has_answer, bytes, &chance) == whole);
  check_sent(whole.sent);
}

}  // namespace wspush::fuzz
