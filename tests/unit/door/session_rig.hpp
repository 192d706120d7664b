#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "door/context.hpp"
#include "door/wire_forms.hpp"
#include "engine/memory_engine.hpp"
#include "unit/door/fake_connection.hpp"
#include "websocket/frame_encoder.hpp"

namespace wspush::door::test {

/// A session on a fake connection before a real hub. With two reactors the other one is a hub too,
/// and answers when `rest` carries the mail.
class SessionRig : public ::testing::Test, public hub::MemberSender, public hub::SubscriberEvents {
 protected:
  struct Mailer final : hub::Post {
    std::deque<std::pair<std::uint16_t, hub::HubMail>> mail;
    void send(std::uint16_t reactor, hub::HubMail letter) override {
      mail.emplace_back(reactor, std::move(letter));
    }
  };

  SessionRig() : config_(std::make_shared<config::Config>()) {
    config_->topics = {{.match = "open.>", .publish = config::Permission::kAnyone},
                       {.match = "own.>", .publish = config::Permission::kSubscriber},
                       {.match = "read", .publish = config::Permission::kNobody},
                       {.match = "users.>",
                        .subscribe = config::Permission::kAuthenticated,
                        .publish = config::Permission::kAuthenticated},
                       {.match = "closed", .subscribe = config::Permission::kNobody}};
  }

  /// With the config as it is by now.
  void start(std::uint16_t reactors = 1) {
    rules_ = std::make_shared<auth::TopicRules>(config_);
    deflation_ = std::make_unique<Deflation>(config_->compression, metrics_);
    for (std::uint16_t i = 0; i < reactors; ++i) {
      engines_.push_back(std::make_unique<engine::MemoryEngine>(i + 1));
      hubs_.push_back(std::make_unique<hub::Hub>(
          hub::HubOptions{
              .reactor = i, .reactors = reactors, .encode = wire_forms(*deflation_), .seed = 1},
          shared_, *engines_.back(), mailer_, *this, *this));
      hubs_.back()->set_now(now_);
      hubs_.back()->set_rules(*rules_);
    }
    context_ = std::make_unique<Context>(Context{.hub = *hubs_[0],
                                                 .metrics = metrics_,
                                                 .random = random_,
                                                 .deflation = *deflation_,
                                                 .config = config_,
                                                 .rules = rules_,
                                                 .now = now_,
                                                 .wall = {},
                                                 .reactor = 0,
                                                 .instance = 0xabcd1234,
                                                 .is_draining = false});
    connection_.session_context = context_.get();
  }
  /// A masked frame of the client.
  static std::string frame(websocket::Opcode opcode, ByteView payload) {
    std::string bytes;
    websocket::append_masked_frame(bytes, opcode, payload, {});
    return bytes;
  }
  /// All of it as one input; what the session leaves is kept for the next one.
  void input(const std::string& bytes) {
    input_ += bytes;
    const std::size_t used = session_->on_input({input_.data(), input_.size()});
    ASSERT_LE(used, input_.size());
    input_.erase(0, used);
  }
  void say(const std::string& command) { input(frame(websocket::Opcode::kText, command)); }
  /// Mail, fan-out, what is behind: as the reactor's turns do it.
  void rest() {
    while (!mailer_.mail.empty()) {
      auto [reactor, letter] = std::move(mailer_.mail.front());
      mailer_.mail.pop_front();
      hubs_[reactor]->on_mail(std::move(letter));
    }
    for (const auto& each : hubs_) {
      each->flush(SIZE_MAX);
    }
    hub::FrameBatch batch;
    do {
      batch.clear();
      hubs_[0]->gather(connection_.handle().slot, 1 << 20, batch);
      for (const auto& entry : batch.entries) {
        entry.frame.for_each_part([&](ByteView part) { connection_.sent.append(part); });
      }
      hubs_[0]->advance(connection_.handle().slot, batch, batch.bytes);
    } while (!batch.entries.empty());
    if (!connection_.is_paused && !input_.empty()) {
      input({});
    }
  }
  void pass(Duration time) {
    now_ += time;
    context_->now = now_;
    for (const auto& each : hubs_) {
      each->set_now(now_);
    }
  }
  /// The texts that the session sent since the last look; a close as `close <code>`.
  std::vector<std::string> answers() {
    std::vector<std::string> texts;
    for (const SentFrame& sent : connection_.take_frames()) {
      texts.push_back(sent.opcode == 8    ? "close " + std::to_string(sent.close_code())
                      : sent.opcode == 9  ? "ping"
                      : sent.opcode == 10 ? "pong " + sent.payload
                                          : sent.payload);
    }
    return texts;
  }
  std::uint64_t limit_hits(metrics::Limit limit) {
    metrics::Snapshot snapshot;
    metrics_.add_to(snapshot);
    return snapshot.limit_hits(limit);
  }

  // MemberSender
  void send(std::span<const hub::Member> members, std::span<const iovec> parts,
            std::size_t /*bytes*/, std::vector<hub::ShortSend>& /*fell_short*/) override {
    ASSERT_EQ(members.size(), 1U);
    for (const iovec& part : parts) {
      connection_.sent.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
  }
  // SubscriberEvents
  void on_reply(const hub::ReplyTo& to, hub::Reply&& reply) override {
    ASSERT_EQ(to.connection, connection_.handle().packed());
    session_->on_reply(to, std::move(reply));
  }
  bool on_gap(std::uint32_t /*slot*/, hub::WireForm /*form*/, const hub::Gap& gap) override {
    return session_->on_gap(gap);
  }
  void on_too_slow(std::uint32_t /*slot*/) override { session_->end(EndReason::kTooSlow); }
  void on_behind(std::uint32_t /*slot*/) override {}
  void on_leaving(std::uint32_t /*slot*/) override {}
  void on_cut(std::uint32_t /*slot*/, const hub::MessageRef& /*message*/, hub::WireForm /*form*/,
              std::size_t /*taken*/) override {}
  void on_send_error(std::uint32_t /*slot*/, int /*error*/) override {}
  void on_withdrawn(std::uint32_t /*slot*/, hub::WireForm /*form*/, ByteView topic) override {
    session_->on_withdrawn(topic);
  }

  TimePoint now_{std::chrono::hours(1)};
  std::shared_ptr<config::Config> config_;
  std::shared_ptr<auth::TopicRules> rules_;
  SplitMix64 random_{1};
  metrics::ReactorMetrics metrics_;
  std::unique_ptr<Deflation> deflation_;
  hub::HubShared shared_{.topic_key = {1, 2}};
  Mailer mailer_;
  std::vector<std::unique_ptr<engine::MemoryEngine>> engines_;
  std::vector<std::unique_ptr<hub::Hub>> hubs_;
  std::unique_ptr<Context> context_;
  FakeConnection connection_{now_, *config_};
  std::unique_ptr<Session> session_;
  std::string input_;
};

}  // namespace wspush::door::test
