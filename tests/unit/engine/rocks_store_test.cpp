#include "engine/rocks_store.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/mount.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/engine/temporary_directory.hpp"

namespace wspush::engine {
namespace {

using test::read_text;
using test::TemporaryDirectory;
using test::write_text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::unique_ptr<RocksStore> open_store(const std::string& path) {
  auto store = RocksStore::open(path);
  EXPECT_TRUE(store) << store.error();
  return store ? std::move(*store) : nullptr;
}

std::vector<std::string> keys_of(RocksStore& store, ByteView begin, ByteView end,
                                 std::size_t count_max = SIZE_MAX) {
  std::vector<std::string> keys;
  EXPECT_TRUE(store.scan(begin, end, [&](ByteView key, ByteView /*value*/) {
    keys.emplace_back(key);
    return keys.size() < count_max;
  }));
  return keys;
}

/// The value of `key`; "-" if there is none.
std::string value_of(RocksStore& store, ByteView key) {
  const auto value = store.get(key);
  EXPECT_TRUE(value);
  return value && *value ? **value : "-";
}

TEST(RocksStore, ABatchTakesEffectWithItsCommit) {
  const TemporaryDirectory at;
  const auto store = open_store(at / "store");
  store->put("a", "1");
  store->put("b", "2");
  EXPECT_EQ(value_of(*store, "a"), "-");
  ASSERT_TRUE(store->commit(false));
  EXPECT_EQ(value_of(*store, "a"), "1");
  store->remove("a");
  store->put("c", "");
  ASSERT_TRUE(store->commit(true));
  ASSERT_TRUE(store->sync());
  EXPECT_EQ(value_of(*store, "a"), "-");
  EXPECT_EQ(value_of(*store, "c"), "");
}

TEST(RocksStore, ABatchThatWasDiscardedIsNotInTheNextOne) {
  const TemporaryDirectory at;
  const auto store = open_store(at / "store");
  store->put("a", "1");
  store->discard();
  store->put("b", "2");
  ASSERT_TRUE(store->commit(false));
  EXPECT_THAT(keys_of(*store, "a", "z"), ElementsAre("b"));
}

TEST(RocksStore, ScansInOrderFromBeginToEndUntilItIsTold) {
  const TemporaryDirectory at;
  const auto store = open_store(at / "store");
  for (const char* key : {"d", "a", "c", "b", "\xff"}) {
    store->put(key, "");
  }
  ASSERT_TRUE(store->commit(false));
  EXPECT_THAT(keys_of(*store, "b", "d"), ElementsAre("b", "c"));
  EXPECT_THAT(keys_of(*store, "a", "z", 2), ElementsAre("a", "b"));
  store->remove_range("b", "d");
  ASSERT_TRUE(store->commit(false));
  EXPECT_THAT(keys_of(*store, "a", "z"), ElementsAre("a", "d"));
}

TEST(RocksStore, HasWhatWasCommittedWhenItIsOpenedAgain) {
  const TemporaryDirectory at;
  {
    const auto store = open_store(at / "store");
    store->put("a", std::string(100'000, 'x'));
    ASSERT_TRUE(store->commit(false));
    store->put("b", "never committed");
  }
  const auto store = open_store(at / "store");
  EXPECT_EQ(value_of(*store, "a").size(), 100'000U);
  EXPECT_EQ(value_of(*store, "b"), "-");
}

/// The only file in `directory` that ends with `ending` and is not empty.
std::string find_file(const std::string& directory, const std::string& ending) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().string().ends_with(ending) && entry.file_size() > 0) {
      return entry.path().string();
    }
  }
  ADD_FAILURE() << "no " << ending;
  return {};
}

TEST(RocksStore, ATornTailIsCutAtTheLastWholeBatch) {
  const TemporaryDirectory at;
  constexpr int kBatches = 20;
  std::vector<std::uintmax_t> sizes;  // of the log, after each batch
  const std::string killed = at / "killed";
  {
    const auto store = open_store(at / "store");
    for (int i = 0; i < kBatches; ++i) {
      const std::string number = std::to_string(10 + i);
      store->put("a" + number, std::string(static_cast<std::size_t>(i) * 7, 'x'));
      store->put("b" + number, number);
      ASSERT_TRUE(store->commit(false));
      sizes.push_back(fs::file_size(find_file(at / "store", ".log")));
    }
    fs::copy(at / "store", killed, fs::copy_options::recursive);  // What kill -9 leaves.
  }
  const std::string whole = read_text(find_file(killed, ".log"));
  ASSERT_EQ(whole.size(), sizes.back());
  for (std::size_t size = 1; size < whole.size(); size += 61) {
    const std::string copy = at / "copy";
    fs::remove_all(copy);
    fs::copy(killed, copy, fs::copy_options::recursive);
    const std::string log = find_file(copy, ".log");
    write_text(log, whole.substr(0, size));
    std::size_t expected = 0;
    while (expected < sizes.size() && sizes[expected] <= size) {
      ++expected;
    }
    const auto store = open_store(copy);
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(keys_of(*store, "a", "b").size(), expected) << size;
    EXPECT_EQ(keys_of(*store, "b", "c").size(), expected) << size;
    // And it goes on.
    store->put("z", "");
    EXPECT_TRUE(store->commit(true));
  }
}

TEST(RocksStore, SaysWhyItCannotBeOpened) {
  const TemporaryDirectory at;
  write_text(at / "file", "");
  const auto store = RocksStore::open(at / "file");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error(), "");
  const auto first = open_store(at / "store");
  EXPECT_FALSE(RocksStore::open(at / "store"));
}

/// A file system in memory; empty where none can be mounted.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    fs::create_directories(path_);
    is_mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, "size=40m") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_mounted_) {
      ::umount2(path_.c_str(), MNT_DETACH);
    }
  }
  bool is_mounted() const { return is_mounted_; }
  void fill() const {
    std::ofstream file(path_ + "/filler", std::ios::binary);
    const std::string block(1 << 16, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { fs::remove(path_ + "/filler"); }

 private:
  std::string path_;
  bool is_mounted_ = false;
};

TEST(RocksStore, ComesBackFromTheEndOfTheDisk) {
  const TemporaryDirectory at;
  const SmallDisk disk(at / "disk");
  if (!disk.is_mounted()) {
    GTEST_SKIP() << "no file system can be mounted here";
  }
  for (const bool sync : {true, false}) {
    auto opened = RocksStore::open(at / "disk/store", 0);  // No reserve: it runs into the end.
    ASSERT_TRUE(opened) << opened.error();
    RocksStore& store = **opened;
    disk.fill();
    std::size_t written = 0;
    const auto write = [&] {
      store.put("k" + std::to_string(100'000 + written), std::string(50'000, 'x'));
      return store.commit(sync);
    };
    Result<void, std::string> done;
    while (written < 1000 && (done = write())) {
      ++written;
    }
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error(), HasSubstr("No space left on device"));
    EXPECT_FALSE(store.recover());
    EXPECT_EQ(keys_of(store, "k", "l").size(), written) << "what is there can be read meanwhile";
    disk.make_room();
    const auto recovered = store.recover();
    ASSERT_TRUE(recovered) << recovered.error();
    EXPECT_EQ(keys_of(store, "k", "l").size(), written);
    ASSERT_TRUE(write());
    ASSERT_TRUE(store.sync());
    store.remove_range("k", "l");
    ASSERT_TRUE(store.commit(sync));
  }
}

TEST(RocksStore, LeavesAReserveAlone) {
  const TemporaryDirectory at;
  const std::uint64_t available = fs::space(at.path()).available;
  const std::uint64_t too_much = available * 2;
  const auto none = RocksStore::open(at / "store", too_much);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), HasSubstr("No space left on device"));
}

TEST(RocksStore, RecoversWhenNothingIsWrong) {
  const TemporaryDirectory at;
  const auto store = open_store(at / "store");
  EXPECT_TRUE(store->recover());
  store->put("a", "1");
  EXPECT_TRUE(store->commit(false));
}

}  // namespace
}  // namespace wspush::engine
