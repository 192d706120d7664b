#include "api/first_topics.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wspush::api {
namespace {

std::string text_of(FirstTopics topics) {
  std::string text;
  for (const TopicSummary& each : topics.take()) {
    text += each.topic + "=" + std::to_string(each.subscribers) + " ";
  }
  return text;
}

TEST(FirstTopics, AreTheFirstByNameInWhateverOrderTheyAreSeen) {
  FirstTopics topics("n", 2);
  for (const char* const name : {"n3", "m", "n1", "n4", "n2"}) {
    topics.see(name, 1);
  }
  EXPECT_EQ(text_of(topics), "n1=1 n2=1 ");
}

TEST(FirstTopics, NameATopicThatWasOpenedAgainOnce) {
  FirstTopics topics("", 2);
  topics.see("a", 5);
  topics.see("b", 1);
  topics.see("b", 2);  // The last of those that there is room for.
  topics.see("a", 0);
  EXPECT_EQ(text_of(topics), "a=0 b=2 ");
}

TEST(FirstTopics, ThatComeTwiceTakeTheRoomOfNoOther) {
  FirstTopics topics("", 2);
  topics.see("a", 1);
  topics.see("a", 2);
  topics.see("b", 1);
  EXPECT_EQ(text_of(topics), "a=2 b=1 ");
}

}  // namespace
}  // namespace wspush::api
