#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "wspush/hub/member.hpp"

#include "base/check.hpp"

namespace wspush::hub {

/// Members, dense and in order. A single one stands in the list itself: most topics have one
/// subscriber, and are so many that an allocation for it counts. 16 bytes.
///
/// Thread: the reactor's own. Lifetime of views: until the next change, or until the list moves.
class MemberList {
 public:
  MemberList() = default;
  MemberList(MemberList&& other) noexcept { swap(other); }
  MemberList& operator=(MemberList&& other) noexcept {
    swap(other);
    return *this;
  }
  ~MemberList() { clear(); }

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  std::span<Member> view() { return {capacity_ == 1 ? &place_.one : place_.many, size_}; }
  std::span<const Member> view() const {
    return {capacity_ == 1 ? &place_.one : place_.many, size_};
  }
  Member& operator[](std::size_t index) { return view()[index]; }

  /// The next `push_back` will not throw. May throw bad_alloc itself; nothing has changed then.
  void make_room() {
    if (size_ == capacity_) {
      grow();
    }
  }

  /// Amortised O(1). May throw bad_alloc; nothing has changed then.
  void push_back(Member member) {
    make_room();
    ++size_;
    view().back() = member;
  }

  /// Keeps the memory.
  void pop_back() {
    WSPUSH_ASSERT(size_ > 0);
    --size_;
  }

  /// Gives the memory back.
  void clear() {
    release();
    size_ = 0;
  }

 private:
  static constexpr std::uint32_t kFirstCapacity = 4;

  void grow() {
    WSPUSH_CHECK(capacity_ <= UINT32_MAX / 2);
    const std::uint32_t capacity = capacity_ == 1 ? kFirstCapacity : 2 * capacity_;
    auto bigger = std::make_unique<Member[]>(capacity);
    std::memcpy(bigger.get(), view().data(), size_ * sizeof(Member));
    release();
    place_.many = bigger.release();
    capacity_ = capacity;
  }

  void release() noexcept {
    if (capacity_ > 1) {
      delete[] place_.many;
    }
    capacity_ = 1;
    place_.one = {};
  }

  void swap(MemberList& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(place_, other.place_);
  }

  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 1;  ///< 1: `one` is in use, else `many`
  union {
    Member one{};
    Member* many;
  } place_;
};
static_assert(sizeof(MemberList) == 16);

}  // namespace wspush::hub
