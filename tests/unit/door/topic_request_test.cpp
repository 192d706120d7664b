#include "door/topic_request.hpp"

#include <gtest/gtest.h>

#include "unit/door/request_rig.hpp"

namespace wspush::door::test {
namespace {

constexpr const char* kStream = "Accept: text/event-stream\r\n";

class Topics : public RequestRig {
 protected:
  int status_of(const std::string& target, const std::string& lines = {},
                const std::string& method = "GET") {
    request(target, lines, method);
    EXPECT_TRUE(is_answered());
    return is_answered() ? status() : 0;
  }
};

TEST_F(Topics, AreRefusedTheSameAtBothDoors) {
  start();
  for (const std::string accept : {"", kStream}) {
    EXPECT_EQ(status_of("/topics/open.a", accept, "POST"), 405);
    EXPECT_EQ(exchange_->header("Allow"), "GET, OPTIONS");
    EXPECT_EQ(status_of("/topics/open.a", accept, "HEAD"), 405);
    EXPECT_EQ(status_of("/topics/open.a", accept + "Content-Length: 1\r\n"), 400);
    EXPECT_EQ(status_of("/topics/a..b", accept), 400);
    EXPECT_EQ(status_of("/topics/open.*", accept), 400);
    EXPECT_EQ(status_of("/topics/" + std::string(256, 'a'), accept), 400);
    EXPECT_EQ(status_of("/topics/open.a?after=", accept), 400);
    EXPECT_EQ(status_of("/topics/open.a?after=last", accept), 400);
    EXPECT_EQ(status_of("/topics/closed", accept), 403);
    EXPECT_EQ(status_of("/topics/none", accept), 403);
    EXPECT_EQ(status_of("/topics/users.a", accept), 401);
    EXPECT_EQ(status_of("/topics/open.a", accept + "Origin: http://evil.test\r\n"), 403);
    EXPECT_EQ(exchange_->header("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(status_of("/topics/closed", accept + "Origin: http://push.test\r\n"), 403);
    EXPECT_EQ(exchange_->header("Access-Control-Allow-Origin"), "http://push.test");
    EXPECT_EQ(status_of("/topics", accept), 400);
    EXPECT_EQ(exchange_->door, DoorKind::kHttp);
    EXPECT_EQ(hubs_[0]->home_topic_count(), 0U);
  }
  EXPECT_EQ(limit_hits(metrics::Limit::kTopicBytes), 2U);
}

TEST_F(Topics, WhereAUserIsRequiredNobodyReadsWithoutAToken) {
  config_->auth.required = true;
  start();
  EXPECT_EQ(status_of("/topics/open.a"), 401);
  EXPECT_EQ(status_of("/topics/open.a", kStream), 401);
}

TEST_F(Topics, OfOneRequestAreBounded) {
  start();
  std::string target = "/topics?after=x";
  for (std::size_t i = 0; i <= hub::kFiltersMax; ++i) {
    target += "&topic=open.t" + std::to_string(i);
  }
  EXPECT_EQ(status_of(target), 400);
  EXPECT_EQ(limit_hits(metrics::Limit::kTopicsPerRequest), 1U);
}

TEST_F(Topics, NamedTwiceAreReadOnce) {
  start();
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=open.a"), 204);
}

TEST_F(Topics, MayBePatternsWhereSeveralCanBeNamed) {
  start();
  EXPECT_EQ(status_of("/topics?topic=open.*"), 204);
  EXPECT_EQ(status_of("/topics?topic=open.*&topic=open.%3E"), 204);
  EXPECT_EQ(status_of("/topics?topic=open.*x"), 400);
  EXPECT_EQ(status_of("/topics?topic=%3E"), 403);
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=closed"), 403);
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=users.a"), 401);
}

TEST_F(Topics, OfSeveralHaveAPositionAndNoId) {
  start();
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=open.b"), 204);
  const std::string position = exchange_->header("Wspush-Last");
  EXPECT_TRUE(position.starts_with('p')) << position;
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=open.b&after=0000002a-1"), 400);
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=open.b&after=" + position + "x"), 400);
  EXPECT_EQ(status_of("/topics?topic=open.a&wait=0&after=" + position), 400);
  EXPECT_EQ(status_of("/topics?topic=open.a&topic=open.b&wait=0&after=" + position), 204);
}

TEST_F(Topics, BeyondTheLimitOfTopicsAreRefused) {
  start(1);
  hubs_[0]->set_limits({.topics = 1});
  EXPECT_EQ(status_of("/topics/open.a"), 204);
  EXPECT_EQ(status_of("/topics/open.b"), 429);
  EXPECT_NE(exchange_->header("Retry-After"), "");
  EXPECT_FALSE(connection_.holds_frames);
  EXPECT_EQ(status_of("/topics/open.b", kStream), 429);
}

TEST_F(Topics, AreRefusedWhereTheServerEndsBeforeTheirLogsCame) {
  start(2);
  bool has_waited = false;
  for (const std::string topic : {"open.a", "open.b", "open.c", "open.d", "open.e"}) {
    context_->is_draining = false;
    request("/topics/" + topic + "?after=first&wait=1");
    if (!connection_.holds_frames && !is_answered()) {
      has_waited = true;
      context_->is_draining = true;
      turn();
      turn();
      ASSERT_TRUE(is_answered());
      EXPECT_EQ(status(), 503);
      EXPECT_NE(exchange_->header("Retry-After"), "");
    } else {
      hubs_[0]->remove_subscriber(connection_.handle().slot);
      connection_.hold_frames(false);
    }
  }
  EXPECT_TRUE(has_waited);
}

TEST_F(Topics, OptionsIsAnsweredWithoutATopic) {
  start();
  EXPECT_EQ(status_of("/topics/a..b", "Origin: http://push.test\r\n", "OPTIONS"), 204);
  EXPECT_EQ(exchange_->header("Access-Control-Allow-Methods"), "GET");
  EXPECT_EQ(status_of("/topics/open.a", "Origin: http://evil.test\r\n", "OPTIONS"), 403);
}

}  // namespace
}  // namespace wspush::door::test
