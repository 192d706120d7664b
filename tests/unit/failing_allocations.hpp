#pragma once

#include <cstdint>

// Where failing_allocations.cpp is linked in, operator new fails when a test says so. What takes
// its memory elsewhere (OpenSSL, zlib, memory that is aligned) never does.
namespace wspush::test {

/// While it lives, the allocation number `nth` (from 1) of this thread throws bad_alloc: that one
/// and no other. Not nested.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::uint64_t nth);
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();

  bool has_failed() const;
};

/// While it lives, nothing fails and nothing is counted: around what only the test does.
class SafeAllocations {
 public:
  SafeAllocations();
  SafeAllocations(const SafeAllocations&) = delete;
  SafeAllocations& operator=(const SafeAllocations&) = delete;
  ~SafeAllocations();
};

/// Of this thread: those that were made and not given back, give or take what moved to another.
std::int64_t live_allocations();

}  // namespace wspush::test
