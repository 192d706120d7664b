#pragma once

#include <memory>
#include <sstream>
#include <string>

#include "unit/hub/hub_rig.hpp"

namespace wspush::hub::test {

inline PresentUser user_named(const std::string& name, const std::string& info = {}) {
  if (name.empty()) {
    return {};
  }
  return {.name = std::make_shared<const std::string>(name),
          .info = std::make_shared<const std::string>(info)};
}

/// One thing that a watcher was told.
struct PresenceLine {
  char kind;  ///< + - #
  std::string topic;
  std::string text;  ///< the user, or the number
};

/// The line of a stream that says so; kind 0 where it says something else.
inline PresenceLine read_presence(const std::string& line) {
  std::istringstream in(line);
  std::string mark;
  std::string event;
  PresenceLine read{};
  in >> mark >> event >> read.topic >> read.text;
  if (mark != "P") {
    return {};
  }
  read.kind = event == kJoinEvent ? '+' : event == kLeaveEvent ? '-' : '#';
  if (read.kind != '#') {
    const std::size_t begin = read.text.find(":\"") + 2;
    read.text = read.text.substr(begin, read.text.find('"', begin) - begin);
  }
  return read;
}

/// Reactors with topics whose rules keep presence.
class PresenceRig : public HubRig {
 protected:
  std::string room_at(std::size_t reactor, config::Presence kind = config::Presence::kOn) {
    const std::string topic = topic_at(reactor);
    rule(topic).presence = kind;
    return topic;
  }
  /// A new client of `name` (empty: anonymous), not subscribed yet.
  Client& come(std::uint32_t slot, const std::string& name, std::size_t reactor = 0,
               Reader reader = Reader::kPerfect) {
    Client& client = connect(slot, reactor, reader);
    client.user = user_named(name);
    return client;
  }
  void enter(std::uint32_t slot, const std::string& topic, std::size_t reactor = 0,
             PresenceRole role = PresenceRole::kWatcher) {
    subscribe(slot, topic, reactor, {.role = role, .user = at(reactor).client(slot)->user});
  }
  /// What it was told so far: " +u1 -u2 #3".
  static std::string told(const Client& client) {
    std::string all;
    std::istringstream in(client.stream);
    for (std::string line; std::getline(in, line);) {
      if (const PresenceLine read = read_presence(line); read.kind != 0) {
        all += std::string(" ") + read.kind + read.text;
      } else if (line[0] == 'X') {
        all += " X";
      }
    }
    return all;
  }
  MembersReply members(const std::string& topic, std::size_t reactor = 0, std::uint32_t from = 0,
                       std::uint32_t limit = 100) {
    answers_.emplace_back(HubError::kUnavailable);
    const auto item = static_cast<std::uint32_t>(answers_.size() - 1);
    hub(reactor).members(topic, from, limit, at(reactor).reply_to(item));
    rest();
    return answer<MembersReply>(item);
  }
  void reload() {
    for (std::size_t i = 0; i < reactors_.size(); ++i) {
      hub(i).set_rules(rules_);
    }
    rest();
    now_ += kCountInterval;  // Until all reactors have heard of it nothing is told.
    rest();
  }
};

}  // namespace wspush::hub::test
