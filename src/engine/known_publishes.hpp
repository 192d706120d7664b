#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "wspush/base/result.hpp"
#include "wspush/engine/engine.hpp"

#include "engine/disk_record.hpp"
#include "engine/log_store.hpp"

namespace wspush::engine {

/// The publishes in a LogStore that carried an idempotency key, so that a publisher who repeats one
/// after a restart is answered with the first id. A record is in the batch of its message: either
/// both are there or neither. 24 bytes of memory each. Thread: the store's.
class KnownPublishes {
 public:
  /// Those that are over or too many, and are removed by one `keep`: it has a bound, and yet they
  /// become fewer.
  static constexpr int kRemovalsPerKeep = 4;

  /// Reads them. The removal of those that are over is put into the batch: true where there were
  /// some. Errors: the store's. A record that is damaged is told in the log and removed: to do
  /// without it is better than not to start.
  Result<bool, std::string> load(LogStore& store, WallTime now);

  /// What was loaded, oldest first. Once.
  std::vector<KnownPublish> take() { return std::move(loaded_); }

  /// Puts it into the batch, and the removal of some that are over. The message has this place in
  /// the store. Whether the batch took effect is told by `commit` or `undo`.
  void keep(LogStore& store, LogPlace place, const KnownPublish& publish);

  void commit();
  void undo();

  /// Those of a log from `begin` on go, for their messages do.
  static void forget(LogStore& store, LogPlace begin);

  std::size_t size() const { return entries_.size() - removed_; }

 private:
  struct Entry {
    LogPlace place;
    WallTime published;
  };

  std::deque<Entry> entries_;  ///< oldest first
  std::size_t removed_ = 0;    ///< of them, from the front, by the batch at hand
  std::size_t added_ = 0;      ///< of them, at the back, by the batch at hand
  std::vector<KnownPublish> loaded_;
};

}  // namespace wspush::engine
