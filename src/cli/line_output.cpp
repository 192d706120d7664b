#include "cli/line_output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <unistd.h>

namespace wspush::cli {

LineOutput::Status LineOutput::flush() {
  while (!waiting_.empty()) {
    pollfd entry{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&entry, 1, 0) <= 0) {
      break;
    }
    // A writable pipe has room for PIPE_BUF bytes, see pipe(7): this write does not block.
    const std::size_t piece = std::min<std::size_t>(waiting_.size(), PIPE_BUF);
    const ssize_t bytes = ::write(fd_, waiting_.view().data(), piece);
    if (bytes < 0) {
      if (errno == EAGAIN || errno == EINTR) {
        break;
      }
      error_ = errno;
      return errno == EPIPE ? Status::kClosed : Status::kFailed;
    }
    waiting_.drop(static_cast<std::size_t>(bytes));
  }
  return Status::kOk;
}

}  // namespace wspush::cli
