#include "base/name_table.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

namespace wspush {
namespace {

/// Records with names, as the hub's topics are.
struct Records {
  std::vector<std::string> names;
  auto name_of() const {
    return [this](std::uint32_t index) { return ByteView(names[index]); };
  }
};

TEST(NameTable, FindsNamesAndMissesOthers) {
  Records records{{"news", "news.sport", ""}};
  NameTable table(SipKey{1, 2}, records.name_of());
  EXPECT_EQ(table.find("news"), std::nullopt);
  EXPECT_EQ(table.erase("news"), std::nullopt);
  for (std::uint32_t i = 0; i < 3; ++i) {
    table.insert(records.names[i], i);
  }
  EXPECT_EQ(table.find("news"), 0U);
  EXPECT_EQ(table.find("news.sport"), 1U);
  EXPECT_EQ(table.find(""), 2U);
  EXPECT_EQ(table.find("news."), std::nullopt);
  EXPECT_EQ(table.erase("news"), 0U);
  EXPECT_EQ(table.erase("news"), std::nullopt);
  EXPECT_EQ(table.find("news"), std::nullopt);
  EXPECT_EQ(table.find("news.sport"), 1U);
  EXPECT_EQ(table.size(), 2U);
}

TEST(NameTable, BehavesAsAMapUnderRandomChurn) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SplitMix64 random(seed);
    Records records;
    for (int i = 0; i < 600; ++i) {
      records.names.push_back("topic." + std::to_string(i));
    }
    NameTable table(SipKey::from(random), records.name_of());
    std::unordered_map<std::string, std::uint32_t> model;
    for (int step = 0; step < 6000; ++step) {
      const auto index = static_cast<std::uint32_t>(random.below(records.names.size()));
      const std::string& name = records.names[index];
      const bool grows = step % 3000 < 1500;
      if (random.below(10) < (grows ? 7U : 3U)) {
        if (model.emplace(name, index).second) {
          table.insert(name, index);
        }
      } else {
        const bool was_there = model.erase(name) == 1;
        ASSERT_EQ(table.erase(name), was_there ? std::optional(index) : std::nullopt)
            << "seed " << seed << " step " << step;
      }
      ASSERT_EQ(table.size(), model.size());
      if (step % 97 == 0) {
        for (const std::string& each : records.names) {
          const auto found = model.find(each);
          ASSERT_EQ(table.find(each),
                    found == model.end() ? std::nullopt : std::optional(found->second))
              << "seed " << seed << " step " << step;
        }
      }
    }
  }
}

TEST(NameTable, StaysWithinSixteenBytesAnEntry) {
  Records records;
  NameTable table(SipKey{3, 4}, records.name_of());
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    records.names.push_back(std::to_string(i));
    table.insert(records.names.back(), i);
    if (i >= 100) {
      ASSERT_LE(table.bytes(), 16 * table.size()) << i;
    }
  }
  for (std::uint32_t i = 0; i < 200'000; i += 7) {
    ASSERT_EQ(table.find(records.names[i]), i);
  }
}

TEST(NameTable, DoesNotGrowUnderChurn) {
  Records records;
  for (int i = 0; i < 1000; ++i) {
    records.names.push_back(std::to_string(i));
  }
  NameTable table(SipKey{5, 6}, records.name_of());
  for (std::uint32_t i = 0; i < 500; ++i) {
    table.insert(records.names[i], i);
  }
  const std::size_t bytes = table.bytes();
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    table.erase(records.names[i % 1000]);
    const std::uint32_t next = (i + 500) % 1000;
    table.insert(records.names[next], next);
  }
  EXPECT_EQ(table.size(), 500U);
  EXPECT_EQ(table.bytes(), bytes);
}

}  // namespace
}  // namespace wspush
