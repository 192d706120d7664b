#include "cli/ws_client.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "websocket/frame_encoder.hpp"
#include "websocket/opening_handshake.hpp"

namespace wspush::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using websocket::CloseCode;
using websocket::Opcode;

Endpoint endpoint() {
  return *parse_endpoint("ws://example.org:8080/p", Listener::kPublic);
}

std::string key_of(const std::string& request) {
  const std::string name = "Sec-WebSocket-Key: ";
  const std::size_t begin = request.find(name) + name.size();
  return request.substr(begin, request.find('\r', begin) - begin);
}

std::string accepting(const std::string& request) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Protocol: wspush.v1\r\nSec-WebSocket-Accept: " +
         std::string(websocket::accept_key(key_of(request))) + "\r\n\r\n";
}

/// A client in front of a server that says what a test gives it.
struct Talk {
  explicit Talk(const std::string& token = "") : client(endpoint(), token, random) {
    client.begin(request);
  }

  /// Feeds `bytes` and notes the events in words.
  void hear(std::string bytes) {
    MutableBytes input(bytes.data(), bytes.size());
    while (true) {
      const WsEvent event = client.next(input, out);
      if (event.kind == WsEvent::Kind::kNone || is_over) {
        return;
      }
      note(event);
    }
  }

  void note(const WsEvent& event) {
    switch (event.kind) {
      case WsEvent::Kind::kNone:
        break;
      case WsEvent::Kind::kOpen:
        events.emplace_back("open");
        break;
      case WsEvent::Kind::kText:
        events.push_back("text " + std::string(as_view(event.payload)));
        break;
      case WsEvent::Kind::kRefused:
        events.push_back("refused " + event.text);
        is_over = true;
        break;
      case WsEvent::Kind::kClosed:
        events.push_back("closed " + event.text);
        is_over = true;
        break;
      case WsEvent::Kind::kFailed:
        events.push_back("failed " + event.text);
        is_over = true;
        break;
    }
  }

  /// What the client sent in frames, as the server's codec reads it.
  std::vector<std::string> answers() {
    websocket::MessageAssembler assembler;
    const websocket::MessageRules rules;
    MutableBytes input(out.data(), out.size());
    std::vector<std::string> read;
    while (true) {
      const auto event = assembler.next(input, rules);
      using Kind = websocket::AssemblerEvent::Kind;
      if (event.kind == Kind::kNone) {
        return read;
      }
      const std::string payload(as_view(event.payload));
      read.push_back((event.kind == Kind::kText    ? "text "
                      : event.kind == Kind::kPong  ? "pong "
                      : event.kind == Kind::kClose ? "close "
                                                   : "other ") +
                     (event.kind == Kind::kClose
                          ? std::to_string(static_cast<int>(event.close_code))
                          : payload));
    }
  }

  SplitMix64 random{42};
  WsClient client;
  std::string request;
  std::string out;
  std::vector<std::string> events;
  bool is_over = false;
};

std::string frame(Opcode opcode, const std::string& payload) {
  std::string out;
  websocket::append_frame(out, opcode, payload);
  return out;
}

TEST(WsClient, AsksForItsProtocolUnderThePrefix) {
  const Talk talk("a.b.c");
  EXPECT_THAT(talk.request,
              testing::StartsWith("GET /p/ws HTTP/1.1\r\nHost: example.org:8080\r\n"));
  EXPECT_THAT(talk.request, HasSubstr("Sec-WebSocket-Protocol: wspush.v1\r\n"));
  EXPECT_THAT(talk.request, HasSubstr("Authorization: Bearer a.b.c\r\n"));
  EXPECT_THAT(Talk().request, testing::Not(HasSubstr("Authorization")));
}

