#include "auth/api_key.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace wspush::auth {
namespace {

TEST(ApiKey, IsFoundByItsWholeTextOnly) {
  const std::vector<config::ApiKey> keys{{.key = "alpha"}, {.key = "beta"}, {.key = "betamax"}};
  EXPECT_EQ(find_api_key(keys, "alpha"), &keys[0]);
  EXPECT_EQ(find_api_key(keys, "beta"), &keys[1]);
  EXPECT_EQ(find_api_key(keys, "betamax"), &keys[2]);
  for (const ByteView wrong : {ByteView(""), ByteView("alph"), ByteView("alpha "),
                               ByteView("Alpha"), ByteView("betam"), ByteView("alpha\0", 6)}) {
    EXPECT_EQ(find_api_key(keys, wrong), nullptr) << wrong;
  }
  EXPECT_EQ(find_api_key({}, "alpha"), nullptr);
  EXPECT_EQ(find_api_key({}, ""), nullptr);
}

TEST(ApiKey, WithoutKeysEverythingIsPermitted) {
  for (const ApiRight right : {ApiRight::kPublish, ApiRight::kRead}) {
    EXPECT_TRUE(has_right(nullptr, right));
    EXPECT_TRUE(is_permitted(nullptr, right, "any.topic"));
  }
}

TEST(ApiKey, PermitsItsRightsOnItsTopics) {
  const config::ApiKey everything{.key = "k"};
  EXPECT_TRUE(is_permitted(&everything, ApiRight::kPublish, "a"));
  EXPECT_TRUE(is_permitted(&everything, ApiRight::kRead, "a"));
  const config::ApiKey writer{.key = "k", .topics = {"news", "chat.*"}, .can_read = false};
  EXPECT_TRUE(has_right(&writer, ApiRight::kPublish));
  EXPECT_FALSE(has_right(&writer, ApiRight::kRead));
  EXPECT_TRUE(is_permitted(&writer, ApiRight::kPublish, "news"));
  EXPECT_TRUE(is_permitted(&writer, ApiRight::kPublish, "chat.1"));
  EXPECT_FALSE(is_permitted(&writer, ApiRight::kPublish, "chat"));
  EXPECT_FALSE(is_permitted(&writer, ApiRight::kPublish, "chat.1.x"));
  EXPECT_FALSE(is_permitted(&writer, ApiRight::kPublish, "news.x"));
  EXPECT_FALSE(is_permitted(&writer, ApiRight::kRead, "news"));
  const config::ApiKey reader{.key = "k", .topics = {">"}, .can_publish = false};
  EXPECT_FALSE(is_permitted(&reader, ApiRight::kPublish, "a.b"));
  EXPECT_TRUE(is_permitted(&reader, ApiRight::kRead, "a.b"));
}

}  // namespace
}  // namespace wspush::auth
