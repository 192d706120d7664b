#pragma once

#include <memory>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/failing_allocations.hpp"
#include "unit/hub/hub_world.hpp"

namespace wspush::hub::test {

/// One to three reactors on a leash: nothing happens that the test does not ask for.
class HubRig : public ::testing::Test {
 protected:
  static constexpr std::size_t kAll = 10'000;

  void start(std::uint16_t reactors) {
    post_ = std::make_unique<FakePost>(reactors);
    for (std::uint16_t i = 0; i < reactors; ++i) {
      reactors_.push_back(std::make_unique<FakeReactor>(
          FakeReactor::Shared{
              .hub = shared_,
              .post = *post_,
              .record = record_,
              .random = random_,
              .rules = &rules_,
              .kept_from = [](const std::string&, MessageId last) { return last.offset + 1; },
              .on_answer =
                  [this](std::uint32_t item, const Reply& reply) {
                    answers_.resize(std::max<std::size_t>(answers_.size(), item + 1));
                    answers_[item] = reply;
                  }},
          i, reactors, 8));
      reactors_.back()->hub().set_now(now_);
    }
  }
  config::TopicRule& rule(const std::string& topic) {
    rules_.rules[topic].match = topic;
    return rules_.rules[topic];
  }
  FakeReactor& at(std::size_t reactor) { return *reactors_[reactor]; }
  Hub& hub(std::size_t reactor = 0) { return at(reactor).hub(); }
  /// A topic with a rule whose home is `reactor`.
  std::string topic_at(std::size_t reactor) {
    for (int i = 0;; ++i) {
      const std::string name = "home" + std::to_string(i);
      if (!rules_.rules.contains(name) &&
          siphash13(shared_.topic_key, name) % reactors_.size() == reactor) {
        rule(name);
        return name;
      }
    }
  }
  void publish(const std::string& topic, const std::string& payload, std::size_t reactor = 0,
               const std::string& key = {}, const std::string& message_key = {}) {
    hub(reactor).publish(topic, Message::create(PayloadKind::kText, payload, message_key), key,
                         at(reactor).reply_to(static_cast<std::uint32_t>(answers_.size())));
  }
  Client& connect(std::uint32_t slot, std::size_t reactor = 0, Reader reader = Reader::kPerfect,
                  bool is_streamed = false) {
    at(reactor).connect(slot, reader, is_streamed);
    return *at(reactor).client(slot);
  }
  void subscribe(std::uint32_t slot, const std::string& topic, std::size_t reactor = 0,
                 SubscribeOptions options = {}, bool fence = false) {
    at(reactor).subscribe(slot, {{topic, options}}, fence);
  }
  /// Turns of all reactors until nothing moves.
  void rest() {
    for (int quiet = 0; quiet < 2;) {
      bool has_more = false;
      for (const auto& reactor : reactors_) {
        has_more |= reactor->turn(now_, kAll, kAll);
      }
      quiet = has_more || !post_->is_empty() ? 0 : quiet + 1;
    }
  }
  /// The same where memory runs out. A turn in which it did ends, and the next one goes on.
  void rest_in_need() {
    for (int quiet = 0; quiet < 3;) {
      bool has_more = false;
      for (const auto& reactor : reactors_) {
        try {
          has_more |= reactor->turn(now_, kAll, kAll);
        } catch (const std::bad_alloc&) {
          has_more = true;
        }
      }
      const wspush::test::SafeAllocations safe;
      quiet = has_more || !post_->is_empty() ? 0 : quiet + 1;
    }
  }
  /// What the reactor does for a connection: where memory runs out, that one ends.
  template <typename Step>
  void guarded(std::uint32_t slot, Step&& step, std::size_t reactor = 0) {
    try {
      step();
    } catch (const std::bad_alloc&) {
      at(reactor).disconnect(slot);
    }
  }
  /// As much time as brings every topic, and whoever waits, before the sweep.
  void sweep_all() {
    for (int i = 0; i < 101; ++i) {
      for (const auto& reactor : reactors_) {
        try {
          reactor->hub().sweep();
        } catch (const std::bad_alloc&) {
          --i;  // The next one goes on.
        }
      }
    }
  }
  void pass_with_sweeps(Duration time) {
    now_ += time;
    rest_in_need();
    sweep_all();
    rest_in_need();
  }
  bool turn(std::size_t sends, std::size_t reactor = 0) {
    return at(reactor).turn(now_, kAll, sends);
  }
  /// The payloads in a client's stream, each behind a blank; `G` for a gap, `X` for the end.
  static std::string payloads(const Client& client) {
    std::string found;
    std::istringstream in(client.stream);
    for (std::string line; std::getline(in, line);) {
      if (line[0] == 'M' || line[0] == 'F') {
        found += line.substr(line.rfind(' '));
      } else if (line[0] == 'G' || line[0] == 'K' || line[0] == 'X') {
        found += std::string(" ") + line[0];
      }
    }
    return found;
  }
  template <typename T>
  const T& answer(std::size_t item) {
    return std::get<T>(answers_.at(item));
  }

  SplitMix64 random_{7};
  TimePoint now_{std::chrono::hours(1)};
  Record record_;
  HubShared shared_{.topic_key = {1, 2}};
  FakeRules rules_;
  std::unique_ptr<FakePost> post_;
  std::vector<std::unique_ptr<FakeReactor>> reactors_;
  std::vector<Reply> answers_;
};

}  // namespace wspush::hub::test
