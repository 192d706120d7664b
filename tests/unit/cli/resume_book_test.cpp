#include "cli/resume_book.hpp"

#include <algorithm>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wspush::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kEpoch = "0a1b2c3d";

std::string id(int offset, const std::string& epoch = kEpoch) {
  return epoch + "-" + std::to_string(offset);
}

std::string position(const ResumeBook& book, std::size_t index = 0) {
  return book.entries()[index].position;
}

TEST(ResumeBook, ComesBackAfterTheLastMessageOfEachTopic) {
  ResumeBook book({"a", "b"}, "");
  EXPECT_EQ(position(book), "");
  EXPECT_EQ(book.on_subscribed("a", id(7), std::nullopt), "");
  EXPECT_EQ(book.on_subscribed("b", id(0), std::nullopt), "");
  EXPECT_EQ(position(book), id(7));
  EXPECT_TRUE(book.on_message("a", id(8)).is_new);
  EXPECT_EQ(position(book), id(8));
  EXPECT_EQ(position(book, 1), id(0));
}

TEST(ResumeBook, ComesBackAfterWhatTheUserSaidUntilAMessageCame) {
  ResumeBook book({"a"}, id(3));
  EXPECT_EQ(position(book), id(3));
  EXPECT_EQ(book.on_subscribed("a", id(9), true), "");
  EXPECT_EQ(position(book), id(3)) << "4 to 9 are still to come";
  EXPECT_EQ(book.on_message("a", id(4)).note, "");
  EXPECT_EQ(position(book), id(4));
}

TEST(ResumeBook, FirstIsKeptUntilAMessageCameUnlessTheLogIsEmpty) {
  ResumeBook full({"a"}, "first");
  EXPECT_EQ(full.on_subscribed("a", id(5), true), "");
  EXPECT_EQ(position(full), "first");
  EXPECT_EQ(full.on_message("a", id(3)).note, "") << "older ones are no longer kept";
  EXPECT_EQ(position(full), id(3));

  ResumeBook empty({"a"}, "first");
  EXPECT_EQ(empty.on_subscribed("a", id(0), true), "");
  EXPECT_EQ(position(empty), id(0)) << "or what is lost after a cut would not be told";
}

TEST(ResumeBook, DropsWhatCameBefore) {
  ResumeBook book({"a", "b"}, "");
  book.on_subscribed("a", id(0), std::nullopt);
  book.on_subscribed("b", id(0), std::nullopt);
  EXPECT_TRUE(book.on_message("a", id(1)).is_new);
  EXPECT_FALSE(book.on_message("a", id(1)).is_new);
  EXPECT_TRUE(book.on_message("b", id(1)).is_new) << "another topic";
  EXPECT_TRUE(book.on_message("a", id(2)).is_new);
  EXPECT_FALSE(book.on_message("a", id(1)).is_new);
  EXPECT_EQ(position(book), id(2));
}

TEST(ResumeBook, TellsAHoleThatTheServerDidNotTell) {
  ResumeBook book({"a"}, "");
  book.on_subscribed("a", id(1), std::nullopt);
  EXPECT_EQ(book.on_message("a", id(2)).note, "");
  const auto judged = book.on_message("a", id(4));
  EXPECT_TRUE(judged.is_new);
  EXPECT_THAT(judged.note, HasSubstr("between " + id(2) + " and " + id(4)));
  EXPECT_EQ(book.on_message("a", id(5)).note, "");
  EXPECT_THAT(book.on_message("a", id(6, "ffffffff")).note, HasSubstr("missing"));
}

TEST(ResumeBook, TellsAGapOnceAndGoesOn) {
  ResumeBook book({"a"}, "");
  book.on_subscribed("a", id(1), std::nullopt);
  EXPECT_THAT(book.on_gap("a", id(1), id(50)), HasSubstr("after " + id(1) + " are lost"));
  EXPECT_EQ(position(book), id(1)) << "until the next one is here";
  EXPECT_EQ(book.on_message("a", id(50)).note, "");
  EXPECT_EQ(position(book), id(50));
  EXPECT_NE(book.on_message("a", id(52)).note, "") << "the gap was another hole";
}

