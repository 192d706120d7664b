#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "wspush/base/clock.hpp"

#include "engine/log_store.hpp"

namespace wspush::engine::test {

/// A LogStore in memory that fails when it is told to.
class FakeStore final : public LogStore {
 public:
  enum class Failure {
    kNone,
    kLost,  ///< commits fail and nothing of them is there
    kKept,  ///< commits fail, but what they said is found after a restart
  };

  void put(ByteView key, ByteView value) override {
    batch_.push_back({std::string(key), {}, std::string(value), Kind::kPut});
  }
  void remove(ByteView key) override {
    batch_.push_back({std::string(key), {}, {}, Kind::kRemove});
  }
  void remove_range(ByteView begin, ByteView end) override {
    batch_.push_back({std::string(begin), std::string(end), {}, Kind::kRange});
  }
  void discard() override { batch_.clear(); }
  Result<void, std::string> commit(bool sync) override {
    const std::vector<Change> batch = std::exchange(batch_, {});
    ++commits;
    synced_commits += sync ? 1 : 0;
    if (failure != Failure::kLost) {
      apply(batch, after_restart_);
    }
    if (failure != Failure::kNone) {
      return Unexpected(std::string("no space"));
    }
    apply(batch, entries_);
    return {};
  }
  Result<void, std::string> sync() override {
    ++syncs;
    return failure == Failure::kNone ? Result<void, std::string>()
                                     : Unexpected(std::string("no space"));
  }
  Result<void, std::string> recover() override {
    ++recoveries;
    return sync();
  }
  Result<std::optional<std::string>, std::string> get(ByteView key) override {
    if (cannot_read) {
      return Unexpected(std::string("cannot read"));
    }
    const auto entry = entries_.find(std::string(key));
    return entry == entries_.end() ? std::optional<std::string>()
                                   : std::optional<std::string>(entry->second);
  }
  Result<void, std::string> scan(
      ByteView begin, ByteView end,
      const std::function<bool(ByteView key, ByteView value)>& visit) override {
    if (cannot_read) {
      return Unexpected(std::string("cannot read"));
    }
    for (auto at = entries_.lower_bound(std::string(begin));
         at != entries_.end() && at->first < end; ++at) {
      if (!visit(at->first, at->second)) {
        break;
      }
    }
    return {};
  }

  /// The process was killed: what was committed is there, and perhaps more.
  void restart() {
    batch_.clear();
    entries_ = after_restart_;
  }
  std::size_t count(char kind) const {
    std::size_t count = 0;
    for (const auto& [key, value] : entries_) {
      count += key[0] == kind ? 1U : 0U;
    }
    return count;
  }
  std::map<std::string, std::string>& entries() { return entries_; }

  Failure failure = Failure::kNone;
  bool cannot_read = false;
  int commits = 0;
  int synced_commits = 0;
  int syncs = 0;
  int recoveries = 0;

 private:
  enum class Kind { kPut, kRemove, kRange };
  struct Change {
    std::string key;
    std::string end;
    std::string value;
    Kind kind;
  };
  using Entries = std::map<std::string, std::string>;

  static void apply(const std::vector<Change>& batch, Entries& entries) {
    for (const Change& change : batch) {
      switch (change.kind) {
        case Kind::kPut:
          entries[change.key] = change.value;
          break;
        case Kind::kRemove:
          entries.erase(change.key);
          break;
        case Kind::kRange:
          entries.erase(entries.lower_bound(change.key), entries.lower_bound(change.end));
          break;
      }
    }
  }

  std::vector<Change> batch_;
  Entries entries_;
  Entries after_restart_;  ///< also what failed commits left behind
};

class FakeClock final : public Clock {
 public:
  TimePoint monotonic() const override { return now; }
  WallTime wall() const override { return wall_now; }
  void advance(std::chrono::milliseconds time) {
    now += time;
    wall_now += time;
  }

  TimePoint now{std::chrono::hours(1)};
  WallTime wall_now{std::chrono::hours(480'000)};
};

}  // namespace wspush::engine::test
