#pragma once

#include <cstddef>
#include <optional>
#include <poll.h>
#include <span>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"

// The system calls of the companion's loops. Nothing here blocks but wait_for().
namespace wspush::cli {

/// Bytes that one read takes at most.
inline constexpr std::size_t kReadBytes = std::size_t{64} * 1024;

struct IoResult {
  std::size_t bytes = 0;
  bool has_ended = false;  ///< the other side has closed
  int error = 0;           ///< errno; the descriptor is of no more use
};

/// Reads what is there, at most the buffer. A descriptor that would block gives 0 bytes.
IoResult read_some(int fd, MutableBytes buffer);

/// Sends what goes of `bytes` to a socket without waiting.
IoResult send_some(int fd, ByteView bytes);

/// poll(2) until one of `entries` is ready or `deadline` has passed (none: for ever). A descriptor
/// of -1 is passed over.
void wait_for(std::span<pollfd> entries, std::optional<TimePoint> deadline);

/// "Connection refused". Thread: any.
std::string error_text(int error);

/// One line on standard error, "wspush: " in front. Control characters of `text`, which may come
/// from the server, become blanks: a terminal obeys them.
void note(ByteView text);

}  // namespace wspush::cli
