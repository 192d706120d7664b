#include "net/mailbox.hpp"

#include <new>
#include <sys/epoll.h>
#include <thread>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

#include "net/epoll_loop.hpp"
#include "unit/net/test_sockets.hpp"

namespace wspush::net {
namespace {

// Senders write one line of a mailbox, its owner another one, and neither is a neighbour's.
// What both write, once a batch, has one of its own.
static_assert(alignof(Mailbox<int>) == 64 && sizeof(Mailbox<int>) == 3 * 64);

std::vector<int> take(Mailbox<int>& inbox, std::size_t items_max = 1000) {
  std::vector<int> items;
  const std::size_t count = inbox.take(items_max, [&](int&& item) { items.push_back(item); });
  EXPECT_EQ(count, items.size());
  return items;
}

TEST(Mailbox, GivesBatchesInOrderAndBoundedPerCall) {
  Mailbox<int> inbox;
  inbox.post({1, 2, 3});
  inbox.post({});
  inbox.post({4});
  EXPECT_EQ(inbox.pending(), 4U);
  EXPECT_EQ(take(inbox, 2), (std::vector<int>{1, 2}));
  inbox.post({5, 6});
  EXPECT_EQ(inbox.pending(), 4U);
  EXPECT_EQ(take(inbox, 0), std::vector<int>{});
  EXPECT_EQ(take(inbox, 3), (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(take(inbox), std::vector<int>{6});
  EXPECT_EQ(take(inbox), std::vector<int>{});
  EXPECT_EQ(inbox.pending(), 0U);
}

TEST(Mailbox, CountsAnItemAsTakenThoughItsHandlerThrows) {
  Mailbox<int> inbox;
  inbox.post({1, 2, 3});
  EXPECT_THROW(inbox.take(3,
                          [](int&& item) {
                            if (item == 2) {
                              throw std::bad_alloc();
                            }
                          }),
               std::bad_alloc);
  EXPECT_EQ(inbox.pending(), 1U);
  EXPECT_EQ(take(inbox), std::vector<int>{3});
}

TEST(Mailbox, LeavesThePostersVectorEmpty) {
  Mailbox<int> inbox;
  std::vector<int> batch{1, 2};
  inbox.post(std::move(batch));
  EXPECT_TRUE(batch.empty());  // NOLINT(bugprone-use-after-move): promised
  EXPECT_EQ(take(inbox).size(), 2U);
}

TEST(Mailbox, GivesTheRoomOfAnEarlierBatchToALaterSender) {
  Mailbox<int> inbox;
  std::vector<int> batch(100, 7);
  const int* const room = batch.data();
  inbox.post(std::move(batch));
  EXPECT_EQ(batch.capacity(), 0U) << "nothing had come back yet";  // NOLINT: promised to be empty
  take(inbox, 99);
  inbox.post({1});
  EXPECT_EQ(take(inbox, 1), std::vector<int>{7}) << "its room is in use until then";

  std::vector<int> next{8};
  inbox.post(std::move(next));
  EXPECT_TRUE(next.empty());  // NOLINT(bugprone-use-after-move): promised
  EXPECT_EQ(next.data(), room);
  EXPECT_EQ(take(inbox), (std::vector<int>{1, 8}));
}

TEST(Mailbox, KeepsABoundedRoom) {
  Mailbox<int> inbox;
  const auto room_after = [&inbox](std::size_t items) {
    inbox.post(std::vector<int>(items));
    take(inbox, items);
    std::vector<int> batch{1};
    inbox.post(std::move(batch));
    take(inbox);
    return batch.capacity();  // NOLINT(bugprone-use-after-move): what post() has left there
  };
  constexpr std::size_t kKeptMax = 16 * 1024 / sizeof(int);
  EXPECT_EQ(room_after(kKeptMax), kKeptMax);
  EXPECT_LT(room_after(kKeptMax + 1), kKeptMax + 1) << "a burst does not stay";

  // More than are kept: the others are freed, which the address sanitizer would tell if not.
  for (int i = 0; i < 20; ++i) {
    inbox.post({i});
  }
  EXPECT_EQ(take(inbox).size(), 20U);
}

TEST(Mailbox, CarriesWhatCanOnlyBeMovedAndDropsWhatWasNotTaken) {
  Mailbox<std::unique_ptr<int>> inbox;
  for (int i = 0; i < 3; ++i) {
    std::vector<std::unique_ptr<int>> batch;
    batch.push_back(std::make_unique<int>(i));
    batch.push_back(std::make_unique<int>(i + 10));
    inbox.post(std::move(batch));
  }
  int sum = 0;
  inbox.take(3, [&](std::unique_ptr<int>&& item) { sum += *item; });
  EXPECT_EQ(sum, 0 + 10 + 1);
}  // the rest is freed here; the address sanitizer would tell

TEST(Mailbox, WakesOnlyAnOwnerThatSleeps) {
  Mailbox<int> inbox;
  inbox.post({1});
  EXPECT_FALSE(is_readable_now(inbox.wake_fd())) << "the owner was awake";
  EXPECT_FALSE(inbox.prepare_sleep()) << "something is there";
  take(inbox);

  EXPECT_TRUE(inbox.prepare_sleep());
  inbox.post({2});
  EXPECT_TRUE(is_readable_now(inbox.wake_fd()));
  inbox.post({3});
  inbox.awake();
  inbox.clear_wake();
  EXPECT_FALSE(is_readable_now(inbox.wake_fd())) << "one write for both posts";
  EXPECT_EQ(take(inbox), (std::vector<int>{2, 3}));

  EXPECT_TRUE(inbox.prepare_sleep());
  inbox.awake();
  inbox.post({4});
  EXPECT_FALSE(is_readable_now(inbox.wake_fd())) << "awake again, for another reason";
  EXPECT_EQ(take(inbox), std::vector<int>{4});
}

TEST(Mailbox, WakesAnEdgeTriggeredOwnerEachTimeThoughNobodyReads) {
  Mailbox<int> inbox;
  auto loop = EpollLoop::open();
  ASSERT_TRUE(loop);
  ASSERT_TRUE(loop->add(inbox.wake_fd(), EPOLLIN | EPOLLET, 0));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(inbox.prepare_sleep());
    inbox.post({i});
    EXPECT_EQ(loop->wait(kPatienceMs).size(), 1U);
    inbox.awake();
    EXPECT_EQ(take(inbox), std::vector<int>{i});
    EXPECT_TRUE(loop->wait(0).empty()) << "once for each";
  }
}

TEST(Mailbox, DoesNotSleepOnWhatABoundedTakeLeft) {
  Mailbox<int> inbox;
  inbox.post({1, 2});
  take(inbox, 1);
  EXPECT_FALSE(inbox.prepare_sleep());
  take(inbox, 1);
  EXPECT_TRUE(inbox.prepare_sleep());
}

TEST(Mailbox, LosesNoItemNoOrderAndNoWakeUpAmongManySenders) {
  struct Item {
    unsigned sender;
    std::uint32_t number;
  };
  constexpr unsigned kSenders = 4;
  constexpr std::uint32_t kItems = 40'000;  // of each sender
  Mailbox<Item> inbox;
  std::vector<std::thread> senders;
  for (unsigned sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&inbox, sender] {
      SplitMix64 random(sender + 1);
      for (std::uint32_t number = 0; number < kItems;) {
        std::vector<Item> batch;
        for (std::uint64_t count = 1 + random.below(8); count > 0 && number < kItems; --count) {
          batch.push_back({sender, number++});
        }
        inbox.post(std::move(batch));
        if (random.below(4) == 0) {
          std::this_thread::yield();  // so that the owner falls asleep now and then
        }
      }
    });
  }

  std::vector<std::uint32_t> next(kSenders, 0);
  std::size_t taken = 0;
  std::size_t sleeps = 0;
  bool is_lost = false;
  while (taken < std::size_t{kSenders} * kItems && !is_lost) {
    if (inbox.prepare_sleep()) {
      ++sleeps;
      is_lost = !await(inbox.wake_fd(), POLLIN);  // a reactor waits on nothing else here
      inbox.awake();
      inbox.clear_wake();
    }
    taken += inbox.take(100, [&](Item&& item) { EXPECT_EQ(item.number, next[item.sender]++); });
  }
  EXPECT_FALSE(is_lost) << "asleep with " << inbox.pending() << " items pending";
  for (std::thread& sender : senders) {
    sender.join();
  }
  EXPECT_EQ(taken, std::size_t{kSenders} * kItems);
  EXPECT_EQ(inbox.pending(), 0U);
  EXPECT_GT(sleeps, 0U) << "the owner never slept, so this showed nothing about waking it";
}

}  // namespace
}  // namespace wspush::net
