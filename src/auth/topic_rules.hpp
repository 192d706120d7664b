#pragma once

#include <cstdint>
#include <memory>

#include "wspush/auth/identity.hpp"
#include "wspush/config/config.hpp"
#include "wspush/hub/rule_source.hpp"

namespace wspush::auth {

enum class Verdict : std::uint8_t {
  kAllowed,
  kUnauthenticated,  ///< the rule wants a user and there is none
  kForbidden,
};

/// The `topics` of one generation of the configuration. Pure. Thread: any.
///
/// For a client the first rule whose `match` fits with its own `sub` in the place of `{user}`
/// decides. One without a `sub` has no rule with `{user}`: the next one that fits does.
class TopicRules final : public hub::RuleSource {
 public:
  explicit TopicRules(std::shared_ptr<const config::Config> config) : config_(std::move(config)) {}

  /// The rule of the topic's history and bounds, and of back ends: `{user}` is any one segment.
  /// Cost: O(rules x segments).
  const config::TopicRule* rule_of(ByteView topic) const override;
  /// Whether anybody may, with any token; `name` as in `subscribe_verdict`, which finds those who
  /// may not where others may.
  bool may_subscribe(ByteView name) const override;

  /// `who`: null: anonymous. `name`: a topic, or a pattern, which is allowed only if everything
  /// that it can match is: a rule that covers it allows it, and so does every rule before that one
  /// which fits some of its topics. (So several rules that only together cover a pattern do not.)
  /// No rule at all: kForbidden; kUnauthenticated where a user could have one.
  /// Cost: as `rule_of`; with a token's list times its entries.
  Verdict subscribe_verdict(const Identity* who, ByteView name) const;
  /// `is_subscribed`: to this topic, for the rules that say `subscriber`.
  Verdict publish_verdict(const Identity* who, ByteView topic, bool is_subscribed) const;

 private:
  enum class Act : std::uint8_t { kSubscribe, kPublish };

  const config::TopicRule* rule_for(const Identity* who, ByteView topic) const;
  Verdict judge_topic(Act act, const Identity* who, ByteView topic, bool is_subscribed) const;
  Verdict judge_pattern(const Identity* who, ByteView pattern) const;
  bool could_with_a_user(Act act, ByteView name) const;

  std::shared_ptr<const config::Config> config_;
};

}  // namespace wspush::auth
