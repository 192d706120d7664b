#pragma once

#include <algorithm>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "wspush/hub/feed.hpp"
#include "wspush/hub/topic_name.hpp"

#include "unit/hub/recording_engine.hpp"

namespace wspush::hub::test {

/// Reads the lines of feeds and proves that each topic's messages come in order, without a hole
/// that was not told and without a duplicate, over all connections of one subscriber:
///   Q <feed> <position> <recovered> <after> {<topic>=<last>=<kept from>}   subscribed
///   F <feed> <position> <topic> <id> <payload>                             a message
///   H <feed> <position> <topic> <after> <next>                             a new epoch
///   K <feed> <after> <next>                                                a gap
class FeedChecker {
 public:
  FeedChecker(const Record& record, bool is_always_reading)
      : record_(&record), is_always_reading_(is_always_reading) {}

  void excuse_losses() { is_always_reading_ = false; }
  static bool reads(const std::string& kind) {
    return kind == "Q" || kind == "F" || kind == "H" || kind == "K";
  }

  void take(const std::string& kind, const std::string& feed, std::istringstream& in) {
    if (kind == "Q") {
      ASSERT_FALSE(feeds_.contains(feed));
      take_subscribed(feed, in);
      return;
    }
    const auto found = feeds_.find(feed);
    ASSERT_NE(found, feeds_.end()) << "not subscribed to the feed";
    if (kind == "K") {
      take_gap(found->second);
      return;
    }
    std::string position;
    std::string topic;
    in >> position >> topic;
    if (kind == "F") {
      take_message(feed, found->second, topic, in);
    } else {
      take_new_epoch(found->second, topic, in);
    }
    record_->feeds[{feed, position}] = found->second;
  }
  bool erase(const std::string& feed) { return feeds_.erase(feed) == 1; }

  const std::map<std::string, FeedState>& feeds() const { return feeds_; }
  std::uint64_t messages() const { return messages_; }
  std::uint64_t gaps() const { return gaps_; }
  std::uint64_t recovered() const { return recovered_; }

 private:
  static MessageId id_of(const std::string& text) {
    const auto id = parse_message_id(text);
    EXPECT_TRUE(id.has_value()) << "no id: " << text;
    return id.value_or(MessageId{});
  }
  static MessageId read_id(std::istringstream& in) {
    std::string text;
    in >> text;
    return id_of(text);
  }

  void take_subscribed(const std::string& feed, std::istringstream& in) {
    std::string position;
    std::string recovered;
    std::string after;
    in >> position >> recovered >> after;
    FeedState state;
    struct Then {
      MessageId last;
      std::uint64_t kept_from;
    };
    std::map<std::string, Then> then;
    for (std::string each; in >> each;) {
      const std::size_t first = each.find('=');
      const std::size_t second = each.find('=', first + 1);
      const std::string topic = each.substr(0, first);
      then[topic] = {id_of(each.substr(first + 1, second - first - 1)),
                     std::stoull(each.substr(second + 1))};
      state.topics[topic] = {then[topic].last, FeedSeen::Kind::kBound};
    }
    const auto known = record_->feeds.find({feed, after});
    if (after == "-") {
      ASSERT_EQ(recovered, "-");
      state.began_with_next = true;
      record_->feeds.try_emplace({feed, position}, state);
    } else if (after == "first") {
      ASSERT_EQ(recovered, "1");
      for (auto& [topic, seen] : state.topics) {
        seen.at.offset = std::min(seen.at.offset, then[topic].kept_from - 1);
      }
    } else if (recovered == "1") {
      ASSERT_NE(known, record_->feeds.end()) << "recovered from a position that nobody had";
      state = known->second;
      state.began_with_next = false;
      ++recovered_;
    } else {
      ASSERT_EQ(recovered, "0");
      bool has_reason = known == record_->feeds.end() || known->second.has_lost;
      for (const auto& [topic, last] : then) {
        if (has_reason) {
          break;
        }
        const auto seen = known->second.topics.find(topic);
        const bool is_exact =
            seen != known->second.topics.end() && seen->second.kind == FeedSeen::Kind::kExact;
        const MessageId at = is_exact ? seen->second.at : MessageId{last.last.epoch, 0};
        // One that was cleared before anything was published has lost nothing, and may say so.
        has_reason = at.epoch != last.last.epoch || last.kept_from > at.offset + 1 ||
                     (!is_exact && record_->cleared.contains(topic));
      }
      ASSERT_TRUE(has_reason) << "not recovered though all logs reach back";
      for (auto& [topic, seen] : state.topics) {
        seen.kind = FeedSeen::Kind::kLost;
        seen.at = {};
      }
      state.has_lost = true;
    }
    feeds_[feed] = state;
  }

