#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/log_store.hpp"

namespace wspush::engine {

/// A LogStore on RocksDB (docs/decisions/0009-disk-engine.md), in a directory of its own.
class RocksStore final : public LogStore {
 public:
  /// Free space that is left alone: below it nothing is committed. So the background has room for
  /// its merging, and the store itself does not run into the end of the disk, from which it comes
  /// back only by being opened again.
  static constexpr std::uint64_t kReserveBytes = std::uint64_t{64} << 20;

  /// Opens what is in `directory`, or begins there. After a crash it holds what was committed, up
  /// to the first record that is torn. Time: the log of at most two memtables is read again.
  static Result<std::unique_ptr<RocksStore>, std::string> open(
      const std::string& directory, std::uint64_t reserve_bytes = kReserveBytes);
  ~RocksStore() override;

  void put(ByteView key, ByteView value) override;
  void remove(ByteView key) override;
  void remove_range(ByteView begin, ByteView end) override;
  void discard() override;
  Result<void, std::string> commit(bool sync) override;
  Result<void, std::string> sync() override;
  Result<void, std::string> recover() override;
  Result<std::optional<std::string>, std::string> get(ByteView key) override;
  Result<void, std::string> scan(
      ByteView begin, ByteView end,
      const std::function<bool(ByteView key, ByteView value)>& visit) override;

 private:
  struct Database;  // RocksDB's headers stay in one file.

  explicit RocksStore(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace wspush::engine
