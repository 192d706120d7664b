#include "load/options.hpp"

#include <gtest/gtest.h>

namespace wspush::load {
namespace {

TEST(LoadOptions, PathsFollowTheDialectBehindThePrefixOfTheUrl) {
  Options options;
  options.server.path = "/push";
  EXPECT_EQ(subscriber_path(options), "/push/topics/bench");
  EXPECT_EQ(publisher_path(options), "/push/topics/bench");
  options.dialect = Dialect::kWspushV1;
  EXPECT_EQ(subscriber_path(options), "/push/ws");
  EXPECT_EQ(publisher_path(options), "/push/topics/bench") << "a fan-out's comes by the raw door";
  options.scenario = Scenario::kPublish;
  EXPECT_EQ(publisher_path(options), "/push/ws");
  options.server.path = "/push/ws";
  EXPECT_EQ(subscriber_path(options), "/push/ws");
  options.server.path = "";
  options.dialect = Dialect::kNchan;
  EXPECT_EQ(subscriber_path(options), "/sub/bench");
  EXPECT_EQ(publisher_path(options), "/pub/bench");
}

TEST(LoadOptions, AUrlWithAWholePathIsTakenAtItsWord) {
  Options options;
  EXPECT_EQ(echo_path(options), "/echo");
  options.is_root_path = true;
  EXPECT_EQ(echo_path(options), "/");
  options.is_root_path = false;
  options.server.path = "/mine";
  EXPECT_EQ(echo_path(options), "/mine");
  options.dialect = Dialect::kMqtt;
  EXPECT_EQ(subscriber_path(options), "/mine");
  options.server.path = "";
  EXPECT_EQ(subscriber_path(options), "/mqtt");
  options.dialect = Dialect::kNats;
  EXPECT_EQ(subscriber_path(options), "/");
  options.dialect = Dialect::kFloor;
  EXPECT_EQ(publisher_path(options), "/publish");
}

}  // namespace
}  // namespace wspush::load
