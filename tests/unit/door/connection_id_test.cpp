#include <gtest/gtest.h>

#include "unit/door/session_rig.hpp"

namespace wspush::door::test {
namespace {

class ConnectionId : public SessionRig {};

TEST_F(ConnectionId, NamesReactorAndConnectionAndComesBack) {
  start();
  for (const Handle handle : {Handle{0, 1}, Handle{5, 9}, Handle{0xffffffff, 0xfffffffe}}) {
    for (const std::uint16_t reactor : {std::uint16_t{0}, std::uint16_t{7}, std::uint16_t{65535}}) {
      context_->reactor = reactor;
      const std::string id = connection_id(*context_, handle);
      EXPECT_EQ(id.size(), 24U);
      EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
      std::uint16_t found_reactor = 1;
      Handle found;
      ASSERT_TRUE(parse_connection_id(id, context_->instance, found_reactor, found));
      EXPECT_EQ(found_reactor, reactor);
      EXPECT_EQ(found, handle);
    }
  }
}

TEST_F(ConnectionId, RefusesWhatIsNoneOfThisProcess) {
  start();
  const std::string id = connection_id(*context_, {5, 9});
  std::uint16_t reactor = 0;
  Handle handle;
  EXPECT_FALSE(parse_connection_id(id, context_->instance + 1, reactor, handle));
  for (const std::string& wrong :
       {std::string(), id.substr(1), id + "0", "G" + id.substr(1), "A" + id.substr(1),
        id.substr(0, 23) + "-", id.substr(0, 23) + "F", std::string(24, '\0')}) {
    EXPECT_FALSE(parse_connection_id(wrong, context_->instance, reactor, handle)) << wrong;
  }
}

}  // namespace
}  // namespace wspush::door::test
