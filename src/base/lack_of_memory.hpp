#pragma once

#include <new>

namespace wspush {

/// Calls `f` with each of `items`, as nobody says them again. Throws bad_alloc, when all have been,
/// where memory ran out for one.
template <typename Items, typename F>
void each_despite_lack_of_memory(Items&& items, F&& f) {
  bool has_failed = false;
  for (auto& item : items) {
    try {
      f(item);
    } catch (const std::bad_alloc&) {
      has_failed = true;
    }
  }
  if (has_failed) {
    throw std::bad_alloc();
  }
}

}  // namespace wspush
