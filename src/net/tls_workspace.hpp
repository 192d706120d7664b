#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/uio.h>
#include <vector>

#include "wspush/base/bytes.hpp"

#include "net/tls_crypto.hpp"

struct bio_st;

namespace wspush::net {

/// How handshakes ended.
enum class TlsResult : std::uint8_t {
  kFull,
  kResumed,  ///< by a ticket: no signature, no certificate
  kFailed,   ///< refused by one side, cut, or not done in time
  kNotTls,   ///< the first byte was none of TLS: plain HTTP on a TLS port, mostly
};
inline constexpr std::size_t kTlsResultCount = 4;

/// What the TLS streams of one thread share, so that none of them owns a buffer while it is idle:
/// where ciphertext is read to and frames become records, and where records wait for the one send
/// at the end of each call. Must outlive the streams. Thread: that of the streams.
class TlsWorkspace {
 public:
  TlsWorkspace();
  ~TlsWorkspace();
  TlsWorkspace(const TlsWorkspace&) = delete;
  TlsWorkspace& operator=(const TlsWorkspace&) = delete;

  /// Handshakes that have ended since the start, by TlsResult.
  std::uint64_t count_of(TlsResult result) const {
    return counts_[static_cast<std::size_t>(result)];
  }
  /// Why the last of those that failed did: "no shared cipher". Lifetime: until the next failure.
  const std::string& last_failure() const { return last_failure_; }

  /// From now on at most `steps` reads of connections within their handshake do anything; the
  /// others see kWouldBlock, and their sockets stay readable. A step is 0.5 ms or so, for the
  /// signature; a turn must not be made of 1,000 of them.
  void allow_handshake_steps(std::size_t steps) { handshake_steps_ = steps; }

 private:
  friend class TlsStream;
  struct BioMethod;

  // RFC 8446 §5.1.
  static constexpr std::size_t kContentBytes = std::size_t{16} * 1024;
  /// Encrypted ahead of the socket at most.
  static constexpr std::size_t kAheadBytesMax = std::size_t{64} * 1024;
  static constexpr std::size_t kReceivedBytes = std::size_t{64} * 1024;
  static constexpr std::size_t kPiecesMax = 64;

  void count(TlsResult result, std::string why);

  struct BioDeleter {
    void operator()(bio_st* bio) const;
  };
  std::vector<char> received_;
  std::vector<char> record_;   ///< plaintext of one record, gathered from small pieces
  std::vector<iovec> pieces_;  ///< of one flush
  MutableBytes input_;         ///< ciphertext that has not been taken yet
  std::string output_;         ///< ciphertext that has been made
  TlsCrypto crypto_;
  std::unique_ptr<bio_st, BioDeleter> bio_;  ///< of all streams: between `input_` and `output_`
  std::size_t handshake_steps_ = SIZE_MAX;
  std::array<std::uint64_t, kTlsResultCount> counts_{};
  std::string last_failure_;
};

}  // namespace wspush::net
