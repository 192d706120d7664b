#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/logging.hpp"
#include "engine/disk_log.hpp"

// What DiskLog reads: a topic that somebody opens, and the names of those that nobody has asked
// for.
namespace wspush::engine {
namespace {

constexpr std::uint64_t kNoOffset = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void DiskLog::open(const DiskRequest& request, DiskAnswers& answers) {
  Topic topic;
  topic.name = request.name;
  DiskAnswer answer{.kind = DiskAnswer::Kind::kOpened, .position = request.position};
  if (!read_topic(topic, answer.kept)) {
    // What cannot be read must not be taken for nothing: ids of before are over.
    answer.kept.clear();
    topic.epoch = other_epoch(topic.epoch);
    topic.stale = std::exchange(topic.log, 0);
    topic.last = 0;
    topic.first = 1;
    topic.is_current = false;
  }
  answer.epoch = topic.epoch;
  answer.last = topic.last;
  topics_.insert_or_assign(request.position, std::move(topic));
  answers.push_back(std::move(answer));
}

bool DiskLog::read_topic(Topic& topic, std::vector<hub::MessageRef>& kept) {
  topic.epoch = first_epoch(topic.name);
  const auto fail_reading = [&](std::string_view error) {
    if (const auto times = read_log_.hit(clock_.monotonic())) {
      log::error("engine.disk: {} topics could not be read, the last: {}: {}; they begin anew",
                 times, log::quoted(topic.name), error);
    }
    return false;
  };
  const auto bytes = store_.get(topic_key(topic.name));
  if (!bytes) {
    return fail_reading(bytes.error());
  }
  if (!*bytes) {
    return true;
  }
  topic.is_recorded = true;
  const auto record = decode_topic(**bytes);
  if (!record) {
    return fail_reading("its record is damaged");
  }
  topic.log = record->log;
  topic.first = record->first;
  topic.last = record->last;
  topic.closed_at = record->closed_at;
  topic.epoch = record->epoch;
  topic.is_current = true;
  if (record->losses != counters_.losses) {
    // Ids behind what is left may have been given out: no epoch goes on behind them.
    topic.epoch = other_epoch(record->epoch);
    topic.is_current = false;
  }
  return topic.log == 0 || read_messages(topic, kept) || fail_reading("its log is damaged");
}

bool DiskLog::read_messages(Topic& topic, std::vector<hub::MessageRef>& kept) {
  const TimePoint now = clock_.monotonic();
  std::uint64_t next = 0;  // offset; 0: any
  bool is_damaged = false;
  const auto read = store_.scan(
      message_key(topic.log, topic.first), message_key(topic.log, kNoOffset),
      [&](ByteView key, ByteView value) {
        const auto offset = offset_in_message_key(key);
        const auto record = decode_message(value);
        is_damaged = !offset || !record;
        if (is_damaged) {
          return false;
        }
        if (*offset != next) {
          kept.clear();  // The hub's logs have no holes.
        }
        auto message = hub::Message::create(record->kind, record->payload, record->key);
        // A clock that was set back meanwhile makes nothing younger than new.
        const auto age = std::chrono::microseconds(record->published_us) - wall_of_zero_;
        message->stamp({topic.epoch, *offset}, std::min(now, TimePoint(Duration(age))));
        kept.push_back(std::move(message));
        next = *offset + 1;
        return true;
      });
  if (!read || is_damaged) {
    return false;
  }
  if (next > topic.last) {
    topic.last = next - 1;
  } else {
    kept.clear();  // The newest are gone.
  }
  return true;
}

void DiskLog::find_more(DiskAnswers& answers) {
  DiskAnswer answer{.kind = DiskAnswer::Kind::kFound};
  std::size_t looked_at = 0;
  std::string next;
  if (!found_at_.empty()) {
    const std::string end = end_of_kind(found_at_);
    const auto done = store_.scan(found_at_, end, [&](ByteView key, ByteView value) {
      const auto record = decode_topic(value);
      const auto name = name_in_topic_key(key);
      if (record && name && record->closed_at == 0) {
        answer.names.emplace_back(*name);
      }
      if (++looked_at < kLookedAtMax && answer.names.size() < kFoundMax) {
        return true;
      }
      next.assign(key).push_back('\0');  // the next possible key
      return false;
    });
    if (!done && read_log_.hit(clock_.monotonic()) > 0) {
      log::error("engine.disk: {}; topics that nobody asks for stay on the disk", done.error());
    }
  }
  found_at_ = std::move(next);  // Only now: where memory runs out it goes on where it was.
  // Without names it is over; a stretch of freed topics alone still says that it goes on.
  if (!answer.names.empty() || !found_at_.empty()) {
    answers.push_back(std::move(answer));
  }
}

}  // namespace wspush::engine
