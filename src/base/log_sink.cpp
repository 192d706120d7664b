#include "base/log_sink.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace wspush::log {
namespace {

WallTime wall_time(std::chrono::system_clock::time_point time) {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(time);
}

/// Back from spdlog's scale, which has one level more at its end.
Level level_of(spdlog::level::level_enum level) {
  return level >= spdlog::level::err ? Level::kError : static_cast<Level>(level);
}
static_assert(static_cast<int>(Level::kTrace) == spdlog::level::trace &&
              static_cast<int>(Level::kError) == spdlog::level::err);

}  // namespace

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
  reopen_if_asked();
  put(wall_time(message.time), level_of(message.level),
      std::string_view(message.payload.data(), message.payload.size()));
}

void LogSink::put(WallTime time, Level level, std::string_view message) {
  line_.clear();
  append_line(line_, style_, time, level, message);
  if (!write_line(target_, line_, is_mid_line_,
                  [this] { return give_up_at_.load(std::memory_order_relaxed); })) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
  }
}

void LogSink::reopen_if_asked() {
  if (!is_reopen_asked_.exchange(false, std::memory_order_relaxed) || file_.empty()) {
    return;
  }
  LogTarget reopened = LogTarget::file(file_);
  if (reopened.is_open()) {
    target_ = std::move(reopened);
    is_mid_line_ = false;
    return;
  }
  // The old file is better than none, and the only place left to say so.
  const std::string reason = std::generic_category().message(errno);
  put(wall_time(std::chrono::system_clock::now()), Level::kError,
      "log: open " + file_ + ": " + reason);
}

}  // namespace wspush::log
