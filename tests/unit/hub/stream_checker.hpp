#pragma once

#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "unit/hub/feed_checker.hpp"
#include "unit/hub/recording_engine.hpp"

namespace wspush::hub::test {

/// What the test's subscribers are sent, one line each:
///   M <topic> <id> <payload>                       a message
///   S <topic> <last> <recovered> <after> <latest> <kept from>   subscribed
///   U <topic>      unsubscribed       W <topic>    withdrawn
///   G <topic> <after> <next>          a gap        X            closed as too slow
/// and those of FeedChecker. `recovered` is 1, 0 or `-`; `after` an id, `first` or `-`; `kept from`
/// the oldest offset that the topic's bounds require to be there.
///
/// Reads such a stream as it grows, and proves the promises about one connection: no hole that was
/// not told, no duplicate, no foreign payload, nothing that was not asked for.
class StreamChecker {
 public:
  struct Seen {
    MessageId at;  ///< the last one that came, or the start
    bool is_start_known = true;
    bool may_skip = false;  ///< `latest`
    MessageId start;        ///< of what it must have the newest of each key of
    bool has_gap = false;
    std::map<std::string, std::uint64_t> by_key;  ///< offset of the newest that came
    bool began_with_next = false;
    std::uint64_t kept_from = 0;
  };

  StreamChecker(const Record& record, bool is_always_reading)
      : record_(&record),
        feeds_(record, is_always_reading),
        is_always_reading_(is_always_reading) {}

  /// It may lose messages though it reads everything at once, as long as it is told.
  void excuse_losses() {
    is_always_reading_ = false;
    feeds_.excuse_losses();
  }
  void set_skips(const std::string& topic) { skipping_topics_[topic] = true; }

  /// Looks at what has come since the last call: whole lines of it.
  void read(const std::string& stream) {
    for (std::size_t end; (end = stream.find('\n', read_)) != std::string::npos; read_ = end + 1) {
      const std::string line = stream.substr(read_, end - read_);
      SCOPED_TRACE("line: " + line);
      take(line);
      if (::testing::Test::HasFailure()) {
        return;
      }
    }
  }
  /// Bytes of the stream that are part of an unfinished line.
  std::size_t unread(const std::string& stream) const { return stream.size() - read_; }

  const std::map<std::string, Seen>& subscriptions() const { return seen_; }
  const FeedChecker& feeds() const { return feeds_; }
  std::uint64_t messages() const { return messages_ + feeds_.messages(); }
  std::uint64_t gaps() const { return gaps_ + feeds_.gaps(); }

 private:
  static MessageId read_id(std::istringstream& in) {
    std::string text;
    in >> text;
    const auto id = parse_message_id(text);
    EXPECT_TRUE(id.has_value()) << "no id: " << text;
    return id.value_or(MessageId{});
  }

  void take(const std::string& line) {
    std::istringstream in(line);
    std::string kind;
    std::string topic;
    in >> kind >> topic;
    ASSERT_FALSE(is_closed_) << "something came after the close";
    if (FeedChecker::reads(kind)) {
      feeds_.take(kind, topic, in);
    } else if (kind == "S") {
      take_subscribed(topic, in);
    } else if (kind == "M") {
      take_message(topic, in);
    } else if (kind == "G") {
      take_gap(topic, in);
    } else if (kind == "P") {
      // Who comes and goes: presence_model_test.cpp reads these.
    } else if (kind == "U" || kind == "W") {
      ASSERT_TRUE(seen_.erase(topic) == 1 || feeds_.erase(topic)) << "was not subscribed";
    } else {
      ASSERT_EQ(kind, "X") << "the stream is broken";
      is_closed_ = true;
    }
  }

  void take_subscribed(const std::string& topic, std::istringstream& in) {
    ASSERT_FALSE(seen_.contains(topic));
    Seen seen;
    const MessageId last = read_id(in);
    std::string recovered;
    std::string after;
    bool is_latest = false;
    in >> recovered >> after >> is_latest >> seen.kept_from;
    seen.may_skip = is_latest || skipping_topics_[topic];
    seen.at = last;
    seen.began_with_next = after == "-";
    if (after == "-") {
      ASSERT_EQ(recovered, "-");
    } else if (after == "first") {
      ASSERT_EQ(recovered, "1");
      seen.is_start_known = false;
    } else {
      const MessageId id = *parse_message_id(after);
      const bool is_of_this_log = id.epoch == last.epoch && id.offset <= last.offset;
      if (recovered == "1") {
        ASSERT_TRUE(is_of_this_log) << "recovered from an id that the log never had";
        seen.at = id;
      } else {
        ASSERT_FALSE(is_of_this_log && id.offset + 1 >= seen.kept_from)
            << "not recovered though the log reaches back";
        seen.is_start_known = false;
      }
    }
    seen.start = seen.at;
    seen.has_gap = !seen.is_start_known;
    seen_[topic] = seen;
  }

  void take_message(const std::string& topic, std::istringstream& in) {
    const MessageId id = read_id(in);
    std::string payload;
    in >> payload;
    const auto found = seen_.find(topic);
    ASSERT_NE(found, seen_.end()) << "not subscribed";
    const LoggedMessage* logged = record_->find(topic, id);
    ASSERT_NE(logged, nullptr) << "an id that was never given out";
    ASSERT_EQ(payload, logged->payload) << "one id, two payloads";
    Seen& seen = found->second;
    ASSERT_EQ(id.epoch, seen.at.epoch) << "a change of epoch that was not told";
    if (seen.may_skip) {
      ASSERT_TRUE(!seen.is_start_known || id.offset > seen.at.offset) << "duplicate";
    } else if (seen.is_start_known) {
      ASSERT_GT(id.offset, seen.at.offset) << "duplicate";
      ASSERT_EQ(id.offset, seen.at.offset + 1) << "a hole that was not told";
    } else {
      ASSERT_LE(id.offset, seen.kept_from) << "kept messages were left out";
    }
    seen.at = id;
    seen.is_start_known = true;
    seen.by_key[logged->key] = id.offset;
    ++messages_;
  }

  void take_gap(const std::string& topic, std::istringstream& in) {
    const MessageId after = read_id(in);
    const MessageId next = read_id(in);
    const auto found = seen_.find(topic);
    ASSERT_NE(found, seen_.end()) << "not subscribed";
    Seen& seen = found->second;
    if (seen.is_start_known && !seen.may_skip) {
      ASSERT_EQ(after, seen.at) << "not the last id that was delivered";
    }
    if (after.epoch == next.epoch) {
      ASSERT_GT(next.offset, after.offset + 1) << "a gap without a loss";
      ASSERT_FALSE(is_always_reading_ && seen.began_with_next)
          << "a subscriber who reads everything at once lost messages";
    }
    seen.at = {next.epoch, next.offset - 1};
    seen.is_start_known = true;
    seen.has_gap = true;
    ++gaps_;
  }

  const Record* record_;
  FeedChecker feeds_;
  std::map<std::string, Seen> seen_;
  std::map<std::string, bool> skipping_topics_;
  std::size_t read_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t gaps_ = 0;
  bool is_always_reading_;
  bool is_closed_ = false;
};

}  // namespace wspush::hub::test
