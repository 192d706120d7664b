#include "config/file_reader.hpp"

#include "unit/config/load.hpp"

namespace wspush::config {
namespace {

TEST(FileReader, ReadsAFileOfExactlyTheBoundAndNoneLarger) {
  const TemporaryFile file(std::string(100'000, 'x'));
  const auto content = read_file(file.path(), 100'000);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->size(), 100'000U);
  const auto refused = read_file(file.path(), 99'999);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "File too large: allowed are 99999");
}

TEST(FileReader, ReadsEmptyFilesAndDevicesThatEnd) {
  const TemporaryFile file("");
  EXPECT_EQ(*read_file(file.path(), 10), "");
  EXPECT_EQ(*read_file("/dev/null", 10), "");
}

TEST(FileReader, GivesTheReasonOfTheSystem) {
  EXPECT_EQ(read_file("/no/such/file", 10).error(), "No such file or directory");
  EXPECT_EQ(read_file("/", 10).error(), "Is a directory");
  EXPECT_EQ(read_file("/dev/zero", 10).error(), "File too large: allowed are 10");
  const TemporaryFile file("x");
  EXPECT_EQ(read_file(file.path() + "/x", 10).error(), "Not a directory");
}

}  // namespace
}  // namespace wspush::config
