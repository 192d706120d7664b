#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "wspush/engine/engine.hpp"

#include "engine/memory_engine.hpp"
#include "unit/failing_allocations.hpp"
#include "unit/hub/feed_book.hpp"

namespace wspush::hub::test {

/// What is known to have been published to one topic in one epoch, in its order.
struct LoggedMessage {
  std::string payload;
  std::size_t bytes = 0;
  TimePoint at{};
  std::string key{};
};
using EpochLog = std::vector<LoggedMessage>;

/// Every message that any engine of a test ordered, and where each topic stands.
struct Record {
  std::map<std::pair<std::string, std::uint32_t>, EpochLog> logs;
  std::map<std::string, MessageId> last;
  std::set<std::string> cleared;
  mutable FeedBook feeds;  ///< what the positions meant that clients were given

  const LoggedMessage* find(const std::string& topic, MessageId id) const {
    const auto log = logs.find({topic, id.epoch});
    return log == logs.end() || id.offset == 0 || id.offset > log->second.size()
               ? nullptr
               : &log->second[id.offset - 1];
  }
};

/// The memory engine, with a witness between it and the hub.
class RecordingEngine final : public engine::Engine, public engine::EngineEvents {
 public:
  RecordingEngine(std::uint64_t seed, Record& record) : memory_(seed), record_(record) {}

  void start(engine::EngineEvents& events) override {
    events_ = &events;
    memory_.start(*this);
  }
  void open(ByteView name, engine::TopicPosition& position) override {
    {
      const wspush::test::SafeAllocations safe;
      names_[position.topic] = name;
    }
    opening_ = &position;
    memory_.open(name, position);
  }
  void publish(engine::TopicPosition& position, MessageRef draft, ByteView idempotency_key,
               engine::Ticket ticket, TimePoint now) override {
    memory_.publish(position, std::move(draft), idempotency_key, ticket, now);
  }
  void clear(engine::TopicPosition& position, engine::Ticket ticket) override {
    opening_ = &position;
    memory_.clear(position, ticket);
  }
  void close(ByteView name, const engine::TopicPosition& position) override {
    memory_.close(name, position);
  }

  void on_opened(std::uint64_t topic, std::vector<MessageRef> kept) override {
    record_.last[names_[topic]] = {opening_->epoch, opening_->last_offset};
    events_->on_opened(topic, std::move(kept));
  }
  void on_ordered(std::uint64_t topic, MessageRef message, engine::Ticket ticket) override {
    {
      const wspush::test::SafeAllocations safe;
      const std::string& name = names_[topic];
      record_.last[name] = message->id();
      record_.logs[{name, message->id().epoch}].push_back(
          {std::string(message->payload()), message->log_bytes(), message->published_at(),
           std::string(message->key())});
    }
    events_->on_ordered(topic, std::move(message), ticket);
  }
  void on_publish_refused(engine::Ticket ticket, engine::EngineError error) override {
    events_->on_publish_refused(ticket, error);
  }
  void on_cleared(std::uint64_t topic, engine::Ticket ticket) override {
    record_.last[names_[topic]] = {opening_->epoch, opening_->last_offset};
    record_.cleared.insert(names_[topic]);
    events_->on_cleared(topic, ticket);
  }

 private:
  engine::MemoryEngine memory_;
  Record& record_;
  engine::EngineEvents* events_ = nullptr;
  engine::TopicPosition* opening_ = nullptr;
  std::map<std::uint64_t, std::string> names_;
};

}  // namespace wspush::hub::test
