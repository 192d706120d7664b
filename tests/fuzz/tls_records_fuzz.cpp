#include <algorithm>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "net/tls_records.hpp"
#include "unit/net/tls_test_peer.hpp"

// The record layer of TLS 1.3. The input is a script for a peer that knows the keys: honest records
// of any content, records that were tampered with, and bytes that are no records at all, cut
// anywhere. What is made of it must not depend on the cuts, nor on where the content is put, and
// must be what a plain reading of RFC 8446 makes of the contents.
namespace wspush::fuzz {
namespace {

using net::TlsAlert;
using net::TlsContent;
using net::TlsRecords;
using Outcome = TlsRecords::Outcome;

constexpr std::size_t kWireBytesMax = 80'000;

std::string refusal(int alert) {
  return "!" + std::to_string(alert);
}

/// What the contents mean, one after the other.
class PlainReading {
 public:
  bool is_over() const { return is_over_; }
  const std::string& log() const { return log_; }

  /// `inner`: content, type, zeros. True if the key changes behind it.
  bool take(std::string inner) {
    if (inner.size() > TlsRecords::kContentBytesMax + 1) {
      return end(refusal(22));
    }
    while (!inner.empty() && inner.back() == '\0') {
      inner.pop_back();
    }
    if (inner.empty()) {
      return end(refusal(10));
    }
    const int type = static_cast<unsigned char>(inner.back());
    inner.pop_back();
    if (!message_.empty() && type != 22) {
      return end(refusal(10));
    }
    switch (type) {
      case 21:
        return take_alert(inner);
      case 22:
        return take_handshake(inner);
      case 23:
        if (inner.empty()) {
          return take_nothing();
        }
        nothings_ = 0;
        log_ += "(" + inner + ")";
        return false;
      default:
        return end(refusal(10));
    }
  }

  /// Bytes that are not what the peer has sealed next.
  void take_junk(ByteView junk) {
    if (junk.size() < 5) {
      return;
    }
    const std::size_t sealed =
        static_cast<unsigned char>(junk[3]) * 256U + static_cast<unsigned char>(junk[4]);
    if (junk[0] != 23) {
      end(refusal(10));
    } else if (sealed > 16'640) {
      end(refusal(22));
    } else if (junk.size() >= 5 + sealed) {
      end(refusal(20));
    }
  }

 private:
  bool end(const std::string& how) {
    log_ += how;
    is_over_ = true;
    return false;
  }

  bool take_nothing() {
    if (++nothings_ > TlsRecords::kEmptyRecordsMax) {
      return end(refusal(10));
    }
    log_ += "-";
    return false;
  }

  bool take_alert(const std::string& alert) {
    if (alert.size() != 2) {
      return end(refusal(alert.empty() ? 10 : 50));
    }
    const int description = static_cast<unsigned char>(alert[1]);
    if (description == 90) {
      return take_nothing();
    }
    return end(description == 0 ? "end" : "alert" + std::to_string(description));
  }

  bool take_handshake(const std::string& part) {
    if (part.empty()) {
      return end(refusal(10));
    }
    message_ += part;
    if (message_[0] != 24) {
      return end(refusal(10));
    }
    const ByteView length = ByteView(message_).substr(1, 3);
    if (length != ByteView("\0\0\1", 3).substr(0, length.size())) {
      return end(refusal(50));
    }
    if (message_.size() < 5) {
      return take_nothing();
    }
    if (message_[4] != 0 && message_[4] != 1) {
      return end(refusal(47));
    }
    if (message_.size() > 5) {
      return end(refusal(10));
    }
    log_ += "key";
    message_.clear();
    return true;
  }

  std::string log_;
  std::string message_;  ///< of a handshake, that is not whole
  int nothings_ = 0;
  bool is_over_ = false;
};

struct Ends {
  explicit Ends(net::TlsSuite chosen) : suite(chosen) {}

