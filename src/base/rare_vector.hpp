#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace wspush {

/// A list that is empty nearly always, in records of which there are very many: one pointer, and no
/// memory while it is empty. Grows at its end, and is used up from its front or at once.
///
/// Thread: the owner's. Lifetime of views and references: until the next change.
template <typename T>
class RareVector {
 public:
  bool empty() const { return items_ == nullptr; }
  std::size_t size() const { return empty() ? 0 : items_->size(); }

  std::span<T> view() { return empty() ? std::span<T>() : std::span<T>(*items_); }
  std::span<const T> view() const {
    return empty() ? std::span<const T>() : std::span<const T>(*items_);
  }
  T& operator[](std::size_t index) { return (*items_)[index]; }
  const T& operator[](std::size_t index) const { return (*items_)[index]; }

  /// May throw bad_alloc; nothing has changed then.
  void push_back(T item) {
    if (empty()) {
      auto items = std::make_unique<std::vector<T>>();
      items->push_back(std::move(item));
      items_ = std::move(items);
    } else {
      items_->push_back(std::move(item));
    }
  }

  /// The first `count` go. O(size).
  void drop_front(std::size_t count) {
    if (count == size()) {
      clear();
    } else if (count > 0) {
      items_->erase(items_->begin(), items_->begin() + static_cast<std::ptrdiff_t>(count));
    }
  }

  template <typename IsMeant>
  void erase_if(IsMeant&& is_meant) {
    if (!empty() && std::erase_if(*items_, is_meant) > 0 && items_->empty()) {
      clear();
    }
  }

  /// All of them; the list is empty afterwards.
  std::vector<T> take() {
    std::vector<T> items = empty() ? std::vector<T>() : std::move(*items_);
    clear();
    return items;
  }

  void clear() { items_.reset(); }

 private:
  std::unique_ptr<std::vector<T>> items_;  ///< null: empty
};

}  // namespace wspush
