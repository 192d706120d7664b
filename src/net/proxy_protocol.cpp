#include "net/proxy_protocol.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "net/tcp_stream.hpp"

namespace wspush::net {
namespace {

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kFixedBytes = 16;

/// By the family in the upper half of byte 13: the bytes of both addresses with their ports, and of
/// the source alone.
struct Family {
  std::uint8_t block_bytes;
  std::uint8_t source_bytes;
};
constexpr std::array<Family, 4> kFamilies = {{{0, 0}, {12, 4}, {36, 16}, {216, 0}}};
constexpr std::uint8_t kStream = 1;
constexpr std::uint8_t kLastTransport = 2;

/// Takes the next field of a version 1 line: fields are separated by exactly one blank.
std::optional<std::string_view> take_field(std::string_view& line) {
  const std::size_t blank = line.find(' ');
  const std::string_view field = line.substr(0, blank);
  line.remove_prefix(blank == line.npos ? line.size() : blank + 1);
  return field.empty() ? std::nullopt : std::optional(field);
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9' || value > 6553) {
      return false;
    }
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  return !text.empty() && value <= 65535 && (text.size() == 1 || text.front() != '0');
}

std::optional<IpAddress> parse_ip_of(std::string_view text, bool is_v6) {
  const bool has_colon = text.find(':') != text.npos;
  const auto address = parse_ip(text);
  return address && has_colon == is_v6 ? std::optional(*address) : std::nullopt;
}

}  // namespace

void ProxyHeaderParser::fail(const char* fault) {
  fault_ = fault;
  status_ = ProxyHeaderStatus::kError;
}

ProxyHeaderParser::Step ProxyHeaderParser::next(ByteView input) {
  std::size_t consumed = 0;
  while (status_ == ProxyHeaderStatus::kNeedMore && consumed < input.size()) {
    const bool is_skipping = is_binary_ && kept_bytes_ == wanted_bytes_;
    if (!is_skipping) {
      take_byte(input[consumed++]);
      continue;
    }
    const std::size_t skipped = std::min<std::size_t>(skipped_bytes_, input.size() - consumed);
    consumed += skipped;
    skipped_bytes_ = static_cast<std::uint16_t>(skipped_bytes_ - skipped);
    if (skipped_bytes_ == 0) {
      status_ = ProxyHeaderStatus::kComplete;
    }
  }
  return {consumed, status_};
}

void ProxyHeaderParser::take_byte(char byte) {
  if (kept_bytes_ == 0) {
    is_binary_ = byte == kSignature2.front();
  }
  const std::string_view signature = is_binary_ ? kSignature2 : kSignature1;
  if (kept_bytes_ < signature.size() && byte != signature[kept_bytes_]) {
    return fail("it does not begin with a PROXY header");
  }
  kept_[kept_bytes_++] = byte;
  if (is_binary_) {
    take_binary_byte();
  } else {
    take_line_byte(byte);
  }
}

void ProxyHeaderParser::take_line_byte(char byte) {
  if (byte == '\n') {
    read_line();
  } else if (kept_bytes_ == kLineBytesMax) {
    fail("the PROXY line is longer than 107 bytes");
  }
}

void ProxyHeaderParser::read_line() {
  std::string_view line(kept_.data(), kept_bytes_);
  line.remove_suffix(1);
  if (!line.ends_with('\r') || line.find('\r') + 1 != line.size()) {
    return fail("the PROXY line does not end in CRLF");
  }
  line.remove_suffix(1);
  line.remove_prefix(kSignature1.size());
  const auto protocol = take_field(line);
  status_ = ProxyHeaderStatus::kComplete;
  if (protocol == "UNKNOWN") {
    return;
  }
  if (protocol != "TCP4" && protocol != "TCP6") {
    return fail("the PROXY line names no known protocol");
  }
  const bool is_v6 = protocol == "TCP6";
  const auto source = parse_ip_of(take_field(line).value_or(""), is_v6);
  const auto destination = parse_ip_of(take_field(line).value_or(""), is_v6);
  const bool has_ports =
      is_port(take_field(line).value_or("")) && line.find(' ') == line.npos && is_port(line);
  if (!source || !destination || !has_ports) {
    return fail("the PROXY line has a malformed address or port");
  }
  source_ = *source;
}

void ProxyHeaderParser::take_binary_byte() {
  if (kept_bytes_ != wanted_bytes_) {
    return;
  }
  if (kept_bytes_ == kFixedBytes) {
    read_fixed_part();
  } else {
    read_source();
  }
  const bool is_read = kept_bytes_ == wanted_bytes_ && skipped_bytes_ == 0;
  if (is_read && status_ == ProxyHeaderStatus::kNeedMore) {
    status_ = ProxyHeaderStatus::kComplete;
  }
}

void ProxyHeaderParser::read_fixed_part() {
  const auto at = [this](std::size_t index) { return static_cast<std::uint8_t>(kept_[index]); };
  const unsigned version = at(12) >> 4;
  const unsigned command = at(12) & 0x0f;
  const unsigned family = at(13) >> 4;
  const unsigned transport = at(13) & 0x0f;
  const std::size_t length = static_cast<std::size_t>(at(14)) << 8 | at(15);
  if (version != 2 || command > 1) {
    return fail("the PROXY header has an unknown version or command");
  }
  if (length > kProxyHeaderBytesMax - kFixedBytes) {
    return fail("the PROXY header is longer than 4096 bytes");
  }
  skipped_bytes_ = static_cast<std::uint16_t>(length);
  if (command == 0) {
    return;  // LOCAL: its addresses are to be ignored, whatever they are
  }
  if (family >= kFamilies.size() || transport > kLastTransport) {
    return fail("the PROXY header has an unknown address family or transport");
  }
  if (length < kFamilies[family].block_bytes) {
    return fail("the PROXY header is too short for its addresses");
  }
  const std::uint8_t source_bytes = transport == kStream ? kFamilies[family].source_bytes : 0;
  wanted_bytes_ = static_cast<std::uint8_t>(kFixedBytes + source_bytes);
  skipped_bytes_ = static_cast<std::uint16_t>(length - source_bytes);
}

void ProxyHeaderParser::read_source() {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  auto out = source_.bytes.begin();
  if (kept_bytes_ - kFixedBytes == 4) {
    out = std::copy(kMapped.begin(), kMapped.end(), out);
  }
  std::memcpy(&*out, kept_.data() + kFixedBytes, kept_bytes_ - kFixedBytes);
}

ProxyRead read_proxy_header(int fd, ProxyHeaderParser& parser) noexcept {
  std::array<char, 512> buffer;
  const IoResult seen = peek_some(fd, buffer);
  if (seen.status == IoStatus::kWouldBlock) {
    return ProxyRead::kNeedMore;
  }
  if (seen.status != IoStatus::kOk) {
    return ProxyRead::kEnded;
  }
  const auto step = parser.next({buffer.data(), seen.bytes});
  if (step.status == ProxyHeaderStatus::kError) {
    return ProxyRead::kMalformed;
  }
  // They are in the socket's queue and nobody else takes them, so one call gets them all.
  const IoResult taken = read_some(fd, MutableBytes(buffer.data(), step.consumed));
  if (taken.status != IoStatus::kOk || taken.bytes != step.consumed) {
    return ProxyRead::kEnded;
  }
  return step.status == ProxyHeaderStatus::kComplete ? ProxyRead::kComplete : ProxyRead::kNeedMore;
}

}  // namespace wspush::net
