#include "base/logging.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>

#include "base/log_line.hpp"
#include "base/log_sink.hpp"
#include "base/log_target.hpp"

namespace wspush::log {
namespace {

/// How long a line that is written directly (before the start, after the end) waits for stderr.
constexpr std::chrono::milliseconds kDirectWait{100};

/// How long after its deadline the writer may take to end; past it, it hangs in the kernel.
constexpr std::chrono::milliseconds kEndWait{500};

/// The writer: one thread behind a queue that drops its oldest line rather than wait.
struct Writer {
  std::shared_ptr<LogSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

struct State {
  std::mutex mutex;
  Writer writer;  ///< empty while there is none; guarded by `mutex`
  std::atomic<Level> level = Level::kInfo;
  std::atomic<std::uint64_t> dropped = 0;  ///< less what the running pool has overrun
  bool is_direct_mid_line = false;         ///< guarded by `mutex`
};

/// Never destroyed: a thread may log while the process exits.
State& state() {
  static State& the_state = *new State;
  return the_state;
}

LineStyle style_for(Format format, bool is_stderr) {
  const char* const journal = std::getenv("JOURNAL_STREAM");
  return {.format = format, .has_priority = is_stderr && journal != nullptr && journal[0] != '\0'};
}

/// Signals are for the threads that ask for them; SIGPIPE of a log pipe whose reader is gone too
/// is kept here, the write returns EPIPE.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void write_directly(State& log, Level level, std::string_view line) {
  std::string text;
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  append_line(text, style_for(Format::kText, true), now, level, line);
  LogTarget target = LogTarget::standard_error();
  const TimePoint give_up_at = MonotonicClock::now() + kDirectWait;
  if (!write_line(target, text, log.is_direct_mid_line, [=] { return give_up_at; })) {
    log.dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

std::string start(const Options& options) {
  stop();
  State& log = state();
  log.level.store(options.level, std::memory_order_relaxed);

  const bool is_stderr = options.file.empty();
  LogTarget target = is_stderr ? LogTarget::standard_error() : LogTarget::file(options.file);
  if (!target.is_open()) {
    return "open " + options.file + ": " + std::generic_category().message(errno);
  }
  Writer writer;
  writer.sink = std::make_shared<LogSink>(std::move(target), options.file,
                                          style_for(options.format, is_stderr), log.dropped);
  try {
    writer.pool =
        std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1U, [] { block_signals(); });
  } catch (const std::exception& error) {
    return std::string("log: ") + error.what();
  }
  writer.logger = std::make_shared<spdlog::async_logger>(
      "wspushd", writer.sink, writer.pool, spdlog::async_overflow_policy::overrun_oldest);
  writer.logger->set_level(spdlog::level::trace);  // `is_enabled` has decided already
  writer.logger->set_error_handler(
      [&log](const std::string&) { log.dropped.fetch_add(1, std::memory_order_relaxed); });
  const std::lock_guard lock(log.mutex);
  log.writer = std::move(writer);
  return {};
}

void stop() {
  State& log = state();
  Writer writer;
  {
    const std::lock_guard lock(log.mutex);
    if (log.writer.pool == nullptr) {
      return;
    }
    writer = std::move(log.writer);
    log.writer = {};
    log.dropped.fetch_add(writer.pool->overrun_counter(), std::memory_order_relaxed);
  }
  writer.sink->give_up_at(MonotonicClock::now() + kStopPeriod);
  // The pool's end waits for its thread. That one gives up in time, unless a write hangs in the
  // kernel (a dead network file system): then we leave it behind, the process is about to end.
  std::promise<void> ended;
  const std::future<void> end = ended.get_future();
  std::thread([writer = std::move(writer), ended = std::move(ended)]() mutable {
    block_signals();
    writer = {};
    ended.set_value();
  }).detach();
  end.wait_for(kStopPeriod + kEndWait);
}

void reopen() {
  State& log = state();
  const std::lock_guard lock(log.mutex);
  if (log.writer.logger != nullptr) {
    log.writer.sink->ask_reopen();
    log.writer.logger->flush();  // wakes the writer
  }
}

void set_level(Level level) {
  state().level.store(level, std::memory_order_relaxed);
}

bool is_enabled(Level level) {
  return level != Level::kOff && level >= state().level.load(std::memory_order_relaxed);
}

std::uint64_t dropped_lines() {
  State& log = state();
  const std::lock_guard lock(log.mutex);
  const std::uint64_t overrun = log.writer.pool == nullptr ? 0 : log.writer.pool->overrun_counter();
  return log.dropped.load(std::memory_order_relaxed) + overrun;
}

void drop_line() {
  state().dropped.fetch_add(1, std::memory_order_relaxed);
}

void write(Level level, std::string_view line) {
  if (!is_enabled(level)) {
    return;
  }
  State& log = state();
  // Held for as long as it takes to put a line into the queue; spdlog takes a lock there anyway.
  const std::lock_guard lock(log.mutex);
  if (log.writer.logger == nullptr) {
    write_directly(log, level, line);
    return;
  }
  try {
    // One byte past the bound tells the writer to say that it was clipped.
    line = line.substr(0, kLineBytesMax + 1);
    log.writer.logger->log(static_cast<spdlog::level::level_enum>(level),
                           spdlog::string_view_t(line.data(), line.size()));
  } catch (const std::exception&) {  // bad_alloc: a line that is too long for the queue's own room
    log.dropped.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace wspush::log
