// From the log to the members: the walk over a dirty topic, and the frames of those who are behind.
#include <algorithm>
#include <cerrno>
#include <new>

#include "base/check.hpp"
#include "hub/hub.hpp"

namespace wspush::hub {
namespace {

/// Members that one call to the sender gets: enough to make the call free, few enough that the
/// list of short sends stays small.
constexpr std::size_t kMembersPerSend = 256;

/// A batch up to this size is copied into one buffer, once for all members: one plain send() is
/// cheaper for the kernel than a vector of parts. Above it, parts are sent where they lie, unless
/// they are so many that the kernel would have to walk over a long vector for every member.
constexpr std::size_t kCopyBytesMax = 64 * 1024;
constexpr std::size_t kPartsMax = 64;

/// What goes through a stream is encrypted or compressed for each member anew, 15 us for 1 KiB at
/// worst. So many bytes count as one send more, or a turn would last for seconds.
constexpr std::size_t kStreamedBytesPerSend = 256;

/// Frames of one gather: with at most three parts each they fit into one writev.
constexpr std::size_t kGatherFramesMax = 256;

}  // namespace

Frame Hub::frame_of(const Topic& topic, const Message& message, WireForm form) const {
  const WireBytes* bytes = message.find_form(form);
  if (bytes == nullptr) {
    const Encode& encode = options_.encode[static_cast<std::size_t>(form)];
    const FeedEntry* const entry = message.feed_entry();
    bytes =
        &message.keep_form(form, encode(entry == nullptr ? topic.name : *entry->topic, message));
  }
  return Frame(message, *bytes);
}

void Hub::append(Topic& topic, MessageRef message) {
  const std::size_t message_bytes = message->log_bytes();
  if (topic.log.last() - topic.flushed >= kUnflushedMessagesMax ||
      topic.unflushed_bytes + message_bytes > kBatchBytesMax) {
    // The publisher pays: nobody who keeps up may lose a message to a burst.
    std::size_t sends_left = SIZE_MAX;
    flush_topic(topic, sends_left);
  }
  const bool is_stream = topic.stream != StreamState::kNoStream;
  if (topic.feed == nullptr && !is_stream &&
      (message->id().offset != topic.log.last() + 1 || message->id().epoch != topic.log.epoch())) {
    // Memory ran out for the one before it, here or on its way: a gap says so.
    reset_log(topic, message->id().epoch, message->id().offset - 1);
  }
  // What may fail comes first: the message is here with all that belongs to it, or it is not.
  if (topic.rated_idle != nullptr) {
    wake_rated(topic);
  }
  if (topic.subscribers > 0) {
    mark_dirty(topic);
  }
  append_to_log(topic, std::move(message));
  if (topic.home != nullptr) {
    history_bytes_ += message_bytes;
  }
  if (topic.subscribers == 0) {
    topic.skip_unflushed();
  } else {
    topic.unflushed_bytes += static_cast<std::uint32_t>(message_bytes);
  }
  trim(topic);
}

/// Where memory runs out nothing has changed.
void Hub::append_to_log(Topic& topic, MessageRef message) {
  topic.log.make_room();
  if (topic.feed != nullptr || topic.stream != StreamState::kNoStream) {
    topic.log.append_foreign(std::move(message));
    return;
  }
  if (topic.latest != nullptr || topic.has_lost_keys || !message->key().empty()) {
    index_latest(topic, message);
  }
  topic.log.append(std::move(message));
}

void Hub::mark_dirty(Topic& topic) {
  if (topic.is_dirty) {
    return;
  }
  if (topic.rule != nullptr && topic.rule->batch.count() > 0) {
    delayed_.push({now_ + topic.rule->batch, topic.handle});
  } else {
    dirty_.push_back(topic.handle);
  }
  topic.is_dirty = true;
}

TimePoint Hub::next_flush() const {
  TimePoint next = presence_listed_.empty() ? TimePoint::max() : std::max(now_, tell_from_);
  for (const auto* queue : {&delayed_, &counts_due_}) {
    next = queue->empty() ? next : std::min(next, queue->top().due);
  }
  return rated_due_.empty() ? next : std::min(next, rated_due_.top().due);
}

bool Hub::flush(std::size_t sends_max) {
  for (const Handle handle : trim_next_) {
    if (Topic* const topic = topics_.find(handle)) {
      trim(*topic);
    }
  }
  trim_next_.clear();
  while (!delayed_.empty() && delayed_.top().due <= now_) {
    dirty_.push_back(delayed_.top().topic);
    delayed_.pop();
  }
  run_rated();
  tell_presence();
  std::size_t sends_left = sends_max;
  std::size_t kept = 0;
  for (const Handle handle : dirty_) {
    Topic* topic = topics_.find(handle);
    if (topic != nullptr && topic->is_dirty && !flush_topic(*topic, sends_left)) {
      dirty_[kept++] = handle;
    }
  }
  dirty_.resize(kept);
  if (kept > 1) {
    // The first one had its turn; the sends of the next one belong to another.
    std::rotate(dirty_.begin(), dirty_.begin() + 1, dirty_.end());
  }
  return kept > 0 || !trim_next_.empty() || (!presence_listed_.empty() && now_ >= tell_from_);
}

bool Hub::flush_topic(Topic& topic, std::size_t& sends_left) {
  has_short_sends_ = false;
  while (topic.flushed < topic.log.last()) {
    if (topic.walked_messages == 0) {
      let_join(topic);
      begin_walk(topic);
    }
    for (MemberArray& array : topic.arrays.view()) {
      if (!walk(topic, array, sends_left)) {
        return false;
      }
    }
    for (MemberArray& array : topic.arrays.view()) {
      array.walked = 0;
    }
    topic.flushed = topic.walk_end();
    topic.walked_messages = 0;
    topic.flushed_at = ShortTime::before(now_);
  }
  finish_flush(topic);
  return true;
}

void Hub::begin_walk(Topic& topic) {
  // Up to the place where the next one joins, so that it can enter the array there.
  const std::uint64_t end = topic.joining.empty() ? topic.log.last() : topic.joining[0].cursor;
  std::size_t bytes = 0;
  while (topic.walk_end() < end && topic.walked_messages < kUnflushedMessagesMax) {
    bytes += topic.log.at(topic.walk_end() + 1)->log_bytes();
    if (bytes > kBatchBytesMax && topic.walked_messages > 0) {
      break;
    }
    ++topic.walked_messages;
  }
}

void Hub::finish_flush(Topic& topic) {
  topic.unflushed_bytes = 0;
  let_join(topic);
  if (has_short_sends_) {
    trim_next_.push_back(topic.handle);  // Who was not sent it may still take it in this turn.
  } else {
    trim(topic);
  }
  settle_stream(topic);
  topic.is_dirty = false;  // Last: where memory runs out, the next flush does the rest.
}

void Hub::let_join(Topic& topic) {
  std::size_t looked_at = 0;
  for (; looked_at < topic.joining.size(); ++looked_at) {
    const Joining& joining = topic.joining[looked_at];
    if (joining.cursor > topic.flushed) {
      break;
    }
    // The index may have been given to another subscription since; then it is not joining here, or
    // stands in the list a second time.
    const Subscription& subscription = table_[joining.subscription];
    if (subscription.state == Subscription::State::kJoining &&
        subscription.topic == topic.handle.slot &&
        table_.behind(subscription).cursor == joining.cursor) {
      WSPUSH_ASSERT(joining.cursor == topic.flushed);
      array_of(topic, subscription).members.make_room();
      end_behind(joining.subscription);
      enter_array(topic, joining.subscription, fd_by_slot_[subscription.slot]);
    }
  }
  topic.joining.drop_front(looked_at);
}

void Hub::build_parts(const Topic& topic, WireForm form) {
  parts_.clear();
  frame_ends_.clear();
  parts_bytes_ = 0;
  for (std::uint64_t at = topic.flushed + 1; at <= topic.walk_end(); ++at) {
    const Frame frame = frame_of(topic, *topic.log.at(at), form);
    parts_bytes_ += frame.bytes();
    frame_ends_.push_back(parts_bytes_);
    frame.for_each_part([this](ByteView part) {
      parts_.push_back({const_cast<char*>(part.data()), part.size()});
    });
  }
  if (parts_.size() > 1 && (parts_bytes_ <= kCopyBytesMax || parts_.size() > kPartsMax)) {
    together_.clear();
    for (const iovec& part : parts_) {
      together_.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    parts_.assign(1, iovec{together_.data(), together_.size()});
  }
}

bool Hub::walk(Topic& topic, MemberArray& array, std::size_t& sends_left) {
  if (array.walked == array.members.size()) {
    return true;
  }
  if (sends_left == 0) {
    return false;
  }
  build_parts(topic, array.form);
  const std::uint64_t messages = frame_ends_.size();
  const std::size_t cost = array.is_streamed ? 1 + parts_bytes_ / kStreamedBytesPerSend : 1;
  while (array.walked < array.members.size() && sends_left > 0) {
    const std::size_t count = std::min({kMembersPerSend, array.members.view().size() - array.walked,
                                        std::max<std::size_t>(sends_left / cost, 1)});
    const std::uint32_t begin = array.walked;
    short_sends_.clear();
    table_.make_room_behind(
        static_cast<std::uint32_t>(count));  // Nothing may fail once it is sent.
    sender_.send(array.members.view().subspan(begin, count), parts_, parts_bytes_, short_sends_);
    array.walked += static_cast<std::uint32_t>(count);
    sends_left -= std::min(sends_left, count * cost);
    const std::size_t served = count - short_sends_.size();
    counters_.deliveries += served * messages;
    counters_.delivered_bytes += served * parts_bytes_;
    if (!tallies_.empty()) {
      try {
        tally_walk(topic, array, begin, count);
      } catch (const std::bad_alloc&) {
        // A receipt says less than was written. What was cut has to be kept, whatever happens.
      }
    }
    handle_short_sends(topic, array, begin);
  }
  return array.walked == array.members.size();
}

void Hub::handle_short_sends(Topic& topic, MemberArray& array, std::uint32_t begin) {
  has_short_sends_ = has_short_sends_ || !short_sends_.empty();
  // From the back: taking a member out moves only members that stand behind it.
  std::sort(short_sends_.begin(), short_sends_.end(),
            [](const ShortSend& a, const ShortSend& b) { return a.index > b.index; });
  for (const ShortSend& short_send : short_sends_) {
    const std::uint32_t place = begin + short_send.index;
    const std::uint32_t slot = array.members[place].slot;
    const std::uint32_t index = table_.find(topic.handle.slot, slot);
    remove_from_array(array, topic.handle.slot, place);
    table_[index].place = kNone;
    const auto cut = std::upper_bound(frame_ends_.begin(), frame_ends_.end(), short_send.bytes);
    const auto whole = static_cast<std::uint64_t>(cut - frame_ends_.begin());
    const std::size_t frame_begin = whole == 0 ? 0 : frame_ends_[whole - 1];
    const std::size_t taken = short_send.bytes - frame_begin;
    std::uint64_t cursor = topic.flushed + whole;
    counters_.deliveries += whole;
    counters_.delivered_bytes += short_send.bytes;
    cursor += taken > 0 ? 1 : 0;
    try {
      put_behind(topic, index, cursor);
      if (taken > 0) {
        events_.on_cut(slot, topic.log.at(cursor), array.form, taken);
      }
      if (short_send.error == 0) {
        events_.on_behind(slot);
      } else {
        events_.on_send_error(slot, short_send.error);
      }
    } catch (const std::bad_alloc&) {
      // Nobody would know where it stands: it comes again and asks for what it has not got.
      events_.on_send_error(slot, ECONNABORTED);
    }
  }
}

// --- entering and leaving the arrays

MemberArray& Hub::array_of(Topic& topic, const Subscription& subscription) {
  const bool is_streamed = fd_by_slot_[subscription.slot] == kStreamed;
  for (MemberArray& array : topic.arrays.view()) {
    if (array.form == subscription.form && array.is_streamed == is_streamed) {
      return array;
    }
  }
  return topic.arrays.add(subscription.form, is_streamed);
}

void Hub::enter_array(Topic& topic, std::uint32_t index, std::int32_t fd) {
  WSPUSH_ASSERT(topic.walked_messages == 0);
  Subscription& subscription = table_[index];
  MemberArray& array = array_of(topic, subscription);
  array.members.push_back({fd, subscription.slot});
  subscription.state = Subscription::State::kMember;
  subscription.place = array.members.size() - 1;
}

void Hub::leave_array(Topic& topic, std::uint32_t index) {
  MemberArray& array = array_of(topic, table_[index]);
  remove_from_array(array, topic.handle.slot, table_[index].place);
  if (array.members.empty()) {
    array.members.clear();
  }
}

void Hub::remove_from_array(MemberArray& array, std::uint32_t topic_slot, std::uint32_t place) {
  const auto move_member = [&](std::uint32_t from, std::uint32_t to) {
    array.members[to] = array.members[from];
    table_[table_.find(topic_slot, array.members[to].slot)].place = to;
  };
  // During a walk a member that has been served may not end up behind the walk's place, nor one
  // that has not before it: the hole wanders to the walk's edge first.
  std::uint32_t hole = place;
  if (place < array.walked) {
    --array.walked;
    if (hole != array.walked) {
      move_member(array.walked, hole);
    }
    hole = array.walked;
  }
  const std::uint32_t last = array.members.size() - 1;
  if (hole != last) {
    move_member(last, hole);
  }
  array.members.pop_back();
}

void Hub::catch_up(std::uint32_t index) {
  Subscription& subscription = table_[index];
  Topic& topic = topic_at(subscription.topic);
  // Where memory runs out it stays behind.
  if (!topic.is_dirty) {
    array_of(topic, subscription).members.make_room();
    end_behind(index);
    enter_array(topic, index, fd_by_slot_[subscription.slot]);
  } else {
    topic.joining.push_back({table_.behind(subscription).cursor, index});
    subscription.state = Subscription::State::kJoining;
  }
}

// --- those who are behind

bool Hub::reads_latest(const Topic& topic, const Subscription& subscription,
                       const Behind& behind) const {
  return topic.latest != nullptr &&
         (subscription.mode != Mode::kAll ||
          (topic.rule != nullptr && topic.rule->when_slow == config::WhenSlow::kLatest &&
           behind.cursor + 1 < topic.log.first()));
}

bool Hub::close_hole(Topic& topic, const Subscription& subscription, Behind& behind) {
  const TopicLog& log = topic.log;
  if (topic.stream != StreamState::kNoStream) {
    // A number takes the place of those before it. A join or leave does not: whoever misses one
    // would be wrong about who is there, for ever.
    behind.cursor = log.empty() ? log.last() : log.last() - 1;
    if (subscription.mode == Mode::kAll) {
      ++counters_.presence_limit_hits;
      events_.on_too_slow(subscription.slot);
    }
    return subscription.mode != Mode::kAll;
  }
  const bool is_same_epoch = behind.epoch == log.epoch();
  if (is_same_epoch && reads_latest(topic, subscription, behind)) {
    const std::uint64_t lost = topic.latest->lost();
    if (behind.cursor >= lost) {
      return true;  // What it did not get a newer message has replaced, or it is still here.
    }
    const MessageRef* const next = topic.latest->next_after(lost);
    // Who wants all and is back in the ring goes on with each message of it.
    const bool wants_all = subscription.mode == Mode::kAll && lost + 1 == log.first();
    const std::uint64_t next_offset = next == nullptr ? log.last() + 1
                                      : wants_all     ? log.first()
                                                      : (*next)->id().offset;
    const Gap gap{.topic = topic.name,
                  .after = {behind.epoch, behind.cursor},
                  .next = {log.epoch(), next_offset}};
    ++counters_.gaps;
    behind.cursor = next == nullptr ? log.last() : lost;
    return events_.on_gap(subscription.slot, subscription.form, gap);
  }
  const config::WhenSlow when_slow =
      topic.rule == nullptr ? config::WhenSlow::kGap : topic.rule->when_slow;
  const bool skips = subscription.mode != Mode::kAll || when_slow == config::WhenSlow::kLatest;
  if (is_same_epoch && skips && !log.empty()) {
    behind.cursor = log.last() - 1;
    return true;
  }
  const Gap gap{.topic = topic.name,
                .after = {behind.epoch, behind.cursor},
                .next = {log.epoch(), log.first()}};
  ++counters_.gaps;
  if (is_same_epoch && when_slow == config::WhenSlow::kDisconnect) {
    events_.on_too_slow(subscription.slot);
    return false;
  }
  behind.epoch = log.epoch();
  behind.cursor = log.first() - 1;
  return events_.on_gap(subscription.slot, subscription.form, gap);
}

bool Hub::is_full(const FrameBatch& batch, std::size_t bytes_max) {
  return batch.bytes >= bytes_max || batch.entries.size() >= kGatherFramesMax;
}

void Hub::add_frame(FrameBatch& batch, const Topic& topic, const MessageRef& message,
                    std::uint32_t place, WireForm form, std::uint64_t cursor) const {
  const Frame frame = frame_of(topic, *message, form);
  batch.bytes += frame.bytes();
  batch.entries.push_back({frame, place, form, cursor});
}

bool Hub::has_everything(std::uint32_t index) {
  const Topic& topic = topic_at(table_[index].topic);
  const Behind& behind = table_.behind(table_[index]);
  return behind.cursor == topic.log.last() &&
         (topic.feed == nullptr ? behind.epoch == topic.log.epoch() : !cursor_of(behind).is_away);
}

void Hub::gather(std::uint32_t slot, std::size_t bytes_max, FrameBatch& batch) {
  for (std::uint32_t place = table_.first_behind_of(slot); place != kNone;) {
    Behind& behind = table_.behind_at(place);
    const Subscription& subscription = table_[behind.subscription];
    if (subscription.state == Subscription::State::kJoining) {
      place = behind.next;  // It has what was published when it joined; the walk brings the rest.
      continue;
    }
    Topic& topic = topic_at(subscription.topic);
    const TopicLog& log = topic.log;
    const std::uint32_t next = behind.next;
    if (subscription.mode == Mode::kRated) {
      if (!gather_rated(topic, place, batch)) {
        return;
      }
      place = next;
      continue;
    }
    if (topic.feed != nullptr) {
      const Away away = gather_away(topic, place, bytes_max, batch);
      if (away == Away::kGiven) {
        place = next;
        continue;
      }
      if (away != Away::kInRing) {
        if (away == Away::kFull) {
          table_.serve_last(place);
        }
        return;
      }
    } else {
      const bool has_hole = behind.epoch != log.epoch() || behind.cursor + 1 < log.first();
      if (has_hole && !close_hole(topic, subscription, behind)) {
        return;
      }
      if (subscription.mode == Mode::kLatest && topic.latest == nullptr && log.last() > 0) {
        behind.cursor = std::max(behind.cursor, log.last() - 1);
      }
      if (reads_latest(topic, subscription, behind)) {
        if (!gather_latest(topic, place, bytes_max, batch)) {
          table_.serve_last(place);
          return;
        }
        if (behind.cursor == log.last()) {
          catch_up(behind.subscription);
        }
        place = next;
        continue;
      }
    }
    if (behind.cursor == log.last()) {
      catch_up(behind.subscription);
    }
    for (std::uint64_t at = behind.cursor + 1; at <= log.last(); ++at) {
      if (is_full(batch, bytes_max)) {
        // What a busy topic leaves to be sent would fill the next batch too.
        table_.serve_last(place);
        return;
      }
      add_frame(batch, topic, log.at(at), place, subscription.form, at);
    }
    place = next;
  }
}

bool Hub::advance(std::uint32_t slot, const FrameBatch& batch, std::size_t taken) {
  if (!tallies_.empty()) {
    tally_frames(slot, batch, taken);
  }
  for (const FrameBatch::Entry& entry : batch.entries) {
    if (taken == 0) {
      break;
    }
    const std::size_t bytes = std::min(taken, entry.frame.bytes());
    counters_.deliveries += bytes == entry.frame.bytes() ? 1U : 0U;
    counters_.delivered_bytes += bytes;
    taken -= bytes;
    move_cursor(slot, entry, bytes);  // The frame may go with it.
  }
  bool is_behind = false;
  for (std::uint32_t place = table_.first_behind_of(slot); place != kNone;) {
    const Behind& behind = table_.behind_at(place);
    const std::uint32_t index = behind.subscription;
    place = behind.next;
    if (table_[index].state == Subscription::State::kBehind && table_[index].mode != Mode::kRated &&
        has_everything(index)) {
      catch_up(index);
    }
    is_behind = is_behind || table_[index].state == Subscription::State::kBehind;
  }
  return is_behind;
}

}  // namespace wspush::hub
