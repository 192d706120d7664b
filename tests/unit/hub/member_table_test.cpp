#include "hub/member_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "base/json.hpp"

namespace wspush::hub {
namespace {

using Kind = MemberChange::Kind;

constexpr SipKey kKey{1, 2};

struct Listed {
  std::string user;
  std::string info;
  std::uint64_t connections;
};

std::vector<Listed> read(const MembersPage& page) {
  std::vector<Listed> members;
  const std::string text = "{\"members\":[" + page.members + "]}";
  const auto parsed = parse_json_object(text);
  EXPECT_TRUE(parsed) << text;
  for (const JsonValue value : parsed->find("members")->elements()) {
    const JsonObject member = value.as_object();
    std::string scratch;
    members.push_back({std::string(member.find("user")->string(scratch)),
                       std::string(member.find("info")->raw),
                       *member.find("connections")->as_uint64()});
  }
  return members;
}

std::vector<Listed> list_all(MemberTable& table, std::uint32_t page_max,
                             std::size_t bytes_max = SIZE_MAX) {
  std::vector<Listed> members;
  std::optional<std::uint32_t> from = 0;
  while (from) {
    const MembersPage page = table.page(*from, page_max, bytes_max);
    const auto found = read(page);
    EXPECT_LE(found.size(), page_max);
    EXPECT_TRUE(!page.next || (!found.empty() && *page.next > *from));
    members.insert(members.end(), found.begin(), found.end());
    from = page.next;
  }
  return members;
}

std::string told(MemberTable& table) {
  std::string all;
  for (;;) {
    const MemberChange change = table.take_change();
    if (change.kind == Kind::kEnd) {
      return all;
    }
    all += change.kind == Kind::kJoin ? "+" : change.kind == Kind::kLeave ? "-" : "0";
    all += change.member;
  }
}

TEST(MemberTable, KeepsOneMemberForAllConnectionsOfAUser) {
  MemberTable table(kKey);
  table.set_telling(true);
  table.join("u", "");
  table.join("u", "{}");
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.page(0, 10, 1000).members, R"({"user":"u","info":{},"connections":2})");
  EXPECT_EQ(told(table), R"(+{"user":"u","info":{}})");
  table.leave("u");
  EXPECT_EQ(told(table), "");
  EXPECT_EQ(table.page(0, 10, 1000).members, R"({"user":"u","info":{},"connections":1})");
  table.leave("u");
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.page(0, 10, 1000).members, "");
  EXPECT_FALSE(table.is_empty()) << "its leave has yet to be told";
  EXPECT_EQ(told(table), R"(-{"user":"u","info":{}})");
  EXPECT_TRUE(table.is_empty());
}

TEST(MemberTable, ShowsTheNewestInfo) {
  MemberTable table(kKey);
  table.renew("u", "1");  // Nobody yet.
  EXPECT_TRUE(table.is_empty());
  table.join("u", "1");
  table.join("u", "2");
  EXPECT_EQ(read(table.page(0, 1, 1000))[0].info, "2");
  table.renew("u", "");
  EXPECT_EQ(read(table.page(0, 1, 1000))[0].info, "null");
  table.renew("u", R"({"a":"\u00e9"})");
  EXPECT_EQ(read(table.page(0, 1, 1000))[0].info, R"({"a":"\u00e9"})");
}

TEST(MemberTable, SpellsEveryNameAsJsonAndFindsItAgain) {
  MemberTable table(kKey);
  const std::vector<std::string> names = {"\"", "\\", "a\"b", "a\n", "\x01", "ü", "u\",\"info\":1"};
  for (const std::string& name : names) {
    table.join(name, "");
    table.join(name, "");
    table.leave(name);
  }
  std::set<std::string> found;
  for (const Listed& member : list_all(table, 2)) {
    EXPECT_EQ(member.connections, 1U);
    found.insert(member.user);
  }
  EXPECT_EQ(found, std::set<std::string>(names.begin(), names.end()));
}

