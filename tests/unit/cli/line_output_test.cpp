#include "cli/line_output.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/unique_fd.hpp"

namespace wspush::cli {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::pipe(fds.data()), 0);
    reader.reset(fds[0]);
    writer.reset(fds[1]);
  }

  std::string read(std::size_t bytes_max = 1 << 20) const {
    std::string bytes(bytes_max, '\0');
    const ssize_t got = ::read(reader.get(), bytes.data(), bytes.size());
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }

  UniqueFd reader;
  UniqueFd writer;
};

TEST(LineOutput, NeverWaitsForASlowReaderAndLosesNothing) {
  const Pipe pipe;
  LineOutput output(pipe.writer.get());
  std::string all;
  for (int i = 0; i < 50000; ++i) {
    all += "line " + std::to_string(i) + "\n";
  }
  output.append(all);
  std::string read;
  // The pipe blocks: this would hang if a write ever did not fit.
  while (read.size() < all.size()) {
    ASSERT_EQ(output.flush(), LineOutput::Status::kOk);
    ASSERT_EQ(output.empty(),
              read.size() + output.waiting_bytes() < all.size() && output.waiting_bytes() == 0);
    read += pipe.read(1000);
  }
  EXPECT_EQ(read, all);
  EXPECT_TRUE(output.empty());
}

TEST(LineOutput, TellsThatNobodyReadsAnyMore) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  LineOutput output(pipe.writer.get());
  pipe.reader.reset();
  output.append("x\n");
  EXPECT_EQ(output.flush(), LineOutput::Status::kClosed);
}

TEST(LineOutput, TellsWhyItCannotWrite) {
  const UniqueFd full(::open("/dev/full", O_WRONLY));
  LineOutput output(full.get());
  output.append("x\n");
  EXPECT_EQ(output.flush(), LineOutput::Status::kFailed);
  EXPECT_EQ(output.error(), ENOSPC);
}

}  // namespace
}  // namespace wspush::cli
