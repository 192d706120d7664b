#pragma once

#include <string>

#include "wspush/base/result.hpp"

#include "base/unique_fd.hpp"

namespace wspush::engine {

/// The directory of the disk engine: one process at a time, of one format, and whether what was
/// acknowledged may have been lost since it was last used.
///
///   lock     held while a process uses it; its pid
///   format   "wspushd disk 1"
///   state    "clean", or "running BOOT_ID turn|later": who runs, and whether each batch is synced
///   store/   the store's own
///
/// What a process gave to the kernel survives its death, but not the machine's: so the state names
/// the boot, and whoever finds another one there knows that the end may be missing.
/// Errors are whole: what is wrong with which file, and what to do. Thread: one at a time.
class DiskDirectory {
 public:
  /// `boot_id` is of the running system; see `read_boot_id`.
  static Result<DiskDirectory, std::string> open(const std::string& path, std::string boot_id);

  std::string store_path() const { return path_ + "/store"; }
  /// Acknowledged messages may be missing at the end of the logs.
  bool has_lost() const { return has_lost_; }

  /// The store is open: from now on it is in use. `syncs_each`: nothing is acknowledged before it
  /// is on the disk.
  Result<void, std::string> begin(bool syncs_each);
  /// The store is closed, and all of it on the disk.
  Result<void, std::string> end();

 private:
  explicit DiskDirectory(std::string path) : path_(std::move(path)) {}
  Result<void, std::string> lock();
  Result<void, std::string> check_format();
  Result<void, std::string> read_state();

  std::string path_;
  std::string boot_id_;
  UniqueFd lock_;
  bool has_lost_ = false;
};

/// Of this boot of the system; empty where /proc does not show it: then a process that was killed
/// looks like a power cut.
std::string read_boot_id();

}  // namespace wspush::engine
