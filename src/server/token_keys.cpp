#include "server/token_keys.hpp"

#include <iterator>
#include <utility>

#include "auth/jwks.hpp"
#include "config/fault_list.hpp"
#include "config/file_reader.hpp"

namespace wspush::server {
namespace {

using auth::VerificationKey;

Result<std::vector<VerificationKey>, std::string> parse_pem(ByteView text) {
  auto key = VerificationKey::from_pem(text);
  if (!key) {
    return Unexpected(key.error());
  }
  std::vector<VerificationKey> keys;
  keys.push_back(std::move(*key));
  return keys;
}

}  // namespace

Result<std::shared_ptr<const auth::JwtVerifier>, std::vector<TokenKeyFault>> open_token_keys(
    const config::Auth& auth) {
  std::vector<VerificationKey> keys;
  std::vector<TokenKeyFault> faults;
  const auto read = [&](const std::string& path, std::string name, auto parse) {
    if (path.empty()) {
      return;
    }
    const auto text = config::read_file(path, kKeyFileBytesMax);
    if (!text) {
      faults.push_back({std::move(name), "found " + config::shown(path) +
                                             ", which cannot be read: " + text.error()});
      return;
    }
    auto parsed = parse(*text);
    if (!parsed) {
      faults.push_back(
          {std::move(name), "found " + config::shown(path) + ", with " + parsed.error()});
      return;
    }
    std::move(parsed->begin(), parsed->end(), std::back_inserter(keys));
  };
  if (!auth.hmac_secret.empty()) {
    keys.push_back(VerificationKey::from_secret(auth.hmac_secret));
  }
  read(auth.public_key_file, "auth.public_key_file", parse_pem);
  read(auth.jwks_file, "auth.jwks_file", auth::parse_jwks);
  if (!faults.empty()) {
    return Unexpected(std::move(faults));
  }
  return std::make_shared<const auth::JwtVerifier>(
      std::move(keys),
      auth::JwtVerifier::Options{
          .audience = auth.audience, .issuer = auth.issuer, .clock_skew = auth.clock_skew});
}

}  // namespace wspush::server
