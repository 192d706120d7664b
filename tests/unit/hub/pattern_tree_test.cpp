#include "hub/pattern_tree.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"
#include "wspush/hub/topic_name.hpp"

#include "unit/failing_allocations.hpp"

namespace wspush::hub {
namespace {

std::vector<std::uint32_t> matches(const PatternTree& tree, ByteView topic) {
  std::vector<std::uint32_t> ids;
  tree.match(topic, ids);
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(PatternTree, FindsFiltersByTheirSegments) {
  PatternTree tree({1, 2});
  tree.add("news", 1);
  tree.add("news.*", 2);
  tree.add("news.>", 3);
  tree.add(">", 4);
  tree.add("*.live", 5);
  EXPECT_EQ(matches(tree, "news"), (std::vector<std::uint32_t>{1, 4}));
  EXPECT_EQ(matches(tree, "news.live"), (std::vector<std::uint32_t>{2, 3, 4, 5}));
  EXPECT_EQ(matches(tree, "news.a.b"), (std::vector<std::uint32_t>{3, 4}));
  EXPECT_EQ(matches(tree, "new"), (std::vector<std::uint32_t>{4}));
}

TEST(PatternTree, TakesTheUserOfARuleForAName) {
  PatternTree tree({1, 2});
  tree.add("inbox.{user}", 1);
  EXPECT_TRUE(matches(tree, "inbox.u1").empty());
  EXPECT_EQ(matches(tree, "inbox.{user}"), (std::vector<std::uint32_t>{1}));
  EXPECT_FALSE(filter_fits("inbox.{user}", "inbox.u1"));
}

TEST(PatternTree, LetsGoOfNodesThatNobodyNeeds) {
  PatternTree tree({1, 2});
  tree.add("a.b.c", 1);
  tree.add("a.*.c.>", 2);
  tree.remove("a.b.c", 1);
  tree.remove("a.*.c.>", 2);
  EXPECT_TRUE(tree.is_empty());
  EXPECT_EQ(tree.node_count(), 1U);
}

TEST(PatternTree, WalksTheLongestTopicByPatternsThatAllBranch) {
  // 127 segments; at each of them a way by name and one by `*` lie open.
  std::string topic = "a";
  std::string stars = "*";
  for (int i = 1; i < 127; ++i) {
    topic += ".a";
    stars += ".*";
  }
  PatternTree tree({1, 2});
  std::uint32_t id = 0;
  for (std::size_t at = 0; at < topic.size(); at += 2) {
    tree.add(topic.substr(0, at) + "*" + topic.substr(at + 1), id++);
    tree.add(stars.substr(0, at) + "a" + stars.substr(at + 1), id++);
  }
  EXPECT_EQ(matches(tree, topic).size(), id);
  EXPECT_TRUE(matches(tree, topic + ".a").empty());
}

/// The slow and obvious way: all filters, one after the other.
TEST(PatternTree, SaysWhatAListOfFiltersSays) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SplitMix64 random(seed);
    const auto word = [&](bool has_wildcards) {
      std::string text;
      for (std::uint64_t left = 1 + random.below(4); left > 0; --left) {
        const std::uint64_t chance = random.below(has_wildcards ? 6 : 3);
        text.append(text.empty() ? "" : ".");
        if (chance == 5 && left == 1) {
          text.append(">");
        } else {
          text.append(chance >= 3 ? "*" : std::string(1, static_cast<char>('a' + chance)));
        }
      }
      return text;
    };
    PatternTree tree(SipKey::from(random));
    std::vector<std::pair<std::string, std::uint32_t>> filters;
    for (int step = 0; step < 1500; ++step) {
      const std::uint64_t chance = random.below(4);
      if (chance == 0 && !filters.empty()) {
        const std::size_t at = random.below(filters.size());
        tree.remove(filters[at].first, filters[at].second);
        filters.erase(filters.begin() + static_cast<std::ptrdiff_t>(at));
      } else if (chance == 1) {
        filters.emplace_back(word(true), step);
        tree.add(filters.back().first, filters.back().second);
      } else {
        const std::string topic = word(false);
        std::vector<std::uint32_t> fitting;
        for (const auto& [filter, id] : filters) {
          ASSERT_EQ(filter_fits(filter, topic), pattern_matches(filter, topic)) << filter;
          if (pattern_matches(filter, topic)) {
            fitting.push_back(id);
          }
        }
        ASSERT_EQ(matches(tree, topic), fitting) << topic;
      }
    }
    ASSERT_EQ(tree.size(), filters.size());
    for (const auto& [filter, id] : filters) {
      tree.remove(filter, id);
    }
    EXPECT_EQ(tree.node_count(), 1U);
  }
}

TEST(PatternTree, HasAFilterOrNothingOfItWhereMemoryRunsOut) {
  for (const std::string filter : {"news.a segment that is long enough.*.more", "news.*.>", "x"}) {
    bool has_failed = true;
    for (std::uint64_t nth = 1; has_failed; ++nth) {
      PatternTree tree({1, 2});
      tree.add("news.*", 1);
      const std::size_t nodes = tree.node_count();
      {
        const wspush::test::FailingAllocation failing(nth);
        try {
          tree.add(filter, 2);
        } catch (const std::bad_alloc&) {
        }
        has_failed = failing.has_failed();
      }
      if (has_failed) {
        EXPECT_EQ(tree.node_count(), nodes);
        EXPECT_EQ(tree.size(), 1U);
        tree.add(filter, 2);
      }
      const wspush::test::FailingAllocation none_may(1);
      tree.remove(filter, 2);
      tree.remove("news.*", 1);
      EXPECT_FALSE(none_may.has_failed());
      EXPECT_EQ(tree.node_count(), 1U);
    }
  }
}

}  // namespace
}  // namespace wspush::hub
