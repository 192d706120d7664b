#pragma once

#include <cstddef>
#include <cstdint>

#include "wspush/base/bytes.hpp"

#include "cli/byte_queue.hpp"

namespace wspush::cli {

/// Lines on their way to a descriptor (standard output) that may be slow and must not be made
/// non-blocking, since other programs share it: it is written only while poll calls it writable,
/// and in pieces that a pipe then takes whole. Thread: the owner's.
class LineOutput {
 public:
  enum class Status : std::uint8_t {
    kOk,
    kClosed,  ///< nobody reads any more
    kFailed,  ///< `error()`
  };

  explicit LineOutput(int fd) : fd_(fd) {}

  int fd() const { return fd_; }
  void append(ByteView lines) { waiting_.append(lines); }

  /// Writes as much as goes without waiting.
  Status flush();

  bool empty() const { return waiting_.empty(); }
  std::size_t waiting_bytes() const { return waiting_.size(); }
  int error() const { return error_; }

 private:
  int fd_;
  ByteQueue waiting_;
  int error_ = 0;
};

}  // namespace wspush::cli
