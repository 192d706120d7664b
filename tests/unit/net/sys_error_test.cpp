#include "net/sys_error.hpp"

#include <cerrno>

#include <gtest/gtest.h>

namespace wspush::net {
namespace {

TEST(SysError, NamesTheCallAndTheError) {
  EXPECT_EQ((SysError{"bind", EADDRINUSE}).text(), "bind: Address already in use (EADDRINUSE)");
}

TEST(SysError, PrintsTheNumberOfAnErrorWithoutAName) {
  EXPECT_EQ((SysError{"accept4", 9999}).text(), "accept4: unknown error (9999)");
}

TEST(SysError, KeepsTheErrorOfTheCallThatFailed) {
  errno = EMFILE;
  const SysError error = last_error("socket");
  EXPECT_STREQ(error.call, "socket");
  EXPECT_EQ(error.error, EMFILE);
}

}  // namespace
}  // namespace wspush::net
