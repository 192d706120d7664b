#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "wspush/base/clock.hpp"
#include "wspush/base/random.hpp"

#include "base/limited_log.hpp"
#include "engine/disk_record.hpp"
#include "engine/disk_request.hpp"
#include "engine/kept_revocations.hpp"
#include "engine/known_publishes.hpp"
#include "engine/log_store.hpp"

namespace wspush::engine {

/// Orders the messages of all topics and keeps them in a LogStore: the disk engine without its
/// thread. What it has in memory of a topic is where it stands; messages are in the store, and in
/// the hubs that opened it.
///
/// A batch takes effect whole or not at all. When it cannot be committed, everybody in it is
/// refused, topics stand where they stood, and all are refused until the store is ready again: it
/// is asked once a second. Thread: one at a time; the store's.
class DiskLog {
 public:
  struct Options {
    bool sync = false;  ///< each batch, before it is answered
    /// What was acknowledged may be missing, so no epoch may go on.
    bool has_lost = false;
    std::uint64_t seed = 0;
    std::uint64_t remembered_max = 1'000'000;  ///< freed topics, about 100 bytes of disk each
    std::uint16_t reactors = 1;
  };
  /// Messages that the hub has dropped before they are removed here, and their bytes: one removal
  /// for many, for a few kilobytes of disk a topic.
  static constexpr std::uint64_t kStaleMessagesMax = 64;
  static constexpr std::uint64_t kStaleBytesMax = 256 * 1024;
  /// Names of one kFound, and records looked at for them.
  static constexpr std::size_t kFoundMax = 256;
  static constexpr std::size_t kLookedAtMax = 4096;
  static constexpr Duration kRetryInterval = std::chrono::seconds(1);

  /// `store` and `clock` outlive it.
  DiskLog(LogStore& store, const Clock& clock, const Options& options);

  /// Reads where the store stands, or begins. Before anything else.
  Result<void, std::string> start();

  /// Those that are in force. Before the first batch.
  std::vector<Revocation> revocations() const { return revocations_.all(); }

  /// Of the last minutes, oldest first. Before the first batch, once.
  std::vector<KnownPublish> take_known_publishes() { return known_publishes_.take(); }

  /// Carries out `requests`, which are used up, as one batch. `answers` is by reactor; adds to it.
  /// Throws bad_alloc before it has done anything, or not at all.
  void carry_out(std::span<DiskRequest> requests, std::vector<DiskAnswers>& answers);

  /// Forces to the disk what was committed since the last time.
  void sync();
  bool has_unsynced() const { return has_unsynced_; }

  /// False from an error of the store on, until it takes batches again.
  bool is_up() const { return is_up_; }
  /// When it is to be asked again, `retry` then; TimePoint::max() while it is up.
  TimePoint retry_at() const { return retry_at_; }
  void retry(TimePoint now);

 private:
  struct Topic {
    std::string name;
    std::uint64_t log = 0;    ///< 0: nothing is kept
    std::uint64_t stale = 0;  ///< a refused log, to be removed with the next batch; 0: none
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    std::uint64_t closed_at = 0;   ///< place of its record among the freed ones; 0: not there
    std::uint64_t bytes = 0;       ///< published since messages were last removed
    std::uint64_t touched_in = 0;  ///< the batch that changed it last
    std::uint32_t epoch = 0;
    bool is_recorded = false;  ///< the store has a record of it, true or not
    bool is_current = false;   ///< and it is true
  };
  using Topics = std::unordered_map<const TopicPosition*, Topic>;

  std::uint32_t first_epoch(ByteView name) const;
  std::uint32_t other_epoch(std::uint32_t epoch);
  void open(const DiskRequest& request, DiskAnswers& answers);
  bool read_topic(Topic& topic, std::vector<hub::MessageRef>& kept);
  bool read_messages(Topic& topic, std::vector<hub::MessageRef>& kept);
  void publish(DiskRequest& request, DiskAnswers& answers);
  void clear(const DiskRequest& request, DiskAnswers& answers);
  void revoke(const DiskRequest& request, DiskAnswers& answers);
  void close(const DiskRequest& request);
  void find_more(DiskAnswers& answers);

  void make_room(std::span<const DiskRequest> requests, std::vector<DiskAnswers>& answers);
  void carry_out_one(DiskRequest& request, DiskAnswers& answers);
  void fail_one(DiskRequest& request, DiskAnswers& answers);
  Topic* find(const TopicPosition* position);
  Topic* take_up(const DiskRequest& request, DiskAnswer& answer, DiskAnswers& answers);
  void touch(const TopicPosition* position, Topic& topic);
  void put_record(Topic& topic, bool is_closed);
  void remove_refused(std::uint64_t log, std::uint64_t first);
  void remove_messages(const Topic& topic, std::uint64_t end);
  void drop_stale(Topic& topic, std::uint64_t first);
  void forget_oldest();
  void finish_batch(std::vector<DiskAnswers>& answers);
  Result<void, std::string> commit();
  void undo(std::vector<DiskAnswers>& answers);
  void fail(const std::string& error);

  LogStore& store_;
  const Clock& clock_;
  const Options options_;
  SplitMix64 random_;
  StoreRecord counters_;
  Topics topics_;
  KeptRevocations revocations_;
  KnownPublishes known_publishes_;
  std::string found_at_;  ///< where the search for names goes on; empty: it is over
  std::string value_;     ///< scratch

  // The batch at hand.
  std::vector<std::pair<const TopicPosition*, Topic>> touched_;  ///< as they stood before
  StoreRecord counters_before_;
  std::vector<std::size_t> answered_;  ///< by reactor: answers of earlier batches
  std::uint64_t batch_ = 1;
  std::chrono::microseconds wall_of_zero_{};  ///< Unix time when the monotonic clock was 0
  bool has_changes_ = false;
  bool has_closed_ = false;
  bool must_sync_ = false;   ///< whatever the options say
  bool has_failed_ = false;  ///< memory ran out: a request is in it by half

  bool has_unsynced_ = false;
  bool is_up_ = true;
  TimePoint retry_at_ = TimePoint::max();
  log::LimitedLog error_log_;
  log::LimitedLog read_log_;
};

}  // namespace wspush::engine
