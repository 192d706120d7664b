#pragma once

#include <functional>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"

namespace wspush::engine {

/// Sorted keys with bytes behind them, changed by batches that take effect whole or not at all:
/// what the disk engine asks of an embedded store. Errors are the store's own words.
/// Thread: one at a time.
class LogStore {
 public:
  virtual ~LogStore() = default;

  // The batch at hand: seen by nobody until `commit`.
  virtual void put(ByteView key, ByteView value) = 0;
  virtual void remove(ByteView key) = 0;
  /// All keys from `begin` on and before `end`.
  virtual void remove_range(ByteView begin, ByteView end) = 0;

  /// Throws the batch away.
  virtual void discard() = 0;
  /// Hands the batch to the kernel, so that it survives the end of the process; with `sync` to the
  /// disk, so that it survives a power cut, with all batches before. The next batch is empty in any
  /// case. After an error nothing of it is seen here, but it may still be found after a restart.
  virtual Result<void, std::string> commit(bool sync) = 0;
  /// What was committed is on the disk when this returns.
  virtual Result<void, std::string> sync() = 0;
  /// After an error of `commit` or `sync`: tries to get ready to write again.
  virtual Result<void, std::string> recover() = 0;

  virtual Result<std::optional<std::string>, std::string> get(ByteView key) = 0;
  /// Calls `visit(key, value)` for the keys from `begin` on and before `end`, in order, until it
  /// returns false. The views are borrowed for the call.
  virtual Result<void, std::string> scan(
      ByteView begin, ByteView end,
      const std::function<bool(ByteView key, ByteView value)>& visit) = 0;
};

}  // namespace wspush::engine
