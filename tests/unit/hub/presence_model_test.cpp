// Random lives of members in several reactors, against an obvious idea of who is there: the table,
// and what each watcher makes of the joins and leaves that it was told. A failure prints its seed.
#include <map>
#include <set>

#include "unit/hub/presence_rig.hpp"

namespace wspush::hub::test {
namespace {

using config::Presence;
using std::chrono::milliseconds;

constexpr std::size_t kSlots = 8;

/// What one client has of one topic.
struct View {
  std::map<std::string, bool> heard;  ///< by user: the last thing was a join
  bool is_whole = false;              ///< from here on it must know everybody
  std::string count;
};

class PresenceWorld : public PresenceRig {
 protected:
  struct Person {
    std::string user;  ///< empty: anonymous
    bool is_watcher = true;
    std::size_t read = 0;               ///< of its stream
    std::map<std::string, View> views;  ///< by topic that it is subscribed to
  };

  void run(std::uint64_t seed) {
    chance_ = std::make_unique<SplitMix64>(seed);
    start(static_cast<std::uint16_t>(1 + below(3)));
    people_.assign(reactors_.size(), std::vector<std::optional<Person>>(kSlots));
    for (int i = 0; i < 3; ++i) {
      topics_.push_back(room_at(below(reactors_.size()), any_kind()));
    }
    for (int round = 0; round < 6 && !HasFailure(); ++round) {
      for (int i = 0; i < 60 && !HasFailure(); ++i) {
        step();
      }
      settle();
      if (below(2) == 0) {
        change_rules();
      }
    }
    leave_all();
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return chance_->below(bound); }
  Presence any_kind() {
    const std::uint64_t chance = below(8);
    return chance == 0 ? Presence::kOff : chance < 3 ? Presence::kCount : Presence::kOn;
  }

  void step() {
    const std::size_t reactor = below(reactors_.size());
    const auto slot = static_cast<std::uint32_t>(below(kSlots));
    std::optional<Person>& person = people_[reactor][slot];
    const std::string topic = topics_[below(topics_.size())];
    if (below(2) == 0) {
      turn_some(reactor);
    } else if (!person && at(reactor).client(slot) == nullptr) {
      person.emplace();
      person->user = below(5) == 0 ? "" : "u" + std::to_string(below(6));
      person->is_watcher = below(4) > 0;
      come(slot, person->user, reactor, below(3) == 0 ? Reader::kFlaky : Reader::kPerfect);
    } else if (!person) {
      turn_some(reactor);  // Its forerunner has to go first.
    } else if (at(reactor).client(slot) == nullptr || at(reactor).client(slot)->is_dead) {
      person.reset();  // Its socket broke.
    } else if (const std::uint64_t chance = below(10); chance == 0) {
      at(reactor).disconnect(slot);
      person.reset();
    } else if (chance == 1 && person->user.empty() && !at(reactor).client(slot)->is_preparing) {
      person->user = "u" + std::to_string(below(6));
      at(reactor).client(slot)->user = user_named(person->user);
      hub(reactor).set_user(slot, user_named(person->user));
    } else if (chance < 4) {
      at(reactor).unblock(slot);
    } else if (at(reactor).client(slot)->is_preparing) {
      turn_some(reactor);
    } else if (hub(reactor).is_subscribed(slot, topic)) {
      at(reactor).unsubscribe(slot, topic);
    } else {
      enter(slot, topic, reactor,
            person->is_watcher ? PresenceRole::kWatcher : PresenceRole::kMember);
    }
  }

  void turn_some(std::size_t reactor) {
    now_ += milliseconds(below(300));
    at(reactor).turn(now_, below(2) == 0 ? kAll : below(3), 1 + below(4) * 500);
  }

  void settle() {
    for (std::size_t reactor = 0; reactor < reactors_.size(); ++reactor) {
      at(reactor).set_calm(true);
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        if (at(reactor).client(slot) != nullptr) {
          at(reactor).unblock(slot);
        }
      }
    }
    rest();
    now_ += kCountInterval;
    rest();
    for (const std::string& topic : topics_) {
      check(topic);
    }
    for (std::size_t reactor = 0; reactor < reactors_.size(); ++reactor) {
      at(reactor).set_calm(false);
    }
  }

  /// Who is there by what was done, and nothing else.
  std::map<std::string, int> expected(const std::string& topic) {
    std::map<std::string, int> members;
    for (std::size_t reactor = 0; reactor < people_.size(); ++reactor) {
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        const std::optional<Person>& person = people_[reactor][slot];
        if (person && at(reactor).client(slot) != nullptr && !person->user.empty() &&
            rule(topic).presence != Presence::kOff && hub(reactor).is_subscribed(slot, topic)) {
          ++members[person->user];
        }
      }
    }
    return members;
  }

