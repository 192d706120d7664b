#pragma once

#include <memory>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"
#include "wspush/config/config.hpp"

#include "api/api_error.hpp"
#include "auth/api_key.hpp"
#include "auth/topic_rules.hpp"
#include "http/exchange.hpp"

namespace wspush::api {

/// Who asks: the holder of an API key, or a loopback peer where no key is configured. A request may
/// live long (NDJSON), so a reload is noticed: a key that is gone may nothing from then on.
class Caller {
 public:
  /// Nobody has been asked for a key: for what is open to all. May nothing.
  Caller() = default;

  /// `Authorization: Bearer <key>`; without configured keys a loopback peer.
  /// Errors: unauthenticated (401), forbidden (403: there are no keys, and the peer is elsewhere).
  static Result<Caller, ApiError> identify(const http::Exchange& exchange,
                                           const std::shared_ptr<const config::Config>& config);

  /// Whether it may do it with `topic`, by the configuration as it is now.
  bool may(auth::ApiRight right, ByteView topic, const std::shared_ptr<const config::Config>& now);
  /// Whether it may at all, for requests that name no topic.
  bool may(auth::ApiRight right, const std::shared_ptr<const config::Config>& now);

  /// True where its key is only for some topics, as it was when last asked.
  bool is_restricted() const;

  /// What `admit_next` last admitted: who publishes a stream goes on with a topic mostly. Good as
  /// long as both generations are those of now.
  struct Admitted {
    std::string topic;
    const config::TopicRule* rule = nullptr;
    std::shared_ptr<const config::Config> config;  ///< null: nothing was admitted yet
    std::shared_ptr<const auth::TopicRules> rules;
  };
  Admitted last_admitted;

 private:
  void look_up(const std::shared_ptr<const config::Config>& config);

  std::string presented_;
  bool is_loopback_ = false;
  bool is_known_ = false;
  const config::ApiKey* key_ = nullptr;  ///< null where it is known: loopback without keys
  /// The generation that `key_` was found in, and stands in.
  std::shared_ptr<const config::Config> config_;
};

}  // namespace wspush::api
