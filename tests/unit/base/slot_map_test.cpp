#include "base/slot_map.hpp"

#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "wspush/base/random.hpp"

namespace wspush {
namespace {

/// Counts itself, so that a leak and a double destruction show.
struct Counted {
  explicit Counted(int v) : value(v) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int value;
  static inline int alive = 0;
};

TEST(Handle, PacksAndUnpacks) {
  const Handle handle{.slot = 0x12345678, .generation = 0x9abcdef0};
  EXPECT_EQ(handle.packed(), 0x9abcdef012345678ULL);
  EXPECT_EQ(Handle::from_packed(handle.packed()), handle);
  EXPECT_FALSE(Handle());
  EXPECT_TRUE(handle);
  EXPECT_NE(handle, (Handle{.slot = 0x12345678, .generation = 1}));
}

TEST(SlotMap, FindsWhatLivesAndNothingElse) {
  SlotMap<int> map;
  EXPECT_EQ(map.find(Handle()), nullptr);
  const Handle first = map.emplace(1);
  const Handle second = map.emplace(2);
  EXPECT_TRUE(first);
  EXPECT_EQ(*map.find(first), 1);
  EXPECT_EQ(*map.find(second), 2);
  EXPECT_EQ(map.find(Handle()), nullptr);
  EXPECT_EQ(map.find({.slot = 2, .generation = 1}), nullptr);
  EXPECT_EQ(map.find({.slot = 0xffffffff, .generation = 1}), nullptr);

  EXPECT_TRUE(map.erase(first));
  EXPECT_FALSE(map.erase(first));
  EXPECT_EQ(map.find(first), nullptr);
  // The generation that comes next must not be found before it is given out.
  EXPECT_EQ(map.find({.slot = first.slot, .generation = first.generation + 1}), nullptr);
  EXPECT_EQ(map.size(), 1U);

  const Handle third = map.emplace(3);
  EXPECT_EQ(third.slot, first.slot);
  EXPECT_NE(third.generation, first.generation);
  EXPECT_EQ(map.find(first), nullptr);
  EXPECT_EQ(*map.find(third), 3);
  EXPECT_EQ(map.slot_count(), 2U);
}

TEST(SlotMap, RetiresASlotWhoseGenerationsAreUsedUp) {
  SlotMap<int, 3> map;
  std::unordered_set<Handle> seen;
  for (int i = 0; i < 3; ++i) {
    const Handle handle = map.emplace(i);
    EXPECT_EQ(handle.slot, 0U);
    EXPECT_TRUE(seen.insert(handle).second);
    map.erase(handle);
  }
  const Handle next = map.emplace(4);
  EXPECT_EQ(next.slot, 1U);
  for (std::uint32_t generation = 0; generation < 5; ++generation) {
    EXPECT_EQ(map.find({.slot = 0, .generation = generation}), nullptr);
  }
  EXPECT_EQ(map.size(), 1U);
}

TEST(SlotMap, KeepsAddresses) {
  SlotMap<int> map;
  const Handle first = map.emplace(7);
  int* const address = map.find(first);
  for (int i = 0; i < 10'000; ++i) {
    map.emplace(i);
  }
  EXPECT_EQ(map.find(first), address);
  EXPECT_EQ(*address, 7);
}

TEST(SlotMap, ChangesNothingWhenAConstructorThrows) {
  struct Thrower {
    explicit Thrower(bool throws) {
      if (throws) {
        throw std::runtime_error("no");
      }
    }
  };
  SlotMap<Thrower> map;
  EXPECT_THROW(map.emplace(true), std::runtime_error);
  EXPECT_EQ(map.size(), 0U);
  map.for_each([](Handle, Thrower&) { ADD_FAILURE(); });
  const Handle handle = map.emplace(false);
  EXPECT_EQ(handle.slot, 0U);
  EXPECT_NE(map.find(handle), nullptr);
}

TEST(SlotMap, DestroysWhatIsLeft) {
  {
    SlotMap<Counted> map;
    for (int i = 0; i < 600; ++i) {
      map.emplace(i);
    }
    const Handle one = map.emplace(0);
    map.erase(one);
    EXPECT_EQ(Counted::alive, 600);
    map.clear();
    EXPECT_EQ(Counted::alive, 0);
    EXPECT_EQ(map.find({.slot = 3, .generation = 1}), nullptr);
    map.emplace(1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(SlotMap, AnObjectDoesNotFindItselfWhileItDies) {
  struct Watcher {
    SlotMap<Watcher>* map;
    Handle self;
    Handle* made;
    Watcher(SlotMap<Watcher>* m, Handle* made_here) : map(m), made(made_here) {}
    ~Watcher() {
      EXPECT_EQ(map->find(self), nullptr);
      if (made != nullptr) {
        *made = map->emplace(map, nullptr);
      }
    }
  };
  SlotMap<Watcher> map;
  Handle made;
  const Handle handle = map.emplace(&map, &made);
  map.find(handle)->self = handle;
  map.erase(handle);
  // What its destructor made lives, and not in the slot that was being left.
  EXPECT_NE(made.slot, handle.slot);
  ASSERT_NE(map.find(made), nullptr);
  EXPECT_EQ(map.size(), 1U);
}

TEST(SlotMap, AVisitMayEraseAndMakeObjects) {
  SlotMap<int> map;
  std::vector<Handle> handles;
  for (int i = 0; i < 1000; ++i) {
    handles.push_back(map.emplace(i));
  }
  int visited = 0;
  map.for_each([&](Handle handle, int& value) {
    EXPECT_EQ(handles[static_cast<std::size_t>(value)], handle);
    ++visited;
    map.erase(handle);
    if (value + 1 < 1000 && value % 2 == 0) {
      map.erase(handles[static_cast<std::size_t>(value + 1)]);
    }
  });
  EXPECT_EQ(visited, 500);
  EXPECT_EQ(map.size(), 0U);

  map.emplace(1);
  visited = 0;
  map.for_each([&](Handle, int&) {
    ++visited;
    for (int i = 0; i < 2000; ++i) {
      map.emplace(i);
    }
    map.clear();
  });
  EXPECT_EQ(visited, 1);
}

TEST(SlotMap, IsVisitedInPieces) {
  SlotMap<std::uint32_t> map;
  for (std::uint32_t i = 0; i < 700; ++i) {
    map.emplace(i);
  }
  std::vector<std::uint32_t> seen;
  for (std::uint32_t first = 0; first < map.slot_count(); first += 64) {
    map.for_each_in(first, first + 64, [&](Handle handle, std::uint32_t value) {
      EXPECT_EQ(handle.slot, value);
      seen.push_back(value);
    });
  }
  ASSERT_EQ(seen.size(), 700U);
  for (std::uint32_t i = 0; i < 700; ++i) {
    EXPECT_EQ(seen[i], i);
  }
}

TEST(SlotMap, BehavesAsAMapOfHandlesUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SplitMix64 random(seed);
    // Few generations, so that slots are retired all the time.
    SlotMap<Counted, 7> map;
    std::unordered_map<Handle, int> model;
    std::vector<Handle> ever;
    std::unordered_set<Handle> given;
    for (int step = 0; step < 5000; ++step) {
      const std::uint64_t choice = random.below(100);
      if (choice < (step % 2000 < 1000 ? 60U : 35U) || ever.empty()) {
        const Handle handle = map.emplace(step);
        ASSERT_TRUE(given.insert(handle).second) << "seed " << seed << ": a handle came twice";
        ASSERT_TRUE(handle);
        model[handle] = step;
        ever.push_back(handle);
      } else {
        const Handle handle = ever[random.below(ever.size())];
        const auto found = model.find(handle);
        const Counted* const object = map.find(handle);
        ASSERT_EQ(object != nullptr, found != model.end()) << "seed " << seed;
        if (object != nullptr) {
          ASSERT_EQ(object->value, found->second);
        }
        if (choice < 95) {
          ASSERT_EQ(map.erase(handle), model.erase(handle) == 1);
        }
      }
      ASSERT_EQ(map.size(), model.size());
      ASSERT_EQ(Counted::alive, static_cast<int>(model.size()));
    }
    std::size_t visited = 0;
    map.for_each([&](Handle handle, const Counted& object) {
      EXPECT_EQ(model.at(handle), object.value);
      ++visited;
    });
    EXPECT_EQ(visited, model.size());
  }
  EXPECT_EQ(Counted::alive, 0);
}

}  // namespace
}  // namespace wspush
