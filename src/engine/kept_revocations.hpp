#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "wspush/base/result.hpp"
#include "wspush/engine/engine.hpp"

#include "engine/log_store.hpp"

namespace wspush::engine {

/// The revocations in a LogStore, all of them in memory too: few and small, and read once, at the
/// start. Thread: the store's.
class KeptRevocations {
 public:
  /// 300 bytes each at most. A table that is full takes no more, rather than forget one.
  static constexpr std::size_t kEntriesMax = 100'000;

  /// Reads them. The removal of those that have expired is put into the batch: true where there
  /// were some. Errors: the store's, or that a record is damaged.
  Result<bool, std::string> load(LogStore& store, WallTime now);

  /// Puts it into the batch; a second one of the same user or token covers what either does, until
  /// the later end. False: the table is full of such that have not expired, and nothing has
  /// changed.
  [[nodiscard]] bool keep(LogStore& store, const Revocation& revocation, WallTime now);

  /// Those that have expired since they were last looked for included.
  std::vector<Revocation> all() const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    WallTime before;
    WallTime until;
  };

  bool remove_expired(LogStore& store, WallTime now);

  std::map<std::string, Entry> entries_;  ///< by key in the store
};

}  // namespace wspush::engine
