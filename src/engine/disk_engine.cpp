#include "engine/disk_engine.hpp"

#include <string>
#include <utility>

#include "base/lack_of_memory.hpp"
#include "base/logging.hpp"

namespace wspush::engine {

void DiskEngine::start(EngineEvents& events) {
  events_ = &events;
  if (reactor_ == 0) {
    ask(DiskRequest::Kind::kFindMore, nullptr);
  }
}

DiskRequest& DiskEngine::ask(DiskRequest::Kind kind, TopicPosition* position) {
  DiskRequest& request = requests_.emplace_back();
  request.kind = kind;
  request.reactor = reactor_;
  request.position = position;
  return request;
}

void DiskEngine::open(ByteView name, TopicPosition& position) {
  std::string own(name);  // First, as it may throw: no request may stay by half.
  ask(DiskRequest::Kind::kOpen, &position).name = std::move(own);
  ++position.on_the_way;
  position.is_opening = 1;
}

void DiskEngine::publish(TopicPosition& position, hub::MessageRef draft, ByteView idempotency_key,
                         Ticket ticket, TimePoint now) {
  if (messages_ >= kMessagesMax || bytes_ >= kBytesMax) {
    if (const auto times = full_log_.hit(now)) {
      log::warning("engine.disk: the disk does not keep up: {} publishes were refused", times);
    }
    refuse(ticket);
    return;
  }
  if (!writer_.is_up(now)) {
    refuse(ticket);
    return;
  }
  std::string name(idempotency_key);
  DiskRequest& request = ask(DiskRequest::Kind::kPublish, &position);
  request.name = std::move(name);
  request.weight = draft->log_bytes();
  request.message = std::move(draft);
  request.first = position.first_offset;
  request.epoch = position.epoch;
  request.ticket = ticket;
  request.now = now;
  ++position.on_the_way;
  ++messages_;
  bytes_ += request.weight;
}

void DiskEngine::clear(TopicPosition& position, Ticket ticket) {
  ask(DiskRequest::Kind::kClear, &position).ticket = ticket;
  ++position.on_the_way;
}

void DiskEngine::close(ByteView /*name*/, const TopicPosition& position) {
  // Its address is all that is used of it from here on.
  ask(DiskRequest::Kind::kClose, const_cast<TopicPosition*>(&position));
}

bool DiskEngine::keep_revocation(const Revocation& revocation, Ticket ticket, TimePoint now) {
  if (!writer_.is_up(now)) {
    refuse(ticket);
    return false;
  }
  auto own = std::make_shared<const Revocation>(revocation);
  DiskRequest& request = ask(DiskRequest::Kind::kRevoke, nullptr);
  request.revocation = std::move(own);
  request.ticket = ticket;
  return false;
}

void DiskEngine::hand_over() {
  if (wants_more_names_) {
    ask(DiskRequest::Kind::kFindMore, nullptr);
    wants_more_names_ = false;
  }
  if (!requests_.empty()) {
    writer_.post(std::move(requests_));
  }
}

void DiskEngine::refuse(Ticket ticket) {
  metrics_.add(metrics::Metric::kPublishesRefused);
  events_->on_publish_refused(ticket, EngineError::kUnavailable);
}

void DiskEngine::take(DiskAnswers& answers) {
  each_despite_lack_of_memory(answers, [&](DiskAnswer& answer) { take_one(answer); });
}

void DiskEngine::take_one(DiskAnswer& answer) {
  TopicPosition* const position = answer.position;
  if (position != nullptr) {
    --position->on_the_way;
  }
  if (answer.weight > 0) {
    --messages_;
    bytes_ -= answer.weight;
  }
  switch (answer.kind) {
    case DiskAnswer::Kind::kOpened:
      position->is_opening = 0;
      position->epoch = answer.epoch;
      position->last_offset = answer.last;
      events_->on_opened(position->topic, std::move(answer.kept));
      break;
    case DiskAnswer::Kind::kNotOpened:
      position->is_opening = 0;  // The home asks again.
      break;
    case DiskAnswer::Kind::kOrdered:
      position->last_offset = answer.message->id().offset;
      events_->on_ordered(position->topic, std::move(answer.message), answer.ticket);
      break;
    case DiskAnswer::Kind::kRefused:
      refuse(answer.ticket);
      break;
    case DiskAnswer::Kind::kCleared:
      position->epoch = answer.epoch;
      position->last_offset = answer.last;
      events_->on_cleared(position->topic, answer.ticket);
      break;
    case DiskAnswer::Kind::kRevoked:
      events_->on_revocation_kept(answer.ticket);
      break;
    case DiskAnswer::Kind::kFound:
      // First: one name that memory runs out for does not end the search.
      wants_more_names_ = true;
      each_despite_lack_of_memory(answer.names,
                                  [&](const std::string& name) { events_->on_found(name); });
      break;
  }
}

}  // namespace wspush::engine
