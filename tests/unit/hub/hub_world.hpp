#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "wspush/hub/topic_name.hpp"

#include "unit/hub/fake_reactor.hpp"

namespace wspush::hub::test {

/// The rules of a test, by the topic's name.
class FakeRules final : public RuleSource {
 public:
  std::map<std::string, config::TopicRule> rules;
  std::map<std::string, bool> is_withdrawn;
  config::TopicRule pattern_rule;

  const config::TopicRule* rule_of(ByteView topic) const override {
    if (is_feed(topic)) {
      return &pattern_rule;
    }
    const auto found = rules.find(std::string(topic));
    return found == rules.end() ? nullptr : &found->second;
  }
  bool may_subscribe(ByteView topic) const override {
    if (is_feed(topic)) {
      return std::all_of(rules.begin(), rules.end(), [&](const auto& rule) {
        return !pattern_matches(topic, rule.first) || may_subscribe(rule.first);
      });
    }
    const auto found = is_withdrawn.find(std::string(topic));
    return rules.contains(std::string(topic)) && (found == is_withdrawn.end() || !found->second);
  }
};

/// Several reactors with clients of every kind, driven by one seed.
class HubWorld {
 public:
  explicit HubWorld(std::uint64_t seed);

  /// One random thing happens; then every stream is looked at.
  void step();
  /// Sockets take everything, mail arrives: everybody must have everything, or have been told.
  void settle();
  /// All clients go, everything gets old: nothing may be left.
  void end();

  std::uint64_t messages() const { return messages_; }
  std::uint64_t gaps() const { return gaps_; }
  /// Feeds that went on after a position without a loss.
  std::uint64_t recovered() const { return recovered_; }
  /// Deliveries that receipts spoke of.
  std::uint64_t written() const { return written_; }

 private:
  static constexpr std::size_t kClientSlots = 6;
  struct Asked {
    std::string topic;
    std::string payload;  ///< of a publish
    After after;          ///< of a history
    std::uint32_t limit = 0;
    bool wants_receipt = false;
    bool is_answered = false;
  };

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  FakeReactor& any_reactor() { return *reactors_[below(reactors_.size())]; }
  const std::string& any_topic() { return topics_[below(topics_.size())]; }
  std::string any_feed();
  std::uint32_t any_slot() { return static_cast<std::uint32_t>(below(kClientSlots)); }
  After any_after(const std::string& topic);
  After any_position(const std::string& feed);
  std::uint64_t subscriptions_to(FakeReactor& reactor, const std::string& topic) const;
  void count(const StreamChecker& checker);
  std::uint64_t kept_from(const std::string& topic, MessageId last) const;
  std::uint32_t ask(Asked asked);

  void publish();
  void subscribe();
  void change_client();
  void ask_history();
  void pass_time();
  void reload();
  void on_answer(std::uint32_t item, const Reply& reply);
  void check_published(const Asked& asked, const PublishedReply& reply);
  void check_receipt(const Asked& asked, const PublishedReply& reply);
  void check_history(const Asked& asked, const HistoryReply& reply);
  void check_client(FakeReactor& reactor, std::uint32_t slot);
  void check_feeds(const Client& client);
  void check_newest_of_keys(const std::string& topic, const StreamChecker::Seen& state);
  void check_logs();
  void check_views();
  void run_until_idle();

  SplitMix64 random_;
  TimePoint now_{std::chrono::hours(1)};
  Record record_;
  HubShared shared_;
  FakeRules rules_;
  FakeRules other_rules_;
  FakePost post_;
  std::vector<std::string> topics_;
  std::vector<std::string> feeds_;
  std::vector<std::unique_ptr<FakeReactor>> reactors_;
  std::vector<Asked> asked_;
  std::map<std::string, std::string> key_of_payload_;
  std::uint64_t published_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t recovered_ = 0;
  std::uint64_t written_ = 0;
  bool has_limits_ = false;  ///< topics and history are bounded over all
  bool has_reloads_ = false;
  bool has_keys_ = false;  ///< of messages
  /// More is published in one turn than waits for its end: who has a reply queued meanwhile may
  /// lose some of it.
  bool has_bursts_ = false;
};

}  // namespace wspush::hub::test
