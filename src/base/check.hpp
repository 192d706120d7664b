#pragma once

/// `WSPUSH_CHECK(condition)`: always on, logs and aborts. For invariants of ours, never for
/// anything that a peer can cause. `WSPUSH_ASSERT` is the same in debug and test builds, for those
/// too dear to check in a release.
#define WSPUSH_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::wspush::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define WSPUSH_ASSERT(condition) void(0)
#else
#define WSPUSH_ASSERT(condition) WSPUSH_CHECK(condition)
#endif

namespace wspush {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace wspush