TEST(MemberTable, DoesNotTellWhatNobodyHasSeen) {
  MemberTable table(kKey);
  table.set_telling(true);
  table.join("a", "");
  table.leave("a");
  EXPECT_EQ(told(table), "0");
  EXPECT_TRUE(table.is_empty());
  table.join("a", "");
  told(table);
  table.leave("a");
  table.join("a", "1");
  EXPECT_EQ(told(table), "0") << "back before anybody was told";
  EXPECT_EQ(table.size(), 1U);
}

// Else who has asked would believe it for ever: what was told before is all that the others know.
TEST(MemberTable, TellsWhatAListHasShownThoughItHasComeToNothing) {
  MemberTable table(kKey);
  table.set_telling(true);
  table.join("a", "");
  EXPECT_EQ(list_all(table, 10).size(), 1U);
  table.leave("a");
  EXPECT_EQ(told(table), R"(+{"user":"a","info":null}-{"user":"a","info":null})");
  EXPECT_TRUE(table.is_empty());
  table.join("a", "");
  told(table);
  table.leave("a");
  EXPECT_EQ(list_all(table, 10).size(), 0U);
  table.join("a", "1");
  EXPECT_EQ(told(table), R"(-{"user":"a","info":1}+{"user":"a","info":1})");
  EXPECT_EQ(told(table), "");
  table.leave("a");
  table.join("a", "1");
  EXPECT_EQ(told(table), "0") << "no list has shown this one";
}

/// A table that tells, in which `kUsers` come and go together.
class Crowd {
 public:
  static constexpr std::uint32_t kUsers = 200;

  Crowd() { table.set_telling(true); }
  /// All but the one that joined as the `but`th.
  void join(std::uint32_t but = kUsers) {
    each_but(but, [&](const std::string& user) { table.join(user, ""); });
  }
  void leave(std::uint32_t but = kUsers) {
    each_but(but, [&](const std::string& user) { table.leave(user); });
  }

  MemberTable table{kKey};

 private:
  template <typename F>
  static void each_but(std::uint32_t but, F&& f) {
    for (std::uint32_t i = 0; i < kUsers; ++i) {
      if (i != but) {
        f("u" + std::to_string(i));
      }
    }
  }
};

TEST(MemberTable, TellsOnlyWhatThePagesHaveShown) {
  for (const std::uint32_t from : {0U, 1U, 63U, 64U, 100U}) {
    for (const std::uint32_t members_max : {1U, 63U, 64U, 65U, 130U}) {
      Crowd crowd;
      crowd.join();
      const auto listed =
          static_cast<std::ptrdiff_t>(read(crowd.table.page(from, members_max, SIZE_MAX)).size());
      crowd.leave();
      const std::string all = told(crowd.table);
      EXPECT_EQ(listed, std::min(members_max, Crowd::kUsers - from));
      EXPECT_EQ(std::ranges::count(all, '+'), listed);
      EXPECT_EQ(std::ranges::count(all, '-'), listed);
      EXPECT_TRUE(crowd.table.is_empty());
    }
  }
}

// The same of those who have left and are told of: a page has passed their places.
TEST(MemberTable, TellsOnlyWhoseAbsencePagesHaveShown) {
  for (const std::uint32_t from : {0U, 1U, 63U, 64U, 100U}) {
    for (const std::uint32_t stop : {110U, 127U, 128U, 129U, 199U}) {
      Crowd crowd;
      crowd.join();
      told(crowd.table);
      crowd.leave(stop);
      // Nobody is on it: what it found first is where the next one begins.
      EXPECT_EQ(crowd.table.page(from, 0, SIZE_MAX).next, stop);
      crowd.join(stop);
      const std::string all = told(crowd.table);
      EXPECT_EQ(std::ranges::count(all, '-'), stop - from);
      EXPECT_EQ(std::ranges::count(all, '+'), stop - from);
    }
  }
}

