#pragma once

#include <cstdint>
#include <memory>

#include "wspush/config/config.hpp"
#include "wspush/hub/rule_source.hpp"

namespace wspush::auth {

enum class Verdict : std::uint8_t {
  kAllowed,
  kUnauthenticated,  ///< the rule wants a user and there is none
  kForbidden,
};

/// The `topics` of one generation of the configuration. Pure. Thread: any.
class TopicRules final : public hub::RuleSource {
 public:
  explicit TopicRules(std::shared_ptr<const config::Config> config) : config_(std::move(config)) {}

  /// The rule of the topic's history and bounds, and of back ends: `{user}` is any one segment.
  /// Cost: O(rules x segments).
  const config::TopicRule* rule_of(ByteView topic) const override;
  bool may_subscribe(ByteView topic) const override {
    return subscribe_verdict(topic) == Verdict::kAllowed;
  }

  /// For an anonymous client: it has no `sub`, so no rule with `{user}` is its own, and the next
  /// one that fits decides. No rule at all: kForbidden. Cost: as `rule_of`. A pattern may be
  /// subscribed to if everything that it can match may be.
  Verdict subscribe_verdict(ByteView topic) const;
  Verdict publish_verdict(ByteView topic, bool is_subscribed) const;

 private:
  const config::TopicRule* rule_of_anonymous(ByteView topic) const;
  Verdict judge_pattern(ByteView pattern) const;

  std::shared_ptr<const config::Config> config_;
};

}  // namespace wspush::auth
