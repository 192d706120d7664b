#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "wspush/base/bytes.hpp"

struct evp_cipher_ctx_st;

namespace wspush::net {

/// The cipher suites of TLS 1.3 that are served (RFC 8446 §B.4).
enum class TlsSuite : std::uint8_t { kAes128GcmSha256, kAes256GcmSha384, kChaCha20Poly1305Sha256 };
inline constexpr std::size_t kTlsSuiteCount = 3;

/// By its number on the wire, 0x1301 to 0x1303; nothing for any other.
std::optional<TlsSuite> find_tls_suite(std::uint16_t number);

/// Of the suite's hash, and so of its secrets.
std::size_t secret_bytes(TlsSuite suite);

/// What one direction of a connection is encrypted with. Wiped when it goes.
struct TlsTrafficKeys {
  static constexpr std::size_t kSecretBytesMax = 48;
  static constexpr std::size_t kKeyBytesMax = 32;
  static constexpr std::size_t kNonceBytes = 12;

  TlsTrafficKeys() = default;
  TlsTrafficKeys(const TlsTrafficKeys&) = delete;
  TlsTrafficKeys& operator=(const TlsTrafficKeys&) = delete;
  ~TlsTrafficKeys();

  std::uint64_t sequence = 0;  ///< of the next record
  std::array<unsigned char, kSecretBytesMax> secret{};
  std::array<unsigned char, kKeyBytesMax> key{};
  std::array<unsigned char, kNonceBytes> iv{};
};

/// The contexts of libcrypto that the connections of one thread share, so that each of them has
/// nothing but keys. What fails here fails for want of memory; only `open` refuses what a peer
/// sent.
///
/// A context remembers its last key, as expanding one costs half as much as a small record.
/// Thread: one at a time.
class TlsCrypto {
 public:
  static constexpr std::size_t kTagBytes = 16;

  TlsCrypto();
  ~TlsCrypto();
  TlsCrypto(const TlsCrypto&) = delete;
  TlsCrypto& operator=(const TlsCrypto&) = delete;

  /// Key and IV from `keys.secret` (RFC 8446 §7.3); the sequence begins again.
  [[nodiscard]] bool derive(TlsSuite suite, TlsTrafficKeys& keys);
  /// The secret after `keys.secret` (RFC 8446 §7.2), and what is derived from it.
  [[nodiscard]] bool advance(TlsSuite suite, TlsTrafficKeys& keys);

  /// Encrypts `text` in place and writes its tag of kTagBytes; RFC 8446 §5.2, §5.3. `header` is the
  /// record's. Uses up one sequence number.
  [[nodiscard]] bool seal(TlsSuite suite, TlsTrafficKeys& keys, ByteView header, MutableBytes text,
                          char* tag);
  /// Decrypts all but the last kTagBytes of `sealed`, which are the tag, to `text`: `sealed`
  /// itself, or bytes apart from it. False, and no sequence number is used, if the tag is wrong;
  /// what stands in `text` then means nothing.
  [[nodiscard]] bool open(TlsSuite suite, TlsTrafficKeys& keys, ByteView header, ByteView sealed,
                          char* text);

 private:
  struct CipherDeleter {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  struct Aead {
    std::unique_ptr<evp_cipher_ctx_st, CipherDeleter> context;
    std::array<unsigned char, TlsTrafficKeys::kKeyBytesMax> key{};
    bool has_key = false;
  };

  static Aead make_aead(TlsSuite suite, bool is_sealing);
  static bool prepare(Aead& aead, TlsSuite suite, const TlsTrafficKeys& keys);
  static bool expand(TlsSuite suite, const TlsTrafficKeys& keys, ByteView label,
                     std::span<unsigned char> into);

  std::array<Aead, kTlsSuiteCount> sealing_;
  std::array<Aead, kTlsSuiteCount> opening_;
};

}  // namespace wspush::net
