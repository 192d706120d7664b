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

  /// Cost: O(rules x segments).
  const config::TopicRule* rule_of(ByteView topic) const override;
  bool may_subscribe(const config::TopicRule& rule) const override {
    return subscribe_verdict(rule) == Verdict::kAllowed;
  }

  /// For an anonymous client.
  Verdict subscribe_verdict(const config::TopicRule& rule) const;
  Verdict publish_verdict(const config::TopicRule& rule, bool is_subscribed) const;

 private:
  std::shared_ptr<const config::Config> config_;
};

}  // namespace wspush::auth
