#include "config/secret_files.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "config/file_reader.hpp"
#include "config/units.hpp"

namespace wspush::config {
namespace {

struct Context {
  const GivenKeys& given;
  FaultList& faults;

  void refuse(std::string_view key, std::string message) const {
    faults.add(given.position_of(key), std::string(key), std::move(message));
  }
};

void drop_line_end(std::string_view& text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
}

/// The content of the file that `key` names, without its last line end; nothing after a fault.
std::optional<std::string> read_secret(const Context& context, std::string_view key,
                                       const std::string& path, std::size_t bytes_max) {
  auto content = read_file(path, bytes_max);
  if (!content) {
    context.refuse(key, "found " + shown(path) + ", which cannot be read: " + content.error());
    return std::nullopt;
  }
  std::string_view text = *content;
  drop_line_end(text);
  if (text.empty()) {
    context.refuse(key, "found " + shown(path) + ", which is empty; allowed: a file with a secret");
    return std::nullopt;
  }
  return std::string(text);
}

bool is_given_twice(const Context& context, bool has_value, std::string_view key,
                    std::string_view file_key) {
  if (has_value) {
    context.refuse(file_key,
                   "found together with " + std::string(key) + "; allowed: one of the two");
  }
  return has_value;
}

void read_api_keys(Internal& internal, const Context& context) {
  constexpr std::string_view kKey = "internal.api_keys_file";
  const std::string& path = internal.api_keys_file;
  const auto content = read_secret(context, kKey, path, kApiKeysFileBytesMax);
  if (!content) {
    return;
  }
  std::string_view rest = *content;
  for (int number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    drop_line_end(line);
    if (line.empty()) {
      continue;
    }
    if (!kVisibleText.fits(line)) {
      context.refuse(kKey,
                     "found " + shown(path) + ", whose line " + std::to_string(number) +
                         " is no key (not shown); allowed: " + std::string(kVisibleText.allowed));
      return;
    }
    internal.api_keys.push_back({.key = std::string(line), .topics = {}});
  }
}

/// True when the URL of Redis brings its own password: `redis://user:password@host`.
bool has_password(std::string_view url) {
  const auto start = url.find("://");
  if (start == url.npos) {
    return false;
  }
  const std::string_view rest = url.substr(start + 3);
  const auto at = rest.find('@');
  return at != rest.npos && rest.substr(0, at).find(':') != rest.npos;
}

}  // namespace

void read_secret_files(Config& config, const GivenKeys& given, FaultList& faults) {
  const Context context{given, faults};
  Auth& auth = config.auth;
  if (!auth.hmac_secret_file.empty() &&
      !is_given_twice(context, !auth.hmac_secret.empty(), "auth.hmac_secret",
                      "auth.hmac_secret_file")) {
    if (auto secret =
            read_secret(context, "auth.hmac_secret_file", auth.hmac_secret_file, kSecretBytesMax)) {
      auth.hmac_secret = std::move(*secret);
    }
  }
  Internal& internal = config.internal;
  if (!internal.api_keys_file.empty() &&
      !is_given_twice(context, !internal.api_keys.empty(), "internal.api_keys",
                      "internal.api_keys_file")) {
    read_api_keys(internal, context);
  }
  RedisEngine& redis = config.engine.redis;
  if (!redis.password_file.empty() &&
      !is_given_twice(context, has_password(redis.url), "a password in engine.redis.url",
                      "engine.redis.password_file")) {
    if (auto secret = read_secret(context, "engine.redis.password_file", redis.password_file,
                                  kSecretBytesMax)) {
      redis.password = std::move(*secret);
    }
  }
}

}  // namespace wspush::config
