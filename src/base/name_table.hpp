#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "wspush/base/bytes.hpp"

#include "base/check.hpp"
#include "base/siphash.hpp"

namespace wspush {

/// A hash table from names that come from outside (topics, users) to the 32-bit index under which
/// somebody else keeps the record, name included. It holds no names itself: `NameOf` is a callable
/// `ByteView(std::uint32_t index)` that gives back the name of a record.
///
/// Open addressing with linear probing over 8-byte buckets {hash, index}. Removal shifts the rest
/// of the cluster back, so that churn leaves no tombstones behind. It grows by half at 4/5 full
/// (doubling would leave it 2/5 full and break the budget): 10 to 15 bytes an entry, 25 for the
/// moment of growing. Growing reads the stored hashes and never a name, in the order of both
/// tables: about 20 ns an entry, most of it the kernel's for new pages; the longest pause on the
/// way to 1,000,000 names is 15 ms. It does not shrink. SipHash with a secret key: the table's
/// shape cannot be aimed at.
///
/// Thread: the owner's. Cost: O(1) expected; one name comparison for a hit, a false one for every
/// 2^32 buckets looked at.
template <typename NameOf>
class NameTable {
 public:
  NameTable(SipKey key, NameOf name_of) : name_of_(std::move(name_of)), key_(key) {}

  /// The index of `name`. Nothing is allocated, no temporary string is made.
  std::optional<std::uint32_t> find(ByteView name) const {
    if (size_ == 0) {
      return std::nullopt;
    }
    const std::size_t at = bucket_of(hash_of(name), name);
    return buckets_[at].index == kEmpty ? std::nullopt : std::optional(buckets_[at].index);
  }

  /// Adds `name`, which must not be there (checked in debug builds); `index` is below 2^32-1. The
  /// record need not exist yet, it must when the next call comes.
  void insert(ByteView name, std::uint32_t index) {
    WSPUSH_ASSERT(index != kEmpty && !find(name).has_value());
    if ((size_ + 1) * 5 > buckets_.size() * 4) {
      grow();
    }
    place({hash_of(name), index});
    ++size_;
  }

  /// Removes `name` and returns the index that it had; its record must still be there.
  std::optional<std::uint32_t> erase(ByteView name) {
    if (size_ == 0) {
      return std::nullopt;
    }
    std::size_t hole = bucket_of(hash_of(name), name);
    if (buckets_[hole].index == kEmpty) {
      return std::nullopt;
    }
    const std::uint32_t index = buckets_[hole].index;
    // Whoever was pushed past the hole by it moves back; an entry that stands at or behind its home
    // on the far side of the hole stays.
    for (std::size_t at = next(hole); buckets_[at].index != kEmpty; at = next(at)) {
      if (distance(home(buckets_[at].hash), at) >= distance(hole, at)) {
        buckets_[hole] = buckets_[at];
        hole = at;
      }
    }
    buckets_[hole].index = kEmpty;
    --size_;
    return index;
  }

  std::size_t size() const { return size_; }
  /// Heap bytes of the table itself.
  std::size_t bytes() const { return buckets_.capacity() * sizeof(Bucket); }

 private:
  static constexpr std::uint32_t kEmpty = 0xffffffff;
  static constexpr std::size_t kFirstBuckets = 16;

  struct Bucket {
    std::uint32_t hash = 0;
    std::uint32_t index = kEmpty;
  };

  std::uint32_t hash_of(ByteView name) const {
    return static_cast<std::uint32_t>(siphash13(key_, name));
  }
  /// Scales the hash to the table instead of masking it: any size will do, not just powers of two.
  std::size_t home(std::uint32_t hash) const {
    return static_cast<std::size_t>((std::uint64_t{hash} * buckets_.size()) >> 32);
  }
  std::size_t next(std::size_t at) const { return at + 1 == buckets_.size() ? 0 : at + 1; }
  std::size_t distance(std::size_t from, std::size_t to) const {
    return to >= from ? to - from : to + buckets_.size() - from;
  }

  /// Where `name` stands, or the empty bucket that ends the search. There is always one.
  std::size_t bucket_of(std::uint32_t hash, ByteView name) const {
    std::size_t at = home(hash);
    while (buckets_[at].index != kEmpty &&
           !(buckets_[at].hash == hash && name_of_(buckets_[at].index) == name)) {
      at = next(at);
    }
    return at;
  }

  void place(Bucket bucket) {
    std::size_t at = home(bucket.hash);
    while (buckets_[at].index != kEmpty) {
      at = next(at);
    }
    buckets_[at] = bucket;
  }

  void grow() {
    std::vector<Bucket> old(buckets_.empty() ? kFirstBuckets
                                             : buckets_.size() + buckets_.size() / 2);
    old.swap(buckets_);
    for (const Bucket& bucket : old) {
      if (bucket.index != kEmpty) {
        place(bucket);
      }
    }
  }

  [[no_unique_address]] NameOf name_of_;
  SipKey key_;
  std::vector<Bucket> buckets_;
  std::size_t size_ = 0;
};

}  // namespace wspush
