#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/check.hpp"
#include "base/percent.hpp"
#include "net/tls_records.hpp"

// The other end of TlsRecords, for tests and the fuzzer: it knows the keys and says whatever it is
// told to, honest or not. Built on the AEAD alone, not on the record layer that it tries.
namespace wspush::net {

inline std::string from_hex(ByteView hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += hex[i] == ' ' ? 1U : 2U) {
    if (hex[i] != ' ') {
      bytes.push_back(
          static_cast<char>(hex_digit_value(hex[i]) * 16 + hex_digit_value(hex[i + 1])));
    }
  }
  return bytes;
}

inline std::string octets(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<char>(value));
  }
  return bytes;
}

/// One direction, as the peer has it.
class TlsTestKeys {
 public:
  TlsTestKeys(TlsSuite suite, ByteView secret, std::uint64_t sequence = 0) : suite_(suite) {
    std::ranges::copy(secret, keys_.secret.begin());
    WSPUSH_CHECK(secret.size() == secret_bytes(suite) && crypto_.derive(suite, keys_));
    keys_.sequence = sequence;
  }

  const TlsTrafficKeys& keys() const { return keys_; }
  void advance() { WSPUSH_CHECK(crypto_.advance(suite_, keys_)); }

  /// A record with `inner` in it: content, type, zeros. `type` and `version` are those outside.
  std::string record(std::string inner, int type = 23, int version = 0x0303) {
    const std::size_t sealed = inner.size() + TlsCrypto::kTagBytes;
    const std::string header =
        octets({type, version >> 8, version & 0xff, static_cast<int>(sealed >> 8U),
                static_cast<int>(sealed & 0xffU)});
    std::string tag(TlsCrypto::kTagBytes, '\0');
    WSPUSH_CHECK(crypto_.seal(suite_, keys_, header, inner, tag.data()));
    return header + inner + tag;
  }
  std::string say(TlsContent type, ByteView content, std::size_t padding = 0) {
    return record(std::string(content) + static_cast<char>(type) + std::string(padding, '\0'));
  }
  std::string data(ByteView content) { return say(TlsContent::kApplicationData, content); }
  std::string alert(int level, int description) {
    return say(TlsContent::kAlert, octets({level, description}));
  }
  std::string key_update(int request) {
    std::string said = say(TlsContent::kHandshake, octets({24, 0, 0, 1, request}));
    advance();
    return said;
  }

  /// What is in the first record of `input`, which is taken off; type and zeros too. Empty if it
  /// does not open.
  std::string open(std::string& input) {
    const ByteView header = ByteView(input).substr(0, 5);
    WSPUSH_CHECK(header.size() == 5);
    const std::size_t sealed =
        static_cast<unsigned char>(header[3]) * 256U + static_cast<unsigned char>(header[4]);
    WSPUSH_CHECK(input.size() >= 5 + sealed && sealed >= TlsCrypto::kTagBytes);
    std::string inner(sealed - TlsCrypto::kTagBytes, '\0');
    const bool is_good =
        crypto_.open(suite_, keys_, header, ByteView(input).substr(5, sealed), inner.data());
    input.erase(0, 5 + sealed);
    return is_good ? inner : std::string();
  }

 private:
  TlsCrypto crypto_;
  TlsSuite suite_;
  TlsTrafficKeys keys_;
};

inline std::span<const unsigned char> as_secret(const std::string& secret) {
  return {reinterpret_cast<const unsigned char*>(secret.data()), secret.size()};
}

}  // namespace wspush::net
