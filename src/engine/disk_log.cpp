#include "engine/disk_log.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/logging.hpp"
#include "base/siphash.hpp"

namespace wspush::engine {
namespace {

/// Up to so many messages are removed one by one: a range makes every later read look at it, until
/// the store has cleaned up.
constexpr std::uint64_t kSingleRemovals = 1024;
/// Freed topics that are forgotten in one batch.
constexpr std::size_t kForgottenPerBatch = 64;

std::int64_t unix_us(WallTime wall) {
  return std::chrono::duration_cast<std::chrono::microseconds>(wall.time_since_epoch()).count();
}

std::chrono::microseconds microseconds_of(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
}

}  // namespace

DiskLog::DiskLog(LogStore& store, const Clock& clock, const Options& options)
    : store_(store),
      clock_(clock),
      options_(options),
      random_(options.seed),
      answered_(options.reactors) {
}

Result<void, std::string> DiskLog::start() {
  auto bytes = store_.get(kStoreKey);
  if (!bytes) {
    return Unexpected(bytes.error());
  }
  const auto has_expired = revocations_.load(store_, clock_.wall());
  const auto has_ended = known_publishes_.load(store_, clock_.wall());
  if (!has_expired || !has_ended) {
    return Unexpected(has_expired ? has_ended.error() : has_expired.error());
  }
  bool has_changed = options_.has_lost || *has_expired || *has_ended;
  if (*bytes) {
    const auto counters = decode_store(**bytes);
    if (!counters) {
      return Unexpected(std::string("the counters of the store are damaged"));
    }
    counters_ = *counters;
    counters_.losses += options_.has_lost ? 1 : 0;
    found_at_ = topic_key({});
  } else {
    counters_.secret0 = random_.next();
    counters_.secret1 = random_.next();
    has_changed = true;
  }
  if (has_changed) {
    store_.put(kStoreKey, encode(counters_));
    return store_.commit(true);
  }
  return {};
}

/// Of a topic that has no record. The same after a restart, so that subscribers of topics that
/// nobody has published to have missed nothing; another one once a record may have been lost or
/// was forgotten, for then it may have had messages.
std::uint32_t DiskLog::first_epoch(ByteView name) const {
  const std::uint64_t past = std::uint64_t{counters_.losses} << 32U | counters_.forgotten;
  return static_cast<std::uint32_t>(
      siphash13(SipKey{counters_.secret0, counters_.secret1 ^ past}, name));
}

std::uint32_t DiskLog::other_epoch(std::uint32_t epoch) {
  std::uint32_t other = epoch;
  while (other == epoch) {
    other = static_cast<std::uint32_t>(random_.next());
  }
  return other;
}

// --- a batch

void DiskLog::carry_out(std::span<DiskRequest> requests, std::vector<DiskAnswers>& answers) {
  make_room(requests, answers);
  counters_before_ = counters_;
  wall_of_zero_ =
      std::chrono::microseconds(unix_us(clock_.wall())) - microseconds_of(clock_.monotonic());
  if (is_up_ && counters_.remembered > options_.remembered_max) {
    try {
      forget_oldest();  // Before anything else: it reads what is committed.
    } catch (const std::bad_alloc&) {
      has_failed_ = has_changes_ = true;
    }
  }
  for (DiskRequest& request : requests) {
    if (request.kind == DiskRequest::Kind::kOpen && has_closed_) {
      finish_batch(answers);  // Perhaps this very topic: it is read from what is committed.
    }
    DiskAnswers& to = answers[request.reactor];
    try {
      carry_out_one(request, to);
    } catch (const std::bad_alloc&) {
      fail_one(request, to);
    }
  }
  finish_batch(answers);
}

/// So that each request gets its answer, however little memory there is.
void DiskLog::make_room(std::span<const DiskRequest> requests, std::vector<DiskAnswers>& answers) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answered_[i] = answers[i].size();
  }
  std::vector<std::size_t> count = answered_;
  for (const DiskRequest& request : requests) {
    ++count[request.reactor];
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answers[i].reserve(count[i]);
  }
}

