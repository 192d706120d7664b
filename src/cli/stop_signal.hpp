#pragma once

#include "base/unique_fd.hpp"

namespace wspush::cli {

/// SIGINT and SIGTERM as a descriptor for poll. From its construction on they are blocked and end
/// the program only where a WhileBlocking is; SIGPIPE is ignored, writing tells. One per process,
/// in its only thread, until the process ends.
class StopSignal {
 public:
  StopSignal();

  /// Readable once one has come. -1 where the system gave none; the signals then end the process.
  int fd() const { return fd_.get(); }

  /// Takes one that has come; false: none has.
  bool take();

  /// While it lives the calls in between may block: a signal then ends the process at once with
  /// exit code 0, as everything that could be written was.
  class WhileBlocking {
   public:
    WhileBlocking();
    ~WhileBlocking();
    WhileBlocking(const WhileBlocking&) = delete;
    WhileBlocking& operator=(const WhileBlocking&) = delete;
  };

 private:
  UniqueFd fd_;
};

}  // namespace wspush::cli
