#include "auth/api_key.hpp"

#include <algorithm>

#include <openssl/crypto.h>

#include "wspush/hub/topic_name.hpp"

namespace wspush::auth {

const config::ApiKey* find_api_key(std::span<const config::ApiKey> keys, ByteView presented) {
  const config::ApiKey* found = nullptr;
  for (const config::ApiKey& key : keys) {
    if (key.key.size() == presented.size() &&
        CRYPTO_memcmp(key.key.data(), presented.data(), presented.size()) == 0) {
      found = &key;
    }
  }
  return found;
}

bool has_right(const config::ApiKey* key, ApiRight right) {
  return key == nullptr || (right == ApiRight::kPublish ? key->can_publish : key->can_read);
}

bool is_permitted(const config::ApiKey* key, ApiRight right, ByteView topic) {
  return has_right(key, right) &&
         (key == nullptr || key->topics.empty() ||
          std::any_of(key->topics.begin(), key->topics.end(), [&](const std::string& pattern) {
            return hub::pattern_matches(pattern, topic);
          }));
}

}  // namespace wspush::auth
