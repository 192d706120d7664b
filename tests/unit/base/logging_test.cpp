#include "base/logging.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <stdlib.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "base/unique_fd.hpp"

namespace wspush::log {
namespace {

using std::chrono::steady_clock;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

/// Puts one end of a pipe (or a socket) in the place of stderr while it lives.
class StderrCapture {
 public:
  explicit StderrCapture(bool is_socket = false) : saved_(dup(STDERR_FILENO)) {
    int ends[2];
    EXPECT_EQ(is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
    reader_.reset(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
  }
  ~StderrCapture() { restore(); }

  void restore() {
    if (saved_) {
      dup2(saved_.get(), STDERR_FILENO);
      saved_.reset();
    }
  }
  void close_reader() { reader_.reset(); }
  /// Bytes that wait to be read.
  int waiting_bytes() const {
    int bytes = 0;
    EXPECT_EQ(ioctl(reader_.get(), FIONREAD, &bytes), 0);
    return bytes;
  }

  /// The next line without its end; empty when none comes in 10 s.
  std::string read_line() {
    for (;;) {
      const auto end = buffer_.find('\n');
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      pollfd wanted{reader_.get(), POLLIN, 0};
      char bytes[4096];
      const ssize_t count =
          poll(&wanted, 1, 10'000) > 0 ? read(reader_.get(), bytes, sizeof bytes) : 0;
      if (count <= 0) {
        return {};
      }
      buffer_.append(bytes, static_cast<std::size_t>(count));
    }
  }

 private:
  UniqueFd saved_;
  UniqueFd reader_;
  std::string buffer_;
};

class Logging : public testing::Test {
 protected:
  Logging() {
    unsetenv("JOURNAL_STREAM");
    char name[] = "/tmp/wspush-log-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~Logging() override {
    stop();
    unsetenv("JOURNAL_STREAM");
    set_level(Level::kInfo);
    std::filesystem::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::vector<std::string> lines_of(const std::string& file) {
    std::vector<std::string> lines;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      lines.push_back(line);
    }
    return lines;
  }

  std::filesystem::path folder_;
};

TEST_F(Logging, WritesToStderrBeforeTheStartWhileItRunsAndAfterTheEnd) {
  StderrCapture capture;
  info("before {}", 1);
  EXPECT_THAT(capture.read_line(), EndsWith("Z info before 1"));
  ASSERT_EQ(start({}), "");
  warning("while {}", 2);
  EXPECT_THAT(capture.read_line(), EndsWith("Z warning while 2"));
  stop();
  error("after {}", 3);
  EXPECT_THAT(capture.read_line(), EndsWith("Z error after 3"));
}

TEST_F(Logging, HoldsNothingBackForAFlush) {
  StderrCapture capture;
  ASSERT_EQ(start({}), "");
  for (int i = 0; i < 50; ++i) {
    info("line {}", i);
    EXPECT_THAT(capture.read_line(), EndsWith("line " + std::to_string(i)));
  }
}

TEST_F(Logging, WritesToASocketAsTheJournalGivesIt) {
  StderrCapture capture(true);
  setenv("JOURNAL_STREAM", "8:12345", 1);
  ASSERT_EQ(start({}), "");
  info("one");
  warning("two");
  EXPECT_EQ(capture.read_line(), "<6>info one");
  EXPECT_EQ(capture.read_line(), "<4>warning two");
}

TEST_F(Logging, GivesNoPriorityToAFile) {
  setenv("JOURNAL_STREAM", "8:12345", 1);
  ASSERT_EQ(start({.file = path("log")}), "");
  info("one");
  stop();
  EXPECT_THAT(lines_of(path("log")).at(0), StartsWith("20"));
}

TEST_F(Logging, WritesOneJsonObjectALine) {
  ASSERT_EQ(start({.format = Format::kJson, .file = path("log")}), "");
  info("a \"quoted\"\nword");
  stop();
  const auto lines = lines_of(path("log"));
  ASSERT_EQ(lines.size(), 1U);
  const auto object = parse_json_object(lines[0]);
  ASSERT_TRUE(object);
  std::string scratch;
  EXPECT_EQ(object->find("level")->string(scratch), "info");
  EXPECT_EQ(object->find("message")->string(scratch), "a \"quoted\"\nword");
}

TEST_F(Logging, KeepsToItsLevel) {
  ASSERT_EQ(start({.level = Level::kWarning, .file = path("log")}), "");
  EXPECT_FALSE(is_enabled(Level::kInfo));
  info("no");
  warning("yes 1");
  set_level(Level::kDebug);
  debug("yes 2");
  write(Level::kTrace, "no");
  set_level(Level::kOff);
  error("no");
  EXPECT_FALSE(is_enabled(Level::kOff));
  stop();
  const auto lines = lines_of(path("log"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], EndsWith("warning yes 1"));
  EXPECT_THAT(lines[1], EndsWith("debug yes 2"));
}

TEST_F(Logging, SaysWhyAFileCannotBeOpened) {
  EXPECT_EQ(start({.file = path("no/such/log")}),
            "open " + path("no/such/log") + ": No such file or directory");
  EXPECT_EQ(start({.file = folder_.string()}), "open " + folder_.string() + ": Is a directory");
}

TEST_F(Logging, AppendsToTheFileWithoutShowingItToOthers) {
  std::ofstream(path("old")) << "kept\n";
  ASSERT_EQ(start({.file = path("old")}), "");
  info("added");
  stop();
  EXPECT_THAT(lines_of(path("old")), testing::ElementsAre("kept", EndsWith("info added")));
  ASSERT_EQ(start({.file = path("new")}), "");
  stop();
  struct stat status {};
  ASSERT_EQ(stat(path("new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007, 0U);
}

TEST_F(Logging, OpensARotatedFileAgain) {
  ASSERT_EQ(start({.file = path("log")}), "");
  info("first");
  reopen();  // still the same file: nothing is lost or written twice
  info("second");
  // The writer works in order: once a later line is there, so are these.
  while (lines_of(path("log")).size() < 2) {
    std::this_thread::yield();
  }
  std::filesystem::rename(path("log"), path("log.1"));
  reopen();
  info("third");
  stop();
  EXPECT_THAT(lines_of(path("log.1")), testing::ElementsAre(EndsWith("first"), EndsWith("second")));
  EXPECT_THAT(lines_of(path("log")), testing::ElementsAre(EndsWith("third")));
}

TEST_F(Logging, KeepsTheOldFileWhenItCannotBeOpenedAgain) {
  std::filesystem::create_directory(path("folder"));
  ASSERT_EQ(start({.file = path("folder/log")}), "");
  info("first");
  while (lines_of(path("folder/log")).empty()) {
    std::this_thread::yield();
  }
  std::filesystem::rename(path("folder"), path("moved"));
  reopen();
  info("second");
  stop();
  EXPECT_THAT(
      lines_of(path("moved/log")),
      testing::ElementsAre(EndsWith("first"), HasSubstr("error log: open "), EndsWith("second")));
}

TEST_F(Logging, ReopensNothingWhereThereIsNoFile) {
  reopen();
  StderrCapture capture;
  ASSERT_EQ(start({}), "");
  reopen();
  info("still here");
  EXPECT_THAT(capture.read_line(), EndsWith("still here"));
}

TEST_F(Logging, CountsLinesThatAFullDiskRefuses) {
  ASSERT_EQ(start({.file = "/dev/full"}), "");
  const std::uint64_t before = dropped_lines();
  for (int i = 0; i < 100; ++i) {
    info("line {}", i);
  }
  stop();
  EXPECT_EQ(dropped_lines() - before, 100U);
}

TEST_F(Logging, CountsLinesWhoseReaderIsGone) {
  signal(SIGPIPE, SIG_DFL);  // as it is in a process that has not asked for anything else
  StderrCapture capture;
  ASSERT_EQ(start({}), "");
  capture.close_reader();
  const std::uint64_t before = dropped_lines();
  info("one");
  info("two");
  stop();
  EXPECT_EQ(dropped_lines() - before, 2U);
}

TEST_F(Logging, NeitherWaitsForABlockedPipeNorForgetsWhatItCost) {
  constexpr std::uint64_t kLines = 30'000;
  StderrCapture capture;
  ASSERT_EQ(start({}), "");
  const std::uint64_t before = dropped_lines();
  const auto begin = steady_clock::now();
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([] {
      for (std::uint64_t i = 0; i < kLines / 2; ++i) {
        info("a line that nobody reads, number {}", i);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  // Nobody reads: had a caller waited, it would still do so. What did not fit was overrun.
  EXPECT_GT(dropped_lines() - before, kLines / 2);
  const auto stop_begin = steady_clock::now();
  stop();
  EXPECT_LT(steady_clock::now() - stop_begin, kStopPeriod + std::chrono::seconds(4));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(60));
  capture.restore();

  // Each line was either taken by the pipe or counted, and nothing comes after the end: the writer
  // was not left behind in a write.
  const std::uint64_t dropped = dropped_lines() - before;
  const int waiting_bytes = capture.waiting_bytes();
  int taken_bytes = 0;
  std::uint64_t taken = 0;
  for (std::string line = capture.read_line(); !line.empty(); line = capture.read_line()) {
    taken += 1;
    taken_bytes += static_cast<int>(line.size()) + 1;
  }
  EXPECT_EQ(taken_bytes, waiting_bytes);
  EXPECT_EQ(taken + dropped, kLines);
}

TEST_F(Logging, LosesNoLineOfManyThreadsWhileTheTargetTakesThem) {
  ASSERT_EQ(start({.file = path("log")}), "");
  const std::uint64_t before = dropped_lines();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) {
        info("thread {} line {}", t, i);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  stop();
  EXPECT_EQ(dropped_lines(), before);
  std::vector<int> next(4);
  const auto lines = lines_of(path("log"));
  EXPECT_EQ(lines.size(), 2000U);
  for (const std::string& line : lines) {
    int thread = -1;
    int number = -1;
    ASSERT_EQ(
        std::sscanf(line.c_str() + line.find("thread"), "thread %d line %d", &thread, &number), 2);
    EXPECT_EQ(number, next.at(static_cast<std::size_t>(thread))++);
  }
}

TEST_F(Logging, EndsTheLineThatAFullDiskCut) {
  rlimit unlimited{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  ASSERT_EQ(start({.file = path("log")}), "");
  const std::uint64_t before = dropped_lines();
  // The third line finds room for half of itself, as on a disk that fills up.
  const std::size_t line_bytes = std::string("2026-05-01T12:34:56.007Z info ").size() + 101;
  rlimit limited = unlimited;
  limited.rlim_cur = 2 * line_bytes + line_bytes / 2;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  for (int i = 0; i < 4; ++i) {
    info("{}", std::string(100, 'x'));
  }
  while (dropped_lines() - before < 2) {
    std::this_thread::yield();
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  info("after");
  stop();
  EXPECT_EQ(dropped_lines() - before, 2U);
  const auto lines = lines_of(path("log"));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1].size(), line_bytes - 1);
  EXPECT_EQ(lines[2].size(), line_bytes / 2);
  EXPECT_THAT(lines[3], MatchesRegex("20.*Z info after"));
}

}  // namespace
}  // namespace wspush::log
