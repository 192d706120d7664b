#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "wspush/engine/engine.hpp"

namespace wspush::hub::test {

/// Answers one by one, when the test says so.
class LateEngine final : public engine::Engine {
 public:
  void start(engine::EngineEvents& events) override { events_ = &events; }
  void open(ByteView name, engine::TopicPosition& position) override {
    ++position.on_the_way;
    position.is_opening = 1;
    later_.emplace_back([this, name = std::string(name), &position] {
      --position.on_the_way;
      position.is_opening = 0;
      if (is_failing_to_open) {
        return;
      }
      position.epoch = 9;
      position.last_offset = kept[name].size();
      events_->on_opened(position.topic, kept[name]);
    });
  }
  void publish(engine::TopicPosition& position, MessageRef draft, ByteView /*idempotency_key*/,
               engine::Ticket ticket, TimePoint now) override {
    first_offsets.push_back(position.first_offset);
    ++position.on_the_way;
    later_.emplace_back([this, &position, draft, ticket, now] {
      --position.on_the_way;
      if (is_refusing) {
        events_->on_publish_refused(ticket, engine::EngineError::kUnavailable);
        return;
      }
      draft->stamp({position.epoch, ++position.last_offset}, now);
      events_->on_ordered(position.topic, draft, ticket);
    });
  }
  void clear(engine::TopicPosition& position, engine::Ticket ticket) override {
    ++position.on_the_way;
    later_.emplace_back([this, &position, ticket] {
      --position.on_the_way;
      events_->on_publish_refused(ticket, engine::EngineError::kUnavailable);
    });
  }
  void close(ByteView name, const engine::TopicPosition& /*position*/) override {
    closed.emplace_back(name);
  }

  void answer_one() {
    const auto answer = std::move(later_.front());
    later_.pop_front();
    answer();
  }
  void answer_all() {
    while (!later_.empty()) {
      answer_one();
    }
  }

  bool is_refusing = false;
  bool is_failing_to_open = false;  ///< as where memory runs out
  std::map<std::string, std::vector<MessageRef>> kept;
  std::vector<std::string> closed;
  std::vector<std::uint64_t> first_offsets;

 private:
  engine::EngineEvents* events_ = nullptr;
  std::deque<std::function<void()>> later_;
};

}  // namespace wspush::hub::test
