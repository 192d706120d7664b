#include "wspush/hub/feed.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush::hub {
namespace {

std::string name_of(std::vector<std::string> filters) {
  return feed_name(filters);
}

TEST(Feed, HasOneNameForOneSet) {
  EXPECT_EQ(name_of({"b", "a.*", "b"}), name_of({"a.*", "b"}));
  EXPECT_NE(name_of({"a", "b"}), name_of({"a", "b.c"}));
  EXPECT_EQ(filters_of(name_of({"b", "a.*"})), (std::vector<ByteView>{"a.*", "b"}));
}

TEST(Feed, IsNotWhatOneTopicAloneIs) {
  EXPECT_EQ(name_of({"news", "news"}), "news");
  EXPECT_FALSE(is_feed("news"));
  EXPECT_TRUE(is_feed("news.*"));
  EXPECT_TRUE(is_feed(">"));
  EXPECT_TRUE(is_feed(name_of({"a", "b"})));
}

TEST(FeedPosition, ComesBackFromItsSpelling) {
  SplitMix64 random(7);
  for (int i = 0; i < 2000; ++i) {
    FeedPosition position{.epoch = static_cast<std::uint32_t>(random.next()), .counts = {}};
    for (std::uint64_t homes = 1 + random.below(5); homes > 0; --homes) {
      position.counts.push_back(random.next() >> (1 + random.below(63)));
    }
    const std::string text = to_string(position);
    EXPECT_EQ(parse_feed_position(text), position) << text;
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    })) << text;
  }
}

TEST(FeedPosition, IsShort) {
  EXPECT_LE(to_string({.epoch = 0xffffffff, .counts = {1'000'000'000, 1'000'000'000}}).size(), 24U);
  EXPECT_LE(
      to_string({.epoch = 0xffffffff, .counts = std::vector<std::uint64_t>(64, 1'000'000'000)})
          .size(),
      450U);
}

TEST(FeedPosition, IsNoOtherText) {
  const std::string text = to_string({.epoch = 1, .counts = {5, 700}});
  for (const std::string& other : std::vector<std::string>{
           "", "p", "first", "1a2b3c4d-7", "0", text + "A", text.substr(1), "q" + text.substr(1),
           text + "=", " " + text, std::string(20'000, 'p')}) {
    EXPECT_FALSE(parse_feed_position(other)) << other;
  }
  for (std::size_t at = 1; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_feed_position(changed)) << changed;
    EXPECT_FALSE(parse_feed_position(text.substr(0, at))) << at;
  }
}

TEST(FeedEntry, HasTheOriginalsIdKeyAndPayload) {
  MessageRef original = Message::create(PayloadKind::kText, "hello", "k");
  original->stamp({3, 9}, TimePoint{});
  original->stamp_count(77);
  const auto topic = std::make_shared<const std::string>("news.a");
  const auto feed = std::make_shared<const std::string>("news.*");
  const MessageRef message = Message::create(FeedEntry{.original = original,
                                                       .topic = topic,
                                                       .feed = feed,
                                                       .position = {.epoch = 1, .counts = {77}},
                                                       .home = 0,
                                                       .count = 77});
  EXPECT_EQ(message->payload(), "hello");
  EXPECT_EQ(message->key(), "k");
  EXPECT_EQ(message->id(), (MessageId{3, 9}));
  EXPECT_EQ(message->kind(), PayloadKind::kText);
  EXPECT_EQ(message->count(), 77U);
  ASSERT_NE(message->feed_entry(), nullptr);
  EXPECT_EQ(message->feed_entry()->pattern(), "news.*");
  EXPECT_EQ(original->feed_entry(), nullptr);
  EXPECT_GT(message->log_bytes(), original->log_bytes());
}

TEST(FeedEntry, MayBeAGapWithoutAPayload) {
  const auto name = std::make_shared<const std::string>(name_of({"a", "b"}));
  const MessageRef message = Message::create(FeedEntry{
      .original = {}, .topic = name, .feed = name, .position = {}, .home = 1, .count = 5});
  EXPECT_TRUE(message->feed_entry()->is_gap());
  EXPECT_EQ(message->payload(), "");
  EXPECT_EQ(message->feed_entry()->pattern(), "") << "a set is no pattern";
}

}  // namespace
}  // namespace wspush::hub