// Somebody who has asked at any time, and follows what is told from then on, knows who is there.
TEST(MemberTable, WhoHasAskedAndIsToldKnowsWhoIsThere) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    MemberTable table(kKey);
    table.set_telling(true);
    std::map<std::string, int> connections;
    std::vector<std::set<std::string>> views;
    const auto take = [&](std::uint64_t changes) {
      for (; changes > 0; --changes) {
        const MemberChange change = table.take_change();
        if (change.kind == Kind::kJoin || change.kind == Kind::kLeave) {
          const auto parsed = parse_json_object(change.member);
          std::string scratch;
          const std::string user(parsed->find("user")->string(scratch));
          for (std::set<std::string>& view : views) {
            change.kind == Kind::kJoin ? void(view.insert(user)) : void(view.erase(user));
          }
        }
      }
    };
    for (int step = 0; step < 300; ++step) {
      const std::string user = "u" + std::to_string(random.below(80));
      const std::uint64_t chance = random.below(100);
      if (chance < 45) {
        table.join(user, "");
        ++connections[user];
      } else if (chance < 90) {
        if (const auto found = connections.find(user); found != connections.end()) {
          table.leave(user);
          if (--found->second == 0) {
            connections.erase(found);
          }
        }
      } else if (chance < 94) {
        views.emplace_back();
        for (const Listed& member :
             list_all(table, static_cast<std::uint32_t>(1 + random.below(9)))) {
          views.back().insert(member.user);
        }
      } else {
        take(random.below(9));
      }
    }
    take(UINT16_MAX);
    ASSERT_FALSE(table.has_changes());
    std::set<std::string> there;
    for (const auto& [user, count] : connections) {
      there.insert(user);
    }
    for (const std::set<std::string>& view : views) {
      ASSERT_EQ(view, there);
    }
  }
}

TEST(MemberTable, TellsOfEverybodyWhenItBeginsAndForgetsWhoLeftWhenItEnds) {
  MemberTable table(kKey);
  table.join("a", "");
  table.join("b", "");
  table.leave("b");
  EXPECT_EQ(told(table), "");
  table.set_telling(true);
  EXPECT_EQ(told(table), R"(+{"user":"a","info":null})");
  table.join("c", "");
  told(table);
  table.leave("c");
  table.set_telling(false);
  EXPECT_EQ(told(table), "");
  EXPECT_EQ(list_all(table, 10).size(), 1U);
  table.leave("a");
  EXPECT_TRUE(table.is_empty());
}

TEST(MemberTable, EndsAPageByItsBytesButGivesOneMember) {
  MemberTable table(kKey);
  for (const char* user : {"a", "b", "c"}) {
    table.join(user, "\"" + std::string(500, 'x') + "\"");
  }
  EXPECT_EQ(read(table.page(0, 10, 1)).size(), 1U);
  EXPECT_EQ(read(table.page(0, 10, 1200)).size(), 2U);
  EXPECT_EQ(list_all(table, 10, 1).size(), 3U);
  EXPECT_FALSE(table.page(77, 10, 1000).next) << "behind the last place";
  EXPECT_EQ(table.page(0xffff'ffff, 10, 1000).members, "");
}

// Whoever is there through a listing is in it once, whoever comes and goes meanwhile.
TEST(MemberTable, ListsEachMemberThatStaysExactlyOnce) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    MemberTable table(kKey);
    table.set_telling(random.below(2) == 0);
    std::set<std::string> there;
    const auto change = [&](std::set<std::string>* left) {
      const std::string user = "u" + std::to_string(random.below(300));
      if (there.erase(user) > 0) {
        table.leave(user);
        left->insert(user);
      } else {
        there.insert(user);
        table.join(user, "");
      }
      if (random.below(4) == 0) {
        table.take_change();
      }
    };
    std::set<std::string> ignored;
    for (int i = 0; i < 400; ++i) {
      change(&ignored);
    }
    std::set<std::string> stays = there;
    std::map<std::string, int> listed;
    std::optional<std::uint32_t> from = 0;
    while (from) {
      const MembersPage page =
          table.page(*from, static_cast<std::uint32_t>(1 + random.below(9)), 1000);
      for (const Listed& member : read(page)) {
        ++listed[member.user];
      }
      from = page.next;
      for (std::uint64_t i = random.below(12); i > 0; --i) {
        std::set<std::string> left;
        change(&left);
        for (const std::string& user : left) {
          stays.erase(user);
        }
      }
    }
    for (const std::string& user : stays) {
      ASSERT_EQ(listed[user], 1) << user;
    }
  }
}

