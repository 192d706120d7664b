#include "cli/descriptor_io.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace wspush::cli {
namespace {

/// Whether a call that failed may just be tried again when poll says so.
bool is_passing(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

IoResult result_of(ssize_t bytes) {
  if (bytes >= 0) {
    return {.bytes = static_cast<std::size_t>(bytes)};
  }
  return {.error = is_passing(errno) ? 0 : errno};
}

}  // namespace

IoResult read_some(int fd, MutableBytes buffer) {
  const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
  IoResult result = result_of(bytes);
  result.has_ended = bytes == 0;
  return result;
}

IoResult send_some(int fd, ByteView bytes) {
  return result_of(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

void wait_for(std::span<pollfd> entries, std::optional<TimePoint> deadline) {
  int timeout = -1;
  if (deadline) {
    // Rounded up, or the last part of a millisecond would be spent spinning.
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - MonotonicClock::now()).count();
    timeout = static_cast<int>(std::clamp<decltype(left)>(left, 0, INT_MAX));
  }
  if (::poll(entries.data(), entries.size(), timeout) < 0) {
    for (pollfd& entry : entries) {
      entry.revents = 0;  // EINTR or ENOMEM: nothing is known; the caller comes back.
    }
  }
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

void note(ByteView text) {
  std::string line = "wspush: ";
  line += text;
  std::ranges::replace_if(
      line, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }, ' ');
  line += '\n';
  // In one piece, so that the lines of two programs do not mix. If it fails there is nobody to
  // tell.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace wspush::cli
