#include "api/caller.hpp"

#include "unit/api/api_harness.hpp"

namespace wspush::api {
namespace {

using auth::ApiRight;

std::shared_ptr<const config::Config> with_keys(std::vector<config::ApiKey> keys) {
  config::Config config;
  config.internal.api_keys = std::move(keys);
  return std::make_shared<const config::Config>(std::move(config));
}

config::ApiKey key_of(std::string text, std::vector<std::string> topics = {}) {
  return {.key = std::move(text), .topics = std::move(topics)};
}

Result<Caller, ApiError> identify(const std::string& authorization, bool is_loopback,
                                  const std::shared_ptr<const config::Config>& config) {
  const FakeExchange exchange(
      "GET /api/topics HTTP/1.1\r\nHost: a\r\n" +
          (authorization.empty() ? authorization : "Authorization: " + authorization + "\r\n") +
          "\r\n",
      is_loopback, 1);
  return Caller::identify(exchange, config);
}

TEST(Caller, WithoutKeysIsALoopbackPeer) {
  const auto none = with_keys({});
  EXPECT_TRUE(identify("", true, none));
  EXPECT_TRUE(identify("Bearer whatever", true, none));
  const auto refused = identify("Bearer whatever", false, none);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 403);
}

TEST(Caller, WithKeysIsWhoHoldsOneAlsoOnLoopback) {
  const auto keys = with_keys({key_of("first"), key_of("second")});
  for (const char* good : {"Bearer first", "bearer second", "BEARER   first"}) {
    EXPECT_TRUE(identify(good, false, keys)) << good;
  }
  for (const char* bad : {"", "Bearer", "Bearer firs", "Bearer first2", "Bearer first second",
                          "Basic first", "first", "Bearer  ", "Bearerfirst"}) {
    const auto refused = identify(bad, true, keys);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().status, 401) << bad;
    EXPECT_EQ(refused.error().code, "unauthenticated") << bad;
  }
}

TEST(Caller, MayWhatItsKeySays) {
  config::ApiKey reader = key_of("reader", {"news.>"});
  reader.can_publish = false;
  const auto keys = with_keys({reader, key_of("all", {">"})});
  auto caller = identify("Bearer reader", true, keys);
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->may(ApiRight::kRead, keys));
  EXPECT_TRUE(caller->may(ApiRight::kRead, "news.a", keys));
  EXPECT_FALSE(caller->may(ApiRight::kRead, "sports", keys));
  EXPECT_FALSE(caller->may(ApiRight::kPublish, keys));
  EXPECT_FALSE(caller->may(ApiRight::kPublish, "news.a", keys));
  EXPECT_TRUE(caller->is_restricted());
  auto other = identify("Bearer all", true, keys);
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->is_restricted());
}

TEST(Caller, LosesItsRightsWhenItsKeyGoes) {
  const auto before = with_keys({key_of("k")});
  auto caller = identify("Bearer k", true, before);
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->may(ApiRight::kPublish, "a", before));
  const auto narrower = with_keys({key_of("k", {"b"})});
  EXPECT_FALSE(caller->may(ApiRight::kPublish, "a", narrower));
  EXPECT_TRUE(caller->may(ApiRight::kPublish, "b", narrower));
  EXPECT_FALSE(caller->may(ApiRight::kPublish, "b", with_keys({key_of("other")})));
}

TEST(Caller, ThatNeededNoKeyLosesItsRightsWhenOneIsConfigured) {
  const auto none = with_keys({});
  auto caller = identify("", true, none);
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->may(ApiRight::kPublish, "a", none));
  EXPECT_FALSE(caller->may(ApiRight::kPublish, "a", with_keys({key_of("k")})));
}

TEST(Caller, ThatWasNeverAskedMayNothing) {
  Caller nobody;
  EXPECT_FALSE(nobody.may(ApiRight::kRead, with_keys({key_of("k")})));
  EXPECT_FALSE(nobody.may(ApiRight::kRead, with_keys({})));
}

}  // namespace
}  // namespace wspush::api
