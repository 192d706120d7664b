#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "wspush/base/clock.hpp"
#include "wspush/base/random.hpp"
#include "wspush/config/config.hpp"

#include "auth/authenticator.hpp"
#include "auth/topic_rules.hpp"
#include "base/json.hpp"
#include "door/deflation.hpp"
#include "door/publish_access.hpp"
#include "http/http_date.hpp"
#include "hub/hub.hpp"
#include "metrics/reactor_metrics.hpp"

namespace wspush::door {

class AnswerInCall;

/// What a reactor offers to its sessions. One per reactor; outlives them. `config` and `rules` are
/// swapped together by a reload: keep no pointer into them over a turn.
struct Context {
  hub::Hub& hub;
  metrics::ReactorMetrics& metrics;
  Random& random;
  Deflation& deflation;
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const auth::TopicRules> rules;
  TimePoint now{};  ///< of this turn
  WallTime wall{};
  http::HttpDateClock http_dates{};
  std::uint16_t reactor = 0;
  std::uint64_t instance = 0;  ///< of this process: mixed into connection ids
  bool is_draining = false;
  auth::Authenticator authenticator{};
  /// When `auth.required` was last switched on: who was anonymous before has its `timeout` from
  /// then on.
  TimePoint auth_required_since{};
  PublishAccess publish_access{};
  /// Of the publish that is being handed to the hub now: null mostly.
  AnswerInCall* answer_in_call = nullptr;

  /// A reload: all of it together. Returns whether somebody's rights may be others now.
  bool use(std::shared_ptr<const config::Config> new_config,
           std::shared_ptr<const auth::TopicRules> new_rules,
           std::shared_ptr<const auth::JwtVerifier> new_tokens) {
    if (new_config->auth.required && !config->auth.required) {
      auth_required_since = now;
    }
    const bool are_rights_new =
        new_config->topics != config->topics || new_config->auth != config->auth;
    config = std::move(new_config);
    rules = std::move(new_rules);
    authenticator.use(std::move(new_tokens));
    return are_rights_new;
  }
};

/// The public name of a connection (`welcome`, API): 24 lower-case hex digits.
std::string connection_id(const Context& context, Handle handle);

/// A connection id taken apart; false where it is none of this process.
bool parse_connection_id(ByteView id, std::uint64_t instance, std::uint16_t& reactor,
                         Handle& handle);

}  // namespace wspush::door
