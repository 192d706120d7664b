#include <array>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/door_world.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/server_output.hpp"
#include "unit/websocket/reference_codec.hpp"
#include "websocket/permessage_deflate.hpp"

// A whole connection: a byte chooses the door and whether messages are compressed (or that it is an
// event stream or a long poll in place of the raw door), then each step
// begins with a byte that says what happens: bytes of the client in any pieces, frames, commands,
// time, a socket that takes little or nothing, other publishers, drain, reload, the end. Whatever
// happens, what the server sends is HTTP and then frames, says close at most once, and a client
// that has gone silent is let go.
namespace wspush::fuzz {
namespace {

using websocket::MessageRules;

constexpr std::array<std::string_view, 8> kTopics = {"open.a", "open.b",  "own.a",  "slow",
                                                     "read",   "users.a", "closed", "none"};
constexpr std::array<std::string_view, 10> kCommands = {
    R"({"op":"subscribe","id":1,"topic":"@"})",
    R"({"op":"subscribe","id":"x","topic":"@","after":"first"})",
    R"({"op":"subscribe","topics":[{"topic":"@"},{"topic":"open.b","mode":"latest"}],"id":2})",
    R"({"op":"unsubscribe","id":3,"topic":"@"})",
    R"({"op":"publish","id":4,"topic":"@","data":{"n":[1,2,"\u00e9"]}})",
    R"({"op":"publish","topic":"@","data":"quiet"})",
    R"({"op":"history","id":5,"topic":"@","limit":3})",
    R"({"op":"history","id":6,"topic":"@","after":"0000002a-1"})",
    R"({"op":"ping","id":7})",
    R"({"op":"auth","id":8,"token":"x"})"};

constexpr std::array<std::string_view, 5> kOffers = {
    "permessage-deflate", "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8",
    "x-other, permessage-deflate; server_max_window_bits=12; client_max_window_bits=10"};

enum class Door : std::uint8_t { kWspushV1, kRaw, kEcho, kNone };

class Run {
 public:
  explicit Run(ByteView input) : draw_(input) {
    const std::uint8_t bits = draw_.byte();
    door_ = static_cast<Door>(bits & 3U);
    const auto config = door_config((bits & 4U) != 0);
    config->auth.required = (bits & 8U) != 0;
    if ((bits & 16U) != 0) {
      config->compression = {.min_bytes = 16,
                             .context_takeover = (bits & 32U) != 0,
                             .window_bits = (bits & 64U) != 0 ? 9 : 15};
    }
    config_ = config;
    world_ = std::make_unique<DoorWorld>(config);
    world_->start_http();
    if (door_ == Door::kRaw && (bits & 128U) != 0) {
      door_ = Door::kNone;
      read_topic(draw_.byte());
    } else if (door_ != Door::kNone) {
      open(draw_.byte());
    }
  }

  void run() {
    while (!draw_.is_empty() && !connection().is_dead()) {
      step();
      check_queue();
    }
    finish();
  }

 private:
  FuzzConnection& connection() { return world_->connection(); }

  /// The handshake. Without it the client's bytes are all the target's.
  void open(std::uint8_t choice) {
    const std::string_view path = door_ == Door::kWspushV1 ? "/ws"
                                  : door_ == Door::kEcho   ? "/echo"
                                  : (choice & 1U) != 0     ? "/topics/open.a"
                                  : (choice & 2U) != 0     ? "/topics/slow?after=first"
                                                           : "/topics/own.a";
    connection().receive("GET " + std::string(path) +
                         " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                         "Sec-WebSocket-Version: 13\r\n" +
                         (config_->compression.enabled
                              ? "Sec-WebSocket-Extensions: " +
                                    std::string(kOffers[(choice >> 2U) % kOffers.size()]) + "\r\n"
                              : "") +
                         "\r\n");
    world_->turn();
    ByteView sent = connection().sent();
    if (const auto upgrade = check_responses(sent, false)) {
      WSPUSH_CHECK(upgrade->deflate.has_value() == config_->compression.enabled);
      deflate_ = upgrade->deflate;
    }
  }

  /// A request of a client that only reads, by SSE or by long poll.
  void read_topic(std::uint8_t choice) {
    constexpr std::array<std::string_view, 4> kQueries = {"", "?after=first", "?after=0000002a-1",
                                                          "?after=first&wait=3"};
    connection().receive("GET /topics/" + std::string(kTopics[(choice >> 2U) % kTopics.size()]) +
                         std::string(kQueries[(choice >> 5U) % kQueries.size()]) +
                         ((choice & 2U) != 0 ? " HTTP/1.0" : " HTTP/1.1") + "\r\nHost: a\r\n" +
                         ((choice & 1U) != 0 ? "Accept: text/event-stream\r\n\r\n" : "\r\n"));
    world_->turn();
  }

