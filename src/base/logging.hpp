#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

// The log: one asynchronous sink behind a bounded queue, so that no reactor ever waits for it.
// Whatever came from the network goes through `quoted()`, so that a reader sees where it begins and
// ends; a line break in anything that is logged is escaped in any case. Thread: any.
namespace wspush::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError, kOff };
enum class Format : std::uint8_t { kText, kJson };

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kText;
  std::string file;  ///< empty: stderr
};

/// Lines that may wait; the oldest is dropped and counted when one more comes.
inline constexpr std::size_t kQueueLines = 8192;

/// `stop` gives the target so long to take what waits.
inline constexpr std::chrono::milliseconds kStopPeriod{1000};

/// Starts the writer thread; with JOURNAL_STREAM set, lines on stderr carry a priority for the
/// journal instead of the time. Before it, and after `stop()`, lines go to stderr directly, as
/// text, and wait 100 ms for it at most. Once it runs no call here waits for the target, and a line
/// is out as soon as the writer gets the CPU: nothing is held back for a flush. Returns an empty
/// string, or why the file could not be opened ("open /x: Permission denied").
std::string start(const Options& options);

/// Writes out what waits and ends the writer. Bounded by kStopPeriod and half a second, whatever
/// the target does; what was not taken then is counted as dropped.
void stop();

/// Opens the file again (SIGUSR1: it was rotated away). The writer does it, before the next line;
/// when it fails the old file stays in use and says so.
void reopen();

void set_level(Level level);
bool is_enabled(Level level);

/// Lines dropped since the process began: the queue was full, or the target refused them.
std::uint64_t dropped_lines();

/// One line, if `level` is enabled; clipped at 4 KiB. The functions below format it first.
void write(Level level, std::string_view line);

/// `text` in double quotes, with control characters, quotes and backslashes escaped, bytes that
/// are not UTF-8 as \xNN, clipped after `bytes_max` of its bytes (then `...` follows the quote).
std::string quoted(std::string_view text, std::size_t bytes_max = 200);

/// Counts a line that could not even be made.
void drop_line();

/// A line that memory runs out for is dropped: nothing that is done fails for being told.
template <typename... Args>
void format_line(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (!is_enabled(level)) {
    return;
  }
  try {
    write(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (const std::bad_alloc&) {
    drop_line();
  }
}

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  format_line(Level::kDebug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  format_line(Level::kInfo, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  format_line(Level::kWarning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  format_line(Level::kError, format, std::forward<Args>(args)...);
}

}  // namespace wspush::log