TEST(MemberTable, IsLikeAMap) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    SplitMix64 random(seed);
    MemberTable table(kKey);
    std::map<std::string, std::pair<std::uint64_t, std::string>> oracle;
    std::set<std::string> seen;  // By somebody who is told.
    bool is_telling = false;
    const auto take = [&](std::uint64_t changes) {
      for (; changes > 0; --changes) {
        const MemberChange change = table.take_change();
        if (change.kind == Kind::kJoin || change.kind == Kind::kLeave) {
          const auto parsed = parse_json_object(change.member);
          std::string scratch;
          const std::string user(parsed->find("user")->string(scratch));
          const bool is_join = change.kind == Kind::kJoin;
          ASSERT_EQ(is_join ? seen.insert(user).second : seen.erase(user) == 1, true) << user;
        }
      }
    };
    for (int step = 0; step < 500; ++step) {
      const std::string user = "u" + std::to_string(random.below(30));
      const std::string info = std::to_string(random.below(3));
      const std::uint64_t chance = random.below(100);
      if (chance < 45) {
        table.join(user, info);
        ++oracle[user].first;
        oracle[user].second = info;
      } else if (chance < 85) {
        if (oracle.contains(user)) {
          table.leave(user);
          if (--oracle[user].first == 0) {
            oracle.erase(user);
          }
        }
      } else if (chance < 90) {
        table.renew(user, info);
        if (oracle.contains(user)) {
          oracle[user].second = info;
        }
      } else if (chance < 98) {
        take(random.below(5));
      } else {
        is_telling = random.below(2) == 0;
        table.set_telling(is_telling);
        seen.clear();
      }
      ASSERT_EQ(table.size(), oracle.size());
    }
    const auto listed = list_all(table, static_cast<std::uint32_t>(1 + random.below(10)));
    ASSERT_EQ(listed.size(), oracle.size());
    for (const Listed& member : listed) {
      ASSERT_EQ(oracle.at(member.user), std::pair(member.connections, member.info));
    }
    take(UINT16_MAX);
    ASSERT_FALSE(table.has_changes());
    if (is_telling) {
      ASSERT_EQ(seen.size(), oracle.size());
      for (const std::string& user : seen) {
        ASSERT_TRUE(oracle.contains(user));
      }
    }
  }
}

// By counting records, not by time: a change looks at the same few however many members there are.
TEST(MemberTable, AChangeLooksAtAFewRecordsWhoeverElseIsThere) {
  constexpr std::uint64_t kLooksMax = 40;
  for (const int count : {10, 1000, 50'000}) {
    MemberTable table(kKey);
    table.set_telling(true);
    for (int i = 0; i < count; ++i) {
      table.join("user-" + std::to_string(i), R"({"name":"Ann"})");
    }
    told(table);
    std::uint64_t most = 0;
    const auto measure = [&](auto&& change) {
      const std::uint64_t before = table.looks();
      change();
      most = std::max(most, table.looks() - before);
    };
    for (int i = 0; i < 200; ++i) {
      const std::string user = "user-" + std::to_string(i * 97 % count);
      measure([&] { table.join(user, "1"); });
      measure([&] { table.leave(user); });
      measure([&] { table.renew(user, "2"); });
      measure([&] { table.join("new-" + std::to_string(i), ""); });
      measure([&] { table.take_change(); });
      measure([&] { table.leave("new-" + std::to_string(i)); });
      measure([&] { table.take_change(); });
    }
    EXPECT_LE(most, kLooksMax) << count << " members";
    const std::uint64_t before = table.looks();
    EXPECT_EQ(read(table.page(0, 5, SIZE_MAX)).size(), 5U);
    EXPECT_LE(table.looks() - before, 6U) << "a page looks at its own members";
  }
}

}  // namespace
}  // namespace wspush::hub
