#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wspush/base/clock.hpp"

#include "base/logging.hpp"

namespace wspush::log {

/// How lines look on a target.
struct LineStyle {
  Format format = Format::kText;
  /// The target is the systemd journal: a line starts with its priority, `<3>` to `<7>`
  /// (sd-daemon(3)), and the text format leaves out the time, which the journal knows.
  bool has_priority = false;
};

/// A line's message is clipped here, so that the queue is bounded in bytes too (32 MiB).
inline constexpr std::size_t kLineBytesMax = 4096;

/// Appends one line with its line end:
///
///     2026-05-01T12:00:00.123Z info listening on 127.0.0.1:8080
///     <6>info listening on 127.0.0.1:8080
///     {"time":"2026-05-01T12:00:00.123Z","level":"info","message":"listening on ..."}
///
/// Control characters in `message` are escaped: whatever was logged stays one line. Pure.
void append_line(std::string& out, LineStyle style, WallTime time, Level level,
                 std::string_view message);

/// "trace" to "error"; "off".
std::string_view level_name(Level level);

}  // namespace wspush::log
