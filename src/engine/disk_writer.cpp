#include "engine/disk_writer.hpp"

#include <algorithm>
#include <new>
#include <poll.h>
#include <pthread.h>
#include <utility>

#include "base/logging.hpp"
#include "engine/rocks_store.hpp"

namespace wspush::engine {
namespace {

constexpr std::chrono::milliseconds kMemoryWait{10};

}  // namespace

Result<std::unique_ptr<DiskWriter>, std::string> DiskWriter::open(const Options& options,
                                                                  Deliver deliver) {
  auto directory = DiskDirectory::open(options.path, read_boot_id());
  if (!directory) {
    return Unexpected(std::move(directory.error()));
  }
  const std::string where = directory->store_path() + ": ";
  const std::string remedy =
      "; see that there is room and that all of it belongs to the user that wspushd runs as, or "
      "set engine.disk.path to another directory";
  auto store = RocksStore::open(directory->store_path());
  if (!store) {
    return Unexpected(where + store.error() + remedy);
  }
  std::unique_ptr<DiskWriter> writer(
      new DiskWriter(options, std::move(*directory), std::move(*store), std::move(deliver)));
  if (const auto done = writer->log_.start(); !done) {
    return Unexpected(where + done.error() + remedy);
  }
  if (writer->directory_.has_lost()) {
    log::warning(
        "engine.disk: {}: the system went down before all was on the disk, or this is a "
        "copy: what may be missing is told to clients by new epochs",
        options.path);
  }
  if (auto done = writer->directory_.begin(options.sync.when == DiskSync::When::kTurn); !done) {
    return Unexpected(std::move(done.error()));
  }
  writer->has_begun_ = true;
  return writer;
}

DiskWriter::DiskWriter(const Options& options, DiskDirectory directory,
                       std::unique_ptr<LogStore> store, Deliver deliver)
    : options_(options),
      directory_(std::move(directory)),
      store_(std::move(store)),
      log_(*store_, clock_,
           {.sync = options.sync.when == DiskSync::When::kTurn,
            .has_lost = directory_.has_lost(),
            .seed = options.seed,
            .reactors = options.reactors}),
      deliver_(std::move(deliver)),
      answers_(options.reactors) {
  batch_.reserve(kRequestsPerBatch);  // What is taken from the inbox must not get lost.
}

DiskWriter::~DiskWriter() {
  stop();
}

void DiskWriter::start() {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "disk");
}

void DiskWriter::stop() {
  if (std::exchange(has_stopped_, true)) {
    return;
  }
  if (thread_.joinable()) {
    is_stopping_.store(true, std::memory_order_release);
    std::vector<DiskRequest> wake(1);
    wake[0].kind = DiskRequest::Kind::kWake;
    inbox_.post(std::move(wake));
    thread_.join();
  }
  log_.sync();
  if (!has_begun_ || !log_.is_up() || log_.has_unsynced()) {
    return;  // The state stays as of one that was killed, which is what it amounts to.
  }
  store_.reset();
  if (const auto done = directory_.end(); !done) {
    log::warning("engine.disk: {}", done.error());
  }
}

void DiskWriter::run() {
  TimePoint next_sync = TimePoint::max();
  bool is_over = false;
  while (!is_over) {
    wait(next_sync);
    // Read before the inbox: what was posted before the stop is in it.
    is_over = is_stopping_.load(std::memory_order_acquire);
    while (true) {
      batch_.clear();
      inbox_.take(kRequestsPerBatch,
                  [this](DiskRequest&& request) { batch_.push_back(std::move(request)); });
      const TimePoint now = clock_.monotonic();
      busy_since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
      log_.retry(now);
      std::size_t work = 0;
      std::size_t done = 0;
      for (std::size_t i = 0; i < batch_.size(); ++i) {
        work += batch_[i].kind == DiskRequest::Kind::kOpen ? kOpening : 1;
        if (work >= kRequestsPerBatch || i + 1 == batch_.size()) {
          carry_out(std::span(batch_).subspan(done, i + 1 - done));
          done = i + 1;
          work = 0;
        }
      }
      if (options_.sync.when == DiskSync::When::kPeriod) {
        if (now >= next_sync) {
          log_.sync();
          next_sync = TimePoint::max();
        } else if (log_.has_unsynced() && next_sync == TimePoint::max()) {
          next_sync = now + options_.sync.period;
        }
      }
      is_up_.store(log_.is_up(), std::memory_order_relaxed);
      busy_since_.store(Duration::max().count(), std::memory_order_relaxed);
      if (batch_.size() < kRequestsPerBatch) {
        break;
      }
    }
  }
}

void DiskWriter::carry_out(std::span<DiskRequest> requests) {
  busy_since_.store(clock_.monotonic().time_since_epoch().count(), std::memory_order_relaxed);
  for (bool is_done = false; !is_done;) {
    try {
      log_.carry_out(requests, answers_);
      is_done = true;
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kMemoryWait);  // Nothing has happened yet.
    }
  }
  deliver_all();
}

void DiskWriter::wait(TimePoint next_sync) {
  const TimePoint until = std::min(next_sync, log_.retry_at());
  int timeout = -1;
  if (until != TimePoint::max()) {
    const Duration left = std::max(until - clock_.monotonic(), Duration::zero());
    timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }
  // The wake-up of a stop may have been taken with requests that came before it, after the stop had
  // been looked for: nobody would wake us again.
  if (!is_stopping_.load(std::memory_order_acquire) && inbox_.prepare_sleep()) {
    pollfd waiting{.fd = inbox_.wake_fd(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, timeout) > 0) {
      inbox_.clear_wake();
    }
  }
  inbox_.awake();
}

void DiskWriter::deliver_all() {
  for (std::size_t reactor = 0; reactor < answers_.size(); ++reactor) {
    while (!answers_[reactor].empty()) {
      try {
        deliver_(static_cast<std::uint16_t>(reactor), answers_[reactor]);
        answers_[reactor].clear();
      } catch (const std::bad_alloc&) {
        // Somebody waits for them: they may come late, but not never.
        std::this_thread::sleep_for(kMemoryWait);
      }
    }
  }
}

}  // namespace wspush::engine
