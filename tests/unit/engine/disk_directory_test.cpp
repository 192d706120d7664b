#include "engine/disk_directory.hpp"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/engine/temporary_directory.hpp"

namespace wspush::engine {
namespace {

using test::read_text;
using test::TemporaryDirectory;
using test::write_text;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string fault_of(const std::string& path) {
  const auto opened = DiskDirectory::open(path, "boot-1");
  return opened ? "none" : opened.error();
}

/// Somebody used it: `has_ended` cleanly, or not.
void use(const std::string& path, const std::string& boot, bool syncs_each, bool has_ended) {
  auto directory = DiskDirectory::open(path, boot);
  ASSERT_TRUE(directory) << directory.error();
  std::filesystem::create_directories(directory->store_path());
  write_text(directory->store_path() + "/000004.log", "x");
  ASSERT_TRUE(directory->begin(syncs_each));
  if (has_ended) {
    ASSERT_TRUE(directory->end());
  }
}

bool has_lost(const std::string& path, const std::string& boot) {
  const auto directory = DiskDirectory::open(path, boot);
  EXPECT_TRUE(directory);
  return directory && directory->has_lost();
}

TEST(DiskDirectory, BeginsWhereNothingIs) {
  const TemporaryDirectory at;
  EXPECT_FALSE(has_lost(at / "new", "boot-1"));
  EXPECT_EQ(read_text(at / "new/format"), "wspushd disk 1\n");
  EXPECT_EQ(std::filesystem::status(at / "new").permissions(), std::filesystem::perms::owner_all);
}

TEST(DiskDirectory, KnowsWhenTheEndMayBeMissing) {
  struct Case {
    const char* what;
    bool syncs_each;
    bool has_ended;
    const char* next_boot;
    bool has_lost;
  };
  for (const Case& one :
       {Case{"it ended", false, true, "boot-2", false},
        Case{"it was killed", false, false, "boot-1", false},
        Case{"the power went", false, false, "boot-2", true},
        Case{"the power went, but each batch was synced", true, false, "boot-2", false},
        Case{"nobody knows the boot", false, false, "", true}}) {
    const TemporaryDirectory at;
    use(at.path(), "boot-1", one.syncs_each, one.has_ended);
    EXPECT_EQ(has_lost(at.path(), one.next_boot), one.has_lost) << one.what;
  }
}

TEST(DiskDirectory, ABootThatWasNotKnownIsNeverTheSame) {
  const TemporaryDirectory at;
  use(at.path(), "", false, false);
  EXPECT_TRUE(has_lost(at.path(), ""));
}

TEST(DiskDirectory, ACopyWithoutItsStateHasLost) {
  const TemporaryDirectory at;
  use(at.path(), "boot-1", true, true);
  std::filesystem::remove(at / "state");
  EXPECT_TRUE(has_lost(at.path(), "boot-1"));
}

TEST(DiskDirectory, LetsOneProcessInAtATime) {
  const TemporaryDirectory at;
  const auto first = DiskDirectory::open(at.path(), "boot-1");
  ASSERT_TRUE(first);
  EXPECT_THAT(fault_of(at.path()), AllOf(HasSubstr(at.path() + ": another wspushd uses it (pid " +
                                                   std::to_string(::getpid()) + "); stop that one"),
                                         HasSubstr("engine.disk.path")));
}

TEST(DiskDirectory, RefusesAnotherFormat) {
  const TemporaryDirectory at;
  write_text(at / "format", "wspushd disk 2\n");
  EXPECT_THAT(fault_of(at.path()),
              AllOf(HasSubstr(at.path() + ": its format is \"wspushd disk 2\", this version reads "
                                          "\"wspushd disk 1\" only"),
                    HasSubstr("set engine.disk.path to another directory")));
}

TEST(DiskDirectory, RefusesAStoreThatIsNotOurs) {
  const TemporaryDirectory at;
  std::filesystem::create_directories(at / "store");
  EXPECT_THAT(fault_of(at.path()), HasSubstr("its format is \"\""));
}

TEST(DiskDirectory, SaysWhichFileAndWhatToDoWhereItCannotWrite) {
  const TemporaryDirectory at;
  write_text(at / "file", "");
  EXPECT_THAT(fault_of(at / "file"),
              AllOf(HasSubstr(at / "file"), HasSubstr("Not a directory; name a directory, or set "
                                                      "engine.disk.path to another directory")));
  EXPECT_THAT(fault_of(at / "a/b"), AllOf(HasSubstr("No such file or directory; create the "
                                                    "directory above it")));
  std::filesystem::create_directories(at /
                                      "d/lock");  // A file that cannot be written, root or not.
  EXPECT_THAT(fault_of(at / "d"), HasSubstr(at / "d/lock: Is a directory"));
}

TEST(DiskDirectory, TellsBootsApartOnThisSystem) {
  EXPECT_EQ(read_boot_id().size(), 36U);
}

}  // namespace
}  // namespace wspush::engine
