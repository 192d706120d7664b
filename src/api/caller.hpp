#pragma once

#include <memory>
#include <optional>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/result.hpp"
#include "wspush/config/config.hpp"

#include "auth/api_key.hpp"
#include "http/exchange.hpp"

namespace wspush::api {

/// Who asks: the holder of an API key, or a loopback peer where no key is configured. A request may
/// live long (NDJSON), so a reload is noticed: a key that is gone may nothing from then on.
class Caller {
 public:
  /// Nobody has been asked for a key: for what is open to all. May nothing.
  Caller() = default;

  /// `Authorization: Bearer <key>`. Null: neither a configured key, nor a loopback peer where there
  /// are none.
  static std::optional<Caller> identify(http::Exchange& exchange,
                                        std::shared_ptr<const config::Config> config);

  /// Whether it may do it with `topic`, by the configuration as it is now.
  bool may(auth::ApiRight right, ByteView topic, const std::shared_ptr<const config::Config>& now);
  /// Whether it may at all, for requests that name no topic.
  bool may(auth::ApiRight right, const std::shared_ptr<const config::Config>& now);

  /// True where its key is only for some topics.
  bool is_restricted() const { return key_ != nullptr && !key_->topics.empty(); }

 private:
  void look_up(std::shared_ptr<const config::Config> config);

  std::string presented_;
  bool is_loopback_ = false;
  /// Which generation `key_` was found in; keeps it alive.
  std::shared_ptr<const config::Config> config_;
  const config::ApiKey* key_ = nullptr;  ///< null with `is_known_`: loopback without keys
  bool is_known_ = false;
};

}  // namespace wspush::api
