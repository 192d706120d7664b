#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "wspush/auth/identity.hpp"
#include "wspush/base/bytes.hpp"
#include "wspush/config/config.hpp"

#include "auth/topic_rules.hpp"

namespace wspush::door {

class Session;
struct Context;

/// Whether a client may publish to a topic, and the topic's rule: null where none fits it, never
/// where it may. Lifetime of the rule: this turn.
struct PublishRight {
  auth::Verdict verdict;
  const config::TopicRule* rule;
};

/// Judges what the clients of a reactor publish. It remembers the last topic and client: whoever
/// publishes much goes on with both mostly, and finding the rule is half of what a small message
/// costs. A reload makes it forget, as the rules are others then. Thread: the reactor's own.
class PublishAccess {
 public:
  /// For the client of `session` in `slot`. Cost: O(bytes of the topic) where both are the last,
  /// else that of `TopicRules::publish_verdict`.
  PublishRight judge(const Context& context, const Session& session, std::uint32_t slot,
                     ByteView topic);

  /// True: `judge` was last asked for this name, so it is known what is in it.
  bool is_last(ByteView topic) const { return topic == topic_ && !topic_.empty(); }

 private:
  std::string topic_;
  auth::IdentityRef who_;  ///< kept, so that no other client's can stand in its place
  std::shared_ptr<const auth::TopicRules> rules_;
  const config::TopicRule* rule_ = nullptr;
  auth::Verdict if_subscribed_ = auth::Verdict::kForbidden;
  auth::Verdict if_not_ = auth::Verdict::kForbidden;
};

}  // namespace wspush::door