void DiskLog::carry_out_one(DiskRequest& request, DiskAnswers& answers) {
  switch (request.kind) {
    case DiskRequest::Kind::kOpen:
      open(request, answers);
      break;
    case DiskRequest::Kind::kPublish:
      publish(request, answers);
      break;
    case DiskRequest::Kind::kClear:
      clear(request, answers);
      break;
    case DiskRequest::Kind::kRevoke:
      revoke(request, answers);
      break;
    case DiskRequest::Kind::kClose:
      close(request);
      break;
    case DiskRequest::Kind::kFindMore:
      find_more(answers);
      break;
    case DiskRequest::Kind::kWake:
      break;
  }
}

/// Memory ran out under a request: of one that writes, nobody knows what is in the batch.
void DiskLog::fail_one(DiskRequest& request, DiskAnswers& answers) {
  DiskAnswer answer{.kind = DiskAnswer::Kind::kRefused,
                    .position = request.position,
                    .weight = request.weight,
                    .ticket = request.ticket};
  switch (request.kind) {
    case DiskRequest::Kind::kOpen:
      // What was closed before at the same address must not take its messages.
      topics_.erase(request.position);
      answer.kind = DiskAnswer::Kind::kNotOpened;
      break;
    case DiskRequest::Kind::kPublish:
    case DiskRequest::Kind::kClear:
    case DiskRequest::Kind::kRevoke:
      has_failed_ = has_changes_ = true;
      break;
    case DiskRequest::Kind::kFindMore:
      answer.kind = DiskAnswer::Kind::kFound;  // It goes on where it was.
      break;
    case DiskRequest::Kind::kClose:
      has_failed_ = has_changes_ = true;
      topics_.erase(request.position);
      return;
    case DiskRequest::Kind::kWake:
      return;
  }
  answers.push_back(std::move(answer));
}

void DiskLog::finish_batch(std::vector<DiskAnswers>& answers) {
  if (has_changes_) {
    if (const auto done = commit(); done) {
      has_unsynced_ = !options_.sync && !must_sync_;
      known_publishes_.commit();
    } else {
      store_.discard();
      known_publishes_.undo();
      undo(answers);
      fail(done.error());
    }
  }
  ++batch_;
  touched_.clear();
  has_changes_ = has_closed_ = has_failed_ = must_sync_ = false;
  counters_before_ = counters_;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answered_[i] = answers[i].size();
  }
}

Result<void, std::string> DiskLog::commit() {
  try {
    if (!has_failed_) {
      if (counters_ != counters_before_) {
        store_.put(kStoreKey, encode(counters_));
      }
      return store_.commit(options_.sync || must_sync_);
    }
  } catch (const std::bad_alloc&) {
    // As the requests that it happened to.
  }
  return Unexpected(std::string("out of memory"));
}

/// Everything stands where it stood before the batch. Whether the store has it all the same will
/// only be seen after a restart, so records are written again and numbers are not used twice.
void DiskLog::undo(std::vector<DiskAnswers>& answers) {
  for (auto& [position, before] : touched_) {
    if (Topic* topic = find(position)) {
      if (before.log != topic->log && topic->log != 0) {
        before.stale = topic->log;
      }
      *topic = std::move(before);
      topic->is_current = false;
    }
  }
  const StoreRecord tried = std::exchange(counters_, counters_before_);
  counters_.next_log = tried.next_log;
  counters_.next_closed = tried.next_closed;
  counters_.forgotten = tried.forgotten;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (std::size_t at = answered_[i]; at < answers[i].size(); ++at) {
      DiskAnswer& answer = answers[i][at];
      if (answer.kind == DiskAnswer::Kind::kOrdered || answer.kind == DiskAnswer::Kind::kCleared ||
          answer.kind == DiskAnswer::Kind::kRevoked) {
        answer.kind = DiskAnswer::Kind::kRefused;
      }
    }
  }
}

void DiskLog::fail(const std::string& error) {
  const TimePoint now = clock_.monotonic();
  is_up_ = false;
  retry_at_ = now + kRetryInterval;
  if (error_log_.hit(now) > 0) {
    log::error("engine.disk: {}; publishes are refused until it can be written again", error);
  }
}

void DiskLog::retry(TimePoint now) {
  if (is_up_ || now < retry_at_) {
    return;
  }
  if (const auto done = store_.recover(); !done) {
    fail(done.error());
    return;
  }
  is_up_ = true;
  retry_at_ = TimePoint::max();
  log::info("engine.disk: it can be written again");
}

