#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>

// The log: one asynchronous sink behind a bounded queue, so that no reactor ever waits for it.
// Whatever came from the network goes through `quoted()`: a line break in a header must not be
// able to forge a line. Thread: any.
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

/// Starts the writer thread. Before it, and after `stop()`, lines go to stderr directly.
/// Returns an empty string, or why the file could not be opened ("open /x: Permission denied").
std::string start(const Options& options);

/// Writes out what waits (for at most a second, if the target takes nothing) and ends the writer.
void stop();

/// Opens the file again (SIGUSR1: it was rotated away). Thread: any; the writer does the work.
void reopen();

void set_level(Level level);
bool is_enabled(Level level);

/// Lines dropped since the start: the queue was full, or the target refused them.
std::uint64_t dropped_lines();

void write(Level level, std::string_view line);

/// `text` in double quotes, with control characters, quotes and backslashes escaped, bytes that
/// are not UTF-8 as \xNN, clipped after `bytes_max`.
std::string quoted(std::string_view text, std::size_t bytes_max = 200);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(Level::kDebug)) {
    write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(Level::kInfo)) {
    write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(Level::kWarning)) {
    write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
  }
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(Level::kError)) {
    write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
  }
}

}  // namespace wspush::log
