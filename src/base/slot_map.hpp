#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "wspush/base/handle.hpp"

#include "base/check.hpp"

namespace wspush {

/// Owns objects of one type and names them by generation-checked handles.
///
/// An object's address is stable until it is erased: storage comes in chunks of `kChunkSlots` that
/// never move and are kept until the map dies. A freed slot is the next one to be used (last in,
/// first out): its cache lines are warm, and the slots in use stay dense, which keeps tables that
/// are indexed by slot small. The usual argument for first in, first out, that a stale handle is
/// less likely to meet a new object, does not hold here: a slot never repeats a generation. One
/// whose 2^32-1 generations are used up is retired, at a cost of `sizeof(T)` for four billion uses.
///
/// Thread: the owner's. Cost: every operation O(1), one cache line for `find` beside the object's.
template <typename T, std::uint32_t kGenerationMax = std::numeric_limits<std::uint32_t>::max()>
class SlotMap {
 public:
  static constexpr std::uint32_t kChunkSlots = 256;

  SlotMap() = default;
  SlotMap(const SlotMap&) = delete;
  SlotMap& operator=(const SlotMap&) = delete;
  ~SlotMap() { clear(); }

  /// Makes an object. When its constructor throws, nothing has changed.
  template <typename... Args>
  Handle emplace(Args&&... args) {
    if (first_free_ == kNone) {
      add_slot();
    }
    const std::uint32_t index = first_free_;
    Slot& slot = slot_at(index);
    ::new (static_cast<void*>(slot.bytes)) T(std::forward<Args>(args)...);
    first_free_ = std::exchange(slot.next_free, kLive);
    ++size_;
    return {index, slot.generation};
  }

  /// Null when `handle` names nothing, or an object that is gone. Any value is safe to ask for.
  T* find(Handle handle) noexcept {
    if (handle.slot >= slot_count_) {
      return nullptr;
    }
    Slot& slot = slot_at(handle.slot);
    return slot.generation == handle.generation && slot.next_free == kLive ? slot.object()
                                                                           : nullptr;
  }
  const T* find(Handle handle) const noexcept { return const_cast<SlotMap*>(this)->find(handle); }

  /// The object that lives in `slot` now, whatever its generation; null when none does. For tables
  /// by slot whose entries go before the object does.
  T* in_slot(std::uint32_t index) noexcept {
    Slot* slot = index < slot_count_ ? &slot_at(index) : nullptr;
    return slot != nullptr && slot->next_free == kLive ? slot->object() : nullptr;
  }
  const T* in_slot(std::uint32_t index) const noexcept {
    return const_cast<SlotMap*>(this)->in_slot(index);
  }

  /// The handle of the object that lives in `slot`, for objects that know only their slot: the
  /// generation stands beside them.
  Handle handle_of(std::uint32_t index) noexcept {
    Slot& slot = slot_at(index);
    WSPUSH_ASSERT(slot.next_free == kLive);
    return {index, slot.generation};
  }

  /// Destroys the object; false when it was gone already. The object's destructor may look at the
  /// map, but no longer finds itself in it.
  bool erase(Handle handle) {
    T* object = find(handle);
    if (object == nullptr) {
      return false;
    }
    Slot& slot = slot_at(handle.slot);
    const bool is_used_up = slot.generation == kGenerationMax;
    slot.next_free = kNone;
    slot.generation = is_used_up ? 0 : slot.generation + 1;
    --size_;
    object->~T();
    if (!is_used_up) {
      slot.next_free = first_free_;
      first_free_ = handle.slot;
    }
    return true;
  }

  /// Destroys all objects; their handles are dead, the slots stay.
  void clear() {
    for (std::uint32_t index = 0; index < slot_count_; ++index) {
      erase({index, slot_at(index).generation});
    }
  }

  /// Calls `visit(Handle, T&)` for the live objects in the slots [first, last), in slot order;
  /// `last` is clipped to `slot_count()`. `visit` may erase any object and make new ones, which are
  /// visited when their slot is still to come. Work in pieces: keep `last`, go on from there.
  template <typename Visit>
  void for_each_in(std::uint32_t first, std::uint32_t last, Visit&& visit) {
    for (std::uint32_t index = first; index < last && index < slot_count_; ++index) {
      Slot& slot = slot_at(index);
      if (slot.next_free == kLive) {
        visit(Handle{index, slot.generation}, *slot.object());
      }
    }
  }

  /// All live objects; as `for_each_in`, slots that are made meanwhile are left out.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for_each_in(0, slot_count_, std::forward<Visit>(visit));
  }

  /// Live objects.
  std::size_t size() const { return size_; }
  /// Slots ever made: every live handle's slot is below it. The size for tables by slot.
  std::uint32_t slot_count() const { return slot_count_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;  ///< end of the free list; retired
  static constexpr std::uint32_t kLive = 0xfffffffe;

  struct Slot {
    std::uint32_t generation = 1;  ///< of the object here, or of the next one
    std::uint32_t next_free = kNone;
    alignas(T) std::byte bytes[sizeof(T)];

    T* object() { return std::launder(reinterpret_cast<T*>(bytes)); }
  };
  using Chunk = std::array<Slot, kChunkSlots>;

  Slot& slot_at(std::uint32_t index) {
    return (*chunks_[index / kChunkSlots])[index % kChunkSlots];
  }

  void add_slot() {
    WSPUSH_CHECK(slot_count_ < kLive);
    if (slot_count_ == chunks_.size() * kChunkSlots) {
      chunks_.push_back(std::unique_ptr<Chunk>(new Chunk));
    }
    first_free_ = slot_count_++;
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t slot_count_ = 0;
  std::uint32_t first_free_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace wspush
