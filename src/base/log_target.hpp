#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "wspush/base/clock.hpp"

#include "base/unique_fd.hpp"

namespace wspush::log {

/// A descriptor that lines are written to, and how to write to it without being held up by who
/// reads it. Thread: the owner's.
class LogTarget {
 public:
  /// Our stderr. A pipe or terminal is opened again without blocking (the flag on descriptor 2
  /// itself would be seen by everybody who shares it); where that is not allowed, and for a plain
  /// file, 2 itself is written to.
  static LogTarget standard_error();

  /// A file, made with mode 0640 and always appended to. With an empty name, or where it cannot be
  /// opened, the target is not open and `errno` says why.
  static LogTarget file(const std::string& name);

  bool is_open() const { return fd_ >= 0; }

  /// Writes what the target takes at once of `line`. Returns the bytes taken, maybe 0; -1 when it
  /// refuses them (full disk, reader gone).
  ///
  /// Caveat: where descriptor 2 could not be opened again, somebody who writes to the same pipe may
  /// take the room that we have just seen, and the write waits for the reader.
  long write_some(std::string_view line);

  /// Waits until it takes more, for at most `timeout`; whether it does.
  bool wait_writable(std::chrono::milliseconds timeout);

 private:
  int fd_ = -1;
  bool is_socket_ = false;
  bool may_block_ = false;  ///< a pipe or terminal without O_NONBLOCK: ask before writing
  UniqueFd owned_;
};

}  // namespace wspush::log
