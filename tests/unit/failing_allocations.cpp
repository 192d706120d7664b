#include "unit/failing_allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace wspush::test {
namespace {

thread_local std::uint64_t left = 0;  ///< until the one that fails; 0: none does
thread_local bool has_one_failed = false;
thread_local int safe = 0;
thread_local std::int64_t live = 0;

}  // namespace

FailingAllocation::FailingAllocation(std::uint64_t nth) {
  left = nth;
  has_one_failed = false;
}

FailingAllocation::~FailingAllocation() {
  left = 0;
}

bool FailingAllocation::has_failed() const {
  return has_one_failed;
}

SafeAllocations::SafeAllocations() {
  ++safe;
}

SafeAllocations::~SafeAllocations() {
  --safe;
}

std::int64_t live_allocations() {
  return live;
}

}  // namespace wspush::test

// Those for arrays are here as the address sanitizer has its own, which would never fail. Those for
// what is aligned are pairs, wherever they come from. What nothrow gave is deleted like all others.

void* operator new(std::size_t bytes) {
  using namespace wspush::test;
  if (safe == 0 && left > 0 && --left == 0) {
    has_one_failed = true;
    throw std::bad_alloc();
  }
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  ++live;
  return memory;
}

void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void operator delete(void* memory) noexcept {
  wspush::test::live -= memory == nullptr ? 0 : 1;
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  operator delete(memory);
}

void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}

void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
  return operator new(bytes, tag);
}

void operator delete[](void* memory) noexcept {
  operator delete(memory);
}

void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
  operator delete(memory);
}