void DiskLog::sync() {
  if (!has_unsynced_ || !is_up_) {
    return;
  }
  if (const auto done = store_.sync(); !done) {
    fail(done.error());
    return;
  }
  has_unsynced_ = false;
}

DiskLog::Topic* DiskLog::find(const TopicPosition* position) {
  const auto topic = topics_.find(position);
  return topic == topics_.end() ? nullptr : &topic->second;
}

void DiskLog::touch(const TopicPosition* position, Topic& topic) {
  if (topic.touched_in != batch_) {
    touched_.emplace_back(position, topic);
    topic.touched_in = batch_;
  }
  has_changes_ = true;
}

/// The topic that a request changes, noted as it stands. Null: the request is refused.
DiskLog::Topic* DiskLog::take_up(const DiskRequest& request, DiskAnswer& answer,
                                 DiskAnswers& answers) {
  Topic* const topic = is_up_ ? find(request.position) : nullptr;
  if (topic == nullptr) {
    answer.kind = DiskAnswer::Kind::kRefused;
    answers.push_back(std::move(answer));
  } else {
    touch(request.position, *topic);
  }
  return topic;
}

/// `is_closed`: it has no log, and a place among the freed ones.
void DiskLog::put_record(Topic& topic, bool is_closed) {
  const bool has_place = topic.closed_at >= counters_.first_closed && topic.closed_at != 0;
  if (has_place) {
    store_.remove(closed_key(topic.closed_at));
    --counters_.remembered;
  }
  topic.closed_at = is_closed ? counters_.next_closed++ : 0;
  if (is_closed) {
    ++counters_.remembered;
    store_.put(closed_key(topic.closed_at), topic.name);
  }
  store_.put(topic_key(topic.name), encode(TopicRecord{.log = topic.log,
                                                       .first = topic.first,
                                                       .last = topic.last,
                                                       .closed_at = topic.closed_at,
                                                       .epoch = topic.epoch,
                                                       .losses = counters_.losses}));
  topic.is_recorded = topic.is_current = true;
  has_changes_ = true;
}

/// What a batch that was refused may have left in a log, or what of it cannot be read: nobody may
/// be told an id of it.
void DiskLog::remove_refused(std::uint64_t log, std::uint64_t first) {
  store_.remove_range(message_key(log, first), message_key(log + 1, 0));
  KnownPublishes::forget(store_, {log, first});
}

/// The messages from `first` on and before `end`.
void DiskLog::remove_messages(const Topic& topic, std::uint64_t end) {
  if (end - topic.first > kSingleRemovals) {
    store_.remove_range(message_key(topic.log, topic.first), message_key(topic.log, end));
    return;
  }
  for (std::uint64_t offset = topic.first; offset < end; ++offset) {
    store_.remove(message_key(topic.log, offset));
  }
}

void DiskLog::publish(DiskRequest& request, DiskAnswers& answers) {
  DiskAnswer answer{.kind = DiskAnswer::Kind::kOrdered,
                    .position = request.position,
                    .weight = request.weight,
                    .ticket = request.ticket,
                    .message = std::move(request.message)};
  Topic* const found = take_up(request, answer, answers);
  if (found == nullptr) {
    return;
  }
  Topic& topic = *found;
  hub::Message& message = *answer.message;
  message.stamp({topic.epoch, topic.last + 1}, request.now);
  if (topic.stale != 0) {
    remove_refused(std::exchange(topic.stale, 0), 0);
  }
  if (topic.log == 0) {
    topic.log = counters_.next_log++;
    topic.first = topic.last + 1;
    topic.bytes = 0;
    topic.is_current = false;
  } else if (!topic.is_current) {
    remove_refused(topic.log, topic.last + 1);
  }
  const auto published = wall_of_zero_ + microseconds_of(request.now);
  encode_into(value_, {.kind = message.kind(),
                       .published_us = published.count(),
                       .payload = message.payload(),
                       .key = message.key()});
  store_.put(message_key(topic.log, topic.last + 1), value_);
  topic.bytes += value_.size();
  if (!request.name.empty()) {
    known_publishes_.keep(
        store_, {topic.log, topic.last + 1},
        {.topic = topic.name,
         .idempotency_key = std::move(request.name),
         .id = message.id(),
         .published = WallTime(std::chrono::floor<std::chrono::milliseconds>(published))});
  }
  if (!topic.is_current) {
    put_record(topic, false);
  }
  if (request.epoch == topic.epoch) {  // else it was cleared while this was on its way
    drop_stale(topic, std::min(request.first, topic.last + 1));
  }
  ++topic.last;
  answers.push_back(std::move(answer));
}