  /// A message in one frame or two, compressed as was agreed.
  void send_deflated(std::uint8_t choice, ByteView message) {
    if (deflater_ == nullptr || !deflate_->client_context_takeover) {
      deflater_ = std::make_unique<websocket::Deflater>(websocket::Deflater::Options{
          .window_bits = deflate_->client_window_bits, .memory_level = 1, .keeps_context = true});
    }
    const std::uint8_t opcode = (choice & 1U) != 0 ? 1 : 2;
    const ByteView payload = *deflater_->deflate({&message, 1}, deflated_);
    std::string plain = client_frame(0x80U | opcode, message);
    std::string bytes = client_frame(0xc0U | opcode, payload);
    if ((choice & 2U) != 0) {
      const std::size_t middle = payload.size() / 2;
      plain = client_frame(opcode, message.substr(0, message.size() / 2)) +
              client_frame(0x80, message.substr(message.size() / 2));
      bytes = client_frame(0x40U | opcode, payload.substr(0, middle)) +
              client_frame(0x80, payload.substr(middle));
    }
    // Near the limit it matters when a message is found to be too long.
    is_disturbed_ = is_disturbed_ || message.size() + 16 > config_->limits.message_bytes;
    send(bytes, plain);
  }

  /// `plain`: what it says without compression.
  void send(const std::string& bytes, const std::string& plain) {
    if (connection().is_open() && !has_ended_) {
      stream_ += plain;
    }
    connection().receive(bytes);
  }

  void send(const std::string& bytes) {
    // They may be compressed by chance.
    is_disturbed_ = is_disturbed_ || deflate_.has_value();
    send(bytes, bytes);
  }

  std::string_view topic() { return kTopics[draw_.below(kTopics.size())]; }

  void step() {
    switch (draw_.byte() % 16) {
      case 0:
      case 1:
        send(std::string(draw_.piece()));
        break;
      case 2:
      case 3:
      case 4: {
        const std::uint8_t first = draw_.byte();
        const ByteView payload = draw_.piece();
        if (deflate_ && (first & 0x70U) == 0x40) {
          send_deflated(first, payload);
        } else {
          const std::string frame = client_frame(first, payload);
          (first & 0x40U) != 0 ? send(frame) : send(frame, frame);
        }
        break;
      }
      case 5: {
        std::string command(kCommands[draw_.below(kCommands.size())]);
        if (const auto at = command.find('@'); at != command.npos) {
          command.replace(at, 1, topic());
        }
        deflate_ ? send_deflated(1, command) : send(client_frame(0x81, command));
        break;
      }
      case 6:
        is_disturbed_ = true;
        world_->pass(std::chrono::milliseconds(draw_.word()));
        break;
      case 7:
        is_disturbed_ = true;
        if (const std::uint8_t room = draw_.byte(); room < 250) {
          connection().set_room(std::size_t{room} * 8);
        } else {
          connection().set_room(SIZE_MAX);
        }
        break;
      case 8:
      case 9:
        world_->turn();
        break;
      case 10: {
        const std::uint8_t from = draw_.byte();
        const std::string_view name = topic();
        const ByteView payload = draw_.piece();
        world_->publish(from, name, hub::PayloadKind::kBinary, payload);
        break;
      }
      case 11: {
        const std::uint8_t times = draw_.byte();
        const std::string_view name = topic();
        for (std::size_t i = 0; i < times % 16U; ++i) {
          world_->publish(i % 2, name, hub::PayloadKind::kJson, R"({"x":[1,null,"y"]})");
        }
        break;
      }
      case 12:
        if (draw_.byte() < 64) {  // Seldom: it is the end of most that could happen.
          has_ended_ = true;
          is_disturbed_ = true;
          connection().receive_end();
        }
        break;
      case 13:
        end(draw_.byte());
        break;
      case 14:
        is_disturbed_ = true;
        world_->reload(draw_.coin());
        break;
      case 15:
        world_->sweep();
        break;
    }
  }

  void end(std::uint8_t choice) {
    is_disturbed_ = true;
    if (choice < 16) {
      connection().lose();
    } else if (choice < 96 && connection().is_open()) {
      connection().session().end(static_cast<door::EndReason>(choice % 5));
    }
  }

