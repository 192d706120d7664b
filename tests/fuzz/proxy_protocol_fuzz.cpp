#include <arpa/inet.h>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/http_oracle.hpp"
#include "net/proxy_protocol.hpp"

// The PROXY protocol, both versions: against a plain reading of the whole header, and in any
// pieces. What follows the header belongs to somebody else and is never taken.
namespace wspush::fuzz {
namespace {

using net::ProxyHeaderParser;
using net::ProxyHeaderStatus;

struct Outcome {
  ProxyHeaderStatus status = ProxyHeaderStatus::kNeedMore;
  std::size_t consumed = 0;
  std::string source;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <typename NextPiece>
Outcome read(ByteView input, NextPiece&& next_piece) {
  ProxyHeaderParser parser;
  Outcome outcome;
  while (outcome.consumed < input.size() && outcome.status == ProxyHeaderStatus::kNeedMore) {
    const Copy piece(input.substr(outcome.consumed, next_piece()));
    const auto step = parser.next(piece.view());
    WSPUSH_CHECK(step.consumed <= piece.view().size());
    WSPUSH_CHECK(step.status != ProxyHeaderStatus::kNeedMore ||
                 step.consumed == piece.view().size());
    outcome.consumed += step.consumed;
    outcome.status = step.status;
  }
  WSPUSH_CHECK(outcome.consumed <= net::kProxyHeaderBytesMax);
  if (outcome.status == ProxyHeaderStatus::kError) {
    WSPUSH_CHECK(*parser.fault() != '\0');
  }
  if (outcome.status == ProxyHeaderStatus::kComplete) {
    outcome.source = parser.source().text();
  }
  // Nothing more once it has ended.
  if (outcome.status != ProxyHeaderStatus::kNeedMore) {
    WSPUSH_CHECK(parser.next("PROXY ").consumed == 0);
  }
  return outcome;
}

std::string text_of(int family, const void* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  WSPUSH_CHECK(inet_ntop(family, bytes, text, sizeof text) != nullptr);
  return text;
}

/// The address, as the parser's own type prints it.
std::optional<std::string> address_of(const std::string& text, int family) {
  char bytes[16];
  if (text.find('\0') != text.npos || inet_pton(family, text.c_str(), bytes) != 1) {
    return std::nullopt;
  }
  return text_of(family, bytes);
}

bool is_port(const std::string& text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos &&
         (text.size() == 1 || text[0] != '0') && std::stoi(text) <= 65535;
}

struct Plain {
  std::size_t bytes = 0;
  std::optional<std::string> source;  ///< nothing: that of the socket
};

std::optional<Plain> plain_line(ByteView input) {
  const std::size_t end = input.find("\r\n");
  if (!input.starts_with("PROXY ") || end == input.npos || end + 2 > 107 ||
      input.substr(0, end).find_first_of("\r\n") != input.npos) {
    return std::nullopt;
  }
  const auto words = plain_split(input.substr(6, end - 6), ' ');
  if (words[0] == "UNKNOWN") {
    return Plain{end + 2, std::nullopt};
  }
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  if ((words[0] != "TCP4" && words[0] != "TCP6") || words.size() != 5 ||
      !address_of(words[1], family) || !address_of(words[2], family) || !is_port(words[3]) ||
      !is_port(words[4])) {
    return std::nullopt;
  }
  return Plain{end + 2, address_of(words[1], family)};
}

constexpr ByteView kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::optional<Plain> plain_binary(ByteView input) {
  if (!input.starts_with(kSignature) || input.size() < 16) {
    return std::nullopt;
  }
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  const std::size_t length = at(14) * 256U + at(15);
  if (at(12) / 16 != 2 || at(12) % 16 > 1 || 16 + length > net::kProxyHeaderBytesMax ||
      input.size() < 16 + length) {
    return std::nullopt;
  }
  Plain plain{16 + length, std::nullopt};
  if (at(12) % 16 == 0) {
    return plain;
  }
  const unsigned family = at(13) / 16;
  const unsigned transport = at(13) % 16;
  constexpr std::size_t kBlocks[] = {0, 12, 36, 216};
  if (family > 3 || transport > 2 || length < kBlocks[family]) {
    return std::nullopt;
  }
  if (transport == 1 && (family == 1 || family == 2)) {
    plain.source = text_of(family == 1 ? AF_INET : AF_INET6, input.data() + 16);
  }
  return plain;
}

/// Whether the bytes are a header, or may become one when more come.
bool may_be_header(ByteView input) {
  if (input.starts_with('\r')) {
    if (input.size() < 16) {
      return kSignature.starts_with(input.substr(0, kSignature.size()));
    }
    // What is announced would have to follow: zeros are as good as any.
    std::string more(input);
    const std::size_t length =
        static_cast<unsigned char>(more[14]) * 256U + static_cast<unsigned char>(more[15]);
    more.resize(std::max(more.size(), 16 + length), '\0');
    return plain_binary(more).has_value();
  }
  const std::size_t line_bytes = input.find('\n');
  if (line_bytes != input.npos || input.size() >= 107) {
    return plain_line(input).has_value();
  }
  return input.starts_with("PROXY ") || ByteView("PROXY ").starts_with(input);
}

}  // namespace

void run(ByteView input) {
  if (input.size() > 5'000) {
    return;
  }
  const Outcome whole = read(input, [&] { return input.size(); });
  WSPUSH_CHECK(read(input, [] { return std::size_t{1}; }) == whole);
  SplitMix64 chance = chance_of(input);
  WSPUSH_CHECK(read(input, [&] { return static_cast<std::size_t>(1 + chance.below(30)); }) ==
               whole);
  const auto plain = input.starts_with('\r') ? plain_binary(input) : plain_line(input);
  WSPUSH_CHECK(plain.has_value() == (whole.status == ProxyHeaderStatus::kComplete));
  WSPUSH_CHECK(may_be_header(input) == (whole.status != ProxyHeaderStatus::kError));
  if (plain) {
    WSPUSH_CHECK(plain->bytes == whole.consumed);
    // "::" is nobody's address (RFC 4291 §2.5.2), ::ffff:a.b.c.d the IPv4 one that it holds.
    std::string source = plain->source.value_or("");
    if (source == "::") {
      source.clear();
    } else if (source.starts_with("::ffff:") && source.find('.') != source.npos) {
      source.erase(0, 7);
    }
    WSPUSH_CHECK(whole.source == source);
  }
}

}  // namespace wspush::fuzz
