#include "net/tls_records.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"

namespace wspush::net {
namespace {

constexpr char kKeyUpdateType = 24;
constexpr char kFatal = 2;
constexpr char kWarning = 1;

std::size_t sealed_bytes(ByteView header) {
  return static_cast<std::size_t>(static_cast<unsigned char>(header[3])) * 256 +
         static_cast<unsigned char>(header[4]);
}

}  // namespace

bool TlsRecords::start(const Start& reading, const Start& writing, TlsCrypto& crypto) {
  for (const auto& [keys, from] : {std::pair{&reading_, &reading}, {&writing_, &writing}}) {
    WSPUSH_CHECK(from->secret.size() == secret_bytes(suite_));
    std::ranges::copy(from->secret, keys->secret.begin());
    if (!crypto.derive(suite_, *keys)) {
      return false;
    }
    keys->sequence = from->sequence;
  }
  return true;
}

// --- input

bool TlsRecords::has_record(ByteView input) {
  if (input.size() < kHeaderBytes) {
    return false;
  }
  const std::size_t sealed = sealed_bytes(input);
  return input[0] != static_cast<char>(TlsContent::kApplicationData) || sealed > kSealedBytesMax ||
         input.size() >= kHeaderBytes + sealed;
}

TlsRecords::Opened TlsRecords::open(MutableBytes input, MutableBytes room, TlsCrypto& crypto) {
  if (!has_record(as_view(input))) {
    return {};
  }
  const ByteView header = as_view(input.first(kHeaderBytes));
  if (header[0] != static_cast<char>(TlsContent::kApplicationData)) {
    return refuse(TlsAlert::kUnexpectedMessage);
  }
  const std::size_t sealed = sealed_bytes(header);
  if (sealed > kSealedBytesMax) {
    return refuse(TlsAlert::kRecordOverflow);
  }
  if (sealed < TlsCrypto::kTagBytes) {
    return refuse(TlsAlert::kBadRecordMac);
  }
  if (reading_.sequence == std::numeric_limits<std::uint64_t>::max()) {
    return refuse(TlsAlert::kInternalError);  // It must not wrap (RFC 8446 §5.3).
  }
  const MutableBytes body = input.subspan(kHeaderBytes, sealed);
  const std::size_t inner_bytes = sealed - TlsCrypto::kTagBytes;
  const MutableBytes inner =
      room.size() >= inner_bytes ? room.first(inner_bytes) : body.first(inner_bytes);
  if (!crypto.open(suite_, reading_, header, as_view(body), inner.data())) {
    return refuse(TlsAlert::kBadRecordMac);
  }
  if (inner_bytes > kContentBytesMax + 1) {
    return refuse(TlsAlert::kRecordOverflow);
  }
  const std::size_t type_at = as_view(inner).find_last_not_of('\0');
  if (type_at == ByteView::npos) {
    return refuse(TlsAlert::kUnexpectedMessage);
  }
  const auto type = static_cast<TlsContent>(inner[type_at]);
  Opened opened = on_content(type, inner.first(type_at), crypto);
  opened.used = kHeaderBytes + sealed;
  return opened;
}

TlsRecords::Opened TlsRecords::on_content(TlsContent type, MutableBytes content,
                                          TlsCrypto& crypto) {
  // Nothing comes between the parts of a message (RFC 8446 §5.1).
  if (handshake_bytes_ > 0 && type != TlsContent::kHandshake) {
    return refuse(TlsAlert::kUnexpectedMessage);
  }
  switch (type) {
    case TlsContent::kApplicationData:
      if (content.empty()) {
        return on_nothing();
      }
      empty_records_ = 0;
      return {Outcome::kContent, {}, 0, content};
    case TlsContent::kAlert:
      return on_alert(as_view(content));
    case TlsContent::kHandshake:
      return on_handshake(as_view(content), crypto);
  }
  return refuse(TlsAlert::kUnexpectedMessage);
}

/// Some of them are traffic padding (RFC 8446 §5.4), more are a way to keep us busy.
TlsRecords::Opened TlsRecords::on_nothing() {
  if (++empty_records_ > kEmptyRecordsMax) {
    return refuse(TlsAlert::kUnexpectedMessage);
  }
  return {Outcome::kNothing, {}, 0, {}};
}

/// The level says nothing (RFC 8446 §6), and whatever is not known is an error.
TlsRecords::Opened TlsRecords::on_alert(ByteView content) {
  if (content.empty()) {
    return refuse(TlsAlert::kUnexpectedMessage);  // RFC 8446 §5.4
  }
  if (content.size() != 2) {
    return refuse(TlsAlert::kDecodeError);
  }
  const auto alert = static_cast<TlsAlert>(content[1]);
  if (alert == TlsAlert::kCloseNotify) {
    return {Outcome::kEnd, {}, 0, {}};
  }
  if (alert == TlsAlert::kUserCanceled) {
    return on_nothing();  // A close_notify follows (RFC 8446 §6.1).
  }
  return {Outcome::kAborted, alert, 0, {}};
}

/// All that a client may say here is KeyUpdate (RFC 8446 §4.6): its type, a length of 1 in three
/// bytes, and whether it wants one back. It may come in parts.
TlsRecords::Opened TlsRecords::on_handshake(ByteView content, TlsCrypto& crypto) {
  if (content.empty()) {
    return refuse(TlsAlert::kUnexpectedMessage);  // RFC 8446 §5.1
  }
  std::size_t taken = 0;
  while (taken < content.size() && handshake_bytes_ < handshake_.size()) {
    handshake_[handshake_bytes_++] = content[taken++];
  }
  if (handshake_[0] != kKeyUpdateType) {
    return refuse(TlsAlert::kUnexpectedMessage);
  }
  constexpr std::array<char, 3> kLength = {0, 0, 1};
  const std::size_t length_bytes =
      std::min<std::size_t>(static_cast<std::size_t>(handshake_bytes_) - 1, kLength.size());
  if (!std::equal(kLength.begin(), kLength.begin() + length_bytes, handshake_.begin() + 1)) {
    return refuse(TlsAlert::kDecodeError);
  }
  if (handshake_bytes_ < kKeyUpdateBytes) {
    return on_nothing();
  }
  const char request = handshake_[kKeyUpdateBytes - 1];
  if (request != 0 && request != 1) {
    return refuse(TlsAlert::kIllegalParameter);
  }
  if (taken < content.size()) {
    return refuse(TlsAlert::kUnexpectedMessage);  // The key changes at the end of a record (§5.1).
  }
  if (!crypto.advance(suite_, reading_)) {
    return refuse(TlsAlert::kInternalError);
  }
  handshake_bytes_ = 0;
  is_update_wanted_ |= request == 1;
  return {Outcome::kKeyUpdate, {}, 0, {}};
}

// --- output

bool TlsRecords::seal(TlsContent type, std::size_t begin, std::string& out, TlsCrypto& crypto) {
  WSPUSH_ASSERT(out.size() >= begin + kHeaderBytes);
  const std::size_t content = out.size() - begin - kHeaderBytes;
  WSPUSH_CHECK(content <= kContentBytesMax && writing_.sequence < UINT64_MAX);
  out.push_back(static_cast<char>(type));
  out.append(TlsCrypto::kTagBytes, '\0');
  const MutableBytes record = MutableBytes(out).subspan(begin);
  const std::size_t sealed = record.size() - kHeaderBytes;
  record[0] = static_cast<char>(TlsContent::kApplicationData);
  record[1] = 3;
  record[2] = 3;
  record[3] = static_cast<char>(sealed >> 8U);
  record[4] = static_cast<char>(sealed & 0xffU);
  const MutableBytes inner = record.subspan(kHeaderBytes, content + 1);
  return crypto.seal(suite_, writing_, as_view(record.first(kHeaderBytes)), inner,
                     inner.data() + inner.size());
}

bool TlsRecords::seal_alert(TlsAlert alert, std::string& out, TlsCrypto& crypto) {
  const std::size_t begin = out.size();
  const bool is_end = alert == TlsAlert::kCloseNotify;
  out.append(kHeaderBytes, '\0');
  out.push_back(is_end ? kWarning : kFatal);
  out.push_back(static_cast<char>(alert));
  return seal(TlsContent::kAlert, begin, out, crypto);
}

bool TlsRecords::seal_key_update(std::string& out, TlsCrypto& crypto) {
  constexpr char kNotRequested = 0;
  const std::size_t begin = out.size();
  out.append(kHeaderBytes, '\0');
  out.append({kKeyUpdateType, 0, 0, 1, kNotRequested});
  is_update_wanted_ = false;
  return seal(TlsContent::kHandshake, begin, out, crypto) && crypto.advance(suite_, writing_);
}

}  // namespace wspush::net
