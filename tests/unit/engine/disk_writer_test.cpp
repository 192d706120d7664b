#include "engine/disk_writer.hpp"

#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/rocks_store.hpp"
#include "unit/engine/disk_desk.hpp"
#include "unit/engine/temporary_directory.hpp"

namespace wspush::engine {
namespace {

using test::DiskDesk;
using test::read_text;
using test::TemporaryDirectory;
using test::write_text;
using ::testing::HasSubstr;

std::vector<DiskRequest> one(DiskRequest::Kind kind, std::uint16_t reactor,
                             TopicPosition& position) {
  std::vector<DiskRequest> requests(1);
  requests[0].kind = kind;
  requests[0].reactor = reactor;
  requests[0].position = &position;
  requests[0].name = "a";
  return requests;
}

std::vector<DiskRequest> publishes(TopicPosition& position, int count) {
  std::vector<DiskRequest> requests;
  for (int i = 0; i < count; ++i) {
    requests.push_back(std::move(one(DiskRequest::Kind::kPublish, 0, position)[0]));
    requests.back().message = hub::Message::create(hub::PayloadKind::kText, std::to_string(i));
    requests.back().now = MonotonicClock::now();
  }
  return requests;
}

TEST(DiskWriter, AnswersEachReactorInItsOrder) {
  const TemporaryDirectory at;
  DiskDesk desk(at / "d", {}, 2);
  TopicPosition here;
  TopicPosition there;
  desk.writer().post(one(DiskRequest::Kind::kOpen, 0, here));
  desk.writer().post(publishes(here, 100));
  desk.writer().post(one(DiskRequest::Kind::kOpen, 1, there));
  DiskAnswers answers;
  while (answers.size() < 101) {
    for (DiskAnswer& answer : desk.await(0)) {
      answers.push_back(std::move(answer));
    }
  }
  EXPECT_EQ(answers[0].kind, DiskAnswer::Kind::kOpened);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_EQ(answers[i].kind, DiskAnswer::Kind::kOrdered);
    EXPECT_EQ(answers[i].message->id(), (hub::MessageId{answers[0].epoch, i}));
  }
  EXPECT_EQ(desk.await(1)[0].position, &there);
}

// A batch that is full makes the writer look into its inbox again before it looks for a stop: the
// stop's wake-up is taken there.
TEST(DiskWriter, EndsThoughTheWakeUpOfItsStopWasTakenWithRequests) {
  const TemporaryDirectory at;
  std::promise<void> in_batch;
  bool is_first = true;
  auto writer = DiskWriter::open(
      {.path = at / "d", .sync = {.when = DiskSync::When::kNever}, .reactors = 1, .seed = 11},
      [&](std::uint16_t /*reactor*/, DiskAnswers& /*answers*/) {
        if (std::exchange(is_first, false)) {
          in_batch.set_value();
          // Nothing tells when the stop that this lets go has been posted.
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
      });
  ASSERT_TRUE(writer) << writer.error();
  TopicPosition position;
  std::vector<DiskRequest> batch = one(DiskRequest::Kind::kOpen, 0, position);
  for (DiskRequest& request :
       publishes(position, static_cast<int>(DiskWriter::kRequestsPerBatch) - 1)) {
    batch.push_back(std::move(request));
  }
  (*writer)->post(std::move(batch));
  (*writer)->start();
  in_batch.get_future().wait();
  (*writer)->stop();  // It hung here.
}

TEST(DiskWriter, WhatWasPostedBeforeTheStopIsThereAfterwards) {
  using When = DiskSync::When;
  for (const DiskSync sync :
       {DiskSync{.when = When::kTurn}, DiskSync{.when = When::kNever},
        DiskSync{.when = When::kPeriod, .period = std::chrono::hours(1)},
        DiskSync{.when = When::kPeriod, .period = std::chrono::milliseconds(1)}}) {
    const TemporaryDirectory at;
    {
      DiskDesk desk(at / "d", sync);
      EXPECT_THAT(read_text(at / "d/state"),
                  HasSubstr(sync.when == When::kTurn ? " turn\n" : " later\n"));
      TopicPosition position;
      desk.writer().post(one(DiskRequest::Kind::kOpen, 0, position));
      desk.writer().post(publishes(position, 1000));
      desk.writer().stop();
    }
    EXPECT_EQ(read_text(at / "d/state"), "clean\n");
    DiskDesk desk(at / "d", sync);
    TopicPosition position;
    desk.writer().post(one(DiskRequest::Kind::kOpen, 0, position));
    const DiskAnswers answers = desk.await();
    EXPECT_EQ(answers[0].last, 1000U);
    EXPECT_EQ(answers[0].kept.size(), 1000U);
    EXPECT_EQ(answers[0].kept.back()->payload(), "999");
  }
}

TEST(DiskWriter, IsNotUpWhileTheDiskIsAtItForLongerThanItsPatience) {
  const TemporaryDirectory at;
  std::promise<void> is_at_it;
  std::promise<void> go_on;
  auto opened = DiskWriter::open({.path = at / "d"}, [&](std::uint16_t, DiskAnswers&) {
    is_at_it.set_value();
    go_on.get_future().wait();
  });
  ASSERT_TRUE(opened);
  DiskWriter& writer = **opened;
  const TimePoint before = MonotonicClock::now();
  EXPECT_TRUE(writer.is_up(before + std::chrono::hours(1))) << "it has nothing to do";
  writer.start();
  TopicPosition position;
  writer.post(one(DiskRequest::Kind::kOpen, 0, position));
  is_at_it.get_future().wait();
  EXPECT_TRUE(writer.is_up(before + DiskWriter::kPatience));
  EXPECT_FALSE(writer.is_up(MonotonicClock::now() + DiskWriter::kPatience));
  go_on.set_value();
  writer.stop();
  EXPECT_TRUE(writer.is_up(MonotonicClock::now() + DiskWriter::kPatience));
}

TEST(DiskWriter, ManyTopicsThatAreOpenedAtOnceAreAnsweredInPieces) {
  const TemporaryDirectory at;
  DiskDesk desk(at / "d", {}, 1, false);
  std::vector<TopicPosition> positions(1000);
  std::vector<DiskRequest> requests;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    requests.push_back(std::move(one(DiskRequest::Kind::kOpen, 0, positions[i])[0]));
    requests.back().name = "t" + std::to_string(i);
  }
  desk.writer().post(std::move(requests));
  desk.writer().start();
  std::size_t answered = 0;
  while (answered < positions.size()) {
    for (const DiskAnswer& answer : desk.await()) {
      EXPECT_EQ(answer.position, &positions[answered++]);
    }
  }
}

TEST(DiskWriter, OneThatWasNeverStartedLeavesTheDirectoryClean) {
  const TemporaryDirectory at;
  { DiskDesk desk(at / "d", {}, 1, false); }
  EXPECT_EQ(read_text(at / "d/state"), "clean\n");
}

TEST(DiskWriter, NamesTheStoreThatCannotBeOpenedAndWhatToDo) {
  const TemporaryDirectory at;
  { DiskDesk desk(at / "d"); }
  std::filesystem::remove_all(at / "d/store");
  write_text(at / "d/store", "");
  const auto opened = DiskWriter::open({.path = at / "d"}, {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr(at / "d/store: "));
  EXPECT_THAT(opened.error(), HasSubstr("see that there is room"));
  EXPECT_EQ(read_text(at / "d/state"), "clean\n") << "as it was";
}

TEST(DiskWriter, AStoreWithDamagedCountersIsNotWrittenTo) {
  const TemporaryDirectory at;
  { DiskDesk desk(at / "d"); }
  {
    const auto store = RocksStore::open(at / "d/store");
    (*store)->put("m", "nonsense");
    ASSERT_TRUE((*store)->commit(true));
  }
  const auto opened = DiskWriter::open({.path = at / "d"}, {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("counters"));
}

TEST(DiskWriter, TakesCareThatNothingGoesOnAfterALoss) {
  const TemporaryDirectory at;
  std::uint32_t epoch = 0;
  {
    DiskDesk desk(at / "d");
    TopicPosition position;
    desk.writer().post(one(DiskRequest::Kind::kOpen, 0, position));
    epoch = desk.await()[0].epoch;
    desk.writer().post(publishes(position, 1));
    desk.await();
  }
  write_text(at / "d/state", "running another-boot later\n");
  DiskDesk desk(at / "d");
  TopicPosition position;
  desk.writer().post(one(DiskRequest::Kind::kOpen, 0, position));
  const DiskAnswers answers = desk.await();
  EXPECT_NE(answers[0].epoch, epoch);
  EXPECT_EQ(answers[0].kept.size(), 1U);
}

}  // namespace
}  // namespace wspush::engine