  /// What waits is bounded: the limit, and one answer that may be larger than all of it.
  void check_queue() {
    constexpr std::size_t kAnswerBytesMax = std::size_t{2} << 20;
    WSPUSH_CHECK(connection().queued_bytes() <= config_->limits.queued_bytes + kAnswerBytesMax);
  }

  void finish() {
    world_->turn();
    // As yet nothing has been said to a socket that takes no more.
    connection().set_room(SIZE_MAX);
    world_->turn();
    if (connection().is_open()) {
      WSPUSH_CHECK(!connection().has_unsent());
    }
    check_sent();
    // A peer that says nothing is gone after its heartbeat, and a request that never ends with it.
    for (int i = 0; i < 400 && !connection().is_dead(); ++i) {
      world_->pass(std::chrono::seconds(10));
      world_->turn();
    }
    if (!connection().is_dead()) {
      // Only an event stream goes on without a word from its client.
      WSPUSH_CHECK(connection().session().kind() == door::DoorKind::kSse);
      check_sent();
      connection().receive_end();
      world_->turn();
    }
    WSPUSH_CHECK(connection().is_dead());
    check_sent();
    WSPUSH_CHECK(world_->context().hub.subscriptions_of(FuzzConnection::kSlot) == 0);
  }

  void check_sent() {
    ByteView sent = connection().sent();
    const bool may_be_cut = connection().has_unsent();
    const auto upgrade = check_responses(sent, may_be_cut);
    if (!upgrade) {
      return;
    }
    const auto frames = check_server_frames(sent, may_be_cut, *upgrade);
    if (door_ == Door::kWspushV1) {
      for (const ServerFrame& frame : frames) {
        WSPUSH_CHECK(frame.opcode != 2);
        if (frame.opcode == 1) {
          check_v1_text(frame.payload);
        }
      }
      WSPUSH_CHECK(frames.empty() || check_v1_text(frames.front().payload) == "welcome");
    }
    if (door_ == Door::kEcho && !is_disturbed_) {
      check_echoes(frames);
    }
  }

  /// All that was earned comes, in order, before the error that ends it (RFC 6455 §5.5, §7.1.7).
  void check_echoes(const std::vector<ServerFrame>& frames) {
    const MessageRules rules{
        .message_bytes_max = config_->limits.message_bytes,
        .frames_per_message_max = static_cast<std::uint32_t>(config_->limits.frames_per_message)};
    std::vector<std::string> wanted;
    int control_frames = 0;
    for (std::string line : websocket::ReferenceCodec(stream_, rules).events()) {
      const std::string kind = line.substr(0, line.find(':'));
      control_frames += kind == "ping" || kind == "pong" ? 1 : 0;
      if (kind == "ping") {
        line.replace(0, 4, "pong");
      } else if (kind == "close" || kind == "error") {
        line = "close:" + line.substr(6, 4);
      } else if (kind == "pong") {
        continue;
      }
      wanted.push_back(std::move(line));
    }
    if (control_frames > 100) {
      return;  // The limit on control frames is in between.
    }
    std::vector<std::string> got;
    for (const ServerFrame& frame : frames) {
      if (frame.opcode == 9) {
        break;  // Its heartbeat: the time after the last step.
      }
      const std::string code =
          frame.payload.size() < 2
              ? "1005"
              : std::to_string(static_cast<unsigned char>(frame.payload[0]) * 256 +
                               static_cast<unsigned char>(frame.payload[1]));
      got.push_back(frame.opcode == 8 ? "close:" + code
                                      : websocket::line_of(frame.opcode == 1   ? "text"
                                                           : frame.opcode == 2 ? "binary"
                                                                               : "pong",
                                                           frame.payload));
    }
    if (got.size() == wanted.size() + 1 && got.back() == "close:4009") {
      got.pop_back();
    }
    WSPUSH_CHECK(got == wanted);
  }

  Draw draw_;
  Door door_ = Door::kNone;
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<DoorWorld> world_;
  std::string stream_;  ///< what the client said behind its handshake
  std::optional<websocket::DeflateAgreement> deflate_;
  std::unique_ptr<websocket::Deflater> deflater_;
  websocket::ScratchBuffer deflated_;
  bool has_ended_ = false;
  bool is_disturbed_ = false;  ///< something else than the client's bytes decides what is sent
};

}  // namespace

void run(ByteView input) {
  if (input.size() <= 4'096) {
    Run(input).run();
  }
}

}  // namespace wspush::fuzz
