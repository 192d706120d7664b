#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/disk_engine.hpp"
#include "engine/disk_writer.hpp"

namespace wspush::engine::test {

/// A DiskWriter on its thread, and where its answers wait for the test.
class DiskDesk {
 public:
  explicit DiskDesk(const std::string& path, DiskSync sync = {}, std::uint16_t reactors = 1,
                    bool starts = true)
      : answers_(reactors) {
    auto opened = DiskWriter::open({.path = path, .sync = sync, .reactors = reactors, .seed = 11},
                                   [this](std::uint16_t reactor, DiskAnswers& answers) {
                                     const std::lock_guard lock(mutex_);
                                     for (DiskAnswer& answer : answers) {
                                       answers_[reactor].push_back(std::move(answer));
                                     }
                                     changed_.notify_all();
                                   });
    EXPECT_TRUE(opened) << opened.error();
    writer_ = std::move(*opened);
    if (starts) {
      writer_->start();
    }
  }

  DiskWriter& writer() { return *writer_; }
  /// At least one answer, once it is there.
  DiskAnswers await(std::uint16_t reactor = 0) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !answers_[reactor].empty(); });
    return std::exchange(answers_[reactor], {});
  }
  bool has_answers(std::uint16_t reactor = 0) {
    const std::lock_guard lock(mutex_);
    return !answers_[reactor].empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<DiskAnswers> answers_;
  std::unique_ptr<DiskWriter> writer_;  ///< the first to go
};

}  // namespace wspush::engine::test
