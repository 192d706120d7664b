#pragma once

#include "wspush/base/bytes.hpp"
#include "wspush/config/config.hpp"

namespace wspush::hub {

/// Where topics find their rule. One generation of the configuration; outlived by nobody who keeps
/// a rule of it.
class RuleSource {
 public:
  virtual ~RuleSource() = default;
  /// The first rule that fits, or null: the topic does not exist.
  virtual const config::TopicRule* rule_of(ByteView topic) const = 0;
  /// Whether anybody may subscribe to `topic`; where not, whoever is subscribed loses that. Those
  /// whom a rule lets in and not everybody are looked at by who knows them.
  virtual bool may_subscribe(ByteView topic) const = 0;
};

}  // namespace wspush::hub