  net::TlsSuite suite;
  std::string theirs = std::string(net::secret_bytes(suite), 't');
  std::string ours = std::string(net::secret_bytes(suite), 'o');
};

/// All that comes over the wire, read by ours.
template <typename NextPiece, typename NextRoom>
std::string read(const Ends& ends, ByteView wire, NextPiece&& next_piece, NextRoom&& next_room) {
  static net::TlsCrypto crypto;
  TlsRecords records(ends.suite);
  WSPUSH_CHECK(
      records.start({net::as_secret(ends.theirs), 0}, {net::as_secret(ends.ours), 0}, crypto));
  std::string log;
  std::string pending;
  while (!wire.empty()) {
    const ByteView piece = wire.substr(0, next_piece());
    wire.remove_prefix(piece.size());
    pending += piece;
    while (TlsRecords::has_record(pending)) {
      Copy input(pending);
      Copy room(std::string(next_room(), 'r'));
      const TlsRecords::Opened opened = records.open(input.bytes(), room.bytes(), crypto);
      WSPUSH_CHECK(opened.outcome != Outcome::kNeedMore);
      WSPUSH_CHECK(opened.used <= pending.size());
      WSPUSH_CHECK(opened.content.empty() == (opened.outcome != Outcome::kContent));
      switch (opened.outcome) {
        case Outcome::kNeedMore:
          break;
        case Outcome::kContent:
          WSPUSH_CHECK(opened.content.size() <= TlsRecords::kContentBytesMax);
          log += "(" + std::string(as_view(opened.content)) + ")";
          break;
        case Outcome::kNothing:
          log += "-";
          break;
        case Outcome::kKeyUpdate:
          log += "key";
          break;
        case Outcome::kEnd:
          return log + "end";
        case Outcome::kRefused:
          return log + refusal(static_cast<int>(opened.alert));
        case Outcome::kAborted:
          return log + "alert" + std::to_string(static_cast<int>(opened.alert));
      }
      WSPUSH_CHECK(opened.used > TlsRecords::kHeaderBytes);
      pending.erase(0, opened.used);
    }
    WSPUSH_CHECK(pending.size() < TlsRecords::kRecordBytesMax);
  }
  return log;
}

/// What ours says, read by them.
void check_output(const Ends& ends, Draw& draw) {
  static net::TlsCrypto crypto;
  TlsRecords records(ends.suite);
  const std::uint64_t first = draw.coin() ? TlsRecords::kRecordsPerKeyMax - 2 : 0;
  WSPUSH_CHECK(
      records.start({net::as_secret(ends.theirs), 0}, {net::as_secret(ends.ours), first}, crypto));
  net::TlsTestKeys seen(ends.suite, ends.ours, first);
  for (int i = 0; i < 5 && !draw.is_empty(); ++i) {
    const ByteView content = draw.piece();
    std::string out;
    const bool updates = records.owes_key_update();
    if (updates) {
      WSPUSH_CHECK(records.seal_key_update(out, crypto));
    }
    const std::size_t begin = out.size();
    out.append(TlsRecords::kHeaderBytes, '\0');
    out += content;
    WSPUSH_CHECK(records.seal(TlsContent::kApplicationData, begin, out, crypto));
    if (updates) {
      WSPUSH_CHECK(seen.open(out) == net::octets({24, 0, 0, 1, 0, 22}));
      seen.advance();
    }
    WSPUSH_CHECK(seen.open(out) == std::string(content) + "\x17");
    WSPUSH_CHECK(out.empty());
  }
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 4'096) {
    return;
  }
  Draw draw(input);
  const Ends ends(static_cast<net::TlsSuite>(draw.below(net::kTlsSuiteCount)));
  net::TlsTestKeys peer(ends.suite, ends.theirs);
  PlainReading reading;
  std::string wire;
  std::size_t derailed_at = std::string::npos;
  while (!draw.is_empty() && wire.size() < kWireBytesMax) {
    const std::size_t begin = wire.size();
    std::string inner;
    switch (draw.below(8)) {
      case 0:
        wire += draw.piece();
        if (wire.size() > begin) {
          derailed_at = std::min(derailed_at, begin);
        }
        continue;
      case 1:
        inner = draw.piece();
        break;
      case 2:
        inner = std::string(draw.piece()) + "\x17";
        break;
      case 3:
        inner = std::string(draw.piece()) + "\x16";
        break;
      case 4:
        inner = net::octets({draw.byte(), draw.byte(), 21});
        break;
      case 5:
        inner = net::octets({24, 0, 0, 1, draw.coin() ? 1 : 0, 22});
        break;
      case 6:
        // Around the largest there may be: 16,369 to 16,624.
        inner = "x\x17" + std::string(net::TlsRecords::kContentBytesMax - 17 + draw.byte(), '\0');
        break;
      default: {
        std::string record = peer.record(std::string(draw.piece()) + "\x17");
        const std::size_t bit = draw.word() % (8 * record.size());
        record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << bit % 8));
        wire += record;
        derailed_at = std::min(derailed_at, begin);
        continue;
      }
    }
    wire += peer.record(inner);
    if (derailed_at == std::string::npos && !reading.is_over() && reading.take(inner)) {
      peer.advance();
    }
  }
  if (derailed_at != std::string::npos && !reading.is_over()) {
    reading.take_junk(ByteView(wire).substr(derailed_at));
  }
  const auto large = [] { return std::size_t{20'000}; };
  WSPUSH_CHECK(read(
                   ends, wire, [&] { return wire.size(); }, large) == reading.log());
  WSPUSH_CHECK(read(
                   ends, wire, [] { return std::size_t{1}; }, large) == reading.log());
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(read(
                   ends, wire, [&] { return static_cast<std::size_t>(1 + chance.below(200)); },
                   [&] { return static_cast<std::size_t>(chance.below(300)); }) == reading.log());
  Draw again(input);
  again.byte();
  check_output(ends, again);
}

}  // namespace wspush::fuzz
