#pragma once

#include <cstdint>
#include <memory>

#include "wspush/base/clock.hpp"
#include "wspush/config/config.hpp"

#include "api/server_view.hpp"
#include "auth/topic_rules.hpp"
#include "hub/hub.hpp"
#include "metrics/reactor_metrics.hpp"

namespace wspush::api {

/// What a reactor offers to the requests of the internal listener. One per reactor; outlives them.
/// `config` and `rules` are swapped together by a reload: keep no pointer into them over a turn.
struct ApiContext {
  hub::Hub& hub;
  ServerView& server;
  metrics::ReactorMetrics& metrics;
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const auth::TopicRules> rules;
  TimePoint now{};  ///< of this turn
  WallTime wall{};
  std::uint16_t reactor = 0;
};

}  // namespace wspush::api
