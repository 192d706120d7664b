#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "wspush/base/bytes.hpp"

namespace wspush::net {

/// The hashes of TLS 1.3's cipher suites.
enum class TlsHash : std::uint8_t { kSha256, kSha384 };

/// Of its results, and so of the secrets made with it.
constexpr std::size_t hash_bytes(TlsHash hash) {
  return hash == TlsHash::kSha256 ? 32 : 48;
}
inline constexpr std::size_t kTlsHashBytesMax = 48;

/// By a name that libcrypto knows it by: "SHA256", "SHA2-384". Nothing for any other.
std::optional<TlsHash> find_tls_hash(const char* name);

// The key derivation of RFC 5869 in the form that RFC 8446 §7.1 gives it. libcrypto has it too, and
// looks up everything by its name for each of the two dozen secrets of a handshake: 2.2 us where
// the four blocks that are hashed take 0.3.
//
// False only for want of memory, or where more is asked for than there can be. Thread: any.

/// HKDF-Extract(`salt`, `secret`) into `into`, which has hash_bytes(`hash`).
[[nodiscard]] bool hkdf_extract(TlsHash hash, std::span<const unsigned char> salt,
                                std::span<const unsigned char> secret,
                                std::span<unsigned char> into);

/// HKDF-Expand-Label(`secret`, `label`, `context`, size of `into`). `label` goes without "tls13 "
/// before it; it has at most 249 bytes, `context` at most 255.
[[nodiscard]] bool hkdf_expand_label(TlsHash hash, std::span<const unsigned char> secret,
                                     ByteView label, std::span<const unsigned char> context,
                                     std::span<unsigned char> into);

/// The hash of no bytes at all: the transcript between two stages of the schedule.
[[nodiscard]] bool hash_of_nothing(TlsHash hash, std::span<unsigned char> into);

}  // namespace wspush::net
