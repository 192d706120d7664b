#include "net/raise_limits.hpp"

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace wspush::net {
namespace {

TEST(RaiseOpenFiles, TakesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{256, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  const auto raised = raise_open_files();
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  ASSERT_TRUE(raised);
  EXPECT_EQ(*raised, before.rlim_max);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);

  const auto again = raise_open_files();
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace wspush::net