/// Removes what is before `first`, once that is worth a write.
void DiskLog::drop_stale(Topic& topic, std::uint64_t first) {
  if (first <= topic.first ||
      (first - topic.first < kStaleMessagesMax && topic.bytes < kStaleBytesMax)) {
    return;
  }
  remove_messages(topic, first);
  topic.first = first;
  topic.bytes = 0;
  put_record(topic, false);  // A reader begins at `first` and does not walk over what was removed.
}

void DiskLog::clear(const DiskRequest& request, DiskAnswers& answers) {
  DiskAnswer answer{
      .kind = DiskAnswer::Kind::kCleared, .position = request.position, .ticket = request.ticket};
  Topic* const found = take_up(request, answer, answers);
  if (found == nullptr) {
    return;
  }
  Topic& topic = *found;
  if (topic.stale != 0) {
    remove_refused(topic.stale, 0);
  }
  if (topic.log != 0) {
    store_.remove_range(message_key(topic.log, 0), message_key(topic.log + 1, 0));
  }
  topic.stale = topic.log = 0;
  topic.last = 0;
  topic.first = 1;
  topic.epoch = other_epoch(topic.epoch);
  put_record(topic, false);
  answer.epoch = topic.epoch;
  answers.push_back(std::move(answer));
}

/// On the disk before it is answered: who was shut out may not come back by a power cut. A batch
/// that fails leaves it in memory, as it is in force; the next one of the same name writes it
/// again.
void DiskLog::revoke(const DiskRequest& request, DiskAnswers& answers) {
  const bool is_kept = is_up_ && revocations_.keep(store_, *request.revocation, clock_.wall());
  has_changes_ = has_changes_ || is_kept;
  must_sync_ = must_sync_ || is_kept;
  answers.push_back({.kind = is_kept ? DiskAnswer::Kind::kRevoked : DiskAnswer::Kind::kRefused,
                     .ticket = request.ticket});
}

void DiskLog::close(const DiskRequest& request) {
  const auto found = topics_.find(request.position);
  if (found == topics_.end()) {
    return;
  }
  Topic& topic = found->second;
  const bool has_place = topic.closed_at != 0 && topic.closed_at >= counters_.first_closed;
  // What cannot be written now is found again after a restart.
  const bool is_written =
      (topic.is_current && has_place) || (!topic.is_recorded && topic.last == 0) || !is_up_;
  if (!is_written) {
    if (topic.stale != 0) {
      remove_refused(topic.stale, 0);
    }
    if (topic.log != 0) {
      remove_messages(topic, topic.last + 1);
      topic.log = 0;
    }
    topic.first = topic.last + 1;
    put_record(topic, true);
    has_closed_ = true;
  }
  topics_.erase(found);
}

/// The names that have been freed for longest lose their records. Whoever of them comes back must
/// not use its old ids again: `forgotten` changes what its epoch begins as.
void DiskLog::forget_oldest() {
  std::size_t count =
      std::min<std::size_t>(kForgottenPerBatch, counters_.remembered - options_.remembered_max);
  const auto done = store_.scan(closed_key(counters_.first_closed), end_of_kind(closed_key(0)),
                                [&](ByteView key, ByteView name) {
                                  const auto place = place_in_closed_key(key);
                                  if (count == 0 || !place) {
                                    return false;
                                  }
                                  --count;
                                  store_.remove(topic_key(name));
                                  store_.remove(key);
                                  --counters_.remembered;
                                  ++counters_.forgotten;
                                  counters_.first_closed = *place + 1;
                                  has_changes_ = true;
                                  return true;
                                });
  if (!done && read_log_.hit(clock_.monotonic()) > 0) {
    log::error("engine.disk: {}; freed topics are not forgotten", done.error());
  }
}

}  // namespace wspush::engine
