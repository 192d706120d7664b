#pragma once

#include <string>
#include <utility>
#include <vector>

#include "wspush/door/session.hpp"

namespace wspush::door::test {

/// One frame that a session sent.
struct SentFrame {
  int opcode;
  std::string payload;
  bool is_compressed = false;  ///< RSV1

  int close_code() const {
    return payload.size() < 2 ? 1005
                              : static_cast<unsigned char>(payload[0]) * 256 +
                                    static_cast<unsigned char>(payload[1]);
  }
};

/// Cuts unmasked server frames apart.
inline std::vector<SentFrame> frames_of(ByteView bytes) {
  std::vector<SentFrame> frames;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  while (bytes.size() >= 2) {
    const int opcode = at(0) & 0x0f;
    std::size_t header = 2;
    std::size_t size = at(1);
    if (size >= 126) {
      const std::size_t digits = size == 126 ? 2 : 8;
      size = 0;
      for (std::size_t i = 0; i < digits; ++i) {
        size = size * 256 + at(2 + i);
      }
      header += digits;
    }
    frames.push_back({opcode, std::string(bytes.substr(header, size)), (at(0) & 0x40) != 0});
    bytes.remove_prefix(std::min(bytes.size(), header + size));
  }
  return frames;
}

/// A connection without a socket: what is written to it is kept.
class FakeConnection final : public Connection {
 public:
  FakeConnection(TimePoint now, const config::Config& config)
      : heard(now), sent_at(now), config_(config) {}

  Handle handle() const override { return {3, 9}; }
  door::Context& context() const override { return *session_context; }
  hub::Member member() const override { return {holds_frames ? hub::kHeld : 77, 3}; }
  std::string peer_address() const override { return "192.0.2.1"; }
  bool peer_is_loopback() const override { return false; }
  bool is_public() const override { return true; }
  const config::Config& config() const override { return config_; }
  WallTime since() const override { return {}; }
  void write_last(ByteView head, ByteView body) override { write(head, body); }
  void write(ByteView head, ByteView body) override {
    if (!is_closing) {
      sent.append(head).append(body);
    }
  }
  std::size_t queued_bytes() const override { return 0; }
  bool is_congested() override { return congested; }
  bool is_blocked() const override { return blocked; }
  void pause_input() override { is_paused = true; }
  void resume_input() override { is_paused = false; }
  void yield_input() override { ++yields; }
  void close_after_flush(Linger linger) override {
    is_closing = true;
    lingers = linger == Linger::kForPeer;
  }
  void want_drained() override { wants_drained = true; }
  void close_now() override { is_closing = true; }
  void hold_frames(bool is_held) override { holds_frames = is_held; }
  void replace_session(std::unique_ptr<Session> next) override { next_session = std::move(next); }
  void add_layer(std::unique_ptr<net::StreamLayer> layer) override { layer_ = std::move(layer); }
  TimePoint last_heard() const override { return heard; }
  TimePoint last_sent() const override { return sent_at; }
  void set_deadline(TimePoint when) override { deadline_ = when; }
  TimePoint deadline() const override { return deadline_; }

  /// The frames since the last call.
  std::vector<SentFrame> take_frames() { return frames_of(std::exchange(sent, {})); }

  door::Context* session_context = nullptr;  ///< set before a session is made
  std::string sent;
  TimePoint heard;
  TimePoint sent_at;
  std::unique_ptr<Session> next_session;
  bool holds_frames = false;
  bool congested = false;
  bool blocked = false;
  bool is_paused = false;
  int yields = 0;
  bool wants_drained = false;
  bool is_closing = false;
  bool lingers = false;

 private:
  const config::Config& config_;
  TimePoint deadline_ = TimePoint::max();
  std::unique_ptr<net::StreamLayer> layer_;
};

}  // namespace wspush::door::test