TEST(WsClient, GivesTheSameEventsHoweverTheBytesAreCut) {
  const std::string bytes = accepting(Talk().request) + frame(Opcode::kText, "one") +
                            frame(Opcode::kPing, "p") +
                            frame(Opcode::kText, std::string(200, 'x')) +
                            websocket::encode_close(CloseCode::kGoingAway, "drain");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Talk talk;
    talk.hear(bytes.substr(0, cut));
    talk.hear(bytes.substr(cut));
    EXPECT_THAT(talk.events, ElementsAre("open", "text one", "text " + std::string(200, 'x'),
                                         "closed the server closed with 1001: drain"))
        << cut;
    EXPECT_THAT(talk.answers(), ElementsAre("pong p", "close 1001")) << cut;
  }
}

TEST(WsClient, MasksWhatItSends) {
  Talk talk;
  talk.hear(accepting(talk.request));
  talk.client.send_text("hello", talk.out);
  talk.client.send_text("hello", talk.out);
  talk.client.send_close(talk.out);
  EXPECT_THAT(talk.out, testing::Not(HasSubstr("hello")));
  EXPECT_NE(talk.out.substr(2, 4), talk.out.substr(13, 4)) << "a new key for each frame";
  EXPECT_THAT(talk.answers(), ElementsAre("text hello", "text hello", "close 1000"));
}

TEST(WsClient, TellsARefusal) {
  Talk talk;
  talk.hear("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 4\r\nContent-Length: 45\r\n\r\n");
  EXPECT_THAT(talk.events, testing::IsEmpty()) << "its body is still to come";
  std::string body = R"({"error":{"code":"draining","message":"bye"}})";
  MutableBytes input(body.data(), body.size());
  const WsEvent event = talk.client.next(input, talk.out);
  EXPECT_EQ(event.kind, WsEvent::Kind::kRefused);
  EXPECT_EQ(event.status, 503);
  EXPECT_EQ(event.retry_after, std::chrono::seconds(4));
  EXPECT_EQ(event.text, "503, draining: bye");
}

TEST(WsClient, TellsARefusalWhoseBodyWasCutOff) {
  Talk talk;
  talk.hear("HTTP/1.1 403 Forbidden\r\nContent-Length: 44\r\n\r\n{\"err");
  const WsEvent event = talk.client.on_end();
  EXPECT_EQ(event.kind, WsEvent::Kind::kRefused);
  EXPECT_EQ(event.status, 403);
}

TEST(WsClient, FailsOnWhatIsNoWebSocketServer) {
  Talk garbage;
  garbage.hear("220 smtp.example.org ESMTP\r\n");
  ASSERT_EQ(garbage.events.size(), 1U);
  EXPECT_THAT(garbage.events[0], HasSubstr("failed"));
  Talk wrong_key;
  wrong_key.hear(accepting("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r"));
  EXPECT_THAT(wrong_key.events, ElementsAre("failed wrong Sec-WebSocket-Accept"));
  Talk silent;
  EXPECT_EQ(silent.client.on_end().kind, WsEvent::Kind::kFailed);
}

TEST(WsClient, FailsOnWhatAServerMustNotSend) {
  std::string masked;
  websocket::append_masked_frame(masked, Opcode::kText, "x", {1, 2, 3, 4});
  for (const std::string& bytes : {masked, frame(Opcode::kBinary, "x"), std::string("\x83\x00", 2),
                                   frame(Opcode::kText, "\xff")}) {
    Talk talk;
    talk.hear(accepting(talk.request) + bytes);
    ASSERT_EQ(talk.events.size(), 2U);
    EXPECT_THAT(talk.events[1], HasSubstr("failed"));
  }
}

TEST(WsClient, TellsAnEndWithoutAClose) {
  Talk talk;
  talk.hear(accepting(talk.request));
  const WsEvent event = talk.client.on_end();
  EXPECT_EQ(event.kind, WsEvent::Kind::kClosed);
  EXPECT_EQ(event.close_code, CloseCode::kAbnormal);
}

}  // namespace
}  // namespace wspush::cli