  void take_message(const std::string& feed, FeedState& state, const std::string& topic,
                    std::istringstream& in) {
    const MessageId id = read_id(in);
    std::string payload;
    in >> payload;
    const LoggedMessage* logged = record_->find(topic, id);
    ASSERT_NE(logged, nullptr) << "an id that was never given out";
    ASSERT_EQ(payload, logged->payload) << "one id, two payloads";
    ASSERT_TRUE(fits(feed, topic)) << "a topic that nobody asked for";
    auto [found, is_new] = state.topics.try_emplace(topic);
    FeedSeen& seen = found->second;
    if (is_new) {
      seen.at = {id.epoch, 0};
      seen.kind = state.has_lost ? FeedSeen::Kind::kLost : FeedSeen::Kind::kBound;
    }
    switch (seen.kind) {
      case FeedSeen::Kind::kExact:
        ASSERT_EQ(id.epoch, seen.at.epoch) << "a change of epoch that was not told";
        ASSERT_GT(id.offset, seen.at.offset) << "duplicate";
        ASSERT_EQ(id.offset, seen.at.offset + 1) << "a hole that was not told";
        break;
      case FeedSeen::Kind::kBound:
        // Of another epoch: the new one, which the bound is of, has yet to be told.
        ASSERT_TRUE(id.epoch != seen.at.epoch || id.offset <= seen.at.offset + 1)
            << "the first ones were left out";
        break;
      case FeedSeen::Kind::kLost:
        ASSERT_TRUE(id.epoch != seen.at.epoch || id.offset > seen.at.offset) << "duplicate";
        break;
    }
    seen = {id, FeedSeen::Kind::kExact};
    ++messages_;
  }

  void take_new_epoch(FeedState& state, const std::string& topic, std::istringstream& in) {
    const MessageId after = read_id(in);
    const MessageId next = read_id(in);
    FeedSeen& seen = state.topics[topic];
    if (seen.kind == FeedSeen::Kind::kExact) {
      ASSERT_EQ(after, seen.at) << "not the last id that was delivered";
    }
    ASSERT_NE(after.epoch, next.epoch);
    seen = {{next.epoch, next.offset - 1}, FeedSeen::Kind::kExact};
  }

  void take_gap(FeedState& state) {
    ASSERT_FALSE(is_always_reading_ && state.began_with_next)
        << "a subscriber who reads everything at once lost messages";
    for (auto& [topic, seen] : state.topics) {
      seen.kind = FeedSeen::Kind::kLost;
    }
    state.has_lost = true;
    ++gaps_;
  }

  /// Slow and obvious.
  static bool fits(std::string feed, const std::string& topic) {
    std::replace(feed.begin(), feed.end(), ',', '\n');
    bool does_fit = false;
    for (const ByteView filter : filters_of(feed)) {
      does_fit = does_fit || pattern_matches(filter, topic);
    }
    return does_fit;
  }

  const Record* record_;
  std::map<std::string, FeedState> feeds_;
  std::uint64_t messages_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t recovered_ = 0;
  bool is_always_reading_;
};

}  // namespace wspush::hub::test
