#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "wspush/base/bytes.hpp"
#include "wspush/base/clock.hpp"

#include "base/token_bucket.hpp"
#include "net/tls_crypto.hpp"

namespace wspush::net {

/// What a record holds (RFC 8446 §5.1). A change_cipher_spec has no place behind a handshake.
enum class TlsContent : std::uint8_t { kAlert = 21, kHandshake = 22, kApplicationData = 23 };

/// Those that we send or tell from others (RFC 8446 §6).
enum class TlsAlert : std::uint8_t {
  kCloseNotify = 0,
  kUnexpectedMessage = 10,
  kBadRecordMac = 20,
  kRecordOverflow = 22,
  kIllegalParameter = 47,
  kDecodeError = 50,
  kInternalError = 80,
  kUserCanceled = 90,
};

/// The record layer of a server of TLS 1.3 behind its handshake: both directions, keys and sequence
/// numbers, alerts and key updates. It is all that a connection keeps of TLS, so it is small.
///
///     record   type (23) | version, ignored | length, big-endian 16 bits | sealed
///     sealed   AEAD of: content | its type | zeros, any number | and behind it the tag (16)
///
/// Pure: bytes in, bytes out. What the peer may send without sending anything is bounded: records
/// with nothing in them by kEmptyRecordsMax in a row, key updates by kKeyUpdateLimit, which `read`
/// is asked about with the time. Thread: that of the TlsCrypto given. Source: RFC 8446 §4.6.3, §5,
/// §6.
class TlsRecords {
 public:
  static constexpr std::size_t kHeaderBytes = 5;
  static constexpr std::size_t kContentBytesMax = 1U << 14U;
  static constexpr std::size_t kSealedBytesMax = kContentBytesMax + 256;
  static constexpr std::size_t kRecordBytesMax = kHeaderBytes + kSealedBytesMax;

  /// Of one key of ours: a third of the 2^24.5 that RFC 8446 §5.5 allows for AES-GCM.
  static constexpr std::uint64_t kRecordsPerKeyMax = std::uint64_t{1} << 23U;
  static constexpr std::uint8_t kEmptyRecordsMax = 32;
  /// Of the peer: each is 3 us of ours, as a small message is. An honest one needs one in many
  /// gigabytes, but Java then sends one for each record that is on its way already: 8 MiB of them.
  static constexpr RateLimit kKeyUpdateLimit = {.per_second = 16, .burst = 512};

  /// Where a direction of a handshake has come to.
  struct Start {
    std::span<const unsigned char> secret;  ///< as long as the suite's hash; RFC 8446 §7.1
    std::uint64_t sequence = 0;             ///< of the next record
  };

  /// `content_bytes_max`: of a record of ours, where the client has set a bound (RFC 6066 §4).
  explicit TlsRecords(TlsSuite suite, std::size_t content_bytes_max = kContentBytesMax)
      : content_bytes_max_(static_cast<std::uint16_t>(content_bytes_max)), suite_(suite) {}

  std::size_t content_bytes_max() const { return content_bytes_max_; }

  /// Once, before anything else; false if memory runs out. `reading` is the peer's direction.
  [[nodiscard]] bool start(const Start& reading, const Start& writing, TlsCrypto& crypto);

  enum class Outcome : std::uint8_t {
    kNeedMore,   ///< the record is not whole yet
    kContent,    ///< application data, at least one byte
    kNothing,    ///< a record that holds nothing for anybody
    kKeyUpdate,  ///< the peer has a new key; ask may_update_key()
    kEnd,        ///< close_notify: what follows is to be ignored (RFC 8446 §6.1)
    kRefused,    ///< fatal; `alert` is to be sent
    kAborted,    ///< the peer has sent an alert that ends the connection
  };
  struct Opened {
    Outcome outcome = Outcome::kNeedMore;
    TlsAlert alert = TlsAlert::kCloseNotify;
    std::size_t used = 0;  ///< bytes of the input
    MutableBytes content;
  };

  /// Opens the first record in `input`. `content` stands in `room` if the record might fill it no
  /// further than to its end, else in `input`. After kEnd, kRefused and kAborted nothing may
  /// follow.
  Opened open(MutableBytes input, MutableBytes room, TlsCrypto& crypto);

  /// Whether `open` would come to an outcome.
  static bool has_record(ByteView input);

  /// False if the peer changes its key too often. Once for each kKeyUpdate.
  bool may_update_key(TimePoint now) { return key_updates_.take(now, kKeyUpdateLimit); }

  /// Makes a record of what stands in `out` from `begin` on: kHeaderBytes of room for the header,
  /// then the content, at most kContentBytesMax. Adds kOverheadBytes - kHeaderBytes. False if
  /// memory runs out: the connection is over.
  static constexpr std::size_t kOverheadBytes = kHeaderBytes + 1 + TlsCrypto::kTagBytes;
  [[nodiscard]] bool seal(TlsContent type, std::size_t begin, std::string& out, TlsCrypto& crypto);
  /// Appends a record.
  [[nodiscard]] bool seal_alert(TlsAlert alert, std::string& out, TlsCrypto& crypto);

  /// Whether a key update of ours has to come before the next application data: the peer has asked
  /// for it, or our key is used up.
  bool owes_key_update() const {
    return is_update_wanted_ || writing_.sequence >= kRecordsPerKeyMax;
  }
  /// Appends it, and goes on with the next key.
  [[nodiscard]] bool seal_key_update(std::string& out, TlsCrypto& crypto);

 private:
  Opened on_content(TlsContent type, MutableBytes content, TlsCrypto& crypto);
  Opened on_alert(ByteView content);
  Opened on_handshake(ByteView content, TlsCrypto& crypto);
  Opened on_nothing();
  static Opened refuse(TlsAlert alert) { return {Outcome::kRefused, alert, 0, {}}; }

  static constexpr std::size_t kKeyUpdateBytes = 5;

  TlsTrafficKeys reading_;
  TlsTrafficKeys writing_;
  TokenBucket key_updates_;
  std::uint16_t content_bytes_max_;
  TlsSuite suite_;
  std::uint8_t empty_records_ = 0;    ///< in a row
  std::uint8_t handshake_bytes_ = 0;  ///< of `handshake_`
  bool is_update_wanted_ = false;
  std::array<char, kKeyUpdateBytes> handshake_{};  ///< a message that has begun
};

}  // namespace wspush::net
