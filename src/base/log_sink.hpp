#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include <spdlog/sinks/base_sink.h>

#include "wspush/base/clock.hpp"

#include "base/log_line.hpp"
#include "base/log_target.hpp"

namespace wspush::log {

/// Writes `line` whole, waiting for room until `give_up_at` says that it is time; then, or when the
/// target refuses, false. `give_up_at` is asked again after every short wait. `is_mid_line` is kept
/// by the caller between calls: a line that was cut is ended before the next one begins.
template <typename GiveUpAt>
bool write_line(LogTarget& target, std::string_view line, bool& is_mid_line, GiveUpAt give_up_at) {
  const std::string ended = is_mid_line ? "\n" + std::string(line) : std::string();
  std::string_view rest = is_mid_line ? std::string_view(ended) : line;
  while (!rest.empty()) {
    const long taken = target.write_some(rest);
    if (taken > 0) {
      is_mid_line = true;
      rest.remove_prefix(static_cast<std::size_t>(taken));
      continue;
    }
    if (taken < 0 || MonotonicClock::now() >= give_up_at()) {
      return false;
    }
    target.wait_writable(std::chrono::milliseconds(50));
  }
  is_mid_line = false;
  return true;
}

/// The end of the asynchronous log: formats and writes, on the writer's thread. spdlog's own sinks
/// do not fit: they block in stdio, tell errors by exceptions and cannot open a file again.
/// A target that takes nothing makes it wait (the queue then overruns, which is counted); one that
/// refuses costs a line each time and is tried again with the next.
class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// `file` is empty for stderr. `dropped` counts lines that the target did not take.
  LogSink(LogTarget target, std::string file, LineStyle style, std::atomic<std::uint64_t>& dropped)
      : target_(std::move(target)), file_(std::move(file)), style_(style), dropped_(dropped) {}

  /// The next line (or flush) opens the file again. Thread: any.
  void ask_reopen() { is_reopen_asked_.store(true, std::memory_order_relaxed); }
  /// From `time` on lines are no longer waited for. Thread: any.
  void give_up_at(TimePoint time) { give_up_at_.store(time, std::memory_order_relaxed); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override { reopen_if_asked(); }
  void reopen_if_asked();
  void put(WallTime time, Level level, std::string_view message);

  LogTarget target_;
  const std::string file_;
  const LineStyle style_;
  std::atomic<std::uint64_t>& dropped_;
  std::atomic<bool> is_reopen_asked_ = false;
  std::atomic<TimePoint> give_up_at_ = TimePoint::max();
  bool is_mid_line_ = false;
  std::string line_;  ///< kept for its capacity
};

}  // namespace wspush::log
