#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "unit/failing_allocations.hpp"

namespace wspush::hub::test {

/// Does `operate(World&)` to worlds that `make` makes, with its first allocation failing, then its
/// second, and so on until none fails; `look(World&)` sees what has become of each. What memory ran
/// out for is done in the turns between. Nothing leaks.
template <typename Make, typename Operate, typename Look>
void with_each_failing(Make&& make, Operate&& operate, Look&& look) {
  bool has_failed = true;
  int failures = 0;
  for (std::uint64_t nth = 1; has_failed && !::testing::Test::HasFailure(); ++nth) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    const std::int64_t before = wspush::test::live_allocations();
    {
      auto world = make();
      {
        const wspush::test::FailingAllocation failing(nth);
        operate(*world);
        has_failed = failing.has_failed();
      }
      failures += has_failed ? 1 : 0;
      world->rest_in_need();
      look(*world);
    }
    EXPECT_EQ(wspush::test::live_allocations(), before);
  }
  EXPECT_GT(failures, 0) << "nothing was tried";
}

}  // namespace wspush::hub::test