  void check(const std::string& topic) {
    const std::map<std::string, int> there = expected(topic);
    const MembersReply reply = members(topic, below(reactors_.size()));
    ASSERT_EQ(reply.count, there.size());
    if (rule(topic).presence != Presence::kCount) {
      std::size_t listed = 0;
      for (const auto& [user, connections] : there) {
        const std::string member = "{\"user\":\"" + user + "\",\"info\":null,\"connections\":" +
                                   std::to_string(connections) + "}";
        ASSERT_NE(reply.members.find(member), std::string::npos) << member << reply.members;
        listed += member.size() + 1;
      }
      ASSERT_EQ(reply.members.size(), listed == 0 ? 0 : listed - 1);
    }
    for (std::size_t reactor = 0; reactor < people_.size(); ++reactor) {
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        std::optional<Person>& person = people_[reactor][slot];
        if (person && at(reactor).client(slot) != nullptr) {
          check_view(topic, there, *person, reactor, slot);
        }
      }
    }
  }

  void check_view(const std::string& topic, const std::map<std::string, int>& there, Person& person,
                  std::size_t reactor, std::uint32_t slot) {
    SCOPED_TRACE("reactor " + std::to_string(reactor) + " slot " + std::to_string(slot));
    read(person, at(reactor).client(slot)->stream);
    const Presence kind = rule(topic).presence;
    if (!hub(reactor).is_subscribed(slot, topic)) {
      return;
    }
    View& view = person.views[topic];
    if (!person.is_watcher || kind == Presence::kOff) {
      ASSERT_TRUE(view.heard.empty());
      return;
    }
    if (kind == Presence::kCount) {
      ASSERT_EQ(view.count, std::to_string(there.size()));
      return;
    }
    for (const auto& [user, is_there] : view.heard) {
      ASSERT_EQ(is_there, there.contains(user)) << user;
    }
    for (const auto& [user, connections] : there) {
      ASSERT_TRUE(!view.is_whole || view.heard.contains(user)) << user << " was not told";
      view.heard[user] = true;  // As `members` says.
    }
    view.is_whole = true;
  }

  void read(Person& person, const std::string& stream) {
    for (std::size_t end; (end = stream.find('\n', person.read)) != std::string::npos;
         person.read = end + 1) {
      const std::string line = stream.substr(person.read, end - person.read);
      std::istringstream in(line);
      std::string kind;
      std::string topic;
      in >> kind >> topic;
      if (kind == "S" || kind == "U") {
        person.views.erase(topic);
      }
      const PresenceLine event = read_presence(line);
      if (event.kind == 0) {
        continue;
      }
      View& view = person.views[event.topic];
      if (event.kind == '#') {
        view.count = event.text;
        continue;
      }
      const bool is_join = event.kind == '+';
      const auto heard = view.heard.find(event.text);
      if (heard != view.heard.end()) {
        ASSERT_TRUE(is_changing_ || heard->second != is_join) << event.text << " flaps";
      } else {
        ASSERT_TRUE(is_join || !view.is_whole) << event.text << " leaves and was not there";
      }
      view.heard[event.text] = is_join;
    }
  }

  void change_rules() {
    const std::string& topic = topics_[below(topics_.size())];
    const Presence before = rule(topic).presence;
    rule(topic).presence = any_kind();
    if (rule(topic).presence == before) {
      return;
    }
    read_all();
    is_changing_ = true;  // Reactors hear of it one after the other.
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < reactors_.size(); ++i) {
      order.insert(order.begin() + static_cast<std::ptrdiff_t>(below(i + 1)), i);
    }
    for (const std::size_t reactor : order) {
      hub(reactor).set_rules(rules_);
      if (below(2) == 0) {
        at(reactor).turn(now_, kAll, kAll);
      }
    }
    rest();
    now_ += kCountInterval;
    rest();
    for (auto& reactor : people_) {
      for (auto& person : reactor) {
        if (person) {
          person->views[topic] = {};  // Joins may be told again.
        }
      }
    }
    read_all();
    is_changing_ = false;
    for (auto& reactor : people_) {
      for (auto& person : reactor) {
        if (person) {  // What it was told may be of the other kind: who is there is asked again.
          person->views[topic].heard.clear();
          person->views[topic].is_whole = false;
        }
      }
    }
  }

  void read_all() {
    for (std::size_t reactor = 0; reactor < people_.size(); ++reactor) {
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        std::optional<Person>& person = people_[reactor][slot];
        if (person && at(reactor).client(slot) != nullptr) {
          read(*person, at(reactor).client(slot)->stream);
        }
      }
    }
  }

  void leave_all() {
    for (std::size_t reactor = 0; reactor < reactors_.size(); ++reactor) {
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        if (at(reactor).client(slot) != nullptr) {
          at(reactor).disconnect(slot);
        }
      }
    }
    rest();
    for (std::size_t reactor = 0; reactor < reactors_.size(); ++reactor) {
      ASSERT_EQ(hub(reactor).home_member_count(), 0U);
      ASSERT_EQ(hub(reactor).subscription_count(), 0U);
    }
  }

  bool is_changing_ = false;  ///< the rules, just now
  std::unique_ptr<SplitMix64> chance_;
  std::vector<std::string> topics_;
  std::vector<std::vector<std::optional<Person>>> people_;
};

/// One life; it is no test of its own, so that there can be many in one.
class PresenceLife final : public PresenceWorld {
 public:
  using PresenceWorld::run;
  void TestBody() override {}
};

TEST(PresenceModel, EverybodyKnowsWhoIsThere) {
  for (std::uint64_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PresenceLife().run(seed);
  }
}

}  // namespace
}  // namespace wspush::hub::test
