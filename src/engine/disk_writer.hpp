#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/base/result.hpp"

#include "engine/disk_directory.hpp"
#include "engine/disk_log.hpp"
#include "engine/disk_request.hpp"
#include "engine/log_store.hpp"
#include "net/mailbox.hpp"

namespace wspush::engine {

/// When what was written is forced to the disk.
struct DiskSync {
  enum class When : std::uint8_t { kTurn, kPeriod, kNever };
  When when = When::kPeriod;
  std::chrono::milliseconds period{1000};
};

/// The one thread that touches the disk, for all reactors: what they asked for meanwhile is one
/// batch, one write and, where it has to be, one sync.
class DiskWriter {
 public:
  struct Options {
    std::string path;
    DiskSync sync;
    std::uint16_t reactors = 1;
    std::uint64_t seed = 0;
  };
  /// Gives a reactor its answers; they are its own when it returns, and untouched when it throws.
  /// Called by the writer's thread.
  using Deliver = std::function<void(std::uint16_t reactor, DiskAnswers& answers)>;

  /// A disk that has not answered for so long may never do so.
  static constexpr Duration kPatience = std::chrono::seconds(2);

  /// Opens the directory and the store. Errors: what is wrong, with the path and what to do.
  static Result<std::unique_ptr<DiskWriter>, std::string> open(const Options& options,
                                                               Deliver deliver);
  /// Ends the thread if `stop` was not called.
  ~DiskWriter();

  /// What an earlier life was told and has not expired. Before `start`.
  std::vector<Revocation> revocations() const { return log_.revocations(); }

  /// The publishes of the last minutes that carried an idempotency key, oldest first. Before
  /// `start`, once.
  std::vector<KnownPublish> take_known_publishes() { return log_.take_known_publishes(); }

  /// Starts the thread.
  void start();
  /// Carries out what was posted, forces it to the disk and ends the thread. No reactor posts any
  /// more; answers are still delivered.
  void stop();

  /// Thread: any; the requests of one reactor keep their order. If it throws (bad_alloc) they are
  /// untouched and not sent.
  void post(std::vector<DiskRequest>&& requests) { inbox_.post(std::move(requests)); }
  /// False: publishes are refused, for the last batch could not be written, or one has been at it
  /// for longer than kPatience. Thread: any.
  bool is_up(TimePoint now) const {
    return is_up_.load(std::memory_order_relaxed) &&
           now - TimePoint(Duration(busy_since_.load(std::memory_order_relaxed))) < kPatience;
  }

  /// Requests of one batch, one that reads a topic counts as kOpening of them: so a publish that
  /// comes meanwhile waits for some ten milliseconds of reading.
  static constexpr std::size_t kRequestsPerBatch = 16 * 1024;

 private:
  static constexpr std::size_t kOpening = 64;

  DiskWriter(const Options& options, DiskDirectory directory, std::unique_ptr<LogStore> store,
             Deliver deliver);
  void run();
  void carry_out(std::span<DiskRequest> requests);
  void wait(TimePoint next_sync);
  void deliver_all();

  const Options options_;
  SystemClock clock_;
  DiskDirectory directory_;
  std::unique_ptr<LogStore> store_;
  DiskLog log_;
  Deliver deliver_;
  net::Mailbox<DiskRequest> inbox_;
  std::vector<DiskRequest> batch_;
  std::vector<DiskAnswers> answers_;  ///< by reactor
  std::atomic<bool> is_up_{true};
  /// Since when the disk is at work, as a TimePoint; the far future: it is not.
  std::atomic<Duration::rep> busy_since_{Duration::max().count()};
  std::atomic<bool> is_stopping_{false};
  bool has_begun_ = false;  ///< the directory says that it is in use
  bool has_stopped_ = false;
  std::thread thread_;
};

}  // namespace wspush::engine