TEST(ResumeBook, TellsThatTheLogNoLongerReachesBack) {
  ResumeBook book({"a"}, id(3));
  EXPECT_THAT(book.on_subscribed("a", id(500), false), HasSubstr("after " + id(3) + " are lost"));
  EXPECT_EQ(position(book), id(3)) << "what is kept is still to come";
  EXPECT_EQ(book.on_subscribed("a", id(500), false), "") << "cut off again: the same loss";
  EXPECT_EQ(book.on_message("a", id(401)).note, "");
  EXPECT_NE(book.on_subscribed("a", id(500), false), "") << "another loss";
}

TEST(ResumeBook, GoesOnInANewEpoch) {
  ResumeBook book({"a"}, id(3));
  book.on_subscribed("a", id(3), true);
  EXPECT_NE(book.on_subscribed("a", id(0, "00000001"), false), "");
  EXPECT_EQ(position(book), id(0, "00000001"));
  const auto judged = book.on_message("a", id(1, "00000001"));
  EXPECT_TRUE(judged.is_new);
  EXPECT_EQ(judged.note, "");
}

TEST(ResumeBook, KeepsThePositionOfAPatternAsItIs) {
  ResumeBook book({"a.*"}, "");
  EXPECT_EQ(book.on_subscribed("a.*", "opaque-1", std::nullopt), "");
  EXPECT_EQ(position(book), "opaque-1");
  book.on_pattern_message("a.*", "0a1b2c3d-1");
  book.on_pattern_message("a.*", "0a1b2c3d-1");
  EXPECT_EQ(position(book), "0a1b2c3d-1");
}

TEST(ResumeBook, OfATopicNobodyAskedForIsNotKept) {
  ResumeBook book({"a"}, "");
  EXPECT_TRUE(book.on_message("b", id(1)).is_new);
  EXPECT_EQ(book.on_subscribed("b", id(1), false), "");
  EXPECT_EQ(book.entries().size(), 1U);
}

// A log that forgets, cut at random: what is printed has no duplicate, and each hole in it a note.
TEST(ResumeBook, PrintsEachMessageOnceWhateverIsCut) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](int bound) {
      return static_cast<int>(random() % static_cast<unsigned>(bound));
    };
    ResumeBook book({"a"}, "");
    int newest = 0;
    int kept_from = 1;
    int cursor = 0;  // the server's, the last offset it sent on this connection
    int printed = 0;
    bool is_told = true;
    book.on_subscribed("a", id(0), std::nullopt);
    for (int step = 0; step < 200; ++step) {
      switch (below(4)) {
        case 0:
          newest += below(5);
          break;
        case 1:
          kept_from = std::max(kept_from, newest - below(6) + 1);
          break;
        case 2: {  // cut and come back
          const std::string after = position(book);
          cursor = std::stoi(after.substr(9));
          const bool recovered = cursor + 1 >= kept_from;
          is_told = !book.on_subscribed("a", id(newest), recovered).empty() || is_told;
          cursor = std::max(cursor, kept_from - 1);
          break;
        }
        default:
          for (int count = below(4); count > 0 && cursor < newest; --count) {
            if (cursor + 1 < kept_from) {
              is_told = !book.on_gap("a", id(cursor), id(kept_from)).empty();
              cursor = kept_from - 1;
            }
            ++cursor;
            const auto judged = book.on_message("a", id(cursor));
            ASSERT_TRUE(judged.is_new) << "seed " << seed;
            ASSERT_EQ(judged.note, "") << "seed " << seed;
            ASSERT_TRUE(cursor == printed + 1 || is_told) << "seed " << seed;
            ASSERT_GT(cursor, printed);
            printed = cursor;
            is_told = false;
          }
      }
    }
  }
}

}  // namespace
}  // namespace wspush::cli
